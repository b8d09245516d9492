"""Deflation on qubits: states of a Pauli sum or matrix, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qmlmat.backends import Preparation
from qmlmat.errors import InputError
from qmlmat.operators.decomposition import matrix_pauli_sum
from qmlmat.operators.pauli import PauliSum
from qmlmat.solvers.base import Iteration, Solution, Status
from qmlmat.solvers.noisy import optimizer_under_shots
from qmlmat.solvers.qubit_problem import QubitProblem
from qmlmat.solvers.qubit_states import (
    Lowest,
    guessed_angles,
    lowest_minimum,
    random_starts,
    separate_states,
)
from qmlmat.solvers.search import Search, joined
from qmlmat.typing import FloatArray

MAX_DEFLATED_QUBITS: Final = 6
"""Most qubits of a state whose projector is measured as words: there are ``4**n_qubits``."""

UNDER_SHOTS: Final = (
    "The error bars are those of the energies at the angles found. A search under shots leaves "
    "errors in the angles, and deflation hands them on from state to state: compare "
    "Solution.start_energies, or take more shots."
)
"""What to say of states found under shots."""

RANGES: Final = 1.5
"""Default weight of the overlaps, in spectral ranges of the register: were it the range itself, the
highest state could mix with the lowest at no cost."""


def deflated_states(
    problem: QubitProblem,
    search: Search,
    *,
    n_states: int,
    guess: Solution | None,
    deflation: float | None,
) -> Solution:
    """Return the lowest states, each found with projectors on those before it added.

    State k minimises ``<H> + beta sum_{j<k} |<psi_j|psi>|^2``. The projectors are sums of words, so
    any backend can measure them; the states ``psi_j`` come from exact simulation of the circuits
    found. ``beta`` must exceed every ``E_k - E_j``; by default it is 1.5 times the highest minus
    the lowest level of the register, padding included, and never zero.

    Args:
        problem: Hamiltonian, circuit and backend.
        search: How angles are found.
        n_states: Number of states.
        guess: A solution whose angles are the first starts.
        deflation: The weight ``beta``; ``None`` for the default.

    Raises:
        InputError: If there are too many qubits for projectors, or the guess does not fit.
    """
    _check_size(problem, n_states)
    exact = search.backend.capabilities.exact
    preparation = Preparation(problem.circuit, problem.reference())
    objective = problem.terms
    found: list[Lowest] = []
    history: tuple[Iteration, ...] = ()
    for k in range(n_states):
        starts = chain(guessed_angles(guess, problem, k), random_starts(problem, k))
        found.append(lowest_minimum(search, preparation, (objective,), starts))
        optimum = found[-1].optimum
        history = joined(history, optimum.history)
        if k + 1 < n_states:
            # Not of one state alone: that may have more qubits than a dense matrix.
            beta = default_weight(problem) if deflation is None else deflation
            vector = problem.vectors(replace(preparation, params=optimum.params))
            objective = objective + beta * projector_sum(vector)
    solution = separate_states(
        problem,
        np.array([lowest.optimum.params for lowest in found]),
        status=_joint_status(found),
        history=history,
        notes=() if exact else (*optimizer_under_shots(search.optimizer)[1], UNDER_SHOTS),
    )
    return _in_order(replace(solution, start_energies=np.array([one.ends for one in found])))


def default_weight(problem: QubitProblem) -> float:
    """Return ``RANGES`` times the highest minus the lowest level of the register (its unit).

    Above every difference of levels, and positive where all levels are one.
    """
    levels = np.linalg.eigvalsh(problem.terms.matrix().toarray())
    width = float(levels[-1] - levels[0])
    return RANGES * width if width > 0 else 1.0


def projector_sum(vector: NDArray[np.complex128]) -> PauliSum:
    """Return ``|psi><psi|`` as a sum of words.

    Args:
        vector: The state ``psi``, normalised, shape ``(2**n_qubits,)``.
    """
    return matrix_pauli_sum(np.outer(vector, vector.conj()))


def _check_size(problem: QubitProblem, n_states: int) -> None:
    n_qubits = problem.register.n_qubits
    if n_states > 1 and n_qubits > MAX_DEFLATED_QUBITS:
        raise InputError(
            f"solve(VQD, n_states={n_states}): {n_qubits} qubits, and the projector on a state "
            f"found has {4**n_qubits} words to measure. Use at most {MAX_DEFLATED_QUBITS} qubits, "
            "or SSVQE, which needs no projectors."
        )


def _joint_status(found: Sequence[Lowest]) -> Status:
    """Return how the searches stopped: the first way that is not "converged"."""
    others: list[Status] = [one.optimum.status for one in found]
    return next((status for status in others if status != "converged"), "converged")


def _in_order(found: Solution) -> Solution:
    """Return a solution with its energies ascending."""
    order = np.argsort(found.energies, kind="stable")

    def sorted_rows(rows: FloatArray | None) -> FloatArray | None:
        return None if rows is None else rows[order]

    return replace(
        found,
        energies=found.energies[order],
        stderr=sorted_rows(found.stderr),
        params=sorted_rows(found.params),
        residuals=sorted_rows(found.residuals),
        start_energies=sorted_rows(found.start_energies),
        states=None if found.states is None else tuple(found.states[k] for k in order),
    )
