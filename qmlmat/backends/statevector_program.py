"""A qubit circuit made ready for the statevector kernels, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.backends.histogram import Histogram
from qmlmat.backends.requests import check_params, check_shots
from qmlmat.backends.statevector_blocks import (
    Planes,
    Width,
    blocked,
    taken,
    unblocked,
    zero_states,
)
from qmlmat.backends.statevector_frames import FramedCircuit, frame_circuit
from qmlmat.backends.statevector_kernels import LARGE_ANGLE, backward, forward, half_turns
from qmlmat.backends.statevector_observables import Measured, apply_each, measured
from qmlmat.backends.statevector_op_kernels import BATCH, LANES, SINGLE
from qmlmat.errors import CapabilityError, InputError
from qmlmat.operators.parallel import get_num_threads, run_parts
from qmlmat.operators.pauli import PauliSum, reversed_bits
from qmlmat.typing import FloatArray

MAX_QUBITS: Final = 16
"""Most qubits of a state."""
CHUNK_SIZE: Final = 1 << 16
"""Amplitudes (kets and bras together) worked on at a time: they stay in the processor's cache."""
MAX_BRAS: Final = 1 << 22
"""Most amplitudes of bras held at a time by one thread."""
PARALLEL_WORK: Final = 1 << 20
"""Amplitudes times ops from which samples are shared among threads."""


@dataclass(frozen=True, eq=False)
class QubitProgram:
    """A measurement-free circuit ready to run; make it by ``compile_qubit_circuit``.

    Basis states are numbered with wire 0 as the highest bit.
    """

    circuit: QubitCircuit
    """The circuit."""
    framed: FramedCircuit
    """Its ops; see ``qmlmat.backends.statevector_frames``."""

    def states(self, params: FloatArray) -> NDArray[np.complex128]:
        """Return the states from ``|0...0>``, shape ``(n_rows, 2**n_qubits)``.

        Args:
            params: Shape ``(n_rows, n_params)`` (radians).

        Raises:
            InputError: If ``params`` has another shape, or values that are not finite.
        """
        return self._run(self._checked(params, "states"), None)

    def apply(self, states: NDArray[np.complex128], params: FloatArray) -> NDArray[np.complex128]:
        """Return the circuit applied to states, one for each row of ``params``, same shape.

        Args:
            states: Shape ``(n_rows, 2**n_qubits)``.
            params: Shape ``(n_rows, n_params)`` (radians).

        Raises:
            InputError: If a shape is another one, or values are not finite.
        """
        rows = self._checked(params, "apply")
        given = np.asarray(states, dtype=np.complex128)
        if given.shape != (len(rows), self.size):
            raise InputError(
                f"QubitProgram.apply: states of shape {given.shape} for {len(rows)} rows of "
                f"params. Give shape ({len(rows)}, {self.size})."
            )
        return self._run(rows, given)

    def expectations(self, params: FloatArray, sums: Sequence[PauliSum]) -> FloatArray:
        """Return expectations, shape ``(n_rows, n_sums)``.

        Args:
            params: Shape ``(n_rows, n_params)`` (radians).
            sums: The observables.

        Raises:
            InputError: If ``params`` or a sum does not fit the circuit, or a sum is not Hermitian.
        """
        rows = self._checked(params, "expectations")
        ready = self._ready(sums)
        values = np.zeros((len(rows), len(ready)))

        def task(chosen: slice, width: Width) -> None:
            kets = self._logical(self._forward(rows[chosen], width))
            bras = np.empty_like(kets[0]), np.empty_like(kets[1])
            found = np.zeros((len(kets[0]), len(width)))
            for k, one in enumerate(ready):
                one.apply(kets, bras, found, width)
                values[chosen, k] = found.reshape(-1)[: chosen.stop - chosen.start]

        self.share(len(rows), 2, task)
        return values

    def value_and_gradient(
        self, params: FloatArray, sums: Sequence[PauliSum], *, paired: bool = False
    ) -> tuple[FloatArray, FloatArray]:
        """Return expectations and their derivatives by the parameters, by one adjoint sweep.

        Args:
            params: Shape ``(n_rows, n_params)`` (radians).
            sums: The observables; with ``paired`` one for each row.
            paired: Whether row i meets observable i alone.

        Returns:
            Values of shape ``(n_rows, n_sums)`` and derivatives of shape
            ``(n_rows, n_sums, n_params)`` (per radian); without the axis of sums where paired.

        Raises:
            InputError: If ``params`` or a sum does not fit the circuit, or a sum is not Hermitian.

        References:
            T. Jones, J. Gacon, arXiv:2009.02823 (2020).
        """
        rows = self._checked(params, "value_and_gradient")
        ready = self._ready(sums)
        if paired and len(ready) != len(rows):
            raise InputError(
                f"value_and_gradient(paired=True): {len(rows)} rows of params and {len(ready)} "
                "sums. Give one sum for each row."
            )
        n_sums = 1 if paired else len(ready)
        values = np.zeros((len(rows), n_sums))
        gradient = np.zeros((len(rows), n_sums, self.circuit.n_params))

        def task(chosen: slice, width: Width) -> None:
            mine = ready[chosen] if paired else ready
            self._adjoint(rows[chosen], mine, width, values[chosen], gradient[chosen])

        self.share(len(rows), 1 + n_sums, task)
        return (values[:, 0], gradient[:, 0]) if paired else (values, gradient)

    def sample(self, params: FloatArray, shots: int, rng: np.random.Generator) -> Histogram:
        """Return outcomes of measuring every qubit, one row for each row of ``params``.

        Args:
            params: Shape ``(n_rows, n_params)`` (radians).
            shots: Repetitions of each row.
            rng: Source of randomness.

        Raises:
            InputError: If ``params`` does not fit the circuit, or ``shots`` is below 1.
        """
        check_shots(shots, what="QubitProgram.sample")
        n_qubits = self.circuit.n_qubits
        probabilities = np.abs(self.states(params)) ** 2
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        counts = rng.multinomial(shots, probabilities)
        rows, index = np.nonzero(counts)
        outcomes = reversed_bits(index.astype(np.uint64), n_qubits)
        return Histogram.from_samples(n_qubits, len(counts), rows, outcomes, counts[rows, index])

    @cached_property
    def size(self) -> int:
        """Number of basis states."""
        return 1 << self.circuit.n_qubits

    @cached_property
    def _angle_table(self) -> tuple[FloatArray, FloatArray, NDArray[np.intp]]:
        """Offsets, scales and parameters (or -1) of the distinct angles, halved."""
        angles = self.framed.angles
        scales = [0.0 if a.param is None else 0.5 * a.scale for a in angles]
        return (
            np.array([0.5 * a.offset for a in angles], dtype=np.float64),
            np.array(scales, dtype=np.float64),
            np.array([-1 if a.param is None else a.param for a in angles], dtype=np.intp),
        )

    def _checked(self, params: FloatArray, what: str) -> FloatArray:
        rows = check_params(params, self.circuit.n_params, what=f"QubitProgram.{what}")
        if rows.ndim != 2:
            raise InputError(
                f"QubitProgram.{what}: params have shape {rows.shape}. Give shape "
                f"(n_rows, {self.circuit.n_params})."
            )
        return rows

    def _ready(self, sums: Sequence[PauliSum]) -> list[Measured]:
        for one in sums:
            if one.n_qubits != self.circuit.n_qubits:
                raise InputError(
                    f"QubitProgram: a sum on {one.n_qubits} qubits for a circuit on "
                    f"{self.circuit.n_qubits}. Use the same mapping for both."
                )
        return [measured(one) for one in sums]

    def share(self, n_rows: int, n_states: int, task: Callable[[slice, Width], None]) -> None:
        """Call ``task`` on slices of the rows that fit the cache, sharing them among threads.

        Args:
            n_rows: Number of rows.
            n_states: Kets and bras held for each row.
            task: What is called, with the rows and the width of the kernels.
        """
        width = SINGLE if n_rows < LANES // 2 else BATCH
        lanes = len(width)
        step = max(1, CHUNK_SIZE // (lanes * self.size * n_states)) * lanes
        chunks = [slice(k, min(k + step, n_rows)) for k in range(0, n_rows, step)]
        work = n_rows * self.size * len(self.framed.tables[0])
        n_parts = max(1, min(get_num_threads(), len(chunks))) if work >= PARALLEL_WORK else 1

        def part(number: int) -> None:
            for chunk in chunks[number::n_parts]:
                task(chunk, width)

        run_parts(part, n_parts)

    def half_angles(self, rows: FloatArray) -> FloatArray:
        """Return half the distinct angles, shape ``(n_rows, n_angles)``.

        Args:
            rows: Parameters, shape ``(n_rows, n_params)`` (radians).
        """
        offsets, scales, params = self._angle_table
        halves = np.tile(offsets, (len(rows), 1))
        moved = params >= 0
        halves[:, moved] += rows[:, params[moved]] * scales[moved]
        return halves

    def half_turns(self, rows: FloatArray, width: Width) -> Planes:
        """Return cosines and sines of half the angles, shape ``(n_blocks, n_angles, n_lanes)``."""
        offsets, scales, params = self._angle_table
        most = np.abs(rows).max(initial=0.0) * np.abs(scales).max(initial=0.0)
        if most + np.abs(offsets).max(initial=0.0) > LARGE_ANGLE:
            halves = blocked(self.half_angles(rows), width)
            return np.cos(halves), np.sin(halves)
        blocks = blocked(rows, width)
        shape = (len(blocks), len(offsets), len(width))
        cosines, sines = np.empty(shape), np.empty(shape)
        half_turns(blocks, offsets, scales, params, cosines, sines, width)
        return cosines, sines

    def _forward(self, rows: FloatArray, width: Width) -> Planes:
        """Return the states from ``|0...0>`` in the final frame."""
        return self._evolve(
            zero_states(len(rows), self.size, width), self.half_turns(rows, width), width
        )

    def _evolve(self, kets: Planes, half_turns: Planes, width: Width) -> Planes:
        forward(*kets, *half_turns, self.framed.tables, width)
        return kets

    def _logical(self, kets: Planes) -> Planes:
        """Return states of the final frame in the order of the basis states."""
        if self._is_still:
            return kets
        return taken(kets, self.framed.places)

    @cached_property
    def _is_still(self) -> bool:
        return bool((np.diff(self.framed.places) == 1).all() and self.framed.places[0] == 0)

    def _run(
        self, rows: FloatArray, starts: NDArray[np.complex128] | None
    ) -> NDArray[np.complex128]:
        result = np.empty((len(rows), self.size), dtype=np.complex128)

        def task(chosen: slice, width: Width) -> None:
            if starts is None:
                kets = zero_states(chosen.stop - chosen.start, self.size, width)
            else:
                part = starts[chosen]
                kets = blocked(part.real, width), blocked(part.imag, width)
                kets = taken(kets, self.framed.begins)
            self._evolve(kets, self.half_turns(rows[chosen], width), width)
            unblocked(self._logical(kets), result[chosen])

        self.share(len(rows), 2, task)
        if self.framed.phases:
            result *= np.exp(1j * self.phase(rows))[:, None]
        return result

    def phase(self, rows: FloatArray) -> FloatArray:
        """Return the phase of the whole state, shape ``(n_rows,)``."""
        phase = np.zeros(len(rows))
        for angle in self.framed.phases:
            phase += angle.offset
            if angle.param is not None:
                phase += angle.scale * rows[:, angle.param]
        return phase

    def _adjoint(
        self,
        rows: FloatArray,
        ready: list[Measured],
        width: Width,
        values: FloatArray,
        gradient: FloatArray,
    ) -> None:
        """Fill values and gradient of some rows; as many sums as ``values`` has columns."""
        turns = self.half_turns(rows, width)
        kets = self._evolve(zero_states(len(rows), self.size, width), turns, width)
        logical = self._logical(kets)
        n_sums = values.shape[1]
        step = max(1, MAX_BRAS // max(1, kets[0].size))
        for begin in range(0, n_sums, step):
            end = min(begin + step, n_sums)
            shape = (end - begin, *kets[0].shape)
            bras = np.empty(shape), np.empty(shape)
            found = np.zeros((end - begin, len(kets[0]), len(width)))
            if n_sums == len(ready):
                for k, one in enumerate(ready[begin:end]):
                    one.apply(logical, (bras[0][k], bras[1][k]), found[k], width)
            else:
                apply_each(ready, logical, (bras[0][0], bras[1][0]), found[0])
            values[:, begin:end] = found.reshape(end - begin, -1).T[: len(rows)]
            slopes = np.zeros((end - begin, len(kets[0]), self.circuit.n_params, len(width)))
            bras = self._framed_bras(bras)
            mine = kets if end == n_sums else (kets[0].copy(), kets[1].copy())
            backward(*mine, *bras, slopes, *turns, self.framed.tables, width)
            by_row = slopes.transpose(1, 3, 0, 2)  # blocks and lanes are rows
            flat = by_row.reshape(len(kets[0]) * len(width), *by_row.shape[2:])
            gradient[:, begin:end] = flat[: len(rows)]

    def _framed_bras(self, bras: Planes) -> Planes:
        """Return bras in the order of the final frame."""
        if self._is_still:
            return bras
        back = np.argsort(self.framed.places)
        return taken(bras, back)


@lru_cache(maxsize=1024)
def compile_qubit_circuit(circuit: QubitCircuit) -> QubitProgram:
    """Return a measurement-free circuit ready to run; the last circuits are remembered.

    Args:
        circuit: From 1 to ``MAX_QUBITS`` qubits.

    Raises:
        InputError: If there are more qubits, or none.
        CapabilityError: If something is measured or reset.
    """
    if not 1 <= circuit.n_qubits <= MAX_QUBITS:
        raise InputError(
            f"compile_qubit_circuit: {circuit.n_qubits} qubits; state vectors here have 1 to "
            f"{MAX_QUBITS}. Taper symmetries, or use a smaller active space."
        )
    if not circuit.is_unitary:
        raise CapabilityError(
            "compile_qubit_circuit: the circuit measures or resets qubits, so it has no one final "
            "state. Use run_shots."
        )
    return QubitProgram(circuit, frame_circuit(circuit))
