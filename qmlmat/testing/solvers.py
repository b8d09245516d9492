"""What every solver must do.

``check_solver`` asks of a solver what its users rely on: states of the right sector, the same
answer twice, bounds where they are claimed, and clear refusals.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final

import numpy as np

from qmlmat.errors import InputError
from qmlmat.solvers import Solution, Solver, solve
from qmlmat.solvers.checks import VARIATIONAL_TOLERANCE
from qmlmat.systems import MolecularHamiltonian, Molecule, molecular_hamiltonian
from qmlmat.testing.conformance import ConformanceError

NORM_TOLERANCE: Final = 1e-10
"""Largest distance of a state's norm from 1 (float64)."""

ENERGY_TOLERANCE: Final = 1e-9
"""Largest distance of an energy from the expectation in its state (hartree)."""


def check_solver(
    solver: Solver,
    *,
    hamiltonian: MolecularHamiltonian | None = None,
    n_states: int = 3,
    solve_with: Callable[..., Solution] = solve,
) -> Solution:
    """Return what a solver finds, after checking that it keeps the contract of all solvers.

    - States are normalised vectors of the Hamiltonian's sector, energies finite and ascending.
    - The same seed gives the same answer, to the last bit.
    - A solver with ``is_variational`` is never below the exact state of the same place, and its
      energies are the expectations in its states.
    - States have one spin each.
    - The answer survives ``to_dict`` and ``from_dict``, and is a guess to go on from that gives
      nothing higher.
    - ``inputs()`` holds plain values.
    - More states than the sector holds, and a multiplicity that no state of the sector has, are
      refused with an ``InputError``.

    Args:
        solver: The solver, with all its settings.
        hamiltonian: What it is tried on; by default a chain of four hydrogen atoms, STO-3G.
        n_states: How many states are asked for; 1 for a solver of ground states.
        solve_with: What calls it.

    Raises:
        ConformanceError: If one of this does not hold; the message says what.

    Example:
        >>> import qmlmat as qm
        >>> check_solver(qm.Exact()).n_states
        3
    """
    if hamiltonian is None:
        chain = Molecule.from_xyz("H 0 0 0; H 0 0 1; H 0 0 2; H 0 0 3")
        hamiltonian = molecular_hamiltonian(chain)
    _check_inputs(solver)
    found = solve_with(hamiltonian, solver, n_states=n_states, seed=7)
    _check_states(found, hamiltonian, n_states)
    _check_spins(found)
    if getattr(solver, "is_variational", False):
        _check_bounds(found, hamiltonian)
    again = solve_with(hamiltonian, solver, n_states=n_states, seed=7)
    _require(np.array_equal(found.energies, again.energies), "the same seed gives other energies")
    back = Solution.from_dict(json.loads(json.dumps(found.to_dict())))
    _require(np.array_equal(back.energies, found.energies), "to_dict loses digits of the energies")
    onward = solve_with(hamiltonian, solver, n_states=n_states, guess=back, seed=7)
    _require(
        bool(np.sum(onward.energies) < np.sum(found.energies) + 1e-4 * n_states),
        "a search from its own answer ends higher",
    )
    _check_refusals(solver, hamiltonian, solve_with)
    return found


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise ConformanceError(f"check_solver: {what}. See qmlmat.testing.check_solver.")


def _check_inputs(solver: Solver) -> None:
    try:
        text = json.dumps(solver.inputs(), sort_keys=True)
    except TypeError as error:
        raise ConformanceError(
            f"check_solver: inputs() holds a value that is not plain ({error}). Use numbers, text, "
            "lists and dictionaries."
        ) from error
    _require(
        json.dumps(solver.inputs(), sort_keys=True) == text, "inputs() differs from call to call"
    )


def _check_states(found: Solution, hamiltonian: MolecularHamiltonian, n_states: int) -> None:
    energies = found.energies
    _require(energies.shape == (n_states,), f"energies have shape {energies.shape}")
    _require(bool(np.isfinite(energies).all()), "an energy is not finite")
    _require(bool((np.diff(energies) >= 0).all()), "energies do not ascend")
    _require(found.unit == hamiltonian.unit, f'the unit is "{found.unit}"')
    _require(
        found.states is not None and len(found.states) == n_states, "there is not a state for each"
    )
    for state in found.states or ():
        _require(state.shape == hamiltonian.shape, f"a state has shape {state.shape}")
        norm = float(np.linalg.norm(state))
        _require(abs(norm - 1) < NORM_TOLERANCE, f"a state has the norm {norm}")


def _check_spins(found: Solution) -> None:
    _require(found.spin_squares is not None, "spin_squares are missing")
    mixed = [k for k, spin in enumerate(found.multiplicities or ()) if spin is None]
    _require(not mixed, f"states {mixed} mix spins")


def _check_bounds(found: Solution, hamiltonian: MolecularHamiltonian) -> None:
    units = np.eye(hamiltonian.dimension).reshape(-1, *hamiltonian.shape)
    matrix = np.array([hamiltonian.matvec(unit).ravel() for unit in units])
    exact = np.linalg.eigvalsh(matrix)[: found.n_states]
    below = float((exact - found.energies).max())
    _require(below < VARIATIONAL_TOLERANCE, f"an energy is {below:.2e} hartree below the exact one")
    means = [hamiltonian.expectation(state) for state in found.states or ()]
    apart = float(np.abs(np.array(means) - found.energies).max(initial=0.0))
    _require(apart < ENERGY_TOLERANCE, f"an energy is {apart:.2e} off its state's expectation")


def _check_refusals(
    solver: Solver, hamiltonian: MolecularHamiltonian, solve_with: Callable[..., Solution]
) -> None:
    _refuses(
        lambda: solve_with(hamiltonian, solver, n_states=hamiltonian.dimension + 1),
        "more states than the sector holds",
    )
    if not is_dataclass(solver) or "multiplicity" not in {f.name for f in fields(solver)}:
        return
    settings: dict[str, Any] = {"multiplicity": sum(hamiltonian.nelec) + 3}
    unreachable = replace(solver, **settings)
    _refuses(lambda: solve_with(hamiltonian, unreachable), "a multiplicity that no state of it has")


def _refuses(call: Callable[[], Solution], what: str) -> None:
    try:
        call()
    except InputError:
        return
    raise ConformanceError(f"check_solver: {what} is not refused. Raise an InputError.")
