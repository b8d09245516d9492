"""Orbitals in a fixed gauge: one order, one sign, one orientation of degenerate sets.

Canonical orbitals leave three things open: the order of equal energies, every sign, and the
orientation of degenerate sets, which a solver settles by rounding errors. Energies of
product-form circuits depend on the last: turning the pi_u pair of N2 moves ``uccsd`` by
0.03 to 0.10 mHa at 2.0 Å. Here all three are tied to axes that turn with the molecule.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise, product
from typing import Any, Final

import numpy as np
from pyscf import gto
from pyscf.symm.sph import real_sph_vec
from scipy.linalg import block_diag

from qmlmat.systems.frame import Frame, Moments, molecular_frame
from qmlmat.typing import FloatArray

DEGENERATE: Final = 1e-5
"""Orbital energies closer than this count as equal (hartree)."""
PROBES: Final = (
    (0.0, 0.0, 2.7),
    (1.9, 0.0, 1.3),
    (2.3, 0.0, -0.4),
    (0.9, 0.0, 3.1),
)
"""Positions (x', y', z') of the fictitious charges that orient degenerate sets (bohr). The first
keeps every mirror plane through the z' axis, the others keep the x'z' plane."""
SPLITTINGS: Final = (3e-3, 1e-5)
"""Differences of the probe's potential that separate two orbitals (hartree): the first is far
above numerical noise; where no probe reaches it, the second is tried."""
ATOM_PROBE: Final = (1.7, 0.0, 1.1)
"""Offset (x', y', z') from an atom of the charges tried after ``PROBES``, atom by atom, for
sets far from the centre (bohr)."""
SIGN_OFFSETS: Final = ((0.43, 0.31, 0.57), (-0.61, 0.37, 0.29))
"""Offsets (x', y', z') from each atom of the Gaussians whose overlap with an orbital is made
positive: off all mirror planes (bohr)."""
SIGN_EXPONENT: Final = 0.3
"""Exponent of those Gaussians (1/bohr²)."""
SIGN_OVERLAP: Final = 0.03
"""Overlap from which a Gaussian decides a sign; else the next, finally the largest decides."""


def degenerate_groups(
    mo_energy: FloatArray, mo_occ: FloatArray, tolerance: float = DEGENERATE
) -> tuple[tuple[int, ...], ...]:
    """Return the sets of orbitals of equal energy and occupation, in orbital order.

    Args:
        mo_energy: Orbital energies, ascending within each occupation, shape ``(n_mo,)``
            (hartree).
        mo_occ: Occupations, shape ``(n_mo,)``.
        tolerance: Neighbouring energies closer than this are equal (hartree).

    Example:
        >>> degenerate_groups(np.array([-1.0, -0.5, -0.5, 0.5]), np.array([2.0, 2, 2, 0]))
        ((0,), (1, 2), (3,))
    """
    groups: list[list[int]] = []
    for p in range(len(mo_energy)):
        if p and mo_occ[p] == mo_occ[p - 1] and abs(mo_energy[p] - mo_energy[p - 1]) < tolerance:
            groups[-1].append(p)
        else:
            groups.append([p])
    return tuple(tuple(group) for group in groups)


def basis_rotation(mol: Any, turn: FloatArray) -> FloatArray:  # noqa: ANN401 (a PySCF Mole)
    """Return what a rotation or reflection does to orbitals, shape ``(n_ao, n_ao)``.

    Orbitals ``c`` of nuclei at ``r`` become ``basis_rotation(mol, turn) @ c`` of the nuclei at
    ``turn @ r``, numbered as before. PySCF's ``ao_rotation_matrix`` refuses reflections.

    Args:
        mol: The built ``pyscf.gto.Mole``, of spherical functions.
        turn: An orthogonal matrix, shape ``(3, 3)``.
    """
    shells = [mol.bas_angular(shell) for shell in range(mol.nbas)]
    points = np.random.default_rng(0).normal(size=(4 * max(shells) + 8, 3))
    points /= np.linalg.norm(points, axis=1)[:, None]
    before = real_sph_vec(points, max(shells), reorder_p=True)
    after = real_sph_vec(points @ turn.T, max(shells), reorder_p=True)
    # Y(turn r) = D Y(r) at more points than there are harmonics of one momentum.
    turns = [image @ np.linalg.pinv(y) for y, image in zip(before, after, strict=True)]
    blocks = [
        turns[momentum] for shell, momentum in enumerate(shells) for _ in range(mol.bas_nctr(shell))
    ]
    rotation: FloatArray = block_diag(*blocks)
    return rotation


def square_root(matrix: FloatArray) -> FloatArray:
    """Return the symmetric square root of a symmetric matrix, positive like an overlap."""
    values, vectors = np.linalg.eigh(matrix)
    root: FloatArray = (vectors * np.sqrt(values)) @ vectors.T
    return root


def fix_gauge(
    mol: Any,  # noqa: ANN401 (a PySCF Mole)
    mo_coeff: FloatArray,
    mo_energy: FloatArray,
    mo_occ: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the same orbitals in fixed order, orientation and sign.

    Orbitals are ordered by occupation (2, 1, 0), then energy. Each degenerate set diagonalises
    the potential of point charges at fixed places in the molecule's own frame, which lie in its
    x'z' plane and so keep that mirror symmetry; its members are ordered by that potential, the
    most attracted first. Signs make the overlap with a Gaussian off all planes positive.

    Args:
        mol: The built ``pyscf.gto.Mole``.
        mo_coeff: Canonical orbitals, shape ``(n_ao, n_mo)``.
        mo_energy: Their energies, shape ``(n_mo,)`` (hartree).
        mo_occ: Their occupations 2, 1 or 0, shape ``(n_mo,)``.

    Returns:
        Coefficients, energies and occupations, read-only, shapes as given.
    """
    order = np.lexsort((np.asarray(mo_energy), -np.asarray(mo_occ)))
    coefficients = np.array(np.asarray(mo_coeff)[:, order], dtype=np.float64)
    energies = np.array(np.asarray(mo_energy)[order], dtype=np.float64)
    occupations = np.array(np.asarray(mo_occ)[order], dtype=np.float64)
    frame = _frame(mol, coefficients, occupations)
    places = frame.place(np.concatenate([PROBES, frame.atoms + ATOM_PROBE]))

    @cache
    def potential(k: int) -> FloatArray:
        with mol.with_rinv_origin(places[k]):
            return -np.asarray(mol.intor("int1e_rinv"))

    for group in degenerate_groups(energies, occupations):
        if len(group) > 1:
            block = slice(group[0], group[-1] + 1)
            before = coefficients[:, block]
            turn = _orientation(before, potential, len(places))
            coefficients[:, block] = before @ turn
            energies[block] = energies[block] @ turn**2
    coefficients *= _signs(mol, frame, coefficients)
    for array in (coefficients, energies, occupations):
        array.flags.writeable = False
    return coefficients, energies, occupations


def _frame(mol: Any, coefficients: FloatArray, occupations: FloatArray) -> Frame:  # noqa: ANN401
    density = (coefficients * occupations) @ coefficients.T
    first = np.einsum("xij,ij->x", mol.intor("int1e_r"), density)
    second = np.einsum("xij,ij->x", mol.intor("int1e_rr"), density).reshape(3, 3)
    moments = Moments(n_electrons=float(occupations.sum()), first=first, second=second)
    charges = np.array([gto.charge(mol.atom_pure_symbol(i)) for i in range(mol.natm)])
    return molecular_frame(charges.astype(np.float64), mol.atom_coords(), moments)


def _orientation(
    orbitals: FloatArray, potential: Callable[[int], FloatArray], n_probes: int
) -> FloatArray:
    """Return the rotation ``(n, n)`` of a degenerate set that the probes ask for."""
    size = orbitals.shape[1]
    turn, blocks = np.eye(size), [(0, size)]
    for splitting, k in product(SPLITTINGS, range(n_probes)):
        parts: list[tuple[int, int]] = []
        for start, stop in blocks:
            if stop - start == 1:
                parts.append((start, stop))
                continue
            inside = orbitals @ turn[:, start:stop]
            values, vectors = np.linalg.eigh(inside.T @ potential(k) @ inside)
            cuts = (np.flatnonzero(np.diff(values) > splitting) + 1).tolist()
            if cuts:
                turn[:, start:stop] = turn[:, start:stop] @ vectors
            parts += [(start + a, start + b) for a, b in pairwise([0, *cuts, len(values)])]
        blocks = parts
        if len(blocks) == size:
            break
    return turn


def _signs(mol: Any, frame: Frame, coefficients: FloatArray) -> FloatArray:  # noqa: ANN401
    """Return the sign, +1 or -1, that each orbital takes, shape ``(n_mo,)``."""
    centres = frame.place(np.concatenate([frame.atoms + offset for offset in SIGN_OFFSETS]))
    gaussians = gto.fakemol_for_charges(centres, SIGN_EXPONENT)
    # fakemol_for_charges makes the integral of the Gaussian one; its norm suits overlaps.
    norm = (SIGN_EXPONENT / np.pi) ** 1.5 * (np.pi / (2 * SIGN_EXPONENT)) ** 0.75
    crossing = gto.intor_cross("int1e_ovlp", gaussians, mol) / norm
    overlaps = crossing @ coefficients
    decisive = np.abs(overlaps) > SIGN_OVERLAP
    decider = np.where(
        decisive.any(axis=0), decisive.argmax(axis=0), np.abs(overlaps).argmax(axis=0)
    )
    chosen = overlaps[decider, np.arange(coefficients.shape[1])]
    return np.where(chosen < 0, -1.0, 1.0)
