"""What every learnt surface is: a ``torch.nn.Module`` and a ``Surface`` at once."""

from __future__ import annotations

import hashlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from qmlmat.errors import GeometryError, InputError
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.domain import Domain
from qmlmat.provenance import content_hash
from qmlmat.surfaces import Geometry, PointResult
from qmlmat.surfaces.surface import CONVERGED, FAILED, check_geometry
from qmlmat.typing import FloatArray
from qmlmat.units import Unit

OUTSIDE: Final = "outside_domain"
"""Status of a prediction at a geometry that lies outside of the training data's ranges."""

Objective = Callable[[], Tensor]
"""Returns the loss, a scalar that depends on the model's parameters."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What is minimised when a model learns labels."""

    force_weight: float = 0.0
    """Weight of the mean squared error of force components (units of the scaled energy per Å)
    beside that of energies; 0: forces are not used."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.force_weight < float("inf"):
            raise InputError(f"Loss(force_weight={self.force_weight}): use 0 or more.")


class Potential(torch.nn.Module, ABC):
    """A model of energies, ready to be trained by ``fit`` and used wherever a ``Surface`` is.

    Subclasses give ``energies``; they may give ``stderr`` and say how they are trained
    (``objective``, ``prepare``, ``condition``).
    """

    unit: Unit = "hartree"
    """Unit of every energy."""

    information: str = "labels"
    """What a prediction may look at: ``"labels"`` of the training data, or ``"hamiltonian"`` at the
    geometry that is predicted, too."""

    holds_out: bool = True
    """Whether ``fit`` sets points aside that say when to stop. Not where the objective already
    weighs the number of points (a marginal likelihood), or does not look at labels."""

    def __init__(self, symbols: tuple[str, ...], n_states: int = 1) -> None:
        super().__init__()
        if n_states < 1:
            raise InputError(f"{type(self).__name__}(n_states={n_states}): use 1 or more.")
        self.symbols = tuple(symbols)
        """Chemical symbols, in the order of positions."""
        self.n_states = n_states
        """Number of states."""
        self.domain = Domain(self.symbols)
        """Where it was trained."""

    @abstractmethod
    def energies(self, positions: Tensor) -> Tensor:
        """Return energies, shape ``(n_points, n_states)`` (hartree), differentiable.

        Args:
            positions: Shape ``(n_points, n_atoms, 3)`` (Å).
        """

    def forward(self, positions: Tensor) -> Tensor:
        """Return ``energies(positions)``."""
        return self.energies(positions)

    def stderr(self, positions: Tensor) -> Tensor | None:  # noqa: ARG002 - for models that know it
        """Return standard deviations of predictions, shape ``(n_points, n_states)`` (hartree).

        ``None`` where the model does not know them.

        Args:
            positions: Shape ``(n_points, n_atoms, 3)`` (Å).
        """
        return None

    def energies_and_forces(
        self, positions: Tensor, *, state: int = 0, create_graph: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Return energies ``(n_points, n_states)`` and forces ``(n_points, n_atoms, 3)``.

        Args:
            positions: Shape ``(n_points, n_atoms, 3)`` (Å).
            state: Whose forces.
            create_graph: Whether forces can be differentiated by the parameters.

        Returns:
            In hartree and hartree/Å.
        """
        self.check_state(state)
        moving = positions.detach().requires_grad_()
        with torch.enable_grad():
            energies = self.energies(moving)
            (slope,) = torch.autograd.grad(
                energies[:, state].sum(), moving, create_graph=create_graph
            )
        return (energies if create_graph else energies.detach()), -slope

    def forces(self, positions: Tensor, *, state: int = 0) -> Tensor:
        """Return forces on the atoms, shape ``(n_points, n_atoms, 3)`` (hartree/Å).

        Args:
            positions: Shape ``(n_points, n_atoms, 3)`` (Å).
            state: Whose forces.
        """
        return self.energies_and_forces(positions, state=state)[1]

    def check_state(self, state: int) -> None:
        """Refuse a state that the model does not have.

        Raises:
            InputError: If there are fewer states.
        """
        if not 0 <= state < self.n_states:
            raise InputError(
                f"{type(self).__name__}.energies_and_forces(state={state}): the model has "
                f"{self.n_states} states. Use 0 to {self.n_states - 1}."
            )

    # ------------------------------------------------------------------------------- training

    def prepare(self, data: SurfaceData) -> None:
        """Take scales and the domain from training data, before training begins.

        Raises:
            GeometryError: If the data are of other atoms.
            InputError: If there are fewer states than the model has.
        """
        self.check_data(data)
        self.domain.prepare(self.as_tensor(data.positions))

    @abstractmethod
    def objective(self, data: SurfaceData, loss: Loss) -> Objective:
        """Return what is minimised.

        Args:
            data: Training data.
            loss: What counts.
        """

    def check_loss(self, loss: Loss) -> None:
        """Refuse what the model cannot learn.

        Args:
            loss: What is to count.

        Raises:
            InputError: If part of it is not for this model.
        """

    def condition(self, data: SurfaceData) -> None:
        """Do what follows after the parameters are found, e.g. solve for a kernel's weights."""

    def check_data(self, data: SurfaceData) -> None:
        """Refuse data of other atoms, or without enough states.

        Raises:
            GeometryError: If the atoms differ.
            InputError: If there are fewer states than the model has.
        """
        if data.symbols != self.symbols:
            raise GeometryError(
                f"{type(self).__name__}: data of {data.symbols} for a model of {self.symbols}. "
                "Give the atoms in the same order, or make a model of these atoms."
            )
        if data.n_states < self.n_states:
            raise InputError(
                f"{type(self).__name__}(n_states={self.n_states}): the data have {data.n_states} "
                f"states. Use n_states={data.n_states}, or data with more."
            )

    # --------------------------------------------------------------------------------- surface

    def evaluate(self, point: Geometry, *, guess: PointResult | None = None) -> PointResult:  # noqa: ARG002 - the protocol's argument: a model needs no start
        """Return energies and forces at a geometry; its status says whether it is in the domain.

        Args:
            point: The geometry; its atoms must be the model's.
            guess: Not used.

        Raises:
            GeometryError: If the atoms differ.
        """
        start = time.perf_counter()
        check_geometry(type(self).__name__, point)
        if point.symbols != self.symbols:
            raise GeometryError(
                f"{type(self).__name__}.evaluate(point with the atoms {point.symbols}): the model "
                f"is of {self.symbols}. Give the same atoms in the same order."
            )
        found, forces = self.answer(point.positions)
        return replace(found, forces=forces, wall_time=time.perf_counter() - start)

    def answer(
        self, positions: FloatArray, *, state: int = 0
    ) -> tuple[PointResult, FloatArray | None]:
        """Return what is known at one geometry whose atoms are the model's, and forces in a state.

        What ``evaluate`` and calculators share: one pass and one derivative.

        Args:
            positions: Shape ``(n_atoms, 3)`` (Å).
            state: Whose forces.

        Returns:
            The result, its own forces left out; and forces, shape ``(n_atoms, 3)`` (hartree/Å).
        """
        here = self.as_tensor(positions)[None]
        energies, forces = self.energies_and_forces(here, state=state)
        with torch.no_grad():
            stderr = self.stderr(here)
        why = self.domain.describe(here[0])
        found = PointResult(
            energies=energies[0].double().numpy().copy(),
            unit=self.unit,
            stderr=None if stderr is None else stderr[0].double().numpy().copy(),
            status=_status(energies[0], why),
            notes=(f"Outside of the training data: {why}.",) if why else (),
        )
        return found, forces[0].double().numpy().copy()

    def inputs(self) -> dict[str, Any]:
        """Return plain values that define the model, with hashes of its settings and numbers."""
        digest = hashlib.sha256()
        for name, value in sorted(self.state_dict().items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(value.detach().cpu().numpy()).tobytes())
        return {
            "potential": type(self).__name__,
            "config": content_hash(self.config()),
            "state": digest.hexdigest(),
        }

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Return plain values from which ``from_config`` builds the model, its numbers apart."""

    @classmethod
    @abstractmethod
    def from_config(cls, config: dict[str, Any]) -> Potential:
        """Return an untrained model from what ``config`` returned."""

    @property
    def n_weights(self) -> int:
        """Number of trainable numbers."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)

    def as_tensor(self, array: np.ndarray[Any, Any]) -> Tensor:
        """Return an array in the type of the model's numbers."""
        return torch.as_tensor(np.array(array), dtype=self.dtype)

    @property
    def dtype(self) -> torch.dtype:
        """Type of the model's numbers."""
        return self.domain.low.dtype


def _status(energies: Tensor, why: str) -> str:
    """Return the status of a prediction, given why it is outside of the domain, if it is."""
    if not bool(torch.isfinite(energies).all()):
        return f"{FAILED}: the energy is not a finite number"
    return OUTSIDE if why else CONVERGED
