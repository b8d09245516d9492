"""Eigenstate filtration: any state by its symmetry or its energy, as a ground state."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from qmlmat.backends import Backend
from qmlmat.errors import InputError
from qmlmat.operators.decomposition import matrix_pauli_sum
from qmlmat.operators.mappings import QubitMapping
from qmlmat.operators.pauli import PauliSum, reversed_bits
from qmlmat.provenance import content_hash
from qmlmat.solvers.base import AnyHamiltonian, Solution
from qmlmat.solvers.boltzmann.enumerated import operator_on
from qmlmat.solvers.boltzmann.scaling import Scaled, scaled
from qmlmat.solvers.boltzmann.space import (
    ElectronSpace,
    ModelSpace,
    Space,
    check_padding_is_far,
)
from qmlmat.solvers.boltzmann.states import machine_solution
from qmlmat.solvers.rbm import DEFAULT_SEED, RBM
from qmlmat.systems import MatrixHamiltonian, MolecularHamiltonian
from qmlmat.typing import FloatArray

MARGIN: Final = 1.5
"""How far a penalty exceeds the spectral width."""
COMMUTES: Final = 1e-8
"""Largest commutator with the Hamiltonian, relative to the product of both norms."""
MAX_LEVELS: Final = 1024
"""Most configurations whose exact levels are computed beside the states found."""
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


@dataclass(frozen=True, kw_only=True)
class Filtration:
    """Eigenstates selected by symmetry, by their energy, or one above the other.

    What is minimised is ``<H> + sum mu <(O - omega)^2>``: linear in the density matrix, so that its
    minimum is the lowest state with ``O = omega`` (``(<O> - omega)^2`` instead lets superpositions
    of sectors pass). With ``near`` it is ``<(H - near)^2>`` in place of ``<H>``. Of several states
    each is raised before the next is looked for.

    Weights: states of other sectors differ from ``omega`` by ``gap`` at least, the smallest
    distance of another eigenvalue, so ``mu = 1.5 width / gap^2`` with ``width`` the spectral width
    of the Hamiltonian puts all of them above it.

    References:
        M. Sajjan, S. H. Sureshbabu, S. Kais, J. Am. Chem. Soc. 143, 18426 (2021),
        arXiv:2105.09488 (filtration by Boltzmann machines). K. Kuroiwa, Y. O. Nakagawa,
        arXiv:2010.13951 (which penalties are right). L.-W. Wang, A. Zunger, J. Chem. Phys. 100,
        2394 (1994), doi:10.1063/1.466486 (folding).

    Example:
        >>> import numpy as np
        >>> import qmlmat as qm
        >>> levels = qm.MatrixHamiltonian(matrix=np.diag([0.0, 1.0, 2.5]), unit="eV")
        >>> found = qm.solve(levels, qm.Filtration(near=1.2))
        >>> round(found.energy, 6)
        1.0
    """

    rbm: RBM = field(default_factory=RBM)
    """The machine and how it is trained."""
    symmetries: tuple[Symmetry, ...] = ()
    """What the states must have."""
    near: float | None = None
    """Energy that the states are nearest to (the Hamiltonian's unit); ``None``: the lowest."""

    is_variational: ClassVar[bool] = False
    """States may be looked for inside the spectrum."""
    takes_models: ClassVar[bool] = True
    """It takes Pauli sums and matrices, too."""

    def __post_init__(self) -> None:
        given = self.symmetries
        several = (given,) if isinstance(given, Symmetry) else tuple(given)
        object.__setattr__(self, "symmetries", several)
        if not all(isinstance(one, Symmetry) for one in several):
            raise InputError(
                f"Filtration(symmetries={several!r}): use Symmetry(operator, value), one or more."
            )
        if self.near is not None and not np.isfinite(self.near):
            raise InputError(f"Filtration(near={self.near}): use a finite energy, or None.")

    def inputs(self) -> dict[str, Any]:
        """Return the settings that determine the result, as plain values."""
        return {
            "solver": "filtration",
            "rbm": self.rbm.inputs(),
            "symmetries": [_described(one) for one in self.symmetries],
            "near": self.near,
        }

    def eigenpairs(
        self,
        hamiltonian: AnyHamiltonian,
        *,
        n_states: int,
        guess: Solution | None,
        backend: Backend,
        seed: int | None,
    ) -> Solution:
        """Return the states selected, ascending in energy; see ``solve``.

        Raises:
            InputError: If a symmetry does not commute with the Hamiltonian or lacks the value,
                there are fewer such states, or padding is nearer.
        """
        space = self.rbm.space(hamiltonian)
        terms = self._objective(hamiltonian, space, n_states)
        found = self.rbm.states(space, backend).lowest(
            terms, n_states, guess=guess, seed=DEFAULT_SEED if seed is None else seed
        )
        solution = machine_solution(hamiltonian, space, found)
        if self.near is not None:  # squares of distances are no energies
            solution = replace(solution, start_energies=None)
        return _with_levels(solution, space, terms)

    def _objective(self, hamiltonian: AnyHamiltonian, space: Space, n_states: int) -> PauliSum:
        """Return what is minimised: energies (the Hamiltonian's unit), or squares with ``near``."""
        scale = scaled(space.terms, space)
        terms, width = scale.terms, 2.0
        if self.near is not None:
            check_padding_is_far(hamiltonian, self.near)
            place = (self.near - scale.centre) / scale.half_width
            distance = terms - place * PauliSum.identity(space.n_qubits)
            terms, width = distance @ distance, (1.0 + abs(place)) ** 2
        if self.symmetries:
            penalties = [_penalty(one, hamiltonian, space, scale) for one in self.symmetries]
            total = sum(penalties[1:], start=penalties[0])
            _check_number(total, space, n_states)
            terms = terms + (MARGIN * width) * total
        return scale.half_width * terms + PauliSum.identity(space.n_qubits, scale.centre)


def _penalty(
    symmetry: Symmetry, hamiltonian: AnyHamiltonian, space: Space, scale: Scaled
) -> PauliSum:
    """Return ``(O - omega)^2``, at least 1 for every state of another sector."""
    operator = _on_qubits(symmetry, hamiltonian, space)
    _check_commutes(symmetry, operator, space, scale.half_width, hamiltonian.unit)
    distance = operator - symmetry.value * PauliSum.identity(space.n_qubits)
    return (1.0 / _gap(symmetry, operator, space) ** 2) * (distance @ distance)


def _check_number(penalty: PauliSum, space: Space, n_states: int) -> None:
    """Raise where fewer states have all the symmetries than are asked for.

    Raises:
        InputError: With their number.
    """
    n_there = int((_own_values(penalty, space) < 0.5).sum())
    if n_states > n_there:
        raise InputError(
            f"solve(Filtration, n_states={n_states}): {n_there} states have these symmetries. Ask "
            "for so many, or for fewer symmetries at once."
        )


def _described(symmetry: Symmetry) -> dict[str, Any]:
    operator = symmetry.operator
    if isinstance(operator, PauliSum):
        words = [[word, c.real, c.imag] for word, c in operator.words()]
        kept: Any = content_hash(words)
    elif isinstance(operator, OnQubits):
        kept = repr(operator)
    else:
        array = np.asarray(operator, dtype=np.complex128)
        kept = content_hash([array.real.tolist(), array.imag.tolist()])
    return {"name": symmetry.name, "value": float(symmetry.value), "operator": kept}


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
    space.check_enumerable()
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


def _with_levels(found: Solution, space: Space, terms: PauliSum) -> Solution:
    """Add the exact energies of the states that the filter selects."""
    if space.size > MAX_LEVELS:
        return found
    _, vectors = np.linalg.eigh(operator_on(terms, space.masks).toarray())
    operator = operator_on(space.terms, space.masks)
    chosen = vectors[:, : found.n_states]
    exact: FloatArray = np.sort(np.einsum("ik,ik->k", chosen.conj(), operator @ chosen).real)
    return replace(found, reference_energy=float(exact[0]), reference_energies=exact)
