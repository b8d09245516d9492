"""Conical intersections of learnt states: where they are, and the sign they leave behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from qmlmat.errors import InputError
from qmlmat.potentials.base import Potential
from qmlmat.potentials.regression import NetworkPotential
from qmlmat.typing import FloatArray

SAME_STATE: Final = 0.8
"""Overlap of a state at neighbouring points of a loop from which on its sign is trusted: a turn by
37 degrees; at 45 the other state is as near."""

N_COARSE: Final = 21
"""Points along each axis of the grid from whose smallest gap the search begins."""


@dataclass(frozen=True, kw_only=True)
class Intersection:
    """The smallest gap between two learnt states in a box of coordinates."""

    coordinates: FloatArray
    """Where, shape ``(n_axes,)`` (units of the coordinates)."""
    energies: FloatArray
    """Energies of both states there, shape ``(2,)`` (hartree)."""

    @property
    def gap(self) -> float:
        """The gap (hartree)."""
        return float(self.energies[1] - self.energies[0])


def locate_intersection(
    model: Potential,
    geometry: Callable[[FloatArray], FloatArray],
    box: Sequence[tuple[float, float]],
    *,
    states: tuple[int, int] = (0, 1),
) -> Intersection:
    """Return where two states of a model are closest.

    The square of the gap, which is smooth where states meet, is minimised from the best point of a
    coarse grid. In more than two coordinates states meet all along a seam: found is a point of it.

    Args:
        model: The model.
        geometry: From values of the coordinates ``(n_axes,)`` to positions ``(n_atoms, 3)`` (Å).
        box: Lowest and highest value of each coordinate; one to three of them.
        states: The two states.

    Raises:
        InputError: If the box has no or too many axes, or the model has no such states.
    """
    lower, upper = states
    if not 0 <= lower < upper < model.n_states or not 1 <= len(box) <= 3:
        raise InputError(
            f"locate_intersection(states={states}, {len(box)} coordinates): the model has "
            f"{model.n_states} states. Give two of them, ascending, and one to three coordinates."
        )

    def pair(values: FloatArray) -> FloatArray:
        with torch.no_grad():
            found = model.energies(model.as_tensor(geometry(values))[None])[0]
        return found[[lower, upper]].double().numpy()

    def squared(values: FloatArray) -> float:
        low, high = pair(values)
        return float((high - low) ** 2)

    axes = [np.linspace(low, high, N_COARSE) for low, high in box]
    start = min((np.array(point) for point in product(*axes)), key=squared)
    found = minimize(
        squared,
        start,
        method="Nelder-Mead",
        bounds=box,
        options={"xatol": 1e-6 * max(high - low for low, high in box), "fatol": 1e-16},
    )
    return Intersection(coordinates=found.x, energies=pair(found.x))


def berry_sign(model: NetworkPotential, loop: FloatArray, *, state: int = 0) -> int:
    """Return the sign with which a state comes back from a closed loop: -1 around an intersection.

    The product of the overlaps of neighbouring eigenvectors of the model's diabatic matrix; their
    own signs drop out.

    Args:
        model: A model of several states.
        loop: Geometries around the loop, the first not repeated, ``(n_points, n_atoms, 3)`` (Å).
        state: Which state.

    Raises:
        InputError: If the model has one state, or the loop's points are too far apart.

    References:
        M. V. Berry, Proc. R. Soc. A 392, 45 (1984), doi:10.1098/rspa.1984.0023.
        H. C. Longuet-Higgins, Proc. R. Soc. A 344, 147 (1975), doi:10.1098/rspa.1975.0095.
    """
    if model.n_states < 2 or not 0 <= state < model.n_states:
        raise InputError(
            f"berry_sign(state={state}): the model has {model.n_states} states. Use one of several."
        )
    overlaps = loop_overlaps(model, loop, state=state)
    worst = int(overlaps.abs().argmin())
    if overlaps[worst].abs() < SAME_STATE:
        raise InputError(
            f"berry_sign(loop of {len(loop)} points): the overlap between point {worst} and the "
            f"next is {float(overlaps[worst]):.2f}. Use more points, or a loop that keeps away "
            "from the intersection."
        )
    return int(overlaps.sign().prod())


def loop_overlaps(model: NetworkPotential, loop: FloatArray, *, state: int = 0) -> Tensor:
    """Return overlaps of a state at neighbouring points of a closed loop, shape ``(n_points,)``.

    Each has an arbitrary sign; their product has not.

    Args:
        model: A model of several states.
        loop: Geometries around the loop, the first not repeated, ``(n_points, n_atoms, 3)`` (Å).
        state: Which state.
    """
    with torch.no_grad():
        matrices = model.matrices(model.as_tensor(loop))
    vectors = torch.linalg.eigh(matrices).eigenvectors[:, :, state]
    overlaps: Tensor = (vectors * vectors.roll(-1, dims=0)).sum(dim=1)
    return overlaps
