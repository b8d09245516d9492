"""The variational quantum eigensolver: minimise a circuit's energy with a torch optimiser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np

from qmlmat.ansatz import Ansatz, Circuit, Excitation, NumberProduct
from qmlmat.backends import Preparation, Reference, Request, StateBackend, expectation
from qmlmat.backends.base import Evaluator
from qmlmat.errors import CapabilityError, InputError, nearest
from qmlmat.solvers.base import Solution
from qmlmat.solvers.landscape import circuit_landscape
from qmlmat.solvers.optim_lbfgs import PreconditionedLBFGS
from qmlmat.solvers.optimize import OptimizerFactory, describe_optimizer, minimize, traits_of
from qmlmat.systems import (
    Amplitudes,
    MolecularHamiltonian,
    SpinSquare,
    WeightedSum,
    ccsd_amplitudes,
    mp2_amplitudes,
    spin_square,
)
from qmlmat.typing import FloatArray, Observable

Initial = Literal["mp2", "ccsd", "zero", "random"]
"""Where the parameters start when there is no guess."""

MAX_START: Final = np.pi / 8
"""Largest starting angle taken from perturbation theory, whose amplitudes blow up where
bonds break (radians)."""

RANDOM_START: Final = 0.1
"""Half width of the uniform distribution of ``initial="random"`` (radians)."""

FLAT: Final = 1e-6  # the default gradient_tolerance: the search would count it as converged
"""Absolute derivative below which an angle counts as having no slope (hartree per radian)."""

PERTURBATION_SEED: Final = 0
"""Seed of the perturbation of flat starts where none is given: scans must be repeatable."""


@dataclass(frozen=True)
class VQE:
    """Ground state by minimising ``<reference|U† H U|reference>`` over the circuit's angles.

    References:
        A. Peruzzo et al., Nat. Commun. 5, 4213 (2014), doi:10.1038/ncomms5213.
    """

    ansatz: str | Ansatz = "uccsd"
    """Template's name, path of a template, or an ``Ansatz`` with options."""
    optimizer: OptimizerFactory = PreconditionedLBFGS
    """Any ``torch.optim.Optimizer`` class, or ``functools.partial`` of one; what ours need of the
    circuit (metric, curvatures, frequencies, seed) they are given."""
    initial: Initial = "mp2"
    """Start without a guess: MP2 or CCSD amplitudes, zeros, or uniform in +-0.1 rad by seed.

    A template with ``start = "perturbed"`` or ``"factorized"`` moves angles whose derivative
    vanishes at one of the first three by a random +-0.1 rad (seed 0 where none is given), and a
    note says so; with ``"factorized"`` the doubles amplitudes of a closed shell are factorised."""
    gradient_tolerance: float = 1e-6
    """Largest absolute derivative at which the search has converged (hartree per radian)."""
    max_iterations: int = 1000
    """Most optimiser steps."""
    spin_penalty: float = 0.0
    """Weight of ``<S^2> - s(s + 1)`` with s the lowest spin of the sector (hartree)."""

    def __post_init__(self) -> None:
        if isinstance(self.ansatz, str):
            object.__setattr__(self, "ansatz", Ansatz(self.ansatz))
        if not isinstance(self.ansatz, Ansatz):
            raise InputError(
                f"VQE(ansatz={self.ansatz!r}): not an ansatz. Use a template's name such as "
                '"uccsd", or Ansatz("uccsd", spin_tied=True).'
            )
        describe_optimizer(self.optimizer)
        if self.initial not in get_args(Initial):
            raise InputError(
                f'VQE(initial="{self.initial}"): not a start. '
                f"{nearest(str(self.initial), get_args(Initial))}"
            )
        if not self.gradient_tolerance > 0:
            raise InputError(
                f"VQE(gradient_tolerance={self.gradient_tolerance}): must be positive. "
                "The default is 1e-6 hartree per radian."
            )
        if not isinstance(self.max_iterations, int) or self.max_iterations < 1:
            raise InputError(
                f"VQE(max_iterations={self.max_iterations!r}): must be a whole number of at least "
                "1. The default is 1000."
            )
        if not 0 <= self.spin_penalty < np.inf:
            raise InputError(
                f"VQE(spin_penalty={self.spin_penalty}): a weight is finite and not negative. "
                "Use about 0.05 hartree, or 0 for none."
            )

    def inputs(self) -> dict[str, Any]:
        """Return the settings that determine the result, as plain values."""
        assert isinstance(self.ansatz, Ansatz)
        return {
            "solver": "vqe",
            "ansatz": self.ansatz.inputs(),
            "optimizer": describe_optimizer(self.optimizer),
            "initial": self.initial,
            "gradient_tolerance": self.gradient_tolerance,
            "max_iterations": self.max_iterations,
            "spin_penalty": self.spin_penalty,
        }

    def circuit(self, hamiltonian: MolecularHamiltonian) -> Circuit:
        """Return the ansatz at the Hamiltonian's size.

        Raises:
            TemplateError: If the ansatz is unknown or broken.
        """
        assert isinstance(self.ansatz, Ansatz)
        return self.ansatz.circuit(hamiltonian.norb, hamiltonian.nelec)

    def eigenpairs(
        self,
        hamiltonian: MolecularHamiltonian,
        *,
        n_states: int,
        guess: Solution | None,
        backend: StateBackend,
        seed: int | None,
    ) -> Solution:
        """Return the ground state; see ``solve``.

        Raises:
            InputError: If more than one state is asked for, or the guess has the wrong number of
                parameters.
            CapabilityError: If the backend gives no gradients or no states.
        """
        if n_states != 1:
            raise InputError(
                f"solve(VQE, n_states={n_states}): VQE finds the ground state. "
                "Use n_states=1, or Exact() for excited states."
            )
        if not (backend.capabilities.gradient and backend.capabilities.state):
            raise CapabilityError(
                f"solve(VQE, backend={backend}): VQE needs gradients and states, and this backend "
                "does not give both. Use SectorBackend()."
            )
        circuit = self.circuit(hamiltonian)
        reference = Reference.hartree_fock(hamiltonian.norb, hamiltonian.nelec)
        preparation = Preparation(circuit, reference)
        request = Request(
            preparation=preparation,
            observables=(self._objective(hamiltonian),),
        )
        evaluator = backend.prepare(request)

        start, notes = self._start(hamiltonian, circuit, guess, seed)
        if guess is None or guess.params is None:
            start, more = self._off_saddle(start, evaluator, seed)
            notes += more
        optimum = minimize(
            lambda params: expectation(evaluator, params)[0],
            start,
            optimizer=self.optimizer,
            gradient_tolerance=self.gradient_tolerance,
            max_iterations=self.max_iterations,
            landscape=circuit_landscape(
                hamiltonian,
                preparation,
                backend,
                needs=traits_of(self.optimizer).needs,
                seed=seed,
            ),
        )
        state = backend.state(Preparation(circuit, reference, optimum.params))
        image = hamiltonian.matvec(state)
        energy = float(np.vdot(state, image).real)
        return Solution(
            energies=np.array([energy]),
            unit=hamiltonian.unit,
            status=optimum.status,
            states=(state,),
            params=optimum.params,
            residuals=np.array([np.linalg.norm(image - energy * state)]),
            spin_squares=np.array([spin_square(state, hamiltonian.norb, hamiltonian.nelec)]),
            history=optimum.history,
            notes=notes,
        )

    def _objective(self, hamiltonian: MolecularHamiltonian) -> Observable:
        """The Hamiltonian, plus a penalty on every spin above the sector's lowest.

        <S^2> is at least s(s + 1), so the penalty is never negative and the sum stays an upper
        bound on the exact energy.
        """
        if self.spin_penalty == 0:
            return hamiltonian
        spin = abs(hamiltonian.nelec[0] - hamiltonian.nelec[1]) / 2
        square = SpinSquare(hamiltonian.norb, hamiltonian.nelec)
        return WeightedSum(
            terms=((1.0, hamiltonian), (self.spin_penalty, square)),
            constant=-self.spin_penalty * spin * (spin + 1),
        )

    def _start(
        self,
        hamiltonian: MolecularHamiltonian,
        circuit: Circuit,
        guess: Solution | None,
        seed: int | None,
    ) -> tuple[FloatArray, tuple[str, ...]]:
        if guess is not None and guess.params is not None:
            if guess.params.shape != (circuit.n_params,):
                raise InputError(
                    f"solve(guess=...): the guess has {guess.params.size} parameters, the circuit "
                    f"{circuit.n_params}. Take a guess from the same ansatz and active space."
                )
            return guess.params.copy(), ()
        if self.initial == "zero":
            return np.zeros(circuit.n_params), ()
        if self.initial == "random":
            rng = np.random.default_rng(seed)
            return rng.uniform(-RANDOM_START, RANDOM_START, circuit.n_params), ()
        find = mp2_amplitudes if self.initial == "mp2" else ccsd_amplitudes
        amplitudes = find(hamiltonian)
        assert isinstance(self.ansatz, Ansatz)
        template = self.ansatz.load()
        n_alpha, n_beta = hamiltonian.nelec
        if template.start == "factorized" and n_alpha == n_beta:
            start = template.factorized_params(amplitudes.t2_ab, dict(self.ansatz.options))
            return start, amplitudes.notes
        return starting_params(circuit, amplitudes), amplitudes.notes

    def _off_saddle(
        self, start: FloatArray, evaluator: Evaluator, seed: int | None
    ) -> tuple[FloatArray, tuple[str, ...]]:
        """Return the start with its flat angles moved, where the template asks for it.

        Layered circuits and Jastrow circuits are symmetric about zero in most of their angles: a
        search that starts there stays on a saddle point.
        """
        assert isinstance(self.ansatz, Ansatz)
        template = self.ansatz.load()
        if self.initial == "random" or not start.size or template.start == "amplitudes":
            return start, ()
        flat = np.abs(evaluator.value_and_gradient(start).gradient[0]) < FLAT
        if not flat.any():
            return start, ()
        used = PERTURBATION_SEED if seed is None else seed
        shifts = np.random.default_rng(used).uniform(-RANDOM_START, RANDOM_START, start.size)
        note = (
            f"{flat.sum()} of {start.size} parameters have no slope at the start and began at "
            f"random values in +-{RANDOM_START} rad (seed {used})."
        )
        return start + np.where(flat, shifts, 0.0), (note,)


def starting_params(circuit: Circuit, amplitudes: Amplitudes) -> FloatArray:
    """Return angles equal to the cluster amplitudes, the mean where gates share a parameter.

    An excitation that comes again under another parameter, as in a further layer, starts at zero
    there: its amplitude is spent.

    Args:
        circuit: The circuit; excitations that are not from occupied to virtual start at zero.
        amplitudes: Amplitudes of the same active space.

    Returns:
        Parameters clipped to ``MAX_START``, shape ``(n_params,)`` (radians).
    """
    total, count = np.zeros(circuit.n_params), np.zeros(circuit.n_params)
    owner: dict[Excitation | NumberProduct, int] = {}
    for gate in circuit.gates:
        count[gate.param] += 1
        if owner.setdefault(gate.generator, gate.param) == gate.param:
            total[gate.param] += gate.scale * _amplitude(gate.generator, circuit.nelec, amplitudes)
    return np.clip(total / np.maximum(count, 1), -MAX_START, MAX_START)


def _amplitude(
    excitation: Excitation | NumberProduct, nelec: tuple[int, int], amplitudes: Amplitudes
) -> float:
    if isinstance(excitation, NumberProduct):
        return 0.0
    moves = ((excitation.alpha, nelec[0]), (excitation.beta, nelec[1]))
    if excitation.rank > 2 or any(i >= n or a < n for part, n in moves for i, a in part):
        return 0.0
    alpha, beta = ([(i, a - n) for i, a in part] for part, n in moves)
    if alpha and beta:
        (i, a), (j, b) = alpha[0], beta[0]
        return float(amplitudes.t2_ab[i, j, a, b])
    part = alpha or beta
    if len(part) == 1:
        return float((amplitudes.t1_alpha if alpha else amplitudes.t1_beta)[part[0]])
    (i, a), (j, b) = part
    return float((amplitudes.t2_aa if alpha else amplitudes.t2_bb)[i, j, a, b])
