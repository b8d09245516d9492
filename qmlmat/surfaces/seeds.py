"""Seeds of points: the same draws everywhere would make their errors one curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qmlmat.backends import Backend
from qmlmat.provenance import content_hash
from qmlmat.solvers import Solver
from qmlmat.solvers.base import ModelSolver


def point_seed(
    seed: int | None,
    place: Sequence[Any],
    *,
    solver: Solver | ModelSolver,
    backend: Backend | None,
) -> int | None:
    """Return the seed with which a solver works at one point.

    Where results are drawn it is another one at every place; elsewhere the surface's own.

    Args:
        seed: The surface's.
        place: Where the point is, as plain values.
        solver: One with a ``sampler`` draws by itself, from seed 0 where none is given.
        backend: One that was chosen may draw; without a seed it draws as it likes.
    """
    samples = getattr(solver, "sampler", None) is not None
    if backend is None and not samples:
        return seed
    if seed is None and not samples:
        return None
    mark = int(content_hash(place)[:12], 16)
    return int(np.random.SeedSequence([seed or 0, mark]).generate_state(1)[0])
