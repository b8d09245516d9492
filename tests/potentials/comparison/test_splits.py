"""Splits: fixed before training, nested, and the same for every arm."""

import pytest
from learnt import hydrogen_data

from qmlmat.errors import InputError
from qmlmat.potentials.comparison.splits import make_splits


def _lengths(data):
    return set(data.positions[:, 1, 2].tolist())


def test_a_smaller_training_set_is_part_of_a_larger_one():
    """A learning curve is of one series of sets."""
    splits = make_splits(hydrogen_data(40), sizes=[5, 10, 20], seeds=[0, 1], test=10)
    for seed in (0, 1):
        sets = [_lengths(splits.training(size, seed)) for size in (5, 10, 20)]
        assert [len(one) for one in sets] == [5, 10, 20]
        assert sets[0] < sets[1] < sets[2]
    assert _lengths(splits.training(20, 0)) != _lengths(splits.training(20, 1))


def test_no_point_is_in_a_training_set_and_in_the_test_set():
    """The test set is put aside first."""
    splits = make_splits(hydrogen_data(40), sizes=[30], seeds=range(5), test=10)
    assert len(splits.test) == 10
    assert all(not _lengths(splits.test) & _lengths(splits.training(30, s)) for s in range(5))


def test_the_test_set_does_not_depend_on_sizes_and_seeds():
    """A comparison that is extended keeps its test set, and its hash tells the splits apart."""
    data = hydrogen_data(40)
    few = make_splits(data, sizes=[5], seeds=[0], test=10)
    more = make_splits(data, sizes=[5, 20], seeds=[0, 1], test=10)
    assert few.test.content_hash() == more.test.content_hash()
    assert few.content_hash() != more.content_hash()
    assert few.content_hash() == make_splits(data, sizes=[8], seeds=[0], test=10).content_hash()


@pytest.mark.parametrize(
    ("sizes", "seeds", "test", "remedy"),
    [
        ([40], [0], 10, "from 2 to 30"),
        ([1], [0], 10, "from 2 to 30"),
        ([], [0], 10, "from 2 to 30"),
        ([5, 5], [0], 10, "each once"),
        ([5], [], 10, "one or more"),
        ([5], [0, 0], 10, "each once"),
        ([5], [0], 40, "Use 1 to 39"),
        ([5], [0], 0, "Use 1 to 39"),
    ],
)
def test_sets_that_cannot_be_made_are_refused(sizes, seeds, test, remedy):
    """Named with what would do."""
    with pytest.raises(InputError, match=remedy):
        make_splits(hydrogen_data(40), sizes=sizes, seeds=seeds, test=test)
