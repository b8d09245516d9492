"""Several states of machines, one after another, and the solution they make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from qmlmat.errors import InputError
from qmlmat.operators.pauli import PauliSum
from qmlmat.solvers.base import AnyHamiltonian, Iteration, Solution, Status
from qmlmat.solvers.boltzmann.enumerated import EnumeratedEnergy, Vector
from qmlmat.solvers.boltzmann.machine import BoltzmannMachine
from qmlmat.solvers.boltzmann.sampled import Draw, SampledEnergy
from qmlmat.solvers.boltzmann.scaling import Scaled, scaled
from qmlmat.solvers.boltzmann.space import MAX_ENUMERATED, Space
from qmlmat.solvers.boltzmann.training import Trained, Training
from qmlmat.solvers.search import joined
from qmlmat.solvers.subspace import spin_squares
from qmlmat.systems import MolecularHamiltonian
from qmlmat.typing import FloatArray, StateArray

NO_EIGENSTATE: Final = 1e-2
"""Residual, relative to the root mean square distance of levels from their mean, from which a note
says so: the energy's error is about its square over the gap."""

DrawsOn = Callable[[PauliSum, np.random.Generator], tuple[Draw, int]]
"""From an operator and a source of randomness to what draws, and how often."""


class MachineSettings(Protocol):
    """What is needed of ``RBM``."""

    @property
    def deflation(self) -> float:
        """Weight of projectors on lower states."""
        ...

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
    """Its amplitudes, those that are known."""
    measured: tuple[float, float, float] | None = None
    """Energy, its standard error and the norm of ``(H - E) psi``, where they are from draws (the
    Hamiltonian's unit); ``None``: exact."""


@dataclass(frozen=True, eq=False)
class MachineStates:
    """Searches for the lowest states of operators on one space."""

    settings: MachineSettings
    """The network and how it is trained."""
    space: Space
    """The configurations."""

    draws: DrawsOn | None = None
    """What draws configurations; ``None``: all are enumerated."""
    trained_exactly: bool = False
    """Whether draws are for the result alone."""
    notes: Callable[[], tuple[str, ...]] = tuple
    """What the draws have to say in the end."""

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
            MeasurementError: If nothing that a circuit measures is kept.
        """
        self._check(n_states)
        scale = scaled(terms, self.space)
        found: list[MachineState] = []
        for k in range(n_states):
            machine = self.settings.machine_on(self.space.n_qubits)
            start = guess_params(guess, k, machine.n_params)
            lower = [state.vector for state in found]
            found.append(self._state(machine, scale, lower, start, (seed, k)))
        return tuple(found)

    def _check(self, n_states: int) -> None:
        space = self.space
        if self.draws is None or self.trained_exactly:
            space.check_enumerable()
        # Of one state there is always enough: nothing is enumerated where chains go.
        if n_states > 1 and space.size <= MAX_ENUMERATED and n_states > len(space.masks):
            raise InputError(
                f"solve(RBM, n_states={n_states}): the lowest orbitals' symmetry has "
                f"{len(space.masks)} configurations. Ask for fewer states, or use tapered=False."
            )

    def _state(
        self,
        machine: BoltzmannMachine,
        scale: Scaled,
        lower: Sequence[Vector],
        start: FloatArray | None,
        seed: tuple[int, int],
    ) -> MachineState:
        """Return the lowest state above those that are known."""
        settings, space = self.settings, self.space
        training, weight = settings.training, settings.deflation
        trained: Trained | None = None
        if self.draws is None or self.trained_exactly:
            energy = EnumeratedEnergy(machine, space, scale.terms, lower=lower, weight=weight)
            trained = training.enumerated(energy, scale, start, seed)
            vector = Vector(space.masks, energy.amplitudes(trained.params))
        if self.draws is None:
            assert trained is not None
            return MachineState(trained, vector)
        draw, shots = self.draws(scale.terms, np.random.default_rng([*seed, 0]))
        if trained is None:
            sampled = SampledEnergy(
                machine, space, scale.terms, draw, shots, lower=lower, weight=weight
            )
            trained = training.sampled(sampled, scale, start, seed)
        # Other draws than those the search has chosen by, and of the energy alone: neither what
        # filters nor what deflates.
        draw, shots = self.draws(space.terms, np.random.default_rng([*seed, 1]))
        final = SampledEnergy(machine, space, space.terms, draw, shots)
        measured = final.measured(trained.params)
        # What was found exactly is kept exactly: the next state is raised above it, not its noise.
        kept = vector if self.trained_exactly else final.vector(trained.params)
        return MachineState(trained, kept, measured)


def guess_params(guess: Solution | None, k: int, n_params: int) -> FloatArray | None:
    """Return a guess's parameters for the k-th state; ``None`` where none fit the machine.

    Parameters that are all zero are none, either: every sign node would be zero.
    """
    if guess is None or guess.params is None or guess.circuit is not None:
        return None
    rows = np.atleast_2d(guess.params)
    fits = k < len(rows) and rows.shape[1] == n_params and bool(rows[k].any())
    return rows[k] if fits else None


def guess_notes(guess: Solution | None, n_params: int) -> tuple[str, ...]:
    """Return what to say of a guess whose parameters are of another machine."""
    if guess is None or guess.params is None:
        return ()
    if guess.circuit is not None:
        return ("The guess has a circuit's angles, not a network's: the search began at random.",)
    if not guess.params.any():
        return ("The guess is all zero, where every sign vanishes: the search began at random.",)
    if guess.params.shape[-1] == n_params:
        return ()
    return (
        f"The guess has {guess.params.shape[-1]} parameters, this machine {n_params}: other "
        "units, sign node or symmetry. The search began at random.",
    )


def machine_solution(
    hamiltonian: AnyHamiltonian, space: Space, found: Sequence[MachineState]
) -> Solution:
    """Return the solution that machines make: energies of the Hamiltonian itself, ascending.

    Args:
        hamiltonian: What the energies are of.
        space: The configurations.
        found: The states, in the order they were found.
    """
    several = len(found) > 1
    measured = [one.measured for one in found if one.measured is not None]
    states = None
    if measured:
        energies, errors, residuals = np.array(measured).T
    else:
        states = [space.state(one.vector.masks, one.vector.amplitudes) for one in found]
        energies, residuals = energies_of(hamiltonian, states)
    order = np.argsort(energies, kind="stable")
    params = np.array([found[k].trained.params for k in order])
    kept = None if states is None else tuple(states[k] for k in order)
    squares = None
    if kept is not None and isinstance(hamiltonian, MolecularHamiltonian):
        squares = spin_squares(hamiltonian, kept)
    return Solution(
        energies=energies[order],
        unit=hamiltonian.unit,
        status=_worst([one.trained.status for one in found]),
        stderr=errors[order] if measured else None,
        states=kept,
        params=params if several else params[0],
        residuals=residuals[order],
        spin_squares=squares,
        start_energies=_table([found[k].trained.energies for k in order]),
        history=_history([one.trained.history for one in found]),
        notes=() if measured else _residual_notes(space, residuals[order], hamiltonian.unit),
    )


def _residual_notes(space: Space, residuals: FloatArray, unit: str) -> tuple[str, ...]:
    """Return what to say of states that are no eigenstates."""
    terms = space.terms
    scale = float(np.linalg.norm(terms.coefficients[(terms.x | terms.z) != 0]))
    loose = [f"{k} ({r:.2g})" for k, r in enumerate(residuals) if r > NO_EIGENSTATE * scale]
    if not loose:
        return ()
    return (
        f"States are no eigenstates, by their residuals ({unit}): {', '.join(loose)}. Take more "
        "hidden units, more starts, or another sign node.",
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
