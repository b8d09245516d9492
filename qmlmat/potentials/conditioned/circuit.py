"""Circuits whose angles a network makes from the geometry: a surface without labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from qmlmat.ansatz import Ansatz
from qmlmat.backends import Preparation, Reference, Request, SectorBackend, expectation
from qmlmat.errors import CapabilityError, InputError, MeanFieldError
from qmlmat.potentials.base import OUTSIDE, Loss, Objective, Potential
from qmlmat.potentials.conditioned.references import standard_references
from qmlmat.potentials.conditioned.source import HamiltonianSource
from qmlmat.potentials.conditioned.states import ConditionedStates, energies_of, with_reference
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import Descriptor
from qmlmat.potentials.networks.perceptron import Perceptron
from qmlmat.potentials.registry import built, described
from qmlmat.solvers.averages import state_weights
from qmlmat.surfaces import Geometry, PointResult
from qmlmat.typing import FloatArray

LAST_LAYER: Final = 0.1
"""Factor of the last layer's numbers at the start: the first states are nearly the references, but
not exactly, where many derivatives vanish by symmetry."""


class ConditionedCircuit(Potential):
    """One circuit for a whole surface: a network makes its angles from the geometry.

    The network is trained without labels, on the mean over geometries of the weighted average
    ``sum_k w_k <ref_k|U† H(R) U|ref_k>``. At any geometry the Hamiltonian is diagonalised in the
    span of ``U|ref_k>``: energies are upper bounds on the exact ones, state for state.

    It looks at the Hamiltonian of the geometry that it predicts, as a solver does, and saves the
    search of the angles alone: do not compare it with models that know labels only.

    References:
        A. Cervera-Lierta, J. S. Kottmann, A. Aspuru-Guzik, PRX Quantum 2, 020329 (2021),
        doi:10.1103/PRXQuantum.2.020329 (meta-VQE).

    Example:
        >>> from qmlmat.potentials.conditioned import HamiltonianSource, LogRatio
        >>> from qmlmat.systems import Molecule
        >>> source = HamiltonianSource(Molecule.from_xyz("H 0 0 0; H 0 0 0.74"))
        >>> ConditionedCircuit(source, "kupccgsd", LogRatio("HH", (0, 1), 0.74)).n_weights
        22
    """

    information = "hamiltonian"
    """What a prediction looks at."""

    holds_out = False
    """The objective looks at no labels."""

    def __init__(  # noqa: PLR0913 (each is one thing the user may say)
        self,
        source: HamiltonianSource,
        ansatz: str | Ansatz,
        features: Descriptor,
        *,
        n_states: int = 1,
        references: Sequence[Reference] | None = None,
        weights: Sequence[float] | None = None,
        hidden: int = 4,
        encoder: nn.Module | None = None,
        seed: int = 0,
    ) -> None:
        """Build the circuit and its network.

        Args:
            source: Where Hamiltonians come from, in which orbitals.
            ansatz: The circuit.
            features: What the network knows of a geometry.
            n_states: Number of states.
            references: What the circuit acts on, orthogonal, at least as many as states; by default
                Hartree-Fock, the open-shell singlet HOMO to LUMO, and the pair.
            weights: Weights of the references in the average; equal by default.
            hidden: Units of the network's hidden layer.
            encoder: Another module, from features to angles, float64; then ``hidden`` and
                ``seed`` are not used.
            seed: Seed of the network's first weights.

        Raises:
            InputError: If references or weights do not fit.
            TemplateError: If the ansatz is unknown.
        """
        super().__init__(source.molecule.symbols, n_states)
        self.source = source
        self.ansatz = Ansatz(ansatz) if isinstance(ansatz, str) else ansatz
        self.circuit = self.ansatz.circuit(source.norb, source.nelec)
        self.features = features
        given = None if references is None else tuple(references)
        self.references = given or standard_references(source.norb, source.nelec, n_states)
        if len(self.references) < n_states:
            raise InputError(
                f"ConditionedCircuit(n_states={n_states}): {len(self.references)} references were "
                "given. Give one for each state."
            )
        self.weights: FloatArray = state_weights(
            "ConditionedCircuit", weights, len(self.references)
        )
        self.encoder = encoder or _tanh_encoder(
            features.n_features, hidden, self.circuit.n_params, seed
        )

    def angles(self, positions: Tensor) -> Tensor:
        """Return the angles at geometries, shape ``(n_points, n_params)`` (radians).

        Args:
            positions: Shape ``(n_points, n_atoms, 3)`` (Å).

        Raises:
            InputError: If the encoder gives another number of angles, or positions are not finite.
        """
        angles: Tensor = self.encoder(self.features(positions))
        wanted = (len(positions), self.circuit.n_params)
        if tuple(angles.shape) != wanted:
            raise InputError(
                f"ConditionedCircuit: the encoder gives angles of shape {tuple(angles.shape)}, the "
                f"circuit takes {wanted}. Let its last layer have {wanted[1]} outputs."
            )
        return angles

    def states(self, positions: Tensor) -> tuple[ConditionedStates, ...]:
        """Return the states at geometries, shape ``(n_points,)``.

        Args:
            positions: Shape ``(n_points, n_atoms, 3)`` (Å).
        """
        with torch.no_grad():
            angles = self.angles(positions).double().numpy()
        return tuple(
            ConditionedStates(
                problem=self.source.at(Geometry(self.symbols, place.double().numpy())),
                circuit=self.circuit,
                references=self.references,
                params=params,
                n_states=self.n_states,
            )
            for place, params in zip(positions.detach(), angles, strict=True)
        )

    def energies(self, positions: Tensor) -> Tensor:
        """Return energies, shape ``(n_points, n_states)`` (hartree), once differentiable.

        Args:
            positions: Shape ``(n_points, n_atoms, 3)`` (Å).

        Raises:
            MeanFieldError: If Hartree-Fock does not converge somewhere.
        """
        return energies_of(positions, self.angles(positions), self.states(positions))

    # ------------------------------------------------------------------------------- training

    def check_data(self, data: SurfaceData) -> None:
        """Refuse data of other atoms; how many states they have does not matter.

        Raises:
            GeometryError: If the atoms differ.
        """
        super().check_data(
            replace(data, energies=np.repeat(data.energies[:, :1], self.n_states, axis=1))
        )

    def training_points(self, geometries: Sequence[Geometry]) -> SurfaceData:
        """Return geometries as ``fit`` takes them.

        The energies are Hartree-Fock's, at all states: training does not look at them.

        Args:
            geometries: Where to train.

        Raises:
            GeometryError: If atoms differ.
        """
        levels = [self.source.at(point).mean_field.energy for point in geometries]
        return SurfaceData(
            symbols=self.symbols,
            positions=np.array([point.positions for point in geometries]),
            energies=np.repeat(np.array(levels)[:, None], self.n_states, axis=1),
        )

    def objective(self, data: SurfaceData, loss: Loss) -> Objective:  # noqa: ARG002 - labels and forces are not looked at
        """Return the mean of the weighted average energy, all geometries in one request.

        Args:
            data: Geometries; their energies are not used.
            loss: Not used.
        """
        positions = self.as_tensor(data.positions)
        evaluator = SectorBackend().prepare(self.request(data.geometries))
        weights = torch.from_numpy(self.weights)

        def mean_energy() -> Tensor:
            values = expectation(evaluator, self.angles(positions).double())
            return (values @ weights).mean()

        return mean_energy

    def request(self, geometries: Sequence[Geometry]) -> Request:
        """Return the request for ``<ref_k|U† H(R) U|ref_k>`` at all geometries, its angles open.

        Args:
            geometries: Where.
        """
        observables = tuple(
            hamiltonian
            for point in geometries
            for hamiltonian in [self.source.at(point).hamiltonian] * len(self.references)
        )
        preparation = Preparation(self.circuit, self.references)
        return Request(preparation=preparation, observables=observables, pairing="each")

    # --------------------------------------------------------------------------------- surface

    def evaluate(self, point: Geometry, *, guess: PointResult | None = None) -> PointResult:
        """Return what ``Potential.evaluate`` does and, in small sectors, the exact energy."""
        return with_reference(super().evaluate(point, guess=guess), self.source.at(point))

    def answer(
        self, positions: FloatArray, *, state: int = 0
    ) -> tuple[PointResult, FloatArray | None]:
        """Return energies, states and forces at a geometry; without forces, a note says why.

        Args:
            positions: Shape ``(n_atoms, 3)`` (Å).
            state: Whose forces.

        Raises:
            GeometryError: If atoms overlap.
            MeanFieldError: If Hartree-Fock does not converge.
        """
        self.check_state(state)
        here = self.as_tensor(positions)[None].requires_grad_()
        (states,) = self.states(here)
        notes, forces = states.problem.notes, None
        try:
            energies = energies_of(here, self.angles(here), (states,))
            (slope,) = torch.autograd.grad(energies[0, state], here)
            forces = -slope[0].double().numpy()
        except (CapabilityError, MeanFieldError) as error:
            notes = (*notes, f"No forces: {error}")
        why = self.domain.describe(here[0].detach())
        solution = states.solution()
        found = PointResult(
            energies=np.array(solution.energies),
            unit=self.unit,
            status=OUTSIDE if why else solution.status,
            orbitals=states.problem.orbitals,
            columns={"hartree_fock": float(states.problem.mean_field.energy)},
            notes=(*notes, *((f"Outside of the training data: {why}.",) if why else ())),
            solution=solution,
        )
        return found, forces

    def config(self) -> dict[str, Any]:
        """Return plain values from which ``from_config`` builds the model, its weights apart.

        Raises:
            CapabilityError: If the encoder or the features are of a kind that a file cannot hold.
        """
        return {
            "source": self.source.config(),
            "ansatz": {"template": self.ansatz.template, "options": dict(self.ansatz.options)},
            "features": described(self.features),
            "encoder": described(self.encoder),
            "n_states": self.n_states,
            "references": [reference.to_list() for reference in self.references],
            "weights": self.weights.tolist(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ConditionedCircuit:
        """Return an untrained model from what ``config`` returned."""
        ansatz = config["ansatz"]
        return cls(
            HamiltonianSource.from_config(config["source"]),
            Ansatz(ansatz["template"], **ansatz["options"]),
            built(config["features"]),
            encoder=built(config["encoder"]),
            n_states=config["n_states"],
            references=[Reference.from_list(rows) for rows in config["references"]],
            weights=config["weights"],
        )


def _tanh_encoder(n_features: int, hidden: int, n_angles: int, seed: int) -> Perceptron:
    """Return a network with one hidden layer of tanh units whose first angles are small."""
    network = Perceptron(n_features, (hidden,), n_angles, seed=seed)
    with torch.no_grad():
        for numbers in network.layers[-1].parameters():
            numbers.mul_(LAST_LAYER)
    return network
