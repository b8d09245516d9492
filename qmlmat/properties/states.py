"""Properties of the states of a solution: dipoles, transitions between them, natural orbitals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from qmlmat.errors import InputError
from qmlmat.operators.sector import Sector
from qmlmat.properties.natural import NaturalOrbitals, natural_orbitals, orbital_entropies
from qmlmat.solvers import Solution
from qmlmat.systems import (
    ActiveOrbitals,
    ActiveSpace,
    MolecularHamiltonian,
    Molecule,
    choose_orbitals,
    molecular_hamiltonian,
    run_mean_field,
    transition_one_rdm,
)
from qmlmat.systems.dipole import DipoleOperator, check_place, dipole_operator
from qmlmat.typing import FloatArray, StateArray
from qmlmat.units import ev_to_hartree

SAME_ENERGY: Final = 1e-6
"""How far the energy of the lowest state in the orbitals given may be from the solution's
(hartree): what two runs of Hartree-Fock leave, and no other choice of orbitals does."""

OVERLAPPING: Final = 1e-8
"""Overlap of two states from which they count as not orthogonal, and are made so."""

SAID_OVERLAP: Final = 1e-3
"""Overlap of two states from which a note says so."""

DEGENERATE_ORBITALS: Final = 1e-6
"""Difference of the eigenvalues of the one-body integrals up to which orbitals are degenerate
(hartree)."""

SAME_STATE: Final = 1e-3
"""Smallest eigenvalue of the overlap matrix of states that can be told apart."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StateProperties:
    """What the states of a solution are like. Dipoles are in atomic units, e a0."""

    molecule: Molecule
    """The molecule."""
    orbitals: ActiveOrbitals
    """The orbitals that the states are made of."""
    solution: Solution
    """The solution, with its states."""
    origin: FloatArray
    """Where positions are counted from, shape ``(3,)`` (Å); it matters for an ion's dipoles."""
    overlaps: StateArray
    """Overlaps ``<I|J>`` of the states as they were found, shape ``(n_states, n_states)``."""
    one_rdms: StateArray
    """Density matrices of the active orbitals, spins added, ``(n_states, norb, norb)``."""
    dipoles: FloatArray
    """Dipole moments of the states as they were found, shape ``(n_states, 3)`` (e a0)."""
    transition_dipoles: StateArray
    """``<I|mu|J>``, shape ``(n_states, n_states, 3)`` (e a0), between states made orthogonal where
    they are not; signs and phases are arbitrary. On the diagonal are those states' own dipoles."""
    oscillator_strengths: FloatArray
    """``f = 2/3 (E_J - E_I) |<I|mu|J>|^2`` from state I to J, shape ``(n_states, n_states)``;
    negative downwards. A degenerate level's is the sum over its states: ``absorption_spectrum``."""
    orbital_entropies: FloatArray
    """One-orbital entropies of the active orbitals, shape ``(n_states, norb)`` (nats)."""
    orbital_degeneracy: int
    """Largest number of degenerate active orbitals; above 1, states may be degenerate, too."""
    notes: tuple[str, ...] = ()
    """What the reader should know, one sentence each."""

    def __repr__(self) -> str:
        """Return the sizes; the fields hold the numbers."""
        return f"StateProperties({self.molecule.formula}, n_states={self.n_states})"

    @property
    def n_states(self) -> int:
        """Number of states."""
        return self.solution.n_states

    @cached_property
    def natural_orbitals(self) -> tuple[NaturalOrbitals, ...]:
        """Natural orbitals of each state."""
        return tuple(natural_orbitals(matrix, self.orbitals) for matrix in self.one_rdms)

    def averaged(self, weights: ArrayLike | None = None) -> NaturalOrbitals:
        """Return the natural orbitals of an average of the states.

        Args:
            weights: Weight of each state, shape ``(n_states,)``, made to add up to 1; by default
                equal ones.

        Raises:
            InputError: If the weights are not as many as the states, negative, or all zero.
        """
        shares = np.ones(self.n_states) if weights is None else np.array(weights, dtype=float)
        usable = shares.shape == (self.n_states,) and np.isfinite(shares).all()
        if not usable or (shares < 0).any() or not shares.sum() > 0:
            raise InputError(
                f"StateProperties.averaged(weights={weights!r}): give {self.n_states} weights, "
                "none negative and not all zero, or None for equal ones."
            )
        mean = np.tensordot(shares / shares.sum(), self.one_rdms, axes=1)
        return natural_orbitals(mean, self.orbitals)


def state_properties(
    molecule: Molecule,
    active_space: ActiveSpace | ActiveOrbitals | None,
    solution: Solution,
    *,
    origin: ArrayLike | None = None,
) -> StateProperties:
    """Return dipoles, transition dipoles, natural orbitals and entropies of a solution's states.

    The dipole of state I with state J is that of their (transition) density matrix, of the inactive
    electrons and of the nuclei. The last two see the overlap ``<I|J>`` only. States that a solver
    leaves not quite orthogonal (VQD) have transition dipoles that contain ``<I|J>`` times a
    permanent dipole, and that is no transition: before transitions, and only there, such states
    are made orthogonal symmetrically (Löwdin), ``S^(-1/2) mu S^(-1/2)``, which changes them least.
    Then transition dipoles do not depend on the origin, for an ion either.

    Args:
        molecule: The molecule at its geometry.
        active_space: What ``molecular_hamiltonian`` was given: the active space, ``None`` for every
            orbital, or the orbitals themselves, such as ``PointResult.orbitals`` of a scan.
        solution: States, e.g. of ``solve(hamiltonian, Exact(), n_states=5)``.
        origin: Where positions are counted from, ``(3,)`` (Å); by default the centre of nuclear
            charge.

    Raises:
        InputError: If the solution holds no states, or they are not of these orbitals: another
            size, or another energy in them; if the orbitals are of another geometry or basis; or if
            two states are the same one.

    References:
        P.-O. Löwdin, J. Chem. Phys. 18, 365 (1950), doi:10.1063/1.1747632.

    Example:
        >>> import qmlmat as qm
        >>> molecule = qm.Molecule.from_xyz("Li 0 0 0; H 0 0 1.5949")
        >>> space = qm.ActiveSpace(freeze_core=True)
        >>> hamiltonian = qm.molecular_hamiltonian(molecule, space)
        >>> solution = qm.solve(hamiltonian, qm.Exact(), n_states=2)
        >>> qm.state_properties(molecule, space, solution).dipoles.round(3)[0, 2]  # Li+ H-
        np.float64(-1.818)
    """
    orbitals = _orbitals(molecule, active_space)
    states = _checked_states(orbitals, solution)
    hamiltonian = molecular_hamiltonian(molecule, orbitals=orbitals)
    _check_energy(hamiltonian, solution)
    norb, nelec = orbitals.norb, orbitals.nelec
    operator = dipole_operator(molecule, orbitals, origin=origin)
    overlaps = np.array([[np.vdot(bra, ket) for ket in states] for bra in states])
    moments, rdms = _moments(operator, states, overlaps, nelec)
    transitions, notes = _orthogonal(moments, overlaps)
    energies = np.array([_in_hartree(solution, energy) for energy in solution.energies])
    gaps = energies[None, :] - energies[:, None]
    return StateProperties(
        molecule=molecule,
        orbitals=orbitals,
        solution=solution,
        origin=operator.origin,
        overlaps=overlaps,
        one_rdms=rdms,
        dipoles=np.array(moments.diagonal().T.real),
        transition_dipoles=transitions,
        oscillator_strengths=2 / 3 * gaps * (np.abs(transitions) ** 2).sum(axis=-1),
        orbital_entropies=np.array([orbital_entropies(state, norb, nelec) for state in states]),
        orbital_degeneracy=_degeneracy(hamiltonian),
        notes=notes,
    )


def _moments(
    operator: DipoleOperator,
    states: list[StateArray],
    overlaps: StateArray,
    nelec: tuple[int, int],
) -> tuple[StateArray, StateArray]:
    """Return ``<I|mu|J>`` of the states as they are, and the density matrix of each."""
    norb, n_states = operator.position.shape[1], len(states)
    rdms: list[StateArray] = []
    moments = np.empty((n_states, n_states, 3), dtype=overlaps.dtype)
    for i, bra in enumerate(states):
        for j, ket in enumerate(states[: i + 1]):
            rdm = transition_one_rdm(bra, ket, norb, nelec)
            moments[i, j] = operator.between(rdm, overlaps[i, j])
            moments[j, i] = moments[i, j].conj()
        rdms.append(rdm)  # of the state with itself, the last
    return moments, np.array(rdms)


def _degeneracy(hamiltonian: MolecularHamiltonian) -> int:
    values = np.linalg.eigvalsh(hamiltonian.one_body)
    breaks = np.flatnonzero(np.diff(values) > DEGENERATE_ORBITALS) + 1
    return max(len(part) for part in np.split(values, breaks))


def _in_hartree(solution: Solution, energy: float) -> float:
    return ev_to_hartree(energy) if solution.unit == "eV" else float(energy)


def _orbitals(
    molecule: Molecule, active_space: ActiveSpace | ActiveOrbitals | None
) -> ActiveOrbitals:
    if isinstance(active_space, ActiveOrbitals):
        check_place("state_properties", molecule, active_space)
        return active_space
    space = ActiveSpace() if active_space is None else active_space
    if not isinstance(space, ActiveSpace):
        raise InputError(
            f"state_properties(active_space={type(space).__name__}): neither an active space nor "
            "orbitals. Give the ActiveSpace that molecular_hamiltonian was given."
        )
    return choose_orbitals(run_mean_field(molecule), space)


def _checked_states(orbitals: ActiveOrbitals, solution: Solution) -> list[StateArray]:
    """Return the states, normalised, after checking that they fit the orbitals."""
    if not solution.states:
        raise InputError(
            "state_properties(solution): it holds no states, as one read from a store does not. "
            "Use one fresh from solve."
        )
    shape = Sector(orbitals.norb, orbitals.nelec).shape
    for state in solution.states:
        if state.shape != shape:
            raise InputError(
                f"state_properties: states of shape {state.shape} are not of {orbitals.nelec} "
                f"electrons in {orbitals.norb} orbitals, shape {shape}. Give the active space that "
                "the Hamiltonian was made with."
            )
    return [state / np.linalg.norm(state) for state in solution.states]


def _check_energy(hamiltonian: MolecularHamiltonian, solution: Solution) -> None:
    """Refuse orbitals in which the lowest state has another energy: they are not its own."""
    if solution.states is None or solution.stderr is not None:
        return
    here, said = hamiltonian.expectation(solution.states[0]), solution.energy
    if not abs(here - _in_hartree(solution, said)) < SAME_ENERGY:
        raise InputError(
            f"state_properties: the lowest state has the energy {here:.8f} hartree in these "
            f"orbitals, and {said:.8f} {solution.unit} in the solution: it is of another molecule, "
            "geometry or active space. Give those that the Hamiltonian was made with; for a "
            "Hamiltonian of given orbitals, the orbitals."
        )


def _orthogonal(moments: StateArray, overlaps: StateArray) -> tuple[StateArray, tuple[str, ...]]:
    """Return dipoles between symmetrically orthogonalised states, and what to say of it."""
    n_states = len(overlaps)
    worst = float(np.abs(overlaps - np.eye(n_states)).max())
    if worst < OVERLAPPING:
        return moments, ()
    values, vectors = np.linalg.eigh(overlaps)
    if values[0] < SAME_STATE:
        raise InputError(
            f"state_properties: the states are not independent (smallest eigenvalue of their "
            f"overlaps {values[0]:.1e}): two are the same. Raise the solver's penalty on overlaps, "
            "use other references, or drop one of them."
        )
    root = (vectors / np.sqrt(values)) @ vectors.conj().T
    turned = np.einsum("ki,klx,lj->ijx", root.conj(), moments, root)
    if worst < SAID_OVERLAP:
        return turned, ()
    return turned, (
        f"The states overlap, by {worst:.1e} at most: transitions are between states made "
        "orthogonal.",
    )
