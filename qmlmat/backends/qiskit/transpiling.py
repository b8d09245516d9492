"""Circuits made ready for a device: transpiled once, and folded in the device's own gates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from qiskit import QuantumCircuit
from qiskit.transpiler import generate_preset_pass_manager

from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.backends.qiskit.circuits import to_qiskit
from qmlmat.backends.qubits.jobs import Usage
from qmlmat.errors import InputError

SIMULATED_BASIS: Final = ("x", "y", "z", "h", "s", "sdg", "sx", "rx", "ry", "rz", "p", "cx", "cz")
"""Gates for primitives that name no device: every simulator has them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Transpiler:
    """Makes circuits ready for one device, each once."""

    device: Any
    """A ``BackendV2``; ``None`` for a plain gate set without connectivity."""
    optimization_level: int
    """Of Qiskit's transpiler, 0 to 3."""
    seed: int
    """Seed of Qiskit's transpiler."""
    cache: dict[Any, Any]
    """Circuits made ready so far."""
    usage: Usage
    """Counts what is transpiled."""
    initial_layout: tuple[int, ...] | None = None
    """The device's qubits, by wire; chosen by Qiskit where ``None``."""

    def ready(self, circuit: QubitCircuit, *, is_physical: bool = False) -> QuantumCircuit:
        """Return a circuit as the device runs it, transpiled at first use.

        Args:
            circuit: The circuit.
            is_physical: Whether its wires are the device's own qubits.

        Raises:
            InputError: If the device has too few qubits.
        """
        key = (circuit, is_physical)
        if key not in self.cache:
            self.cache[key] = self._transpile(circuit, is_physical=is_physical)
            self.usage.n_transpiled += 1
        return self.cache[key]

    def _transpile(self, circuit: QubitCircuit, *, is_physical: bool) -> QuantumCircuit:
        device = self.device
        plain = to_qiskit(circuit)
        known = getattr(device, "num_qubits", None)
        if known is not None and known < circuit.n_qubits:
            raise InputError(
                f"QiskitBackend: the circuit has {circuit.n_qubits} qubits, the device "
                f"{known}. Use a larger device, or a reduced or tapered mapping."
            )
        basis = _plain_basis(device)
        if basis:
            manager = generate_preset_pass_manager(
                optimization_level=0 if is_physical else min(self.optimization_level, 1),
                basis_gates=basis,
                seed_transpiler=self.seed,
            )
            return manager.run(plain)
        places = range(circuit.n_qubits) if is_physical else self.initial_layout
        manager = generate_preset_pass_manager(
            optimization_level=0 if is_physical else self.optimization_level,
            backend=device,
            initial_layout=None if places is None else list(places)[: circuit.n_qubits],
            seed_transpiler=self.seed,
        )
        return manager.run(plain)

    def folded(self, circuit: QubitCircuit, factor: int) -> QuantumCircuit:
        """Return a transpiled circuit folded, in the device's own gates and on the same qubits."""
        key = (circuit, factor)
        if factor == 1:
            return self.ready(circuit)
        if key not in self.cache:
            self.cache[key] = self._fold(self.ready(circuit), factor)
        return self.cache[key]

    def _fold(self, measured: QuantumCircuit, factor: int) -> QuantumCircuit:
        there, reads = measured.copy_empty_like(), []
        for instruction in measured.data:
            if instruction.operation.name == "measure":
                reads.append(instruction)
            elif instruction.operation.name != "barrier":
                there.append(instruction)
        back = there.inverse()
        whole = there.copy()
        for _ in range((factor - 1) // 2):
            for part in (back, there):
                whole.barrier()
                whole.compose(part, inplace=True)
        device = self.device
        # Inverses such as sxdg in the device's gates, nothing else.
        basis = _plain_basis(device)
        manager = generate_preset_pass_manager(
            optimization_level=0,
            backend=None if basis else device,
            basis_gates=basis or None,
            initial_layout=None if basis else list(range(whole.num_qubits)),
            seed_transpiler=self.seed,
        )
        whole = manager.run(whole)
        whole.barrier()
        for instruction in reads:
            whole.append(instruction)
        return whole


def _plain_basis(device: Any) -> list[str]:  # noqa: ANN401 (Qiskit's)
    """Return the gates for a simulator without connectivity; none where a device has its own.

    Never those of a bare ``AerSimulator``: it names gates, such as ``rzx``, whose free angles it
    then does not bind, and 30 qubits to which circuits would be padded.
    """
    if device is None:
        return list(SIMULATED_BASIS)
    if getattr(device, "coupling_map", None) is not None:
        return []
    known = [name for name in SIMULATED_BASIS if name in device.operation_names]
    return known if {"rz", "sx"} <= set(known) and {"cx", "cz"} & set(known) else []
