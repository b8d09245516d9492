"""Read-outs in a span of states of other geometries: of the circuit's states, or of exact ones."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch

from qmlmat.backends import Preparation, SectorBackend
from qmlmat.errors import InputError
from qmlmat.potentials.base import OUTSIDE
from qmlmat.potentials.conditioned.circuit import ConditionedCircuit
from qmlmat.potentials.conditioned.source import HamiltonianSource, LocalProblem
from qmlmat.potentials.conditioned.states import span_solution, with_reference
from qmlmat.potentials.domain import Domain
from qmlmat.provenance import content_hash
from qmlmat.solvers import Solution
from qmlmat.solvers.base import multiplicity as multiplicity_of
from qmlmat.solvers.references import reference_state
from qmlmat.solvers.subspace import Subspace, rayleigh_ritz, spin_squares
from qmlmat.solvers.variational import penalised
from qmlmat.surfaces import Geometry, PointResult
from qmlmat.systems.blocks import symmetry_blocks, symmetry_states
from qmlmat.typing import StateArray

THRESHOLD: Final = 1e-6
"""Eigenvalues of the overlap matrix, relative to the largest, below which directions are dropped.
States of neighbouring geometries are nearly the same."""
SPIN_PENALTY: Final = 10.0
"""Weight of ``S^2`` (hartree): lifts states of other spin above all that are wanted."""
REACHED: Final = 1e-10
"""Squared length of a vector in an irrep from which the span reaches into that irrep."""
NEARLY: Final = 0.8
"""Share of the space from which a span counts as nearly complete."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Readout:
    """The lowest states in a span at one geometry."""

    problem: LocalProblem
    """Hamiltonian and orbitals there."""
    solution: Solution
    """The states."""
    condition: float
    """Condition number of the overlap matrix; infinite where vectors are dependent."""
    n_vectors: int
    """Number of vectors given."""
    n_kept: int
    """Number of independent directions kept."""
    n_space: int
    """Dimension of all there is of the spin, in the irreps that the vectors reach."""

    @property
    def is_nearly_complete(self) -> bool:
        """Whether the span is nearly the whole space, where any method would be exact."""
        return self.n_kept >= NEARLY * self.n_space


class SpanSurface(ABC):
    """A surface of energies in a span of states, the same determinant by determinant everywhere.

    A state of another geometry is the vector of its coefficients there, taken over the
    determinants of the orbitals here: in which orbitals that is, the source's gauge says. Energies
    are upper bounds on the exact ones. There are no forces: the span moves with the orbitals.
    """

    def __init__(
        self,
        source: HamiltonianSource,
        geometries: Sequence[Geometry],
        *,
        n_states: int,
        multiplicity: int | None,
    ) -> None:
        """Take what all spans need.

        Args:
            source: Where Hamiltonians come from, in which orbitals.
            geometries: Those of training.
            n_states: Number of states.
            multiplicity: ``2s + 1`` of the states; ``None``: any.

        Raises:
            InputError: If there are no geometries.
            GeometryError: If atoms differ.
        """
        if not geometries:
            raise InputError(f"{type(self).__name__}(geometries=()): give one at least.")
        for point in geometries:
            source.check(point)
        self.source, self.geometries = source, tuple(geometries)
        self.n_states, self.multiplicity = n_states, multiplicity
        self.domain = Domain(source.molecule.symbols)
        self.domain.prepare(_positions(self.geometries))

    @abstractmethod
    def vectors(self, point: Geometry) -> StateArray:
        """Return the states that span the space at a geometry, ``(n_vectors, ...)``."""

    def read(self, point: Geometry) -> Readout:
        """Return the lowest states in the span at a geometry, and how well it is conditioned.

        Args:
            point: The geometry.

        Raises:
            InputError: If the point is a k, or the span has fewer states.
            GeometryError: If the atoms differ, or overlap.
            MeanFieldError: If Hartree-Fock does not converge.
        """
        problem = self.source.at(point)
        vectors = self.vectors(point)
        span = self._diagonalised(problem, vectors)
        if span.n_kept < self.n_states:
            raise InputError(
                f"{type(self).__name__}(n_states={self.n_states}): the span of {len(vectors)} "
                f"states has {span.n_kept} dimensions. Ask for fewer states, or give more "
                "geometries."
            )
        return Readout(
            problem=problem,
            solution=span_solution(problem, span, self.n_states),
            condition=span.condition,
            n_vectors=len(vectors),
            n_kept=span.n_kept,
            n_space=self._space(problem, vectors),
        )

    def evaluate(self, point: Geometry, *, guess: PointResult | None = None) -> PointResult:  # noqa: ARG002 - the protocol's argument: a span needs no start
        """Return the energies and states at a geometry, in small sectors the exact energy, too.

        Args:
            point: The geometry.
            guess: Not used.

        Raises:
            InputError: If the point is a k, or the span has fewer states.
            GeometryError: If the atoms differ, or overlap.
            MeanFieldError: If Hartree-Fock does not converge.
        """
        start = time.perf_counter()
        found = self.read(point)
        notes = list(found.problem.notes)
        if found.is_nearly_complete:
            notes.append(
                f"The span has {found.n_kept} of the {found.n_space} dimensions of its spin and "
                "irreps: nearly all there is, so that its accuracy says little of the model."
            )
        why = self.domain.describe(_positions([point])[0])
        if why:
            notes.append(f"Outside of the training data: {why}.")
        result = PointResult(
            energies=np.array(found.solution.energies),
            unit=found.solution.unit,
            status=OUTSIDE if why else found.solution.status,
            orbitals=found.problem.orbitals,
            columns={"hartree_fock": float(found.problem.mean_field.energy)},
            notes=tuple(notes),
            solution=found.solution,
            wall_time=time.perf_counter() - start,
        )
        return with_reference(result, found.problem)

    def inputs(self) -> dict[str, Any]:
        """Return plain values that define the surface."""
        return {
            "surface": type(self).__name__,
            "source": content_hash(self.source.config()),
            "geometries": [point.positions.tolist() for point in self.geometries],
            "n_states": self.n_states,
            "multiplicity": self.multiplicity,
        }

    def _diagonalised(self, problem: LocalProblem, vectors: StateArray) -> Subspace:
        """Return the Hamiltonian diagonalised in the span, states of the wanted spin first."""
        hamiltonian = problem.hamiltonian
        if self.multiplicity is None:
            return rayleigh_ritz(hamiltonian, vectors, threshold=THRESHOLD)
        target = penalised(hamiltonian, SPIN_PENALTY, self.multiplicity - 1)
        span = rayleigh_ritz(target, vectors, threshold=THRESHOLD)
        energies = np.array([hamiltonian.expectation(state) for state in span.states])
        return replace(span, energies=energies)

    def _space(self, problem: LocalProblem, vectors: StateArray) -> int:
        """Return the dimension of the spin and irreps that vectors reach into."""
        rows = vectors.reshape(len(vectors), -1)
        blocks = symmetry_blocks(problem.hamiltonian, multiplicity=self.multiplicity)
        return sum(
            block.size for block in blocks if (np.abs(rows @ block.functions) ** 2).sum() > REACHED
        )


class SubspaceReadout(SpanSurface):
    """The Hamiltonian in the span of a conditioned circuit's states of several geometries.

    The circuit prepares its states with the angles of each training geometry, and with those of the
    geometry itself, all on the orbitals here: at no geometry is the result worse than the
    circuit's own.

    References:
        C. Mejuto-Zaera, A. F. Kemper, Electron. Struct. 5, 045007 (2023),
        doi:10.1088/2516-1075/ad018f (quantum eigenvector continuation).
    """

    def __init__(self, model: ConditionedCircuit, geometries: Sequence[Geometry]) -> None:
        """Take a trained model.

        Args:
            model: The circuit.
            geometries: Those it was trained at.

        Raises:
            InputError: If there are no geometries.
            GeometryError: If atoms differ.
        """
        super().__init__(
            model.source,
            geometries,
            n_states=model.n_states,
            multiplicity=_common_multiplicity(model),
        )
        self.model = model

    def vectors(self, point: Geometry) -> StateArray:
        """Return the states prepared with the angles of all geometries and of this one."""
        with torch.no_grad():
            positions = _positions([*self.geometries, point]).to(self.model.dtype)
            angles = self.model.angles(positions).double().numpy()
        preparation = Preparation(self.model.circuit, self.model.references, angles)
        states = SectorBackend().state(preparation)
        return states.reshape(-1, *states.shape[-2:])

    def inputs(self) -> dict[str, Any]:
        """Return plain values that define the surface."""
        return {**super().inputs(), "model": self.model.inputs()}


class EigenvectorContinuation(SpanSurface):
    """The Hamiltonian in the span of exact states of several geometries.

    What a circuit's read-out is to be compared with: it needs exact states of the training
    geometries, and no circuit.

    References:
        D. Frame et al., Phys. Rev. Lett. 121, 032501 (2018), doi:10.1103/PhysRevLett.121.032501.
    """

    def __init__(
        self,
        source: HamiltonianSource,
        geometries: Sequence[Geometry],
        *,
        n_states: int = 1,
        multiplicity: int | None = None,
    ) -> None:
        """Solve the training geometries exactly.

        Args:
            source: Where Hamiltonians come from, in which orbitals.
            geometries: Those of training.
            n_states: Number of states, of each geometry and of predictions.
            multiplicity: ``2s + 1`` of the states; ``None``: any.

        Raises:
            InputError: If there are no geometries, or not that many states.
            GeometryError: If atoms differ.
        """
        super().__init__(source, geometries, n_states=n_states, multiplicity=multiplicity)
        states = [
            symmetry_states(
                source.at(point).hamiltonian, n_states, multiplicity=multiplicity
            ).states
            for point in self.geometries
        ]
        self._vectors: StateArray = np.array([state for some in states for state in some])

    def vectors(self, point: Geometry) -> StateArray:  # noqa: ARG002 - the same everywhere
        """Return the exact states of the training geometries."""
        return self._vectors


def _common_multiplicity(model: ConditionedCircuit) -> int | None:
    """Return ``2s + 1`` of a model's references where all have the same, else ``None``."""
    hamiltonian = model.source.at(model.source.origin).hamiltonian
    states = [reference_state(reference, hamiltonian.sector) for reference in model.references]
    found = {multiplicity_of(square) for square in spin_squares(hamiltonian, states)}
    return found.pop() if len(found) == 1 else None


def _positions(points: Sequence[Geometry]) -> torch.Tensor:
    return torch.from_numpy(np.array([point.positions for point in points]))
