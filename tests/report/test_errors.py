"""Error summaries: numbers anybody can work out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from qmlmat.report.errors import summarise_errors
from qmlmat.surfaces import PointResult, Scan, stretch
from qmlmat.systems import Molecule

H2 = Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.7414]])
PATH = stretch(H2, (0, 1), [0.6, 0.7, 0.8, 0.9])
ERRORS = (1e-3, 2e-3, -5e-3, 2e-3)


def _scan(errors=ERRORS, columns=None, **changes):
    results = [
        PointResult(
            energies=np.array([-1.0 + error]),
            reference=-1.0,
            columns={name: values[k] for name, values in (columns or {}).items()},
            **changes,
        )
        for k, error in enumerate(errors)
    ]
    results += [None] * (len(PATH) - len(results))
    return Scan(path=PATH, results=tuple(results), inputs={"surface": {"function": "well"}})


def test_the_five_numbers_are_those_of_the_signed_errors():
    """Mean and largest of absolute errors; non-parallelity of signed ones."""
    (found,) = summarise_errors(_scan())
    assert (found.method, found.unit, found.n_points) == ("well", "mHa", 4)
    assert (found.largest, found.largest_at) == (pytest.approx(5.0), "0.8 Å")
    assert found.mean == pytest.approx(2.5)
    assert found.root_mean_square == pytest.approx(np.sqrt((1 + 4 + 25 + 4) / 4))
    assert found.non_parallelity == pytest.approx(7.0)


def test_a_shifted_curve_is_parallel():
    """Whatever the shift, the non-parallelity error is zero."""
    (found,) = summarise_errors(_scan([0.1] * 4))
    assert found.non_parallelity == pytest.approx(0.0, abs=1e-10)
    assert found.mean == pytest.approx(100.0)


def test_every_column_of_the_same_exact_energy_has_its_own():
    """NEVPT2 approximates another energy and is left out."""
    columns = {"nevpt2": [-1.2] * 4, "ccsd(t)": [-1.001] * 4, "hartree_fock": [-0.9] * 4}
    found = summarise_errors(_scan(columns=columns))
    assert [one.method for one in found] == ["well", "Hartree–Fock", "CCSD(T)"]
    assert [one.mean for one in found[1:]] == pytest.approx([100.0, 1.0])


def test_without_a_reference_there_is_no_summary():
    """Neither of the solver nor of Hartree-Fock."""
    scan = _scan(columns={"hartree_fock": [-0.9] * 4})
    unknown = tuple(replace(result, reference=None) for result in scan.results)
    assert summarise_errors(replace(scan, results=unknown)) == ()


def test_the_exact_solver_has_no_error_but_hartree_fock_has():
    """It is what the others are compared with."""
    scan = _scan([0.0] * 4, columns={"hartree_fock": [-0.9] * 4})
    exact = replace(scan, inputs={"surface": {"solver": {"solver": "exact"}}})
    assert [one.method for one in summarise_errors(exact)] == ["Hartree–Fock"]


def test_points_without_energies_are_not_compared():
    """One point is no curve: it has no non-parallelity."""
    (found,) = summarise_errors(_scan(ERRORS[:1]))
    assert (found.n_points, found.non_parallelity) == (1, None)


def test_energies_in_ev_have_errors_in_mev():
    """The unit is that of the scan's error panel."""
    assert summarise_errors(_scan(unit="eV"))[0].unit == "meV"
