"""The Fubini-Study metric of a qubit circuit's states: what natural gradients need."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qmlmat.backends.statevector_blocks import blocked, taken, unblocked, zero_states
from qmlmat.backends.statevector_kernels import forward
from qmlmat.backends.statevector_op_kernels import BATCH, LANES
from qmlmat.backends.statevector_program import QubitProgram
from qmlmat.typing import BoolArray, FloatArray

MAX_AMPLITUDES: Final = 1 << 18
"""Amplitudes of shifted states prepared at a time."""


def fubini_study_metric(program: QubitProgram, params: FloatArray) -> FloatArray:
    """Return the metric of each row, shape ``(n_rows, n_params, n_params)``.

    ``Re <d_i psi|d_j psi> - Re <d_i psi|psi> <psi|d_j psi>``.

    Args:
        program: The circuit.
        params: Shape ``(n_rows, n_params)`` (radians).

    Raises:
        InputError: If ``params`` does not fit the circuit.

    References:
        J. Stokes, J. Izaac, N. Killoran, G. Carleo, Quantum 4, 269 (2020),
        doi:10.22331/q-2020-05-25-269.
    """
    kets = program.states(params)
    rows = np.asarray(params, dtype=np.float64)
    phases = np.exp(-1j * program.phase(rows))[:, None]
    n_params = program.circuit.n_params
    metric = np.zeros((len(rows), n_params, n_params))
    for row, ket, found in zip(rows, phases * kets, metric, strict=True):
        slopes = tangents(program, row)
        slopes -= (slopes @ ket.conj())[:, None] * ket
        found[...] = (slopes.conj() @ slopes.T).real
    return metric


def tangents(program: QubitProgram, row: FloatArray) -> NDArray[np.complex128]:
    """Return derivatives of the state but for its phase, shape ``(n_params, 2**n_qubits)``.

    The derivative of a rotation is half the rotation by pi more. Under a control, the difference of
    the turns by pi more and by pi less takes out what is not turned.

    Args:
        program: The circuit.
        row: Parameters, shape ``(n_params,)`` (radians).
    """
    ops, turns, factors, signs = program.framed.tables
    slopes = np.zeros((program.circuit.n_params, program.size), dtype=np.complex128)
    which = np.flatnonzero(turns[:, 2] >= 0)
    if not len(which):
        return slopes
    controlled = _controlled(program)[which]
    halves = program.half_angles(row[None])[0][turns[:, 1]]
    shifted = np.tile(halves, (len(which) + int(controlled.sum()), 1))
    places = np.concatenate([which, which[controlled]])
    steps = np.where(np.arange(len(places)) < len(which), math.pi / 2, -math.pi / 2)
    shifted[np.arange(len(places)), places] += steps * factors[places, 0]
    own = turns.copy()
    own[:, 1] = np.arange(len(turns))  # every rotation has an angle of its own
    rows = np.empty((len(places), program.size), dtype=np.complex128)
    step = max(LANES, MAX_AMPLITUDES // program.size)
    for begin in range(0, len(places), step):
        part = shifted[begin : begin + step]
        states = zero_states(len(part), program.size, BATCH)
        turned = blocked(np.cos(part), BATCH), blocked(np.sin(part), BATCH)
        forward(*states, *turned, (ops, own, factors, signs), BATCH)
        unblocked(taken(states, program.framed.places), rows[begin : begin + step])
    found = 0.5 * rows[: len(which)]
    found[controlled] = 0.5 * found[controlled] - 0.25 * rows[len(which) :]
    np.add.at(slopes, turns[which, 2], factors[which, 1][:, None] * found)
    return slopes


def _controlled(program: QubitProgram) -> BoolArray:
    """Return which rotations are under a control, shape ``(n_turns,)``."""
    ops, turns, *_ = program.framed.tables
    result = np.zeros(len(turns), dtype=np.bool_)
    for op in ops:
        if op[4]:
            result[op[6] : op[7]] = True
    return result
