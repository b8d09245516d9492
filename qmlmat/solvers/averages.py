"""What solvers of several states share: references, weights, and the span they are read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np

from qmlmat.backends import Backend, Preparation, Reference, StateBackend
from qmlmat.errors import CapabilityError, InputError
from qmlmat.solvers.base import Iteration, Solution, Status, multiplicity
from qmlmat.solvers.references import (
    N_CONFIGURATIONS,
    choose_references,
    given_references,
)
from qmlmat.solvers.subspace import rayleigh_ritz, spin_squares
from qmlmat.solvers.variational import check_count, penalised
from qmlmat.systems import MolecularHamiltonian
from qmlmat.systems.blocks import abelian_labels, check_number, symmetry_blocks
from qmlmat.systems.point_group import determinant_labels
from qmlmat.typing import FloatArray, Observable, StateArray

LOWER: Final = 1e-4
"""How much lower the states of other references must be, all together, to take their place
(hartree)."""


@dataclass(frozen=True, kw_only=True)
class Targets:
    """Which states are looked for, and from which references."""

    multiplicity: int | None = None
    """``2s + 1`` of all states; ``None``: any."""
    irrep: str | None = None
    """Irrep of all states; ``None``: any."""
    references: tuple[Reference, ...] | None = None
    """Orthogonal references; ``None``: roots of a small selected CI."""
    n_configurations: int = N_CONFIGURATIONS
    """Configurations of that CI for each reference."""

    def inputs(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        given = self.references
        return {
            "multiplicity": self.multiplicity,
            "irrep": self.irrep,
            "n_configurations": self.n_configurations,
            **({} if given is None else {"references": [r.to_list() for r in given]}),
        }

    def check(self, name: str) -> None:
        """Raise unless the settings make sense.

        Raises:
            InputError: If one does not.
        """
        check_multiplicity(name, self.multiplicity)
        check_count(name, "n_configurations", self.n_configurations)
        given = self.references
        if given is None:
            return
        if not given or not all(isinstance(reference, Reference) for reference in given):
            raise InputError(
                f"{name}(references={given!r}): not references. Give a tuple such as "
                '(Reference.csf("22ud00", (3, 3)), ...), or None for those of a selected CI.'
            )

    def find(
        self, hamiltonian: MolecularHamiltonian, n_states: int, *, n_surplus: int = 0
    ) -> tuple[StartState, ...]:
        """Return the references of the states, those beyond ``n_states`` for checks.

        Raises:
            InputError: If there are fewer than ``n_states``, or they do not fit.
        """
        if self.references is not None:
            return self._given(hamiltonian, self.references, n_states)
        blocks = symmetry_blocks(hamiltonian, multiplicity=self.multiplicity, irrep=self.irrep)
        check_number(n_states, sum(b.size for b in blocks), self.multiplicity, self.irrep)
        found = choose_references(
            hamiltonian,
            n_states + n_surplus,
            multiplicity=self.multiplicity,
            irrep=self.irrep,
            n_configurations=self.n_configurations,
        )
        check_number(n_states, len(found), self.multiplicity, self.irrep)
        return tuple(StartState(chosen.reference, chosen.spin, chosen.label) for chosen in found)

    def _given(
        self, hamiltonian: MolecularHamiltonian, references: Sequence[Reference], n_states: int
    ) -> tuple[StartState, ...]:
        states = given_references(hamiltonian, references)
        if len(states) < n_states:
            raise InputError(
                f"solve(n_states={n_states}): {len(states)} references were given. Give one for "
                "each state, or none."
            )
        lowest = abs(hamiltonian.nelec[0] - hamiltonian.nelec[1])
        spins = [multiplicity(square) for square in spin_squares(hamiltonian, states)]
        self._check_given(hamiltonian, states, spins)
        return tuple(
            StartState(reference, lowest if spin is None else spin - 1)
            for reference, spin in zip(references, spins, strict=True)
        )

    def _check_given(
        self,
        hamiltonian: MolecularHamiltonian,
        states: Sequence[StateArray],
        spins: Sequence[int | None],
    ) -> None:
        """Raise unless a user's references have the multiplicity and irrep asked for."""
        if self.multiplicity is not None and set(spins) != {self.multiplicity}:
            raise InputError(
                f"references=...: their multiplicities are {list(spins)}, multiplicity="
                f"{self.multiplicity} was asked for. Use Reference.csf(steps, nelec) of that spin, "
                "or leave multiplicity out."
            )
        if self.irrep is None:
            return
        wanted = abelian_labels(hamiltonian.point_group, self.irrep)
        assert hamiltonian.point_group is not None
        labels = determinant_labels(hamiltonian.sector, hamiltonian.point_group.orbitals)
        found = {int(k) for state in states for k in np.unique(labels[np.abs(state) > 0])}
        if not found <= set(wanted):
            names = [hamiltonian.point_group.names[k] for k in sorted(found)]
            raise InputError(
                f'references=...: they hold the irreps {names}, not irrep="{self.irrep}". '
                "Give references of that irrep, or leave irrep out."
            )


def check_multiplicity(name: str, value: object) -> None:
    """Raise unless a multiplicity is a positive whole number or ``None``.

    Raises:
        InputError: If it is neither.
    """
    if value is not None and (type(value) is not int or value < 1):
        raise InputError(
            f"{name}(multiplicity={value!r}): 2s + 1 is a whole number, 1 for singlets, 3 for "
            "triplets; None for any."
        )


@dataclass(frozen=True)
class StartState:
    """A reference and its spin."""

    reference: Reference
    """The sum of determinants."""
    spin: int
    """``2 S``, which a penalty keeps."""
    label: int | None = None
    """Irrep in the Abelian group, where it is known."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Average:
    """A weighted average of energies over references."""

    hamiltonian: MolecularHamiltonian
    """The Hamiltonian."""
    starts: tuple[StartState, ...]
    """The references."""
    weights: FloatArray
    """Their weights, adding up to 1, shape ``(n_references,)``."""
    spin_penalty: float
    """Weight of the penalty on other spins than each reference's (hartree)."""

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references alone."""
        return tuple(start.reference for start in self.starts)

    @cached_property
    def objectives(self) -> tuple[Observable, ...]:
        """What is minimised in the state of each reference."""
        by_spin = {
            spin: penalised(self.hamiltonian, self.spin_penalty, spin)
            for spin in {start.spin for start in self.starts}
        }
        return tuple(by_spin[start.spin] for start in self.starts)


def state_weights(name: str, weights: Sequence[float] | None, n_states: int) -> FloatArray:
    """Return weights that add up to 1, shape ``(n_states,)``; equal ones by default.

    Raises:
        InputError: If there are not as many as states, or one is not positive.
    """
    if weights is None:
        return np.full(n_states, 1.0 / n_states)
    array = np.asarray(weights, dtype=np.float64)
    if array.shape != (n_states,) or not (np.isfinite(array) & (array > 0)).all():
        raise InputError(
            f"{name}(weights={tuple(weights)!r}): {n_states} states need {n_states} positive "
            "weights. Give one for each state, or None for equal ones."
        )
    total: FloatArray = array / array.sum()
    return total


def check_backend(name: str, backend: Backend) -> StateBackend:
    """Return a backend that gives what a solver of several states needs.

    Raises:
        CapabilityError: If it gives no gradients or no states.
    """
    if isinstance(backend, StateBackend) and backend.capabilities.gradient:
        return backend
    raise CapabilityError(
        f"solve({name}, backend={type(backend).__name__}): {name} needs gradients and states, and "
        "this backend does not give both. Use SectorBackend(). VQE, SSVQE and "
        'EOM("q-sc-EOM") need no states.'
    )


def lower_set(
    hamiltonian: MolecularHamiltonian,
    backend: StateBackend,
    preparation: Preparation,
    starts: Sequence[StartState],
    n_states: int,
) -> tuple[StartState, ...] | None:
    """Return the references in the order in which they matter; ``None`` if that is theirs.

    The span of all references under the circuit is diagonalised. References that carry the lowest
    states come first, where their own span is lower than that of the first ``n_states`` now.

    Args:
        hamiltonian: The Hamiltonian.
        backend: What prepares states.
        preparation: Circuit and angles; its references are not used.
        starts: All references; the first ``n_states`` are those in use.
        n_states: Number of states.
    """
    if len(starts) <= n_states:
        return None
    references = tuple(start.reference for start in starts)
    vectors = backend.state(replace(preparation, reference=references))
    images = np.array([hamiltonian.matvec(vector) for vector in vectors])
    whole = rayleigh_ritz(hamiltonian, vectors, images=images)
    shares = (np.abs(whole.coefficients[:, :n_states]) ** 2).sum(axis=1)
    best = np.sort(np.argsort(-shares, kind="stable")[:n_states])
    now = np.arange(n_states)
    if np.array_equal(best, now):
        return None
    sums = [
        rayleigh_ritz(hamiltonian, vectors[some], images=images[some]).energies.sum()
        for some in (best, now)
    ]
    if sums[0] > sums[1] - LOWER:
        return None
    others = np.setdiff1d(np.arange(len(starts)), best)
    return tuple(starts[k] for k in (*best, *others))


def averaged_solution(
    average: Average,
    preparation: Preparation,
    backend: StateBackend,
    *,
    status: Status,
    history: tuple[Iteration, ...],
    notes: tuple[str, ...] = (),
) -> Solution:
    """Return the states in the span of a circuit applied to all references.

    Args:
        average: Hamiltonian and references.
        preparation: Circuit, the same references, and the angles found.
        backend: What prepares the states.
        status: How the search stopped.
        history: Its steps.
        notes: What the user should know.
    """
    hamiltonian = average.hamiltonian
    vectors = backend.state(preparation)
    found = rayleigh_ritz(hamiltonian, vectors)
    return Solution(
        energies=found.energies,
        unit=hamiltonian.unit,
        status=status,
        states=tuple(found.states),
        params=preparation.params,
        circuit=preparation.circuit,
        references=average.references if len(average.starts) > 1 else None,
        residuals=found.residuals,
        spin_squares=spin_squares(hamiltonian, tuple(found.states)),
        history=history,
        notes=notes,
    )
