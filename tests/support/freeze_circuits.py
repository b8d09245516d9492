"""Writes ``circuits/frozen``: ``PYTHONPATH=. python tests/support/freeze_circuits.py``.

Each circuit is solved by VQE on the exact backend and written as OpenQASM 3 with free parameters,
from all qubits in |0> on; the .json beside it holds what it is of, the parameters, and the energy.
"""

from __future__ import annotations

import json
from typing import Any

import qmlmat as qm
from qmlmat._resources import data_dir
from qmlmat.ansatz.lowering import lower
from qmlmat.ansatz.qasm import to_qasm
from qmlmat.ansatz.references import prepare_terms
from qmlmat.backends import Reference
from qmlmat.operators.mappings import qubit_mapping
from qmlmat.provenance import versions

H2 = {"xyz": "H 0 0 0; H 0 0 0.735", "basis": "sto-3g", "orbitals": None}
LIH = {"xyz": "Li 0 0 0; H 0 0 1.595", "basis": "sto-3g", "orbitals": [1, 2, 5]}

FROZEN: dict[str, dict[str, Any]] = {
    "h2_uccsd": {"circuit": "uccsd", "molecule": H2, "mapping": "jordan_wigner"},
    "h2_uccsd_reduced_parity": {
        "circuit": "uccsd",
        "molecule": H2,
        "mapping": "parity",
        "reduced": True,
    },
    "lih_uccsd": {"circuit": "uccsd", "molecule": LIH, "mapping": "jordan_wigner"},
    "lih_lucj_square": {
        "circuit": "lucj",
        "options": {"pairs": "square"},
        "molecule": LIH,
        "mapping": "jordan_wigner",
    },
}


def hamiltonian(molecule: dict[str, Any]) -> qm.MolecularHamiltonian:
    """Return the Hamiltonian of a sidecar's molecule."""
    found = qm.Molecule.from_xyz(molecule["xyz"], basis=molecule["basis"])
    chosen = molecule["orbitals"]
    return qm.molecular_hamiltonian(found, qm.ActiveSpace(indices=chosen) if chosen else None)


def circuit(facts: dict[str, Any]) -> Any:
    """Return the qubit circuit of a sidecar as it is made now."""
    norb, nelec = facts["norb"], tuple(facts["nelec"])
    reduced = nelec if facts["reduced"] else None
    mapping = qubit_mapping(facts["mapping"], norb, reduced_for=reduced)
    made = qm.Ansatz(facts["circuit"], **facts["options"]).circuit(norb, nelec)
    reference = Reference.hartree_fock(norb, nelec)
    return prepare_terms(reference.terms, mapping).then(lower(made, mapping))


def main() -> None:
    """Write every file."""
    folder = data_dir("circuits") / "frozen"
    folder.mkdir(exist_ok=True)
    for name, chosen in FROZEN.items():
        facts = {"circuit": "", "options": {}, "reduced": False} | chosen
        problem = hamiltonian(facts["molecule"])
        facts |= {"norb": problem.norb, "nelec": list(problem.nelec)}
        solver = qm.VQE(qm.Ansatz(facts["circuit"], **facts["options"]))
        solution = qm.solve(problem, solver)
        facts |= {
            "params": solution.params.tolist(),
            "energy": solution.energy,
            "unit": "hartree",
            "versions": versions(),
        }
        (folder / f"{name}.qasm").write_text(to_qasm(circuit(facts)), encoding="utf-8")
        text = json.dumps(facts, indent=2) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
