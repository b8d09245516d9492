"""Which point starts from which: spanning trees fixed by the points alone."""

from __future__ import annotations

from math import prod

import numpy as np
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree
from scipy.spatial.distance import cdist

from qmlmat.typing import FloatArray

Parents = tuple[int | None, ...]
"""Index of the point each point starts from; ``None`` for the root."""


def grid_tree(shape: tuple[int, ...], root: int) -> Parents:
    """Return the parents of the points of a grid: a comb through the root.

    The spine runs through the root along the first axis; from each of its points a tooth runs along
    the second axis, and so on. A point's parent is its neighbour one step nearer the root along the
    last axis in which the two differ, so that the teeth are independent of each other.

    Args:
        shape: Numbers of points along the axes, the last axis fastest.
        root: Index of the root, ``0 <= root < prod(shape)``.

    Example:
        >>> grid_tree((2, 3), 1)
        (1, None, 1, 4, 1, 4)
    """
    centre = np.unravel_index(root, shape)
    parents: list[int | None] = []
    for index in range(prod(shape)):
        place = [int(k) for k in np.unravel_index(index, shape)]
        away = [axis for axis in range(len(shape)) if place[axis] != centre[axis]]
        if not away:
            parents.append(None)
            continue
        axis = away[-1]
        place[axis] += 1 if place[axis] < centre[axis] else -1
        parents.append(int(np.ravel_multi_index(place, shape)))
    return tuple(parents)


def nearest_tree(coordinates: FloatArray, root: int) -> Parents:
    """Return the parents of scattered points: their minimum spanning tree, hung up at the root.

    Each axis is scaled by its spread, so that units do not matter.

    Args:
        coordinates: Coordinates, ``(n_points, n_axes)``; no two points are the same.
        root: Index of the root.
    """
    spread = np.ptp(coordinates, axis=0)
    scaled = coordinates / np.where(spread > 0, spread, 1.0)
    tree = minimum_spanning_tree(cdist(scaled, scaled))
    _, found = breadth_first_order(tree, root, directed=False)
    return tuple(None if parent < 0 else int(parent) for parent in found)
