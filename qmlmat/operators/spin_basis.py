"""The spin eigenfunctions of a sector: every configuration state function, as a sparse matrix."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from scipy import sparse

from qmlmat.errors import InputError
from qmlmat.operators.sector import Sector
from qmlmat.typing import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class SpinBasis:
    """An orthonormal basis of all states of one spin in a sector."""

    functions: Any
    """Configuration state functions as columns, sparse, shape ``(dimension, n_functions)``."""
    closed: IntArray
    """Doubly occupied orbitals of each function, as bit masks, shape ``(n_functions,)``."""
    open_shells: IntArray
    """Singly occupied orbitals of each function, as bit masks, shape ``(n_functions,)``."""

    def labels(self, orbital_labels: IntArray) -> IntArray:
        """Return the XOR of the labels of the singly occupied orbitals, ``(n_functions,)``.

        Pairs have no symmetry, so this is the irrep of the function.
        """
        labels = np.zeros(len(self.open_shells), dtype=np.int64)
        for p, label in enumerate(orbital_labels):
            labels ^= np.where(self.open_shells >> p & 1, label, 0)
        return labels


@lru_cache(maxsize=16)
def spin_basis(norb: int, nelec: tuple[int, int], spin: int) -> SpinBasis:
    """Return all configuration state functions of one spin, configuration after configuration.

    The functions are those of ``csf_terms``: genealogical coupling in the order of the orbitals.

    Args:
        norb: Number of spatial orbitals.
        nelec: Electrons by spin.
        spin: ``2 S``.

    Raises:
        InputError: If no state of these electrons has the spin.

    References:
        R. Pauncz, Spin Eigenfunctions (Plenum, 1979).

    Example:
        >>> spin_basis(2, (1, 1), 0).functions.shape, spin_basis(2, (1, 1), 2).functions.shape
        ((4, 3), (4, 1))
    """
    sector = Sector(norb, nelec)
    check_spin(sector, spin, what=f"spin_basis(spin={spin})")
    alpha, beta = (
        grid.ravel()
        for grid in np.meshgrid(sector.alpha_strings, sector.beta_strings, indexing="ij")
    )
    single, closed = alpha ^ beta, alpha & beta
    n_open = np.bitwise_count(single)
    pattern = _compressed(alpha, single, norb)
    signs = _ordering_signs(alpha, beta, norb)
    order = np.lexsort((pattern, closed, single, n_open))
    parts, masks, offset = [], [], 0
    for n in np.unique(n_open):
        rows = order[n_open[order] == n]
        coupling = _couplings(int(n), sector.nelec[0] - sector.nelec[1], spin)
        n_patterns, n_functions = coupling.shape
        if not n_functions:
            continue
        dets = rows.reshape(-1, n_patterns)
        columns = offset + np.arange(len(dets) * n_functions).reshape(len(dets), n_functions)
        values = signs[dets][:, :, None] * coupling
        places = np.broadcast_arrays(dets[:, :, None], columns[:, None, :])
        parts.append((values.ravel(), places[0].ravel(), places[1].ravel()))
        masks += [np.repeat(mask[dets[:, 0]], n_functions) for mask in (closed, single)]
        offset += columns.size
    values, rows, columns = (np.concatenate(part) for part in zip(*parts, strict=True))
    functions = sparse.csc_array((values, (rows, columns)), shape=(sector.dimension, offset))
    functions.eliminate_zeros()
    return SpinBasis(
        functions=functions,
        closed=np.concatenate(masks[0::2]),
        open_shells=np.concatenate(masks[1::2]),
    )


def sector_spins(sector: Sector) -> tuple[int, ...]:
    """Return ``2 S`` of every spin that occurs in a sector, ascending."""
    n_alpha, n_beta = sector.nelec
    lowest, n_electrons = abs(n_alpha - n_beta), n_alpha + n_beta
    highest = min(n_electrons, 2 * sector.norb - n_electrons)
    return tuple(range(lowest, highest + 1, 2))


def check_spin(sector: Sector, spin: int, *, what: str) -> None:
    """Raise unless states of a spin ``2 S`` occur in a sector.

    Raises:
        InputError: If none do.
    """
    spins = sector_spins(sector)
    if spin not in spins:
        raise InputError(
            f"{what}: {sum(sector.nelec)} electrons, nelec={sector.nelec}, in {sector.norb} "
            f"orbitals have no state of multiplicity {spin + 1}. Use one of "
            f"{', '.join(str(s + 1) for s in spins)}, or set the molecule's spin."
        )


def _compressed(alpha: IntArray, single: IntArray, norb: int) -> IntArray:
    """Return the alpha bits on the singly occupied orbitals, close together, first one lowest."""
    pattern, rank = np.zeros_like(alpha), np.zeros_like(alpha)
    for p in range(norb):
        here = single >> p & 1
        pattern |= (alpha >> p & here) << rank
        rank += here
    return pattern


def _ordering_signs(alpha: IntArray, beta: IntArray, norb: int) -> FloatArray:
    """Return the sign between orbital after orbital and all alpha before beta, Hartree-Fock's +1.

    An alpha electron moves past the beta electrons of the orbitals before its own.
    """
    odd = np.zeros_like(alpha)
    for p in range(norb):
        odd ^= (alpha >> p & 1) & np.bitwise_count(beta & ((1 << p) - 1))
    signs: FloatArray = 1.0 - 2.0 * (odd ^ odd[0]).astype(np.float64)
    return signs


def _couplings(n_open: int, projection: int, spin: int) -> FloatArray:
    """Return the coefficients of all couplings of open shells, ``(n_patterns, n_functions)``.

    Args:
        n_open: Number of singly occupied orbitals.
        projection: ``2 M_S``.
        spin: ``2 S``.
    """
    patterns = [bits for bits in range(1 << n_open) if 2 * bits.bit_count() - n_open == projection]
    turns = np.array([[1 if b >> k & 1 else -1 for k in range(n_open)] for b in patterns])
    turns = turns.reshape(len(patterns), n_open)
    found = [
        _genealogical(steps, turns)
        for steps in product((1, -1), repeat=n_open)
        if sum(steps) == spin and np.cumsum((0, *steps)).min() >= 0
    ]
    return np.array(found).reshape(len(found), len(patterns)).T


def _genealogical(steps: tuple[int, ...], turns: IntArray) -> FloatArray:
    """Return the coefficients of one coupling, shape ``(n_patterns,)``; Helgaker 2.6."""
    coefficients = np.ones(len(turns))
    spin, projection = 0, np.zeros(len(turns))
    for step, turn in zip(steps, turns.T, strict=True):
        spin, projection = spin + step, projection + turn
        aligned = turn * projection
        if step == 1:
            weight, sign = (spin + aligned) / (2 * spin), 1.0
        else:
            weight, sign = (spin + 2 - aligned) / (2 * (spin + 2)), -turn
        coefficients = coefficients * sign * np.sqrt(np.maximum(weight, 0.0))
    return coefficients
