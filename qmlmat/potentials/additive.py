"""Potentials that are sums over atoms: one network per element, of the atom's neighbourhood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from qmlmat.errors import InputError
from qmlmat.potentials.base import Loss, Objective, Potential
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import Descriptor, Standardise
from qmlmat.potentials.registry import built, described
from qmlmat.potentials.regression import label_objective


class AdditivePotential(Potential):
    """The ground state's energy as a sum of what each atom adds.

    ``E(R) = sum_i shift + scale network[element of i](standardised descriptor_i(R))``. It knows no
    order of equal atoms, and atoms without a common neighbour add independently: far fragments
    have the sum of their energies. Shift and scale are those of the training energies.

    References:
        J. Behler, M. Parrinello, Phys. Rev. Lett. 98, 146401 (2007),
        doi:10.1103/PhysRevLett.98.146401.
    """

    def __init__(self, descriptor: Descriptor, networks: Mapping[str, torch.nn.Module]) -> None:
        """Make the model.

        Args:
            descriptor: From positions to features of every atom, e.g. ``BehlerParrinello``.
            networks: For every element, from features ``(n_rows, n_features)`` to one output.

        Raises:
            InputError: If the features do not belong to atoms, or an element has no network, or
                one that does not fit.
        """
        super().__init__(descriptor.symbols)
        self.descriptor = descriptor
        self.networks = torch.nn.ModuleDict(dict(networks))
        self._check()
        elements = sorted(set(self.symbols))
        self._atoms = {e: [i for i, s in enumerate(self.symbols) if s == e] for e in elements}
        self.standardise = torch.nn.ModuleDict(
            {element: Standardise(descriptor.n_features) for element in elements}
        )
        self.shift: Tensor
        self.scale: Tensor
        self.register_buffer("shift", torch.zeros((), dtype=torch.float64))
        self.register_buffer("scale", torch.ones((), dtype=torch.float64))

    def _check(self) -> None:
        if not self.descriptor.atomwise:
            raise InputError(
                f"AdditivePotential(descriptor={type(self.descriptor).__name__}): its features "
                "belong to the molecule. Use BehlerParrinello, or NetworkPotential."
            )
        if set(self.networks) != set(self.symbols):
            raise InputError(
                f"AdditivePotential(networks of {sorted(self.networks)}): the atoms are "
                f"{self.symbols}. Give one network for each of {sorted(set(self.symbols))}."
            )
        probe = torch.zeros((1, self.descriptor.n_features), dtype=torch.float64)
        for element, network in self.networks.items():
            with torch.no_grad():
                found = tuple(network(probe).shape)
            if found != (1, 1):
                raise InputError(
                    f"AdditivePotential: the network of {element} gives outputs of shape {found} "
                    "at one atom. It needs (1, 1): n_outputs=1."
                )

    def atom_energies(self, positions: Tensor) -> Tensor:
        """Return what each atom adds, shape ``(n_points, n_atoms)`` (hartree).

        Args:
            positions: Shape ``(n_points, n_atoms, 3)`` (Å).
        """
        features = self.descriptor(positions)
        parts: list[Tensor] = [features.new_zeros(0)] * len(self.symbols)
        for element, atoms in self._atoms.items():
            rows = self.standardise[element](features[:, atoms])
            outputs = self.networks[element](rows.flatten(0, 1))
            for atom, column in zip(atoms, outputs.view(len(features), -1).T, strict=True):
                parts[atom] = column
        return self.shift + self.scale * torch.stack(parts, dim=1)

    def energies(self, positions: Tensor) -> Tensor:
        """Return energies, shape ``(n_points, 1)`` (hartree); see ``Potential``."""
        return self.atom_energies(positions).sum(dim=1, keepdim=True)

    def prepare(self, data: SurfaceData) -> None:
        """Take scales and the domain from training data; see ``Potential.prepare``."""
        super().prepare(data)
        with torch.no_grad():
            features = self.descriptor(self.as_tensor(data.positions))
        for element, atoms in self._atoms.items():
            ranges = self.standardise[element]
            assert isinstance(ranges, Standardise)
            ranges.prepare(features[:, atoms])
        energies = self.as_tensor(data.energies[:, 0])
        self.shift.copy_(energies.mean() / len(self.symbols))
        spread = energies.std(correction=0)
        self.scale.copy_(spread if spread > 0 else torch.ones_like(spread))

    def objective(self, data: SurfaceData, loss: Loss) -> Objective:
        """Return the mean squared error of energies and forces; see ``label_objective``."""
        return label_objective(self, data, loss, self.scale)

    def config(self) -> dict[str, Any]:
        """Return plain values from which the model is built again; see ``Potential.config``."""
        networks = {element: described(network) for element, network in self.networks.items()}
        return {"descriptor": described(self.descriptor), "networks": networks}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> AdditivePotential:
        """Return the untrained model that ``config`` describes."""
        networks = {element: built(tree) for element, tree in config["networks"].items()}
        return cls(built(config["descriptor"]), networks)
