"""A scan as labelled arrays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from qmlmat.provenance import canonical_json, content_hash
from qmlmat.surfaces.facts import (
    column_names,
    curve_names,
    n_params,
    spin_squares,
    state_irreps,
)
from qmlmat.surfaces.scan import Scan
from qmlmat.surfaces.surface import PointResult
from qmlmat.typing import FloatArray

if TYPE_CHECKING:
    import xarray

_Array = tuple[NDArray[Any], tuple[str, ...], dict[str, str]]

_TAKEN: Final = frozenset(
    {
        *("point", "state", "atom", "xyz", "energy", "reference", "positions", "forces", "symbols"),
        *("curve", "curve_name", "irrep", "curve_number", "followed_energy"),
        *("state_reference",),
        *("spin_square", "stderr", "status", "overlap", "n_params", "wall_time"),
    }
)


def to_dataset(scan: Scan) -> xarray.Dataset:
    """Return a scan as an ``xarray.Dataset``, every variable with its unit.

    A grid has one dimension for each axis of its path, with the coordinate's values along it;
    names of axes become words (``r(N0-N1)`` is ``r_N0_N1``, ``long_name`` the original). Other
    paths have the dimension ``point``, and coordinates along it. Shapes, with ``...`` for these:

    - ``energy`` and ``spin_square`` ``(..., state)``; ``stderr`` where energies have one
    - with several states ``curve`` (the number of each one's curve, -1: none), ``irrep`` and
      ``state_reference`` ``(..., state)``, ``followed_energy`` ``(..., curve_number)``
    - ``reference``, ``status``, ``overlap``, ``n_params``, ``wall_time`` ``(...)``
    - ``hartree_fock`` and every further energy ``(...)``
    - ``positions`` ``(..., atom, xyz)`` (Å), ``forces`` where they are known

    Args:
        scan: The scan, complete or not; what is not known is NaN.
    """
    import xarray as xr  # noqa: PLC0415 - `import qmlmat` must not load xarray

    path = scan.path
    names = _axis_names(scan)
    grid = path.shape is not None
    dims = names if grid else ("point",)
    shape = path.shape if path.shape is not None else (len(path),)
    coordinates: dict[str, Any] = {
        name: (
            name if grid else "point",
            path.grid_values(k) if grid else path.along(k),
            {"units": path.axes[k].unit, "long_name": path.axes[k].name},
        )
        for k, name in enumerate(names)
    }
    coordinates["atom_symbol"] = ("atom", np.array(path.geometries[0].symbols))
    coordinates["xyz"] = ("xyz", np.array(["x", "y", "z"]))
    coordinates["state"] = ("state", np.arange(scan.n_states))
    if scan.curves is not None:
        coordinates["curve_number"] = ("curve_number", np.arange(scan.curves.n_curves))
        coordinates["curve_name"] = ("curve_number", np.array(curve_names(scan)))
    variables: dict[str, Any] = {}
    for name, (values, inner, attributes) in _arrays(scan).items():
        table = values.reshape(*shape, *values.shape[1:])
        variables[name] = ((*dims, *inner), table, attributes)
    return xr.Dataset(variables, coordinates, _attributes(scan))


def write_netcdf(scan: Scan, file: FilePath) -> None:
    """Write ``to_dataset(scan)`` as NetCDF 4."""
    to_dataset(scan).to_netcdf(file, engine="h5netcdf")


def _arrays(scan: Scan) -> dict[str, _Array]:
    """Return values ``(n_points, ...)``, names of further dimensions, and attributes."""
    energy = {"units": str(scan.unit)}
    results = scan.results
    found: dict[str, _Array] = {
        "energy": (scan.energies, ("state",), energy),
        "reference": (scan.references, (), energy | {"long_name": "exact ground-state energy"}),
        "status": (np.array(scan.statuses), (), {}),
        "overlap": (_column([r.overlap if r else None for r in results]), (), {}),
        "n_params": (_column([n_params(r) for r in results]), (), {}),
        "wall_time": (_column([r.wall_time if r else None for r in results]), (), {"units": "s"}),
    }
    for name in column_names(scan):
        key = _word(name)
        key = f"{key}_energy" if key in {*_TAKEN, *found} else key
        found[key] = (scan.column(name), (), energy | {"long_name": name})
    squares = [spin_squares(result) for result in results]
    stderr = [None if result is None else result.stderr for result in results]
    if any(row is not None for row in squares):
        found["spin_square"] = (_rows(squares, scan.n_states), ("state",), {"long_name": "<S^2>"})
    if any(row is not None for row in stderr):
        found["stderr"] = (_rows(stderr, scan.n_states), ("state",), energy)
    return found | _of_several(scan) | _atomic(scan)


def _of_several(scan: Scan) -> dict[str, _Array]:
    """Return what several states have beside their energies."""
    if scan.n_states < 2:
        return {}
    energy, n_states = {"units": str(scan.unit)}, scan.n_states
    irreps = [list(state_irreps(result) or ()) for result in scan.results]
    words = np.array([row + [""] * (n_states - len(row)) for row in irreps])
    found: dict[str, _Array] = {
        "state_reference": (scan.state_references, ("state",), energy),
        "irrep": (words, ("state",), {}),
    }
    if scan.followed is not None and scan.followed_energies is not None:
        found["curve"] = (scan.followed, ("state",), {"long_name": "curve of each state"})
        found["followed_energy"] = (scan.followed_energies, ("curve_number",), energy)
    return found


def _atomic(scan: Scan) -> dict[str, _Array]:
    """Return positions, and forces where there are some."""
    positions = np.stack([point.positions for point in scan.path.geometries])
    found: dict[str, _Array] = {"positions": (positions, ("atom", "xyz"), {"units": "angstrom"})}
    if any(result is not None and result.forces is not None for result in scan.results):
        forces = np.stack([_forces(result, positions.shape[1]) for result in scan.results])
        found["forces"] = (forces, ("atom", "xyz"), {"units": f"{scan.unit}/angstrom"})
    return found


def _rows(rows: Sequence[FloatArray | None], n_states: int) -> FloatArray:
    table = np.full((len(rows), n_states), np.nan)
    for index, row in enumerate(rows):
        if row is not None:
            table[index, : len(row)] = row
    return table


def _column(values: list[Any]) -> FloatArray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _forces(result: PointResult | None, n_atoms: int) -> FloatArray:
    if result is None or result.forces is None:
        return np.full((n_atoms, 3), np.nan)
    return result.forces


def _attributes(scan: Scan) -> dict[str, str]:
    return {
        "title": scan.title,
        "inputs": canonical_json(scan.inputs),
        "inputs_hash": content_hash(scan.inputs),
        "qmlmat_version": metadata.version("qmlmat"),
    }


def _axis_names(scan: Scan) -> tuple[str, ...]:
    """Return names of the axes that are words, each different."""
    names: list[str] = []
    for axis in scan.path.axes:
        word = _word(axis.name) or "coordinate"
        word = f"{word}_axis" if word in {*_TAKEN, *column_names(scan)} else word
        n_same = sum(name == word or name.startswith(f"{word}_again") for name in names)
        names.append(word if not n_same else f"{word}_again{n_same}")
    return tuple(names)


def _word(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_")
