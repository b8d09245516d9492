"""A scan as a table of comma-separated values."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Final

from qmlmat.surfaces.facts import column_names, n_params, spin_squares, state_irreps
from qmlmat.surfaces.scan import Scan
from qmlmat.typing import FloatArray

FIRST_COLUMN: Final = "point"
"""Heading of the first column: the point's index on the path."""

LAST_COLUMN: Final = "wall_time (s)"
"""Heading of the last column: how long the point took."""

_K_COLUMNS: Final = ("k1", "k2", "k3", "label")
"""Columns of a path through k: in units of the reciprocal lattice vectors, and its name."""

_OF_SEVERAL: Final = ("curve", "irrep")
"""Columns of each state where there are several: the curve it belongs to, and its irrep."""


def write_csv(scan: Scan, file: FilePath) -> None:
    """Write one row for each point: coordinates, energies and what is known of their quality.

    Energies are ascending at each point; with several states ``curve_0``, ... say to which curve
    each belongs. Units stand in the header, e.g. ``energy_0 (hartree)``; numbers have every
    digit; what is not known is empty.
    """
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_header(scan))
        writer.writerows(_rows(scan))


def _header(scan: Scan) -> list[str]:
    unit, states = scan.unit, range(scan.n_states)
    return [
        FIRST_COLUMN,
        *(f"{a.name} ({a.unit})" if a.unit else a.name for a in scan.path.axes),
        *(_K_COLUMNS if scan.path.is_through_k else ()),
        *(f"energy_{state} ({unit})" for state in states),
        *(f"stderr_{state} ({unit})" for state in states if _has_stderr(scan)),
        f"reference ({unit})",
        f"error ({unit})",
        *(f"{name} ({unit})" for name in column_names(scan)),
        "status",
        "overlap",
        *(f"spin_square_{state}" for state in states),
        *(f"{name}_{state}" for name in _OF_SEVERAL for state in states if scan.n_states > 1),
        *(f"reference_{state} ({unit})" for state in states if scan.n_states > 1),
        "n_params",
        LAST_COLUMN,
    ]


def _rows(scan: Scan) -> Iterator[list[str]]:
    for row in scan.table():
        result = scan.results[row.index]
        yield [
            str(row.index),
            *(_number(value) for value in row.coordinates),
            *_k_cells(scan, row.index),
            *_padded(row.energies, scan.n_states),
            *(
                _padded(result.stderr if result else None, scan.n_states)
                if _has_stderr(scan)
                else ()
            ),
            _number(row.reference),
            _number(row.error),
            *(_number(row.columns.get(name)) for name in column_names(scan)),
            row.status,
            _number(None if result is None else result.overlap),
            *_padded(spin_squares(result), scan.n_states),
            *(_of_several(scan, row.index) if scan.n_states > 1 else ()),
            _number(n_params(result)),
            _number(row.wall_time),
        ]


def _k_cells(scan: Scan, index: int) -> list[str]:
    """Return the components and the label of a point of a path through k."""
    if not scan.path.is_through_k:
        return []
    point = scan.path.kpoints[index]
    return [*map(_number, point.k), point.label]


def _of_several(scan: Scan, index: int) -> list[str]:
    """Return the curve, the irrep and the exact energy of each state."""
    curves = [] if scan.followed is None else scan.followed[index].tolist()
    irreps = list(state_irreps(scan.results[index]) or ())
    return [
        *(str(number) if number >= 0 else "" for number in curves or [-1] * scan.n_states),
        *irreps,
        *[""] * (scan.n_states - len(irreps)),
        *_padded(scan.state_references[index], scan.n_states),
    ]


def _has_stderr(scan: Scan) -> bool:
    return any(result is not None and result.stderr is not None for result in scan.results)


def _padded(values: tuple[float, ...] | FloatArray | None, length: int) -> list[str]:
    found = [] if values is None else [_number(float(value)) for value in values]
    return found + [""] * (length - len(found))


def _number(value: float | None) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN is not itself
        return ""
    return repr(value)
