"""The spectroscopic constants of a scan: which curves have them, and how they are written."""

import numpy as np
import pytest
from rich.console import Console

import qmlmat as qm
from qmlmat.report import constants_table, scan_constants
from qmlmat.report.constants import with_uncertainty

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
