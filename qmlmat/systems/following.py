"""Orbitals followed from one geometry to the next.

A mean field gives orbitals in the order of their energies, with signs and orientations of its own
choosing. Here the orbitals of one geometry are brought into line with those of another: the same
active space, and within it the same order, signs and orientations, so that the parameters of a
circuit mean the same at both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.spatial.transform import Rotation

from qmlmat._heard import heard
from qmlmat.errors import ActiveSpaceError, QmlmatError
from qmlmat.systems.active_orbitals import ActiveOrbitals, choose_orbitals
from qmlmat.systems.active_space import ActiveSpace
from qmlmat.systems.alignment import laid_onto, turn_onto
from qmlmat.systems.mean_field import MeanField, run_mean_field
from qmlmat.systems.molecule import Molecule
from qmlmat.systems.orbitals import basis_rotation, degenerate_groups, square_root
from qmlmat.typing import FloatArray, IntArray

MATCHED: Final = 0.5**0.5
"""Smallest singular value of the overlap of two active spaces from which they count as the same:
below it, more than half of some active orbital is outside the other space."""

SMOOTH: Final = 0.9
"""Smallest singular value below which a step is halved: orbitals are matched safely over short
distances only."""

MAX_HALVINGS: Final = 4
"""Times a step is halved before orbitals count as changing abruptly."""

FOLLOWED_NOTE: Final = (
    "The active space is followed from the neighbouring point: chosen at this point alone it would "
    "hold other orbitals. Where both matter, take a larger active space that holds all of them."
)
"""What is said where following and choosing differ."""

LINEAR: Final = 1e-6
"""Extent across an axis, as a share of that along it, below which a molecule is linear."""

AXIAL_STEPS: Final = 24
"""Angles about the axis of a linear molecule from which the best is sought."""

ROUND: Final = 1e-6
"""Gain in overlap from which a linear molecule is turned about its axis: all round, it is not."""


@dataclass(frozen=True, kw_only=True)
class Followed:
    """Orbitals brought into line with those of another geometry."""

    orbitals: ActiveOrbitals
    """The orbitals here."""
    overlap: float
    """Smallest singular value of the overlap of the two active spaces, 0 to 1; where they were
    followed over geometries between, the smallest of those steps."""
    notes: tuple[str, ...] = ()
    """What to know, one sentence each."""


def carried_overlap(
    molecule: Molecule, orbitals: FloatArray, before: Molecule, orbitals_before: FloatArray
) -> FloatArray:
    """Return the overlap of orbitals of two geometries, basis functions carried by their atoms.

    ``C'^T S'^(1/2) D^T S^(1/2) C``, with the primed ones of the earlier geometry: orthogonalised
    basis functions count as the same where they sit on the same atom, after ``D`` has turned the
    earlier geometry onto this one. Moving or turning a molecule as a whole changes nothing, and
    stretching a bond by much more than the size of a basis function does not either, which would
    make the plain overlap of functions at two places vanish.

    Args:
        molecule: The molecule here.
        orbitals: Its orbitals, shape ``(n_ao, n)``.
        before: The molecule at the earlier geometry.
        orbitals_before: Its orbitals, shape ``(n_ao, m)``.

    Returns:
        Overlaps, shape ``(m, n)``; those of two complete sets are an orthogonal matrix.
    """
    return _Carrier(molecule, before).overlap(orbitals, orbitals_before)


class _Carrier:
    """Carries orbitals of one geometry to another; see ``carried_overlap``."""

    def __init__(self, molecule: Molecule, before: Molecule) -> None:
        self._there = before.to_pyscf()
        self._turn = turn_onto(molecule.positions, before.positions)
        mole = molecule.to_pyscf()
        self._root, self._root_before = (
            square_root(m.intor_symmetric("int1e_ovlp")) for m in (mole, self._there)
        )
        centred = molecule.positions - molecule.positions.mean(axis=0)
        _, values, axes = np.linalg.svd(centred)
        self._axis = axes[0] if values[1:].max() < LINEAR * values[0] else None

    def overlap(self, orbitals: FloatArray, orbitals_before: FloatArray) -> FloatArray:
        """Return the overlaps of orbitals here with those before, ``(m, n)``."""
        return self._overlap(orbitals, orbitals_before, self._turn)

    def align(self, single: FloatArray, single_before: FloatArray) -> None:
        """Turn a linear molecule about its axis until the singly occupied orbitals overlap most.

        Where one of a pair is singly occupied, nothing in the nuclei says which: Hartree-Fock
        takes any direction about the axis, another one at each geometry.
        """
        if self._axis is None or not single.size:
            return

        def loss(angle: float) -> float:
            return -float((self._overlap(single, single_before, self._about(angle)) ** 2).sum())

        angles = np.linspace(0.0, 2 * np.pi, AXIAL_STEPS, endpoint=False)
        values = np.array([loss(angle) for angle in angles])
        best = angles[int(np.argmin(np.round(values, 9)))]
        step = 2 * np.pi / AXIAL_STEPS
        found = minimize_scalar(
            loss, bounds=(best - step, best + step), method="bounded", options={"xatol": 1e-9}
        )
        if found.fun < values[0] - ROUND:
            self._turn = self._about(float(found.x))

    def _about(self, angle: float) -> FloatArray:
        assert self._axis is not None
        spun: FloatArray = Rotation.from_rotvec(angle * self._axis).as_matrix() @ self._turn
        return spun

    def _overlap(
        self, orbitals: FloatArray, orbitals_before: FloatArray, turn: FloatArray
    ) -> FloatArray:
        left = basis_rotation(self._there, turn) @ (self._root_before @ orbitals_before)
        overlap: FloatArray = left.T @ (self._root @ orbitals)
        return overlap


def active_overlap(
    molecule: Molecule, orbitals: ActiveOrbitals, before: Molecule, parent: ActiveOrbitals
) -> FloatArray:
    """Return the overlap of the active orbitals of two geometries, as they are carried.

    Args:
        molecule: The molecule here.
        orbitals: Its orbitals.
        before: The molecule at the other geometry.
        parent: The orbitals there, as many.

    Returns:
        ``<p'|q>``, the other geometry's along the rows, shape ``(norb, norb)``; not orthogonal,
        as an active space is not all there is.
    """
    if before is molecule:
        metric = molecule.to_pyscf().intor_symmetric("int1e_ovlp")
        plain: FloatArray = parent.active.T @ metric @ orbitals.active
        return plain
    carrier, single = _Carrier(molecule, before), orbitals.classes[1]
    carrier.align(orbitals.active[:, single], parent.active[:, single])
    return carrier.overlap(orbitals.active, parent.active)


def space_overlap(
    molecule: Molecule, orbitals: ActiveOrbitals, before: Molecule, parent: ActiveOrbitals
) -> float:
    """Return the smallest singular value of the overlap of two active spaces, 0 to 1.

    The smallest of the doubly occupied, singly occupied and empty active orbitals, each compared
    with its like. Spaces of different sizes have nothing in common: 0.
    """
    if (orbitals.norb, orbitals.nelec) != (parent.norb, parent.nelec):
        return 0.0
    overlap = active_overlap(molecule, orbitals, before, parent)
    values = [
        np.linalg.svd(overlap[kind, kind], compute_uv=False).min(initial=1.0)
        for kind in orbitals.classes
    ]
    return min(1.0, float(min(values)))


def follow_orbitals(
    mean_field: MeanField,
    active_space: ActiveSpace,
    parent: ActiveOrbitals,
) -> Followed:
    """Return this geometry's orbitals in line with those of another.

    Of the doubly occupied, the singly occupied and the empty orbitals those become active that
    overlap most with the parent's active space: it is followed, not chosen by energy. What counts
    is the whole space, so that it survives where an occupied and an empty orbital of it change
    places. Of a degenerate set the part is taken that overlaps most. They stay this mean field's
    own orbitals: the space, and the exact energy in it, depend on the parent only in what is
    chosen. Within each kind the active orbitals are then turned to be as close as possible to the
    parent's (orthogonal Procrustes problem), which fixes their order, their signs and the
    orientation of degenerate ones.

    Where the two spaces overlap less than ``SMOOTH``, the orbitals are followed over a geometry
    half-way, with a mean field of its own, and so on, if they overlap more that way: a long step
    gives what short ones do.

    Args:
        mean_field: The mean field here.
        active_space: What orbitals there are to choose from, and what the choice would be without
            a parent: a note says where it differs.
        parent: The orbitals of the other geometry, of the same molecule in the same basis.

    References:
        P. H. Schönemann, Psychometrika 31, 1 (1966), doi:10.1007/BF02289451.
    """
    molecule = mean_field.molecule
    found = _follow(mean_field, active_space, parent, MAX_HALVINGS)
    notes = _unmatched(found.overlap)
    alone = _chosen_alone(mean_field, active_space)
    if alone and space_overlap(molecule, found.orbitals, molecule, alone) > MATCHED:
        notes = (*alone.notes, *notes)
    else:
        notes = (FOLLOWED_NOTE, *notes)
    return replace(found, notes=notes)


def _chosen_alone(mean_field: MeanField, active_space: ActiveSpace) -> ActiveOrbitals | None:
    """Return what would be chosen without a parent; ``None`` where nothing could be."""
    try:
        with heard():  # notes say it
            return choose_orbitals(mean_field, active_space)
    except ActiveSpaceError:
        return None


def _follow(
    mean_field: MeanField, active_space: ActiveSpace, parent: ActiveOrbitals, halvings: int
) -> Followed:
    """Return the orbitals here in line with the parent's, over geometries between where needed."""
    found = _matched(mean_field, active_space, parent)
    if found.overlap > SMOOTH or halvings == 0:
        return found
    molecule = mean_field.molecule
    start = laid_onto(molecule.positions, parent.positions)
    try:
        with heard():  # not a point of the path
            between = run_mean_field(molecule.with_positions((start + molecule.positions) / 2))
    except QmlmatError:  # atoms too close, or no mean field
        return found
    first = _follow(between, active_space, parent, halvings - 1)
    second = _follow(mean_field, active_space, first.orbitals, halvings - 1)
    smallest = min(first.overlap, second.overlap)
    # a mean field between may be of another kind than both ends
    return replace(second, overlap=smallest) if smallest > found.overlap else found


def _matched(mean_field: MeanField, active_space: ActiveSpace, parent: ActiveOrbitals) -> Followed:
    """Return the orbitals here in line with the parent's, in one step."""
    molecule = mean_field.molecule
    before = molecule.with_positions(parent.positions)
    candidates = active_space.candidates(mean_field)
    order = np.lexsort((candidates.mo_energy, -candidates.mo_occ))
    levels, occupations = candidates.mo_energy[order], candidates.mo_occ[order]
    coefficients = candidates.mo_coeff[:, order]
    carrier = _Carrier(molecule, before)
    carrier.align(coefficients[:, occupations == 1], parent.active[:, parent.classes[1]])
    overlap = carrier.overlap(coefficients, parent.active)
    groups = degenerate_groups(levels, occupations)
    active, left_out, smallest = [], coefficients[:, :0], 1.0
    for kind, occupation in zip(parent.classes, (2, 1, 0), strict=True):
        same = np.flatnonzero(occupations == occupation)
        chosen, others = _most_alike(overlap, same, groups, kind.stop - kind.start)
        turn, values = _procrustes(overlap[kind] @ chosen)
        active.append(coefficients @ (chosen @ turn))
        smallest = min(smallest, values.min(initial=1.0))
        if occupation == 2:
            left_out = coefficients @ others
    found = ActiveOrbitals(
        positions=molecule.positions,
        inactive=left_out,
        active=np.hstack(active),
        nelec=parent.nelec,
    )
    return Followed(orbitals=found, overlap=float(smallest))


def _unmatched(overlap: float) -> tuple[str, ...]:
    if overlap > MATCHED:
        return ()
    return (
        "The active orbitals could not be matched to the neighbouring point's (smallest singular "
        f"value of their overlap {overlap:.3f}, needed {MATCHED:.3f}), and the solver started "
        "afresh: take smaller steps, or another active space.",
    )


def changed_space(overlap: float) -> tuple[str, ...]:
    """Return a note where a space that was chosen point by point is not the neighbour's."""
    if overlap > MATCHED:
        return ()
    return (
        "The active space has changed its character: it holds other orbitals than at the "
        f"neighbouring point (smallest singular value of their overlap {overlap:.3f}), the solver "
        'started afresh, and the curve may jump. Use orbitals="tracked", or a larger active space.',
    )


def _most_alike(
    overlap: FloatArray, same: IntArray, groups: tuple[tuple[int, ...], ...], n: int
) -> tuple[FloatArray, FloatArray]:
    """Return which orbitals overlap most with the parent's space, and the others of their kind.

    Args:
        overlap: Overlaps with all of the parent's active orbitals, ``(norb, n_mo)``.
        same: Indices of the orbitals to choose from.
        groups: Sets of degenerate orbitals.
        n: How many are chosen.

    Returns:
        Two matrices of orthonormal columns, ``(n_mo, n)`` and ``(n_mo, rest)``.
    """
    turn = np.eye(overlap.shape[1])
    for group in groups:
        if len(group) > 1 and n and group[0] in same:
            part = overlap[:, list(group)]
            _, vectors = np.linalg.eigh(part.T @ part)
            turn[np.ix_(group, group)] = vectors[:, ::-1]
    weights = ((overlap @ turn) ** 2).sum(axis=0)[same]
    order = np.argsort(-weights, kind="stable")
    chosen, others = same[np.sort(order[:n])], same[np.sort(order[n:])]
    return turn[:, chosen], turn[:, others]


def _procrustes(overlap: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the rotation ``R`` that brings ``overlap @ R`` closest to one, and singular values."""
    left, values, right = np.linalg.svd(overlap)
    return right.T @ left.T, values
