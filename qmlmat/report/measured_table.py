"""Tables of what a device measured: energies beside the simulator's, sentinels, expectations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from rich.table import Table

from qmlmat.backends.requests import Counts, Estimate
from qmlmat.report.labels import place
from qmlmat.report.printed import house_table
from qmlmat.surfaces import Scan
from qmlmat.surfaces.measuring import FLAGGED, is_flagged
from qmlmat.typing import FloatArray

if TYPE_CHECKING:
    from qmlmat.hardware.guards import JobReport
    from qmlmat.potentials.measured import MeasuredEnergies

MOST_RAW: Final = 60
"""Expectations that a table shows; of more, the first."""
_MILLI: Final = 1e3
_NONE: Final = "–"


@dataclass(frozen=True, kw_only=True)
class MeasuredRow:
    """One state at one point, simulated and measured."""

    place: str
    """Where the point is."""
    state: int
    """Number of the state, in the order of energy."""
    simulated: float
    """What the simulator, or the model, says (unit of the source)."""
    measured: float | None
    """What the device says (unit of the source); ``None``: nothing yet."""
    stderr: float | None
    """Its standard error, by the shots alone (unit of the source)."""
    flags: tuple[str, ...]
    """What is wrong with it, one phrase each."""

    @property
    def difference(self) -> float | None:
        """Measured minus simulated (unit of the source)."""
        return None if self.measured is None else self.measured - self.simulated


def scan_rows(simulated: Scan, measured: Scan, points: Sequence[int]) -> list[MeasuredRow]:
    """Return a row for each state of the points that were to be measured.

    Args:
        simulated: The scan whose circuits were run.
        measured: What a device said of it.
        points: Indices of the points.
    """
    rows = []
    for point in points:
        own, found = simulated.results[point], measured.results[point]
        energies = () if own is None else own.energies
        for state, energy in enumerate(energies):
            bars = None if found is None else found.stderr
            rows.append(
                MeasuredRow(
                    place=place(simulated, point),
                    state=state,
                    simulated=float(energy),
                    measured=None if found is None else _finite(found.energies[state]),
                    stderr=None if bars is None else _finite(bars[state]),
                    flags=() if found is None else flags_of(found.status),
                )
            )
    return rows


def flags_of(status: str) -> tuple[str, ...]:
    """Return what is wrong with a measured point, one phrase each, by its status."""
    if not is_flagged(status):
        return ()
    return tuple(status.removeprefix(f"{FLAGGED}: ").split("; "))


def prediction_rows(
    numbers: Sequence[int],
    own: Sequence[FloatArray],
    found: MeasuredEnergies | None,
    flags: tuple[str, ...],
) -> list[MeasuredRow]:
    """Return a row for each state of a model at each geometry.

    Args:
        numbers: What geometries are called.
        own: The model's own energies, for each geometry ``(n_states,)`` (hartree).
        found: What a device says; ``None``: nothing yet.
        flags: What is wrong with that, one phrase each.
    """
    return [
        MeasuredRow(
            place=f"geometry {number}",
            state=state,
            simulated=float(energy),
            measured=None if found is None else _finite(found.energies[row, state]),
            stderr=None if found is None else _finite(found.stderr[row, state]),
            flags=flags,
        )
        for row, (number, energies) in enumerate(zip(numbers, own, strict=True))
        for state, energy in enumerate(energies)
    ]


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def measured_table(
    rows: Sequence[MeasuredRow], *, unit: str, title: str = "", first: str = "simulated"
) -> Table:
    """Return a table of measured energies beside simulated ones, flags by their numbers.

    Args:
        rows: One for each point and state.
        unit: Unit of the energies.
        title: What stands above.
        first: What the energies that were not measured are called.
    """
    table = house_table(title)
    several = any(row.state for row in rows)
    small = small_unit(unit)
    table.add_column("point", justify="right", no_wrap=True)
    if several:
        table.add_column("state", justify="right")
    for name in (f"{first}\n{unit}", f"measured\n{unit}", f"± (68 %)\n{small}"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column(f"difference\n{small}", justify="right", no_wrap=True)
    known = distinct_flags(rows)
    if known:
        table.add_column("flags", justify="left")
    for row in rows:
        cells = [row.place, *([str(row.state)] if several else [])]
        cells += [_number(row.simulated, 6), _number(row.measured, 6)]
        cells += [_number(one, 2, _MILLI) for one in (row.stderr, row.difference)]
        if known:
            cells.append(", ".join(str(known.index(flag) + 1) for flag in row.flags))
        table.add_row(*cells, style="yellow" if row.flags else "")
    return table


def distinct_flags(rows: Sequence[MeasuredRow]) -> list[str]:
    """Return every flag once; ``measured_table`` shows their numbers, from 1."""
    return list(dict.fromkeys(flag for row in rows for flag in row.flags))


def sentinel_table(jobs: Sequence[JobReport | None]) -> Table:
    """Return a table of the state of known energy that each job measured beside its own.

    Args:
        jobs: What is known of each job; ``None`` of one without an answer.
    """
    table = house_table("a state of known energy in each job")
    table.add_column("job", justify="right")
    names = ("exact", "measured", "±\n1e-3", "shift\n1e-3", "by readout alone\n1e-3")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for number, job in enumerate(jobs, start=1):
        reading = None if job is None else job.sentinel
        if job is None or reading is None:
            table.add_row(str(number), *[_NONE] * len(names))
            continue
        expected = None if job.expected is None else job.expected - reading.exact
        table.add_row(
            str(number),
            _number(reading.exact, 6),
            _number(reading.energy, 6),
            _number(reading.stderr, 2, _MILLI),
            _number(job.shift, 2, _MILLI),
            _number(expected, 2, _MILLI),
        )
    return table


def raw_table(labels: Sequence[str], answers: Sequence[Estimate | Counts | None]) -> Table:
    """Return a table of expectations as they came, at most ``MOST_RAW``.

    Args:
        labels: What each request is of; empty where that is not known.
        answers: The answers to the requests.
    """
    table = house_table("expectations")
    for name in ("request", "of"):
        table.add_column(name, justify="right" if name == "request" else "left")
    for name in ("expectation", "±"):
        table.add_column(name, justify="right", no_wrap=True)
    n_rows = 0
    for number, answer in enumerate(answers):
        of = labels[number] if labels else ""
        for value, variance in _expectations(answer):
            n_rows += 1
            if n_rows <= MOST_RAW:
                error = None if variance is None else float(np.sqrt(variance))
                table.add_row(str(number), of, _number(value, 6), _number(error, 6))
    if n_rows > MOST_RAW:
        table.caption = f"... and {n_rows - MOST_RAW} more: --json prints all of them."
    return table


def _expectations(
    answer: Estimate | Counts | None,
) -> list[tuple[float | None, float | None]]:
    if not isinstance(answer, Estimate):
        return [(None, None)]
    values, variances = np.ravel(answer.values), np.ravel(answer.variances)
    return [(float(v), float(e)) for v, e in zip(values, variances, strict=True)]


def small_unit(unit: str) -> str:
    """Return the thousandth of a unit of energy, e.g. ``"mHa"``."""
    return "mHa" if unit == "hartree" else f"m{unit}"


def _number(value: float | None, decimals: int, factor: float = 1.0) -> str:
    if value is None:
        return _NONE
    return f"{round(value * factor, decimals) + 0.0:.{decimals}f}"
