"""The electronic Hamiltonian of an active space."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import comb
from typing import Final

import numpy as np

from qmlmat.errors import ActiveSpaceError, InputError
from qmlmat.operators.jordan_wigner import molecular_pauli_sum
from qmlmat.operators.mappings import QubitMapping, qubit_mapping
from qmlmat.operators.pauli import PauliSum
from qmlmat.operators.sector import MAX_NORB, Sector
from qmlmat.operators.tapering import symmetry_masks
from qmlmat.systems.active_orbitals import ActiveOrbitals, choose_orbitals
from qmlmat.systems.active_space import ActiveSpace
from qmlmat.systems.integrals import active_integrals
from qmlmat.systems.mean_field import MeanField, run_mean_field
from qmlmat.systems.molecule import Molecule
from qmlmat.systems.observables import mapped
from qmlmat.systems.point_group import PointGroup, orbital_irreps
from qmlmat.systems.sigma import SigmaBuilder, one_rdm, two_rdm
from qmlmat.systems.spectrum import Spectrum, lowest_states
from qmlmat.typing import FloatArray, StateArray
from qmlmat.units import Unit

MAX_DIMENSION: Final = 50_000_000
"""Largest sector accepted (determinants): one vector of it takes 0.4 GB."""
SYMMETRY_TOLERANCE: Final = 1e-8
"""Largest violation of the integrals' permutation symmetry accepted (hartree)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MolecularHamiltonian:
    """``core_energy + sum h_pq E_pq + 1/2 sum (pq|rs) (E_pq E_rs - delta_qr E_ps)``.

    Acts on sector arrays of shape ``sector.shape``, PySCF's CI layout; eigenvalues are total
    energies.
    """

    one_body: FloatArray
    """One-electron integrals ``h[p, q]`` with the core's field, ``(norb, norb)`` (hartree)."""
    two_body: FloatArray
    """Repulsion ``(pq|rs)``, chemists' order, ``(norb, norb, norb, norb)`` (hartree)."""
    core_energy: float = 0.0
    """Nuclear repulsion and energy of frozen electrons (hartree)."""
    nelec: tuple[int, int]
    """Active electrons by spin, ``(n_alpha, n_beta)``."""
    notes: tuple[str, ...] = ()
    """What the mean field and the active space had to say, one sentence each."""
    point_group: PointGroup | None = None
    """Irreps of the orbitals, where the molecule has symmetry and they are adapted to it."""

    def __post_init__(self) -> None:
        one, two = (np.array(a, dtype=np.float64) for a in (self.one_body, self.two_body))
        norb = one.shape[0] if one.ndim else 0
        if one.shape != (norb, norb) or two.shape != (norb,) * 4:
            raise InputError(
                f"MolecularHamiltonian: one_body has shape {one.shape}, two_body {two.shape}. "
                "Use (norb, norb) and (norb, norb, norb, norb), chemists' order."
            )
        if not (np.isfinite(one).all() and np.isfinite(two).all()):
            raise InputError("MolecularHamiltonian: NaN or infinite integrals. Use finite ones.")
        if not np.isfinite(self.core_energy):
            raise InputError(
                f"MolecularHamiltonian(core_energy={self.core_energy}): use a finite energy."
            )
        broken = max(
            (float(np.abs(a - b).max()) if a.size else 0.0)
            for a, b in (
                (one, one.T),
                (two, two.transpose(1, 0, 2, 3)),
                (two, two.transpose(2, 3, 0, 1)),
            )
        )
        if broken > SYMMETRY_TOLERANCE:
            raise InputError(
                f"MolecularHamiltonian: the integrals violate their symmetry by {broken:.1e} "
                "hartree. Use h = h^T and (pq|rs) = (qp|rs) = (rs|pq): real orbitals, chemists' "
                "order."
            )
        for name, array in (("one_body", one), ("two_body", two)):
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        object.__setattr__(self, "core_energy", float(self.core_energy))
        object.__setattr__(self, "nelec", Sector(norb, self.nelec).nelec)

    @property
    def unit(self) -> Unit:
        """Energy unit of the eigenvalues."""
        return "hartree"

    @property
    def norb(self) -> int:
        """Number of spatial orbitals."""
        return int(self.one_body.shape[0])

    @cached_property
    def sector(self) -> Sector:
        """The determinants the Hamiltonian acts on."""
        return Sector(self.norb, self.nelec)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of a state, ``(n_alpha_strings, n_beta_strings)``."""
        return self.sector.shape

    @property
    def dimension(self) -> int:
        """Number of determinants."""
        return self.sector.dimension

    @cached_property
    def sigma(self) -> SigmaBuilder:
        """Tables and integrals behind ``matvec``, made at first use."""
        return SigmaBuilder(self.one_body, self.two_body, self.nelec, constant=self.core_energy)

    def matvec(self, state: StateArray) -> StateArray:
        """Return ``H @ state`` in the shape of ``state`` (hartree)."""
        return self.sigma.apply(state)

    def diagonal(self) -> StateArray:
        """Return the energies of all determinants, shape ``shape`` (hartree)."""
        return self.sigma.diagonal()

    @cached_property
    def _jordan_wigner(self) -> PauliSum:
        return molecular_pauli_sum(self.one_body, self.two_body, self.core_energy)

    def pauli_sum(self, mapping: str | QubitMapping = "jordan_wigner") -> PauliSum:
        """Return the Hamiltonian on qubits, constant included (hartree).

        Args:
            mapping: ``"jordan_wigner"``, ``"parity"``, ``"bravyi_kitaev"``, or a ``QubitMapping``,
                as ``qubit_mapping`` of this class makes it.

        Raises:
            InputError: If there is no such mapping, it has other spin orbitals, or leaves out a
                parity that the Hamiltonian changes.

        Example:
            >>> h2 = molecular_hamiltonian(Molecule.from_xyz("H 0 0 0; H 0 0 0.7414"))
            >>> h2.pauli_sum("parity").n_terms, h2.pauli_sum(h2.qubit_mapping(tapered=True)).n_terms
            (15, 3)
        """
        return mapped(self._jordan_wigner, mapping)

    def qubit_mapping(
        self,
        name: str = "jordan_wigner",
        *,
        reduced: bool = False,
        tapered: bool = False,
        occupation: str | None = None,
    ) -> QubitMapping:
        """Return a mapping of this Hamiltonian's spin orbitals to qubits.

        Args:
            name: ``"jordan_wigner"``, ``"parity"`` or ``"bravyi_kitaev"``.
            reduced: Leave out the two qubits of the parities of alpha and beta electrons.
            tapered: Leave out a qubit for every parity of occupations that the Hamiltonian keeps,
                found from its words: those of the electrons, and of the irreps.
            occupation: A determinant that has the wanted symmetry, all alpha then all beta; that of
                the lowest orbitals by default. States of other symmetry are then not there.

        Raises:
            InputError: If the name is unknown, or the determinant has other orbitals or electrons.
        """
        bits = self.sector.hartree_fock_bits() if occupation is None else occupation
        mapping = qubit_mapping(name, self.norb, reduced_for=self.nelec if reduced else None)
        mapping.encode(bits)
        electrons = tuple(bits[k : k + self.norb].count("1") for k in (0, self.norb))
        if electrons != self.nelec:
            raise InputError(
                f'qubit_mapping(occupation="{bits}"): {electrons} electrons by spin, the '
                f"Hamiltonian has {self.nelec}. Use a determinant of its sector."
            )
        return mapping.tapered(symmetry_masks(self._jordan_wigner), bits) if tapered else mapping

    @cached_property
    def mean_field_energy(self) -> float:
        """Energy of the determinant of the lowest orbitals (hartree)."""
        n_alpha, n_beta = self.nelec
        occupied = np.zeros((2, self.norb))
        occupied[0, :n_alpha] = occupied[1, :n_beta] = 1
        total = occupied.sum(axis=0)
        direct = np.einsum("ppqq->pq", self.two_body)
        exchange = np.einsum("pqqp->pq", self.two_body)
        energy = self.core_energy + total @ self.one_body.diagonal()
        energy += 0.5 * total @ direct @ total
        energy -= 0.5 * sum(spin @ exchange @ spin for spin in occupied)
        return float(energy)

    def spectrum(self, n_states: int = 1) -> Spectrum:
        """Return the exact lowest states of the sector.

        Args:
            n_states: Number of states, ascending in energy; all spins of the sector.

        Raises:
            InputError: If the sector has fewer states.
        """
        return lowest_states(self.matvec, self.diagonal(), n_states)

    def expectation(self, state: StateArray) -> float:
        """Return the energy of a state, which need not be normalised (hartree)."""
        vector = np.asarray(state).ravel()
        return float(np.vdot(vector, self.matvec(vector)).real / np.vdot(vector, vector).real)

    def one_rdm(self, state: StateArray, *, spin_resolved: bool = False) -> FloatArray:
        """Return the one-particle density matrix; see ``qmlmat.systems.sigma.one_rdm``."""
        return one_rdm(state, self.norb, self.nelec, spin_resolved=spin_resolved)

    def two_rdm(self, state: StateArray, *, spin_resolved: bool = False) -> FloatArray:
        """Return the two-particle density matrix; see ``qmlmat.systems.sigma.two_rdm``."""
        return two_rdm(state, self.norb, self.nelec, spin_resolved=spin_resolved)


def molecular_hamiltonian(
    molecule: Molecule,
    active_space: ActiveSpace | None = None,
    *,
    mean_field: MeanField | None = None,
    orbitals: ActiveOrbitals | None = None,
) -> MolecularHamiltonian:
    """Return the Hamiltonian of a molecule's active space in gauge-fixed orbitals.

    Args:
        molecule: The molecule.
        active_space: The correlated orbitals; all by default.
        mean_field: A solution already at hand for this molecule; computed by default.
        orbitals: The orbitals themselves, such as those a scan has followed to this geometry;
            ``active_space`` and ``mean_field`` are then not used.

    Raises:
        ActiveSpaceError: If the space does not fit the molecule, or its sector is too large.
        InputError: If ``mean_field`` or ``orbitals`` belong to another molecule or geometry.
        MeanFieldError: If Hartree-Fock does not converge.

    Example:
        >>> h2 = Molecule.from_xyz("H 0 0 0; H 0 0 0.7414")
        >>> round(molecular_hamiltonian(h2).spectrum().energies[0], 8)
        np.float64(-1.13727017)
    """
    if orbitals is not None:
        return _in_orbitals(molecule, orbitals, orbitals.notes)
    space = ActiveSpace() if active_space is None else active_space
    solution = run_mean_field(molecule) if mean_field is None else mean_field
    if solution.molecule != molecule:
        raise InputError(
            "molecular_hamiltonian(mean_field=...): the mean field belongs to another molecule, "
            "geometry or basis. Use run_mean_field(molecule)."
        )
    chosen = choose_orbitals(solution, space)
    return _in_orbitals(molecule, chosen, (*solution.notes, *chosen.notes))


def _in_orbitals(
    molecule: Molecule, orbitals: ActiveOrbitals, notes: tuple[str, ...]
) -> MolecularHamiltonian:
    _check_dimension(orbitals)
    if not np.array_equal(orbitals.positions, molecule.positions):
        raise InputError(
            "molecular_hamiltonian(orbitals=...): the orbitals belong to another geometry. Use "
            "molecule.with_positions(orbitals.positions)."
        )
    integrals = active_integrals(molecule, orbitals)
    return MolecularHamiltonian(
        one_body=integrals.one_body,
        two_body=integrals.two_body,
        core_energy=integrals.core_energy,
        nelec=orbitals.nelec,
        notes=notes,
        point_group=orbital_irreps(molecule, orbitals.active),
    )


def _check_dimension(orbitals: ActiveOrbitals) -> None:
    norb, (n_alpha, n_beta) = orbitals.norb, orbitals.nelec
    dimension = comb(norb, n_alpha) * comb(norb, n_beta)
    if dimension <= MAX_DIMENSION and norb <= MAX_NORB:
        return
    raise ActiveSpaceError(
        f"Active space: {n_alpha} alpha and {n_beta} beta electrons in {norb} orbitals make "
        f"{dimension:.2e} determinants, {8e-9 * dimension:.3g} GB per vector; at most "
        f"{MAX_DIMENSION:.0e} determinants and {MAX_NORB} orbitals are accepted. Use a smaller "
        "norb, or freeze more of the core."
    )
