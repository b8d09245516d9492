"""Harmonic vibrations of a molecule in Hartree-Fock."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pyscf import scf
from pyscf.hessian import thermo

from qmlmat.errors import InputError, MeanFieldError, QmlmatWarning
from qmlmat.systems.mean_field import (
    ENERGY_TOLERANCE,
    GRADIENT_TOLERANCE,
    PARALLEL_ORBITALS,
    run_mean_field,
)
from qmlmat.systems.molecule import Molecule
from qmlmat.systems.threads import threads_for
from qmlmat.typing import FloatArray
from qmlmat.units import BOHR_IN_ANGSTROM

LARGE_GRADIENT: Final = 0.01
"""Norm of the gradient from which a geometry is said to be off the minimum (hartree/Å)."""

STEP: Final = 5e-3
"""Displacement of the numerical Hessian of an open shell (bohr): error about its square."""


@dataclass(frozen=True, kw_only=True)
class NormalModes:
    """The vibrations of a molecule, in ascending order of frequency.

    Translations and rotations are left out: ``3 n_atoms - 6`` modes, 5 for a linear molecule.
    """

    frequencies: FloatArray
    """Harmonic wavenumbers, shape ``(n_modes,)`` (1/cm); imaginary ones are negative."""
    modes: FloatArray
    """Cartesian displacements of unit length, shape ``(n_modes, n_atoms, 3)``; the component
    largest in size is positive."""
    reduced_masses: FloatArray
    """Reduced masses of the unit displacements, shape ``(n_modes,)`` (dalton)."""
    gradient_norm: float
    """Norm of the Hartree-Fock gradient at the geometry (hartree/Å): 0 at a stationary point."""
    notes: tuple[str, ...] = ()
    """What the reader should know, one sentence each."""


def normal_modes(molecule: Molecule) -> NormalModes:
    """Return the harmonic vibrations of restricted Hartree-Fock at the molecule's own geometry.

    The Hessian is analytic for ``spin=0``; for an open shell (ROHF) it is the numerical derivative
    of analytic gradients. Masses are averages over natural isotopes. The geometry is not
    optimised: away from the Hartree-Fock minimum, where the gradient is not 0, a warning and a
    note say so. Degenerate modes are any basis of their space.

    Args:
        molecule: The molecule, with at least two atoms.

    Raises:
        InputError: If the molecule is a single atom.
        MeanFieldError: If the self-consistent field does not converge.

    References:
        E. B. Wilson, J. C. Decius and P. C. Cross, "Molecular Vibrations", McGraw-Hill (1955).

    Example:
        >>> hydrogen = Molecule.from_xyz("H 0 0 0; H 0 0 0.712")
        >>> normal_modes(hydrogen).modes.shape
        (1, 2, 3)
    """
    if molecule.n_atoms < 2:
        raise InputError(
            f"normal_modes({molecule.formula}): a single atom does not vibrate. Give a molecule "
            "of at least two atoms."
        )
    mean_field = run_mean_field(molecule)
    mole = molecule.to_pyscf()
    with threads_for(mole.nao, worth_it=PARALLEL_ORBITALS):
        field = _field(mole)
        field.mo_coeff, field.mo_occ = mean_field.mo_coeff, mean_field.mo_occ
        field.mo_energy, field.e_tot = mean_field.mo_energy, mean_field.energy
        field.converged = True
        gradient = field.nuc_grad_method().kernel()
        hessian = _numerical_hessian(field) if molecule.spin else field.Hessian().kernel()
    found = thermo.harmonic_analysis(mole, hessian, imaginary_freq=False)
    norm = float(np.linalg.norm(gradient)) / BOHR_IN_ANGSTROM
    notes = list(mean_field.notes)
    if norm > LARGE_GRADIENT:
        notes.append(
            f"normal_modes: the Hartree-Fock gradient is {norm:.3f} hartree/Å here, so this is no "
            "minimum of Hartree-Fock and the frequencies are approximate; optimise the geometry "
            "where that matters."
        )
        warnings.warn(notes[-1], QmlmatWarning, stacklevel=2)
    order = np.argsort(found["freq_wavenumber"], kind="stable")
    return NormalModes(
        frequencies=np.array(found["freq_wavenumber"], dtype=np.float64)[order],
        modes=np.array([_unit(mode) for mode in found["norm_mode"][order]]),
        reduced_masses=np.array(found["reduced_mass"], dtype=np.float64)[order],
        gradient_norm=norm,
        notes=tuple(notes),
    )


def _unit(mode: FloatArray) -> FloatArray:
    """Return a mode of length 1 whose largest component is positive; of equal ones the first."""
    sizes = np.round(np.abs(mode) / np.abs(mode).max(), 6)
    sign = np.sign(mode.reshape(-1)[int(np.argmax(sizes))])
    unit: FloatArray = sign * mode / np.linalg.norm(mode)
    return unit


def _field(mole: Any) -> Any:  # noqa: ANN401 (PySCF is untyped)
    field = scf.ROHF(mole) if mole.spin else scf.RHF(mole)
    field.verbose, field.chkfile = 0, None
    field.conv_tol, field.conv_tol_grad = ENERGY_TOLERANCE, GRADIENT_TOLERANCE
    return field


def _numerical_hessian(field: Any) -> FloatArray:  # noqa: ANN401
    """Return central differences of gradients, ``(n_atoms, n_atoms, 3, 3)`` (hartree/bohr²)."""
    mole, density = field.mol, field.make_rdm1()
    start = mole.atom_coords()
    rows = np.empty((start.size, start.size))
    for row, shift in zip(rows, np.eye(start.size).reshape(-1, *start.shape), strict=True):
        ahead = _gradient(mole, start + STEP * shift, density)
        behind = _gradient(mole, start - STEP * shift, density)
        row[:] = ((ahead - behind) / (2 * STEP)).reshape(-1)
    even = (rows + rows.T) / 2
    hessian: FloatArray = even.reshape(*start.shape, *start.shape).transpose(0, 2, 1, 3)
    return hessian


def _gradient(mole: Any, positions: FloatArray, density: FloatArray) -> FloatArray:  # noqa: ANN401
    """Return the gradient at other positions (bohr), of the state that continues ``density``."""
    field = _field(mole.set_geom_(positions, unit="Bohr", inplace=False))
    field.kernel(dm0=density)
    if not field.converged:
        raise MeanFieldError(
            "normal_modes: Hartree-Fock did not converge at a geometry a small step from the "
            "molecule's own. Check the geometry, charge and spin, or use another spin."
        )
    gradient: FloatArray = field.nuc_grad_method().kernel()
    return gradient
