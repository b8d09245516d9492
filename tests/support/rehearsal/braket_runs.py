"""Runs what a quantum task holds on Braket's own simulator, with a device's noise."""

from __future__ import annotations

import json
import re
import threading

import numpy as np
from braket.default_simulator import DensityMatrixSimulator, StateVectorSimulator
from braket.ir.openqasm import Program, ProgramSet

_LOCK = threading.Lock()
"""Braket's simulator runs in numba, which bears no two threads at once."""
_GATE = re.compile(r"^([a-z]\w*)(\(.*\))? (q\[\d+\](?:, q\[\d+\])*);$")
_MEASURE = re.compile(r"^b\[\d+\] = measure (q\[\d+\]);$")


def action_of(given):
    """Return the program or program set of a request."""
    tree = json.loads(given["action"])
    is_set = tree["braketSchemaHeader"]["name"] == "braket.ir.openqasm.program_set"
    return (ProgramSet if is_set else Program).parse_obj(tree)


def run_action(action, shots, device, job):
    """Return the result in Braket's schema; the job's number is the seed."""
    with _LOCK:
        np.random.seed(job.number)  # noqa: NPY002 (Braket's simulator draws from it)
        is_noisy = bool(device.one or device.two or device.readout)
        simulator = DensityMatrixSimulator() if is_noisy else StateVectorSimulator()
        result = simulator.run(_noisy(action, device) if is_noisy else action, shots=shots)
    if isinstance(action, ProgramSet):
        return result.copy(
            update={
                "taskMetadata": result.taskMetadata.copy(
                    update={"id": job.id, "deviceId": device.arn, "requestedShots": shots}
                )
            }
        )
    return result.copy(
        update={
            "taskMetadata": result.taskMetadata.copy(
                update={"id": job.id, "deviceId": device.arn, "shots": shots}
            )
        }
    )


def _noisy(action, device):
    if isinstance(action, ProgramSet):
        programs = [
            Program(source=with_noise(one.source, device), inputs=one.inputs)
            for one in action.programs
        ]
        return ProgramSet(programs=programs)
    return Program(source=with_noise(action.source, device), inputs=action.inputs)


def with_noise(source, device):
    """Return an OpenQASM text with depolarising noise after gates and flips before reading."""
    lines = []
    for line in source.splitlines():
        gate, read = _GATE.match(line), _MEASURE.match(line)
        if read:
            lines.append(f"#pragma braket noise bit_flip({device.readout}) {read[1]}")
        lines.append(line)
        if gate and gate[1] not in {"barrier", "qubit", "bit", "input"}:
            wires = gate[3]
            is_link = "," in wires
            kind = "two_qubit_depolarizing" if is_link else "depolarizing"
            lines.append(
                f"#pragma braket noise {kind}({[device.one, device.two][is_link]}) {wires}"
            )
    return "\n".join(lines)
