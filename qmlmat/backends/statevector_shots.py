"""Circuits that measure and reset qubits on the way, run shot by shot, as branches.

Shots with the same record so far have the same state, so the batch is over records: where a qubit
is measured, a binomial draw with the exact probability shares a branch's shots between both
outcomes. Each shot is distributed as if it were run alone, and there are never more branches than
shots. Measurements of qubits that are not touched again are drawn together at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qmlmat.ansatz.qubit_circuit import QubitCircuit, QubitGate
from qmlmat.backends.histogram import Histogram
from qmlmat.backends.requests import check_params, check_shots
from qmlmat.backends.statevector_program import QubitProgram, compile_qubit_circuit
from qmlmat.errors import InputError
from qmlmat.operators.pauli import MAX_QUBITS as MAX_BITS
from qmlmat.typing import FloatArray, IntArray, MaskArray

MAX_AMPLITUDES: Final = 1 << 20
"""Most amplitudes of branches carried on together."""


@dataclass(frozen=True)
class _Branches:
    """Shots by parameter row and record."""

    states: NDArray[np.complex128]
    """Normalised states, shape ``(n_branches, 2**n_qubits)``."""
    rows: IntArray
    """Row of parameters, shape ``(n_branches,)``."""
    bits: MaskArray
    """Classical bits so far, shape ``(n_branches,)``."""
    counts: IntArray
    """Number of shots, shape ``(n_branches,)``."""

    def chosen(self, which: slice | NDArray[np.bool_]) -> _Branches:
        """Return some of the branches."""
        return _Branches(self.states[which], self.rows[which], self.bits[which], self.counts[which])


@dataclass(frozen=True)
class _Step:
    """Unitary gates, and the measurement or reset after them."""

    program: QubitProgram
    """The gates."""
    event: QubitGate
    """The measurement or reset."""


@dataclass(frozen=True)
class _Script:
    """A circuit cut at its measurements and resets."""

    steps: tuple[_Step, ...]
    """What happens, in order."""
    last: QubitProgram
    """The gates after the last step."""
    drawn: tuple[QubitGate, ...]
    """Measurements that are drawn together at the end."""


def run_shots(
    circuit: QubitCircuit, params: FloatArray, shots: int, rng: np.random.Generator
) -> Histogram:
    """Return the classical bits of a circuit that measures, one row for each row of ``params``.

    Args:
        circuit: A circuit with measurements, resets too; bits it does not write are 0.
        params: Shape ``(n_rows, n_params)`` (radians).
        shots: Repetitions of each row.
        rng: Source of randomness.

    Raises:
        InputError: If the circuit is too large or measures nothing, ``params`` does not fit it, or
            ``shots`` is below 1.
    """
    rows = check_params(params, circuit.n_params, what="run_shots")
    if rows.ndim != 2:
        raise InputError(
            f"run_shots: params have shape {rows.shape}. Give shape (n_rows, {circuit.n_params})."
        )
    check_shots(shots, what="run_shots")
    if not 1 <= circuit.n_bits <= MAX_BITS:
        raise InputError(
            f"run_shots: the circuit writes {circuit.n_bits} bits; 1 to {MAX_BITS} can be counted. "
            "Use circuit.measured() to measure every qubit at the end."
        )
    ends = list(_run(_script(circuit), rows, shots, rng))
    found = [np.concatenate(column) for column in zip(*ends, strict=True)] or [np.zeros(0, int)] * 3
    return Histogram.from_samples(
        circuit.n_bits, len(rows), found[0], found[1].astype(np.uint64), found[2]
    )


def _run(
    script: _Script, params: FloatArray, shots: int, rng: np.random.Generator
) -> Iterator[tuple[IntArray, MaskArray, IntArray]]:
    """Yield rows, bits and counts of branches that have come to the end."""
    size, n_rows = script.last.size, len(params)
    step = max(1, MAX_AMPLITUDES // size)
    todo: list[tuple[int, _Branches]] = []
    for begin in range(0, n_rows, step):
        rows = np.arange(begin, min(begin + step, n_rows))
        states = np.zeros((len(rows), size), dtype=np.complex128)
        states[:, 0] = 1.0
        todo.append(
            (0, _Branches(states, rows, np.zeros(len(rows), np.uint64), np.full(len(rows), shots)))
        )
    while todo:
        k, branches = todo.pop()
        if len(branches.rows) > step:
            todo += [(k, branches.chosen(slice(step, None))), (k, branches.chosen(slice(step)))]
            continue
        program = script.steps[k].program if k < len(script.steps) else script.last
        if program.circuit.gates:
            states = program.apply(branches.states, params[branches.rows])
            branches = replace(branches, states=states)
        if k < len(script.steps):
            todo.append((k + 1, _split(branches, script.steps[k].event, rng)))
        else:
            yield _drawn(branches, script.drawn, rng)


def _split(branches: _Branches, event: QubitGate, rng: np.random.Generator) -> _Branches:
    """Return the branches after one measurement or reset."""
    n_branches, size = branches.states.shape
    (wire,) = event.wires
    halves = branches.states.reshape(n_branches, 1 << wire, 2, -1)
    weights = (np.abs(halves) ** 2).sum(axis=(1, 3))
    ones = rng.binomial(branches.counts, weights[:, 1] / weights.sum(axis=1))
    parts = []
    for outcome, counts in ((0, branches.counts - ones), (1, ones)):
        seen = counts > 0
        states = np.zeros((int(seen.sum()), *halves.shape[1:]), dtype=np.complex128)
        kept = outcome if event.name == "measure" else 0
        scale = np.sqrt(weights[seen, outcome])[:, None, None]
        states[:, :, kept] = halves[seen, :, outcome] / scale
        bits = branches.bits[seen]
        if event.bit is not None:
            bits = _written(bits, event.bit, np.uint64(outcome))
        parts.append(_Branches(states.reshape(-1, size), branches.rows[seen], bits, counts[seen]))
    zero, one = parts
    return _Branches(
        np.concatenate([zero.states, one.states]),
        np.concatenate([zero.rows, one.rows]),
        np.concatenate([zero.bits, one.bits]),
        np.concatenate([zero.counts, one.counts]),
    )


def _drawn(
    branches: _Branches, measurements: tuple[QubitGate, ...], rng: np.random.Generator
) -> tuple[IntArray, MaskArray, IntArray]:
    """Return rows, bits and counts after the measurements at the end."""
    if not measurements:
        return branches.rows, branches.bits, branches.counts
    probabilities = np.abs(branches.states) ** 2
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    counts = rng.multinomial(branches.counts, probabilities)
    which, index = np.nonzero(counts)
    bits, n_qubits = branches.bits[which], branches.states.shape[1].bit_length() - 1
    for gate in measurements:
        assert gate.bit is not None
        value = (index >> (n_qubits - 1 - gate.wires[0]) & 1).astype(np.uint64)
        bits = _written(bits, gate.bit, value)
    return branches.rows[which], bits, counts[which, index]


def _written(bits: MaskArray, bit: int, value: MaskArray | np.uint64) -> MaskArray:
    place = np.uint64(bit)
    result: MaskArray = (bits & ~(np.uint64(1) << place)) | (value << place)
    return result


@lru_cache(maxsize=1024)
def _script(circuit: QubitCircuit) -> _Script:
    """Return the circuit cut at what is not unitary."""
    gates, drawn = _hoisted(circuit)
    steps: list[_Step] = []
    unitary: list[QubitGate] = []
    for gate in gates:
        if gate.name in ("measure", "reset"):
            steps.append(_Step(compile_qubit_circuit(replace(circuit, gates=tuple(unitary))), gate))
            unitary = []
        else:
            unitary.append(gate)
    return _Script(
        tuple(steps), compile_qubit_circuit(replace(circuit, gates=tuple(unitary))), drawn
    )


def _hoisted(circuit: QubitCircuit) -> tuple[list[QubitGate], tuple[QubitGate, ...]]:
    """Return the gates without the measurements that may wait until the end, and those."""
    touched: set[int] = set()
    written: set[int | None] = set()
    kept: list[QubitGate] = []
    drawn: list[QubitGate] = []
    for gate in reversed(circuit.gates):
        free = not touched & set(gate.wires) and gate.bit not in written
        if gate.name == "measure" and free:
            drawn.append(gate)
            continue
        kept.append(gate)
        touched |= set(gate.wires)
        if gate.bit is not None:
            written.add(gate.bit)
    return kept[::-1], tuple(drawn[::-1])
