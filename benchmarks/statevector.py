"""The statevector simulator beside PennyLane's: ``python -m benchmarks.statevector [--quick]``.

A quantum neural network over a batch of data (layers of RY encodings, RZ RY RZ rotations, a ring of
CNOTs) against default.qubit with backpropagation through PyTorch; and single circuits of Pauli
exponentials as in unitary coupled cluster, value and gradient, against lightning.qubit's adjoint
sweep. One thread; each row the median of a few repetitions after a first call, with the largest
difference of the numbers. PennyLane gives lightning.qubit's numbers to PyTorch as float32.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pennylane as qml
import torch
from pennylane.measurements import MeasurementProcess

import qmlmat as qm
from qmlmat.ansatz.lowering import lower
from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.backends.statevector_program import compile_qubit_circuit
from qmlmat.operators.mappings import qubit_mapping
from qmlmat.operators.pauli import PauliSum

PENNYLANE = {
    "x": qml.X, "y": qml.Y, "z": qml.Z, "h": qml.Hadamard, "s": qml.S, "sdg": qml.adjoint(qml.S),
    "cx": qml.CNOT, "cy": qml.CY, "cz": qml.CZ, "ch": qml.CH, "rx": qml.RX, "ry": qml.RY,
    "rz": qml.RZ, "p": qml.PhaseShift, "crx": qml.CRX, "cry": qml.CRY, "crz": qml.CRZ,
    "cp": qml.ControlledPhaseShift,
}  # fmt: skip
"""The gates of these circuits."""


@dataclass(frozen=True)
class Row:
    """One workload."""

    what: str
    """What was computed, against whom."""
    ours: float
    """Time of qmlmat, by sample or circuit (ms)."""
    theirs: float
    """Time of the other program (ms)."""
    difference: float
    """Largest difference between the numbers of both."""

    def text(self) -> str:
        """Return the row as it is printed."""
        return (
            f"{self.what:58} {self.ours:9.4f} {self.theirs:10.3f} {self.theirs / self.ours:7.1f}x "
            f"{self.difference:9.1e}"
        )


def milliseconds(call: Callable[[], object], repetitions: int) -> float:
    """Return the median time of a call after a first one."""
    call()
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def network(n_qubits: int, n_layers: int) -> QubitCircuit:
    """Return the network; its first ``n_qubits`` parameters are the data."""
    gates, n_params = [], n_qubits
    for _ in range(n_layers):
        gates += [QubitGate("ry", (w,), Angle(0.0, w)) for w in range(n_qubits)]
        for wire in range(n_qubits):
            for name in ("rz", "ry", "rz"):
                gates.append(QubitGate(name, (wire,), Angle(0.0, n_params)))
                n_params += 1
        gates += [QubitGate("cx", (w, (w + 1) % n_qubits)) for w in range(n_qubits)]
    return QubitCircuit(n_qubits, tuple(gates), n_params)


def network_rows(n_data: int, repetitions: int) -> list[Row]:
    """Time the network's values, and values with all gradients by sample."""
    circuit, rng = network(6, 10), np.random.default_rng(0)
    data, weights = rng.normal(size=(n_data, 6)), rng.normal(size=circuit.n_params - 6)
    params = np.concatenate([data, np.tile(weights, (n_data, 1))], axis=1)
    first, program = PauliSum.from_words({"ZIIIII": 1.0}), compile_qubit_circuit(circuit)

    def network_node(device: str, method: str) -> qml.QNode:
        @qml.qnode(qml.device(device, wires=6), interface="torch", diff_method=method)
        def node(inputs: torch.Tensor, angles: torch.Tensor) -> MeasurementProcess:
            for gate in circuit.gates:
                if gate.angle is None:
                    PENNYLANE[gate.name](wires=gate.wires)
                    continue
                param = gate.angle.param or 0
                angle = inputs[..., param] if param < 6 else angles[param - 6]
                PENNYLANE[gate.name](angle, wires=gate.wires)
            return qml.expval(qml.Z(0))

        return node

    node, lightning = (
        network_node(*names)
        for names in (("default.qubit", "backprop"), ("lightning.qubit", "adjoint"))
    )
    tensors = torch.tensor(data, requires_grad=True), torch.tensor(weights, requires_grad=True)

    def both() -> np.ndarray:
        for tensor in tensors:
            tensor.grad = None
        node(*tensors).sum().backward()
        return np.concatenate([tensor.grad.numpy().ravel() for tensor in tensors])

    def value() -> np.ndarray:
        with torch.no_grad():
            return node(*tensors).numpy()

    values, gradient = program.value_and_gradient(params, (first,))
    sums = np.concatenate([gradient[:, 0, :6].ravel(), gradient[:, 0, 6:].sum(axis=0)])
    rows = []
    for what, ours, theirs, difference in (
        ("value", lambda: program.expectations(params, (first,)), value, values[:, 0] - value()),
        ("value and gradient", lambda: program.value_and_gradient(params, (first,)), both,
         sums - both()),
    ):  # fmt: skip
        rows.append(
            Row(
                f"network, 6 qubits, 10 layers, batch {n_data}: {what}",
                milliseconds(ours, repetitions) / n_data,
                milliseconds(theirs, max(1, repetitions // 3)) / n_data,
                float(np.abs(difference).max()),
            )
        )
    few, angles = torch.tensor(data[:5], requires_grad=True), tensors[1]

    def one_by_one() -> np.ndarray:
        few.grad = None
        sum(lightning(row, angles) for row in few).backward()
        return few.grad.numpy()

    rows.append(
        Row(
            "the same, lightning.qubit adjoint, one by one",
            rows[-1].ours,
            milliseconds(one_by_one, 1) / len(few),
            float(np.abs(gradient[:5, 0, :6] - one_by_one()).max()),
        )
    )
    return rows


def cluster_row(norb: int, nelec: tuple[int, int], repetitions: int) -> Row:
    """Time energy and gradient of a lowered ``uccsd`` with a random sum of hundreds of words."""
    rng, n_qubits = np.random.default_rng(0), 2 * norb
    lowered = lower(qm.Ansatz("uccsd").circuit(norb, nelec), qubit_mapping("jordan_wigner", norb))
    start = tuple(
        QubitGate("x", (w,)) for s in (0, 1) for w in range(s * norb, s * norb + nelec[s])
    )
    circuit = QubitCircuit(n_qubits, start + lowered.gates, lowered.n_params)
    words = rng.integers(0, 1 << n_qubits, (2, 300), dtype=np.uint64)
    observable = PauliSum.collected(n_qubits, words[0] & 31, words[1], rng.normal(size=300))
    coefficients, letters = zip(*[(c.real, w) for w, c in observable.words()], strict=True)
    terms = [qml.pauli.string_to_pauli_word(word) for word in letters]

    @qml.qnode(qml.device("lightning.qubit", wires=n_qubits), diff_method="adjoint")
    def node(angles: torch.Tensor) -> MeasurementProcess:
        for gate in circuit.gates:
            angle = gate.angle
            if gate.name == "gphase":
                continue  # no expectation depends on it
            if angle is None:
                PENNYLANE[gate.name](wires=gate.wires)
            else:
                value = angle.offset + (
                    0.0 if angle.param is None else angle.scale * angles[angle.param]
                )
                PENNYLANE[gate.name](value, wires=gate.wires)
        return qml.expval(qml.Hamiltonian(coefficients, terms))

    params = rng.normal(size=circuit.n_params)
    program = compile_qubit_circuit(circuit)
    angles = torch.tensor(params, requires_grad=True)

    def theirs() -> np.ndarray:
        angles.grad = None
        node(angles).backward()
        return angles.grad.numpy()

    _, gradient = program.value_and_gradient(params[None], (observable,))
    return Row(
        f"uccsd, {n_qubits} qubits, {len(circuit.gates)} gates: energy and gradient",
        milliseconds(lambda: program.value_and_gradient(params[None], (observable,)), repetitions),
        milliseconds(theirs, max(1, repetitions // 3)),
        float(np.abs(gradient[0, 0] - theirs()).max()),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small batch, one circuit")
    quick = parser.parse_args(arguments).quick
    torch.set_num_threads(1)
    qm.set_num_threads(1)
    print(f"{'':58} {'ours, ms':>9} {'theirs, ms':>10} {'ratio':>8} {'difference':>9}")
    rows = network_rows(50 if quick else 2000, 3 if quick else 9)
    for row in rows:
        print(row.text())
    for norb, nelec in ((4, (2, 2)),) if quick else ((4, (2, 2)), (6, (3, 3))):
        print(cluster_row(norb, nelec, 9).text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
