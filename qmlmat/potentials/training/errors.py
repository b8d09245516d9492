"""How wrong a model is at points whose energies are known."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import torch

from qmlmat.potentials.base import Potential
from qmlmat.potentials.data import SurfaceData
from qmlmat.typing import FloatArray
from qmlmat.units import HARTREE_IN_WAVENUMBER

CHUNK: Final = 512
"""Points predicted at a time: what bounds the memory."""


@dataclass(frozen=True, kw_only=True)
class Errors:
    """Errors of energies at some points, all states together, and of forces where known."""

    n_points: int
    """Number of points."""

    rmse: float
    """Root of the mean squared error (hartree)."""

    mae: float
    """Mean absolute error (hartree)."""

    largest: float
    """Largest absolute error (hartree)."""

    rmse_of_states: tuple[float, ...]
    """Root of the mean squared error of each state (hartree)."""

    force_rmse: float | None = None
    """Root of the mean squared error of force components in the ground state (hartree/Å)."""

    @classmethod
    def between(cls, predicted: FloatArray, energies: FloatArray) -> Errors:
        """Return the errors of energies; forces are left out.

        Args:
            predicted: Shape ``(n_points, n_states)`` (hartree).
            energies: What is right, of as many states or more (hartree).
        """
        wrong = predicted - energies[:, : predicted.shape[1]]
        return cls(
            n_points=len(wrong),
            rmse=float(np.sqrt(np.mean(wrong**2))),
            mae=float(np.mean(np.abs(wrong))),
            largest=float(np.abs(wrong).max()),
            rmse_of_states=tuple(np.sqrt(np.mean(wrong**2, axis=0)).tolist()),
        )

    @property
    def rmse_cm1(self) -> float:
        """Root of the mean squared error (1/cm)."""
        return self.rmse * HARTREE_IN_WAVENUMBER

    @property
    def mae_cm1(self) -> float:
        """Mean absolute error (1/cm)."""
        return self.mae * HARTREE_IN_WAVENUMBER

    def to_dict(self) -> dict[str, Any]:
        """Return plain values (hartree, hartree/Å)."""
        return asdict(self)


def predicted(
    model: Potential, data: SurfaceData, *, forces: bool
) -> tuple[FloatArray, FloatArray | None]:
    """Return a model's energies ``(n_points, n_states)`` and forces (hartree, hartree/Å).

    Args:
        model: The model.
        data: Points of its atoms.
        forces: Whether to compute forces, ``(n_points, n_atoms, 3)``.
    """
    positions = model.as_tensor(data.positions)
    energies, slopes = [], []
    for part in torch.split(positions, CHUNK):
        if forces:
            found, slope = model.energies_and_forces(part)
            slopes.append(slope.double().numpy())
        else:
            with torch.no_grad():
                found = model(part)
        energies.append(found.detach().double().numpy())
    return np.concatenate(energies), np.concatenate(slopes) if forces else None


def errors_of(model: Potential, data: SurfaceData) -> Errors:
    """Return a model's errors at points whose energies are known.

    Args:
        model: The model.
        data: The points; forces are compared where the data have them.

    Raises:
        GeometryError: If the data are of other atoms.
        InputError: If they have fewer states than the model.
    """
    model.check_data(data)
    energies, forces = predicted(model, data, forces=data.forces is not None)
    force_rmse = None
    if forces is not None and data.forces is not None:
        force_rmse = float(np.sqrt(np.mean((forces - data.forces) ** 2)))
    return replace(Errors.between(energies, data.energies), force_rmse=force_rmse)
