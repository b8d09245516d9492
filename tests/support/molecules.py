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


def hamiltonian(xyz: str, *, freeze_core: bool = True, **keywords) -> qm.MolecularHamiltonian:
    """The STO-3G Hamiltonian of a geometry, frozen core unless said otherwise."""
    molecule = qm.Molecule.from_xyz(xyz, **keywords)
    return qm.molecular_hamiltonian(molecule, qm.ActiveSpace(freeze_core=freeze_core))
