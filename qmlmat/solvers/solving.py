"""The verb ``solve``: a solver's answer, checked against the exact energy."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from qmlmat.ansatz import QubitCircuit
from qmlmat.backends import Backend, SectorBackend
from qmlmat.backends.requests import check_params
from qmlmat.errors import InputError
from qmlmat.provenance import provenance
from qmlmat.solvers.base import AnyHamiltonian, ModelSolver, Solution, Solver
from qmlmat.solvers.checkpoint import solve_with_checkpoint
from qmlmat.solvers.checks import (
    VARIATIONAL_TOLERANCE,
    check_seed,
    check_variational,
    noted,
    with_luck,
)
from qmlmat.solvers.levels import REFERENCE_DIMENSION, with_levels
from qmlmat.solvers.models import solve_model
from qmlmat.systems import MolecularHamiltonian, SpinSquare, WeightedSum, spin_square
from qmlmat.systems.blocks import is_linear_irrep
from qmlmat.systems.spectrum import lowest_states
from qmlmat.units import CHEMICAL_ACCURACY

SPIN_DRIFT_TOLERANCE: Final = 1e-2
"""Excess of <S^2> over the lowest spin's value above which a ground state is flagged."""

OTHER_SPIN: Final = 0.5
"""Difference of <S^2> from which two states count as of different spin."""

SPIN_GAP_TOLERANCE: Final = 1e-4
"""Gap between spins below which they count as degenerate (hartree)."""


def solve(  # noqa: PLR0913 (each is one thing the user may say)
    hamiltonian: AnyHamiltonian,
    solver: Solver | ModelSolver,
    *,
    n_states: int = 1,
    guess: Solution | ArrayLike | None = None,
    backend: Backend | None = None,
    seed: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Solution:
    """Return the lowest eigenpairs of a Hamiltonian, checked against the exact energy.

    Args:
        hamiltonian: The operator: a molecule's, a ``QubitHamiltonian``, a ``MatrixHamiltonian``, or
            a crystal's at one k. ``Exact``, ``RBM``, ``Filtration``, and with templates of qubit
            gates ``VQE``, ``VQD`` and ``SSVQE`` take all of them.
        solver: How: ``Exact()``, ``VQE("uccsd")``, ...
        n_states: How many states.
        guess: An earlier solution whose parameters are the start, e.g. a neighbour's on a curve; or
            the parameters alone, shape ``(n_params,)`` (radians), e.g. a network's.
        backend: Where circuits run; default ``SectorBackend()``, and ``StatevectorBackend()`` for
            Hamiltonians without electrons.
        seed: Seed of everything random; the same seed gives the same answer.
        checkpoint: File that ``ADAPTVQE`` writes after each step, and goes on from where it is
            there already, also with other tolerances and limits. Not needed in a scan.

    Returns:
        The solution. ``status`` says whether the solver converged, ``reference_energy`` is the
        exact ground-state energy where the sector has at most ``REFERENCE_DIMENSION`` states,
        whatever that state's spin; a note says where it differs from that of the state found.

    Raises:
        InputError: If the sector has fewer than ``n_states`` states, or seed or guess do not fit.
        TemplateError: If the ansatz is unknown.
        StoreError: If the checkpoint is of another calculation, or cannot be read or written.
        VariationalError: If an exact energy comes out below the exact ground state.

    Example:
        >>> import qmlmat as qm
        >>> h2 = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735")
        >>> round(qm.solve(qm.molecular_hamiltonian(h2), qm.VQE("uccsd")).energy, 8)
        -1.13730604
    """
    if not hasattr(hamiltonian, "dimension"):
        raise InputError(
            f"solve({type(hamiltonian).__name__}, ...): this is no Hamiltonian. Make one: "
            "molecular_hamiltonian(molecule, active_space), QubitHamiltonian(terms=pauli_sum), or "
            "MatrixHamiltonian(matrix=...)."
        )
    if not (isinstance(n_states, int) and 1 <= n_states <= hamiltonian.dimension):
        raise InputError(
            f"solve(n_states={n_states!r}): the Hamiltonian has {hamiltonian.dimension} states. "
            f"Use n_states between 1 and {hamiltonian.dimension}."
        )
    check_seed(seed)
    start = guess if guess is None or isinstance(guess, Solution) else _angles(guess, hamiltonian)
    if not isinstance(hamiltonian, MolecularHamiltonian):
        if checkpoint is not None:
            raise InputError(
                f"solve({type(hamiltonian).__name__}, checkpoint=...): checkpoints are for "
                "circuits that grow on a molecule. Leave it out."
            )
        return solve_model(
            hamiltonian, solver, n_states=n_states, guess=start, backend=backend, seed=seed
        )
    where = SectorBackend() if backend is None else backend
    if checkpoint is None:
        found = solver.eigenpairs(
            hamiltonian, n_states=n_states, guess=start, backend=where, seed=seed
        )
    else:
        found = solve_with_checkpoint(
            hamiltonian,
            solver,
            checkpoint,
            n_states=n_states,
            guess=start,
            backend=where,
            seed=seed,
        )
    wanted = getattr(solver, "multiplicity", None), getattr(solver, "irrep", None)
    if n_states > 1 or wanted != (None, None):
        found = with_levels(found, hamiltonian, multiplicity=wanted[0], irrep=wanted[1])
        found = _with_irrep_check(found, hamiltonian, wanted[1])
    found = _with_reference(found, hamiltonian)
    found = _with_spin_check(found, hamiltonian.nelec, wanted[0])
    found = _with_error_reached(found)
    record = provenance(solver=solver.inputs(), seed=seed)
    found = replace(found, provenance=record)
    # Of one spin or irrep, a trace of lower states of others is allowed.
    if wanted == (None, None) and getattr(solver, "is_variational", True):
        if found.stderr is not None:
            return with_luck(found)
        if isinstance(found.circuit, QubitCircuit):
            return _with_other_sector(found)
        check_variational(found)
    return found


def _angles(guess: ArrayLike, hamiltonian: AnyHamiltonian) -> Solution:
    """Return bare parameters as a solution of unknown energy."""
    shape = np.shape(guess)
    if len(shape) != 1:
        raise InputError(
            f"solve(guess=...): an array of shape {shape}. Give an earlier Solution, or the "
            "circuit's parameters as one vector (n_params,) (radians)."
        )
    params = check_params(guess, shape[0], what="solve(guess=...)").copy()
    unknown = np.full(1, np.nan)
    return Solution(
        energies=unknown, unit=hamiltonian.unit, status="iteration_limit", params=params
    )


def _with_reference(found: Solution, hamiltonian: MolecularHamiltonian) -> Solution:
    """Add the exact ground-state energy, and say so where that state has another spin."""
    if found.reference_energy is not None:
        return found
    if found.reference_energies is not None and np.isnan(found.reference_energies).all():
        return noted(found, "No reference: the states selected were not computed exactly.")
    if hamiltonian.dimension > REFERENCE_DIMENSION:
        return noted(found, f"No reference: the sector has {hamiltonian.dimension} determinants.")
    exact = hamiltonian.spectrum(1)
    square = spin_square(exact.states[0], hamiltonian.norb, hamiltonian.nelec)
    found = replace(found, reference_energy=float(exact.energies[0]))
    spin = abs(hamiltonian.nelec[0] - hamiltonian.nelec[1]) / 2
    if found.spin_squares is None or square - max(found.spin_squares[0], spin) < OTHER_SPIN:
        return found
    lowest = lowest_spin_energy(hamiltonian)
    gap = lowest - exact.energies[0]
    if gap < SPIN_GAP_TOLERANCE:
        return found  # the spins are degenerate: separated atoms
    note = (
        f"The exact ground state of these electrons has <S^2> = {square:.2f}; the lowest state of "
        f"spin {spin:g} lies {1e3 * gap:.3f} mHa above it, and the state found "
        f"{1e3 * (found.energy - lowest):.3f} mHa above that one. If the ground state is what you "
        "want, set the molecule's spin."
    )
    return noted(found, note, warn=True)


def lowest_spin_energy(hamiltonian: MolecularHamiltonian) -> float:
    """Return the exact energy of the lowest state with the sector's lowest spin (hartree)."""
    spin = abs(hamiltonian.nelec[0] - hamiltonian.nelec[1]) / 2
    square = SpinSquare(hamiltonian.norb, hamiltonian.nelec)
    # Weight one hartree: more than valence states of different spin differ by.
    raised = WeightedSum(terms=((1.0, hamiltonian), (1.0, square)), constant=-spin * (spin + 1))
    diagonal = hamiltonian.diagonal() + square.diagonal()  # of the search's preconditioner
    return float(lowest_states(raised.matvec, diagonal, 1).energies[0])


def _with_spin_check(
    found: Solution, nelec: tuple[int, int], wanted: int | None = None
) -> Solution:
    """Say so where a state's <S^2> is not that of the spin wanted, or of the lowest."""
    if found.spin_squares is None:
        return found
    if found.n_states > 1 or wanted is not None:
        return _with_pure_spins(found, wanted)
    spin, square = abs(nelec[0] - nelec[1]) / 2, float(found.spin_squares[0])
    if square - spin * (spin + 1) <= SPIN_DRIFT_TOLERANCE:
        return found
    multiplicity = np.sqrt(1 + 4 * square)  # 2s + 1
    if abs(multiplicity - round(multiplicity)) < SPIN_DRIFT_TOLERANCE:
        return noted(
            found,
            f"<S^2> = {square:.4f}: the state found has multiplicity {round(multiplicity)}, not "
            f"{round(2 * spin + 1)}. Set the molecule's spin to {round(multiplicity) - 1} if that "
            "is the state you want.",
        )
    return noted(
        found,
        f"<S^2> = {square:.4f} instead of {spin * (spin + 1):.4f}: the state mixes spins. Try "
        "a spin_penalty of about 0.05 hartree, or another ansatz.",
        warn=True,
    )


def _with_pure_spins(found: Solution, wanted: int | None) -> Solution:
    """Say which of several states mix spins, or are of another than was asked for."""
    assert found.multiplicities is not None
    assert found.spin_squares is not None
    mixed = [
        f"{k} (<S^2> = {found.spin_squares[k]:.3f})"
        for k, value in enumerate(found.multiplicities)
        if value is None or wanted not in {None, value}
    ]
    if not mixed:
        return found
    what = "mix spins" if wanted is None else f"are not of multiplicity {wanted}"
    return noted(
        found,
        f"States {what}: {', '.join(mixed)}. Try a larger spin_penalty, or another ansatz.",
        warn=True,
    )


def _with_irrep_check(
    found: Solution, hamiltonian: MolecularHamiltonian, wanted: str | None
) -> Solution:
    """Say which states are not of the irrep of a linear molecule that was asked for."""
    group = hamiltonian.point_group
    if found.irreps is None or group is None or not is_linear_irrep(group, wanted):
        return found
    others = [f"{k} ({name or 'mixed'})" for k, name in enumerate(found.irreps) if name != wanted]
    if not others:
        return found
    return noted(
        found,
        f"States are not of irrep {wanted}: {', '.join(others)}. A circuit keeps the irreps of the "
        f"Abelian subgroup only ({', '.join(group.names)}): ask for one of these, "
        "and for as many states as lie below.",
        warn=True,
    )


def _with_worst_state(found: Solution) -> Solution:
    """Say which of several states is furthest off, beyond chemical accuracy."""
    if found.errors is None or found.n_states == 1 or np.isnan(found.errors).all():
        return found
    worst = int(np.nanargmax(np.abs(found.errors)))
    error = float(found.errors[worst])
    if worst == 0 or abs(error) < CHEMICAL_ACCURACY:
        return found
    return noted(found, f"State {worst} is {1e3 * error:.3f} mHa off, more than any other.")


def _with_error_reached(found: Solution) -> Solution:
    """Say how far a solver came that did not converge, or that grew a circuit in vain."""
    if found.stderr is not None:  # the error bar says it
        return found
    found = _with_worst_state(found)
    if found.error is None or not found.history:
        return found
    above = f"{1e3 * found.error:.3f} mHa above the exact energy"
    slope = f"largest slope {found.history[-1].gradient_norm:.1e} hartree per radian"
    if not found.is_converged:
        return noted(found, f'Stopped ("{found.status}") {above}, {slope}.')
    if found.error < CHEMICAL_ACCURACY or found.params is None:
        return found
    if found.history[-1].n_params is None:
        return noted(found, f"Converged {above}: a limit of the circuit, or of this start.")
    note = (
        f"The pool has no slope above the tolerance, {above} of these electrons ({slope}): because "
        "of the tolerance, the pool, the reference's symmetry, or states that are nearly "
        "degenerate. Tighten gradient_tolerance, take a richer pool, or start elsewhere."
    )
    return noted(found, note, warn=True)


def _with_other_sector(found: Solution) -> Solution:
    """Say where a circuit that does not keep the electrons went below the exact ground state."""
    if found.error is None or found.error >= -VARIATIONAL_TOLERANCE:
        return found
    return noted(
        found,
        f"The energy is {-1e3 * found.error:.3f} mHa below the exact ground state of these "
        "electrons: gates of qubits do not keep their number, and the state holds others. Use a "
        "mapping that fixes parities (hamiltonian.qubit_mapping(reduced=True)), or a fermionic "
        "ansatz.",
        warn=True,
    )
