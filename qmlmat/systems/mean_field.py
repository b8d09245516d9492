"""Hartree-Fock with a rescue, its orbitals in a fixed gauge."""

from __future__ import annotations

import ast
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import lru_cache
from typing import Any, Final

import numpy as np
from pyscf import gto, scf
from scipy.linalg import block_diag

from qmlmat.errors import BasisError, MeanFieldError, QmlmatWarning
from qmlmat.systems.molecule import Molecule
from qmlmat.systems.orbitals import fix_gauge
from qmlmat.systems.pose import Pose, canonical_pose
from qmlmat.systems.stability import breaks_symmetry, downhill
from qmlmat.systems.threads import threads_for
from qmlmat.typing import FloatArray

logger = logging.getLogger(__name__)

ENERGY_TOLERANCE: Final = 1e-11
"""Change of the energy at convergence (hartree); its error is the square of the gradient's."""
GRADIENT_TOLERANCE: Final = 1e-8
"""Norm of the orbital gradient at convergence: keeps integrals invariant to about 1e-7."""
MAX_CYCLES: Final = 100
"""Iterations of DIIS, and again of the second-order solver, before giving up."""
MAX_STABILITY_ROUNDS: Final = 4
"""Times an unstable solution is left along its lowest mode."""
NEWTON_ENERGY_TOLERANCE: Final = 1e-10
"""Change of the energy at which Newton steps hand over to DIIS (hartree)."""
NEWTON_GRADIENT_TOLERANCE: Final = 1e-6
"""Norm of the orbital gradient at which Newton steps hand over to DIIS."""
SAME_MINIMUM: Final = 1e-7
"""Energies closer than this belong to the same solution (hartree)."""
DEGENERATE_FRONTIER: Final = 1e-4
"""Orbitals of unlike occupation closer than this are filled by chance (hartree)."""
LAST_MINAO: Final = 96
"""Last element whose orbitals PySCF has for a start."""
UNEVEN: Final = ((0.0, 0.0, 2.7), (1.9, 0.0, 1.3), (1.1, 2.3, -0.7))
"""Positions (x', y', z') in the pose of the charges that make a start uneven (bohr)."""
UNEVEN_CHARGE: Final = 0.1
"""Size of those charges (elementary charges): splits a degenerate level by about 10 mHa."""
PARALLEL_ORBITALS: Final = 100
"""Number of basis functions from which Hartree-Fock uses several threads."""


@dataclass(frozen=True, kw_only=True)
class MeanField:
    """A converged restricted Hartree-Fock solution, orbitals in the fixed gauge."""

    molecule: Molecule
    """The molecule."""
    energy: float
    """Total energy with nuclear repulsion (hartree)."""
    mo_coeff: FloatArray
    """Orbital coefficients, shape ``(n_ao, n_mo)``: doubly, singly, unoccupied, by energy."""
    mo_energy: FloatArray
    """Orbital energies, shape ``(n_mo,)`` (hartree); of orbitals that are not canonical, what
    they are ordered by."""
    mo_occ: FloatArray
    """Occupations 2, 1 or 0, shape ``(n_mo,)``."""
    notes: tuple[str, ...] = ()
    """What the rescue did, one sentence each; empty when nothing was needed."""


def run_mean_field(molecule: Molecule) -> MeanField:
    """Return the restricted Hartree-Fock solution: RHF for ``spin=0``, else ROHF.

    DIIS first; where it fails, a second-order solver. A solution that is no minimum is left
    along its lowest mode and optimised again. Each rescue logs, warns and leaves a note.
    All of it happens in a pose that the nuclei fix, so that neither the axes nor the order of
    the atoms decide which solution is found.

    Args:
        molecule: The molecule.

    Raises:
        BasisError: If the basis is too small for the electrons.
        MeanFieldError: If the rescue fails too.

    Example:
        >>> from qmlmat.systems import Molecule
        >>> round(run_mean_field(Molecule.from_xyz("H 0 0 0; H 0 0 0.7414")).energy, 8)
        -1.11668439
    """
    mole = molecule.to_pyscf()
    n_alpha = (molecule.n_electrons + molecule.spin) // 2
    if n_alpha > mole.nao:
        raise BasisError(
            f"run_mean_field: {n_alpha} alpha electrons do not fit the {mole.nao} orbitals of "
            f'basis "{molecule.basis}". Use a larger basis, or a smaller spin or charge.'
        )
    pose = canonical_pose(molecule)
    with threads_for(mole.nao, worth_it=PARALLEL_ORBITALS):
        found = _solve(pose)
        for note in found.notes:
            logger.info(note)
        for note in found.warnings:
            warnings.warn(note, QmlmatWarning, stacklevel=2)
        if not found.field.converged:
            raise MeanFieldError(
                f"run_mean_field: Hartree-Fock of {molecule.formula} (charge={molecule.charge}, "
                f"spin={molecule.spin}) did not converge in {MAX_CYCLES} DIIS and {MAX_CYCLES} "
                "second-order iterations. Check the geometry, charge and spin; or use another "
                "spin, a smaller basis, or a point of the path nearer to equilibrium."
            )
        coefficients, energies, occupations = fix_gauge(
            mole,
            pose.back(found.field.mo_coeff, mole),
            found.field.mo_energy,
            found.field.mo_occ,
        )
        here = _new_field(mole)
        energy = float(here.energy_tot(dm=here.make_rdm1(coefficients, occupations)))
    return MeanField(
        molecule=molecule,
        energy=energy,
        mo_coeff=coefficients,
        mo_energy=energies,
        mo_occ=occupations,
        notes=tuple(found.notes),
    )


@dataclass
class _Attempt:
    """A mean field on its way, and what to say of it."""

    field: Any
    """The PySCF mean field."""
    notes: list[str] = dataclass_field(default_factory=list)
    """All that happened, one sentence each."""
    warnings: list[str] = dataclass_field(default_factory=list)
    """Those of ``notes`` that the user must hear."""
    degenerate: bool = False
    """Whether the first or last iteration filled one of several degenerate orbitals."""

    def warn(self, message: str) -> None:
        """Note what the user must hear."""
        self.notes.append(message)
        self.warnings.append(message)


def _new_field(mole: Any) -> Any:  # noqa: ANN401 (PySCF is untyped)
    return scf.ROHF(mole) if mole.spin else scf.RHF(mole)


def _atoms_density(mole: Any) -> FloatArray | None:  # noqa: ANN401
    """Return the density of the atoms side by side, what PySCF starts from, atom by atom.

    It depends on elements and basis only, and reading the atoms' orbitals takes longer than the
    iterations of a small molecule: each is made once.
    """
    symbols = [mole.atom_pure_symbol(i) for i in range(mole.natm)]
    if max(gto.charge(symbol) for symbol in symbols) > LAST_MINAO:
        return None
    kinds = {s: (repr(mole._basis[s]), repr(mole._ecp.get(s))) for s in set(symbols)}
    density: FloatArray = block_diag(*(_atom_density(s, *kinds[s]) for s in symbols))
    return density


@lru_cache(maxsize=128)
def _atom_density(symbol: str, basis: str, ecp: str) -> FloatArray:
    functions, potential = ast.literal_eval(basis), ast.literal_eval(ecp)
    atom = gto.Mole()
    atom.atom, atom.basis, atom.spin, atom.verbose = symbol, {symbol: functions}, None, 0
    if potential is not None:
        atom.ecp = {symbol: potential}
    atom.build(dump_input=False, parse_arg=False)
    return np.array(scf.hf.init_guess_by_minao(atom))


def _solve(pose: Pose) -> _Attempt:
    """Return the solution found in the pose.

    Where degenerate frontier orbitals made the first one less symmetric than the nuclei, which
    of them were filled is chance: starts that fill others are tried, and the lowest is kept.
    """
    first = _Attempt(_new_field(pose.mole))
    _converge(first, _atoms_density(pose.mole))
    by_chance = first.degenerate and len(pose.frame.axes) > 1
    _make_stable(first, by_chance=by_chance)
    if not by_chance or pose.keeps_symmetry(_density(first.field)):
        return first
    best = first
    for density in _uneven_densities(pose.mole):
        other = _Attempt(_new_field(pose.mole))
        _converge(other, density)
        if best.field.converged and best.field.e_tot - other.field.e_tot < SAME_MINIMUM:
            continue  # No better than one already made stable.
        _make_stable(other, by_chance=True)
        gain = best.field.e_tot - other.field.e_tot
        if other.field.converged and (gain > SAME_MINIMUM or not best.field.converged):
            best = other
    if best is not first:
        best.notes.append(
            "Hartree-Fock has degenerate frontier orbitals and several solutions of lower "
            "symmetry than the nuclei; the lowest of those found is kept."
        )
    return best


def _gap(energies: FloatArray, occupations: FloatArray) -> float:
    """Return the smallest difference of energies between orbitals of unlike occupation."""
    apart = np.abs(np.subtract.outer(energies, energies))
    unlike = np.not_equal.outer(occupations, occupations)
    return float(apart[unlike].min(initial=np.inf))


def _density(field: Any) -> FloatArray:  # noqa: ANN401 (a PySCF mean field)
    density: FloatArray = (field.mo_coeff * field.mo_occ) @ field.mo_coeff.T
    return density


def _uneven_densities(mole: Any) -> Iterator[Any]:  # noqa: ANN401 (a PySCF Mole)
    """Yield densities of the guess's orbitals in the field of a small charge off the axes."""
    field = _new_field(mole)
    guess, core, overlap = field.get_init_guess(), field.get_hcore(), field.get_ovlp()
    potential = field.get_veff(mole, guess)
    for place in UNEVEN:
        with mole.with_rinv_origin(place):
            charge = -UNEVEN_CHARGE * mole.intor("int1e_rinv")
        fock = field.get_fock(core + charge, overlap, potential, guess)
        energies, orbitals = field.eig(fock, overlap)
        yield field.make_rdm1(orbitals, field.get_occ(energies, orbitals))


_RESULTS: Final = ("mo_coeff", "mo_energy", "mo_occ", "e_tot", "converged")
"""What a PySCF mean field found."""


def _prepare(field: Any) -> None:  # noqa: ANN401 (a PySCF mean field)
    field.verbose = 0
    field.chkfile = None
    field.conv_tol, field.conv_tol_grad = ENERGY_TOLERANCE, GRADIENT_TOLERANCE
    field.max_cycle = MAX_CYCLES


def _converge(attempt: _Attempt, density: Any) -> None:  # noqa: ANN401
    field = attempt.field
    _prepare(field)
    first: list[float] = []

    def watch(state: dict[str, Any]) -> None:
        if not first:
            first.append(_gap(state["mo_energy"], state["mo_occ"]))

    field.callback = watch
    field.kernel(dm0=density)
    field.callback = None
    last = _gap(field.mo_energy, field.mo_occ)
    attempt.degenerate = min([*first, last]) < DEGENERATE_FRONTIER
    if not field.converged:
        attempt.warn(
            f"Hartree-Fock did not converge in {MAX_CYCLES} DIIS iterations; "
            "the second-order solver took over."
        )
        attempt.field = _second_order(field, field.mo_coeff)


def _second_order(field: Any, orbitals: Any) -> Any:  # noqa: ANN401
    """Return ``field`` optimised from ``orbitals`` by Newton steps, then sharpened by DIIS.

    Newton steps find the minimum but stall before ``GRADIENT_TOLERANCE``; DIIS started there
    does not. Its result counts only if it stayed in the same minimum.
    """
    solver = field.newton()
    _prepare(solver)
    solver.conv_tol, solver.conv_tol_grad = NEWTON_ENERGY_TOLERANCE, NEWTON_GRADIENT_TOLERANCE
    solver.kernel(orbitals, field.mo_occ)
    field.kernel(dm0=solver.make_rdm1())
    stayed = field.converged and abs(field.e_tot - solver.e_tot) < SAME_MINIMUM
    if not stayed:
        for name in _RESULTS:
            setattr(field, name, getattr(solver, name))
    return field


def _make_stable(attempt: _Attempt, *, by_chance: bool) -> None:
    """Leave saddle points; one that came ``by_chance`` of degenerate orbitals is no news."""
    field = attempt.field
    for _ in range(MAX_STABILITY_ROUNDS):
        if not field.converged:
            return
        mode = downhill(attempt.field, attempt.notes)
        if mode is None:
            return
        if breaks_symmetry(field, mode.orbitals):
            attempt.notes.append(
                "Hartree-Fock has a lower solution of lower symmetry than the nuclei"
                f"{mode.steepness}; the symmetric one is kept, so that curves stay smooth."
            )
            return
        gain = _descend(field, mode.orbitals)
        if gain < SAME_MINIMUM:
            # A flat mode, such as the free rotation of a density that broke an axial symmetry.
            return
        say = attempt.notes.append if by_chance else attempt.warn
        say(
            "Hartree-Fock had converged to a saddle point; following its lowest mode lowered "
            f"the energy by {gain:.3e} hartree."
        )
    if field.converged and downhill(attempt.field, attempt.notes) is not None:
        attempt.warn(
            f"Hartree-Fock is still a saddle point after {MAX_STABILITY_ROUNDS} rounds; "
            "treat the orbitals with care."
        )


def _descend(field: Any, rotated: FloatArray) -> float:  # noqa: ANN401
    """Follow a mode and its opposite to the lower end; return the energy gained (hartree).

    The sign of a mode is arbitrary, and the two ends are different solutions where the mode
    keeps the symmetry. Where nothing is gained the field stays as it was.
    """
    start = best = {name: getattr(field, name) for name in _RESULTS}
    turn = field.mo_coeff.T @ field.get_ovlp() @ rotated
    for orbitals in (rotated, start["mo_coeff"] @ turn.T):
        field.mo_occ = start["mo_occ"]
        _second_order(field, orbitals)
        if best["e_tot"] - field.e_tot > SAME_MINIMUM:
            best = {name: getattr(field, name) for name in _RESULTS}
        if best is start:
            break  # A flat mode: the other end is no lower either.
    for name, value in best.items():
        setattr(field, name, value)
    return float(start["e_tot"] - best["e_tot"])
