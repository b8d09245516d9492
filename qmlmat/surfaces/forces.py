"""Forces of a solver's ground state, or the reason why there are none."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np

from qmlmat.backends import Preparation, Request, SectorBackend
from qmlmat.errors import CapabilityError, MeanFieldError, QmlmatWarning
from qmlmat.solvers import Solution, Solver
from qmlmat.solvers.variational import reference_of
from qmlmat.systems import ActiveOrbitals, MeanField, MolecularHamiltonian
from qmlmat.systems.gradients import energy_gradient
from qmlmat.typing import FloatArray
from qmlmat.units import BOHR_IN_ANGSTROM

EIGENSTATE: Final = 1e-6
"""Residual up to which a state is an eigenstate, stationary in every coefficient (hartree)."""
STATIONARY: Final = 1e-5
"""Largest slope along an angle at which the energy counts as stationary (hartree per radian); at
the default tolerance of VQE, 1e-6, forces are then right to about that in hartree per bohr."""
SAME_ENERGY: Final = 1e-10
"""Difference up to which two energies are of the same state (hartree): rounding is 1e-13."""


@dataclass(frozen=True, kw_only=True)
class Forces:
    """Forces, or why there are none."""

    values: FloatArray | None = None
    """Forces on the atoms, shape ``(n_atoms, 3)`` (hartree/Å); ``None`` where refused."""
    notes: tuple[str, ...] = ()
    """The reason of a refusal, one sentence or two."""


def ground_state_forces(
    mean_field: MeanField,
    orbitals: ActiveOrbitals,
    hamiltonian: MolecularHamiltonian,
    solver: Solver,
    solution: Solution,
) -> Forces:
    """Return the forces in the ground state, or a note where energies have no such derivative.

    A force is the derivative of the energy that the surface gives, with the response of the
    orbitals. What the state's own parameters add vanishes where the energy is stationary in them:
    in an eigenstate, or where a circuit's angles are converged. That is measured here, whatever the
    solver says.

    Args:
        mean_field: The mean field at the point.
        orbitals: The orbitals of the Hamiltonian.
        hamiltonian: The Hamiltonian.
        solver: What found the solution.
        solution: The solution, its states among it.
    """
    reason = _not_stationary(hamiltonian, solver, solution)
    if reason is None:
        assert solution.states is not None
        state = solution.states[0]
        try:
            gradient = energy_gradient(
                mean_field, orbitals, hamiltonian.one_rdm(state), hamiltonian.two_rdm(state)
            )
        except (CapabilityError, MeanFieldError) as error:
            reason = str(error)
        else:
            return Forces(values=-gradient / BOHR_IN_ANGSTROM)
    note = f"No forces: {reason}"
    warnings.warn(note, QmlmatWarning, stacklevel=3)
    return Forces(notes=(note,))


def _not_stationary(
    hamiltonian: MolecularHamiltonian, solver: Solver, solution: Solution
) -> str | None:
    """Return why the energy is not stationary in the state's parameters; ``None`` if it is."""
    if not solution.is_converged:
        return f'the solver stopped ("{solution.status}"). {solution.advice}'
    if solution.states is None or solution.unit != "hartree":
        return "the solution keeps no states. Use a solver on an exact backend."
    if len(solution.levels[0]) > 1:
        return (
            f"the ground state is one of {len(solution.levels[0])} degenerate ones, which have no "
            "forces of their own. Use another spin, or another geometry."
        )
    if solution.residuals is not None and solution.residuals[0] <= EIGENSTATE:
        return None
    return _sloped(hamiltonian, solver, solution)


def _sloped(hamiltonian: MolecularHamiltonian, solver: Solver, solution: Solution) -> str | None:
    """Return why the energy is not stationary in a circuit's angles; ``None`` if it is."""
    if solution.circuit is None or solution.params is None:
        return (
            "the state is no eigenstate, and no circuit whose angles are optimised. Use Exact(), "
            "VQE or ADAPTVQE."
        )
    reference = getattr(solver, "reference", None)
    params = solution.params
    if solution.references is not None:
        reference = solution.references[0]
    if params.ndim == 2:  # each state its own
        params = params[0]
    preparation = Preparation(solution.circuit, reference_of(hamiltonian, reference))
    evaluator = SectorBackend().prepare(
        Request(preparation=preparation, observables=(hamiltonian,))
    )
    found = evaluator.value_and_gradient(params)
    if abs(float(found.values[0]) - solution.energy) > SAME_ENERGY:
        return (
            "the state is not the circuit's alone, as after a diagonalisation among several "
            "states, and its energy is not stationary in the angles. Use n_states=1 and VQE or "
            "ADAPTVQE, or Exact()."
        )
    slope = float(np.abs(found.gradient[0]).max(initial=0.0))
    if slope > STATIONARY:
        return (
            f"the energy still has a slope of {slope:.1e} hartree per radian along an angle, at "
            f"most {STATIONARY:.0e} is accepted. Tighten gradient_tolerance, and leave out "
            "spin_penalty, which makes another function stationary."
        )
    return None
