"""The irreps of a molecule's orbitals, by name, and what they make of its states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from qmlmat.operators.sector import Sector, moved_strings
from qmlmat.systems.molecule import Molecule
from qmlmat.typing import FloatArray, IntArray, StateArray

IMPURE: Final = 1e-3
"""Weight outside one irrep from which an orbital, or a state, counts as without symmetry."""

LINEAR: Final = {"Coov": "C2v", "Dooh": "D2h"}
"""The Abelian subgroup in which states of a linear molecule are computed."""

ATOM: Final = "SO3"
"""What PySCF calls the rotations of a single atom."""

ODD: Final = frozenset({"B1", "B2", "B2g", "B3g", "B2u", "B3u"})
"""Irreps of the Abelian subgroups that hold odd angular momenta about the axis."""

LAMBDA_NAMES: Final = ("Sigma", "Pi", "Delta", "Phi", "Gamma")
"""Names of linear molecules' irreps by angular momentum about the axis."""

AXIAL_IMPURITY: Final = 0.1
"""Weight of other Lambda up to which a state has one; circuits mix states by their error."""

ROUND: Final = 1e-10
"""Matrix elements up to this are zero (float64)."""

ANISOTROPY: Final = 1e-3
"""Difference of an orbital's extents across a linear molecule that shows where it points
(bohr squared)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PointGroup:
    """The irreps of the active orbitals in an Abelian point group."""

    name: str
    """The molecule's point group, e.g. ``"C2v"``, or ``"Dooh"`` for a linear one."""
    names: tuple[str, ...]
    """Irreps of the Abelian (sub)group; the product of two is the XOR of their places."""
    orbitals: IntArray
    """Irrep of each active orbital, as places in ``names``, shape ``(norb,)``."""
    angular: FloatArray | None = None
    """Of a linear molecule ``i L_z`` in the active orbitals, antisymmetric, ``(norb, norb)``."""

    @property
    def irreps(self) -> tuple[str, ...]:
        """Names of the orbitals' irreps in the Abelian group, ``(norb,)``."""
        return tuple(self.names[k] for k in self.orbitals)

    def state_irrep(self, label: int, state: StateArray, nelec: tuple[int, int]) -> str:
        """Return the name of a state's irrep; of a linear molecule that of the full group.

        Args:
            label: Its place in the Abelian group.
            state: The state, shape ``(n_alpha_strings, n_beta_strings)``.
            nelec: Electrons by spin.
        """
        name = self.names[label]
        if self.angular is None:
            return name
        # The Abelian irrep says even or odd; other values than the best weigh at most `impure`.
        odd = name in ODD
        image = axial_square(state, self.angular, nelec)
        impure = {
            whole: float(np.linalg.norm(image - whole**2 * state) ** 2) / (64.0 if odd else 16.0)
            for whole in range(int(odd), len(LAMBDA_NAMES), 2)
        }
        whole = min(impure, key=impure.__getitem__)
        if impure[whole] > AXIAL_IMPURITY:
            return ""
        parity = name[-1] if name[-1] in "gu" else ""
        # The reflection in a plane through the axis: A1, Ag and B1u keep their sign.
        sign = ("+" if name in ("A1", "Ag", "B1u") else "-") if whole == 0 else ""
        under = f"_{parity}" if parity else ""
        return f"{LAMBDA_NAMES[whole]}{under}{sign}"


def axial_square(state: StateArray, angular: FloatArray, nelec: tuple[int, int]) -> StateArray:
    """Return ``L_z^2`` about a linear molecule's axis applied to a state, in its shape.

    Args:
        state: The state, shape ``(n_alpha_strings, n_beta_strings)``.
        angular: ``i L_z`` in the orbitals, antisymmetric, shape ``(norb, norb)``.
        nelec: Electrons by spin.
    """
    sector = Sector(len(angular), nelec)
    alpha, beta = (
        _one_body(strings, angular) for strings in (sector.alpha_strings, sector.beta_strings)
    )
    image: StateArray = np.asarray(state)
    for _ in range(2):
        image = alpha @ image + image @ beta.T
    return -image


def axial_momentum(state: StateArray, angular: FloatArray, nelec: tuple[int, int]) -> float:
    """Return ``sqrt(<L_z^2>)`` of a normalised state about a linear molecule's axis."""
    square = float(np.vdot(state, axial_square(state, angular, nelec)).real)
    return float(np.sqrt(max(square, 0.0)))


def _one_body(strings: IntArray, matrix: FloatArray) -> FloatArray:
    """Return ``sum m_pq a†_p a_q`` between the strings of one spin; no diagonal."""
    found = np.zeros((len(strings), len(strings)))
    for p, q in zip(*np.nonzero(np.abs(matrix) > ROUND), strict=True):
        can = np.flatnonzero((strings >> q & 1 == 1) & (strings >> p & 1 == 0))
        moved, signs = moved_strings(strings[can], [(int(q), int(p))])
        found[np.searchsorted(strings, moved), can] += matrix[p, q] * signs
    return found


def orbital_irreps(molecule: Molecule, active: FloatArray) -> PointGroup | None:
    """Return the irreps of active orbitals; ``None`` if the molecule or they have no symmetry.

    Orbitals of a degenerate set must point along the axes and planes of the Abelian subgroup:
    those of a linear molecule always do, with axes taken from them.

    Args:
        molecule: The molecule.
        active: Orbitals, shape ``(n_ao, norb)``.
    """
    from pyscf import symm  # noqa: PLC0415

    mole = molecule.to_pyscf()
    group, origin, axes = symm.detect_symm(mole._atom, mole._basis)
    if group == "C1":
        return None
    subgroup = LINEAR.get(group)
    if group == ATOM:
        subgroup, axes = "D2h", np.eye(3)
    elif subgroup:
        axes = _turned(mole, active, np.asarray(origin), np.asarray(axes))
    else:
        subgroup, axes = symm.as_subgroup(group, axes)
    bases, ids = symm.symm_adapted_basis(mole, subgroup, origin, axes)
    metric = mole.intor_symmetric("int1e_ovlp")
    weights = []
    for basis in bases:
        inner = np.linalg.solve(basis.T @ metric @ basis, basis.T @ metric @ active)
        weights.append(np.einsum("ip,ip->p", basis.T @ metric @ active, inner))
    found = np.argmax(weights, axis=0)
    if np.max(weights, axis=0).min(initial=1.0) < 1 - IMPURE:
        return None
    n_irreps = len(symm.param.IRREP_ID_TABLE[subgroup])
    return PointGroup(
        name=group,
        names=tuple(symm.irrep_id2name(subgroup, k) for k in range(n_irreps)),
        orbitals=np.array([ids[k] for k in found], dtype=np.int64),
        angular=_axial(mole, active, axes[2]) if group in LINEAR else None,
    )


def _turned(mole: Any, active: FloatArray, origin: FloatArray, axes: FloatArray) -> FloatArray:  # noqa: ANN401 (a PySCF Mole)
    """Return axes turned about the last one until the orbitals point along the first two."""
    with mole.with_common_orig(origin):
        moments = mole.intor("int1e_rr").reshape(3, 3, mole.nao, mole.nao)
    moments = np.einsum("ia,jb,abmn->ijmn", axes[:2], axes[:2], moments)
    for orbital in active.T:
        (xx, xy), (_, yy) = np.einsum("ijmn,m,n->ij", moments, orbital, orbital)
        if np.hypot(xx - yy, 2 * xy) > ANISOTROPY:
            angle = 0.5 * np.arctan2(2 * xy, xx - yy)
            cosine, sine = np.cos(angle), np.sin(angle)
            turn = np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])
            turned: FloatArray = turn @ axes
            return turned
    return axes


def _axial(mole: Any, active: FloatArray, axis: FloatArray) -> FloatArray:  # noqa: ANN401 (a PySCF Mole)
    """Return ``<p| (r x nabla) . axis |q>``, antisymmetric, shape ``(norb, norb)``."""
    with mole.with_common_orig(mole.atom_coords().mean(axis=0)):
        moments = np.einsum("a,amn->mn", axis, mole.intor("int1e_cg_irxp", comp=3))
    angular: FloatArray = active.T @ moments @ active
    return 0.5 * (angular - angular.T)


def determinant_labels(sector: Sector, orbitals: IntArray) -> IntArray:
    """Return the XOR of the labels of the orbitals each determinant occupies, in its shape."""

    def of(strings: IntArray) -> IntArray:
        labels = np.zeros_like(strings)
        for p, label in enumerate(orbitals):
            labels ^= np.where(strings >> p & 1, label, 0)
        return labels

    found: IntArray = of(sector.alpha_strings)[:, None] ^ of(sector.beta_strings)
    return found
