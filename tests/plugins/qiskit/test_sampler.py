"""Samples of a sector of the electrons, against exact probabilities and Qiskit's containers."""

from __future__ import annotations

import numpy as np
import pytest
from conserving import random_circuit
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.circuit.library import XXPlusYYGate
from qiskit.primitives import StatevectorSampler
from qiskit.quantum_info import Statevector
from scipy.stats import chisquare

from qmlmat.errors import CapabilityError
from qmlmat.plugins.qiskit import SectorSampler, primitives

ORDERS = (None, "blocked", "interleaved")


def registers(angle=0.9) -> QuantumCircuit:
    """Two electrons on five qubits, three of them measured, to registers of 1 and of 9 bits."""
    qubits = QuantumRegister(5)
    one, many = ClassicalRegister(1, "one"), ClassicalRegister(9, "many")
    circuit = QuantumCircuit(qubits, one, many, metadata={"made": "here"})
    circuit.x([0, 3])
    for p, q in ((0, 1), (3, 4), (1, 2), (2, 4)):
        circuit.append(XXPlusYYGate(angle), [p, q])
    circuit.measure(2, one[0])
    circuit.measure(0, many[8])
    circuit.barrier()
    circuit.measure(4, many[1])
    return circuit


def counted(result) -> dict[str, int]:
    """Counts of all registers joined, as keys "many one"."""
    pairs = zip(result.data.many.get_bitstrings(), result.data.one.get_bitstrings(), strict=True)
    found: dict[str, int] = {}
    for pair in pairs:
        found[" ".join(pair)] = found.get(" ".join(pair), 0) + 1
    return found


def test_results_look_like_those_of_qiskit():
    """One BitArray for each register, of the same shape, and the same metadata."""
    free = registers(Parameter("a"))
    pubs = [registers(), (free, [[0.1], [0.2], [0.3]]), (free, np.zeros((2, 3, 1)), 7)]
    theirs = StatevectorSampler(seed=1).run(pubs, shots=20).result()
    ours = SectorSampler(seed=1).run(pubs, shots=20).result()
    assert (type(ours), ours.metadata) == (type(theirs), theirs.metadata)
    for one, two in zip(theirs, ours, strict=True):
        assert (type(two), two.metadata, two.data.shape) == (
            type(one),
            one.metadata,
            one.data.shape,
        )
        assert list(two.data) == list(one.data) == ["one", "many"]
        for name in two.data:
            a, b = one.data[name], two.data[name]
            assert (a.shape, a.num_bits, a.num_shots) == (b.shape, b.num_bits, b.num_shots)
            assert (a.array.shape, a.array.dtype) == (b.array.shape, b.array.dtype)


def test_some_qubits_measured_to_several_registers_have_their_joint_probabilities():
    """Chi-square of the registers' joint counts; bits that nothing writes are 0."""
    circuit = registers()
    exact = Statevector(circuit.remove_final_measurements(inplace=False)).probabilities([0, 2, 4])
    counts = counted(SectorSampler(seed=3).run([circuit], shots=20000).result()[0])
    expected = {
        f"{k & 1}000000{k >> 2}0 {k >> 1 & 1}": 20000 * p for k, p in enumerate(exact) if p > 1e-12
    }
    assert set(counts) <= set(expected)
    keys = sorted(expected)
    test = chisquare([counts.get(k, 0) for k in keys], [expected[k] for k in keys])
    assert test.pvalue > 1e-3  # seeded


@pytest.mark.parametrize("order", ORDERS)
def test_counts_follow_the_probabilities_of_random_circuits(order):
    """Chi-square over all determinants with at least five expected counts, and all others."""
    rng = np.random.default_rng(4)
    circuit = random_circuit(rng, 6, order, 2).assign_parameters([0.4, -1.2])
    exact = Statevector(circuit).probabilities_dict()
    circuit.measure_all()
    shots = 10000
    counts = SectorSampler(spin_order=order, seed=7).run([circuit], shots=shots).result()[0]
    found = counts.data.meas.get_counts()
    assert sum(found.values()) == shots
    assert all(key.count("1") == 3 for key in found)
    large = [key for key, p in exact.items() if p * shots >= 5]
    observed = [found.get(key, 0) for key in large]
    expected = [shots * exact[key] for key in large]
    test = chisquare(
        [*observed, shots - sum(observed) + 1e-9], [*expected, shots - sum(expected) + 1e-9]
    )
    assert test.pvalue > 1e-3  # seeded


def test_the_same_seed_gives_the_same_counts(monkeypatch):
    """Whatever the number of points simulated together; another seed gives others."""
    circuit = registers(Parameter("a"))
    pub = (circuit, np.linspace(0, 1, 5)[:, None])
    first = SectorSampler(seed=5).run([pub]).result()[0].data
    monkeypatch.setattr(primitives, "_MAX_AMPLITUDES", 1)
    second = SectorSampler(seed=5).run([pub]).result()[0].data
    third = SectorSampler(seed=6).run([pub]).result()[0].data
    assert (first.many.array == second.many.array).all()
    assert (first.one.array == second.one.array).all()
    assert not (first.many.array == third.many.array).all()


def test_default_shots_hold_where_no_others_are_named():
    """As in Qiskit: a PUB's own shots, then the call's, then the sampler's."""
    sampler = SectorSampler(default_shots=11, seed=2)
    assert (sampler.default_shots, sampler.seed) == (11, 2)
    pubs = [registers(), (registers(), None, 3)]
    assert [r.data.one.num_shots for r in sampler.run(pubs).result()] == [11, 3]
    assert [r.data.one.num_shots for r in sampler.run(pubs, shots=5).result()] == [5, 3]


def test_a_bit_written_twice_keeps_the_last_measurement():
    """Measurements stand at the end, in their order."""
    circuit = QuantumCircuit(2, 1)
    circuit.x(1)
    circuit.measure(0, 0)
    circuit.measure(1, 0)
    counts = SectorSampler().run([circuit], shots=9).result()[0].data.c.get_counts()
    assert counts == {"1": 9}


def test_a_circuit_without_classical_bits_warns_as_in_qiskit():
    """Its result is empty, which nobody wants."""
    circuit = QuantumCircuit(2)
    circuit.x(0)
    with pytest.warns(UserWarning, match=r"measure_all\(\)"):
        (found,) = SectorSampler().run([circuit]).result()
    assert len(found.data) == 0


def test_a_measurement_that_another_overwrites_is_one_all_the_same():
    """What acts on its qubit later acts on a collapsed state."""
    circuit = QuantumCircuit(3, 2)
    circuit.x(0)
    circuit.append(XXPlusYYGate(np.pi / 2), [0, 1])
    circuit.measure(0, 0)
    circuit.measure(2, 0)
    circuit.append(XXPlusYYGate(np.pi / 2), [0, 1])
    circuit.measure(1, 1)
    with pytest.raises(CapabilityError, match="comes after a measurement of qubit 0"):
        SectorSampler().run([circuit]).result()
