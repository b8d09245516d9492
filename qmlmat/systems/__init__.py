"""Molecules and their Hamiltonians of determinants; crystals and their Hamiltonians at each k."""

from qmlmat.systems.active_orbitals import ActiveOrbitals, choose_orbitals
from qmlmat.systems.active_space import ActiveSpace, OrbitalSelection
from qmlmat.systems.amplitudes import Amplitudes, ccsd_amplitudes, mp2_amplitudes
from qmlmat.systems.classical import CLASSICAL, ClassicalEnergies, classical_energies
from qmlmat.systems.fcidump import from_fcidump, to_fcidump
from qmlmat.systems.hamiltonian import MolecularHamiltonian, molecular_hamiltonian
from qmlmat.systems.honeycomb import graphene, hexagonal_boron_nitride
from qmlmat.systems.mean_field import MeanField, run_mean_field
from qmlmat.systems.molecule import Molecule
from qmlmat.systems.monolayers import monolayer
from qmlmat.systems.nevpt2 import nevpt2_energy
from qmlmat.systems.normal_modes import NormalModes, normal_modes
from qmlmat.systems.observables import SpinDistance, SpinSquare, WeightedSum
from qmlmat.systems.overlaps import state_overlaps
from qmlmat.systems.pairing import exchange_pairs
from qmlmat.systems.qubit_hamiltonian import (
    BlochHamiltonian,
    MatrixHamiltonian,
    QubitHamiltonian,
    QubitModel,
)
from qmlmat.systems.sigma import (
    SigmaBuilder,
    one_rdm,
    transition_one_rdm,
    transition_two_rdm,
    two_rdm,
)
from qmlmat.systems.spectrum import Spectrum
from qmlmat.systems.spin import apply_spin_square, spin_square
from qmlmat.systems.symmetry import orbital_parities
from qmlmat.systems.three_band import mirror_x, orbital_angular_momentum, spin_z
from qmlmat.systems.tight_binding import TightBindingModel
from qmlmat.systems.wannier90 import load_wannier90, save_wannier90

__all__ = [
    "CLASSICAL",
    "ActiveOrbitals",
    "ActiveSpace",
    "Amplitudes",
    "BlochHamiltonian",
    "ClassicalEnergies",
    "MatrixHamiltonian",
    "MeanField",
    "MolecularHamiltonian",
    "Molecule",
    "NormalModes",
    "OrbitalSelection",
    "QubitHamiltonian",
    "QubitModel",
    "SigmaBuilder",
    "Spectrum",
    "SpinDistance",
    "SpinSquare",
    "TightBindingModel",
    "WeightedSum",
    "apply_spin_square",
    "ccsd_amplitudes",
    "choose_orbitals",
    "classical_energies",
    "exchange_pairs",
    "from_fcidump",
    "graphene",
    "hexagonal_boron_nitride",
    "load_wannier90",
    "mirror_x",
    "molecular_hamiltonian",
    "monolayer",
    "mp2_amplitudes",
    "nevpt2_energy",
    "normal_modes",
    "one_rdm",
    "orbital_angular_momentum",
    "orbital_parities",
    "run_mean_field",
    "save_wannier90",
    "spin_square",
    "spin_z",
    "state_overlaps",
    "to_fcidump",
    "transition_one_rdm",
    "transition_two_rdm",
    "two_rdm",
]
