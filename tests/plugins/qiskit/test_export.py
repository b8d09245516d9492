"""Fermionic circuits as Qiskit's: the same states here and there."""

from __future__ import annotations

import numpy as np
import pytest
import qiskit.qasm3
from problems import TEMPLATES, random_hamiltonian
from qiskit import transpile
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import Statevector
from qiskit_aer.primitives import EstimatorV2 as AerEstimator

import qmlmat as qm
from qmlmat.ansatz import Ansatz, Circuit, Excitation, Gate, NumberProduct
from qmlmat.backends import Preparation, Reference, SectorBackend
from qmlmat.backends.qiskit.operators import to_sparse_pauli_op
from qmlmat.errors import InputError
from qmlmat.operators.jordan_wigner import molecular_pauli_sum
from qmlmat.operators.sector import Sector
from qmlmat.plugins.qiskit import SectorEstimator, conserving_circuit

ATOL = 1e-10  # exact simulators, float64


def on_register(state, norb: int, nelec: tuple[int, int]):
    """A sector's state among those of all qubits, numbered as Qiskit's."""
    sector = Sector(norb, nelec)
    found = np.zeros(4**norb, dtype=np.complex128)
    numbers = sector.alpha_strings[:, None] | sector.beta_strings << norb
    found[numbers.ravel()] = np.asarray(state).ravel()
    return found


@pytest.mark.parametrize("template", TEMPLATES)
def test_templates_have_the_same_energies_here_and_in_qiskit(template):
    """Free parameters; our sector backend, Qiskit's estimator, and ours in each order of spin."""
    rng = np.random.default_rng(len(template))
    norb, nelec = (4, (2, 2)) if template == "tups" else (3, (2, 2))
    circuit = Ansatz(template).circuit(norb, nelec)
    values = rng.normal(size=(2, circuit.n_params))
    hamiltonian = random_hamiltonian(rng, norb, nelec)
    words = molecular_pauli_sum(hamiltonian.one_body, hamiltonian.two_body, hamiltonian.core_energy)
    exported, operator = conserving_circuit(circuit), to_sparse_pauli_op(words)
    expected = _energies(circuit, hamiltonian, values)
    pub = (exported, operator, values)
    estimators = [StatevectorEstimator(), SectorEstimator(), SectorEstimator(spin_order="blocked")]
    for estimator in estimators:
        (found,) = estimator.run([pub]).result()
        np.testing.assert_allclose(found.data.evs, expected, atol=ATOL)


def _energies(circuit, hamiltonian, values):
    reference = Reference.hartree_fock(circuit.norb, circuit.nelec)
    request = qm.Request(
        preparation=Preparation(circuit, reference, values), observables=(hamiltonian,)
    )
    (estimate,) = SectorBackend().run([request], seed=0)
    return np.asarray(estimate.values).ravel()


@pytest.mark.parametrize("template", TEMPLATES)
def test_templates_have_the_same_states_here_and_in_qiskit(template):
    """Amplitude by amplitude, phases and signs of fermions included; bound parameters."""
    norb, nelec = (4, (2, 2)) if template == "tups" else (3, (2, 2))
    circuit = Ansatz(template).circuit(norb, nelec)
    values = np.random.default_rng(1).normal(size=circuit.n_params)
    bits = "1" * nelec[0] + "0" * (norb - nelec[0])
    reference = Reference.determinant(bits[::-1] + bits)
    state = SectorBackend().state(Preparation(circuit, reference, values))
    found = Statevector(conserving_circuit(circuit, values, reference=reference))
    np.testing.assert_allclose(found.data, on_register(state, norb, nelec), atol=ATOL)


def test_signs_between_the_moves_of_triples_are_those_of_fermions():
    """Moves that cross one another, within a spin and over the border between spins."""
    norb, nelec = 4, (2, 2)
    generators = [
        Excitation(((0, 2), (1, 3)), ((0, 3),)),
        Excitation(((0, 3), (1, 2))),
        Excitation(((3, 0),), ((2, 1),)),
        Excitation(((0, 3),), ((1, 3), (2, 0)), qubit=True),
        NumberProduct((0, 3), (1, 2)),
        NumberProduct((1,), (0,)),
        Excitation(((0, 2),), ((1, 3),)),
        NumberProduct((), (2,)),
        Excitation(((3, 1),)),
    ]
    gates = tuple(Gate(g, k, 0.5 + k) for k, g in enumerate(generators))
    circuit = Circuit(norb, nelec, gates, len(gates))
    values = np.random.default_rng(2).normal(size=len(gates))
    reference = Reference.hartree_fock(norb, nelec)
    state = SectorBackend().state(Preparation(circuit, reference, values))
    exported = conserving_circuit(circuit)
    found = Statevector(exported.assign_parameters(values))
    np.testing.assert_allclose(found.data, on_register(state, norb, nelec), atol=ATOL)
    back = exported.compose(exported.inverse())
    undone = Statevector(back.assign_parameters(values))
    undone_x = Statevector.from_int(0, 4**norb)
    np.testing.assert_allclose(undone.data, undone_x.data, atol=ATOL)


def test_exported_circuits_run_anywhere():
    """Transpiled to a device's gates, written as OpenQASM, and on Aer."""
    rng = np.random.default_rng(3)
    circuit = Ansatz("uccsd").circuit(2, (1, 1))
    hamiltonian = random_hamiltonian(rng, 2, (1, 1))
    words = molecular_pauli_sum(hamiltonian.one_body, hamiltonian.two_body)
    operator, values = to_sparse_pauli_op(words), rng.normal(size=circuit.n_params)
    exported = conserving_circuit(circuit)
    (ours,) = SectorEstimator(spin_order="blocked").run([(exported, operator, values)]).result()
    device = transpile(exported, basis_gates=["rz", "sx", "x", "cx"], optimization_level=1)
    assert set(device.count_ops()) <= {"rz", "sx", "x", "cx"}
    aer = AerEstimator(options={"backend_options": {"max_parallel_threads": 1}})
    (theirs,) = aer.run([(device, operator, values)]).result()
    assert theirs.data.evs == pytest.approx(float(ours.data.evs), abs=ATOL)
    program = qiskit.qasm3.dumps(exported.assign_parameters(values))
    read = Statevector(qiskit.qasm3.loads(program)).expectation_value(operator).real
    assert read == pytest.approx(float(ours.data.evs), abs=1e-8)  # angles are written in decimals


def test_the_phase_of_a_reference_is_kept():
    """A determinant times -1 is another vector."""
    circuit = Ansatz("uccsd").circuit(2, (1, 1))
    values = np.zeros(circuit.n_params)
    reference = Reference((("0110", -1.0),))
    found = Statevector(conserving_circuit(circuit, values, reference=reference))
    assert found.data[0b0110] == pytest.approx(-1.0)


def test_parameters_and_references_that_do_not_fit_are_refused():
    """With the shape and the states that do."""
    circuit = Ansatz("uccsd").circuit(2, (1, 1))
    with pytest.raises(InputError, match=r"Give shape \(3,\)"):
        conserving_circuit(circuit, [0.1])
    with pytest.raises(InputError, match="finite"):
        conserving_circuit(circuit, [0.1, np.inf, 0.2])
    two = Reference((("1010", 0.6), ("0101", 0.8)))
    for reference in (two, Reference.determinant("10")):
        with pytest.raises(InputError, match=r"Use Reference\.determinant"):
            conserving_circuit(circuit, reference=reference)
