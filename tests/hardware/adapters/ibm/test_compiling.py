"""Circuits made ready for IBM: one layout, wires that are followed, refusals before the network."""

from dataclasses import replace

import numpy as np
import pytest
from ibm_tasks import ANGLES, PAIR, WORDS, counting, estimating, ibm_target, measured_circuit
from qiskit import QuantumCircuit

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.backends.qiskit.devices import fake_device, restricted
from qmlmat.backends.qiskit.transpiling import Transpiler
from qmlmat.backends.qubits.calibration import calibration_jobs
from qmlmat.backends.qubits.jobs import Batch, CountJob, Usage
from qmlmat.errors import CapabilityError, CorruptResultError, InputError
from qmlmat.hardware.adapters.base import Payload
from qmlmat.hardware.adapters.ibm.compiling import Compiler
from qmlmat.hardware.adapters.ibm.content import Content
from qmlmat.hardware.task import Sentinel, Task


def compiler(device: str = "manila", **tables) -> Compiler:
    return Compiler(target=ibm_target(**tables), device=fake_device(device))


def qubits_of(circuit: QuantumCircuit) -> set[int]:
    return {circuit.find_bit(q).index for item in circuit.data for q in item.qubits}


def gates_of(circuit: QuantumCircuit) -> list[tuple[str, list[int], str]]:
    return [
        (
            item.operation.name,
            [circuit.find_bit(q).index for q in item.qubits],
            str(item.operation.params),
        )
        for item in circuit.data
    ]


def triangle() -> QubitCircuit:
    """Every wire linked to every other: no layout on a line is without swaps."""
    gates = [QubitGate("ry", (w,), Angle(0.1, w)) for w in range(3)]
    gates += [QubitGate("cx", pair) for pair in ((0, 1), (1, 2), (0, 2))]
    return measured_circuit(QubitCircuit(3, tuple(gates), 3))


def test_all_circuits_of_a_task_stay_on_one_layout():
    """Also those with swaps, the folded, the sentinel's and the calibration's."""
    wide = CountJob(triangle(), np.zeros((2, 3)), 100)
    sentinel = Sentinel(
        CountJob(measured_circuit(), np.zeros((1, 1)), 100), np.array([1], np.uint64), WORDS, 0.0
    )
    calibrations = calibration_jobs(range(3), 100)
    programs = (wide, replace(wide, fold=3), *calibrations)
    task = Task(programs=programs, sentinel=sentinel, run="r", target={})
    payload = compiler().compile(task, None)
    content = Content.from_bytes(payload.content)
    assert len(payload.layout) == 3
    assert all(qubits_of(one) <= set(payload.layout) for one in content.circuits)
    assert all(one.num_qubits == 5 for one in content.circuits)
    for part, wires in zip(content.parts, payload.bit_qubits, strict=True):
        circuit = content.circuits[part.circuit]
        reads = {
            circuit.find_bit(item.clbits[0]).index: circuit.find_bit(item.qubits[0]).index
            for item in circuit.data
            if item.operation.name == "measure"
        }
        assert [reads[bit] for bit in range(part.n_bits)] == [payload.layout[w] for w in wires]


def test_circuits_on_physical_wires_are_put_there_as_they_are():
    """A readout calibration says of each wire of the layout how often it is read wrong."""
    task = Task(programs=tuple(calibration_jobs([1, 0], 100)), run="r", target={})
    payload = compiler().compile(task, [3, 2])
    content = Content.from_bytes(payload.content)
    assert payload.bit_qubits == ((1, 0), (1, 0))
    assert content.circuits[0].count_ops() == {"measure": 2}
    assert content.circuits[1].count_ops() == {"measure": 2, "x": 2}
    assert qubits_of(content.circuits[1]) == {2, 3}


def test_a_layout_that_is_passed_is_kept():
    """All tasks of a run use the layout of the first."""
    first = compiler().compile(counting("r"), None)
    second = compiler().compile(counting("r"), first.layout)
    assert second.layout == first.layout
    elsewhere = compiler().compile(counting("r"), [1, 0])
    assert elsewhere.layout == (1, 0)
    assert compiler(layout={"initial_layout": [1, 2]}).compile(counting("r"), None).layout == (1, 2)


def test_the_same_task_compiled_again_gives_the_same_circuits():
    """The transpiler has a seed."""
    one, two = (Content.from_bytes(compiler().compile(counting("r"), None).content) for _ in "ab")
    assert gates_of(one.circuits[0]) == gates_of(two.circuits[0])


def test_folding_multiplies_the_links():
    """A circuit folded three times has three times the two-qubit gates."""
    job = CountJob(measured_circuit(), ANGLES, 100)
    task = Task(programs=(job, replace(job, fold=3)), run="r", target={})
    content = Content.from_bytes(compiler().compile(task, None).content)
    one, three = (content.circuits[part.circuit].num_nonlocal_gates() for part in content.parts)
    assert one > 0
    assert three == 3 * one


def test_a_circuit_is_sent_once_with_all_its_points():
    """One PUB for a program, the parameters still free."""
    content = Content.from_bytes(compiler().compile(counting("r"), None).content)
    (pub,) = content.pubs()
    assert pub[0].num_parameters == 1
    assert np.allclose(pub[1].reshape(-1), ANGLES.reshape(-1))


def test_more_shots_are_a_circuit_repeated():
    """A job of IBM's has one number of shots."""
    task = Task(
        programs=(
            CountJob(measured_circuit(), ANGLES, 100),
            CountJob(measured_circuit(), ANGLES, 300),
        ),
        run="r",
        target={},
    )
    content = Content.from_bytes(compiler().compile(task, None).content)
    assert content.options["default_shots"] == 100
    assert [values.shape for _, values in content.pubs()] == [(3, 1, 1), (3, 3, 1)]


def test_a_circuit_without_angles_is_repeated_within_one_pub():
    """By an angle that does nothing: a job holds 80 PUBs or so."""
    flips = calibration_jobs([0, 1], 5000)[1]
    task = Task(programs=(flips, CountJob(measured_circuit(), ANGLES, 100)), run="r", target={})
    content = Content.from_bytes(compiler().compile(task, None).content)
    first, second = content.pubs()
    assert first[1].shape == (1, 40, 1)
    assert first[0].count_ops() == {"x": 2, "measure": 2, "rz": 1}
    assert second[1].shape == (3, 1, 1)


def test_observables_follow_their_wires():
    """Qubits end where the transpiler leaves them, and words are measured there."""
    payload = compiler(primitive="estimator").compile(estimating("r"), [2, 1])
    content = Content.from_bytes(payload.content)
    (_, operators, values), (part,) = content.pubs()[0], content.parts
    first, second = part.places
    label = operators[0].paulis[0].to_label()[::-1]
    assert {first, second} == {1, 2}
    assert (label[first], label[second]) == ("I", "Z")
    assert values.shape == (3, 1, 1)


def test_what_is_stored_is_what_is_read():
    """A payload goes through a file and back."""
    payload = compiler().compile(counting("r"), None)
    content = Content.from_bytes(Payload.from_bytes(payload.to_bytes()).content)
    assert content.to_bytes() == payload.content


def test_a_damaged_payload_is_not_sent():
    with pytest.raises(CorruptResultError, match="Restore the ledger's folder"):
        Content.from_bytes(compiler().compile(counting("r"), None).content[:-40])


def test_a_gate_that_the_device_does_not_take_is_refused_before_the_network():
    """The client's estimator lets such circuits through: the job would fail, and be billed."""
    made = compiler()
    foreign = Transpiler(
        device=restricted(fake_device("torino"), [0, 1]),  # has cz, where manila has cx
        optimization_level=1,
        seed=7,
        cache={},
        usage=Usage(),
    )
    made.transpilers[0, 1] = foreign
    with pytest.raises(CapabilityError, match="fractional_gates = false"):
        made.compile(counting("r"), [0, 1])


@pytest.mark.parametrize("programs", [(), (Batch(PAIR, ANGLES, (WORDS,), 10),)])
def test_programs_of_the_other_kind_are_refused(programs):
    with pytest.raises(CapabilityError, match="Change primitive"):
        compiler().compile(Task(programs=programs, run="r", target={}), None)


def test_a_layout_with_too_few_qubits_is_refused():
    with pytest.raises(InputError, match="one for each wire"):
        compiler().compile(counting("r"), [0])
