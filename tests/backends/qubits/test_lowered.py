"""Circuits with one angle for each gate: their frequencies, references and observables."""

import numpy as np
import pytest
from dense_qubits import dense_state
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import N_MAPPINGS, NAMES, TEMPLATES, mappings, problem, problems, sectors
from random_qubits import random_circuit, random_sum

from qmlmat.ansatz import Angle, Ansatz, QubitCircuit, QubitGate
from qmlmat.ansatz.lowering import lower
from qmlmat.backends import Preparation, Reference
from qmlmat.backends.qubits.lowered import (
    encoded_terms,
    mapping_of,
    pauli_sum,
    reference_circuit,
    reference_values,
    untied,
)
from qmlmat.backends.statevector_program import compile_qubit_circuit
from qmlmat.errors import InputError
from qmlmat.operators.mappings import qubit_mapping
from qmlmat.operators.pauli import PauliSum
from qmlmat.systems import SpinSquare

SAMPLES = 16  # an FFT over a period of 4 pi: frequencies 0, 1/2, 1, ..., 4


def spectrum(circuit, angles, k, operator):
    """Frequencies of an expectation in the k-th angle, by FFT."""
    rows = np.tile(angles, (SAMPLES, 1))
    rows[:, k] += 4 * np.pi * np.arange(SAMPLES) / SAMPLES
    values = compile_qubit_circuit(circuit).expectations(rows, (operator,))[:, 0]
    strength = np.abs(np.fft.rfft(values)) / SAMPLES
    return {f / 2 for f in range(1, len(strength)) if strength[f] > 1e-10}


def assert_frequencies_suffice(ansatz, start, operator, rng):
    """The rule of each angle is exact for the frequencies that an FFT finds."""
    circuit, angles = start.then(ansatz.circuit), rng.normal(size=len(ansatz.rules))
    for k in rng.permutation(len(ansatz.rules))[:6]:
        rule = ansatz.rules[k]
        for frequency in spectrum(circuit, angles, k, operator):
            # of exp(i f x) at 0: the derivative is i f
            found = rule.weights @ np.exp(1j * frequency * rule.shifts)
            assert abs(found - 1j * frequency) < 1e-12


@pytest.mark.parametrize("template", TEMPLATES)
@settings(max_examples=3)
@given(data=st.data(), which=st.integers(0, N_MAPPINGS - 1), seed=st.integers(0, 2**32 - 1))
def test_the_rules_have_the_frequencies_of_the_energy_in_each_angle(template, data, which, seed):
    """Of every template on every mapping, by FFT of the energy over a period."""
    norb, nelec = data.draw(sectors(template))
    case = problem(template, norb, nelec, seed)
    mapping = mappings(norb, nelec)[which]
    ansatz = untied(case.circuit, mapping)
    start = reference_circuit(case.references[2], mapping, mapping.n_qubits)
    operator = case.observables[0].pauli_sum(mapping)
    assert_frequencies_suffice(ansatz, start, operator, np.random.default_rng(seed))


@settings(max_examples=8)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_rules_have_the_frequencies_of_every_qubit_gate(seed):
    """Controlled rotations among them: frequencies 1/2 and 1."""
    rng = np.random.default_rng(seed)
    circuit = random_circuit(rng, 3, 12, 2)
    first = QubitCircuit(3, tuple(QubitGate("h", (w,)) for w in range(3)))
    ansatz = untied(circuit, None)
    assert_frequencies_suffice(ansatz, first, random_sum(rng, 3), rng)


@settings(max_examples=8)
@given(case=problems(), which=st.integers(0, N_MAPPINGS - 1))
def test_an_untied_circuit_is_the_lowered_one(case, which):
    """At the angles that its parameters give, tied and scaled parameters included."""
    mapping = mappings(case.circuit.norb, case.circuit.nelec)[which]
    ansatz = untied(case.circuit, mapping)
    start = reference_circuit(case.references[2], mapping, mapping.n_qubits)
    plain = start.then(lower(case.circuit, mapping))
    angles = ansatz.angles(case.params)
    assert angles.shape == (2, len(case.circuit.gates))
    for row, params in zip(angles, case.params, strict=True):
        found = dense_state(start.then(ansatz.circuit), row)
        assert np.abs(found - dense_state(plain, params)).max() < 1e-13


@settings(max_examples=8)
@given(seed=st.integers(0, 2**32 - 1))
def test_an_untied_qubit_circuit_is_the_circuit(seed):
    """Offsets, scales and shared parameters included; fixed angles stay."""
    rng = np.random.default_rng(seed)
    circuit = random_circuit(rng, 3, 15, 3)
    ansatz, params = untied(circuit, None), rng.normal(size=3)
    found = dense_state(ansatz.circuit, ansatz.angles(params))
    assert np.abs(found - dense_state(circuit, params)).max() < 1e-13


def test_a_global_phase_needs_no_shift():
    """Its rule is empty, though its angle is free."""
    circuit = QubitCircuit(1, (QubitGate("gphase", (), Angle(0.0, 0)),), 1)
    assert len(untied(circuit, None).rules[0].shifts) == 0


@settings(max_examples=8)
@given(case=problems(("uccsd",)), which=st.integers(0, N_MAPPINGS - 1))
def test_reference_values_are_those_of_a_dense_matrix(case, which):
    """Superpositions with complex amplitudes, for H and S^2 on every mapping."""
    mapping = mappings(case.circuit.norb, case.circuit.nelec)[which]
    sums = tuple(one.pauli_sum(mapping) for one in case.observables)
    for reference in case.references:
        state = dense_state(reference_circuit(reference, mapping, mapping.n_qubits))
        expected = [np.vdot(state, one.matrix() @ state).real for one in sums]
        assert np.abs(reference_values(reference, mapping, sums) - expected).max() < 1e-12
        again = np.zeros_like(state)
        for mask, amplitude in encoded_terms(reference, mapping):
            bits = "".join(str(mask >> w & 1) for w in range(mapping.n_qubits))
            again[int(bits, 2)] = amplitude
        assert np.abs(again - state).max() < 1e-12


def test_bits_are_the_qubits_own_where_no_occupations_are_mapped():
    """Three qubits hold no spin orbitals of both spins: bits are taken as they are."""
    circuit, reference = QubitCircuit(3, ()), Reference.determinant("011")
    assert mapping_of(Preparation(circuit, reference), "parity") is None
    state = dense_state(reference_circuit(reference, None, 3))
    assert state[0b011] == 1
    values = reference_values(reference, None, (PauliSum.from_words({"ZII": 1.0, "IIZ": 2.0}),))
    assert values.tolist() == [-1.0]


def test_a_mapping_is_made_at_the_circuits_size():
    """By name, for fermionic circuits and for qubit circuits on spin orbitals."""
    fermionic = Ansatz("uccsd").circuit(2, (1, 1))
    reference = Reference.hartree_fock(2, (1, 1))
    for name in NAMES:
        for circuit in (fermionic, QubitCircuit(4, ())):
            found = mapping_of(Preparation(circuit, reference), name)
            assert found == qubit_mapping(name, 2)
    reduced = qubit_mapping("parity", 2, reduced_for=(1, 1))
    assert mapping_of(Preparation(QubitCircuit(2, ()), reference), reduced) is reduced


def test_mappings_of_another_size_are_refused_with_the_remedy():
    """For fermionic circuits, for qubit circuits, and by an unknown name."""
    reference = Reference.hartree_fock(2, (1, 1))
    fermionic = Preparation(Ansatz("uccsd").circuit(2, (1, 1)), reference)
    with pytest.raises(InputError, match=r"hamiltonian\.qubit_mapping"):
        mapping_of(fermionic, qubit_mapping("parity", 3))
    with pytest.raises(InputError, match="circuit on 6 qubits"):
        mapping_of(Preparation(QubitCircuit(4, ()), reference), qubit_mapping("parity", 3))
    with pytest.raises(InputError, match='Did you mean "parity"'):
        mapping_of(fermionic, "party")


def test_observables_that_do_not_fit_are_refused_with_the_remedy():
    """Other qubits, not Hermitian, without a mapping, or no observable at all."""
    mapping = qubit_mapping("jordan_wigner", 2)
    with pytest.raises(InputError, match="same mapping for both"):
        pauli_sum(PauliSum.from_words({"ZZ": 1.0}), mapping, 4)
    with pytest.raises(InputError, match="two parts apart"):
        pauli_sum(PauliSum.from_words({"ZZ": 1j}), None, 2)
    for observable, where in ((SpinSquare(2, (1, 1)), None), (object(), mapping)):
        with pytest.raises(InputError, match="Use a PauliSum on the circuit's qubits"):
            pauli_sum(observable, where, 4)


def test_a_reference_of_other_bits_is_refused_with_the_remedy():
    """Of another number of modes, or of another parity than a reduced mapping's."""
    reduced = qubit_mapping("parity", 2, reduced_for=(1, 1))
    with pytest.raises(InputError, match="Use 4 characters"):
        reference_circuit(Reference.determinant("101"), reduced, 2)
    with pytest.raises(InputError, match="one without reduction"):
        reference_circuit(Reference.determinant("1110"), reduced, 2)
