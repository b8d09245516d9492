"""From scan to spectroscopic constants, against PySCF's CASCI minimised and differentiated."""

import numpy as np
import pytest
from pyscf import gto, mcscf, scf
from scipy.optimize import minimize_scalar

import qmlmat as qm
from qmlmat.systems.elements import isotope_mass
from qmlmat.units import ELECTRON_MASS_IN_U, HARTREE_IN_WAVENUMBER

BOHR = 0.529177210903
STENCIL = np.array([2, -27, 270, -490, 270, -27, 2]) / 180  # second derivative, sixth order


def casci(symbols, space, length):
    """PySCF's energy, with its own Hartree-Fock orbitals in their own order."""
    mole = gto.M(
        atom=[(symbols[0], (0, 0, 0)), (symbols[1], (0, 0, length))], basis="cc-pvdz", verbose=0
    )
    field = scf.RHF(mole).set(conv_tol=1e-12, conv_tol_grad=1e-9)
    field.kernel()
    method = mcscf.CASCI(field, space[1], space[0])
    method.fix_spin_(ss=0)
    method.fcisolver.conv_tol = 1e-13
    return method.kernel()[0]


def reference(symbols, space, near, far):
    """Bond length (Å), harmonic wavenumber (cm-1) and depth (hartree) of PySCF's curve."""
    found = minimize_scalar(
        lambda r: casci(symbols, space, r),
        bracket=(near - 0.05, near, near + 0.05),
        options={"xtol": 1e-7},
    )
    step = 0.02
    energies = [casci(symbols, space, found.x + k * step) for k in range(-3, 4)]
    curvature = STENCIL @ energies / (step / BOHR) ** 2
    masses = [isotope_mass(s) / ELECTRON_MASS_IN_U for s in symbols]
    reduced = masses[0] * masses[1] / sum(masses)
    wavenumber = np.sqrt(curvature / reduced) * HARTREE_IN_WAVENUMBER
    return found.x, wavenumber, casci(symbols, space, far) - found.fun


@pytest.mark.parametrize(
    ("symbols", "space", "near", "far", "solver"),
    [
        (("H", "H"), (2, 2), 0.75, 8.0, qm.VQE("uccsd", gradient_tolerance=1e-9)),
        (("Li", "H"), (4, 6), 1.62, 5.0, qm.Exact()),
        (("Li", "H"), (2, 5), 1.62, 5.0, qm.VQE("uccsd", gradient_tolerance=1e-9)),
    ],
    ids=["H2 (2e,2o)", "LiH (4e,6o)", "LiH (2e,5o)"],
)
@pytest.mark.filterwarnings("ignore::qmlmat.errors.QmlmatWarning")  # Hartree-Fock far apart
def test_a_scan_has_the_constants_of_pyscfs_casci(symbols, space, near, far, solver):
    """r_e to 1e-4 Å, omega_e to 1 cm-1, D_e to 1e-6 hartree, from a scan in steps of 0.1 Å."""
    molecule = qm.Molecule(symbols, [[0, 0, 0], [0, 0, near]], basis="cc-pvdz")
    lengths = [*np.round(np.arange(near - 0.4, near + 0.61, 0.1), 2), far]
    surface = qm.SolverSurface(molecule, qm.ActiveSpace(*space), solver)
    scan = qm.scan(surface, qm.stretch(molecule, (0, 1), lengths))
    # Two electrons: uccsd is exact, but far apart the exact ground state may be a triplet.
    assert np.nanmax(np.abs(scan.errors[:-1])) < 1e-9
    constants = qm.spectroscopic_constants(
        scan.path.along(), scan.energies[:, 0], atoms=symbols, asymptote=scan.energies[-1, 0]
    )
    r_e, omega_e, depth = reference(symbols, space, near, far)
    assert constants.r_e == pytest.approx(r_e, abs=1e-4)
    assert constants.omega_e == pytest.approx(omega_e, abs=1.0)
    assert constants.D_e == pytest.approx(depth, abs=1e-6)
    print(
        f"{symbols}: r_e {constants.r_e - r_e:+.1e} Å, omega_e {constants.omega_e - omega_e:+.1e} "
        f"cm-1, D_e {constants.D_e - depth:+.1e} hartree"
    )
