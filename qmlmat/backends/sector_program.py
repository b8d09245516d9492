"""A circuit made ready for the kernels: groups of gates, lanes, and tables of pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from qmlmat.ansatz import Circuit, Gate
from qmlmat.ansatz.excitation import generator_kind
from qmlmat.backends.requests import Reference
from qmlmat.backends.sector_kernels import forward
from qmlmat.backends.sector_tables import Part, block_tables, lane_rows
from qmlmat.operators.parallel import get_num_threads, run_parts
from qmlmat.operators.sector import Sector
from qmlmat.typing import FloatArray, IntArray, StateArray

PARALLEL_SIZE: Final = 20_000
"""Amplitudes in a state from which the blocks of one group are shared among threads."""

Parts = tuple[tuple[Part, Part], ...]
"""What each gate does to alpha and to beta."""

_ALONE: Final = np.zeros(1, dtype=np.int64)  # a thread that meets nobody leaves it as it is


@dataclass(frozen=True)
class Program:
    """A circuit's groups of gates and their tables; see ``qmlmat.backends.sector_kernels``."""

    sector: Sector
    """The determinants."""
    n_planes: int
    """1 for real states; 2 for complex ones, real part first."""
    tables: tuple[NDArray[Any], ...]
    """The arrays every kernel takes."""
    param: IntArray
    """Each gate's parameter, shape ``(n_gates,)``."""
    scale: FloatArray
    """Each gate's factor from parameter to angle, shape ``(n_gates,)``."""
    n_params: int
    """Number of parameters."""

    @cached_property
    def size(self) -> int:
        """Real amplitudes of a state."""
        return self.n_planes * self.sector.dimension

    @property
    def n_groups(self) -> int:
        """Number of groups of gates."""
        return len(self.tables[0])

    @cached_property
    def is_tied(self) -> bool:
        """Whether a parameter sets the angle of several gates."""
        return not np.array_equal(self.param, np.arange(self.n_params))

    def angles(self, params: FloatArray) -> FloatArray:
        """Return the gates' angles, shape ``(..., n_gates)``."""
        angles: FloatArray = self.scale * (params[..., self.param] if self.is_tied else params)
        return angles

    def collect(self, slopes: FloatArray) -> FloatArray:
        """Return derivatives by parameters ``(..., n_params)`` from those by angles."""
        if not self.is_tied:
            scaled: FloatArray = self.scale * slopes
            return scaled
        result = np.zeros((*slopes.shape[:-1], self.n_params))
        # Gates may share a parameter, so this adds up repeated indices.
        np.add.at(result.T, self.param, (self.scale * slopes).T)
        return result

    def flat(self, states: StateArray) -> FloatArray:
        """Return states of shape ``(n, n_alpha_strings, n_beta_strings)`` as the kernels' rows.

        A copy, shape ``(n, size)``; of complex states the real amplitudes come first.
        """
        rows = np.asarray(states).reshape(len(states), self.sector.dimension)
        if self.n_planes == 1:
            return np.array(rows.real, dtype=np.float64, order="C")
        return np.concatenate([rows.real, rows.imag], axis=1, dtype=np.float64)

    def copy_state(self, state: StateArray, row: FloatArray) -> None:
        """Write one state to one of the kernels' rows; real rows take its real part."""
        planes = row.reshape(self.n_planes, self.sector.dimension)
        flat = state.reshape(self.sector.dimension)
        planes[0] = flat.real
        if self.n_planes == 2:
            planes[1] = flat.imag

    def start(self, reference: Reference) -> tuple[IntArray, FloatArray]:
        """Return where a reference's amplitudes stand in a row, and what they are."""
        columns, places, values = self.sector.shape[1], [], []
        for bits, amplitude in reference.terms:
            row, column = self.sector.index(bits)
            for plane, value in enumerate((complex(amplitude).real, complex(amplitude).imag)):
                if plane < self.n_planes:
                    places.append(plane * self.sector.dimension + row * columns + column)
                    values.append(value)
        return np.array(places), np.array(values)

    def prepare(
        self, starts: Sequence[tuple[IntArray, FloatArray]], angles: FloatArray
    ) -> FloatArray:
        """Return the circuit's states as rows, shape ``(n, size)``.

        Args:
            starts: What ``start`` gave, for each state.
            angles: Shape ``(n, n_gates)`` (radians).
        """
        rows = np.zeros((len(angles), self.size))
        for row, (places, amplitudes) in zip(rows, starts, strict=True):
            row[places] = amplitudes
        self.sweep(forward, rows, angles)
        return rows

    def states(self, rows: FloatArray) -> StateArray:
        """Return the kernels' rows as states; a view where they are real."""
        if self.n_planes == 2:
            real, imaginary = np.split(rows, 2, axis=1)
            rows = real + 1j * imaginary
        return rows.reshape(len(rows), *self.sector.shape)

    def share_batch(self, n_rows: int, task: Callable[[slice], None]) -> None:
        """Call ``task`` on slices of a batch's rows, several at a time where states are small.

        Where states are large it is called once, and ``sweep`` shares the work inside.
        """
        small = n_rows > 1 and self.size < PARALLEL_SIZE
        n_parts = min(get_num_threads(), n_rows) if small else 1
        if n_parts == 1:
            task(slice(0, n_rows))
            return
        bounds = [part * n_rows // n_parts for part in range(n_parts + 1)]
        run_parts(lambda part: task(slice(bounds[part], bounds[part + 1])), n_parts)

    def sweep(
        self,
        kernel: Callable[..., None],
        *arrays: NDArray[Any],
        sums: tuple[NDArray[Any], ...] = (),
        which: tuple[int, int] | None = None,
    ) -> None:
        """Run a kernel over groups of gates, sharing each group's blocks among threads.

        Args:
            kernel: One of the sweeps of ``qmlmat.backends.sector_kernels``.
            arrays: Its arguments before the sums and tables.
            sums: Arrays it adds to, passed after ``arrays``; each thread fills its own.
            which: The groups, ``(begin, end)``; all by default.
        """
        span = (0, self.n_groups) if which is None else which
        n_threads = get_num_threads() if self.size >= PARALLEL_SIZE else 1
        if n_threads == 1:
            kernel(*arrays, *sums, self.tables, span, 0, 1, _ALONE)
            return
        counter = np.zeros(1, dtype=np.int64)
        shares = [[np.zeros_like(total) for total in sums] for _ in range(n_threads)]

        def task(part: int) -> None:
            kernel(*arrays, *shares[part], self.tables, span, part, n_threads, counter)

        run_parts(task, n_threads)
        for k in range(len(sums)):
            sums[k][...] += sum(share[k] for share in shares)


def compile_circuit(circuit: Circuit, *, complex_states: bool = False) -> Program:
    """Return the circuit's program; the last few circuits are remembered.

    Args:
        circuit: The circuit.
        complex_states: Whether states are complex even where the circuit would keep them real.
    """
    return _compiled(circuit, 2 if complex_states or not circuit.is_real else 1)


@lru_cache(maxsize=8)
def _compiled(circuit: Circuit, n_planes: int) -> Program:
    gates = tuple((_part(gate, 0), _part(gate, 1)) for gate in circuit.gates)
    sector = Sector(circuit.norb, circuit.nelec)
    return Program(
        sector=sector,
        n_planes=n_planes,
        tables=_tables(sector, n_planes, gates),
        param=np.array([g.param for g in circuit.gates], dtype=np.int64),
        scale=np.array([g.scale for g in circuit.gates], dtype=np.float64),
        n_params=circuit.n_params,
    )


def compile_parts(sector: Sector, n_planes: int, gates: Parts) -> Program:
    """Return the program of gates that each have an angle of their own.

    Args:
        sector: The determinants.
        n_planes: 1 for real states; 2 for complex ones, which phases and exchanges need.
        gates: What each gate does to alpha and beta, first acting first.
    """
    return Program(
        sector=sector,
        n_planes=n_planes,
        tables=_tables(sector, n_planes, gates),
        param=np.arange(len(gates)),
        scale=np.ones(len(gates)),
        n_params=len(gates),
    )


def _tables(sector: Sector, n_planes: int, gates: Parts) -> tuple[NDArray[Any], ...]:
    builder = _Builder(sector, n_planes)
    for spin, run in _runs(gates):
        builder.add_group(spin, run)
    return builder.tables()


def _part(gate: Gate, spin: int) -> Part:
    """Return what a gate does to one spin."""
    generator = gate.generator
    return Part(generator_kind(generator), generator.beta if spin else generator.alpha)


def _lanes(gate: tuple[Part, Part], spin: int) -> Part | None:
    """Return what a gate's lanes of one spin are; ``None`` if it acts on that spin alone."""
    if not gate[1 - spin].labels:
        return None
    own = gate[spin]
    return own if own.labels else Part("all", (), own.parity)  # a spin left alone: every row


def _runs(gates: Parts) -> Iterator[tuple[int, Parts]]:
    """Yield the lanes' spin and the longest run of gates that have these lanes in common."""
    begin = 0
    while begin < len(gates):
        best, chosen = begin, 0
        for spin in (0, 1):
            lanes, end = _lanes(gates[begin], spin), begin
            while lanes is not None and end < len(gates) and _lanes(gates[end], spin) == lanes:
                end += 1
                if lanes.rows == "signed":
                    break  # each such gate has sites of its own
            if end > best:
                best, chosen = end, spin
        yield chosen, gates[begin:best]
        begin = best


class _Columns:
    """Growing arrays of equal length."""

    def __init__(self, *kinds: type) -> None:
        self._chunks: list[list[NDArray[Any]]] = [[np.zeros(0, dtype=kind)] for kind in kinds]
        self._length = 0

    def append(self, *columns: NDArray[Any]) -> tuple[int, int]:
        """Append rows and return where they begin and end."""
        for chunks, column in zip(self._chunks, columns, strict=True):
            chunks.append(column.astype(chunks[0].dtype))
        begin, self._length = self._length, self._length + len(columns[0])
        return begin, self._length

    def arrays(self) -> tuple[NDArray[Any], ...]:
        """Return the arrays."""
        return tuple(np.concatenate(chunks) for chunks in self._chunks)


class _Builder:
    """Collects groups of gates; tables that recur are stored once."""

    def __init__(self, sector: Sector, n_planes: int) -> None:
        self.sector, self.n_planes = sector, n_planes
        self._groups: list[tuple[int, ...]] = []
        self._gates: list[tuple[int, int]] = []
        self._lanes = _Columns(np.int64, np.int64, np.float64)
        self._sites = _Columns(np.int64)
        self._pairs = _Columns(np.uint32, np.uint32)
        self._spans: dict[tuple[int, Part], tuple[int, int]] = {}
        self._blocks: dict[object, tuple[tuple[int, int, int], list[tuple[int, int]]]] = {}

    def add_group(self, spin: int, gates: Parts) -> None:
        """Append a run of gates with common lanes of one spin."""
        lanes = _lanes(gates[0], spin)
        assert lanes is not None
        parts = tuple(gate[1 - spin] for gate in gates)
        if (spin, lanes) not in self._spans:
            rows = lane_rows(self.sector, spin, lanes)
            self._spans[spin, lanes] = self._lanes.append(*rows)
        key = (spin, lanes.rows, parts)
        if key not in self._blocks:
            block = block_tables(self.sector, self.n_planes, 1 - spin, parts, lanes.rows)
            begin, end = self._sites.append(block.sites)
            spans = [self._pairs.append(x, y) for x, y in block.pairs]
            self._blocks[key] = (begin, begin + block.split, end), spans
        sites, pairs = self._blocks[key]
        begin = len(self._gates)
        self._gates += pairs
        self._groups.append((*self._spans[spin, lanes], *sites, begin, len(self._gates)))

    def tables(self) -> tuple[NDArray[Any], ...]:
        """Return the arrays every kernel takes."""
        groups = np.array(self._groups, dtype=np.int64).reshape(-1, 7)
        gates = np.array(self._gates, dtype=np.int64).reshape(-1, 2)
        lanes, sites, pairs = (c.arrays() for c in (self._lanes, self._sites, self._pairs))
        return groups, *lanes, *sites, gates, *pairs
