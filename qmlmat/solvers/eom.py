"""Equation of motion: excited states by excitations out of a ground state that a circuit made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from qmlmat.ansatz import Circuit
from qmlmat.backends import Backend, Preparation, Reference, StateBackend
from qmlmat.errors import CapabilityError, InputError, nearest
from qmlmat.solvers.averages import check_backend
from qmlmat.solvers.base import Solution
from qmlmat.solvers.ground import FromGroundState, ground_root
from qmlmat.solvers.manifold import Manifold, check_closed_shell, manifolds
from qmlmat.solvers.measured import MeasuredBlock, measured_levels, measured_matrix
from qmlmat.solvers.response import SMALLEST_METRIC, Response
from qmlmat.solvers.roots import Root, ritz_roots
from qmlmat.solvers.subspace import rayleigh_ritz
from qmlmat.systems import MolecularHamiltonian

Method = Literal["q-sc-EOM", "qEOM"]
"""Excitations inside the circuit, or bare ones and their commutators."""


@dataclass(frozen=True)
class EOM(FromGroundState):
    """Excited states as excitations of a ground state.

    ``"q-sc-EOM"``: the Hamiltonian in the span of ``U G_i|HF>``, with ``U`` the ground state's
    circuit and ``G_i`` the excitations of the manifold. An ordinary eigenproblem, exact where the
    circuit's state is exact and the manifold complete. ``"qEOM"``: the linear response of the
    ground state to ``G_i`` and ``G_i†``, from double commutators and their metric.

    The roots are those the manifold holds, not the lowest of the sector: states of higher rank are
    missing, and a note names them where the exact levels are known. The ground state is among
    them where multiplicity and irrep are its own.

    References:
        A. Asthana et al., Chem. Sci. 14, 2405 (2023), doi:10.1039/D2SC05371C (q-sc-EOM).
        P. J. Ollitrault et al., Phys. Rev. Res. 2, 043140 (2020),
        doi:10.1103/PhysRevResearch.2.043140 (qEOM).

    Example:
        >>> import qmlmat as qm
        >>> h2 = qm.molecular_hamiltonian(qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.75"))
        >>> found = qm.solve(h2, qm.EOM("q-sc-EOM"), n_states=4)
        >>> [round(float(e), 6) for e in found.energies - found.energies[0]]
        [0.0, 0.594335, 0.957878, 1.596922]
    """

    method: Method = "q-sc-EOM"
    """Which equation of motion."""

    is_variational: ClassVar[bool] = False
    """Whether each energy is an upper bound on the exact one of the same place."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.method not in get_args(Method):
            raise InputError(
                f'EOM("{self.method}"): no such method. '
                f"{nearest(str(self.method), get_args(Method))}"
            )

    def inputs(self) -> dict[str, Any]:
        """Return the settings that determine the result, as plain values."""
        return {**super().inputs(), "method": self.method}

    def eigenpairs(
        self,
        hamiltonian: MolecularHamiltonian,
        *,
        n_states: int,
        guess: Solution | None,
        backend: Backend,
        seed: int | None,
    ) -> Solution:
        """Return the ground state and the lowest roots; see ``solve``.

        Raises:
            InputError: If the manifold holds fewer states, or qEOM meets an open shell.
            CapabilityError: If the backend gives no gradients or no states.
        """
        if self.method == "qEOM":
            check_closed_shell("EOM(qEOM)", hamiltonian)
            backend = check_backend("EOM(qEOM)", backend)
        ground = self.ground_state(hamiltonian, guess=guess, backend=backend, seed=seed)
        if not isinstance(backend, StateBackend):
            found = self.measured_roots(hamiltonian, ground, backend, n_states=n_states, seed=seed)
            return replace(found, history=ground.history, notes=(*ground.notes, *found.notes))
        find = self._inside if self.method == "q-sc-EOM" else self._response
        roots, notes = find(hamiltonian, ground, backend)
        return self.finished(hamiltonian, ground, roots, n_states, notes)

    def measured_roots(
        self,
        hamiltonian: MolecularHamiltonian,
        ground: Solution,
        backend: Backend,
        *,
        n_states: int,
        seed: int | None = None,
    ) -> Solution:
        """Return the roots inside the circuit from measured matrix elements, by one submission.

        Determinants are the references, since superpositions of two are short circuits; the
        functions of each spin and irrep are combinations of the measured elements.

        Args:
            hamiltonian: The Hamiltonian.
            ground: The ground state's circuit and angles; nothing else of it is used.
            backend: What measures.
            n_states: How many roots are wanted.
            seed: Seed of the shots, where they are ours.

        Raises:
            InputError: If the manifold holds fewer states.
            CapabilityError: If the method is not q-sc-EOM.
        """
        if self.method == "qEOM":
            raise CapabilityError(
                'EOM("qEOM"): its metric is not measured. Use EOM("q-sc-EOM") on devices.'
            )
        assert ground.circuit is not None
        assert ground.params is not None
        chosen = list(
            manifolds(hamiltonian, self.manifold, multiplicity=self.multiplicity, irrep=self.irrep)
        )
        labels = {0: -1}  # the Hartree-Fock determinant, which meets no other
        for manifold in chosen:
            for place in np.unique(manifold.functions.indices).tolist():
                labels[place] = manifold.block.label
        places = sorted(labels)
        linked = [
            (i, j)
            for i, j in combinations(range(len(places)), 2)
            if labels[places[i]] == labels[places[j]]
        ]
        sector = hamiltonian.sector
        references = tuple(
            Reference.determinant(sector.bits(*divmod(place, sector.shape[1]))) for place in places
        )
        matrix = measured_matrix(
            hamiltonian,
            Preparation(ground.circuit, references, ground.params),
            backend,
            linked=linked,
            seed=seed,
        )
        found = measured_levels(
            hamiltonian, matrix, _blocks(chosen, places), n_states, status=ground.status
        )
        return replace(found, circuit=ground.circuit, params=ground.params)

    def _inside(
        self, hamiltonian: MolecularHamiltonian, ground: Solution, backend: StateBackend
    ) -> tuple[list[Root], tuple[str, ...]]:
        """Return the roots inside the circuit, spin by spin and irrep by irrep.

        The complete manifold is taken with all spins of an irrep together, which is exact also for
        a circuit that mixes them; roots are then told apart by <S^2>.
        """
        assert isinstance(ground.circuit, Circuit)
        assert ground.params is not None
        is_complete = self.manifold == "all"
        together: dict[tuple[int, int], list[Manifold]] = {}
        for manifold in manifolds(
            hamiltonian,
            self.manifold,
            multiplicity=None if is_complete else self.multiplicity,
            irrep=self.irrep,
        ):
            block = manifold.block
            key = (0 if is_complete else block.spin, block.label)
            together.setdefault(key, []).append(manifold)
        roots = []
        for several in together.values():
            vectors = np.concatenate([one.vectors() for one in several])
            if any(one.holds_ground for one in several):
                roots.append(ground_root(ground))
            if len(vectors):
                inside = backend.apply(ground.circuit, vectors, ground.params)
                roots += ritz_roots(rayleigh_ritz(hamiltonian, inside))
        return self.wanted(hamiltonian, roots), ()

    def _response(
        self,
        hamiltonian: MolecularHamiltonian,
        ground: Solution,
        backend: StateBackend,  # noqa: ARG002 (no circuit but the ground state's)
    ) -> tuple[list[Root], tuple[str, ...]]:
        """Return the roots of linear response, spin by spin and irrep by irrep."""
        assert ground.states is not None
        roots: list[Root] = []
        metrics: list[float] = []
        n_unstable = 0
        for manifold in manifolds(
            hamiltonian, self.manifold, multiplicity=self.multiplicity, irrep=self.irrep
        ):
            if manifold.holds_ground:
                roots.append(ground_root(ground))
            if manifold.size:
                response = Response.of(manifold, ground.states[0])
                found, unstable = response.roots(ground.energy)
                roots += found
                metrics.append(response.smallest)
                n_unstable += unstable
        return self.wanted(hamiltonian, roots), _response_notes(metrics, n_unstable)


def _blocks(chosen: Sequence[Manifold], places: Sequence[int]) -> list[MeasuredBlock]:
    """Return the ground state and the functions of each manifold over measured determinants."""
    blocks = []
    for manifold in chosen:
        if manifold.holds_ground:
            first = np.zeros((len(places), 1))
            first[0] = 1.0
            blocks.append(MeasuredBlock(spin=manifold.block.spin, functions=first))
        table = manifold.functions[places].toarray()
        if table.shape[1]:
            blocks.append(MeasuredBlock(spin=manifold.block.spin, functions=table))
    return blocks


def _response_notes(metrics: list[float], n_unstable: int) -> tuple[str, ...]:
    notes = []
    if metrics:
        notes.append(
            f"Smallest singular value of qEOM's metric: {min(metrics):.1e} (directions below "
            f"{SMALLEST_METRIC:.0e} are dropped)."
        )
    if n_unstable:
        notes.append(
            f"{n_unstable} roots of qEOM are not real: the ground state is unstable against them, "
            "and they are left out."
        )
    return tuple(notes)
