"""Overlaps of states that are written in different orbitals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import lu

from qmlmat.errors import InputError
from qmlmat.operators.sector import Sector, moved_strings, occupation_strings
from qmlmat.typing import FloatArray, IntArray, StateArray


def state_overlaps(
    before: Sequence[StateArray],
    states: Sequence[StateArray],
    orbital_overlap: FloatArray,
    nelec: tuple[int, int],
) -> StateArray:
    """Return ``<psi'_i|psi_j>`` of states in two sets of orbitals, as of two geometries.

    The overlap of two determinants is a minor of the orbitals' overlap for each spin. All minors
    at once are a linear map of CI vectors, and one of products: the overlap is factored into
    matrices that replace one orbital each, which takes ``norb**2`` sweeps over the vector and no
    minor. The orbital overlap need not be orthogonal, nor regular.

    Args:
        before: States in the first orbitals, each ``(n_alpha_strings, n_beta_strings)``.
        states: States in the second orbitals, likewise.
        orbital_overlap: ``<p'|q>``, the first orbitals along the rows, ``(norb, norb)``.
        nelec: Electrons by spin, ``(n_alpha, n_beta)``.

    Returns:
        Overlaps, shape ``(len(before), len(states))``.

    Raises:
        InputError: If a state is not of this sector.

    References:
        P. Å. Malmqvist, Int. J. Quantum Chem. 30, 479 (1986), doi:10.1002/qua.560300404.
    """
    overlap = np.asarray(orbital_overlap, dtype=np.float64)
    sector = Sector(overlap.shape[0], nelec)
    for state in (*before, *states):
        if np.shape(state) != sector.shape:
            raise InputError(
                f"state_overlaps(a state of shape {np.shape(state)}): {sector.norb} orbitals with "
                f"nelec={sector.nelec} have states of shape {sector.shape}. Give states of one "
                "sector, and the overlap of its orbitals."
            )
    left = np.stack([np.asarray(state).ravel() for state in before])
    moved = _in_other_orbitals(np.stack([np.asarray(s) for s in states]), overlap, nelec)
    found: StateArray = left.conj() @ moved.reshape(len(states), -1).T
    return found


def _in_other_orbitals(
    states: StateArray, overlap: FloatArray, nelec: tuple[int, int]
) -> StateArray:
    """Return states projected onto the determinants of the first orbitals, ``(n, a, b)``."""
    permutation, lower, upper = lu(overlap)
    for axis, n_electrons in ((1, nelec[0]), (2, nelec[1])):
        vectors = np.ascontiguousarray(np.moveaxis(states, axis, 0))
        strings = occupation_strings(len(overlap), n_electrons)
        for p in range(len(overlap)):
            _replace_orbital(vectors, strings, p, upper[:, p])
        for p in reversed(range(len(overlap))):
            _replace_orbital(vectors, strings, p, lower[:, p])
        states = np.moveaxis(_permuted(vectors, strings, permutation), 0, axis)
    return states


def _replace_orbital(vectors: StateArray, strings: IntArray, p: int, column: FloatArray) -> None:
    """Put ``sum_q column[q] q`` in the place of orbital ``p``, along the first axis."""
    has_p = (strings >> p) & 1 == 1
    for q in np.flatnonzero(column):
        rows = np.flatnonzero(has_p & ((strings >> q) & 1 == 0))
        if q == p or not rows.size:
            continue
        targets, signs = moved_strings(strings[rows], [(p, int(q))])
        signs = (column[q] * signs).reshape(-1, *[1] * (vectors.ndim - 1))
        vectors[np.searchsorted(strings, targets)] += signs * vectors[rows]
    vectors[has_p] *= column[p]


def _permuted(vectors: StateArray, strings: IntArray, permutation: FloatArray) -> StateArray:
    """Return the vectors after orbital ``p`` has become ``q`` where ``permutation[q, p]`` is 1."""
    places = permutation.argmax(axis=0)
    if (places == np.arange(len(places))).all():
        return vectors
    occupied = np.array([[p for p in range(len(places)) if s >> p & 1] for s in strings.tolist()])
    occupied = occupied.reshape(len(strings), -1).astype(np.int64)
    moved = places[occupied]
    signs = np.ones(len(strings))
    for k in range(moved.shape[1]):
        signs *= 1.0 - 2.0 * ((moved[:, :k] > moved[:, k : k + 1]).sum(axis=1) % 2)
    targets = (np.int64(1) << moved).sum(axis=1)
    found = np.empty_like(vectors)
    found[np.searchsorted(strings, targets)] = (
        signs.reshape(-1, *[1] * (vectors.ndim - 1)) * vectors
    )
    return found
