"""Absorption spectra: from the states of a solution to lines with energies and strengths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from qmlmat.errors import InputError
from qmlmat.properties.broadening import BroadenedSpectrum, LineShape, broadened
from qmlmat.properties.states import StateProperties, state_properties
from qmlmat.solvers import Solution
from qmlmat.systems import ActiveOrbitals, ActiveSpace, Molecule
from qmlmat.typing import FloatArray
from qmlmat.units import EV_NANOMETRE, HARTREE_IN_EV

MULTIPLETS: Final = {
    **{1: "singlet", 2: "doublet", 3: "triplet", 4: "quartet"},
    **{5: "quintet", 6: "sextet", 7: "septet"},
}
"""What states of a multiplicity are called."""

SUPERSCRIPTS: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
"""Digits as they stand before a term symbol."""

MIXED_SPIN: Final = "mixed spin"
"""What a state is called whose <S^2> is of no multiplicity."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Transition:
    """One line: from the initial level to another, all degenerate states together."""

    states: tuple[int, ...]
    """Numbers of the final states in the solution, counted from 0."""
    energy: float
    """Excitation energy, mean of the level's (eV); negative downwards."""
    oscillator_strength: float
    """Oscillator strength: mean over the initial states, sum over the final ones."""
    dipole_strengths: FloatArray
    """Squares of the transition dipole's components x, y and z, averaged and added likewise, shape
    ``(3,)`` ((e a0)^2); what light polarised along each axis sees."""
    multiplicity: int | None = None
    """``2s + 1`` of the final states; ``None`` where they mix spins, or where unknown."""
    irrep: str = ""
    """Irrep of the final states, e.g. ``"B1"``, of two ``"E1x, E1y"``; empty where unknown."""
    configurations: str = ""
    """The configurations that weigh most, of the level's first state; empty where unknown."""
    error: float | None = None
    """Excitation energy above the exact one of the active space (eV); ``None``: no reference."""
    spin_allowed: bool | None = None
    """Whether initial and final states have the same multiplicity; ``None`` where unknown."""

    @property
    def wavelength(self) -> float:
        """Wavelength of the light (nm); infinite between degenerate levels."""
        return EV_NANOMETRE / abs(self.energy) if self.energy else float("inf")

    @property
    def label(self) -> str:
        """Term, e.g. ``"¹B1"``; ``"triplet"`` where the irrep is not known."""
        spin = self.multiplicity
        if spin is not None and self.irrep:
            return f"{spin}".translate(SUPERSCRIPTS) + self.irrep
        word = MIXED_SPIN if spin is None else MULTIPLETS.get(spin, f"multiplicity {spin}")
        return f"{word} {self.irrep}".strip()


@dataclass(frozen=True, kw_only=True, eq=False)
class AbsorptionSpectrum:
    """The lines of a molecule in one of its states, ascending in energy."""

    transitions: tuple[Transition, ...]
    """The lines; those that spin or symmetry forbid have strength 0."""
    initial: tuple[int, ...]
    """Numbers of the initial states in the solution: one, or a degenerate level."""
    properties: StateProperties
    """The states' properties."""
    notes: tuple[str, ...] = ()
    """What the reader should know, one sentence each."""

    def __repr__(self) -> str:
        """Return the lines in short; ``spectrum_table`` shows them."""
        lines = ", ".join(
            f"{one.label} {one.energy:.3f} eV f={one.oscillator_strength:.4f}"
            for one in self.transitions
        )
        return f"AbsorptionSpectrum({self.properties.molecule.formula}: {lines})"

    @property
    def energies(self) -> FloatArray:
        """Excitation energies, shape ``(n_transitions,)`` (eV)."""
        return np.array([one.energy for one in self.transitions])

    @property
    def oscillator_strengths(self) -> FloatArray:
        """Oscillator strengths, shape ``(n_transitions,)``."""
        return np.array([one.oscillator_strength for one in self.transitions])

    def broadened(
        self,
        *,
        width: float = 0.3,
        shape: LineShape = "gaussian",
        at: ArrayLike | None = None,
    ) -> BroadenedSpectrum:
        """Return the absorption curve: every upward line spread, and all added.

        Args:
            width: Full width at half maximum (eV); a choice, not a result.
            shape: ``"gaussian"`` or ``"lorentzian"``.
            at: Photon energies of the curve (eV); by default around all lines.

        Raises:
            InputError: If no line goes upwards, or width, shape or energies cannot be.
        """
        up = self.energies > 0
        strengths = self.oscillator_strengths
        return broadened(self.energies[up], strengths[up], width=width, shape=shape, at=at)


def absorption_spectrum(
    molecule: Molecule,
    active_space: ActiveSpace | ActiveOrbitals | None,
    solution: Solution,
    *,
    initial: int = 0,
) -> AbsorptionSpectrum:
    """Return excitation energies and oscillator strengths between the states of a solution.

    ``f = 2/3 omega |mu|^2`` in atomic units, in the dipole length form, at fixed nuclei: no
    vibrations, no widths. Degenerate states are one line; ask for so many states that the highest
    level is whole.

    Args:
        molecule: The molecule at its geometry.
        active_space: What ``molecular_hamiltonian`` was given: the active space, ``None`` for every
            orbital, or the orbitals themselves.
        solution: At least two states, of any solver.
        initial: Number of the state that absorbs, counted from 0; with its degenerate level.

    Raises:
        InputError: If the solution has one state only, or no such state, or is not of this molecule
            and active space; see ``state_properties``.

    Example:
        >>> import qmlmat as qm
        >>> molecule = qm.Molecule.from_xyz("Li 0 0 0; H 0 0 1.5949")
        >>> space = qm.ActiveSpace(freeze_core=True)
        >>> hamiltonian = qm.molecular_hamiltonian(molecule, space)
        >>> solution = qm.solve(hamiltonian, qm.Exact(), n_states=7)
        >>> spectrum = qm.absorption_spectrum(molecule, space, solution)
        >>> spectrum.energies.round(2), spectrum.oscillator_strengths.round(3)
        (array([3.17, 3.64, 4.52, 5.06]), array([0.   , 0.048, 0.   , 0.502]))
    """
    if solution.n_states < 2:
        raise InputError(
            "absorption_spectrum(solution): it has one state, and a line needs two. Solve for "
            "more: solve(hamiltonian, Exact(), n_states=5)."
        )
    if not 0 <= initial < solution.n_states:
        raise InputError(
            f"absorption_spectrum(initial={initial}): the solution has {solution.n_states} states. "
            f"Use a number from 0 to {solution.n_states - 1}."
        )
    found = state_properties(molecule, active_space, solution)
    first = next(level for level in solution.levels if initial in level)
    others = [level for level in solution.levels if initial not in level]
    lines = [_transition(found, first, level) for level in others]
    return AbsorptionSpectrum(
        transitions=tuple(sorted(lines, key=lambda line: line.energy)),
        initial=first,
        properties=found,
        notes=(*solution.notes, *found.notes, *_cut_level(found)),
    )


def _transition(
    found: StateProperties, first: tuple[int, ...], level: tuple[int, ...]
) -> Transition:
    solution, block = found.solution, np.ix_(first, level)
    scale = 1.0 if solution.unit == "eV" else HARTREE_IN_EV
    moments = found.transition_dipoles[block]
    energies = solution.energies
    gap = float(energies[list(level)].mean() - energies[list(first)].mean())
    spins = solution.multiplicities or (None,) * solution.n_states
    final, start = spins[level[0]], spins[first[0]]
    known = final is not None and start is not None
    names = solution.configurations
    return Transition(
        states=level,
        energy=scale * gap,
        oscillator_strength=float(found.oscillator_strengths[block].sum() / len(first)),
        dipole_strengths=(np.abs(moments) ** 2).sum(axis=(0, 1)) / len(first),
        multiplicity=final,
        irrep=_irrep(solution, level),
        configurations="" if names is None else names[level[0]],
        error=_error(solution, first, level, scale),
        spin_allowed=final == start if known else None,
    )


def _irrep(solution: Solution, level: tuple[int, ...]) -> str:
    if solution.irreps is None:
        return ""
    names = [solution.irreps[k] for k in level]
    return ", ".join(dict.fromkeys(names)) if all(names) else ""


def _error(
    solution: Solution, first: tuple[int, ...], level: tuple[int, ...], scale: float
) -> float | None:
    errors = solution.errors
    if errors is None:
        return None
    error = float(scale * (errors[list(level)].mean() - errors[list(first)].mean()))
    return error if np.isfinite(error) else None


def _cut_level(found: StateProperties) -> tuple[str, ...]:
    """Return a note where the highest level may lack states that are degenerate with it.

    Where exact levels are known, ``solve`` has said it already, and for certain.
    """
    if found.solution.reference_energies is not None:
        return ()
    top = next(level for level in found.solution.levels if found.n_states - 1 in level)
    if len(top) >= found.orbital_degeneracy:
        return ()
    return (
        "The molecule has degenerate orbitals, and the highest level may lack states that are "
        f"degenerate with it ({len(top)} found): ask for more states to be sure of its strength.",
    )
