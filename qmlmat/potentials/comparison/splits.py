"""Which points every arm is trained on, and which one test set all are measured by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qmlmat.errors import InputError
from qmlmat.potentials.data import SurfaceData
from qmlmat.provenance import content_hash


@dataclass(frozen=True, kw_only=True, eq=False)
class Splits:
    """Training sets and a test set, fixed before anything is trained.

    A seed is one order of the points outside of the test set, and a training set is the beginning
    of it: smaller ones are parts of larger ones, so that a learning curve is of one series.
    """

    pool: SurfaceData
    """Points to train on."""

    test: SurfaceData
    """Points to measure by; none is in ``pool`` unless it was handed in so."""

    orders: dict[int, tuple[int, ...]]
    """For each seed the order of the points of ``pool``."""

    def training(self, size: int, seed: int) -> SurfaceData:
        """Return the training set of a size and a seed."""
        return self.pool.subset(self.orders[seed][:size])

    def content_hash(self) -> str:
        """Return a hash of the orders and of both sets, for records."""
        orders = {str(seed): list(order) for seed, order in self.orders.items()}
        sets = [self.pool.content_hash(), self.test.content_hash()]
        return content_hash({"orders": orders, "sets": sets})


def make_splits(
    data: SurfaceData, *, sizes: Sequence[int], seeds: Sequence[int], test: SurfaceData | int
) -> Splits:
    """Return the splits of a comparison.

    Args:
        data: All points, or all but the test set.
        sizes: Sizes of training sets.
        seeds: One series of training sets for each.
        test: The test set, or how many points of ``data`` are put aside for it: the same ones
            whatever the sizes and seeds are.

    Raises:
        InputError: If there are too few points, or sizes or seeds cannot be used.
    """
    if not seeds or len(set(seeds)) < len(seeds):
        raise InputError(f"compare(seeds={list(seeds)}): give one or more, each once.")
    if isinstance(test, int):
        if not 0 < test < len(data):
            raise InputError(
                f"compare(test={test}): there are {len(data)} points. Use 1 to {len(data) - 1}, or "
                "give a test set."
            )
        test, pool = data.split(test, seed=0)
    else:
        pool = data
    if not sizes or len(set(sizes)) < len(sizes) or not all(2 <= n <= len(pool) for n in sizes):
        raise InputError(
            f"compare(sizes={list(sizes)}): {len(pool)} points are left to train on. Give sizes "
            f"from 2 to {len(pool)}, each once."
        )
    orders = {
        seed: tuple(np.random.default_rng(seed).permutation(len(pool)).tolist()) for seed in seeds
    }
    return Splits(pool=pool, test=test, orders=orders)
