"""Fake devices: found by name, restricted to some qubits with the same noise."""

import sys

import numpy as np
import pytest
from qiskit import QuantumCircuit, generate_preset_pass_manager
from qiskit.transpiler import InstructionProperties
from qiskit_aer import AerSimulator

from qmlmat.backends.qiskit.devices import NoisySampler, best_qubits, fake_device, restricted
from qmlmat.errors import InputError, MissingExtraError


def noisy_probabilities(circuit, device):
    """Probabilities of the qubits' states from a density matrix with the device's noise."""
    simulator = AerSimulator.from_backend(device, method="density_matrix")
    circuit = circuit.copy()
    circuit.save_density_matrix()
    return np.real(np.diag(simulator.run(circuit).result().data()["density_matrix"]))


@pytest.mark.parametrize("name", ["manila", "fake_manila", "FakeManilaV2", "Fake Manila"])
def test_a_device_is_found_by_any_spelling_of_its_name(name):
    """The snapshot of a five-qubit device."""
    device = fake_device(name)
    assert (device.name, device.num_qubits) == ("fake_manila", 5)


def test_an_unknown_name_and_a_missing_package_are_answered_with_the_remedy(monkeypatch):
    """The nearest name; what to install."""
    with pytest.raises(InputError, match='Did you mean "manila"'):
        fake_device("manilla")
    monkeypatch.setitem(sys.modules, "qiskit_ibm_runtime", None)
    with pytest.raises(MissingExtraError, match=r'pip install "qmlmat\[ibm\]"'):
        fake_device("manila")


def test_a_restricted_device_has_the_same_noise():
    """Three qubits of five, in another order: exact probabilities agree with the whole device."""
    device, qubits = fake_device("manila"), [3, 1, 2]
    part = restricted(device, qubits)
    assert part.num_qubits == 3
    assert {tuple(sorted(edge)) for edge in part.coupling_map} == {(0, 2), (1, 2)}
    assert part.target["cx"][(2, 0)] == device.target["cx"][(2, 3)]
    assert part.target.qubit_properties[0].t1 == device.target.qubit_properties[3].t1
    circuit = QuantumCircuit(3)
    circuit.sx(0)
    circuit.cx(0, 2)
    circuit.sx(1)
    circuit.cx(2, 1)
    whole = QuantumCircuit(5)
    whole.compose(circuit, qubits, inplace=True)
    expected = noisy_probabilities(whole, device).reshape((2,) * 5)  # qubit 4 first
    kept = [4 - q for q in reversed(qubits)]
    rest = tuple(axis for axis in range(5) if axis not in kept)
    summed = expected.sum(axis=rest)
    order = np.argsort(np.argsort(kept))
    assert (
        np.abs(noisy_probabilities(circuit, part) - summed.transpose(order).ravel()).max() < 1e-12
    )


def test_a_restricted_large_device_runs():
    """Two of 156 qubits: the noise shows, and nothing else is simulated."""
    device = fake_device("fez")
    part = restricted(device, best_qubits(device, 2))
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    circuit = generate_preset_pass_manager(1, backend=part, seed_transpiler=1).run(circuit)
    counts = part.run(circuit, shots=4000, seed_simulator=1).result().get_counts()
    assert sum(counts.values()) == 4000
    assert 0 < 4000 - counts["00"] - counts["11"] < 200


def test_the_best_qubits_are_linked_and_better_than_the_first_ones():
    """Smaller errors than those of the first qubits of the device, and one piece."""
    device = fake_device("fez")
    chosen = best_qubits(device, 6)
    assert restricted(device, chosen).coupling_map.is_connected()
    assert best_qubits(fake_device("manila"), 5) == [0, 1, 2, 3, 4]

    def readout(qubits):
        return sum(device.target["measure"][(q,)].error for q in qubits)

    assert readout(chosen) < readout(range(6))


def test_broken_links_link_nothing():
    """Providers write an error of 1 for them."""
    device = fake_device("manila")
    for pair in ((1, 2), (2, 1)):
        device.target.update_instruction_properties("cx", pair, InstructionProperties(error=1.0))
    assert best_qubits(device, 3) == [2, 3, 4]
    with pytest.raises(InputError, match="no so many working ones are linked"):
        best_qubits(device, 4)


def test_qubits_that_are_not_there_are_refused():
    """Twice the same, outside, too many."""
    device = fake_device("manila")
    for qubits in ([1, 1], [5], [-1], [], [0.5]):
        with pytest.raises(InputError, match="each once"):
            restricted(device, qubits)
    for n_qubits, remedy in ((6, "Use a larger device"), (0, "Use a larger"), (2.5, "a whole")):
        with pytest.raises(InputError, match=remedy):
            best_qubits(device, n_qubits)


def test_circuits_of_one_job_are_drawn_independently():
    """Also those with different numbers of shots, which Aer runs apart with one seed."""
    device = restricted(fake_device("manila"), [0])
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.measure_all()
    ready = generate_preset_pass_manager(1, backend=device).run(circuit)
    sampler = NoisySampler(device, seed=1)
    means = []
    for _ in range(40):
        answers = sampler.run([(ready, None, 400), (ready, None, 401), (ready, None, 400)]).result()
        means.append([answer.data.meas.array.mean() for answer in answers])
    correlation = np.corrcoef(np.transpose(means))
    # Three standard errors of a correlation of 40 independent pairs.
    assert np.abs(correlation - np.eye(3)).max() < 3 / np.sqrt(40)
