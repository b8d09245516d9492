"""Variational quantum deflation: state after state, each kept away from those below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import numpy as np

from qmlmat.backends import Backend, Preparation
from qmlmat.errors import InputError
from qmlmat.solvers.averages import check_backend
from qmlmat.solvers.base import AnyHamiltonian, Iteration, Solution, Status
from qmlmat.solvers.circuit_states import CircuitStates, starting_angles
from qmlmat.solvers.qubit_vqd import deflated_states
from qmlmat.solvers.search import joined
from qmlmat.solvers.subspace import spin_squares
from qmlmat.solvers.variational import penalised
from qmlmat.systems import MolecularHamiltonian, WeightedSum
from qmlmat.systems.spectrum import spectral_range
from qmlmat.typing import FloatArray, IntArray, Observable, StateArray

MARGIN: Final = 1.5
"""Default weight of the overlaps, in spectral ranges: were it the range itself, the highest state
could mix with the lowest at no cost."""


@dataclass(frozen=True)
class VQD(CircuitStates):
    """Lowest states, one after the other, each with angles of its own.

    State k minimises ``<H> + sum_{j<k} beta |<psi_j|psi>|^2`` from its own reference. ``beta`` must
    exceed every excitation energy: by default it is 1.5 times the sector's spectral range, from a
    few Lanczos steps. An error of a lower state is handed on to those above it: energies are no
    bounds, and ``Solution.residuals`` says how good each state is.

    Of a Pauli sum or matrix, of up to 6 qubits, the ansatz is a template of qubit gates on
    ``|0...0>`` and tolerances are in the Hamiltonian's unit. The projectors are measured as words,
    on any backend of qubits, and ``beta`` is 1.5 times the spectral range of the matrix with its
    padding. Each state is searched from random angles (seed 0 where none is given) until two
    searches meet in the lowest minimum, at most 8 times: ``Solution.start_energies``. States of
    levels closer to each other than ``gradient_tolerance`` may mix, at an error up to their gap.

    References:
        O. Higgott, D. Wang, S. Brierley, Quantum 3, 156 (2019), doi:10.22331/q-2019-07-01-156.
    """

    deflation: float | None = None
    """Weight ``beta`` of the overlaps (the Hamiltonian's unit); ``None``: 1.5 times the spectral
    range."""

    is_variational: ClassVar[bool] = False
    """Whether each energy is an upper bound on the exact one of the same place."""
    takes_models: ClassVar[bool] = True
    """It takes Pauli sums and matrices, too, with templates of qubit gates."""

    def __post_init__(self) -> None:
        super().__post_init__()
        beta = self.deflation
        if beta is not None and not 0 < beta < np.inf:
            raise InputError(
                f"VQD(deflation={beta!r}): a weight is positive and finite, and larger than the "
                "highest excitation energy wanted (hartree). None takes 1.5 spectral ranges."
            )

    def inputs(self) -> dict[str, Any]:
        """Return the settings that determine the result, as plain values."""
        return {**super().inputs(), "deflation": self.deflation}

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
            InputError: If no such states exist, or guess or references do not fit.
            CapabilityError: If the backend gives no gradients or no states.
        """
        if not isinstance(hamiltonian, MolecularHamiltonian):
            return deflated_states(
                self.on_qubits(hamiltonian, backend, seed),
                self.search(hamiltonian, backend, seed),
                n_states=n_states,
                guess=guess,
                deflation=self.deflation,
            )
        backend = check_backend("VQD", backend)
        circuit = self.circuit(hamiltonian)
        search = self.search(hamiltonian, backend, seed)
        starts = self.targets.find(hamiltonian, n_states)[:n_states]
        beta = (
            MARGIN * spectral_range(hamiltonian.matvec, hamiltonian.shape)
            if self.deflation is None
            else self.deflation
        )
        states: list[StateArray] = []
        angles: list[FloatArray] = []
        history: tuple[Iteration, ...] = ()
        status: Status = "converged"
        for k, start in enumerate(starts):
            objective = penalised(hamiltonian, self.spin_penalty, start.spin)
            preparation = Preparation(circuit, start.reference)
            evaluator = search.evaluator(preparation, (deflated(objective, states, beta),))
            begin = starting_angles(_own(guess, k), circuit)
            optimum = search.minimum(preparation, evaluator, begin)
            history = joined(history, optimum.history)
            status = optimum.status if status == "converged" else status
            angles.append(optimum.params)
            states.append(backend.state(replace(preparation, params=optimum.params)))
        found = _solution(hamiltonian, states, status)
        order = np.argsort(found.energies, kind="stable")
        return replace(
            _ordered(found, order),
            params=np.array(angles)[order],
            circuit=circuit,
            references=tuple(starts[k].reference for k in order),
            history=history,
        )


def deflated(objective: Observable, states: Sequence[StateArray], beta: float) -> Observable:
    """Return an observable plus ``beta`` times the projectors on some states."""
    if not states:
        return objective
    projector = Projector(objective.norb, objective.nelec, tuple(states))
    return WeightedSum(terms=((1.0, objective), (beta, projector)))


@dataclass(frozen=True, eq=False)
class Projector:
    """The observable ``sum_j |psi_j><psi_j|``."""

    norb: int
    """Number of spatial orbitals."""
    nelec: tuple[int, int]
    """Electrons by spin, ``(n_alpha, n_beta)``."""
    states: tuple[StateArray, ...]
    """The states, each normalised, shape ``(n_alpha_strings, n_beta_strings)``."""

    def matvec(self, state: StateArray) -> StateArray:
        """Return the projectors applied to a state, in its shape."""
        vector = np.asarray(state).ravel()
        image = sum(np.vdot(other, vector) * other.ravel() for other in self.states)
        return np.asarray(image).reshape(np.shape(state))


def _own(guess: Solution | None, k: int) -> Solution | None:
    """Return a guess with the angles of one of its states."""
    if guess is None or guess.params is None or guess.params.ndim == 1:
        return guess
    return replace(guess, params=guess.params[min(k, len(guess.params) - 1)], inverse_hessian=None)


def _solution(
    hamiltonian: MolecularHamiltonian, states: Sequence[StateArray], status: Status
) -> Solution:
    images = [hamiltonian.matvec(state) for state in states]
    energies = [float(np.vdot(v, w).real) for v, w in zip(states, images, strict=True)]
    residuals = [
        float(np.linalg.norm(w - e * v)) for v, w, e in zip(states, images, energies, strict=True)
    ]
    return Solution(
        energies=np.array(energies),
        unit=hamiltonian.unit,
        status=status,
        states=tuple(states),
        residuals=np.array(residuals),
        spin_squares=spin_squares(hamiltonian, states),
    )


def _ordered(found: Solution, order: IntArray) -> Solution:
    """Return a solution with its states in another order."""
    assert found.states is not None
    assert found.residuals is not None
    assert found.spin_squares is not None
    return replace(
        found,
        energies=found.energies[order],
        states=tuple(found.states[k] for k in order),
        residuals=found.residuals[order],
        spin_squares=found.spin_squares[order],
    )
