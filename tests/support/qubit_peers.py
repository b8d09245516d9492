"""Our qubit circuits in Qiskit and in PennyLane, gate by gate."""

from __future__ import annotations

import pennylane as qml
import qiskit
import qiskit.quantum_info

PENNYLANE = {
    "x": qml.X, "y": qml.Y, "z": qml.Z, "h": qml.Hadamard, "s": qml.S, "t": qml.T, "sx": qml.SX,
    "rx": qml.RX, "ry": qml.RY, "rz": qml.RZ, "p": qml.PhaseShift, "cx": qml.CNOT, "cy": qml.CY,
    "cz": qml.CZ, "ch": qml.CH, "crx": qml.CRX, "cry": qml.CRY, "crz": qml.CRZ,
    "cp": qml.ControlledPhaseShift, "swap": qml.SWAP,
}  # fmt: skip


def qiskit_state(circuit, params):
    """The state by Qiskit; its qubit 0 is the lowest bit of the index, ours the highest."""
    program = qiskit.QuantumCircuit(circuit.n_qubits)
    for gate in circuit.gates:
        angle = () if gate.angle is None else (gate.angle.value(params),)
        if gate.name == "barrier":
            program.barrier()
        elif gate.name == "gphase":
            program.global_phase += angle[0]
        else:
            getattr(program, gate.name)(*angle, *gate.wires)
    state = qiskit.quantum_info.Statevector(program).data.reshape((2,) * circuit.n_qubits)
    return state.transpose().reshape(-1)


def apply_pennylane(circuit, params):
    """Queue the circuit's gates; ``params`` may be traced."""
    for gate in circuit.gates:
        angle = None
        if gate.angle is not None:
            angle = gate.angle.offset
            if gate.angle.param is not None:
                angle = angle + gate.angle.scale * params[gate.angle.param]
        if gate.name == "barrier":
            qml.Barrier()
        elif gate.name == "gphase":
            qml.GlobalPhase(-angle)  # PennyLane's is exp(-i phi)
        elif gate.name in ("sdg", "tdg"):
            qml.adjoint(PENNYLANE[gate.name[0]](wires=gate.wires))
        elif angle is None:
            PENNYLANE[gate.name](wires=gate.wires)
        else:
            PENNYLANE[gate.name](angle, wires=gate.wires)
