"""Gates and depth of circuits after transpilation to a device."""

from __future__ import annotations

from qiskit import QuantumCircuit
from qiskit.providers import BackendV2
from qiskit.transpiler import generate_preset_pass_manager

from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.ansatz.resources import Resources
from qmlmat.backends.qiskit.circuits import to_qiskit
from qmlmat.errors import InputError

_NO_GATES = frozenset({"barrier", "delay", "measure", "reset"})


def transpiled_resources(
    circuit: QubitCircuit, device: BackendV2, *, seed: int, optimization_level: int = 3
) -> Resources:
    """Return what a circuit costs in a device's own gates, between linked qubits only.

    Args:
        circuit: The circuit; its parameters stay free.
        device: The device, e.g. ``devices.fake_device("fez")``.
        seed: Seed of the transpiler's choices.
        optimization_level: Qiskit's, from 0 to 3.

    Raises:
        InputError: If the device has too few qubits.
    """
    if circuit.n_qubits > device.num_qubits:
        raise InputError(
            f"transpiled_resources: {circuit.n_qubits} qubits on {device.name}, which has "
            f"{device.num_qubits}. Use a larger device, or a mapping with fewer qubits."
        )
    manager = generate_preset_pass_manager(
        optimization_level=optimization_level, backend=device, seed_transpiler=seed
    )
    found = manager.run(to_qiskit(circuit))
    return counted(found, n_params=circuit.n_params)


def counted(circuit: QuantumCircuit, *, n_params: int | None = None) -> Resources:
    """Return what one of Qiskit's circuits costs; qubits that nothing acts on do not count.

    Args:
        circuit: The circuit.
        n_params: Number of parameters; those of the circuit by default.
    """
    gates = [
        tuple(circuit.find_bit(qubit).index for qubit in item.qubits)
        for item in circuit.data
        if item.operation.name not in _NO_GATES and item.qubits
    ]
    used = {wire for wires in gates for wire in wires}
    count = circuit.num_parameters if n_params is None else n_params
    return Resources.of_gates(gates, n_params=count, n_qubits=len(used))
