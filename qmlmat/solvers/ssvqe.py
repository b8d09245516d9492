"""Several states with one circuit: the average energy is minimised, then the span diagonalised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from qmlmat.backends import (
    Backend,
    Preparation,
    SectorBackend,
    StateBackend,
    StatevectorBackend,
)
from qmlmat.errors import InputError
from qmlmat.solvers.averages import (
    Average,
    averaged_solution,
    lower_set,
    state_weights,
)
from qmlmat.solvers.base import AnyHamiltonian, Iteration, Solution
from qmlmat.solvers.circuit_states import CircuitStates, starting_angles
from qmlmat.solvers.measured import measured_span
from qmlmat.solvers.noisy import optimizer_under_shots
from qmlmat.solvers.qubit_problem import check_no_electrons
from qmlmat.solvers.qubit_ssvqe import spanned_states
from qmlmat.solvers.search import joined
from qmlmat.systems import MolecularHamiltonian, QubitModel

MAX_ROUNDS: Final = 4
"""How often the references are changed for others whose states are lower."""


@dataclass(frozen=True)
class SSVQE(CircuitStates):
    """Lowest states by one circuit that acts on one reference for each of them.

    ``sum_k w_k <r_k|U† H U|r_k>`` is minimised over the angles, and the Hamiltonian diagonalised in
    the span of all ``U|r_k>``. The energies are upper bounds on the exact ones, state for state.
    After the search the span is enlarged by ``n_surplus`` further references under the same
    circuit: where states of theirs are lower, they take the others' place and the search goes on.

    Of a Pauli sum or matrix the ansatz is a template of qubit gates, the references are the basis
    states with the lowest diagonal elements, and tolerances are in the Hamiltonian's unit. In place
    of further references it takes further starts: the angles are searched from random ones (seed 0
    where none is given) until two searches meet in the lowest minimum, at most 8 times.

    References:
        K. M. Nakanishi, K. Mitarai, K. Fujii, Phys. Rev. Res. 1, 033062 (2019),
        doi:10.1103/PhysRevResearch.1.033062 (SSVQE). R. M. Parrish, E. G. Hohenstein,
        P. L. McMahon, T. J. Martínez, Phys. Rev. Lett. 122, 230401 (2019),
        doi:10.1103/PhysRevLett.122.230401 (final diagonalisation).

    Example:
        >>> import qmlmat as qm
        >>> lih = qm.molecular_hamiltonian(qm.Molecule.from_xyz("Li 0 0 0; H 0 0 1.6"))
        >>> found = qm.solve(lih, qm.SSVQE(multiplicity=1), n_states=2)
        >>> found.irreps, bool((found.errors < 5e-5).all())
        (('Sigma+', 'Sigma+'), True)
    """

    weights: tuple[float, ...] | None = None
    """Weights of the references, scaled to add up to 1; ``None``: equal."""
    n_surplus: int = 2
    """Further references with which the result is checked, where the backend has states."""
    exact_search: bool = False
    """Whether the angles are searched by exact simulation, and the backend of ``solve`` measures
    the result alone."""

    is_variational: ClassVar[bool] = True
    """Whether each energy is an upper bound on the exact one of the same place."""
    takes_models: ClassVar[bool] = True
    """It takes Pauli sums and matrices, too, with templates of qubit gates."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if type(self.n_surplus) is not int or self.n_surplus < 0:
            raise InputError(
                f"SSVQE(n_surplus={self.n_surplus!r}): a whole number, 0 for no check."
            )

    def inputs(self) -> dict[str, Any]:
        """Return the settings that determine the result, as plain values."""
        return {
            **super().inputs(),
            "weights": None if self.weights is None else list(self.weights),
            "n_surplus": self.n_surplus,
            **({"exact_search": True} if self.exact_search else {}),
        }

    def eigenpairs(
        self,
        hamiltonian: AnyHamiltonian,
        *,
        n_states: int,
        guess: Solution | None,
        backend: Backend,
        seed: int | None,
    ) -> Solution:
        """Return the lowest eigenpairs; see ``solve``.

        Raises:
            InputError: If no such states exist, or guess, references or weights do not fit.
            CapabilityError: If the backend gives no gradients.
        """
        if not isinstance(hamiltonian, MolecularHamiltonian):
            return self._of_model(
                hamiltonian, n_states=n_states, guess=guess, backend=backend, seed=seed
            )
        where = SectorBackend() if self.exact_search else backend
        remark = () if where.capabilities.exact else optimizer_under_shots(self.optimizer)[1]
        weights = state_weights("SSVQE", self.weights, n_states)
        circuit = self.circuit(hamiltonian)
        search = self.search(hamiltonian, where, seed)
        starts = self.targets.find(hamiltonian, n_states, n_surplus=self.n_surplus)
        params = starting_angles(guess, circuit)
        history: tuple[Iteration, ...] = ()
        for _ in range(MAX_ROUNDS):
            average = Average(
                hamiltonian=hamiltonian,
                starts=starts[:n_states],
                weights=weights,
                spin_penalty=self.spin_penalty,
            )
            preparation = Preparation(circuit, average.references)
            evaluator = search.evaluator(preparation, average.objectives)
            optimum = search.minimum(preparation, evaluator, params, weights=weights)
            history, params = joined(history, optimum.history), optimum.params
            preparation = replace(preparation, params=params)
            if not isinstance(where, StateBackend):
                break
            others = lower_set(hamiltonian, where, preparation, starts, n_states)
            if others is None:
                break
            starts = others
        if isinstance(backend, StateBackend):
            return averaged_solution(
                average, preparation, backend, status=optimum.status, history=history
            )
        found = measured_span(average, preparation, backend, status=optimum.status, seed=seed)
        return replace(found, history=history, notes=(*remark, *found.notes))

    def _of_model(
        self,
        hamiltonian: QubitModel,
        *,
        n_states: int,
        guess: Solution | None,
        backend: Backend,
        seed: int | None,
    ) -> Solution:
        """Return states of a Pauli sum or matrix."""
        problem = self.on_qubits(hamiltonian, backend, seed)
        allowed = {"n_surplus": (SSVQE.n_surplus, 0)}
        check_no_electrons(hamiltonian, "SSVQE", vars(self), allowed)
        where = StatevectorBackend() if self.exact_search else backend
        return spanned_states(
            problem,
            self.search(hamiltonian, where, seed),
            weights=state_weights("SSVQE", self.weights, n_states),
            guess=guess,
        )
