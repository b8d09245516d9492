"""Hamiltonians that are a Pauli sum or a matrix: models on qubits, and bands at one k."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
import scipy.sparse.linalg
from numpy.typing import NDArray

from qmlmat.errors import InputError, nearest
from qmlmat.operators.decomposition import MAX_DENSE_QUBITS, matrix_pauli_sum
from qmlmat.operators.pauli import MAX_MATRIX_QUBITS, PauliSum, reversed_bits, word_phase
from qmlmat.systems.spectrum import Spectrum
from qmlmat.typing import FloatArray, StateArray
from qmlmat.units import Unit

HERMITIAN_TOLERANCE: Final = 1e-10
"""Largest difference of a matrix from its adjoint, relative to its largest entry or 1."""

DENSE_DIMENSION: Final = 1024
"""Dimension up to which the whole matrix is diagonalised."""

ROUNDING: Final = 1e-12
"""Relative width of a spectrum that is one level."""

PADDING_RANGES: Final = 2.0
"""How many spectral ranges above the highest level the levels of padding lie by default."""

ComplexMatrix = NDArray[np.complex128]
"""A Hermitian matrix."""


def lowest_eigenpairs(
    matrix: ComplexMatrix | scipy.sparse.csr_array, n_states: int, what: str
) -> Spectrum:
    """Return the lowest eigenpairs of a Hermitian matrix, dense where it is small.

    Args:
        matrix: Shape ``(dimension, dimension)``.
        n_states: Number of eigenpairs.
        what: Who asks, for the message.

    Raises:
        InputError: If there are not that many.
    """
    size = matrix.shape[0]
    if not 1 <= n_states <= size:
        raise InputError(
            f"{what}.spectrum(n_states={n_states}): it has {size} states. Use 1 to {size}."
        )
    if size <= DENSE_DIMENSION or n_states > size // 2:
        dense = matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
        _, vectors = np.linalg.eigh(dense)
        vectors = vectors[:, :n_states]
    else:
        start = np.random.default_rng(0).standard_normal(size)
        n_roots = min(n_states + 3, size - 2)
        values, vectors = scipy.sparse.linalg.eigsh(matrix, n_roots, which="SA", v0=start)
        vectors = vectors[:, np.argsort(values)[:n_states]]
    energies, residuals, states = [], [], []
    for vector in vectors.T:
        largest = vector[np.abs(vector).argmax()]
        state = vector * (np.abs(largest) / largest)
        image = matrix @ state
        energies.append(float(np.vdot(state, image).real))
        residuals.append(float(np.linalg.norm(image - energies[-1] * state)))
        state.flags.writeable = False
        states.append(state)
    return Spectrum(
        energies=np.array(energies), states=tuple(states), residuals=np.array(residuals)
    )


def _check_unit(what: str, unit: str) -> None:
    if unit not in get_args(Unit):
        raise InputError(f'{what}(unit="{unit}"): not known. {nearest(str(unit), get_args(Unit))}')


@dataclass(frozen=True, kw_only=True, eq=False)
class QubitHamiltonian:
    """A Hamiltonian that is a sum of Pauli words.

    States have shape ``(2**n_qubits,)``; wire 0 is the highest bit of a state's index.

    Raises:
        InputError: If the sum is not Hermitian, or has no qubits.

    Example:
        >>> import qmlmat as qm
        >>> ising = qm.PauliSum.from_words({"ZZ": -1.0, "XI": -0.5, "IX": -0.5})
        >>> round(qm.solve(qm.QubitHamiltonian(terms=ising, unit="eV"), qm.Exact()).energy, 6)
        -1.414214
    """

    terms: PauliSum
    """The words and their coefficients (``unit``)."""
    unit: Unit = "hartree"
    """Energy unit of the coefficients."""
    notes: tuple[str, ...] = ()
    """What the user should know, one sentence each."""

    def __post_init__(self) -> None:
        if not isinstance(self.terms, PauliSum) or self.terms.n_qubits < 1:
            raise InputError(
                f"QubitHamiltonian(terms={self.terms!r}): use a PauliSum of one qubit or more, "
                'e.g. PauliSum.from_words({"ZZ": -1.0, "XI": 0.5}).'
            )
        _check_unit("QubitHamiltonian", self.unit)
        if not self.terms.is_hermitian:
            largest = float(np.abs(self.terms.coefficients.imag).max())
            raise InputError(
                f"QubitHamiltonian: a coefficient has the imaginary part {largest:.3g}, so the sum "
                "is not Hermitian. Use real coefficients; (A + A†)/2 is the Hermitian part."
            )

    @property
    def n_qubits(self) -> int:
        """Number of qubits."""
        return self.terms.n_qubits

    @property
    def dimension(self) -> int:
        """Number of basis states."""
        return 1 << self.n_qubits

    @property
    def shape(self) -> tuple[int]:
        """Shape of a state."""
        return (self.dimension,)

    def pauli_sum(self, mapping: str = "binary") -> PauliSum:
        """Return the words themselves.

        Raises:
            InputError: If another mapping than ``"binary"`` is asked for.
        """
        _check_binary("QubitHamiltonian", mapping)
        return self.terms

    def matvec(self, state: StateArray) -> StateArray:
        """Return ``H @ state`` in the shape of ``state`` (``unit``)."""
        if self.n_qubits <= MAX_MATRIX_QUBITS:
            product: StateArray = self._matrix @ np.asarray(state).reshape(-1)
            return product.reshape(np.shape(state))
        vector = np.asarray(state, dtype=np.complex128).reshape(-1)
        index, total = np.arange(self.dimension, dtype=np.uint64), np.zeros_like(vector)
        terms = self.terms
        flips, signs = (reversed_bits(m, self.n_qubits) for m in (terms.x, terms.z))
        factors = terms.coefficients * word_phase(terms.x, terms.z)
        for x, z, factor in zip(flips, signs, factors, strict=True):
            source = index ^ x
            turned = 1.0 - 2.0 * (np.bitwise_count(source & z) & 1)
            total += factor * turned * vector[source.astype(np.int64)]
        return total.reshape(np.shape(state))

    def diagonal(self) -> FloatArray:
        """Return the diagonal elements, shape ``(dimension,)`` (``unit``)."""
        terms, index = self.terms, np.arange(self.dimension, dtype=np.uint64)
        kept = terms.x == 0
        total = np.zeros(self.dimension)
        signs = reversed_bits(terms.z[kept], self.n_qubits)
        for z, factor in zip(signs, terms.coefficients[kept].real, strict=True):
            total += factor * (1.0 - 2.0 * (np.bitwise_count(index & z) & 1))
        return total

    @cached_property
    def _matrix(self) -> scipy.sparse.csr_array:
        return self.terms.matrix()

    def spectrum(self, n_states: int = 1) -> Spectrum:
        """Return the exact lowest states.

        Raises:
            InputError: If there are fewer, or too many qubits for a matrix.
        """
        return lowest_eigenpairs(self._matrix, n_states, "QubitHamiltonian")


@dataclass(frozen=True, kw_only=True, eq=False)
class MatrixHamiltonian:
    """A Hamiltonian that is a matrix, on qubits after padding to a power of two.

    States have shape ``(dimension,)``. The states that padding adds are uncoupled and lie at
    ``padding``, far above the spectrum, where no search for low states meets them.

    Raises:
        InputError: If the matrix is not square or Hermitian, or padding lies inside the spectrum.

    Example:
        >>> import qmlmat as qm
        >>> chain = qm.MatrixHamiltonian(matrix=[[0, 1, 0], [1, 0, 1], [0, 1, 0]], unit="eV")
        >>> chain.n_qubits, round(qm.solve(chain, qm.Exact()).energy, 6)
        (2, -1.414214)
    """

    matrix: ComplexMatrix
    """The matrix, shape ``(dimension, dimension)`` (``unit``)."""
    unit: Unit = "eV"
    """Energy unit of the entries."""
    padding: float | None = None
    """Energy of the states that padding adds (``unit``); ``None``: two spectral ranges above the
    highest level."""
    notes: tuple[str, ...] = ()
    """What the user should know, one sentence each."""
    mapping: Literal["binary"] = field(default="binary", init=False)
    """How basis states stand on qubits: state i is the binary number i, wire 0 the highest bit."""

    def __post_init__(self) -> None:
        name = type(self).__name__
        matrix = np.array(self.matrix, dtype=np.complex128)
        size = matrix.shape[0] if matrix.ndim else 0
        if matrix.shape != (size, size) or not 1 <= size <= 1 << MAX_DENSE_QUBITS:
            raise InputError(
                f"{name}(matrix of shape {matrix.shape}): use a square matrix with 1 to "
                f"{1 << MAX_DENSE_QUBITS} rows."
            )
        if not np.isfinite(matrix).all():
            raise InputError(f"{name}: the matrix holds NaN or infinity. Use finite numbers.")
        skew = float(np.abs(matrix - matrix.conj().T).max())
        if skew > HERMITIAN_TOLERANCE * max(1.0, float(np.abs(matrix).max())):
            i, j = np.unravel_index(np.abs(matrix - matrix.conj().T).argmax(), matrix.shape)
            raise InputError(
                f"{name}: the matrix is not Hermitian: entries [{i}, {j}] and [{j}, {i}] differ "
                f"from each other's conjugate by {skew:.3g}. Use (A + A^H)/2 if that is rounding, "
                "and look for a missing conjugate if it is not."
            )
        _check_unit(name, self.unit)
        matrix = 0.5 * (matrix + matrix.conj().T)
        matrix.flags.writeable = False
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "padding", self._checked_padding())

    def _checked_padding(self) -> float:
        lowest, highest = (float(self.levels[k]) for k in (0, -1))
        if self.padding is None:
            width = highest - lowest
            flat = width <= ROUNDING * max(abs(highest), abs(lowest))  # one level, or zero
            return highest + PADDING_RANGES * (1.0 if flat else width)
        if not self.padding > highest:  # refuses NaN, too
            raise InputError(
                f"{type(self).__name__}(padding={self.padding}): the spectrum reaches from "
                f"{lowest:.4f} to {highest:.4f} {self.unit}, and a level of padding inside it "
                f"would be found as a state. Use one well above {highest:.4f}, or None."
            )
        return float(self.padding)

    @cached_property
    def levels(self) -> FloatArray:
        """All eigenvalues by plain diagonalisation, ascending, shape ``(dimension,)``."""
        return np.linalg.eigvalsh(self.matrix).astype(np.float64)

    @property
    def dimension(self) -> int:
        """Number of basis states, without padding."""
        return int(self.matrix.shape[0])

    @property
    def n_qubits(self) -> int:
        """Number of qubits that hold them, at least 1."""
        return max(1, (self.dimension - 1).bit_length())

    @property
    def shape(self) -> tuple[int]:
        """Shape of a state."""
        return (self.dimension,)

    @property
    def padded(self) -> ComplexMatrix:
        """The matrix with padding, ``(2**n_qubits, 2**n_qubits)`` (``unit``)."""
        assert self.padding is not None
        whole = np.diag(np.full(1 << self.n_qubits, self.padding, dtype=np.complex128))
        whole[: self.dimension, : self.dimension] = self.matrix
        return whole

    def pauli_sum(self, mapping: str = "binary") -> PauliSum:
        """Return the padded matrix as a sum of words (``unit``).

        Raises:
            InputError: If another mapping than ``"binary"`` is asked for.
        """
        _check_binary(type(self).__name__, mapping)
        return self._pauli_sum

    @cached_property
    def _pauli_sum(self) -> PauliSum:
        return matrix_pauli_sum(self.padded)

    def matvec(self, state: StateArray) -> StateArray:
        """Return ``H @ state`` (``unit``)."""
        product: StateArray = self.matrix @ np.asarray(state)
        return product

    def spectrum(self, n_states: int = 1) -> Spectrum:
        """Return the exact lowest states.

        Raises:
            InputError: If there are fewer.
        """
        return lowest_eigenpairs(self.matrix, n_states, type(self).__name__)


@dataclass(frozen=True, kw_only=True, eq=False)
class BlochHamiltonian(MatrixHamiltonian):
    """The Hamiltonian of a crystal at one k, as ``TightBindingModel.at`` makes it."""

    k: tuple[float, float, float]
    """Crystal momentum in units of the reciprocal lattice vectors."""
    orbitals: tuple[str, ...] = ()
    """Names of the basis states, shape ``(dimension,)``."""
    spin: str | None = None
    """Whose block it is, ``"up"`` or ``"down"``; ``None``: of all there are."""


def _check_binary(what: str, mapping: object) -> None:
    if mapping != "binary":
        raise InputError(
            f"{what}.pauli_sum({mapping!r}): it has no spin orbitals to map. Use "
            '"binary", the only way its basis states stand on qubits.'
        )


QubitModel: TypeAlias = QubitHamiltonian | MatrixHamiltonian
"""A Hamiltonian without electrons of its own: a Pauli sum or a matrix."""
