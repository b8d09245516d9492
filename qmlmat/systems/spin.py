"""The operator ``S^2`` on sector states, real or complex."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qmlmat.operators.sector import Sector
from qmlmat.systems.planes import checked_state
from qmlmat.systems.spin_kernels import lower_spin, raise_spin
from qmlmat.typing import FloatArray, IntArray, StateArray

Tables = tuple[NDArray[Any], ...]
"""Of one spin, for all orbitals: places, places in the raised sector, signs, begins."""


@lru_cache(maxsize=32)
def _raising_tables(norb: int, nelec: tuple[int, int]) -> tuple[Tables, Tables]:
    """Return the tables of ``a†_(p alpha)`` and of ``a_(p beta)``; see ``spin_kernels``."""
    sector, raised = Sector(norb, nelec), Sector(norb, (nelec[0] + 1, nelec[1] - 1))
    return (
        _spin_tables(norb, sector.alpha_strings, raised.alpha_strings, occupied=False),
        _spin_tables(norb, sector.beta_strings, raised.beta_strings, occupied=True),
    )


def _spin_tables(norb: int, strings: IntArray, images: IntArray, *, occupied: bool) -> Tables:
    parts: list[list[NDArray[Any]]] = [[], [], []]
    begins = [0]
    for p in range(norb):
        bit = np.int64(1 << p)
        places = np.flatnonzero((strings & bit != 0) == occupied)
        moved = strings[places]
        parts[0].append(places)
        parts[1].append(np.searchsorted(images, moved ^ bit))
        parts[2].append(1.0 - 2.0 * (np.bitwise_count(moved & (bit - 1)) % 2))
        begins.append(begins[-1] + len(places))
    return (*(np.concatenate(part) for part in parts), np.array(begins))


def apply_spin_square(state: StateArray, norb: int, nelec: tuple[int, int]) -> StateArray:
    """Return ``S^2`` applied to a sector state, as ``S_- S_+ + S_z (S_z + 1)``.

    Args:
        state: Sector vector, shape ``(n_alpha_strings, n_beta_strings)``.
        norb: Number of spatial orbitals.
        nelec: Electrons by spin.
    """
    sector = Sector(norb, nelec)
    vector = checked_state("apply_spin_square", state, sector).reshape(sector.shape)
    n_alpha, n_beta = sector.nelec
    half = 0.5 * (n_alpha - n_beta)
    image: StateArray = half * (half + 1) * vector
    if n_alpha < norb and n_beta > 0:
        alpha, beta = _raising_tables(norb, sector.nelec)
        raised = np.zeros(Sector(norb, (n_alpha + 1, n_beta - 1)).shape, dtype=vector.dtype)
        raise_spin(vector, raised, alpha, beta)
        lower_spin(raised, image, alpha, beta)
    return image.reshape(np.shape(state))


def spin_square_diagonal(norb: int, nelec: tuple[int, int]) -> FloatArray:
    """Return <S^2> of every determinant, shape ``(n_alpha_strings, n_beta_strings)``.

    It is ``S_z (S_z + 1)`` plus the number of orbitals that hold a beta electron alone.
    """
    sector = Sector(norb, nelec)
    half = 0.5 * (sector.nelec[0] - sector.nelec[1])
    alone = np.bitwise_count(sector.beta_strings & ~sector.alpha_strings[:, None])
    diagonal: FloatArray = half * (half + 1) + alone.astype(np.float64)
    return diagonal


def spin_square(state: StateArray, norb: int, nelec: tuple[int, int]) -> float:
    """Return the expectation of ``S^2`` in a state, which need not be normalised.

    Example:
        >>> spin_square(np.array([[1.0, 0.0], [0.0, 0.0]]), 2, (1, 1))
        0.0
    """
    vector = np.asarray(state).ravel()
    image = apply_spin_square(vector, norb, nelec)
    return float(np.vdot(vector, image).real / np.vdot(vector, vector).real)
