"""States of a circuit at one geometry, their energies, and the derivatives of these."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from qmlmat.ansatz import Circuit
from qmlmat.backends import Preparation, Reference, Request, SectorBackend
from qmlmat.potentials.conditioned.references import combined
from qmlmat.potentials.conditioned.source import LocalProblem
from qmlmat.solvers import Solution
from qmlmat.solvers.subspace import Subspace, rayleigh_ritz, spin_squares
from qmlmat.surfaces import PointResult
from qmlmat.systems.gradients import energy_gradient
from qmlmat.typing import FloatArray
from qmlmat.units import BOHR_IN_ANGSTROM

EXACT_DIMENSION: Final = 5_000
"""Largest sector whose exact ground state is computed beside a prediction: a tenth of a second.
Beyond it, what the prediction is to be compared with would cost more than the prediction."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ConditionedStates:
    """The lowest states in the span of ``U(params)|ref_k>`` at one geometry."""

    problem: LocalProblem
    """Hamiltonian and orbitals."""
    circuit: Circuit
    """The circuit ``U``."""
    references: tuple[Reference, ...]
    """What it acts on."""
    params: FloatArray
    """Its angles, shape ``(n_params,)`` (radians)."""
    n_states: int
    """Number of states."""

    @cached_property
    def span(self) -> Subspace:
        """The Hamiltonian diagonalised among the prepared states."""
        preparation = Preparation(self.circuit, self.references, self.params)
        vectors = SectorBackend().state(preparation)
        return rayleigh_ritz(self.problem.hamiltonian, vectors)

    @property
    def energies(self) -> FloatArray:
        """Energies, ascending, shape ``(n_states,)`` (hartree)."""
        return self.span.energies[: self.n_states]

    def slopes(self) -> FloatArray:
        """Return derivatives of energies by the angles, shape ``(n_states, n_params)``.

        The references stay orthogonal under the circuit, so a state is the circuit on one fixed
        combination of them, to first order.
        """
        rows = []
        for coefficients in self.span.coefficients.T[: self.n_states]:
            start = combined(self.references, coefficients)
            request = Request(
                preparation=Preparation(self.circuit, start),
                observables=(self.problem.hamiltonian,),
            )
            found = SectorBackend().prepare(request).value_and_gradient(self.params)
            rows.append(found.gradient[0])
        return np.array(rows)

    def nuclear_gradient(self, state: int) -> FloatArray:
        """Return the derivative of an energy by the nuclei at fixed angles, orbitals responding.

        Args:
            state: Whose energy.

        Returns:
            Shape ``(n_atoms, 3)`` (hartree/Å).

        Raises:
            CapabilityError: If the response of the orbitals is not known.
            MeanFieldError: If it has no solution.
        """
        hamiltonian, vector = self.problem.hamiltonian, self.span.states[state]
        gradient = energy_gradient(
            self.problem.mean_field,
            self.problem.orbitals,
            hamiltonian.one_rdm(vector),
            hamiltonian.two_rdm(vector),
        )
        return gradient / BOHR_IN_ANGSTROM

    def solution(self) -> Solution:
        """Return the states as a solver would."""
        kept = slice(0, self.n_states)
        return span_solution(
            self.problem,
            self.span,
            self.n_states,
            params=self.params,
            circuit=self.circuit,
            references=self.references if len(self.references) > 1 else None,
            residuals=self.span.residuals[kept],
        )


def span_solution(
    problem: LocalProblem,
    span: Subspace,
    n_states: int,
    **known: Any,  # noqa: ANN401 (fields)
) -> Solution:
    """Return the lowest states of a span as a solution.

    Args:
        problem: Where.
        span: The span.
        n_states: How many states.
        **known: Further fields of the solution.
    """
    hamiltonian, states = problem.hamiltonian, tuple(span.states[:n_states])
    return Solution(
        energies=span.energies[:n_states],
        unit=hamiltonian.unit,
        status="converged",
        states=states,
        spin_squares=spin_squares(hamiltonian, states),
        **known,
    )


def with_reference(found: PointResult, problem: LocalProblem) -> PointResult:
    """Return a result with the exact ground-state energy, up to ``EXACT_DIMENSION``.

    Args:
        found: The result; it has a solution.
        problem: Where.
    """
    hamiltonian = problem.hamiltonian
    if found.solution is None or hamiltonian.dimension > EXACT_DIMENSION:
        return found
    exact = float(hamiltonian.spectrum(1).energies[0])
    return replace(found, reference=exact, solution=replace(found.solution, reference_energy=exact))


class _Energies(torch.autograd.Function):
    """Energies of states as a function of positions and angles, once differentiable by both."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 (torch's context)
        positions: torch.Tensor,
        angles: torch.Tensor,
        states: tuple[ConditionedStates, ...],
    ) -> torch.Tensor:
        ctx.states, ctx.like = states, (positions, angles)
        found = torch.from_numpy(np.array([state.energies for state in states]))
        return found.to(positions.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(
        ctx: Any,  # noqa: ANN401
        upstream: torch.Tensor,
    ) -> tuple[torch.Tensor | None, torch.Tensor | None, None]:
        by_positions = by_angles = None
        if ctx.needs_input_grad[0]:
            by_positions = _pulled(upstream, [_nuclear(s, u) for s, u in _rows(ctx, upstream)])
        if ctx.needs_input_grad[1]:
            by_angles = _pulled(upstream, [u @ s.slopes() for s, u in _rows(ctx, upstream)])
        return by_positions, by_angles, None


def energies_of(
    positions: torch.Tensor, angles: torch.Tensor, states: tuple[ConditionedStates, ...]
) -> torch.Tensor:
    """Return the energies of states, shape ``(n_points, n_states)``, once differentiable.

    Args:
        positions: Where, shape ``(n_points, n_atoms, 3)`` (Å).
        angles: The angles there, shape ``(n_points, n_params)`` (radians).
        states: The states there.
    """
    values: torch.Tensor = _Energies.apply(positions, angles, states)  # type: ignore[no-untyped-call]
    return values


def _rows(
    ctx: Any,  # noqa: ANN401
    upstream: torch.Tensor,
) -> list[tuple[ConditionedStates, FloatArray]]:
    return list(zip(ctx.states, upstream.detach().double().numpy(), strict=True))


def _nuclear(states: ConditionedStates, weights: FloatArray) -> NDArray[np.float64]:
    """Return a weighted sum of derivatives by the nuclei; weights of zero cost nothing."""
    total = np.zeros_like(states.problem.orbitals.positions)
    for state in np.flatnonzero(weights):
        total += weights[state] * states.nuclear_gradient(int(state))
    return total


def _pulled(upstream: torch.Tensor, rows: list[FloatArray]) -> torch.Tensor:
    return torch.from_numpy(np.array(rows)).to(upstream.dtype)
