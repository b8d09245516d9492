"""Classical methods that stand beside a curve: MP2, CCSD and CCSD(T), and NEVPT2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike
from pyscf import ao2mo, mcscf, mp, mrpt, scf

from qmlmat.errors import InputError, QmlmatError, nearest
from qmlmat.systems.amplitudes import CCSD_CYCLES, solve_ccsd
from qmlmat.systems.hamiltonian import MolecularHamiltonian, SpinSquare, WeightedSum
from qmlmat.systems.molecule import Molecule
from qmlmat.systems.orbitals import fix_gauge
from qmlmat.systems.reference import reference_field
from qmlmat.systems.spectrum import lowest_states
from qmlmat.typing import FloatArray

CLASSICAL: Final = ("mp2", "ccsd", "ccsd(t)", "nevpt2")
"""Names of the classical methods."""
WITHIN_SPACE: Final = ("mp2", "ccsd", "ccsd(t)")
"""Those that correlate the active electrons only: they approximate the exact energy."""
BELOW_EXACT: Final = 1e-4
"""A method further below the exact energy of its space than this is reported (hartree)."""
LARGEST_D2: Final = 0.18
"""D2 above which one determinant is a poor start (Nielsen and Janssen, 1999)."""
SPIN_PENALTY: Final = 1.0
"""States of higher spin are raised by this times the difference in S^2 (hartree)."""
SPIN_TOLERANCE: Final = 1e-4
"""Largest error of <S^2> in the state under NEVPT2; Davidson leaves about 1e-8."""
ORTHONORMALITY: Final = 1e-6
"""Largest error accepted in the overlaps of orbitals given to NEVPT2."""


@dataclass(frozen=True, kw_only=True)
class ClassicalEnergies:
    """Energies of classical methods, and what to know about them."""

    energies: Mapping[str, float]
    """Total energy of each method by its name (hartree); one that failed is absent."""
    notes: tuple[str, ...] = ()
    """Failures and energies not to be trusted, one sentence each."""


def classical_energies(
    hamiltonian: MolecularHamiltonian,
    methods: Sequence[str] = WITHIN_SPACE,
    *,
    exact: float | None = None,
) -> ClassicalEnergies:
    """Return the energies of MP2, CCSD and CCSD(T) within an active space.

    They correlate the electrons that the Hamiltonian holds and no others, so each approximates
    the exact energy of the same space. Open shells start from the restricted determinant with
    orbitals of each spin that make its Fock matrix diagonal among occupied and among empty
    ones: nothing depends on how the Hamiltonian's orbitals mix within those blocks. MP2
    includes singles, which vanish for closed-shell Hartree-Fock orbitals.

    Args:
        hamiltonian: The active-space Hamiltonian; its reference fills the lowest orbitals.
        methods: Any of ``"mp2"``, ``"ccsd"``, ``"ccsd(t)"``.
        exact: The exact energy of the space (hartree), where known: methods below it by more
            than ``BELOW_EXACT`` are reported.

    Raises:
        InputError: If a method is not known.

    References:
        C. Møller and M. S. Plesset, Phys. Rev. 46, 618 (1934), doi:10.1103/PhysRev.46.618;
        G. D. Purvis and R. J. Bartlett, J. Chem. Phys. 76, 1910 (1982), doi:10.1063/1.443164;
        K. Raghavachari, G. W. Trucks, J. A. Pople and M. Head-Gordon, Chem. Phys. Lett. 157,
        479 (1989), doi:10.1016/S0009-2614(89)87395-6; J. D. Watts, J. Gauss and R. J. Bartlett,
        J. Chem. Phys. 98, 8718 (1993), doi:10.1063/1.464480 (open shells); I. M. B. Nielsen and
        C. L. Janssen, Chem. Phys. Lett. 310, 568 (1999), doi:10.1016/S0009-2614(99)00770-8 (D2).

    Example:
        >>> from qmlmat.systems import Molecule, molecular_hamiltonian
        >>> h2 = molecular_hamiltonian(Molecule.from_xyz("H 0 0 0; H 0 0 0.7414"))
        >>> round(classical_energies(h2, ["ccsd"]).energies["ccsd"], 6)  # exact for H2
        -1.13727
    """
    wanted = tuple(dict.fromkeys([methods] if isinstance(methods, str) else methods))
    for name in wanted:
        _check_method(name)
    start = hamiltonian.mean_field_energy
    movable = _movable(hamiltonian)
    if movable is None:
        return ClassicalEnergies(energies=dict.fromkeys(wanted, start))
    field = reference_field(movable, semicanonical=True)
    found: dict[str, float] = {}
    notes: list[str] = []
    if "mp2" in wanted:
        found["mp2"] = start + _mp2_correlation(field)
    if {"ccsd", "ccsd(t)"} & set(wanted):
        found |= _coupled_cluster(field, movable, triples="ccsd(t)" in wanted, notes=notes)
    kept = {name: found[name] for name in wanted if np.isfinite(found.get(name, np.nan))}
    notes += [_overflow(name) for name in found if not np.isfinite(found[name])]
    if exact is not None:
        notes += [
            f"{name.upper()} is {1e3 * (exact - energy):.1f} mHa below the exact energy: it is "
            "not variational, and here it has broken down."
            for name, energy in kept.items()
            if exact - energy > BELOW_EXACT
        ]
    return ClassicalEnergies(energies=kept, notes=tuple(notes))


def _check_method(name: str) -> None:
    if name in WITHIN_SPACE:
        return
    call = f'classical_energies(methods="{name}")'
    if name == "nevpt2":
        raise InputError(
            f"{call}: NEVPT2 correlates electrons outside of the active space, which a "
            "Hamiltonian does not hold. Use nevpt2_energy(molecule, ...)."
        )
    raise InputError(f"{call}: not known. {nearest(str(name).lower(), WITHIN_SPACE)}")


def _movable(hamiltonian: MolecularHamiltonian) -> MolecularHamiltonian | None:
    """Return an equal Hamiltonian of the electrons that can be excited, ``None`` without any.

    Electrons of a spin that fills all orbitals act on the others by their Coulomb field alone;
    what then remains counts as alpha. PySCF's triples need it so.
    """
    norb = hamiltonian.norb
    spins = sorted(hamiltonian.nelec, reverse=True)
    one_body, core_energy = hamiltonian.one_body, hamiltonian.core_energy
    if spins[0] == norb:
        direct = np.einsum("pqrr->pq", hamiltonian.two_body)
        exchange = np.einsum("pqqp->", hamiltonian.two_body)
        core_energy += float(np.trace(one_body) + 0.5 * (np.trace(direct) - exchange))
        one_body, spins = one_body + direct, [spins[1], 0]
    if spins[0] in {0, norb}:
        return None
    return MolecularHamiltonian(
        one_body=one_body,
        two_body=hamiltonian.two_body,
        core_energy=core_energy,
        nelec=(spins[0], spins[1]),
    )


def _overflow(name: str) -> str:
    return (
        f"{name.upper()} has no finite energy: occupied and empty orbitals have the same energy "
        "or nearly so."
    )


def _mp2_correlation(field: Any) -> float:  # noqa: ANN401 (a PySCF mean field)
    """Return the second-order energy of doubles and singles (hartree), finite or not."""
    method = mp.MP2(field)
    method.verbose = 0
    with np.errstate(all="ignore"):  # A vanishing gap shows in the energy.
        method.kernel(with_t2=False)
        return float(method.e_corr) + _singles(field)


def _singles(field: Any) -> float:  # noqa: ANN401
    focks = np.asarray(field.get_fock())
    closed = focks.ndim == 2
    spins = [np.asarray(a) for a in (field.mo_coeff, field.mo_occ, field.mo_energy)]
    if closed:
        focks, spins = focks[None], [a[None] for a in spins]
    energy = 0.0
    for fock, orbitals, occupied, levels in zip(focks, *spins, strict=True):
        n = int(np.count_nonzero(occupied))
        coupling = orbitals[:, :n].T @ fock @ orbitals[:, n:]
        energy += float(np.sum(coupling**2 / np.subtract.outer(levels[:n], levels[n:])))
    return 2 * energy if closed else energy


def _coupled_cluster(
    field: Any,  # noqa: ANN401
    hamiltonian: MolecularHamiltonian,
    *,
    triples: bool,
    notes: list[str],
) -> dict[str, float]:
    method = solve_ccsd(field)
    if method is None:
        both = " and CCSD(T)" if triples else ""
        notes.append(f"CCSD{both} left out: CCSD did not converge in {CCSD_CYCLES} iterations.")
        return {}
    d2 = _d2(method.t2 if isinstance(method.t2, np.ndarray) else method.t2[1])
    if d2 > LARGEST_D2:
        notes.append(
            f"CCSD has large doubles (D2 = {d2:.2f}, above {LARGEST_D2}): more than one "
            "determinant matters, and CCSD and CCSD(T) are unreliable."
        )
    energy = hamiltonian.mean_field_energy + float(method.e_corr)
    found = {"ccsd": energy}
    if triples:
        found["ccsd(t)"] = energy + _triples(method, hamiltonian)
    return found


def _d2(doubles: FloatArray) -> float:
    """Return the largest 2-norm of the opposite-spin doubles, one index against the others."""
    return max(
        (
            float(np.linalg.norm(np.moveaxis(doubles, axis, 0).reshape(size, -1), 2))
            for axis, size in enumerate(doubles.shape)
            if doubles.size
        ),
        default=0.0,
    )


def _triples(method: Any, hamiltonian: MolecularHamiltonian) -> float:  # noqa: ANN401
    electrons = sum(hamiltonian.nelec)
    if min(electrons, 2 * hamiltonian.norb - electrons) < 3:
        return 0.0  # No three electrons, or no three holes.
    with np.errstate(all="ignore"):
        return float(method.ccsd_t())


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
    with np.errstate(all="ignore"):
        energy = float(method.e_tot + perturbation.kernel())
    if not np.isfinite(energy):
        return ClassicalEnergies(energies={}, notes=(_overflow("nevpt2"),))
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
