"""One pose for each molecule: Hartree-Fock must not see how its atoms were turned or numbered.

Where frontier orbitals are degenerate, rounding errors choose which of them an iteration fills,
and solutions of different energy follow (square H4: 76 mHa). In a pose built from the nuclei
alone the iteration gets the same numbers whatever the user's axes and atom order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from qmlmat._heard import heard
from qmlmat.systems.elements import atomic_number
from qmlmat.systems.frame import NuclearFrame, nuclear_frame
from qmlmat.systems.molecule import Molecule
from qmlmat.systems.orbitals import basis_rotation, square_root
from qmlmat.typing import FloatArray, IntArray
from qmlmat.units import BOHR_IN_ANGSTROM

STEP: Final = 1.618033989e-10
"""Positions in the pose are multiples of this (Å): far above rounding errors, and irrational, so
that no typed decimal falls on the edge between two of them."""
INVARIANT: Final = 1e-3
"""Change of a density matrix element under a symmetry of the nuclei that breaks it."""


@dataclass(frozen=True, kw_only=True)
class Pose:
    """A molecule in axes and atom order fixed by its nuclei."""

    frame: NuclearFrame
    """The axes and the order, in the user's coordinates."""
    mole: Any
    """The built ``pyscf.gto.Mole`` in the pose."""

    def back(self, coefficients: FloatArray, mole: Any) -> FloatArray:  # noqa: ANN401
        """Return orbitals found in the pose for the user's axes and atom order.

        Args:
            coefficients: Orthonormal orbitals in the pose, shape ``(n_ao, n_mo)``.
            mole: The ``pyscf.gto.Mole`` as the user placed it.

        Returns:
            Orthonormal orbitals, shape ``(n_ao, n_mo)``; positions rounded to ``STEP`` are
            made up for by the smallest change that restores orthonormality.
        """
        turn = basis_rotation(self.mole, self.frame.axes[0].T)
        slots = np.argsort(self.frame.orders[0])
        turned = (turn @ coefficients)[_functions(self.mole, slots)]
        overlap = turned.T @ mole.intor_symmetric("int1e_ovlp") @ turned
        restored: FloatArray = turned @ np.linalg.inv(square_root(overlap))
        return restored

    def keeps_symmetry(self, density: FloatArray) -> bool:
        """Tell whether a density ``(n_ao, n_ao)`` in the pose has all symmetries of the nuclei.

        Of linear molecules and atoms only the symmetries that a choice of axes shows count.
        """
        slots = np.argsort(self.frame.orders[0])
        for axes, order in zip(self.frame.axes[1:], self.frame.orders[1:], strict=True):
            turn = basis_rotation(self.mole, axes @ self.frame.axes[0].T)
            rows = _functions(self.mole, slots[order])
            image = (turn @ density @ turn.T)[np.ix_(rows, rows)]
            if np.abs(image - density).max() > INVARIANT:
                return False
        return True


def canonical_pose(molecule: Molecule) -> Pose:
    """Return the molecule in the pose that its nuclei fix."""
    charges = np.array([atomic_number(symbol) for symbol in molecule.symbols], dtype=np.float64)
    frame = nuclear_frame(charges, molecule.positions / BOHR_IN_ANGSTROM)
    # Adding zero turns -0.0 into 0.0.
    positions = np.rint(frame.atoms * BOHR_IN_ANGSTROM / STEP) * STEP + 0.0
    symbols = tuple(molecule.symbols[i] for i in frame.orders[0])
    with heard():  # What there is to say of the molecule was said when it was made.
        posed = replace(molecule, symbols=symbols, positions=positions)
    return Pose(frame=frame, mole=posed.to_pyscf())


def _functions(mole: Any, atoms: IntArray) -> IntArray:  # noqa: ANN401 (a PySCF Mole)
    """Return the basis functions of the atoms, in the order of the atoms."""
    slices = mole.aoslice_by_atom()[:, 2:]
    functions: IntArray = np.concatenate([np.arange(*slices[atom]) for atom in atoms])
    return functions
