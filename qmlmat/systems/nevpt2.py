"""NEVPT2: what lies outside of an active space, at second order over its exact state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike
from pyscf import ao2mo, mcscf, mrpt, scf

from qmlmat.errors import InputError, QmlmatError
from qmlmat.systems.classical import ClassicalEnergies, no_finite_energy
from qmlmat.systems.hamiltonian import MolecularHamiltonian
from qmlmat.systems.molecule import Molecule
from qmlmat.systems.observables import SpinSquare, WeightedSum
from qmlmat.systems.orbitals import fix_gauge
from qmlmat.systems.spectrum import lowest_states
from qmlmat.typing import FloatArray

SPIN_PENALTY: Final = 1.0
"""States of higher spin are raised by this times the difference in S^2 (hartree)."""
SPIN_TOLERANCE: Final = 1e-4
"""Largest error of <S^2> in the state under NEVPT2; Davidson leaves about 1e-8."""
ORTHONORMALITY: Final = 1e-6
"""Largest error accepted in the overlaps of orbitals given to NEVPT2."""


def nevpt2_energy(
    molecule: Molecule,
    *,
    core: ArrayLike,
    active: ArrayLike,
    virtual: ArrayLike,
    nelec: tuple[int, int],
    spin: int | None = None,
) -> ClassicalEnergies:
    """Return the strongly contracted NEVPT2 energy over the exact state of an active space.

    It adds to the exact energy of the active space what all other electrons and orbitals
    contribute at second order, the core's included. So it estimates the energy of the whole
    basis set: it is no approximation to the energy of the active space, and lies below it.

    Args:
        molecule: The molecule.
        core: Coefficients of the doubly occupied orbitals, shape ``(n_ao, n_core)``.
        active: Those of the active orbitals, shape ``(n_ao, norb)``.
        virtual: Those of the empty orbitals, shape ``(n_ao, n_virtual)``.
        nelec: Active electrons by spin, ``(n_alpha, n_beta)``.
        spin: Unpaired electrons, 2S, of the state: the lowest of this spin is taken. By
            default ``abs(n_alpha - n_beta)``.

    Returns:
        The total energy under ``"nevpt2"`` (hartree); absent, with a note, where the state did
        not converge or has another spin.

    Raises:
        InputError: If the orbitals do not fit the molecule or its electrons.

    References:
        C. Angeli, R. Cimiraglia, S. Evangelisti, T. Leininger and J.-P. Malrieu, J. Chem. Phys.
        114, 10252 (2001), doi:10.1063/1.1361246.
    """
    mole = molecule.to_pyscf()
    blocks = _checked_orbitals(mole, (core, active, virtual))
    n_core, norb = blocks[0].shape[1], blocks[1].shape[1]
    electrons = sum(nelec)
    unpaired = abs(nelec[0] - nelec[1]) if spin is None else spin
    _check_nevpt2(molecule, n_core, norb, nelec, unpaired)
    # Neither the energy nor its correction depends on S_z: with S_z = S no lower spin intrudes.
    counts = ((electrons + unpaired) // 2, (electrons - unpaired) // 2)
    field = scf.RHF(mole)
    field.verbose = 0
    field.mo_coeff = np.hstack(blocks)
    method = mcscf.CASCI(field, norb, counts, ncore=n_core)
    method.verbose = 0
    try:
        failure = _solve_active(method, unpaired)
    except QmlmatError as error:
        failure = f"its active-space state did not converge: {error}"
    if failure:
        return ClassicalEnergies(energies={}, notes=(f"NEVPT2 left out: {failure}",))
    _fix_outer_orbitals(method, mole)
    perturbation = mrpt.NEVPT(method)
    perturbation.canonicalized = True
    try:
        with np.errstate(all="ignore"):
            energy = float(method.e_tot + perturbation.kernel())
    except NotImplementedError:  # PySCF's answer where nothing is outside of the space
        note = "NEVPT2 left out: PySCF has no code for so few orbitals."
        return ClassicalEnergies(energies={}, notes=(note,))
    if not np.isfinite(energy):
        return ClassicalEnergies(energies={}, notes=(no_finite_energy("nevpt2"),))
    return ClassicalEnergies(energies={"nevpt2": energy})


def _checked_orbitals(mole: Any, blocks: Sequence[ArrayLike]) -> list[FloatArray]:  # noqa: ANN401
    arrays = [np.asarray(block, dtype=np.float64) for block in blocks]
    shapes = [a.shape for a in arrays]
    if any(len(s) != 2 or s[0] != mole.nao for s in shapes) or not shapes[1][-1]:
        raise InputError(
            f"nevpt2_energy: core, active and virtual orbitals have shapes {shapes}. Give "
            f"coefficients of the {mole.nao} atomic orbitals, one column an orbital: shape "
            f"({mole.nao}, n), and at least one active orbital."
        )
    orbitals = np.hstack(arrays)
    overlap = orbitals.T @ mole.intor_symmetric("int1e_ovlp") @ orbitals
    error = float(np.abs(overlap - np.eye(orbitals.shape[1])).max())
    if not error <= ORTHONORMALITY:
        raise InputError(
            f"nevpt2_energy: the orbitals' overlaps are off by {error:.1e}. Use orthonormal "
            "orbitals of this molecule, such as columns of run_mean_field(molecule).mo_coeff."
        )
    return arrays


def _check_nevpt2(
    molecule: Molecule, n_core: int, norb: int, nelec: tuple[int, int], unpaired: int
) -> None:
    call, electrons = f"nevpt2_energy(nelec={nelec})", sum(nelec)
    if not all(0 <= n <= norb for n in nelec):
        raise InputError(f"{call}: each spin fills 0 to {norb} active orbitals. Use such numbers.")
    if 2 * n_core + electrons != molecule.n_electrons:
        raise InputError(
            f"{call}: with {n_core} doubly occupied orbitals this makes {2 * n_core + electrons} "
            f"electrons, and {molecule.formula} has {molecule.n_electrons}. Give the orbitals "
            "and electrons of one selection."
        )
    allowed = range(electrons % 2, min(electrons, 2 * norb - electrons) + 1, 2)
    if unpaired not in allowed:
        raise InputError(
            f"{call}: {electrons} electrons in {norb} orbitals cannot have {unpaired} unpaired "
            f"ones. Use spin={' or '.join(map(str, allowed))}."
        )


def _solve_active(method: Any, unpaired: int) -> str:  # noqa: ANN401 (PySCF's CASCI)
    """Put the lowest state of a spin into a CASCI; return what is wrong with it, or nothing.

    The state comes from ``lowest_states``, whose start vectors hold every symmetry: PySCF's own
    Davidson stays in the symmetry of its guess, and at stretched bonds finds another root.
    """
    one_body, core_energy = method.get_h1eff()
    two_body = ao2mo.restore(1, method.get_h2eff(), method.ncas)
    hamiltonian = MolecularHamiltonian(
        one_body=one_body, two_body=two_body, core_energy=core_energy, nelec=method.nelecas
    )
    spin_square = SpinSquare(method.ncas, method.nelecas)
    goal = unpaired / 2 * (unpaired / 2 + 1)
    penalised = WeightedSum(
        terms=((1.0, hamiltonian), (SPIN_PENALTY, spin_square)), constant=-SPIN_PENALTY * goal
    )
    diagonal = hamiltonian.diagonal() + SPIN_PENALTY * (spin_square.diagonal() - goal)
    state = lowest_states(penalised.matvec, diagonal, 1).states[0]
    method.ci, method.converged = np.array(state), True
    method.e_tot = hamiltonian.expectation(state)
    found = float(np.vdot(state, spin_square.matvec(state)))
    if abs(found - goal) > SPIN_TOLERANCE:
        return f"its active-space state has <S^2> = {found:.3f}, not {goal:.3f}."
    return ""


def _fix_outer_orbitals(method: Any, mole: Any) -> None:  # noqa: ANN401
    """Make core and empty orbitals canonical in the state's field, degenerate sets oriented.

    Strong contraction depends on how degenerate orbitals mix: left to rounding, the energy of
    N2 at 2.0 Å scatters by 0.03 mHa.
    """
    coefficients, _, energies = method.canonicalize(verbose=0)
    n_core, n_filled = method.ncore, method.ncore + method.ncas
    # Each active orbital counts as half filled: the frame then keeps the space's symmetry.
    occupations = np.repeat([2.0, 1.0, 0.0], np.diff([0, n_core, n_filled, len(energies)]))
    fixed, levels, _ = fix_gauge(mole, coefficients, energies, occupations)
    outer = occupations != 1
    method.mo_coeff, method.mo_energy = np.array(coefficients), np.array(energies)
    method.mo_coeff[:, outer], method.mo_energy[outer] = fixed[:, outer], levels[outer]
