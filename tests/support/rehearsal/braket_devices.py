"""Devices of the rehearsed Braket: what they say of themselves, and their noise."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise

_ROTATIONS = ["x", "y", "z", "h", "s", "si", "t", "ti", "v", "vi", "rx", "ry", "rz"]
_HEADER = "braket.device_schema"


@dataclass(frozen=True, kw_only=True)
class Device:
    """One of Braket's devices."""

    arn: str
    name: str
    provider: str
    n_qubits: int
    gates: tuple[str, ...]
    """What the action's ``supportedOperations`` say."""
    capabilities: str
    """Name of the schema of its capabilities."""
    sets: tuple[int, int] | None = None
    """Most executables and shots of a program set."""
    one: float = 0.0
    """Depolarising probability after a gate of one qubit."""
    two: float = 0.0
    """Likewise of two qubits."""
    readout: float = 0.0
    """Probability that a bit is read wrong."""
    price: tuple[float, float] = (0.0, 0.0)
    """Of a quantum task and of a shot (US dollars)."""

    @property
    def is_simulator(self):
        return self.provider == "Amazon Braket"

    def answer(self):
        """Return what ``GetDevice`` answers."""
        return {
            "deviceArn": self.arn,
            "deviceName": self.name,
            "providerName": self.provider,
            "deviceType": "SIMULATOR" if self.is_simulator else "QPU",
            "deviceStatus": "ONLINE",
            "deviceCapabilities": json.dumps(self._capabilities()),
        }

    def refuses(self, given):
        """Return why a request is refused, or nothing."""
        action = json.loads(given["action"])
        is_set = action["braketSchemaHeader"]["name"] == "braket.ir.openqasm.program_set"
        if not is_set:
            return None
        if self.sets is None:
            return "the device does not support program sets"
        lengths = [
            max((len(values) for values in (one.get("inputs") or {}).values()), default=1)
            for one in action["programs"]
        ]
        if sum(lengths) > self.sets[0] or given["shots"] > self.sets[1]:
            return "the program set is too large"
        if given["shots"] % sum(lengths):
            return "shots are no multiple of the number of executables"
        return None

    def cost(self, shots):
        """Return what a quantum task costs (US dollars)."""
        return self.price[0] + shots * self.price[1]

    def _capabilities(self):
        actions = {
            "braket.ir.openqasm.program": {
                "actionType": "braket.ir.openqasm.program",
                "version": ["1"],
                "supportedOperations": list(self.gates),
                "supportedResultTypes": [],
            }
        }
        if self.sets:
            actions["braket.ir.openqasm.program_set"] = {
                "actionType": "braket.ir.openqasm.program_set",
                "version": ["1"],
                "maximumExecutables": self.sets[0],
                "maximumTotalShots": self.sets[1],
            }
        tree = {
            "braketSchemaHeader": {"name": f"{_HEADER}.{self.capabilities}", "version": "1"},
            "service": {
                "braketSchemaHeader": {
                    "name": f"{_HEADER}.device_service_properties",
                    "version": "1",
                },
                "executionWindows": [
                    {
                        "executionDay": "Everyday",
                        "windowStartHour": "00:00",
                        "windowEndHour": "23:59",
                    }
                ],
                "shotsRange": [1, 100_000 if self.is_simulator else 20_000],
                "updatedAt": "2026-11-20T06:00:00+00:00",
            },
            "action": actions,
            "deviceParameters": {},
        }
        return tree | (self._simulator() if self.is_simulator else self._processor())

    def _simulator(self):
        return {
            "paradigm": {
                "braketSchemaHeader": {
                    "name": f"{_HEADER}.simulators.gate_model_simulator_paradigm_properties",
                    "version": "1",
                },
                "qubitCount": self.n_qubits,
            }
        }

    def _processor(self):
        qubits = [str(k) for k in range(1, self.n_qubits + 1)]
        time = {"value": 30e-6, "standardError": None, "unit": "s"}
        header = {"version": "1"}
        paradigm = {
            "braketSchemaHeader": header
            | {"name": f"{_HEADER}.gate_model_qpu_paradigm_properties"},
            "qubitCount": self.n_qubits,
            "nativeGateSet": ["prx", "cz"] if self.provider == "IQM" else ["GPI", "ZZ"],
            "connectivity": {"fullyConnected": False, "connectivityGraph": {}},
        }
        if self.provider == "IonQ":
            means = {"1Q": 1 - self.one, "2Q": 1 - self.two, "spam": 1 - self.readout}
            provider = {
                "braketSchemaHeader": header | {"name": f"{_HEADER}.ionq.ionq_provider_properties"},
                "fidelity": {name: {"mean": value} for name, value in means.items()},
                "timing": {"T1": 100.0, "T2": 1.0},
            }
            return {"paradigm": paradigm, "provider": provider}
        read = [{"fidelityType": {"name": "READOUT"}, "fidelity": 1 - self.readout}]
        link = [
            {
                "gateName": self.gates[-1].upper(),
                "fidelity": 1 - self.two,
                "fidelityType": {"name": "INTERLEAVED_RANDOMIZED_BENCHMARKING"},
            }
        ]
        return {
            "paradigm": paradigm,
            "provider": None,
            "standardized": {
                "braketSchemaHeader": header
                | {"name": f"{_HEADER}.standardized_gate_model_qpu_device_properties"},
                "oneQubitProperties": {
                    q: {"T1": time, "T2": time, "oneQubitFidelity": read} for q in qubits
                },
                "twoQubitProperties": {
                    f"{a}-{b}": {"twoQubitGateFidelity": link} for a, b in pairwise(qubits)
                },
            },
        }


DEVICES = (
    Device(
        arn="arn:aws:braket:::device/quantum-simulator/amazon/sv1",
        name="SV1",
        provider="Amazon Braket",
        n_qubits=34,
        gates=(*_ROTATIONS, "cnot", "cy", "cz", "swap", "phaseshift", "cphaseshift", "gphase"),
        capabilities="simulators.gate_model_simulator_device_capabilities",
    ),
    Device(
        arn="arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet",
        name="Garnet",
        provider="IQM",
        n_qubits=20,
        gates=(*_ROTATIONS, "cnot", "cy", "swap", "phaseshift", "cphaseshift", "prx", "cz"),
        capabilities="iqm.iqm_device_capabilities",
        sets=(100, 100_000),
        one=0.001,
        two=0.008,
        readout=0.03,
        price=(0.30, 0.00145),
    ),
    Device(
        arn="arn:aws:braket:us-east-1::device/qpu/ionq/Forte-1",
        name="Forte 1",
        provider="IonQ",
        n_qubits=36,
        gates=(*_ROTATIONS, "swap", "xx", "yy", "cnot"),
        capabilities="ionq.ionq_device_capabilities",
        sets=(100, 1_000_000),
        one=0.0003,
        two=0.005,
        readout=0.005,
        price=(0.30, 0.08),
    ),
)


def named(arn):
    """Return the device of an ARN, or nothing."""
    return next((device for device in DEVICES if device.arn == arn), None)
