"""What passes between PySCF and our solutions: states, energies, electrons; and when it may."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from qmlmat.errors import CapabilityError, InputError
from qmlmat.solvers import Solution
from qmlmat.typing import FloatArray, StateArray

EIGENSTATE: Final = 1e-5
"""Residual up to which PySCF's formulas for CI vectors hold for a state (hartree): errors of its
gradients are of this order, in hartree per bohr."""
REAL: Final = 1e-8
"""Largest imaginary part that is left out of a state."""


def check_eigenstates(solution: Solution | None, what: str) -> None:
    """Raise unless states are eigenstates of the active space's Hamiltonian."""
    if solution is None or solution.residuals is None:
        return
    worst = float(np.max(solution.residuals))
    if worst > EIGENSTATE:
        raise CapabilityError(
            f"{what} takes states for eigenstates, and these leave a residual of {worst:.1e} "
            f"hartree (at most {EIGENSTATE:.0e}): a circuit's energy also depends on how active "
            "orbitals are turned. Use a circuit that is exact in this space or a smaller "
            "gradient_tolerance; mcscf.CASSCF with mc.internal_rotation = True for one state; or "
            "SolverSurface(forces=True), which has the missing terms."
        )


def as_pyscf(found: Solution) -> tuple[Any, Any]:
    """Return energies and states as PySCF's CI solvers do: bare, or in lists."""
    if found.states is None:
        raise CapabilityError(
            "SolverCI: the solver returned no states, and PySCF makes density matrices of them. "
            "Use a solver that keeps states, on SectorBackend()."
        )
    states = [_real(state) for state in found.states]
    if found.n_states == 1:
        return float(found.energies[0]), states[0]
    return np.array(found.energies), states


def _real(state: StateArray) -> FloatArray:
    """Return a state without its global phase.

    Raises:
        CapabilityError: If an imaginary part is left.
    """
    state = np.asarray(state)
    if not np.iscomplexobj(state):
        return np.ascontiguousarray(state, dtype=np.float64)
    largest = state.flat[np.argmax(np.abs(state))]
    turned = state * (abs(largest) / largest)
    if np.abs(turned.imag).max() > REAL:
        raise CapabilityError(
            "SolverCI: the state is complex (imaginary parts up to "
            f"{np.abs(turned.imag).max():.1e}), and PySCF's density matrices are of real ones. Use "
            "an ansatz of real rotations, such as uccsd."
        )
    return np.ascontiguousarray(turned.real)


def electrons(nelec: int | tuple[int, int], spin: int | None) -> tuple[int, int]:
    """Return electrons by spin.

    Raises:
        InputError: If the spin does not fit the number of electrons.
    """
    total = int(np.sum(nelec))
    if spin is not None and ((total - spin) % 2 or abs(spin) > total):
        raise InputError(
            f"SolverCI(spin={spin}) with {total} active electrons: 2S is odd with an odd number of "
            "electrons, even with an even one, and at most their number. Set mc.fcisolver.spin = "
            "None, or nelec=(n_alpha, n_beta)."
        )
    if spin is None and np.ndim(nelec) == 1:
        n_alpha, n_beta = nelec  # type: ignore[misc] # a pair, as its dimension says
        return int(n_alpha), int(n_beta)
    n_beta = (total - (spin or 0)) // 2  # PySCF's rule: the odd one is alpha
    return total - n_beta, n_beta
