"""Observables of a sector besides the energy: spin, weighted sums; and their forms on qubits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from qmlmat.errors import CapabilityError, InputError
from qmlmat.operators.fermion import spin_square_sum
from qmlmat.operators.mappings import QubitMapping, qubit_mapping
from qmlmat.operators.pauli import PauliSum
from qmlmat.operators.sector import Sector
from qmlmat.operators.tapering import symmetrized
from qmlmat.systems.spin import apply_spin_square, spin_square_diagonal
from qmlmat.typing import Observable, StateArray


@runtime_checkable
class QubitObservable(Observable, Protocol):
    """An observable that qubits can measure."""

    def pauli_sum(self, mapping: str | QubitMapping = "jordan_wigner") -> PauliSum:
        """Return the observable on qubits."""
        ...


def mapped(operator: PauliSum, mapping: str | QubitMapping) -> PauliSum:
    """Return an operator on spin orbitals as one on the qubits of a mapping.

    Args:
        operator: The Jordan-Wigner form. Words that change a parity which the mapping leaves out
            are dropped where they are rounding.
        mapping: A mapping, or the name of one with as many qubits as spin orbitals.

    Raises:
        InputError: If the mapping has other modes, or the operator changes a parity left out.
    """
    if isinstance(mapping, str):
        return qubit_mapping(mapping, operator.n_qubits // 2).apply(operator)
    return mapping.apply(symmetrized(operator, [(0, mask) for mask, _ in mapping.fixed]))


@dataclass(frozen=True)
class SpinSquare:
    """The operator ``S^2`` on one sector; eigenvalues ``s (s + 1)``."""

    norb: int
    """Number of spatial orbitals."""
    nelec: tuple[int, int]
    """Electrons by spin, ``(n_alpha, n_beta)``."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "nelec", Sector(self.norb, self.nelec).nelec)

    def matvec(self, state: StateArray) -> StateArray:
        """Return ``S^2 @ state`` in the shape of ``state``."""
        return apply_spin_square(state, self.norb, self.nelec)

    def diagonal(self) -> StateArray:
        """Return <S^2> of all determinants, shape ``(n_alpha_strings, n_beta_strings)``."""
        return spin_square_diagonal(self.norb, self.nelec)

    def pauli_sum(self, mapping: str | QubitMapping = "jordan_wigner") -> PauliSum:
        """Return ``S^2`` on qubits; see ``MolecularHamiltonian.pauli_sum``."""
        return mapped(spin_square_sum(self.norb), mapping)


@dataclass(frozen=True)
class SpinDistance:
    """The operator ``(S^2 - s (s + 1))^2`` on one sector: 0 for one spin, positive for others."""

    norb: int
    """Number of spatial orbitals."""
    nelec: tuple[int, int]
    """Electrons by spin, ``(n_alpha, n_beta)``."""
    spin: int
    """``2 s`` of the spin that has none."""

    def matvec(self, state: StateArray) -> StateArray:
        """Return the operator applied to ``state``, same shape."""
        for _ in range(2):
            image = apply_spin_square(state, self.norb, self.nelec)
            state = image - 0.25 * self.spin * (self.spin + 2) * state
        return state

    def pauli_sum(self, mapping: str | QubitMapping = "jordan_wigner") -> PauliSum:
        """Return the operator on qubits; see ``MolecularHamiltonian.pauli_sum``."""
        pure = PauliSum.identity(2 * self.norb, 0.25 * self.spin * (self.spin + 2))
        root = mapped(spin_square_sum(self.norb) - pure, mapping)
        return root @ root


@dataclass(frozen=True, kw_only=True)
class WeightedSum:
    """``constant + sum weight * observable``, such as ``H + mu (S^2 - s (s + 1))``."""

    terms: tuple[tuple[float, Observable], ...]
    """Pairs of a weight and an observable of one sector, at least one."""
    constant: float = 0.0
    """Multiple of the identity added (the unit of the weighted observables)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", tuple((float(w), o) for w, o in self.terms))
        if not self.terms:
            raise InputError("WeightedSum(terms=()): no terms. Give at least one observable.")
        sectors = {(o.norb, o.nelec) for _, o in self.terms}
        if len(sectors) > 1:
            raise InputError(
                f"WeightedSum: the terms act on different sectors, {sorted(sectors)}. "
                "Use observables of one (norb, nelec)."
            )

    @property
    def norb(self) -> int:
        """Number of spatial orbitals."""
        return self.terms[0][1].norb

    @property
    def nelec(self) -> tuple[int, int]:
        """Electrons by spin, ``(n_alpha, n_beta)``."""
        return self.terms[0][1].nelec

    def matvec(self, state: StateArray) -> StateArray:
        """Return the sum applied to ``state``, same shape."""
        image: StateArray = self.constant * np.asarray(state)
        for weight, observable in self.terms:
            image = image + weight * observable.matvec(state)
        return image

    def pauli_sum(self, mapping: str | QubitMapping = "jordan_wigner") -> PauliSum:
        """Return the sum on qubits; see ``MolecularHamiltonian.pauli_sum``.

        Raises:
            CapabilityError: If a term has no form on qubits.
        """
        forms = []
        for weight, observable in self.terms:
            if not isinstance(observable, QubitObservable):
                raise CapabilityError(
                    f"WeightedSum.pauli_sum: {type(observable).__name__} has no pauli_sum(mapping)."
                    " Use observables that have one, or a backend that works on determinants."
                )
            forms.append(weight * observable.pauli_sum(mapping))
        total = sum(forms[1:], forms[0])
        return total + PauliSum.identity(total.n_qubits, self.constant)
