"""Several states of machines, one after another, and the solution they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from qmlmat.errors import InputError
from qmlmat.operators.pauli import PauliSum
from qmlmat.solvers.base import AnyHamiltonian, Iteration, Solution, Status
from qmlmat.solvers.boltzmann.enumerated import EnumeratedEnergy, Vector
from qmlmat.solvers.boltzmann.machine import BoltzmannMachine
from qmlmat.solvers.boltzmann.scaling import scaled
from qmlmat.solvers.boltzmann.space import Space
from qmlmat.solvers.boltzmann.training import Trained, Training
from qmlmat.solvers.search import joined
from qmlmat.solvers.subspace import spin_squares
from qmlmat.systems import MolecularHamiltonian
from qmlmat.typing import FloatArray, StateArray


class MachineSettings(Protocol):
    """What is needed of ``RBM``."""

    deflation: float
    """Weight of projectors on lower states."""

    @property
    def training(self) -> Training:
        """How parameters are searched."""
        ...

    def machine_on(self, n_qubits: int, params: FloatArray | None = None) -> BoltzmannMachine:
        """Return the network for a number of qubits."""
        ...


@dataclass(frozen=True, eq=False)
class MachineState:
    """One state that was found."""

    trained: Trained
    """Its parameters, and how they were found."""
    vector: Vector
    """Its amplitudes."""


@dataclass(frozen=True, eq=False)
class MachineStates:
    """Searches for the lowest states of operators on one space."""

    settings: MachineSettings
    """The network and how it is trained."""
    space: Space
    """The configurations."""

    def lowest(
        self, terms: PauliSum, n_states: int, *, guess: Solution | None, seed: int
    ) -> tuple[MachineState, ...]:
        """Return the lowest states of an operator, each raised before the next is looked for.

        Args:
            terms: The operator, on the space's qubits.
            n_states: How many.
            guess: Parameters to begin with.
            seed: Seed of everything random.

        Raises:
            InputError: If the space is too large or has fewer states, or the guess does not fit.
        """
        space = self.space
        space.check_enumerable()
        if n_states > len(space.masks):
            raise InputError(
                f"solve(RBM, n_states={n_states}): the lowest orbitals' symmetry has "
                f"{len(space.masks)} configurations. Ask for fewer states, or use tapered=False."
            )
        scale = scaled(terms, space)
        found: list[MachineState] = []
        for k in range(n_states):
            machine = self.settings.machine_on(space.n_qubits)
            energy = EnumeratedEnergy(
                machine,
                space,
                scale.terms,
                lower=[state.vector for state in found],
                weight=self.settings.deflation,
            )
            start = guess_params(guess, k, machine.n_params)
            trained = self.settings.training.enumerated(energy, scale, start, (seed, k))
            vector = Vector(space.masks, energy.amplitudes(trained.params))
            found.append(MachineState(trained, vector))
        return tuple(found)


def guess_params(guess: Solution | None, k: int, n_params: int) -> FloatArray | None:
    """Return a guess's parameters for the k-th state; ``None`` where there are none.

    Raises:
        InputError: If a machine has another number of parameters.
    """
    if guess is None or guess.params is None:
        return None
    rows = np.atleast_2d(guess.params)
    if rows.shape[1] != n_params:
        raise InputError(
            f"solve(RBM, guess=...): {rows.shape[1]} parameters, this machine has {n_params}. Use "
            "a solution of a machine with as many units and the same sign node."
        )
    return rows[k] if k < len(rows) else None


def machine_solution(
    hamiltonian: AnyHamiltonian, space: Space, found: Sequence[MachineState]
) -> Solution:
    """Return the solution that machines make: energies of the Hamiltonian itself, ascending.

    Args:
        hamiltonian: What the energies are of.
        space: The configurations.
        found: The states, in the order they were found.
    """
    states = [space.state(one.vector.masks, one.vector.amplitudes) for one in found]
    energies, residuals = energies_of(hamiltonian, states)
    order = np.argsort(energies, kind="stable")
    params = np.array([found[k].trained.params for k in order])
    several = len(found) > 1
    return Solution(
        energies=energies[order],
        unit=hamiltonian.unit,
        status=_worst([one.trained.status for one in found]),
        states=tuple(states[k] for k in order),
        params=params if several else params[0],
        residuals=residuals[order],
        spin_squares=spin_squares(hamiltonian, [states[k] for k in order])
        if isinstance(hamiltonian, MolecularHamiltonian)
        else None,
        start_energies=_table([found[k].trained.energies for k in order]),
        history=_history([one.trained.history for one in found]),
    )


def energies_of(
    hamiltonian: AnyHamiltonian, states: Sequence[StateArray]
) -> tuple[FloatArray, FloatArray]:
    """Return energies and norms of ``(H - E) psi`` of normalised states, each ``(n_states,)``."""
    energies, residuals = np.empty(len(states)), np.empty(len(states))
    for k, state in enumerate(states):
        image = _applied(hamiltonian, state)
        energies[k] = float(np.vdot(state, image).real)
        residuals[k] = float(np.linalg.norm(image - energies[k] * state))
    return energies, residuals


def _applied(hamiltonian: AnyHamiltonian, state: StateArray) -> StateArray:
    if not (isinstance(hamiltonian, MolecularHamiltonian) and np.iscomplexobj(state)):
        return hamiltonian.matvec(state)
    real, imaginary = (np.ascontiguousarray(part) for part in (state.real, state.imag))
    image: StateArray = hamiltonian.matvec(real) + 1j * hamiltonian.matvec(imaginary)
    return image


def _worst(statuses: Sequence[Status]) -> Status:
    return next((status for status in statuses if status != "converged"), "converged")


def _table(rows: Sequence[tuple[float, ...]]) -> FloatArray:
    width = max(map(len, rows))
    return np.array([[*row, *[np.nan] * (width - len(row))] for row in rows])


def _history(parts: Sequence[tuple[Iteration, ...]]) -> tuple[Iteration, ...]:
    whole: tuple[Iteration, ...] = ()
    for part in parts:
        whole = joined(whole, part)
    return whole
