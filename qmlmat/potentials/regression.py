"""Potentials that are a network of a descriptor: quantum, classical, or both in a row."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from qmlmat.errors import InputError
from qmlmat.potentials.base import Loss, Objective, Potential
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import Descriptor, Standardise
from qmlmat.potentials.networks.heads import diabatic_matrix, eigenvalues, n_outputs
from qmlmat.potentials.registry import built, described
from qmlmat.typing import FloatArray


class NetworkPotential(Potential):
    """Energies from a network of a descriptor: eigenvalues of a matrix of its outputs.

    ``E(R) = eigenvalues(shift + scale W(network(standardised descriptor(R))))``; with one state
    ``W`` is the network's output. Shift and scale are those of the training energies.
    """

    def __init__(
        self,
        descriptor: Descriptor,
        network: torch.nn.Module,
        *,
        n_states: int = 1,
        coupling: torch.nn.Module | None = None,
    ) -> None:
        """Make the model.

        Args:
            descriptor: From positions to features.
            network: From features ``(n_points, n_features)`` to outputs; any module, e.g.
                ``QuantumNetwork``, or ``torch.nn.Sequential`` of classical layers and one.
            n_states: Number of states; the network needs ``n_states (n_states + 1) / 2`` outputs.
            coupling: From positions ``(n_points, n_atoms, 3)`` to a factor ``(n_points,)`` of
                couplings between states.
        """
        super().__init__(descriptor.symbols, n_states)
        self.descriptor, self.network, self.coupling = descriptor, network, coupling
        self.standardise = Standardise(descriptor.n_features)
        self.shift: Tensor
        self.scale: Tensor
        self.register_buffer("shift", torch.zeros((), dtype=torch.float64))
        self.register_buffer("scale", torch.ones((), dtype=torch.float64))
        self._check_network()

    def _check_network(self) -> None:
        probe = torch.zeros((1, self.descriptor.n_features), dtype=torch.float64)
        with torch.no_grad():
            found = self.network(probe).shape
        wanted = (1, n_outputs(self.n_states))
        if tuple(found) != wanted:
            raise InputError(
                f"NetworkPotential(n_states={self.n_states}): the network gives outputs of shape "
                f"{tuple(found)} at one point. It needs {wanted}: n_outputs={wanted[1]}."
            )

    def features(self, positions: Tensor) -> Tensor:
        """Return standardised features, shape ``(n_points, n_features)``."""
        found: Tensor = self.standardise(self.descriptor(positions))
        return found

    def matrices(self, positions: Tensor) -> Tensor:
        """Return diabatic matrices, shape ``(n_points, n_states, n_states)`` (hartree).

        Args:
            positions: Shape ``(n_points, n_atoms, 3)`` (Å).
        """
        return self._matrices(self.network(self.features(positions)), positions)

    def _matrices(self, outputs: Tensor, positions: Tensor) -> Tensor:
        factor = None if self.coupling is None else self.coupling(positions)
        scaled = self.scale * diabatic_matrix(outputs, self.n_states, factor)
        return scaled + self.shift * torch.eye(self.n_states, dtype=scaled.dtype)

    def energies(self, positions: Tensor) -> Tensor:
        """Return energies, shape ``(n_points, n_states)`` (hartree); see ``Potential``."""
        return eigenvalues(self.matrices(positions))

    def energies_from(self, outputs: Tensor, positions: Tensor) -> Tensor:
        """Return energies from the network's outputs, computed here or measured on a device.

        Args:
            outputs: Shape ``(n_points, n_outputs)``.
            positions: Where, shape ``(n_points, n_atoms, 3)`` (Å).
        """
        return eigenvalues(self._matrices(outputs, positions))

    def prepare(self, data: SurfaceData) -> None:
        """Take scales and the domain from training data; see ``Potential.prepare``."""
        super().prepare(data)
        self.standardise.prepare(self.descriptor(self.as_tensor(data.positions)).detach())
        energies = self.as_tensor(data.energies[:, : self.n_states])
        self.shift.copy_(energies.mean())
        spread = energies.std(correction=0)
        self.scale.copy_(spread if spread > 0 else torch.ones_like(spread))

    def objective(self, data: SurfaceData, loss: Loss) -> Objective:
        """Return the mean squared error of energies, and forces, in units of the energies' spread.

        Args:
            data: Training data.
            loss: What counts.

        Raises:
            InputError: If forces are asked for and the data have none.
        """
        return label_objective(self, data, loss, self.scale)

    def config(self) -> dict[str, Any]:
        """Return plain values from which the model is built again; see ``Potential.config``."""
        return {
            "descriptor": described(self.descriptor),
            "network": described(self.network),
            "n_states": self.n_states,
            "coupling": None if self.coupling is None else described(self.coupling),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> NetworkPotential:
        """Return the untrained model that ``config`` describes."""
        coupling = config["coupling"]
        return cls(
            built(config["descriptor"]),
            built(config["network"]),
            n_states=config["n_states"],
            coupling=None if coupling is None else built(coupling),
        )


def label_objective(model: Potential, data: SurfaceData, loss: Loss, scale: Tensor) -> Objective:
    """Return the mean squared error of a model's energies and forces.

    ``mean (dE / scale)^2 + force_weight mean (dF / scale)^2``: over points and states, and over
    components of the forces in the ground state.

    Args:
        model: The model.
        data: Training data.
        loss: What counts.
        scale: Unit of energies (hartree), and of forces with Å.

    Raises:
        InputError: If forces are asked for and the data have none.
    """
    positions = model.as_tensor(data.positions)
    energies = model.as_tensor(data.energies[:, : model.n_states])
    if not loss.force_weight:
        return lambda: ((model.energies(positions) - energies) / scale).square().mean()
    forces = model.as_tensor(known_forces(data, loss))

    def both() -> Tensor:
        found, slopes = model.energies_and_forces(positions, create_graph=True)
        wrong = ((found - energies) / scale).square().mean()
        return wrong + loss.force_weight * ((slopes - forces) / scale).square().mean()

    return both


def known_forces(data: SurfaceData, loss: Loss) -> FloatArray:
    """Return the forces of data, shape ``(n_points, n_atoms, 3)`` (hartree/Å).

    Args:
        data: The data.
        loss: What counts.

    Raises:
        InputError: If the data have none.
    """
    if data.forces is None:
        raise InputError(
            f"Loss(force_weight={loss.force_weight}): the data have no forces. Use force_weight=0, "
            "or compute them: SolverSurface(..., forces=True)."
        )
    return data.forces
