"""Where states meet: places between points, on models whose answers are known."""

import numpy as np
import pytest
import several

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.units import hartree_to_ev

X = np.linspace(0.6, 1.6, 11)


def _avoided(place=1.03, slope=0.2, coupling=0.02, **options):
    half = np.sqrt((slope * (X - place)) ** 2 + coupling**2) / 2
    return several.model(np.stack([-half, half], axis=1), lengths=X, **options)


@pytest.mark.parametrize("place", [0.83, 1.0, 1.049, 1.37])
@pytest.mark.parametrize("coupling", [0.005, 0.02, 0.1])
def test_the_gap_of_two_states_that_repel_each_other_is_exact(place, coupling):
    """sqrt(a^2 x^2 + d^2): its square is the parabola that is fitted."""
    found = qm.minimum_gap(_avoided(place, coupling=coupling))
    assert found.coordinate == pytest.approx(place, abs=1e-6)
    assert found.gap == pytest.approx(coupling, rel=1e-3)
    assert found.grid_gap >= found.gap - 1e-12
    assert abs(found.grid_coordinate - place) <= 0.05 + 1e-9


def test_curved_levels_are_followed_to_a_thousandth():
    """Diabatic curves that are no straight lines: gap and place to a thousandth."""
    place, coupling = 1.03, 0.03
    difference = 0.2 * (np.exp(X - place) - 1.0)
    half = np.sqrt(difference**2 + coupling**2) / 2
    found = qm.minimum_gap(several.model(np.stack([-half, half], axis=1), lengths=X))
    assert found.coordinate == pytest.approx(place, abs=1e-3)
    assert found.gap == pytest.approx(coupling, rel=1e-3)


@pytest.mark.parametrize("place", [0.55, 1.65])
def test_a_gap_that_is_smallest_at_an_end_is_no_minimum(place):
    """The curves go on beyond the range: say so instead of an answer."""
    with pytest.raises(InputError, match=r"at the end of the range.*Extend the scan"):
        qm.minimum_gap(_avoided(place))


@pytest.mark.parametrize(("i", "j"), [(0, 5), (-1, 0), (1, 1)])
def test_states_that_do_not_exist_are_refused(i, j):
    """With how many there are."""
    with pytest.raises(InputError, match="there are 2 such states"):
        qm.minimum_gap(_avoided(), i, j)
    with pytest.raises(InputError, match="has 2 states"):
        _avoided().gaps(5, 1)


def test_a_minimum_takes_three_points():
    """Two have none."""
    with pytest.raises(InputError, match="a minimum takes three"):
        qm.minimum_gap(several.model([[0.0, 0.1], [0.0, 0.2]]))


@pytest.mark.parametrize("place", [0.65, 1.02, 1.1, 1.58])
def test_a_crossing_is_found_between_points(place):
    """Two parabolas: place and energy by the polynomials through their neighbours."""
    table = np.stack([0.1 * (X - place) ** 2 + 0.2 * X, 0.2 * place - 0.3 * (X - place)], axis=1)
    (found,) = qm.crossings(several.model(table, lengths=X, irreps=("A1", "B1")))
    assert found.coordinate == pytest.approx(place, abs=1e-6)
    assert found.energy == pytest.approx(0.2 * place, abs=1e-6)
    assert (found.rising, found.falling) == ((0,), (1,))
    low, high = X[list(found.points)]
    assert low <= place <= high


def test_curves_that_only_touch_do_not_cross():
    """A difference of zero at one point, of one sign around it."""
    table = np.stack([np.zeros_like(X), (X - 1.0) ** 2], axis=1)
    assert qm.crossings(several.model(table, lengths=X)) == ()


def test_a_pair_crosses_as_one():
    """Two curves that are degenerate on both sides are one crossing, with both numbers."""
    pair = 0.5 * (X - 1.03)
    table = np.stack([np.zeros_like(X), pair, pair], axis=1)
    scan = several.model(table, lengths=X, irreps=("A1", "E1", "E1"))
    (found,) = qm.crossings(scan)
    assert found.coordinate == pytest.approx(1.03, abs=1e-9)
    assert {found.rising, found.falling} == {(0, 1), (2,)}


def test_states_of_one_symmetry_avoid_each_other_and_others_do_not():
    """The dip is counted among the states of its label; a crossing is no dip."""
    half = np.sqrt((0.2 * (X - 1.03)) ** 2 + 0.02**2) / 2
    other = 0.3 * (X - 1.2)
    table = np.stack([-half, half, other], axis=1)
    scan = several.model(table, lengths=X, irreps=("A1", "A1", "B1"))
    (found,) = qm.avoided_crossings(scan)
    assert (found.states, found.multiplicity, found.irrep) == ((0, 1), 1, "A1")
    assert found.coordinate == pytest.approx(1.03, abs=1e-6)
    assert found.gap == pytest.approx(0.02, rel=1e-3)
    assert len(qm.crossings(scan)) == 2


def test_a_minimum_among_the_states_of_a_symmetry_skips_the_others():
    """States of B1 between them have no say."""
    half = np.sqrt((0.2 * (X - 1.03)) ** 2 + 0.02**2) / 2
    table = np.stack([-half, half, 0.1 * half], axis=1)
    scan = several.model(table, lengths=X, irreps=("A1", "A1", "B1"))
    assert qm.minimum_gap(scan, irrep="A1", multiplicity=1).gap == pytest.approx(0.02, rel=1e-3)
    assert qm.minimum_gap(scan).gap < 0.012
    with pytest.raises(InputError, match="there are 0 such states"):
        qm.minimum_gap(scan, multiplicity=3)


def test_a_gap_of_curves_is_not_one_of_states():
    """Curves that cross have a gap that goes through zero, which states in order have not."""
    table = np.stack([np.zeros_like(X), 0.4 * (X - 1.04), np.ones_like(X)], axis=1)
    scan = several.model(table, lengths=X, irreps=("A1", "B1", "A1"))
    assert qm.minimum_gap(scan, 0, 1, followed=True).gap < 0.02
    with pytest.raises(InputError, match="there are 3 curves"):
        qm.minimum_gap(scan, 0, 3, followed=True)


def test_scans_in_ev_have_gaps_in_ev():
    """The same curves in another unit have the same places."""
    scan = _avoided(unit="hartree")
    table = hartree_to_ev(1.0) * scan.energies
    found = qm.minimum_gap(several.model(table, lengths=X, unit="eV"))
    assert found.unit == "eV"
    assert found.gap == pytest.approx(hartree_to_ev(0.02), rel=1e-3)


def test_two_coordinates_have_no_order():
    """A grid has gaps at each point, and no smallest one along a line."""
    paths = [(qm.Distance(0, 1), [0.9, 1.0]), (qm.Distance(0, 2), [0.9, 1.0])]
    molecule = qm.Molecule.from_xyz("O 0 0 0; H 0 0.757 0.587; H 0 -0.757 0.587")
    surface = qm.FunctionSurface(lambda x: np.array([0.0, float(x.sum())]))
    scan = qm.scan(surface, qm.grid(molecule, paths))
    for question in (qm.minimum_gap, qm.crossings, qm.avoided_crossings):
        with pytest.raises(InputError, match=r"the path has 2 coordinates.*scan\.gaps"):
            question(scan)
