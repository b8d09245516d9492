"""What one job of a provider measures, and the key by which it is found again."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.jobs import Batch, CountJob, Measured
from qmlmat.operators.pauli import PauliSum
from qmlmat.provenance import content_hash
from qmlmat.typing import FloatArray, MaskArray

Program: TypeAlias = CountJob | Batch
"""A circuit at some angles: counted bit by bit by us, or expectations by the provider."""
Answer: TypeAlias = Histogram | Measured
"""What comes back: counts of a ``CountJob``, expectations of a ``Batch``."""


@dataclass(frozen=True, eq=False)
class Sentinel:
    """A basis state whose energy is known, measured in every job: it tells drift and nonsense."""

    program: Program
    """The state's circuit, measured."""
    masks: MaskArray
    """The Z words of the energy, a constant as 0, shape ``(n_words,)``."""
    coefficients: FloatArray
    """Their coefficients, shape ``(n_words,)`` (hartree)."""
    exact: float
    """The state's energy (hartree)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """What one job of a provider measures."""

    programs: tuple[Program, ...]
    """What is wanted; all of one kind."""
    sentinel: Sentinel | None = None
    """What is measured beside it."""
    run: str
    """Name of the run it belongs to."""
    step: int = 0
    """Number of the call within the run, where a solver asks one after the other."""
    part: int = 0
    """Number of the job within the call."""
    role: str = "energy"
    """What the answer is for."""
    target: Mapping[str, Any]
    """What determines the answer besides the programs: provider, device, mitigation."""

    @property
    def measured(self) -> tuple[Program, ...]:
        """Everything the job measures, the sentinel last."""
        return self.programs if self.sentinel is None else (*self.programs, self.sentinel.program)

    @property
    def n_shots(self) -> int:
        """Repetitions of all points together, as asked."""
        return sum(len(one.angles) * (one.shots or 0) for one in self.measured)

    @property
    def n_circuits(self) -> int:
        """Circuits with angles and a basis of measurement."""
        return sum(len(one.angles) for one in self.measured)

    def key(self, attempt: int = 0) -> str:
        """Return the key of the logical request, 64 hexadecimal digits.

        It says what is asked and never how it was transpiled: a layout chosen anew after a restart
        must not hide the job that was sent before.

        Args:
            attempt: Rises only when the job of the attempt before is known not to exist, or failed.
        """
        return content_hash({"logical": self._logical, "attempt": attempt})

    @cached_property
    def _logical(self) -> str:
        return content_hash(
            {
                "programs": [to_plain(one) for one in self.measured],
                "run": self.run,
                "step": self.step,
                "part": self.part,
                "role": self.role,
                "target": dict(self.target),
            }
        )


def task_to_plain(task: Task) -> dict[str, Any]:
    """Return a task as plain values from which ``task_from_plain`` makes one of the same key."""
    sentinel = task.sentinel
    return {
        "programs": [to_plain(one) for one in task.programs],
        "sentinel": None
        if sentinel is None
        else {
            "program": to_plain(sentinel.program),
            "masks": sentinel.masks.tolist(),
            "coefficients": packed(sentinel.coefficients),
            "exact": sentinel.exact,
        },
        "run": task.run,
        "step": task.step,
        "part": task.part,
        "role": task.role,
        "target": dict(task.target),
    }


def task_from_plain(tree: Mapping[str, Any]) -> Task:
    """Return the task whose ``task_to_plain`` is ``tree``."""
    plain, sentinel = tree["sentinel"], None
    if plain is not None:
        sentinel = Sentinel(
            from_plain(plain["program"]),
            np.array(plain["masks"], dtype=np.uint64),
            unpacked(plain["coefficients"]),
            plain["exact"],
        )
    common = {name: tree[name] for name in ("run", "step", "part", "role", "target")}
    return Task(programs=tuple(map(from_plain, tree["programs"])), sentinel=sentinel, **common)


def to_plain(program: Program) -> dict[str, Any]:
    """Return a program as plain values from which ``from_plain`` makes it again.

    What post-selection knows of a batch is left out: it changes nothing that is measured.
    """
    common = {
        "circuit": program.circuit.to_dict(),
        "angles": packed(program.angles),
        "shots": program.shots,
    }
    if isinstance(program, CountJob):
        return common | {"fold": program.fold, "is_physical": program.is_physical}
    return common | {"sums": [sum_to_plain(one) for one in program.sums]}


def from_plain(tree: Mapping[str, Any]) -> Program:
    """Return the program whose ``to_plain`` is ``tree``."""
    circuit, angles = QubitCircuit.from_dict(tree["circuit"]), unpacked(tree["angles"])
    if "sums" in tree:
        return Batch(circuit, angles, tuple(map(sum_from_plain, tree["sums"])), tree["shots"])
    return CountJob(circuit, angles, tree["shots"], tree["fold"], tree["is_physical"])


def sum_to_plain(one: PauliSum) -> dict[str, Any]:
    """Return a sum of words as plain values."""
    return {
        "n_qubits": one.n_qubits,
        "x": one.x.tolist(),
        "z": one.z.tolist(),
        "coefficients": packed(one.coefficients.real),
        "imaginary": packed(one.coefficients.imag) if one.coefficients.imag.any() else None,
    }


def sum_from_plain(tree: Mapping[str, Any]) -> PauliSum:
    """Return the sum whose ``sum_to_plain`` is ``tree``."""
    values = unpacked(tree["coefficients"]).astype(np.complex128)
    if tree["imaginary"] is not None:
        values = values + 1j * unpacked(tree["imaginary"])
    x, z = (np.array(tree[name], dtype=np.uint64) for name in "xz")
    return PauliSum(tree["n_qubits"], x, z, values)


def packed(array: ArrayLike) -> dict[str, Any]:
    """Return an array of float64 as text that keeps every bit, and its shape."""
    values = np.ascontiguousarray(array, dtype="<f8")
    return {"shape": list(values.shape), "f8": base64.b64encode(values.tobytes()).decode("ascii")}


def unpacked(tree: Mapping[str, Any]) -> FloatArray:
    """Return the array whose ``packed`` is ``tree``."""
    values = np.frombuffer(base64.b64decode(tree["f8"]), dtype="<f8")
    return values.astype(np.float64).reshape(tree["shape"])
