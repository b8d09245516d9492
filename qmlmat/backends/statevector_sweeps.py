"""Sweeps over batches of states, as automatic differentiation asks for them.

States from ``|0...0>``; the derivatives of ``Re <bra|state>`` by the angles for any bra; and the
derivatives of these. Everything is by row: row i of the angles makes state i, which meets bra i.
Real and imaginary parts are apart. Basis states are numbered with wire 0 as the highest bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qmlmat.backends.statevector_blocks import Planes, Width
from qmlmat.backends.statevector_kernels import backward, forward
from qmlmat.backends.statevector_layout_kernels import pack, unpack
from qmlmat.backends.statevector_op_kernels import BATCH
from qmlmat.backends.statevector_program import QubitProgram
from qmlmat.backends.statevector_tangent_kernels import tangent_backward, tangent_forward
from qmlmat.typing import FloatArray


def states(program: QubitProgram, angles: FloatArray) -> Planes:
    """Return the states, two arrays of shape ``(n_rows, 2**n_qubits)``.

    Args:
        program: The circuit.
        angles: Its parameters, shape ``(n_rows, n_params)`` (radians).
    """
    real, imag = (np.empty((len(angles), program.size)) for _ in range(2))

    def task(chosen: slice, width: Width) -> None:
        part = _Part(program, angles[chosen], width)
        kets = part.starts
        forward(*kets, *part.turns, program.framed.tables, width)
        part.write(kets, (real[chosen], imag[chosen]))

    program.share(len(angles), 2, task)
    return real, imag


def slopes(program: QubitProgram, angles: FloatArray, kets: Planes, bras: Planes) -> FloatArray:
    """Return the derivatives of ``Re <bra|ket>`` by the angles, shape ``(n_rows, n_params)``.

    One adjoint sweep: kets and bras are taken back to the start, gate by gate.

    Args:
        program: The circuit.
        angles: Its parameters, shape ``(n_rows, n_params)`` (radians).
        kets: What ``states`` returned for them.
        bras: Two arrays of the same shape.

    References:
        T. Jones, J. Gacon, arXiv:2009.02823 (2020).
    """
    result = np.empty(angles.shape)

    def task(chosen: slice, width: Width) -> None:
        part = _Part(program, angles[chosen], width)
        mine = part.read((kets[0][chosen], kets[1][chosen]))
        theirs = part.read((bras[0][chosen], bras[1][chosen]))
        found = np.zeros((len(mine[0]), angles.shape[1], len(width)))
        real, imag = (plane[None] for plane in theirs)
        backward(*mine, real, imag, found[None], *part.turns, program.framed.tables, width)
        if program.framed.phases:
            (x, y), (u, v) = (_firsts(planes) for planes in (mine, theirs))
            found += 2.0 * part.phase_slopes * (v * x - u * y)
        unpack(found, part.columns, 0.5, result[chosen])  # the sweep's derivatives are doubled

    program.share(len(angles), 2, task)
    return result


def tangents(program: QubitProgram, angles: FloatArray, directions: FloatArray) -> Planes:
    """Return the derivatives of the states along directions, shape ``(n_rows, 2**n_qubits)``.

    Args:
        program: The circuit.
        angles: Its parameters, shape ``(n_rows, n_params)`` (radians).
        directions: One for each row, same shape.
    """
    real, imag = (np.empty((len(angles), program.size)) for _ in range(2))

    def task(chosen: slice, _: Width) -> None:
        part = _Part(program, angles[chosen], BATCH)
        moved = part.with_tangents(part.packed(directions[chosen], part.columns))[1]
        part.write(moved, (real[chosen], imag[chosen]))

    program.share(len(angles), 4, task)
    return real, imag


def slope_tangents(
    program: QubitProgram, angles: FloatArray, bras: Planes, directions: FloatArray
) -> tuple[FloatArray, Planes]:
    """Return the derivatives of ``slopes`` along directions, and those of the states.

    They are the derivatives, by the angles and by the bras, of the sum of slopes times directions.

    Args:
        program: The circuit.
        angles: Its parameters, shape ``(n_rows, n_params)`` (radians).
        bras: As in ``slopes``; they stay as they are.
        directions: One for each row, shape ``(n_rows, n_params)``.

    Returns:
        Shape ``(n_rows, n_params)``; and two arrays of shape ``(n_rows, 2**n_qubits)``.
    """
    result = np.empty(angles.shape)
    real, imag = (np.empty((len(angles), program.size)) for _ in range(2))

    def task(chosen: slice, _: Width) -> None:
        part = _Part(program, angles[chosen], BATCH)
        rates = part.packed(directions[chosen], part.columns)
        kets, moved = part.with_tangents(rates)
        part.write(moved, (real[chosen], imag[chosen]))
        mine = part.read((bras[0][chosen], bras[1][chosen]))
        still = np.zeros_like(mine[0]), np.zeros_like(mine[1])
        found = np.zeros_like(rates)
        tangent_backward(
            *kets, *moved, *mine, *still, found, rates, *part.turns, program.framed.tables, BATCH
        )
        if program.framed.phases:
            (x, y), (dx, dy), (u, v), (du, dv) = map(_firsts, (kets, moved, mine, still))
            found += 2.0 * part.phase_slopes * (v * dx - u * dy + dv * x - du * y)
        unpack(found, part.columns, 0.5, result[chosen])

    program.share(len(angles), 8, task)
    return result, (real, imag)


@dataclass(frozen=True, eq=False)
class _Part:
    """Some rows of angles, in blocks."""

    program: QubitProgram
    """The circuit."""
    rows: FloatArray
    """The angles, shape ``(n_rows, n_params)`` (radians)."""
    width: Width
    """Width of the kernels."""

    @property
    def columns(self) -> NDArray[np.intp]:
        """The order of the parameters in blocks: as they are."""
        return np.arange(self.rows.shape[1])

    @cached_property
    def turns(self) -> Planes:
        """Cosines and sines of half the distinct angles."""
        return self.program.half_turns(self.rows, self.width)

    @property
    def starts(self) -> Planes:
        """The phase of the whole state times ``|0...0>``."""
        lanes = len(self.width)
        shape = (-(-len(self.rows) // lanes), self.program.size, lanes)
        real, imag = np.zeros(shape), np.zeros(shape)
        real[:, 0] = 1.0
        if self.program.framed.phases:
            phase = np.zeros((shape[0], lanes))
            phase.reshape(-1)[: len(self.rows)] = self.program.phase(self.rows)
            real[:, 0], imag[:, 0] = np.cos(phase), np.sin(phase)
        return real, imag

    @property
    def phase_slopes(self) -> FloatArray:
        """Derivatives of the phase by the parameters, shape ``(n_params, 1)``."""
        found = np.zeros((self.rows.shape[1], 1))
        for angle in self.program.framed.phases:
            if angle.param is not None:
                found[angle.param] += angle.scale
        return found

    def with_tangents(self, rates: FloatArray) -> tuple[Planes, Planes]:
        """Return the states, and their derivatives along blocks of directions, both in blocks."""
        kets = self.starts
        moved = np.zeros_like(kets[0]), np.zeros_like(kets[1])
        if self.program.framed.phases:
            rate = np.einsum("bpl,pq->bql", rates, self.phase_slopes)
            moved[0][:, :1], moved[1][:, :1] = -rate * kets[1][:, :1], rate * kets[0][:, :1]
        tangent_forward(*kets, *moved, rates, *self.turns, self.program.framed.tables, BATCH)
        return kets, moved

    def read(self, planes: Planes) -> Planes:
        """Return rows of states as blocks in the final frame."""
        places = self.program.framed.places
        return self.packed(planes[0], places), self.packed(planes[1], places)

    def write(self, planes: Planes, rows: Planes) -> None:
        """Write blocks of states in the final frame to rows."""
        for plane, target in zip(planes, rows, strict=True):
            unpack(plane, self.program.framed.places, 1.0, target)

    def packed(self, rows: FloatArray, places: NDArray[np.intp]) -> FloatArray:
        """Return rows as blocks, their columns at other places."""
        lanes = len(self.width)
        blocks = np.empty((-(-len(rows) // lanes), rows.shape[1], lanes))
        pack(rows, places, blocks)
        return blocks


def _firsts(planes: Planes) -> Planes:
    """Return the amplitudes of ``|0...0>`` at the start, shape ``(n_blocks, 1, n_lanes)``."""
    return planes[0][:, :1], planes[1][:, :1]
