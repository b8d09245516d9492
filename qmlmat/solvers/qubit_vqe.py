"""The ground state of a Pauli sum or matrix by a circuit of qubit gates."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, islice

import numpy as np

from qmlmat.backends import Preparation
from qmlmat.solvers.base import Solution
from qmlmat.solvers.noisy import optimizer_under_shots
from qmlmat.solvers.qubit_problem import QubitProblem
from qmlmat.solvers.qubit_states import (
    guessed_angles,
    lowest_minimum,
    random_starts,
    separate_states,
)
from qmlmat.solvers.search import Search
from qmlmat.typing import FloatArray


def circuit_ground_state(
    problem: QubitProblem,
    search: Search,
    *,
    first: FloatArray | None,
    n_starts: int,
    guess: Solution | None,
) -> Solution:
    """Return the lowest state that a circuit of qubit gates takes ``|0...0>`` to.

    Args:
        problem: Hamiltonian, circuit and backend.
        search: How angles are found, and where.
        first: Where the first search begins without a guess, shape ``(n_params,)`` (radians);
            ``None``: at random angles, as all others do.
        n_starts: Number of searches.
        guess: A solution whose angles are the first start.

    Raises:
        InputError: If the guess does not fit.
    """
    known = guessed_angles(guess, problem, 0) or ([] if first is None else [first])
    starts = islice(chain(known, random_starts(problem)), n_starts)
    preparation = Preparation(problem.circuit, problem.reference())
    lowest = lowest_minimum(search, preparation, (problem.terms,), starts, meets_twice=False)
    exact = search.backend.capabilities.exact
    found = separate_states(
        problem,
        lowest.optimum.params[None],
        status=lowest.optimum.status,
        history=lowest.optimum.history,
        notes=() if exact else optimizer_under_shots(search.optimizer)[1],
    )
    return replace(
        found,
        params=lowest.optimum.params,
        start_energies=np.array([lowest.ends]) if n_starts > 1 else None,
    )
