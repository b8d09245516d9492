"""Text, JSON and Markdown of a run."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ONE_THREAD = 1.15
"""Processor time per second above which a program is said to have used several threads."""


def machine() -> dict[str, Any]:
    """Return the machine in general words: never a host's name or a path."""
    fields: dict[str, str] = {}
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    cpu = fields.get("model name", platform.processor() or platform.machine())
    if "cpu family" in fields:
        cpu += f", family {fields['cpu family']} model {fields.get('model', '?')}"
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "os": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def about(threads: int) -> dict[str, Any]:
    """Return when and on what the run took place."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "threads": threads,
        "load": os.getloadavg()[0],
    }


def write_json(results: Mapping[str, Any], path: Path) -> None:
    """Write the results."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def text(results: Mapping[str, Any]) -> str:
    """Return what is printed."""
    busy = results["about"]["load"]
    parts = [f"one thread each; load average before the run {busy:.2f}"]
    parts += [_chain(row) for row in results["chains"]]
    parts += [_extras(results["extras"]), _checks(results), _targets(results), _versions(results)]
    return "\n\n".join(part for part in parts if part)


def _chain(row: Mapping[str, Any]) -> str:
    lines = [
        f"H{row['atoms']}: {row['dimension']} determinants, {row['generators']} generators",
        f"  {'':34}{'gates':>6}  {'median (min-max) ms':32}{'/ ours':>8}{'per gate':>10}"
        f"{'ours in its':>13}",
    ]
    for title, record in row["entries"].items():
        if record["status"] != "ok":
            lines.append(f"  {title:34}{'':6}  {record['status']}: {record['reason']}")
            continue
        lines.append(
            f"  {title:34}{record.get('gates', ''):>6}  {_span(record):32}"
            f"{_number(record.get('ratio')):>8}{_number(record.get('per_generator')):>10}"
            f"{_number(record.get('ours_in_its')):>13}{_busy(record)}"
        )
    return "\n".join(lines)


def _span(record: Mapping[str, Any]) -> str:
    low, median, high = (1e3 * record[key] for key in ("min", "median", "max"))
    return f"{_short(median)} ({_short(low)}-{_short(high)}), {record['runs']} runs"


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _busy(record: Mapping[str, Any]) -> str:
    busy = record["busy_threads"]
    return f"  used {busy:.1f} processors" if busy > ONE_THREAD else ""


def _number(value: float | None) -> str:
    return "" if value is None else _short(value)


def _extras(extras: Mapping[str, Any]) -> str:
    lines = []
    for name, record in extras.items():
        if "status" in record:
            lines.append(f"{name}: {record['status']}: {record['reason']}")
        else:
            lines += _EXTRAS[name](record)
    return "\n".join(lines)


def _threads(record: Mapping[str, Any]) -> list[str]:
    return [
        f"threads, H{record['atoms']}: one {_span(record['one'])} ms; two {_span(record['two'])} "
        f"ms: {record['speedup']:.2f}x; two processes at once do "
        f"{record['two_processes']:.2f}x the work of one"
    ]


def _overhead(record: Mapping[str, Any]) -> list[str]:
    whole, kernels, rest = (1e6 * record[key] for key in ("whole", "kernels", "overhead"))
    return [
        f"overhead, H{record['atoms']}: call {whole:.0f} µs - compiled code {kernels:.0f} µs "
        f"({record['calls']} calls into it) = {rest:.0f} µs"
    ]


def _profile(record: Mapping[str, Any]) -> list[str]:
    lines = []
    for row in record["rows"]:
        whole = row["parts"]["whole"]
        parts = {name: t for name, t in row["parts"].items() if name != "whole"}
        total = sum(parts.values())  # of medians, so not quite the median whole
        shares = ", ".join(f"{name} {100 * t / total:.0f} %" for name, t in parts.items())
        lines.append(f"profile, H{row['atoms']}: {1e3 * whole:.3g} ms: {shares}")
    return lines


def _first_calls(record: Mapping[str, Any]) -> list[str]:
    return [
        f"first call, H{record['atoms']}, cache {name}: {record[name]['first']:.3g} s; "
        f"second {1e3 * record[name]['second']:.3g} ms"
        for name in ("cold", "warm")
    ]


def _imports(record: Mapping[str, Any]) -> list[str]:
    return [f"import: {name} {seconds:.3f} s" for name, seconds in record["best"].items()]


def _batch(record: Mapping[str, Any]) -> list[str]:
    return [
        f"batch of {row['vectors']}, H{row['atoms']}: {_span(row['batch'])} ms; one by one "
        f"{_span(row['one_by_one'])} ms: {row['speedup']:.2f}x"
        for row in record["rows"]
    ]


def _memory(record: Mapping[str, Any]) -> list[str]:
    return [_memory_line(row) for row in record["rows"]]


def _memory_line(row: Mapping[str, Any]) -> str:
    mega = {key: row[key] / 1e6 for key in ("vector", "start", "before", "peak", "process_peak")}
    return (
        f"memory, H{row['atoms']}: a call adds {mega['peak'] - mega['before']:.1f} MB = "
        f"{row['vectors']:.1f} vectors of {mega['vector']:.1f} MB; a second call "
        f"{row['vectors_again']:.1f} vectors; tables made before "
        f"{mega['before'] - mega['start']:.1f} MB; process at most {mega['process_peak']:.0f} MB"
    )


def _large(record: Mapping[str, Any]) -> list[str]:
    return [
        f"large: H{record['atoms']}, {record['threads']} threads, first energy + gradient: "
        f"{record['seconds']:.1f} s",
        _memory_line(record),
    ]


def _surface(record: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, row in record.items():
        if isinstance(row, Mapping):
            ended = "" if row["converged"] else "; not every search converged"
            lines.append(
                f"water surface, {row['points']} points, {name}: {row['median']:.2f} "
                f"({row['min']:.2f}-{row['max']:.2f}) s, {row['runs']} runs; largest uccsd error "
                f"{1e3 * row['largest_error']:.4f} mHa{ended}{_busy(row)}"
            )
    if "missing" in record:
        lines.append(f"water surface: {record['missing']}")
    else:
        lines.append(
            f"water surface: qmlmat {record['speedup']:.1f}x as fast; exact energies differ by "
            f"{record['exact_difference']:.1e} hartree"
        )
    return lines


_EXTRAS = {
    "surface": _surface,
    "threads": _threads,
    "overhead": _overhead,
    "profile": _profile,
    "first_calls": _first_calls,
    "imports": _imports,
    "batch": _batch,
    "memory": _memory,
    "large": _large,
}


def _checks(results: Mapping[str, Any]) -> str:
    checks = results["checks"]
    bad = [check for check in checks if not check["ok"]]
    lines = [f"checks: {len(checks) - len(bad)} of {len(checks)} hold"]
    whats: dict[tuple[str, str], float] = {}
    for check in checks:
        key = (check["who"], check["what"])
        whats[key] = max(whats.get(key, 0.0), check["difference"])
    lines += [f"  {who}: {what}: within {worst:.1e}" for (who, what), worst in whats.items()]
    lines += [f"  NOT SO at H{c['atoms']}: {c['who']}: {c['what']}" for c in bad]
    return "\n".join(lines)


def _targets(results: Mapping[str, Any]) -> str:
    lines = ["targets"]
    for line in results["targets"]:
        value = _number(line["measured"]) or "-"
        lines.append(f"  {line['what']:68}{line['target']:>8}{value:>9}  {line['status']}")
    return "\n".join(lines)


def _versions(results: Mapping[str, Any]) -> str:
    peaks = results["peak_memory"]
    lines = ["versions and peak memory of the processes"]
    for name, versions in results["versions"].items():
        listed = ", ".join(f"{package} {version}" for package, version in versions.items())
        peak = f"{peaks[name] / 1e6:.0f} MB" if name in peaks else "-"
        lines.append(f"  {name}: {listed}; {peak}")
    return "\n".join(lines)


def markdown(results: Mapping[str, Any]) -> str:
    """Return the table for the documentation: medians, and ratios to ours in brackets."""
    rows = results["chains"]
    titles = list(dict.fromkeys(title for row in rows for title in row["entries"]))
    head = "| | " + " | ".join(f"H{row['atoms']}" for row in rows) + " |"
    lines = [head, "|---" * (len(rows) + 1) + "|"]
    lines.append("| determinants | " + " | ".join(f"{r['dimension']:,}" for r in rows) + " |")
    for title in titles:
        cells = [_cell(row["entries"].get(title)) for row in rows]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    where = results["about"]["machine"]
    lines += [
        "",
        "Medians of alternating runs in one session. In brackets: the number of gates; how many "
        "times as long as qmlmat it takes per gate; how many of it our energy + gradient takes.",
        f"{where['cpu']}, {where['cores']} cores, {where['os']}, Python {where['python']}; "
        f"{results['about']['threads']} thread; {results['about']['time'][:10]}.",
    ]
    return "\n".join(lines) + "\n"


def _cell(record: Mapping[str, Any] | None) -> str:
    if record is None:
        return "-"
    if record["status"] != "ok":
        return str(record["status"])
    notes = [f"{record['gates']} gates"] if "gates" in record else []
    notes += [f"{_short(record[key])}×" for key in ("per_generator",) if key in record]
    notes += [f"ours: {record['ours_in_its']:.3g} of it" for _ in record.keys() & {"ours_in_its"}]
    tail = f" ({', '.join(notes)})" if notes else ""
    return f"{_short(1e3 * record['median'])} ms{tail}"
