"""Scans measured on a device: what is asked of each point, and which answers cannot be true."""

from dataclasses import replace

import numpy as np
import pytest
import scans

import qmlmat as qm
from qmlmat.backends import Estimate
from qmlmat.backends.statevector import StatevectorBackend
from qmlmat.errors import CapabilityError, InputError
from qmlmat.surfaces.measuring import flagged, is_flagged
from qmlmat.surfaces.surface import FINISHED

POINTS = (0, 2)


def answers(scan, *, shift=0.0, stderr=1e-3, **keywords):
    """Answers that are off by as much, with an error bar."""
    exact = StatevectorBackend().run(scan.requests(**keywords))
    found = []
    for one in exact:
        variances = np.full_like(one.values, stderr**2)
        found.append(Estimate(values=one.values + shift, variances=variances, n_shots=100))
    return found


def test_measured_exactly_a_scan_is_itself():
    """Orbitals, circuits and angles are those that are stored."""
    scan = scans.hydrogen()
    measured = scan.measured(answers(scan))
    np.testing.assert_allclose(measured.energies, scan.energies, atol=1e-8)
    np.testing.assert_allclose(measured.stderr, 1e-3)
    np.testing.assert_allclose(measured.references, scan.references)
    assert measured.is_complete
    assert not any(map(is_flagged, measured.statuses))


def test_measured_by_shots_a_scan_is_right_within_its_errors():
    """Every point within five error bars."""
    scan = scans.hydrogen()
    found = StatevectorBackend(shots=20_000).run(scan.requests(), seed=2)
    measured = scan.measured(found)
    assert (np.abs(measured.energies - scan.energies) < 5 * measured.stderr).all()


def test_points_may_be_chosen():
    """The others are not computed."""
    scan = scans.hydrogen()
    assert len(scan.requests(points=POINTS)) == 2
    measured = scan.measured(answers(scan, points=POINTS), points=POINTS)
    assert [one is not None for one in measured.results] == [k in POINTS for k in range(4)]
    with pytest.raises(InputError, match="Use 0 to 3"):
        scan.requests(points=[4])


def test_points_without_an_answer_are_not_there():
    """A run half way is a scan half way."""
    scan = scans.hydrogen()
    found = answers(scan)
    found[1] = None
    assert [one is None for one in scan.measured(found).results] == [False, True, False, False]


@pytest.mark.parametrize(("sigmas", "is_bad"), [(4.9, False), (5.1, True)])
def test_energies_below_the_exact_ones_by_more_than_five_errors_are_flagged(sigmas, is_bad):
    """By chance that does not happen: something is wrong."""
    scan = scans.hydrogen()
    measured = scan.measured(answers(scan, shift=-sigmas * 1e-3 - 1e-6))
    for status in measured.statuses:
        assert is_flagged(status) == is_bad
        assert ("below the exact ground state" in status) == is_bad
    assert measured.is_converged == (not is_bad)


def test_energies_above_are_no_flag():
    """Noise heats."""
    scan = scans.hydrogen()
    assert not any(map(is_flagged, scan.measured(answers(scan, shift=0.2)).statuses))


@pytest.mark.parametrize("stderr", [0.0, np.nan, np.inf])
def test_error_bars_that_are_none_are_flagged(stderr):
    """Zero, infinite, or no number."""
    scan = scans.hydrogen()
    for status in scan.measured(answers(scan, shift=-1e-3, stderr=stderr)).statuses:
        assert status == "flagged: error bars of zero, or none that are finite"
        assert status not in FINISHED


def test_energies_that_are_no_numbers_are_flagged():
    """And they are not compared with anything."""
    scan = scans.hydrogen()
    (status,) = set(scan.measured(answers(scan, shift=np.nan)).statuses)
    assert status == "flagged: energies that are not finite"


def test_flags_of_the_run_reach_the_status():
    """Beside those of the energies, each once."""
    scan = scans.hydrogen()
    flags = [("job 1: drifted",), (), (), ("a", "a")]
    measured = scan.measured(answers(scan), flags=flags)
    assert measured.statuses[0] == "flagged: job 1: drifted"
    assert not is_flagged(measured.statuses[1])
    assert measured.statuses[3] == "flagged: a"
    both = flagged(scan.measured(answers(scan, stderr=0.0)).results[0], ["b"])
    assert both.status.endswith("none that are finite; b")


def test_more_or_fewer_answers_are_refused():
    """They would be given to the wrong points."""
    scan = scans.hydrogen()
    with pytest.raises(InputError, match=r"this scan's requests\(\)"):
        scan.measured(answers(scan)[:-1])


def test_points_without_a_solution_are_refused():
    """Failed or not computed: said with the remedy."""
    scan = scans.hydrogen()
    with pytest.raises(InputError, match="points="):
        scans.troubled().requests()
    absent = replace(scan, results=(None, *scan.results[1:]))
    with pytest.raises(InputError, match="not computed"):
        absent.requests()
    assert len(absent.requests(points=[1, 2, 3])) == 3


def test_surfaces_without_orbitals_are_refused():
    """A function of the positions has no circuits."""
    with pytest.raises((CapabilityError, InputError), match=r"SolverSurface|no solution"):
        scans.water().requests()


def test_several_states_are_measured_in_order():
    """States with angles of their own, one request each."""
    molecule = qm.Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.74]])
    surface = qm.SolverSurface(molecule, qm.ActiveSpace(), qm.VQD("uccgsd"), n_states=2)
    scan = qm.scan(surface, qm.stretch(molecule, (0, 1), [0.7, 0.9]))
    assert len(scan.requests()) == 4
    measured = scan.measured(answers(scan))
    np.testing.assert_allclose(measured.energies, scan.energies, atol=1e-7)
