"""Frozen circuits: the files alone give the energies that stand beside them."""

import json
import re

import numpy as np
import pytest
import qiskit.qasm3
from dense_qubits import dense_state
from freeze_circuits import FROZEN, circuit, hamiltonian
from qiskit.quantum_info import Statevector
from typer.testing import CliRunner

from qmlmat._resources import data_dir
from qmlmat.ansatz.qasm import from_qasm, to_qasm
from qmlmat.cli.app import app
from qmlmat.operators.mappings import qubit_mapping

FOLDER = data_dir("circuits") / "frozen"
NAMES = sorted(path.stem for path in FOLDER.glob("*.qasm"))


def facts_of(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def energy(state, facts):
    """Expectation of the molecule's Hamiltonian on the mapping's qubits."""
    reduced = tuple(facts["nelec"]) if facts["reduced"] else None
    mapping = qubit_mapping(facts["mapping"], facts["norb"], reduced_for=reduced)
    matrix = hamiltonian(facts["molecule"]).pauli_sum(mapping).matrix()
    return np.vdot(state, matrix @ state).real


def test_every_file_has_its_sidecar_and_is_one_of_the_list():
    """Circuits, and what they are of."""
    assert set(NAMES) == set(FROZEN) == {path.stem for path in FOLDER.glob("*.json")}


@pytest.mark.parametrize("name", NAMES)
def test_our_reader_finds_the_energy(name):
    """Text, dense twin, Hamiltonian from the geometry: to 1e-10 hartree."""
    facts = facts_of(name)
    read = from_qasm((FOLDER / f"{name}.qasm").read_text(encoding="utf-8"))
    assert energy(dense_state(read, facts["params"]), facts) == pytest.approx(
        facts["energy"], abs=1e-10
    )


@pytest.mark.parametrize("name", NAMES)
def test_qiskit_finds_the_energy(name):
    """Qiskit's importer and statevector, qubits reversed: to 1e-10 hartree."""
    facts = facts_of(name)
    read = qiskit.qasm3.load(str(FOLDER / f"{name}.qasm"))
    numbers = {
        p: facts["params"][int(re.fullmatch(r"theta_(\d+)", p.name)[1])] for p in read.parameters
    }
    state = Statevector(read.assign_parameters(numbers)).reverse_qargs().data
    assert energy(np.asarray(state), facts) == pytest.approx(facts["energy"], abs=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_made_now_has_the_same_state(name):
    """Whatever the lowering does by now, up to no phase at all."""
    facts = facts_of(name)
    read = from_qasm((FOLDER / f"{name}.qasm").read_text(encoding="utf-8"))
    now = dense_state(circuit(facts), facts["params"])
    assert np.abs(dense_state(read, facts["params"]) - now).max() < 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_the_command_line_writes_the_same_circuit(name, tmp_path):
    """`qmlmat circuits export` with the facts of the sidecar."""
    facts, file = facts_of(name), tmp_path / "now.qasm"
    args = ["circuits", "export", facts["circuit"], "--output", str(file)]
    args += ["--norb", str(facts["norb"]), "--nelec", ",".join(map(str, facts["nelec"]))]
    args += ["--mapping", facts["mapping"], *(["--reduced"] if facts["reduced"] else [])]
    args += [part for key, value in facts["options"].items() for part in ("-o", f"{key}={value}")]
    assert CliRunner().invoke(app, args).exit_code == 0
    assert file.read_text() == to_qasm(circuit(facts))
