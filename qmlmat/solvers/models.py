"""The verb ``solve`` for Pauli sums and matrices: an answer checked against diagonalisation."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from qmlmat.backends import Backend, StatevectorBackend
from qmlmat.errors import CapabilityError
from qmlmat.provenance import provenance
from qmlmat.solvers.base import ModelSolver, Solution, Solver
from qmlmat.solvers.checks import check_variational, noted, with_luck
from qmlmat.systems import QubitModel

REFERENCE_QUBITS: Final = 14
"""Most qubits whose exact levels are computed beside the states found."""


def solve_model(
    hamiltonian: QubitModel,
    solver: Solver | ModelSolver,
    *,
    n_states: int,
    guess: Solution | None,
    backend: Backend | None,
    seed: int | None,
) -> Solution:
    """Return the lowest eigenpairs of a Pauli sum or matrix; see ``solve``.

    Raises:
        CapabilityError: If the solver is for electrons only.
        VariationalError: If an exact energy comes out below the exact ground state.
    """
    if not isinstance(solver, ModelSolver):
        raise CapabilityError(
            f"solve({type(hamiltonian).__name__}, {type(solver).__name__}): this solver needs the "
            "electrons of a molecule. Use Exact, RBM, Filtration, or VQE, VQD and SSVQE with a "
            'template of qubit gates such as "hea_efficient_su2".'
        )
    found = solver.eigenpairs(
        hamiltonian,
        n_states=n_states,
        guess=guess,
        backend=StatevectorBackend() if backend is None else backend,
        seed=seed,
    )
    found = _with_references(found, hamiltonian)
    found = replace(found, provenance=provenance(solver=solver.inputs(), seed=seed))
    if found.stderr is not None:
        return with_luck(found)
    if getattr(solver, "is_variational", True):
        check_variational(found)
    return found


def _with_references(found: Solution, hamiltonian: QubitModel) -> Solution:
    """Add the exact levels, each beside the state of its place, unless the solver did."""
    if hamiltonian.n_qubits > REFERENCE_QUBITS:
        return noted(found, f"No reference: the Hamiltonian has {hamiltonian.n_qubits} qubits.")
    if found.reference_energies is None:
        exact = hamiltonian.spectrum(found.n_states).energies
        found = replace(found, reference_energies=exact)
    lowest = found.reference_energies
    assert lowest is not None
    if found.reference_energy is None and not np.isnan(lowest[0]):
        found = replace(found, reference_energy=float(lowest[0]))
    return found
