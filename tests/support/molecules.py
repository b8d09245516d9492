"""The small molecules of the tests, with their frozen geometries (Å)."""

import math

import qmlmat as qm

HALF_ANGLE = math.radians(104.45) / 2
WATER = "; ".join(
    [
        "O 0 0 0",
        f"H {0.9584 * math.sin(HALF_ANGLE)} 0 {0.9584 * math.cos(HALF_ANGLE)}",
        f"H {-0.9584 * math.sin(HALF_ANGLE)} 0 {0.9584 * math.cos(HALF_ANGLE)}",
    ]
)
HYDROGEN = "H 0 0 0; H 0 0 0.735"
LITHIUM_HYDRIDE = "Li 0 0 0; H 0 0 1.595"
BERYLLIUM_HYDRIDE = "H 0 0 -1.3264; Be 0 0 0; H 0 0 1.3264"
RECTANGLE = "H 0 0 0; H 0 0 1.8; H 1.5 0 0; H 1.5 0 1.8"
"""Four hydrogen atoms in a rectangle: two singlets 0.16 hartree apart, strong correlation."""


def hamiltonian(xyz: str, *, freeze_core: bool = True, **keywords) -> qm.MolecularHamiltonian:
    """The STO-3G Hamiltonian of a geometry, frozen core unless said otherwise."""
    molecule = qm.Molecule.from_xyz(xyz, **keywords)
    return qm.molecular_hamiltonian(molecule, qm.ActiveSpace(freeze_core=freeze_core))


def stretched_nitrogen(length: float) -> qm.MolecularHamiltonian:
    """N2, cc-pVDZ, (10e, 8o)."""
    molecule = qm.Molecule.from_xyz(f"N 0 0 0; N 0 0 {length}", basis="cc-pvdz")
    return qm.molecular_hamiltonian(molecule, qm.ActiveSpace(10, 8))
