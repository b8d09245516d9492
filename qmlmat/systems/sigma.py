"""Sigma vectors, spin and density matrices: the only caller of PySCF's CI kernels.

States are real sector arrays, shape ``(n_alpha_strings, n_beta_strings)``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from pyscf.fci import cistring, direct_spin1

from qmlmat.errors import InputError
from qmlmat.operators.sector import Sector
from qmlmat.systems.threads import threads_for
from qmlmat.typing import FloatArray, IntArray, StateArray

PARALLEL_DIMENSION: Final = 20_000
"""Sector size from which a sigma build uses several threads (determinants)."""


@lru_cache(maxsize=32)
def _links(norb: int, n_electrons: int, *, triangular: bool) -> IntArray:
    """Return PySCF's table of single excitations of one spin's strings, read-only."""
    table: IntArray = cistring.gen_linkstr_index(range(norb), n_electrons, None, triangular)
    if n_electrons == 0:
        table = np.zeros((1, 0, 4), dtype=np.int32)
    table = np.ascontiguousarray(table)
    table.flags.writeable = False
    return table


class SigmaBuilder:
    """Applies ``sum h_pq E_pq + 1/2 sum (pq|rs) (E_pq E_rs - delta_qr E_ps) + constant``.

    Tables and absorbed integrals are made once; every ``apply`` after that allocates only its
    result.
    """

    def __init__(
        self,
        one_body: FloatArray,
        two_body: FloatArray,
        nelec: tuple[int, int],
        *,
        constant: float = 0.0,
    ) -> None:
        norb = int(one_body.shape[0])
        self.sector = Sector(norb, nelec)
        self.constant = float(constant)
        self._one_body, self._two_body = one_body, two_body
        absorbed = direct_spin1.absorb_h1e(one_body, two_body, norb, self.sector.nelec, 0.5)
        self._absorbed: FloatArray = np.ascontiguousarray(absorbed)
        self._tables = tuple(_links(norb, n, triangular=True) for n in self.sector.nelec)

    def apply(self, state: StateArray) -> StateArray:
        """Return the operator applied to ``state``, in the shape of ``state``."""
        vector = check_state("SigmaBuilder.apply", state, self.sector)
        if sum(self.sector.nelec) == 0:
            return self.constant * np.asarray(state)
        with threads_for(self.sector.dimension, worth_it=PARALLEL_DIMENSION):
            image: StateArray = direct_spin1.contract_2e(
                self._absorbed, vector, self.sector.norb, self.sector.nelec, self._tables
            ).view(np.ndarray)
        if self.constant:
            image += self.constant * vector
        return image.reshape(np.shape(state))

    def diagonal(self) -> StateArray:
        """Return the diagonal in the sector's determinants, shape of a state."""
        if sum(self.sector.nelec) == 0:
            return np.full(self.sector.shape, self.constant)
        diagonal = direct_spin1.make_hdiag(
            self._one_body, self._two_body, self.sector.norb, self.sector.nelec
        )
        result: StateArray = np.asarray(diagonal).reshape(self.sector.shape) + self.constant
        return result


def check_state(call: str, state: ArrayLike, sector: Sector) -> StateArray:
    """Return ``state`` as a contiguous real array in the sector's shape.

    Raises:
        InputError: If it is complex or has another size.
    """
    array = np.asarray(state)
    if np.iscomplexobj(array):
        raise InputError(
            f"{call}(state): the state is complex. Use its real and imaginary parts in turn: the "
            "operator is real."
        )
    if array.size != sector.dimension or array.ndim not in (1, 2):
        raise InputError(
            f"{call}(state): shape {array.shape} does not belong to norb={sector.norb}, "
            f"nelec={sector.nelec}. Use shape {sector.shape}."
        )
    return np.ascontiguousarray(array, dtype=np.float64).reshape(sector.shape)


@lru_cache(maxsize=32)
def _raising_tables(norb: int, nelec: tuple[int, int]) -> tuple[tuple[IntArray, ...], ...]:
    """Return, per orbital ``p``, what ``a†_(p alpha) a_(p beta)`` does to the strings.

    Each entry holds ``(rows, columns, to_rows, to_columns, row_signs, column_signs)``: where
    the strings it acts on stand, where they go in the sector of one more alpha and one fewer
    beta electron, and with which sign.
    """
    sector, raised = Sector(norb, nelec), Sector(norb, (nelec[0] + 1, nelec[1] - 1))
    tables = []
    for p in range(norb):
        bit = np.int64(1 << p)
        rows = np.flatnonzero(sector.alpha_strings & bit == 0)
        columns = np.flatnonzero(sector.beta_strings & bit)
        alpha, beta = sector.alpha_strings[rows], sector.beta_strings[columns]
        below = bit - 1
        tables.append(
            (
                rows,
                columns,
                np.searchsorted(raised.alpha_strings, alpha | bit),
                np.searchsorted(raised.beta_strings, beta ^ bit),
                1 - 2 * (np.bitwise_count(alpha & below).astype(np.int64) % 2),
                1 - 2 * (np.bitwise_count(beta & below).astype(np.int64) % 2),
            )
        )
    return tuple(tables)


def apply_spin_square(state: StateArray, norb: int, nelec: tuple[int, int]) -> StateArray:
    """Return ``S^2`` applied to a sector state, as ``S_- S_+ + S_z (S_z + 1)``.

    Args:
        state: Sector vector, shape ``(n_alpha_strings, n_beta_strings)``.
        norb: Number of spatial orbitals.
        nelec: Electrons by spin.
    """
    sector = Sector(norb, nelec)
    vector = check_state("apply_spin_square", state, sector)
    n_alpha, n_beta = sector.nelec
    half = 0.5 * (n_alpha - n_beta)
    image: StateArray = half * (half + 1) * vector
    if n_alpha < norb and n_beta > 0:
        tables = _raising_tables(norb, sector.nelec)
        raised = np.zeros(Sector(norb, (n_alpha + 1, n_beta - 1)).shape)
        for rows, columns, to_rows, to_columns, row_signs, column_signs in tables:
            moved = vector[np.ix_(rows, columns)] * row_signs[:, None] * column_signs
            raised[np.ix_(to_rows, to_columns)] += moved
        for rows, columns, to_rows, to_columns, row_signs, column_signs in tables:
            moved = raised[np.ix_(to_rows, to_columns)] * row_signs[:, None] * column_signs
            image[np.ix_(rows, columns)] += moved
    return image.reshape(np.shape(state))


def spin_square(state: StateArray, norb: int, nelec: tuple[int, int]) -> float:
    """Return the expectation of ``S^2`` in a state, which need not be normalised.

    Example:
        >>> spin_square(np.array([[1.0, 0.0], [0.0, 0.0]]), 2, (1, 1))
        0.0
    """
    vector = np.asarray(state).ravel()
    image = apply_spin_square(vector, norb, nelec)
    return float(vector @ image / (vector @ vector))


def one_rdm(
    state: StateArray, norb: int, nelec: tuple[int, int], *, spin_resolved: bool = False
) -> FloatArray:
    """Return the one-particle density matrix ``<a†_p a_q>`` of a normalised state.

    Args:
        state: Sector vector.
        norb: Number of spatial orbitals.
        nelec: Electrons by spin.
        spin_resolved: Keep alpha and beta apart.

    Returns:
        Shape ``(norb, norb)``; with ``spin_resolved`` ``(2, norb, norb)``, alpha first.
    """
    sector = Sector(norb, nelec)
    vector = check_state("one_rdm", state, sector)
    tables = tuple(_links(norb, n, triangular=False) for n in sector.nelec)
    alpha, beta = direct_spin1.make_rdm1s(vector, norb, sector.nelec, tables)
    both: FloatArray = np.array([alpha, beta])
    return both if spin_resolved else both.sum(axis=0)


def two_rdm(
    state: StateArray, norb: int, nelec: tuple[int, int], *, spin_resolved: bool = False
) -> FloatArray:
    """Return the two-particle density matrix of a normalised state, chemists' order.

    ``G[p, q, r, s] = sum_(sigma tau) <a†_(p sigma) a†_(r tau) a_(s tau) a_(q sigma)>``, so that
    ``E = sum h_pq g_pq + 1/2 sum (pq|rs) G_pqrs``.

    Args:
        state: Sector vector.
        norb: Number of spatial orbitals.
        nelec: Electrons by spin.
        spin_resolved: Keep the spins apart.

    Returns:
        Shape ``(norb, norb, norb, norb)``; with ``spin_resolved`` ``(3, norb, norb, norb,
        norb)``: (alpha alpha), (alpha beta), (beta beta), where the total is aa + ab + ab
        with pairs swapped + bb.
    """
    sector = Sector(norb, nelec)
    vector = check_state("two_rdm", state, sector)
    tables = tuple(_links(norb, n, triangular=False) for n in sector.nelec)
    _, parts = direct_spin1.make_rdm12s(vector, norb, sector.nelec, tables)
    resolved: FloatArray = np.array(parts)
    if spin_resolved:
        return resolved
    same, mixed, other = resolved
    total: FloatArray = same + mixed + mixed.transpose(2, 3, 0, 1) + other
    return total
