"""Which state continues which curve: subspaces are followed, not vectors of a degenerate set."""

import numpy as np
import pytest
from scipy.stats import ortho_group

from qmlmat.solvers.base import LEVEL_WIDTH
from qmlmat.surfaces.continuation import (
    CONTINUED,
    Label,
    continued_curves,
    first_curves,
    levels_of,
)

SINGLET, TRIPLET = Label(multiplicity=1), Label(multiplicity=3)
A, B = Label(multiplicity=1, irrep="A1"), Label(multiplicity=1, irrep="B1")


def _after(overlaps, *, energies=None, labels=None, before=None):
    """The numbers after one step from states in the order 0, 1, 2."""
    size = len(overlaps)
    energies = np.arange(size) / 10 if energies is None else np.asarray(energies)
    labels = [Label()] * size if labels is None else labels
    start = before or first_curves(np.arange(size) / 10, [Label()] * size)
    return continued_curves(start, np.asarray(overlaps), energies, labels, size)


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1), (1j, 1, -1j)])
def test_states_that_change_places_keep_their_curves(signs):
    """Whatever the phase of each state."""
    overlaps = np.eye(3)[[0, 2, 1]] * np.array(signs)
    assert _after(overlaps).numbers == (0, 2, 1)


def test_mixed_states_go_where_most_of_all_goes():
    """An assignment of all together: not each to its largest overlap, which two could share."""
    overlaps = np.sqrt([[0.55, 0.45, 0.0], [0.60, 0.40, 0.0], [0.0, 0.0, 1.0]])
    found = _after(overlaps)
    assert found.numbers == (1, 0, 2)
    assert dict(found.doubtful) == pytest.approx({0: 0.45})


@pytest.mark.parametrize("seed", range(3))
def test_turns_within_a_level_change_nothing(seed):
    """A degenerate pair that crosses a state, turned before and after at random."""
    turn, again = ortho_group(2, seed=seed).rvs(2)
    energies = [0.0, 0.1, 0.1]
    before = first_curves(np.array(energies), [A, B, B])
    overlaps = np.zeros((3, 3))
    overlaps[np.ix_([1, 2], [0, 1])] = 0.95 * turn @ again
    overlaps[0, 2] = 0.99
    found = _after(overlaps, energies=[0.0, 0.0, 0.2], labels=[B, B, A], before=before)
    assert found.numbers == (1, 2, 0)
    assert not found.doubtful


def test_a_pair_that_splits_and_meets_again_keeps_its_directions():
    """Told apart once, its two curves go on apart, whatever is turned in between."""
    start = first_curves(np.array([0.0, 0.0]), [Label()] * 2)
    angle = 0.3
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    apart = continued_curves(start, turn, np.array([0.0, 0.1]), [Label()] * 2, 2)
    together = continued_curves(apart, turn.T, np.array([0.0, 0.0]), [Label()] * 2, 2)
    swapped = continued_curves(together, turn[:, ::-1], np.array([0.0, 0.1]), [Label()] * 2, 2)
    assert apart.numbers == (0, 1)
    assert together.numbers == (0, 1)
    assert swapped.numbers == (1, 0)


def test_another_spin_is_another_curve_however_large_the_overlap():
    """States of different spin are orthogonal; a solver's noise is no continuation."""
    before = first_curves(np.array([0.0, 0.1]), [SINGLET, TRIPLET])
    overlaps = np.array([[0.1, 0.9], [0.9, 0.1]])
    found = _after(overlaps, labels=[SINGLET, TRIPLET], before=before)
    assert 1 not in {found.numbers[0]}
    assert found.numbers[1] != 0


def test_a_spin_that_is_not_known_is_no_other_spin():
    """A mixed state continues what it overlaps with."""
    before = first_curves(np.array([0.0]), [SINGLET])
    found = continued_curves(before, np.array([[0.9]]), np.array([0.0]), [Label()], 1)
    assert found.numbers == (0,)


@pytest.mark.parametrize(("share", "numbers"), [(0.4, (1,)), (0.9, (0,))])
def test_another_irrep_bars_only_what_is_mostly_another_state(share, numbers):
    """Axes after which irreps are named may change; states do not."""
    before = first_curves(np.array([0.0]), [A])
    found = continued_curves(before, np.array([[share**0.5]]), np.array([0.0]), [B], 1)
    assert found.numbers == numbers


def test_what_overlaps_with_nothing_begins_a_curve():
    """And the curve that has no state here ends; the number is not used again."""
    low = 0.9 * CONTINUED
    found = _after(np.diag(np.sqrt([1.0, low, 1.0])))
    assert found.numbers == (0, 3, 2)
    assert (found.entered, found.ended) == ((3,), (1,))


def test_more_states_than_before_begin_curves():
    """A point may know more states than its neighbour, or fewer."""
    before = first_curves(np.array([0.0]), [Label()])
    more = continued_curves(before, np.array([[0.0, 1.0]]), np.array([-1.0, 0.0]), [Label()] * 2, 1)
    fewer = continued_curves(more, np.array([[0.0], [1.0]]), np.array([0.0]), [Label()], 2)
    assert more.numbers == (1, 0)
    assert fewer.numbers == (0,)
    assert fewer.ended == (1,)


def test_levels_are_of_one_label_and_of_neighbouring_energies():
    """Two states of one energy and different irreps are two levels."""
    near = 0.5 * LEVEL_WIDTH
    energies = np.array([0.0, near, near, 1.0])
    assert levels_of(energies, [A, B, A, A]) == ((0, 2), (1,), (3,))
