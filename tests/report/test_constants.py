"""The spectroscopic constants of a scan: which curves have them, and how they are written."""

import numpy as np
import pytest
from rich.console import Console

import qmlmat as qm
from qmlmat.report import constants_table, scan_constants
from qmlmat.report.constants import with_uncertainty
from qmlmat.units import HARTREE_IN_EV

H2 = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.7414")
LENGTHS = np.arange(0.5, 1.21, 0.05)


def morse(positions):
    length = np.linalg.norm(positions[1] - positions[0])
    return 0.17 * (1 - np.exp(-1.9 * (length - 0.74))) ** 2


def printed(table):
    console = Console(width=120, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_each_curve_with_a_minimum_has_a_row():
    """The solver, the exact energy beside it, Hartree-Fock."""
    surface = qm.SolverSurface(H2, qm.ActiveSpace(), qm.VQE("uccsd"))
    scan = qm.scan(surface, qm.stretch(H2, (0, 1), LENGTHS))
    rows = {row.method: row.constants for row in scan_constants(scan)}
    assert list(rows) == ["VQE uccsd", "exact", "Hartree–Fock"]
    assert rows["VQE uccsd"].r_e == pytest.approx(rows["exact"].r_e, abs=1e-6)
    assert rows["Hartree–Fock"].omega_e > rows["exact"].omega_e + 100  # too stiff, as ever
    text = printed(constants_table(scan))
    assert "omega_e" in text
    assert "Hartree–Fock" in text


def test_the_asymptote_may_be_given():
    """A curve that ends early has no depth of its own."""
    scan = qm.scan(qm.FunctionSurface(morse, name="morse"), qm.stretch(H2, (0, 1), LENGTHS))
    (alone,) = scan_constants(scan)
    assert alone.constants.D_e is None
    (given,) = scan_constants(scan, asymptotes={"morse": 0.17})
    assert given.constants.D_e == pytest.approx(0.17, abs=1e-6)
    assert "–" in printed(constants_table(scan))


def test_what_is_no_diatomic_has_none():
    """Neither three atoms nor a curve without a minimum."""
    falling = qm.FunctionSurface(lambda x: 1 / float(x[1, 2]), name="falling")
    scan = qm.scan(falling, qm.stretch(H2, (0, 1), LENGTHS))
    assert scan_constants(scan) == ()
    assert "no curve" in printed(constants_table(scan))
    water = qm.Molecule.from_xyz("O 0 0 0; H 0 0.757 0.587; H 0 -0.757 0.587")
    bond = qm.FunctionSurface(morse, name="morse")
    assert scan_constants(qm.scan(bond, qm.stretch(water, (0, 1), LENGTHS + 0.3))) == ()


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [
        (1.117834, 0.000123, "1.11783(12)"),
        (2342.3, 11.4, "2342(11)"),
        (2342.3, 1234.0, "2342(1234)"),
        (0.5, 0.0, "0.50000000(1)"),
        (0.74, 3e-7, "0.74000000(30)"),
        (None, None, "–"),
        (2342.3, float("inf"), "2342(?)"),
    ],
)
def test_values_are_rounded_to_their_uncertainty(value, uncertainty, text):
    """Two digits of the uncertainty stand in brackets."""
    assert with_uncertainty(value, uncertainty) == text


def test_a_curve_in_electronvolts_has_the_same_constants():
    """The unit of the scan is that of its energies and asymptotes, not of the constants."""
    path = qm.stretch(H2, (0, 1), LENGTHS)
    surfaces = {
        1.0: qm.FunctionSurface(morse, name="morse"),
        HARTREE_IN_EV: qm.FunctionSurface(lambda x: HARTREE_IN_EV * morse(x), "eV", name="morse"),
    }
    (plain,), (found,) = (
        scan_constants(qm.scan(surface, path), asymptotes={"morse": 0.17 * unit})
        for unit, surface in surfaces.items()
    )
    assert found.constants.omega_e == pytest.approx(plain.constants.omega_e, abs=1e-3)
    assert found.constants.D_e == pytest.approx(plain.constants.D_e, abs=1e-9)


def test_frames_in_any_order_of_length_have_the_same_constants():
    """A trajectory may come together as well as go apart: each energy stays with its length."""
    surface = qm.FunctionSurface(morse, name="morse")
    path = qm.frames([H2.with_positions([[0, 0, 0], [0, 0, r]]) for r in LENGTHS[::-1]])
    assert path.points[0].distance(0, 1) > path.points[-1].distance(0, 1)
    (found,) = scan_constants(qm.scan(surface, path))
    (expected,) = scan_constants(qm.scan(surface, qm.stretch(H2, (0, 1), LENGTHS)))
    assert found.constants.r_e == pytest.approx(0.74, abs=1e-5)
    assert found.constants.omega_e == pytest.approx(expected.constants.omega_e, abs=1e-3)


def test_a_curve_without_a_plateau_says_why_it_has_no_depth():
    """A dash in the table has its reason in the notes, with what to do about it."""
    path = qm.stretch(H2, (0, 1), LENGTHS)
    (row,) = scan_constants(qm.scan(qm.FunctionSurface(morse, name="morse"), path))
    assert row.constants.D_e is None
    (note,) = row.constants.notes
    assert note.startswith("no D_e: the last two points, at 1.15 and 1.2 Å, differ by")
    assert note.endswith("Extend the scan, or give asymptote=.")
