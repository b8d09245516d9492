"""States of Pauli sums and matrices by circuits of qubit gates: searches from several starts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qmlmat.backends import Estimate, Preparation, Request
from qmlmat.operators.pauli import PauliSum
from qmlmat.solvers.base import Iteration, Solution, Status
from qmlmat.solvers.optimize import Optimum
from qmlmat.solvers.qubit_problem import QubitProblem
from qmlmat.solvers.search import Search
from qmlmat.solvers.starts import same_circuit
from qmlmat.solvers.variational import other_seed
from qmlmat.typing import FloatArray

N_STARTS: Final = 8
"""Most searches for a state (VQD) or a set of states (SSVQE)."""

START_WIDTH: Final = 1.0
"""Half width of the uniform distribution of the starts (radians)."""

START_SEED: Final = 0
"""Seed of the starts where none is given: paths of k must be repeatable."""

SAME_MINIMUM: Final = 1e-2
"""Energies that differ by less than this times the gradient's tolerance are one minimum: a search
ends within about the tolerance's square of it."""

SAME_UNDER_SHOTS: Final = 3.0
"""Standard errors within which two measured energies are one minimum."""

PADDING_WEIGHT: Final = 1e-3
"""Weight of padding in a state from which a note says so."""

NO_EIGENSTATE: Final = 1e-3
"""Residual, relative to the root mean square distance of levels from their mean, from which a note
says so: the energy's error is about its square over the gap."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Lowest:
    """The lowest of several searches for the same."""

    optimum: Optimum
    """The lowest; the evaluations of the others count as spent before it."""
    ends: FloatArray
    """Where all of them ended, ascending, NaN for those not needed, shape ``(n_starts,)``."""


def random_starts(problem: QubitProblem, state: int = 0) -> Iterator[FloatArray]:
    """Yield angles uniform in ``+-START_WIDTH``, each shape ``(n_params,)`` (radians).

    Args:
        problem: Whose circuit, and the seed.
        state: Number of the state that is searched: each has draws of its own.
    """
    seed = START_SEED if problem.seed is None else problem.seed
    rng = np.random.default_rng([seed, state])
    while True:
        yield rng.uniform(-START_WIDTH, START_WIDTH, problem.circuit.n_params)


def guessed_angles(guess: Solution | None, problem: QubitProblem, state: int) -> list[FloatArray]:
    """Return a guess's angles of a state, shape ``(n_params,)``; none where it has none.

    Raises:
        InputError: If the guess is of another circuit.
    """
    if guess is None or guess.params is None:
        return []
    rows = np.atleast_2d(guess.params)
    if state >= len(rows):
        return []
    one = replace(guess, params=rows[state], inverse_hessian=None)
    return [same_circuit(one, problem.circuit)]


def lowest_minimum(
    search: Search,
    preparation: Preparation,
    objectives: Sequence[PauliSum],
    starts: Iterable[FloatArray],
    *,
    weights: FloatArray | None = None,
    meets_twice: bool = True,
) -> Lowest:
    """Return the lowest minimum of the weighted sum of expectations, from several starts.

    Args:
        search: How angles are found.
        preparation: Circuit and references.
        objectives: What is minimised in the state of each reference.
        starts: Where searches begin, each ``(n_params,)`` (radians); at most ``N_STARTS`` are taken
            where ``meets_twice``, else all.
        weights: Weights of the references; one by default.
        meets_twice: Whether searches end once two of them have met the lowest minimum.
    """
    evaluator = search.evaluator(preparation, objectives)
    share = np.ones(len(preparation.references)) if weights is None else weights
    width = SAME_MINIMUM * search.gradient_tolerance
    optima: list[Optimum] = []
    ends: list[float] = []
    errors: list[float] = []
    for start in starts:
        optima.append(search.minimum(preparation, evaluator, start, weights=weights))
        answer = evaluator(optima[-1].params)
        ends.append(float(answer.values.reshape(-1) @ share))
        errors.append(float(answer.variances.reshape(-1) @ share**2))
        best = int(np.argmin(ends))
        near = width + SAME_UNDER_SHOTS * np.sqrt(np.array(errors) + errors[best])
        met = np.sum(np.array(ends) - ends[best] <= np.where(np.array(errors) > 0, near, width))
        if meets_twice and (met > 1 or len(ends) == N_STARTS):
            break
    room = max(N_STARTS if meets_twice else 0, len(ends))
    return Lowest(
        optimum=_counted(optima, best),
        ends=np.append(np.sort(ends), np.full(room - len(ends), np.nan)),
    )


def _counted(optima: Sequence[Optimum], best: int) -> Optimum:
    """Return one of several searches, with the evaluations of the others before its own."""
    others = [o.history[-1].n_evaluations for k, o in enumerate(optima) if k != best and o.history]
    spent = sum(others)
    history = tuple(
        replace(step, n_evaluations=step.n_evaluations + spent) for step in optima[best].history
    )
    return replace(optima[best], history=history)


def separate_states(
    problem: QubitProblem,
    params: FloatArray,
    *,
    status: Status,
    history: tuple[Iteration, ...],
    notes: tuple[str, ...] = (),
) -> Solution:
    """Return the states of one circuit at several angles, in the order given.

    Args:
        problem: Hamiltonian, circuit and backend.
        params: Angles of each state, shape ``(n_states, n_params)`` (radians).
        status: How the searches stopped.
        history: Their steps.
        notes: What the user should know.
    """
    preparation = Preparation(problem.circuit, problem.reference(), params)
    if problem.has_states:
        vectors = problem.vectors(preparation)
        images = np.array([problem.register.matvec(vector) for vector in vectors])
        energies = np.einsum("kd,kd->k", vectors.conj(), images).real
        residuals = np.linalg.norm(images - energies[:, None] * vectors, axis=1)
        found = with_own_states(problem, energies, vectors, residuals, status)
    else:
        request = Request(preparation=preparation, observables=(problem.terms,))
        (answer,) = problem.backend.run([request], seed=other_seed(problem.seed))
        assert isinstance(answer, Estimate)
        exact = problem.backend.capabilities.exact
        found = Solution(
            energies=answer.values.reshape(-1),
            unit=problem.hamiltonian.unit,
            status=status,
            stderr=None if exact else np.sqrt(answer.variances.reshape(-1)),
        )
    return replace(
        found,
        params=params,
        circuit=problem.circuit,
        history=history,
        notes=(*notes, *found.notes),
    )


def with_own_states(
    problem: QubitProblem,
    energies: FloatArray,
    vectors: NDArray[np.complex128],
    residuals: FloatArray,
    status: Status,
) -> Solution:
    """Return states of the register as states of the Hamiltonian: padding is cut off.

    Energies and residuals stay those of the register, as a device measures them. Notes say which
    states hold padding, and which are no eigenstates.

    Args:
        problem: Whose states.
        energies: Shape ``(n_states,)``.
        vectors: Normalised states of the register, shape ``(n_states, 2**n_qubits)``.
        residuals: Norms ``||(H - E) psi||`` on the register, shape ``(n_states,)``.
        status: How the search stopped.
    """
    states, weights = problem.own(vectors)
    unit, notes = problem.hamiltonian.unit, []
    terms = problem.terms
    # Without the constant, which moves levels and changes no state.
    scale = float(np.linalg.norm(terms.coefficients[(terms.x | terms.z) != 0]))
    loose = [f"{k} ({r:.2g})" for k, r in enumerate(residuals) if r > NO_EIGENSTATE * scale]
    if loose:
        notes.append(
            f"States are no eigenstates, by their residuals ({unit}): {', '.join(loose)}. Take a "
            "deeper circuit, more starts (another seed), or a smaller gradient_tolerance."
        )
    padded = [f"{k} ({weight:.3f})" for k, weight in enumerate(weights) if weight > PADDING_WEIGHT]
    if padded:
        notes.append(
            f"States hold weight on padding: {', '.join(padded)}. It was cut off and they were "
            "normalised, but their energies still hold it: take a deeper circuit."
        )
    return Solution(
        energies=energies,
        unit=unit,
        status=status,
        states=tuple(states),
        residuals=residuals,
        notes=tuple(notes),
    )
