"""What IonQ is sent, and what its shares of outcomes mean."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from qiskit_ionq.helpers import qiskit_circ_to_ionq_circ

from qmlmat.ansatz.qubit_circuit import QubitGate
from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qiskit.circuits import to_qiskit
from qmlmat.backends.qubits.jobs import CountJob, folded
from qmlmat.errors import CapabilityError, CorruptResultError
from qmlmat.hardware.adapters.braket_circuits import expressed, measured_bits
from qmlmat.hardware.task import Answer

_GATES: Final = frozenset(
    {"x", "y", "z", "h", "s", "si", "t", "ti", "v", "rx", "ry", "rz", "cnot", "swap"}
)
"""What circuits are made of, by Braket's names: IonQ's client sends ``cp`` as a plain CZ."""
_REMEDY: Final = "Fetch it again; what came is kept."


def body(jobs: Sequence[CountJob], device: str, *, is_ideal: bool) -> dict[str, Any]:
    """Return a job's request, without what it is found by.

    All circuits of a job have one number of shots: the largest that is asked for.

    Args:
        jobs: What is measured.
        device: IonQ's name of the device.
        is_ideal: Whether it is the simulator, without noise.

    Raises:
        CapabilityError: If a circuit measures or resets before its end.
    """
    circuits = [
        {"name": f"{k}-{p}", "circuit": _gates(job, p)}
        for k, job in enumerate(jobs)
        for p in range(len(job.angles))
    ]
    one: dict[str, Any] = {"circuit": circuits[0]["circuit"]}
    content = one if len(circuits) == 1 else {"circuits": circuits}
    kind = "circuit" if len(circuits) == 1 else "multi-circuit"
    found = {
        "type": f"ionq.{kind}.v1",
        "backend": device,
        "shots": max(job.shots for job in jobs),
        "input": {"gateset": "qis", "qubits": max(j.circuit.n_qubits for j in jobs)} | content,
    }
    return found | ({"noise": {"model": "ideal"}} if is_ideal else {})


def programs(jobs: Sequence[CountJob]) -> list[dict[str, Any]]:
    """Return what is needed of each program to read its counts."""
    return [
        {
            "n_points": len(job.angles),
            "n_bits": job.circuit.n_bits,
            "reads": measured_bits(job.circuit),
        }
        for job in jobs
    ]


def answers(raw: bytes, content: Mapping[str, Any], seed: int) -> list[Answer]:
    """Return the counts of every program.

    The ideal simulator returns exact probabilities, of which the shots are drawn here; devices
    return the shares of what they saw.

    Args:
        raw: A job as IonQ describes it, and its result.
        content: The payload's content.
        seed: Of the draws.

    Raises:
        CorruptResultError: If the result cannot be read, or is not that of the payload.
    """
    rng = np.random.default_rng(seed)
    shots, is_ideal = content["body"]["shots"], "noise" in content["body"]
    found: list[Answer] = []
    try:
        shares = _in_order(json.loads(raw))
        if len(shares) != sum(one["n_points"] for one in content["programs"]):
            raise ValueError(f"{len(shares)} circuits came back")
        rest = iter(shares)
        for program in content["programs"]:
            rows = [
                _counted(next(rest), shots, rng if is_ideal else None)
                for _ in range(program["n_points"])
            ]
            found.append(_histogram(program, rows))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptResultError(
            f"IonqAdapter.decode: the result cannot be read ({type(error).__name__}: "
            f"{str(error)[:120]}). {_REMEDY}"
        ) from None
    return found


def _gates(job: CountJob, point: int) -> list[dict[str, Any]]:
    circuit = folded(job.circuit, job.fold).bound(job.angles[point])
    reads = measured_bits(circuit)
    last = tuple(QubitGate("measure", (wire,), bit=bit) for bit, wire in reads)
    if any(gate.name == "reset" for gate in circuit.gates) or _reads_early(circuit.gates):
        raise CapabilityError(
            "IonqAdapter.compile: the circuit measures or resets before its end. Measure every "
            "wire once, at the end."
        )
    made = expressed(circuit, _GATES)
    gates: list[dict[str, Any]]
    gates, _, _ = qiskit_circ_to_ionq_circ(to_qiskit(replace(made, gates=made.gates + last)))
    return gates


def _reads_early(gates: Sequence[QubitGate]) -> bool:
    read: set[int] = set()
    for gate in gates:
        if read & set(gate.wires):
            return True
        if gate.name == "measure":
            read.add(gate.wires[0])
    return False


def _in_order(tree: Mapping[str, Any]) -> list[Mapping[str, float]]:
    """Return the shares of outcomes of each circuit, in the order the circuits were sent."""
    result = json.loads(tree["probabilities"])
    if not all(isinstance(one, dict) for one in result.values()):
        return [result]
    names = tree["job"].get("child_job_ids") or []
    if set(names) == set(result):
        return [result[name] for name in names]
    return list(result.values())


def _counted(
    shares: Mapping[str, float], shots: int, rng: np.random.Generator | None
) -> dict[int, int]:
    outcomes = [int(text) for text in shares]
    p = np.array(list(shares.values()), dtype=np.float64)
    if not outcomes or min(outcomes) < 0 or (p < 0).any() or abs(p.sum() - 1) > 1e-3:
        raise ValueError("shares that do not add up to one")
    counts = np.rint(p * shots) if rng is None else rng.multinomial(shots, p / p.sum())
    return dict(zip(outcomes, counts.astype(int).tolist(), strict=True))


def _histogram(program: Mapping[str, Any], rows: Sequence[Mapping[int, int]]) -> Histogram:
    """Return counts whose bit b is our bit b; IonQ's bit w is wire w."""
    triples = [
        (row, sum(1 << bit for bit, wire in program["reads"] if state >> wire & 1), n)
        for row, counts in enumerate(rows)
        for state, n in counts.items()
    ]
    numbers, outcomes, counts = zip(*triples, strict=True)
    return Histogram.from_samples(
        program["n_bits"],
        len(rows),
        np.array(numbers),
        np.array(outcomes, dtype=np.uint64),
        np.array(counts, dtype=np.int64),
    )
