"""How a task is cut into quantum tasks: program sets where a device takes them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.backends.qubits.jobs import CountJob, folded
from qmlmat.errors import CapabilityError
from qmlmat.hardware.adapters.braket_circuits import distinct_angles, measured_bits, to_braket
from qmlmat.hardware.task import Task


@dataclass(frozen=True, kw_only=True)
class SetLimits:
    """What a device takes in one program set."""

    max_executables: int
    """Circuits with angles and a basis of measurement."""
    max_shots: int
    """Repetitions of all of them together."""


@dataclass(frozen=True)
class Place:
    """What one executable measures."""

    program: int
    """Number of the program in the task."""
    point: int
    """Number of the point."""


def counted(task: Task) -> tuple[CountJob, ...]:
    """Return what a task measures, all of it counts.

    Raises:
        CapabilityError: If expectations are asked for.
    """
    jobs = tuple(one for one in task.measured if isinstance(one, CountJob))
    if len(jobs) < len(task.measured):
        raise CapabilityError(
            'BraketAdapter.compile: Braket counts, and has no estimator. Use primitive = "sampler".'
        )
    return jobs


def cut(jobs: Sequence[CountJob], sets: SetLimits | None) -> list[list[Place]]:
    """Return what is measured by each quantum task, points in order.

    All executables of a program set have the same number of shots.

    Args:
        jobs: What is measured.
        sets: Limits of a program set; ``None``: the device takes one circuit a quantum task.
    """
    if sets is None:
        return [[Place(k, p)] for k, job in enumerate(jobs) for p in range(len(job.angles))]
    by_shots: dict[int, list[Place]] = defaultdict(list)
    for k, job in enumerate(jobs):
        by_shots[job.shots] += [Place(k, p) for p in range(len(job.angles))]
    found = []
    for shots, places in by_shots.items():
        most = max(1, min(sets.max_executables, sets.max_shots // shots))
        found += [places[start : start + most] for start in range(0, len(places), most)]
    return found


def written(
    jobs: Sequence[CountJob], places: Sequence[Place], *, gates: Collection[str], is_set: bool
) -> str:
    """Return the action of a quantum task, as JSON.

    Args:
        jobs: What the task measures.
        places: What this quantum task measures of it, the points of a program in a row.
        gates: Braket's names of the device's gates.
        is_set: Whether it is a program set.
    """
    if not is_set:
        (place,) = places
        job = jobs[place.program]
        bound = to_braket(_folded(job), job.angles[place.point], gates=gates)
        return str(bound.to_ir("OPENQASM").json())
    from braket.program_sets import CircuitBinding, ProgramSet  # noqa: PLC0415 (slow to load)

    entries: list[Any] = []
    for k, points in _grouped(places).items():
        circuit, values = distinct_angles(_folded(jobs[k]), jobs[k].angles[points])
        measured = to_braket(circuit, gates=gates)
        if circuit.n_params == 0:
            entries += [measured] * len(points)
        else:
            inputs = {f"theta_{a}": values[:, a].tolist() for a in range(circuit.n_params)}
            entries.append(CircuitBinding(measured, input_sets=inputs))
    tree = json.loads(ProgramSet(entries).to_ir().json())
    for program in tree["programs"]:
        program["source"] = _ordered(program["source"])
    return json.dumps(tree)


def to_content(parts: Sequence[Mapping[str, Any]], jobs: Sequence[CountJob], device: str) -> bytes:
    """Return a payload's content: all that is sent, and what tells whose counts come back."""
    programs = [
        {
            "n_points": len(job.angles),
            "n_bits": job.circuit.n_bits,
            "reads": measured_bits(job.circuit),
            "shots": job.shots,
        }
        for job in jobs
    ]
    tree = {"device": device, "parts": list(parts), "programs": programs}
    return json.dumps(tree, sort_keys=True).encode()


def _grouped(places: Sequence[Place]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for place in places:
        found[place.program].append(place.point)
    return found


def _ordered(source: str) -> str:
    """Return an OpenQASM text with its inputs in order: Braket writes them in that of a set."""
    lines = source.split("\n")
    places = [k for k, line in enumerate(lines) if line.startswith("input ")]
    names = sorted((lines[k] for k in places), key=lambda line: (len(line), line))
    for place, line in zip(places, names, strict=True):
        lines[place] = line
    return "\n".join(lines)


def _folded(job: CountJob) -> QubitCircuit:
    return folded(job.circuit, job.fold)
