"""Points in reciprocal space, and paths made of them by hand."""

import numpy as np
import pytest

from qmlmat.errors import InputError
from qmlmat.surfaces import Axis, Geometry, KPoint, Path


def _path(points, **changes):
    values = {
        "points": tuple(points),
        "coordinates": np.arange(float(len(points)))[:, None],
        "axes": (Axis("k", "1/angstrom"),),
        "root": 0,
        "parents": (None, *range(len(points) - 1)),
        "cell": np.eye(3),
    }
    return Path(**(values | changes))


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (((0.0, 0.5),), r"Give e.g. \(0.5, 0.0, 0.0\)"),
        (((0.0, np.nan, 0.0),), "three finite numbers"),
        (((0, 0, 0), "upp"), 'Did you mean "up"'),
    ],
)
def test_a_k_is_three_finite_numbers_and_a_spin_is_up_or_down(arguments, remedy):
    """A mistake is refused where it is made."""
    with pytest.raises(InputError, match=remedy):
        KPoint(*arguments)


def test_equal_k_are_equal():
    """A point is a value: of arrays, lists or tuples, whole numbers or not."""
    assert KPoint(np.array([0, 1, 0])) == KPoint((0.0, 1.0, 0.0))


def test_one_k_may_be_passed_twice():
    """A path that comes back to Gamma holds it at two lengths."""
    path = _path([KPoint((0, 0, 0)), KPoint((0.5, 0, 0)), KPoint((0, 0, 0))])
    assert path.is_through_k
    assert len(path.kpoints) == 3


@pytest.mark.parametrize(
    ("points", "changes", "remedy"),
    [
        ([KPoint((0, 0, 0)), Geometry(("H",), [[0, 0, 0]])], {}, "a Geometry at every point and"),
        ([Geometry(("H",), [[0, 0, 0]])], {}, "a KPoint at every point and the cell"),
        ([KPoint((0, 0, 0))], {"cell": None}, r"Make such a path with k_path\(model\)"),
        ([KPoint((0, 0, 0))], {"cell": np.ones((3, 3))}, "three independent vectors"),
        ([KPoint((0, 0, 0))] * 2, {"coordinates": np.zeros((2, 1))}, "Give each once"),
    ],
)
def test_a_path_is_of_one_kind_with_its_cell(points, changes, remedy):
    """Geometries and k do not mix, and k mean nothing without a cell."""
    with pytest.raises(InputError, match=remedy):
        _path(points, **changes)


def test_asking_a_path_for_the_other_kind_is_refused():
    """Rather than a missing attribute."""
    path = _path([KPoint((0, 0, 0))])
    with pytest.raises(InputError, match="Use kpoints"):
        _ = path.geometries
    other = _path([Geometry(("H",), [[0, 0, 0]])], cell=None)
    with pytest.raises(InputError, match=r"k_path\(model\)"):
        _ = other.kpoints
