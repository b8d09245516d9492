"""Several states of a Pauli sum or matrix by one circuit of qubit gates on basis states."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import numpy as np

from qmlmat.backends import Preparation, Reference
from qmlmat.solvers.base import Solution, Status
from qmlmat.solvers.measured import measured_matrix
from qmlmat.solvers.noisy import optimizer_under_shots
from qmlmat.solvers.qubit_problem import QubitProblem
from qmlmat.solvers.qubit_states import (
    guessed_angles,
    lowest_minimum,
    random_starts,
    with_own_states,
)
from qmlmat.solvers.search import Search
from qmlmat.solvers.subspace import rayleigh_ritz
from qmlmat.typing import FloatArray
from qmlmat.units import milli


def spanned_states(
    problem: QubitProblem, search: Search, *, weights: FloatArray, guess: Solution | None
) -> Solution:
    """Return the states in the span of a circuit on basis states, its average energy minimised.

    The references are the basis states with the lowest diagonal elements of the Hamiltonian on the
    register, in this order.

    Args:
        problem: Hamiltonian, circuit and backend.
        search: How angles are found, and where.
        weights: Weights of the references, adding up to 1, shape ``(n_states,)``.
        guess: A solution whose angles are the first start.

    Raises:
        InputError: If the guess does not fit.
    """
    n_states = len(weights)
    exact = search.backend.capabilities.exact
    references = lowest_basis_states(problem, n_states)
    preparation = Preparation(problem.circuit, references)
    starts = chain(guessed_angles(guess, problem, 0), random_starts(problem))
    objectives = (problem.terms,) * n_states
    lowest = lowest_minimum(search, preparation, objectives, starts, weights=weights)
    optimum = lowest.optimum
    preparation = replace(preparation, params=optimum.params)
    if problem.has_states:
        whole = rayleigh_ritz(problem.register, problem.vectors(preparation))
        found = with_own_states(
            problem, whole.energies, whole.states, whole.residuals, optimum.status
        )
    else:
        found = _measured(problem, preparation, optimum.status)
    remark = () if exact else optimizer_under_shots(search.optimizer)[1]
    return replace(
        found,
        params=optimum.params,
        circuit=problem.circuit,
        references=references if n_states > 1 else None,
        history=optimum.history,
        notes=(*remark, *found.notes),
    )


def lowest_basis_states(problem: QubitProblem, n_states: int) -> tuple[Reference, ...]:
    """Return the basis states with the lowest diagonal elements of the Hamiltonian, ascending.

    Args:
        problem: Whose register.
        n_states: How many.
    """
    diagonal = problem.register.diagonal()
    order = np.argsort(diagonal, kind="stable")[:n_states]
    return tuple(problem.reference(int(index)) for index in order)


def _measured(problem: QubitProblem, preparation: Preparation, status: Status) -> Solution:
    """Return the eigenvalues of the measured matrix of the references, with error bars."""
    matrix = measured_matrix(problem.terms, preparation, problem.backend, seed=problem.seed)
    unit = problem.hamiltonian.unit
    found = matrix.estimate(np.linalg.eigvalsh)
    if problem.backend.capabilities.exact:
        return Solution(energies=found.values, unit=unit, status=status)
    order = np.argsort(found.values, kind="stable")
    note = (
        f"Jackknife over {len(matrix.blocks)} blocks of shots: noise had moved the eigenvalues by "
        f"up to {1e3 * float(np.abs(found.bias).max()):.2f} {milli(unit)}, which was taken off."
    )
    covariance = found.covariance[np.ix_(order, order)]
    return Solution(
        energies=found.values[order],
        unit=unit,
        status=status,
        stderr=np.sqrt(covariance.diagonal()),
        covariance=covariance,
        notes=(note,),
    )
