"""Templates of kind "qubit": layers on any number of qubits, as Qiskit has them."""

import numpy as np
import pytest
from dense_qubits import dense_state
from qiskit.circuit.library import efficient_su2
from qiskit.quantum_info import Statevector

from qmlmat._resources import data_dir
from qmlmat.ansatz import Ansatz
from qmlmat.ansatz.template import read_template
from qmlmat.errors import TemplateError

HEA = (data_dir("circuits") / "ansatz" / "hea_ry_cz.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("entangler", ["reverse_linear", "linear", "full"])
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("n_qubits", [2, 3, 4])
def test_efficient_su2_is_qiskits(entangler, depth, n_qubits):
    """The same state at the same parameters in the same order."""
    circuit = Ansatz("hea_efficient_su2", depth=depth, entangler=entangler).qubit_circuit(n_qubits)
    theirs = efficient_su2(n_qubits, reps=depth, entanglement=entangler)
    assert circuit.n_params == theirs.num_parameters
    params = np.random.default_rng(n_qubits).normal(size=circuit.n_params)
    state = Statevector(theirs.assign_parameters(params)).reverse_qargs().data
    assert np.abs(dense_state(circuit, params) - state).max() < 1e-12


@pytest.mark.parametrize(("entangler", "links"), [("linear", 3), ("ring", 4)])
def test_layers_of_ry_and_cz_are_real_and_entangle_the_links(entangler, links):
    """Real amplitudes; a ring has one link more; nothing moves without angles."""
    circuit = Ansatz("hea_ry_cz", depth=2, entangler=entangler).qubit_circuit(4)
    assert sum(gate.name == "cz" for gate in circuit.gates) == 2 * links
    assert circuit.n_params == 12
    state = dense_state(circuit, np.random.default_rng(1).normal(size=12))
    assert np.abs(state.imag).max() == 0
    assert dense_state(circuit, np.zeros(12))[0] == 1


def test_one_qubit_has_nothing_to_entangle():
    """Rotations only."""
    circuit = Ansatz("hea_ry_cz").qubit_circuit(1)
    assert [gate.name for gate in circuit.gates] == ["ry", "ry"]


def test_the_wrong_kind_is_refused_with_the_remedy():
    """Orbitals asked of qubits, qubits of orbitals, no qubit."""
    with pytest.raises(TemplateError, match=r"Use Ansatz\(\"hea_ry_cz\"\).qubit_circuit\(n_qubits"):
        Ansatz("hea_ry_cz").circuit(2, (1, 1))
    with pytest.raises(TemplateError, match=r"Use lower\(Ansatz\(\"uccsd\"\).circuit\(norb"):
        Ansatz("uccsd").qubit_circuit(4)
    with pytest.raises(TemplateError, match="at least 1"):
        Ansatz("hea_ry_cz").qubit_circuit(0)


@pytest.mark.parametrize(
    ("old", "new", "remedy"),
    [
        ('"zeros"', '"hartree_fock"', 'Use "zeros"'),
        ('"ry_rotations"', '"ry_rotation"', 'Did you mean "ry_rotations"'),
        ('"ry_rotations"', '"singles"', "not a building block"),
        ('where = "qubits"', 'where = "links"', 'Use "qubits"'),
        ("n_qubits = 4", "norb = 4\nnelec = [2, 2]", "Use n_qubits"),
        ("n_qubits = 4", "norb = 4", "norb and nelec, or n_qubits"),
        ("n_qubits = 4", "norb = 4\nnelec = [2, 2]\nn_qubits = 4", "norb and nelec, or n_qubits"),
        ("conserves = []", 'conserves = ["n_alpha"]', "conserves nothing"),
        ('kind = "qubit"', 'kind = "fermionic"', "not a building block"),
        ("[options.entangler]", "[options.entanglers]", 'Did you mean "entangler"'),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused_with_the_remedy(tmp_path, old, new, remedy):
    """Each key against the kind."""
    path = tmp_path / "mine.toml"
    path.write_text(HEA.replace(old, new), encoding="utf-8")
    with pytest.raises(TemplateError, match=remedy):
        read_template(path)


def test_a_final_layer_is_for_qubits(tmp_path):
    """And enters the hash of the circuit."""
    path = tmp_path / "mine.toml"
    text = (data_dir("circuits") / "ansatz" / "puccd.toml").read_text(encoding="utf-8")
    path.write_text(f'{text}\n[[final]]\ngenerator = "singles"\n', encoding="utf-8")
    with pytest.raises(TemplateError, match=r"Add the blocks to \[\[block\]\]"):
        read_template(path)
    path.write_text(HEA.replace('[[final]]\ngenerator = "ry', '[[final]]\ngenerator = "rx'))
    assert read_template(path).content_hash() != Ansatz("hea_ry_cz").load().content_hash()
