"""The targets of the sector backend, held against what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CHEMISTRY = ("TenCirChem-NG numpy", "TenCirChem-NG jax", "MindQuantum mqchem")
"""Simulators of unitary coupled cluster that the speed target names."""
OVERHEAD = 60e-6
"""Largest cost of a call at H4 beyond compiled code (s)."""


def targets(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each target with the measured value and whether it is met."""
    rows = {row["atoms"]: row["entries"] for row in results["chains"]}
    extras = results["extras"]
    lines = [
        _at_most(f"H{n}: energy + gradient, in sigma builds", 2.2, _yardsticks(rows, n))
        for n in (10, 12)
    ]
    lines += [_per_generator(rows, n) for n in (8, 10)]
    lines.append(_at_least("H8: times lightning.qubit", 400.0, _lightning(rows)))
    states = _value(rows.get(10, {}), "ffsim LUCJ, state", "ours_in_its")
    lines.append(_at_most("H10: LUCJ energy + gradient, in ffsim's states", 12.0, states))
    micro = _value(extras, "overhead", "overhead")
    lines.append(
        _at_most("H4: call overhead (µs)", 1e6 * OVERHEAD, None if micro is None else 1e6 * micro)
    )
    lines.append(_at_least("H12: two threads over one", 1.6, _value(extras, "threads", "speedup")))
    speedup = extras.get("surface", {}).get("speedup")
    lines.append(_at_least("10 x 10 water surface: times TenCirChem-NG", 3.0, speedup))
    vectors = {row["atoms"]: row["vectors"] for row in extras.get("memory", {}).get("rows", [])}
    lines.append(_at_most("H12: memory of a call (sector vectors)", 6.0, vectors.get(12)))
    return lines


def _yardsticks(rows: Mapping[int, Any], atoms: int) -> float | None:
    return _value(rows.get(atoms, {}), "PySCF sigma build", "ours_in_its")


def _lightning(rows: Mapping[int, Any]) -> float | None:
    return _value(rows.get(8, {}), "lightning.qubit adjoint", "ratio")


def _value(tree: Mapping[str, Any], name: str, key: str) -> float | None:
    value = tree.get(name, {}).get(key)
    return None if value is None else float(value)


def _per_generator(rows: Mapping[int, Any], atoms: int) -> dict[str, Any]:
    """Return the target against the fastest peer; it is not met while one of them is missing."""
    found = {
        title: record.get("per_generator")
        for title, record in rows.get(atoms, {}).items()
        if title.startswith(CHEMISTRY)
    }
    measured = [value for value in found.values() if value is not None]
    complete = bool(found) and len(measured) == len(found)
    line = _at_least(
        f"H{atoms}: per generator, times the fastest of TenCirChem-NG and mqchem",
        15.0,
        min(measured, default=None),
    )
    if line["status"] == "met" and not complete:
        line["status"] = "not measured"
    return line


def _at_most(what: str, limit: float, value: float | None) -> dict[str, Any]:
    return _line(what, "<=", limit, value, met=value is not None and value <= limit)


def _at_least(what: str, limit: float, value: float | None) -> dict[str, Any]:
    return _line(what, ">=", limit, value, met=value is not None and value >= limit)


def _line(
    what: str, relation: str, limit: float, value: float | None, *, met: bool
) -> dict[str, Any]:
    status = "not measured" if value is None else "met" if met else "missed"
    return {
        "what": what,
        "target": f"{relation} {limit:g}",
        "measured": value,
        "status": status,
    }
