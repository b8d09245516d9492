"""Operators on electrons: sums of products of creation and annihilation operators."""

from __future__ import annotations

import cmath
import operator
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qmlmat.errors import InputError, nearest
from qmlmat.operators.mappings import QubitMapping
from qmlmat.operators.pauli import MAX_QUBITS, PauliSum, word_phase
from qmlmat.typing import MaskArray

Ladder: TypeAlias = tuple[int, bool]
"""A mode, and whether an electron is created in it or annihilated."""
Product: TypeAlias = tuple[Ladder, ...]
"""Ladder operators, the last acting first; the empty product is the identity."""
Spin: TypeAlias = Literal["both", "alpha", "beta"]
"""Of which electrons."""


@dataclass(frozen=True, eq=False)
class FermionOperator:
    """``sum coefficient * product`` of ladder operators on modes, in no particular order.

    Modes are spin orbitals, all alpha then all beta. ``+``, ``-``, ``*`` with a number and ``@``
    add and multiply.

    Example:
        >>> from qmlmat.operators.mappings import qubit_mapping
        >>> hop = FermionOperator(2, {((0, True), (1, False)): 1.0})
        >>> dict((hop + hop.adjoint()).pauli_sum(qubit_mapping("jordan_wigner", 1)).words())
        {'XX': (0.5+0j), 'YY': (0.5+0j)}
    """

    n_modes: int
    """Number of modes."""
    terms: Mapping[Product, complex]
    """Coefficient of each product (the operator's unit)."""

    def __post_init__(self) -> None:
        try:
            terms = {
                tuple((operator.index(mode), bool(creates)) for mode, creates in product): complex(
                    value
                )
                for product, value in self.terms.items()
            }
        except (AttributeError, TypeError, ValueError) as error:
            raise InputError(
                f"FermionOperator(terms): {error}. Use products of (mode, creates) and their "
                "coefficients, e.g. {((0, True), (1, False)): 0.5}."
            ) from error
        if not all(map(cmath.isfinite, terms.values())):
            raise InputError(
                "FermionOperator(terms): a coefficient is NaN or infinite. Give finite numbers."
            )
        inside = all(0 <= mode < self.n_modes for product in terms for mode, _ in product)
        if not inside or not 0 <= self.n_modes <= MAX_QUBITS:
            raise InputError(
                f"FermionOperator(n_modes={self.n_modes}): modes are numbered from 0 to n_modes - "
                f"1, at most {MAX_QUBITS} of them. Use modes below n_modes."
            )
        object.__setattr__(self, "terms", MappingProxyType(terms))

    @classmethod
    def one_body(cls, matrix: ArrayLike, spin: Spin = "both") -> FermionOperator:
        """Return ``sum_pq matrix[p, q] a†_p a_q`` of electrons of one spin or both.

        Dipoles, and elements of the one-particle density matrix, are of this form.

        Args:
            matrix: Shape ``(norb, norb)``, spatial orbitals.
            spin: Which electrons.

        Raises:
            InputError: If the matrix is not square, or the spin unknown.
        """
        m = np.asarray(matrix)
        if m.ndim != 2 or m.shape[0] != m.shape[1]:
            raise InputError(
                f"FermionOperator.one_body: a matrix of shape {m.shape}. Use (norb, norb)."
            )
        shifts = _shifts(spin, len(m))
        entries = [(int(p), int(q)) for p, q in np.argwhere(m != 0)]
        return cls(
            2 * len(m),
            {((p + s, True), (q + s, False)): m[p, q] for s in shifts for p, q in entries},
        )

    @classmethod
    def two_body(cls, tensor: ArrayLike) -> FermionOperator:
        """Return ``sum tensor[p, q, r, s] a†_(p σ) a†_(r τ) a_(s τ) a_(q σ)`` over both spins.

        With half the integrals ``(pq|rs)`` it is the repulsion; the expectation for one entry of 1
        is that element of the two-particle density matrix (``two_rdm``).

        Args:
            tensor: Shape ``(norb, norb, norb, norb)``, spatial orbitals, chemists' order.

        Raises:
            InputError: If the tensor has another shape.
        """
        t = np.asarray(tensor)
        norb = t.shape[0] if t.ndim else 0
        if t.shape != (norb,) * 4:
            raise InputError(
                f"FermionOperator.two_body: a tensor of shape {t.shape}. Use (norb, norb, norb, "
                "norb)."
            )
        shifts = (0, norb)
        pairs = [
            (((p + a, True), (r + b, True), (s + b, False), (q + a, False)), t[p, q, r, s])
            for p, q, r, s in (tuple(map(int, place)) for place in np.argwhere(t != 0))
            for a in shifts
            for b in shifts
        ]
        return cls(2 * norb, dict(pairs))

    @classmethod
    def number(cls, norb: int, spin: Spin = "both") -> FermionOperator:
        """Return the number of electrons, of one spin or both.

        Args:
            norb: Number of spatial orbitals.
            spin: Which electrons.
        """
        return cls.one_body(np.eye(norb), spin)

    @classmethod
    def spin_square(cls, norb: int) -> FermionOperator:
        """Return ``S^2 = S_- S_+ + S_z (S_z + 1)``.

        Args:
            norb: Number of spatial orbitals.
        """
        raising = cls(2 * norb, {((p, True), (p + norb, False)): 1.0 for p in range(norb)})
        s_z = 0.5 * (cls.number(norb, "alpha") - cls.number(norb, "beta"))
        return raising.adjoint() @ raising + s_z @ s_z + s_z

    def __add__(self, other: FermionOperator) -> FermionOperator:
        """Return the sum of both."""
        return self._collected(other, [*self.terms.items(), *other.terms.items()])

    def __sub__(self, other: FermionOperator) -> FermionOperator:
        """Return the difference of both."""
        return self + (-1.0) * other

    def __rmul__(self, factor: complex) -> FermionOperator:
        """Return the operator times a number."""
        return FermionOperator(self.n_modes, {p: factor * c for p, c in self.terms.items()})

    def __matmul__(self, other: FermionOperator) -> FermionOperator:
        """Return the product of both operators; ``other`` acts first."""
        products = ((p + q, a * b) for p, a in self.terms.items() for q, b in other.terms.items())
        return self._collected(other, products)

    def adjoint(self) -> FermionOperator:
        """Return the Hermitian conjugate."""
        turned = {
            tuple((mode, not creates) for mode, creates in reversed(product)): c.conjugate()
            for product, c in self.terms.items()
        }
        return FermionOperator(self.n_modes, turned)

    def pauli_sum(self, mapping: QubitMapping) -> PauliSum:
        """Return the operator on qubits.

        Args:
            mapping: The mapping, of as many modes.

        Raises:
            InputError: If the mapping has other modes, or the operator changes a parity it leaves
                out.
        """
        by_length: dict[int, list[Product]] = defaultdict(list)
        for product in self.terms:
            by_length[len(product)].append(product)
        parts = [self._words(products) for products in by_length.values()]
        parts.append((np.zeros(0, np.uint64), np.zeros(0, np.uint64), np.zeros(0, complex)))
        x, z, values = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return mapping.apply(PauliSum.collected(self.n_modes, x, z, values))

    def _words(
        self, products: list[Product]
    ) -> tuple[MaskArray, MaskArray, NDArray[np.complex128]]:
        """Return the Jordan-Wigner words of products of one length.

        ``a_p = X_p (1 - Z_p) / 2`` and ``a†_p = X_p (1 + Z_p) / 2``, after Z on all modes below p.
        """
        x = np.zeros((len(products), 1), dtype=np.uint64)
        z = np.zeros_like(x)
        values = np.array([[self.terms[product]] for product in products])
        for k in range(len(products[0])):
            bit = np.array([[1 << product[k][0]] for product in products], dtype=np.uint64)
            side = np.array([[0.5 if product[k][1] else -0.5] for product in products])
            values = values * (1.0 - 2.0 * (np.bitwise_count(z & bit) & 1))
            x, z = x ^ bit, z ^ (bit - np.uint64(1))
            x, z = np.hstack([x, x]), np.hstack([z, z ^ bit])
            values = np.hstack([0.5 * values, side * values])
        values = values * word_phase(x, z).conj()
        return x.ravel(), z.ravel(), values.ravel()

    def _collected(
        self, other: FermionOperator, terms: Iterable[tuple[Product, complex]]
    ) -> FermionOperator:
        if self.n_modes != other.n_modes:
            raise InputError(
                f"FermionOperator: {self.n_modes} and {other.n_modes} modes. Use operators on the "
                "same modes."
            )
        sums: dict[Product, complex] = defaultdict(complex)
        for product, value in terms:
            sums[product] += value
        return FermionOperator(self.n_modes, {p: c for p, c in sums.items() if c != 0})


def spin_square_sum(norb: int) -> PauliSum:
    """Return the Jordan-Wigner form of ``S^2 = S_- S_+ + S_z (S_z + 1)``, from words.

    Args:
        norb: Number of spatial orbitals.
    """
    alpha = np.uint64(1) << np.arange(norb, dtype=np.uint64)
    beta = alpha << np.uint64(norb)
    between = beta - (alpha << np.uint64(1))
    # a†_alpha a_beta = (XX + YY + i XY - i YX) / 4, with Z on the modes between.
    x = np.tile(alpha | beta, 4)
    z = np.concatenate([between, between | alpha | beta, between | beta, between | alpha])
    raising = PauliSum.collected(2 * norb, x, z, np.repeat([0.25, 0.25, 0.25j, -0.25j], norb))
    spins = np.concatenate([alpha, beta])
    quarter = np.repeat([-0.25, 0.25], norb)
    s_z = PauliSum.collected(2 * norb, np.zeros_like(spins), spins, quarter)
    return raising.adjoint() @ raising + s_z @ s_z + s_z


def _shifts(spin: str, norb: int) -> tuple[int, ...]:
    if spin not in get_args(Spin):
        raise InputError(f'spin="{spin}": no such spin. {nearest(str(spin), get_args(Spin))}')
    return {"both": (0, norb), "alpha": (0,), "beta": (norb,)}[spin]
