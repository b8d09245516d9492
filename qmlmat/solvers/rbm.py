"""Boltzmann-machine states: a shallow network for amplitudes, trained by the energy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import numpy as np

from qmlmat.backends import Backend
from qmlmat.errors import InputError, nearest
from qmlmat.operators.mappings import NAMES
from qmlmat.operators.pauli import PauliSum
from qmlmat.solvers.base import AnyHamiltonian, Solution
from qmlmat.solvers.boltzmann.circuit_sampler import (
    CircuitDraws,
    GibbsCircuit,
    acceptance_notes,
    circuit_draws,
)
from qmlmat.solvers.boltzmann.machine import BoltzmannMachine, SignNode, check_sign_node
from qmlmat.solvers.boltzmann.metropolis import Chains, Metropolis
from qmlmat.solvers.boltzmann.sampled import Draw
from qmlmat.solvers.boltzmann.space import Space, space_of
from qmlmat.solvers.boltzmann.states import MachineStates, guess_notes, machine_solution
from qmlmat.solvers.boltzmann.training import DEFAULT_OPTIMIZER, Training
from qmlmat.solvers.boltzmann.words import Words
from qmlmat.solvers.optimize import OptimizerFactory, describe_optimizer
from qmlmat.solvers.variational import check_count, check_search
from qmlmat.typing import FloatArray

ALL_LEVELS: Final = 2.0
"""Largest distance of two levels (half the spectral width)."""

DEFAULT_SEED: Final = 0
"""Seed where none is given: scans must be repeatable."""


@dataclass(frozen=True, kw_only=True)
class RBM:
    """Lowest states whose amplitudes are a restricted Boltzmann machine's, with a sign node.

    The energy ``<psi|H|psi> / <psi|psi>`` is minimised over the network's parameters, by default
    with the natural gradient (stochastic reconfiguration). Searches begin at ``n_starts`` random
    points, for local minima are part of the landscape: ``Solution.start_energies`` says where each
    ended. With a guess they begin there, and at one random point; at the others only if the
    residual of the best is above ``1e-4`` of half the spectral width.

    Of several states each is raised by ``deflation`` times its projector when the next is looked
    for. Configurations of a molecule are those with its electrons, so no state mixes their
    numbers. The Hamiltonian is shifted and divided by half its spectral width in the search.

    References:
        G. Carleo, M. Troyer, Science 355, 602 (2017), doi:10.1126/science.aag2302. R. Xia,
        S. Kais, Nat. Commun. 9, 4195 (2018), doi:10.1038/s41467-018-06598-z. S. Sorella, Phys.
        Rev. B 71, 241103 (2005), doi:10.1103/PhysRevB.71.241103 (stochastic reconfiguration).

    Example:
        >>> import qmlmat as qm
        >>> h2 = qm.molecular_hamiltonian(qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735"))
        >>> qm.solve(h2, qm.RBM(n_hidden=2)).error < 1e-6
        True
    """

    n_hidden: int | None = None
    """Number of hidden units; ``None``: as many as qubits."""
    sign_node: SignNode = "complex_tanh"
    """What gives signs or phases: ``"none"``, ``"tanh"`` or ``"complex_tanh"``."""
    optimizer: OptimizerFactory = DEFAULT_OPTIMIZER
    """Any ``torch.optim.Optimizer`` class, or ``functools.partial`` of one."""
    n_starts: int = 6
    """Random points that searches begin at."""
    start_width: float = 0.1
    """Half width of the uniform distribution of those parameters."""
    deflation: float = 3.0
    """Weight of the projectors on lower states, in units of half the spectral width: levels differ
    by at most 2."""
    gradient_tolerance: float = 1e-6
    """Largest absolute derivative at which a search has converged (half the spectral width); one
    whose residual is below ``1e-4`` in the same unit has, too."""
    max_iterations: int = 500
    """Most optimiser steps of each search."""
    sampler: Metropolis | GibbsCircuit | None = None
    """What draws configurations; ``None``: all are enumerated, without noise."""
    exact_search: bool = False
    """Whether the parameters are searched by enumeration, and draws are for the result alone."""
    mapping: str = "jordan_wigner"
    """How a molecule's spin orbitals stand on qubits."""
    reduced: bool = False
    """Whether the parities of alpha and beta electrons take no qubits."""
    tapered: bool = True
    """Whether no parity that the molecule keeps takes a qubit: states of other symmetry than the
    lowest orbitals' determinant are then not there."""

    is_variational: ClassVar[bool] = True
    """Whether the lowest energy is an upper bound on the exact one."""
    takes_models: ClassVar[bool] = True
    """It takes Pauli sums and matrices, too."""

    def __post_init__(self) -> None:
        if self.n_hidden is not None and (type(self.n_hidden) is not int or self.n_hidden < 1):
            raise InputError(
                f"RBM(n_hidden={self.n_hidden!r}): without hidden units the visible ones are "
                "independent of each other. Use a whole number of at least 1, or None for as many "
                "as there are qubits."
            )
        check_sign_node("RBM", self.sign_node)
        describe_optimizer(self.optimizer, owner="RBM")
        check_search(
            "RBM",
            gradient_tolerance=self.gradient_tolerance,
            max_iterations=self.max_iterations,
            spin_penalty=0.0,
        )
        check_count("RBM", "n_starts", self.n_starts)
        for name in ("start_width", "deflation"):
            value = getattr(self, name)
            if not (isinstance(value, int | float) and 0 < value < np.inf):
                raise InputError(f"RBM({name}={value!r}): must be positive and finite.")
        if self.deflation <= ALL_LEVELS:
            raise InputError(
                f"RBM(deflation={self.deflation}): levels differ by up to 2 half widths of the "
                "spectrum, so a weight of 2 or less may find the same state again. Use 3."
            )
        if not isinstance(self.sampler, Metropolis | GibbsCircuit | None):
            raise InputError(
                f"RBM(sampler={self.sampler!r}): use Metropolis(), GibbsCircuit(), or None to "
                "enumerate all configurations."
            )
        if self.mapping not in NAMES:
            raise InputError(
                f'RBM(mapping="{self.mapping}"): no such mapping. '
                f"{nearest(str(self.mapping), NAMES)}"
            )

    def inputs(self) -> dict[str, Any]:
        """Return the settings that determine the result, as plain values."""
        return {
            "solver": "rbm",
            "n_hidden": self.n_hidden,
            "sign_node": self.sign_node,
            "optimizer": describe_optimizer(self.optimizer, owner="RBM"),
            "n_starts": self.n_starts,
            "start_width": self.start_width,
            "deflation": self.deflation,
            "gradient_tolerance": self.gradient_tolerance,
            "max_iterations": self.max_iterations,
            "sampler": None if self.sampler is None else self.sampler.inputs(),
            "exact_search": self.exact_search,
            "mapping": self.mapping,
            "reduced": self.reduced,
            "tapered": self.tapered,
        }

    def space(self, hamiltonian: AnyHamiltonian) -> Space:
        """Return the configurations that the visible units stand for.

        Raises:
            InputError: If there is one alone, which takes no qubit.
        """
        space = space_of(
            hamiltonian, mapping=self.mapping, reduced=self.reduced, tapered=self.tapered
        )
        if not space.n_qubits:
            raise InputError(
                "RBM: the parities that the molecule keeps leave no qubit, for one configuration "
                "has them. Use tapered=False and reduced=False, or Exact()."
            )
        return space

    def machine(
        self, hamiltonian: AnyHamiltonian, params: FloatArray | None = None
    ) -> BoltzmannMachine:
        """Return the network for a Hamiltonian, a ``torch.nn.Module``.

        Args:
            hamiltonian: Whose qubits are its visible units.
            params: Its parameters, e.g. a row of ``Solution.params``; zeros by default.

        Raises:
            InputError: If there is another number of them.
        """
        return self.machine_on(self.space(hamiltonian).n_qubits, params)

    def machine_on(self, n_qubits: int, params: FloatArray | None = None) -> BoltzmannMachine:
        """Return the network for a number of qubits; see ``machine``.

        Raises:
            InputError: If there is another number of parameters.
        """
        machine = BoltzmannMachine(n_qubits, self.n_hidden or n_qubits, self.sign_node)
        if params is not None:
            if np.shape(params) != (machine.n_params,):
                raise InputError(
                    f"RBM: parameters of shape {np.shape(params)}, a machine of {n_qubits} visible "
                    f"and {machine.n_hidden} hidden units has {machine.n_params}. Use those of a "
                    "solution of the same size and sign node."
                )
            machine.set_params(np.asarray(params, dtype=np.float64))
        return machine

    @property
    def training(self) -> Training:
        """How the parameters are searched."""
        return Training(
            optimizer=self.optimizer,
            gradient_tolerance=self.gradient_tolerance,
            max_iterations=self.max_iterations,
            n_starts=self.n_starts,
            start_width=self.start_width,
        )

    def eigenpairs(
        self,
        hamiltonian: AnyHamiltonian,
        *,
        n_states: int,
        guess: Solution | None,
        backend: Backend,
        seed: int | None,
    ) -> Solution:
        """Return the lowest eigenpairs; see ``solve``.

        Raises:
            InputError: If there are too many configurations to enumerate, or too few states.
        """
        space = self.space(hamiltonian)
        states = self.states(space, backend)
        found = states.lowest(
            space.terms, n_states, guess=guess, seed=DEFAULT_SEED if seed is None else seed
        )
        solution = machine_solution(hamiltonian, space, found)
        notes = guess_notes(guess, self.machine_on(space.n_qubits).n_params)
        return replace(solution, notes=(*solution.notes, *notes, *states.notes()))

    def states(self, space: Space, backend: Backend) -> MachineStates:
        """Return what searches for states on a space.

        Raises:
            CapabilityError: If the sampler's circuits cannot run on the backend.
        """
        sampler = self.sampler
        if sampler is None:
            return MachineStates(self, space)

        used: list[CircuitDraws] = []

        def draws(terms: PauliSum, rng: np.random.Generator) -> tuple[Draw, int]:
            if isinstance(sampler, Metropolis):
                return Chains(sampler, space, Words(terms), rng).draw, sampler.n_samples
            circuits = circuit_draws(sampler, space, backend, rng)
            used.append(circuits)
            assert circuits.backend.shots is not None
            return circuits.draw, circuits.backend.shots

        return MachineStates(
            self,
            space,
            draws,
            trained_exactly=self.exact_search,
            notes=lambda: acceptance_notes(used),
        )
