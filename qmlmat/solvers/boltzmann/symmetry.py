"""Symmetries that states are filtered by, as penalties on the qubits of a space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from qmlmat.errors import InputError
from qmlmat.operators.decomposition import matrix_pauli_sum
from qmlmat.operators.mappings import QubitMapping
from qmlmat.operators.pauli import PauliSum, reversed_bits
from qmlmat.provenance import content_hash
from qmlmat.solvers.base import AnyHamiltonian
from qmlmat.solvers.boltzmann.enumerated import operator_on
from qmlmat.solvers.boltzmann.scaling import Scaled
from qmlmat.solvers.boltzmann.space import ElectronSpace, ModelSpace, Space
from qmlmat.systems import MatrixHamiltonian, MolecularHamiltonian
from qmlmat.typing import FloatArray

COMMUTES: Final = 1e-8
"""Largest commutator with the Hamiltonian, relative to the product of both norms."""
MAX_SYMMETRY: Final = 4096
"""Most configurations on which a symmetry is diagonalised: 0.3 GB."""
SAME_VALUE: Final = 1e-6
"""Distance up to which a value counts as one of the operator's eigenvalues."""


@runtime_checkable
class OnQubits(Protocol):
    """An operator on electrons that qubits can measure, such as ``SpinSquare``."""

    def pauli_sum(self, mapping: str | QubitMapping = "jordan_wigner") -> PauliSum:
        """Return it on qubits."""
        ...


Operator: TypeAlias = PauliSum | OnQubits | NDArray[Any]
"""A sum on the Hamiltonian's qubits, an operator on its electrons, or a matrix of its size."""


@dataclass(frozen=True, eq=False)
class Symmetry:
    """States with one eigenvalue of an operator that commutes with the Hamiltonian."""

    operator: Operator
    """The operator: a matrix of the Hamiltonian's dimension, a ``PauliSum`` on its qubits, or for
    a molecule something like ``SpinSquare(norb, nelec)``."""
    value: float
    """The eigenvalue wanted."""
    name: str = ""
    """What it is called, in messages."""

    def __post_init__(self) -> None:
        if not np.isfinite(self.value):
            raise InputError(f"Symmetry(value={self.value}): use one of the eigenvalues.")

    def inputs(self) -> dict[str, Any]:
        """Return what determines it, as plain values."""
        operator = self.operator
        if isinstance(operator, PauliSum):
            kept: Any = content_hash([[word, c.real, c.imag] for word, c in operator.words()])
        elif isinstance(operator, OnQubits):
            kept = repr(operator)
        else:
            array = np.asarray(operator, dtype=np.complex128)
            kept = content_hash([array.real.tolist(), array.imag.tolist()])
        return {"name": self.name, "value": float(self.value), "operator": kept}


def penalty(
    symmetry: Symmetry, hamiltonian: AnyHamiltonian, space: Space, scale: Scaled
) -> PauliSum:
    """Return ``(O - omega)^2``, at least 1 for every state of another sector."""
    operator = _on_qubits(symmetry, hamiltonian, space)
    _check_commutes(symmetry, operator, space, scale.half_width, hamiltonian.unit)
    distance = operator - symmetry.value * PauliSum.identity(space.n_qubits)
    return (1.0 / _gap(symmetry, operator, space) ** 2) * (distance @ distance)


def check_number(total: PauliSum, space: Space, n_states: int) -> None:
    """Raise where fewer states have all the symmetries than are asked for.

    Raises:
        InputError: With their number.
    """
    n_there = int((_own_values(total, space) < 0.5).sum())
    if n_states > n_there:
        raise InputError(
            f"solve(Filtration, n_states={n_states}): {n_there} states have these symmetries. Ask "
            "for so many, or for fewer symmetries at once."
        )


def _on_qubits(symmetry: Symmetry, hamiltonian: AnyHamiltonian, space: Space) -> PauliSum:
    """Return a symmetry's operator on the qubits of a space.

    Raises:
        InputError: If its size is another, or it is not Hermitian.
    """
    operator = symmetry.operator
    if isinstance(operator, OnQubits) and not isinstance(operator, PauliSum):
        if not (isinstance(hamiltonian, MolecularHamiltonian) and isinstance(space, ElectronSpace)):
            raise InputError(
                f"Symmetry({type(operator).__name__}): it is of electrons, and "
                f"{type(hamiltonian).__name__} has none. Use a matrix or a PauliSum."
            )
        found = operator.pauli_sum(space.mapping)
    elif isinstance(operator, PauliSum):
        found = operator
    else:
        found = matrix_pauli_sum(_padded(symmetry, hamiltonian))
    if found.n_qubits != space.n_qubits or not found.is_hermitian:
        raise InputError(
            f"Symmetry({_name(symmetry)}): an operator on {found.n_qubits} qubits, Hermitian: "
            f"{found.is_hermitian}. Use a Hermitian one on the Hamiltonian's {space.n_qubits}."
        )
    return found


def _padded(symmetry: Symmetry, hamiltonian: AnyHamiltonian) -> NDArray[np.complex128]:
    """Return a matrix with the wanted value on the states of padding."""
    matrix = np.asarray(symmetry.operator, dtype=np.complex128)
    fits = matrix.shape == (hamiltonian.dimension,) * 2
    if not (isinstance(hamiltonian, MatrixHamiltonian) and fits):
        raise InputError(
            f"Symmetry(matrix of shape {matrix.shape}): a matrix goes with a Hamiltonian that is "
            f"one of the same size, here {type(hamiltonian).__name__} of dimension "
            f"{hamiltonian.dimension}. Use such a matrix, or a PauliSum."
        )
    size = 1 << hamiltonian.n_qubits
    whole = np.diag(np.full(size, symmetry.value, dtype=np.complex128))
    whole[: len(matrix), : len(matrix)] = matrix
    return whole


def _name(symmetry: Symmetry) -> str:
    return symmetry.name or type(symmetry.operator).__name__


def _check_commutes(
    symmetry: Symmetry, operator: PauliSum, space: Space, half_width: float, unit: str
) -> None:
    """Raise unless an operator commutes with the Hamiltonian.

    Raises:
        InputError: With the size of the commutator.
    """
    product = space.terms @ operator - operator @ space.terms
    size = float(np.linalg.norm(product.coefficients))  # root mean square over all states
    scale = half_width * float(np.linalg.norm(operator.coefficients))
    if size > COMMUTES * max(scale, 1e-300):
        raise InputError(
            f"Symmetry({_name(symmetry)}): it does not commute with the Hamiltonian: the "
            f"commutator's root mean square is {size:.3g} {unit}, so no eigenstates have its "
            "eigenvalues and the penalty would mix them. Use an operator that commutes here; L_z "
            "and C3 of a monolayer do so at G, K and K1 only."
        )


def _gap(symmetry: Symmetry, operator: PauliSum, space: Space) -> float:
    """Return the distance of the wanted eigenvalue from the others.

    Raises:
        InputError: If the operator has no such eigenvalue.
    """
    if space.size > MAX_SYMMETRY:
        raise InputError(
            f"Symmetry({_name(symmetry)}): {space.size} configurations; the eigenvalues of at most "
            f"{MAX_SYMMETRY} are looked at. Use a smaller space."
        )
    values = _own_values(operator, space)
    away = np.abs(values - symmetry.value)
    if away.min() > SAME_VALUE:
        known = ", ".join(f"{value:.6g}" for value in np.unique(np.round(values, 6)))
        raise InputError(
            f"Symmetry({_name(symmetry)}, value={symmetry.value}): no state has it. The "
            f"eigenvalues are {known}."
        )
    others = away[away > SAME_VALUE]
    return float(others.min()) if others.size else 1.0


def _own_values(operator: PauliSum, space: Space) -> FloatArray:
    """Return an operator's eigenvalues on the states that are no padding, ascending."""
    masks = space.masks
    if isinstance(space, ModelSpace):  # what commutes leaves padding alone: it is a level apart
        masks = masks[reversed_bits(masks, space.n_qubits) < np.uint64(space.dimension)]
    return np.linalg.eigvalsh(operator_on(operator, masks).toarray()).astype(np.float64)
