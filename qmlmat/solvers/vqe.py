"""The variational quantum eigensolver: minimise a circuit's energy with a torch optimiser."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Literal, get_args

import numpy as np

from qmlmat.ansatz import Ansatz, Circuit, QubitCircuit
from qmlmat.backends import Backend, Preparation, Reference, SectorBackend, StatevectorBackend
from qmlmat.backends.base import Evaluator
from qmlmat.errors import InputError, QmlmatWarning, nearest
from qmlmat.solvers.base import AnyHamiltonian, Solution
from qmlmat.solvers.noisy import optimizer_under_shots
from qmlmat.solvers.optim_lbfgs import PreconditionedLBFGS
from qmlmat.solvers.optimize import (
    OptimizerFactory,
    Optimum,
    describe_optimizer,
)
from qmlmat.solvers.qubit_ansatz import QubitAnsatz, qubit_ansatz
from qmlmat.solvers.qubit_problem import check_no_electrons, qubit_problem
from qmlmat.solvers.qubit_vqe import circuit_ground_state
from qmlmat.solvers.screening import Screened, Screening, screened
from qmlmat.solvers.search import Search
from qmlmat.solvers.starts import carried_over, same_circuit, starting_params
from qmlmat.solvers.variational import (
    ansatz_circuit,
    check_count,
    check_problem,
    check_search,
    check_state_settings,
    circuit_solution,
    is_hartree_fock,
    penalised,
    reference_of,
    state_inputs,
    warn_of_mixed_irreps,
)
from qmlmat.systems import MolecularHamiltonian, QubitModel, ccsd_amplitudes, mp2_amplitudes
from qmlmat.typing import BoolArray, FloatArray

Initial = Literal["mp2", "ccsd", "zero", "random"]
"""Where the parameters start when there is no guess."""

RANDOM_START: Final = 0.1
"""Half width of the uniform distribution of ``initial="random"`` (radians)."""

WIDE_START: Final = 1.0
"""Half width of the uniform distribution of the starts beside the first (radians): of +-0.1, 0.3, 1
and pi the best for `tups` on N2. Near zero, many searches end in the same poor minimum."""

FLAT: Final = 1e-6
"""Absolute derivative below which an angle counts as having no slope (hartree per radian); the
tolerance of the search where that is larger, for it would count as converged."""

PERTURBATION_SEED: Final = 0
"""Seed of flat and further starts where none is given: scans must be repeatable."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Problem:
    """What is searched, and where."""

    circuit: Circuit | QubitCircuit
    """The circuit."""
    reference: Reference
    """What it acts on."""
    where: Backend
    """Where the angles are searched."""
    notes: tuple[str, ...]
    """What the user should know."""
    screened: Screened | None = None
    """How a fermionic circuit came about."""
    on_qubits: QubitAnsatz | None = None
    """How a circuit of qubit gates came about."""


@dataclass(frozen=True)
class VQE:
    """Ground state by minimising ``<reference|U† H U|reference>`` over the circuit's angles.

    Of a Pauli sum or matrix the circuit is a template of qubit gates, the reference ``|0...0>``,
    tolerances are in the Hamiltonian's unit, and the first search begins at random angles in +-1
    rad, too (seed 0 where none is given), unless ``initial`` says "zero" or "random".

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
    Gates of qubits have no amplitudes: the first two start them near the Hartree-Fock state.

    A template with ``start = "perturbed"`` or ``"factorized"`` moves angles whose derivative
    vanishes at one of the first three by a random +-0.1 rad (seed 0 where none is given), and a
    note says so; with ``"factorized"`` the doubles amplitudes of a closed shell are factorised."""
    gradient_tolerance: float = 1e-6
    """Largest absolute derivative at which the search has converged (hartree per radian)."""
    max_iterations: int = 1000
    """Most optimiser steps."""
    spin_penalty: float = 0.0
    """Weight of ``<S^2> - s(s + 1)`` with s the lowest spin of the sector (hartree)."""
    reference: Reference | None = None
    """The state the circuit acts on; ``None``: the Hartree-Fock determinant.

    Cluster amplitudes are amplitudes over Hartree-Fock: over another reference,
    ``initial="mp2"`` and ``"ccsd"`` start at zero angles, and a note says so."""
    screening: Screening | None = None
    """Which generators of the ansatz are left out; ``None``: none. A note says how many, and
    ``Solution.circuit`` holds the rest."""
    n_starts: int = 1
    """Searches, of which the lowest counts: the first as ``initial`` or a guess says, the others
    from uniform angles in +-1 rad (seed 0 where none is given). For layered circuits, which have
    many minima."""
    exact_search: bool = False
    """Whether the angles are searched by exact simulation, and the backend of ``solve`` measures
    the result alone: where devices are noisy or cost money."""

    takes_models: ClassVar[bool] = True
    """It takes Pauli sums and matrices, too, with templates of qubit gates."""

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
        check_search(
            "VQE",
            gradient_tolerance=self.gradient_tolerance,
            max_iterations=self.max_iterations,
            spin_penalty=self.spin_penalty,
        )
        check_state_settings("VQE", self.reference, self.screening)
        check_count("VQE", "n_starts", self.n_starts)

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
            **state_inputs(self.reference, self.screening),
            # No key for one start: older stores keep their hash.
            **({} if self.n_starts == 1 else {"n_starts": self.n_starts}),
            **({"exact_search": True} if self.exact_search else {}),
        }

    def circuit(self, hamiltonian: MolecularHamiltonian) -> Circuit:
        """Return the ansatz at the Hamiltonian's size, screened where the solver says so.

        Raises:
            TemplateError: If the ansatz is unknown or broken.
        """
        return self._screened(hamiltonian).circuit

    def _screened(self, hamiltonian: MolecularHamiltonian) -> Screened:
        assert isinstance(self.ansatz, Ansatz)
        circuit = ansatz_circuit(self.ansatz, hamiltonian)
        if (
            self.screening
            and self.screening.point_group
            and self.ansatz.load().start != "amplitudes"
        ):
            warnings.warn(
                f'VQE("{self.ansatz.template}", screening=...): rotations of layered circuits mix '
                "irreps on the way, and without them the energy is higher, by tens of "
                "millihartree. Use Screening(point_group=False, ...).",
                QmlmatWarning,
                stacklevel=3,
            )
        return screened(circuit, self.screening, hamiltonian)

    def eigenpairs(
        self,
        hamiltonian: AnyHamiltonian,
        *,
        n_states: int,
        guess: Solution | None,
        backend: Backend,
        seed: int | None,
    ) -> Solution:
        """Return the ground state; see ``solve``.

        Raises:
            InputError: If more than one state is asked for, or the guess has the wrong number of
                parameters.
            CapabilityError: If the backend gives no gradients.
        """
        check_problem("VQE", n_states, backend)
        if not isinstance(hamiltonian, MolecularHamiltonian):
            return self._of_model(hamiltonian, guess=guess, backend=backend, seed=seed)
        assert isinstance(self.ansatz, Ansatz)
        is_fermionic = self.ansatz.load().kind == "fermionic"
        problem = (self._fermionic if is_fermionic else self._on_qubits)(hamiltonian, backend)
        where = problem.where
        remark = () if where.capabilities.exact else optimizer_under_shots(self.optimizer)[1]
        preparation = Preparation(problem.circuit, problem.reference)
        search = self._search(hamiltonian, where, seed)
        objective = penalised(hamiltonian, self.spin_penalty)
        evaluator = search.evaluator(preparation, (objective,))
        start, notes = self._start(hamiltonian, problem, evaluator, guess, seed)
        optima = [
            search.minimum(preparation, evaluator, begin)
            for begin in (start, *self._other_starts(problem.circuit.n_params, seed))
        ]
        best, more = lowest(optima)
        return circuit_solution(
            hamiltonian,
            preparation,
            backend,
            optimum=best,
            notes=(*problem.notes, *notes, *more, *remark),
            seed=seed,
        )

    def _of_model(
        self,
        hamiltonian: QubitModel,
        *,
        guess: Solution | None,
        backend: Backend,
        seed: int | None,
    ) -> Solution:
        """Return the ground state of a Pauli sum or matrix."""
        assert isinstance(self.ansatz, Ansatz)
        problem = qubit_problem(hamiltonian, self.ansatz, backend, name="VQE", seed=seed)
        allowed = {
            "initial": ("mp2", "zero", "random"),
            "spin_penalty": (0.0,),
            "reference": (None,),
            "screening": (None,),
        }
        check_no_electrons(hamiltonian, "VQE", vars(self), allowed)
        where = StatevectorBackend() if self.exact_search else backend
        n_params = problem.circuit.n_params
        first = None if self.initial == "mp2" else np.zeros(n_params)
        if self.initial == "random":
            first = np.random.default_rng(seed).uniform(-RANDOM_START, RANDOM_START, n_params)
        return circuit_ground_state(
            problem,
            self._search(hamiltonian, where, seed),
            first=first,
            n_starts=self.n_starts,
            guess=guess,
        )

    def _search(self, hamiltonian: AnyHamiltonian, backend: Backend, seed: int | None) -> Search:
        return Search(
            hamiltonian=hamiltonian,
            backend=backend,
            optimizer=self.optimizer,
            gradient_tolerance=self.gradient_tolerance,
            max_iterations=self.max_iterations,
            seed=seed,
        )

    def _fermionic(self, hamiltonian: MolecularHamiltonian, backend: Backend) -> _Problem:
        """Return the problem of a fermionic template."""
        chosen = self._screened(hamiltonian)
        reference = reference_of(hamiltonian, self.reference)
        warn_of_mixed_irreps(hamiltonian, reference, self.screening)
        return _Problem(
            circuit=chosen.circuit,
            reference=reference,
            where=SectorBackend() if self.exact_search else backend,
            notes=(chosen.note,) if chosen.note else (),
            screened=chosen,
        )

    def _on_qubits(self, hamiltonian: MolecularHamiltonian, backend: Backend) -> _Problem:
        """Return the problem of a template of qubit gates.

        Raises:
            InputError: If a setting is for excitations.
        """
        assert isinstance(self.ansatz, Ansatz)
        if self.screening is not None or self.reference is not None:
            raise InputError(
                f'VQE("{self.ansatz.template}", screening=..., reference=...): these are for '
                "excitations, and its gates are rotations of qubits. Leave them out."
            )
        found = qubit_ansatz(self.ansatz, hamiltonian, backend)
        return _Problem(
            circuit=found.circuit,
            reference=found.reference,
            where=StatevectorBackend(mapping=found.mapping) if self.exact_search else backend,
            notes=(),
            on_qubits=found,
        )

    def _other_starts(self, n_params: int, seed: int | None) -> list[FloatArray]:
        """Return the starts beside the first."""
        if not n_params:
            return []
        used = PERTURBATION_SEED if seed is None else seed
        return [
            np.random.default_rng([used, k]).uniform(-WIDE_START, WIDE_START, n_params)
            for k in range(1, self.n_starts)
        ]

    def _start(
        self,
        hamiltonian: MolecularHamiltonian,
        problem: _Problem,
        evaluator: Evaluator,
        guess: Solution | None,
        seed: int | None,
    ) -> tuple[FloatArray, tuple[str, ...]]:
        """Return where the search begins, and what the user should know of it."""
        if problem.on_qubits is not None:
            return self._start_on_qubits(problem.on_qubits, guess, seed)
        chosen = problem.screened
        assert chosen is not None
        if guess is None or guess.params is None:
            start, notes = self._cold_start(hamiltonian, chosen, seed)
            start, more = self._off_saddle(start, evaluator, np.ones(start.size, dtype=bool), seed)
            return start, notes + more
        start, taken = carried_over(guess, chosen.circuit)
        if taken.all():
            return start, ()
        start, more = self._off_saddle(start, evaluator, ~taken, seed)
        note = f"{taken.sum()} of {taken.size} angles began at those of the guess."
        return start, (note, *more)

    def _start_on_qubits(
        self, ansatz: QubitAnsatz, guess: Solution | None, seed: int | None
    ) -> tuple[FloatArray, tuple[str, ...]]:
        """Return where a circuit of qubit gates begins, and what the user should know of it."""
        if guess is not None and guess.params is not None:
            return same_circuit(guess, ansatz.circuit), ()
        n_params = ansatz.circuit.n_params
        if self.initial == "zero":
            return np.zeros(n_params), ()
        if self.initial == "random":
            rng = np.random.default_rng(seed)
            return rng.uniform(-RANDOM_START, RANDOM_START, n_params), ()
        used = PERTURBATION_SEED if seed is None else seed
        return ansatz.start(used), (f"The angles began near Hartree-Fock (seed {used}).",)

    def _cold_start(
        self, hamiltonian: MolecularHamiltonian, chosen: Screened, seed: int | None
    ) -> tuple[FloatArray, tuple[str, ...]]:
        circuit = chosen.circuit
        if self.initial == "zero":
            return np.zeros(circuit.n_params), ()
        if self.initial == "random":
            rng = np.random.default_rng(seed)
            return rng.uniform(-RANDOM_START, RANDOM_START, circuit.n_params), ()
        if not is_hartree_fock(reference_of(hamiltonian, self.reference), hamiltonian):
            note = (
                f'initial="{self.initial}" stands for zero angles here: its amplitudes are over '
                "the Hartree-Fock determinant, and the reference is another state."
            )
            return np.zeros(circuit.n_params), (note,)
        find = mp2_amplitudes if self.initial == "mp2" else ccsd_amplitudes
        amplitudes = find(hamiltonian)
        assert isinstance(self.ansatz, Ansatz)
        template = self.ansatz.load()
        n_alpha, n_beta = hamiltonian.nelec
        if template.start == "factorized" and n_alpha == n_beta:
            start = template.factorized_params(amplitudes.t2_ab, dict(self.ansatz.options))
            return start[chosen.kept], amplitudes.notes
        return starting_params(circuit, amplitudes), amplitudes.notes

    def _off_saddle(
        self, start: FloatArray, evaluator: Evaluator, free: BoolArray, seed: int | None
    ) -> tuple[FloatArray, tuple[str, ...]]:
        """Return the start, its free angles moved where they are flat and the template says so.

        Layered circuits and Jastrow circuits are symmetric about zero in most of their angles: a
        search that starts there stays on a saddle point.
        """
        assert isinstance(self.ansatz, Ansatz)
        template = self.ansatz.load()
        if self.initial == "random" or not start.size or template.start == "amplitudes":
            return start, ()
        answer = evaluator.value_and_gradient(start[None])
        slopes = np.abs(answer.gradient[0].reshape(-1))
        least = np.full(slopes.shape, max(FLAT, self.gradient_tolerance))
        if answer.gradient_variances is not None:  # no slope that shots can tell
            least = np.maximum(least, 2 * np.sqrt(answer.gradient_variances[0].reshape(-1)))
        flat = free & (slopes <= least)
        if not flat.any():
            return start, ()
        used = PERTURBATION_SEED if seed is None else seed
        shifts = np.random.default_rng(used).uniform(-RANDOM_START, RANDOM_START, start.size)
        note = (
            f"{flat.sum()} of {start.size} parameters have no slope at the start and began at "
            f"random values in +-{RANDOM_START} rad (seed {used})."
        )
        return start + np.where(flat, shifts, 0.0), (note,)


def lowest(optima: Sequence[Optimum]) -> tuple[Optimum, tuple[str, ...]]:
    """Return the lowest of several searches, and what to say of the others.

    The evaluations of the others count as spent before it.
    """
    best = min(optima, key=lambda optimum: optimum.best.energy)
    if len(optima) == 1:
        return best, ()
    spent = sum(o.history[-1].n_evaluations for o in optima if o is not best)
    history = tuple(replace(i, n_evaluations=i.n_evaluations + spent) for i in best.history)
    above = max(1e3 * (o.best.energy - best.best.energy) for o in optima)
    note = f"The lowest of several starts; others ended up to {above:.3f} mHa higher."
    return replace(best, history=history), (note,)
