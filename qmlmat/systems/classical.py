"""Classical methods that stand beside a curve: MP2, CCSD and CCSD(T) of an active space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pyscf import mp

from qmlmat.errors import InputError, nearest
from qmlmat.systems.amplitudes import CCSD_CYCLES, solve_ccsd
from qmlmat.systems.hamiltonian import MolecularHamiltonian
from qmlmat.systems.reference import reference_field
from qmlmat.typing import FloatArray

CLASSICAL: Final = ("mp2", "ccsd", "ccsd(t)", "nevpt2")
"""Names of the classical methods."""
WITHIN_SPACE: Final = ("mp2", "ccsd", "ccsd(t)")
"""Those that correlate the active electrons only: they approximate the exact energy."""
BELOW_EXACT: Final = 1e-4
"""A method further below the exact energy of its space than this is reported (hartree)."""
LARGEST_D2: Final = 0.18
"""D2 above which one determinant is a poor start (Nielsen and Janssen, 1999)."""


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
    notes += [no_finite_energy(name) for name in found if not np.isfinite(found[name])]
    if exact is not None:
        notes += [
            f"{name.upper()} is {1e3 * (exact - energy):.1f} mHa below the exact energy: it is "
            "not variational, and not to be trusted here."
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


def no_finite_energy(name: str) -> str:
    """Return the note on a method whose energy overflowed."""
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
    if d2 > LARGEST_D2 and _has_triples(hamiltonian):  # else CCSD is exact
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


def _has_triples(hamiltonian: MolecularHamiltonian) -> bool:
    """Tell whether there are three electrons and three holes."""
    electrons = sum(hamiltonian.nelec)
    return min(electrons, 2 * hamiltonian.norb - electrons) >= 3


def _triples(method: Any, hamiltonian: MolecularHamiltonian) -> float:  # noqa: ANN401
    if not _has_triples(hamiltonian):
        return 0.0
    with np.errstate(all="ignore"):
        return float(method.ccsd_t())
