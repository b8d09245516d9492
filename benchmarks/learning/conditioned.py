"""Conditioned circuits: ``python -m benchmarks.learning.conditioned [--quick] [--only h4]``.

H4 from a rectangle through the square: the circuit itself, its read-out in the span of the
training geometries, exact eigenvector continuation, and Gaussian processes on labels; in three
gauges of the orbitals, for the ground state and for three singlets. LiH through its avoided
crossing: the smallest gap of two singlets and where it is. And a circuit that two qubits hold, on
devices.

Errors are of 55 geometries, R = 0.25 + 0.055 i (i = 0..49) Å and the five of training, against full
CI of the same Hamiltonian. For each seed the network starts three times, and the start that ends in
the lowest loss counts: no label is looked at. Printed are medians over seeds, with their range.

Circuit, read-out and continuation look at the Hamiltonian of each test geometry; the Gaussian
process on E knows labels only, that on E - E(HF) Hartree-Fock of the test geometry, too.

Published for the same training and test geometries: nl-meta-VQE (arXiv:2009.13545, its data file).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.learning.conditioned_h4 import Row, excited_rows, gauge_rows, h4_rows
from benchmarks.learning.conditioned_lih import Gap, Measured, device_rows, lih_gaps
from benchmarks.learning.conditioned_runs import FULL, QUICK, Plan

PUBLISHED = {"nl-meta-VQE": (3.88, 40.0), "the same, angles optimised": (1.74, 14.9)}
"""Mean and largest error (mHa)."""
LIH_GAP = (2.0194, 2.975)
"""Smallest gap of the two lowest singlets of LiH (eV), and where it is (Å): full CI, STO-3G."""


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return the median, and the range where there are several."""
    middle = f"{np.median(values):.{digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def error_lines(title: str, rows: Sequence[Row]) -> list[str]:
    """Return a table of errors."""
    lines = ["", title, "", "| arm | state | MAE (mHa) | largest (mHa) | weights | s | span |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    lines += [
        f"| {r.arm} | S{r.state} | {spread(r.mae)} | {spread(r.largest, 1)} | {r.n_weights or '-'} "
        f"| {f'{r.seconds:.0f}' if r.seconds else '-'} | {r.remark or '-'} |"
        for r in rows
    ]
    return lines


def gap_lines(rows: Sequence[Gap]) -> list[str]:
    """Return the table of the avoided crossing."""
    lines = ["", f"LiH: full CI on a fine grid {LIH_GAP[0]} eV at {LIH_GAP[1]} Å", ""]
    lines.append("| arm | gap (eV) | R (Å) | MAE S0, S1 (mHa) | weights | s | span |")
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    lines += [
        f"| {r.arm} | {spread(r.gap, 4)} | {spread(r.place, 3)} | {r.mae[0]:.2f}, {r.mae[1]:.2f} | "
        f"{r.n_weights or '-'} | {f'{r.seconds:.0f}' if r.seconds else '-'} | {r.remark or '-'} |"
        for r in rows
    ]
    return lines


def device_lines(rows: Sequence[Measured]) -> list[str]:
    """Return the table of devices."""
    lines = ["", "LiH (2e,2o) on two qubits, four bond lengths", ""]
    lines += ["| where | MAE (mHa) | standard error (mHa) | shots |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {r.where} | {r.mae:.2f} | {'-' if r.stderr is None else f'{r.stderr:.2f}'} | "
        f"{r.n_shots or '-'} |"
        for r in rows
    ]
    return lines


PARTS: dict[str, tuple[Callable[[Plan], Sequence[Any]], Callable[[Any], list[str]]]] = {
    "h4": (h4_rows, lambda rows: error_lines("H4, five training geometries", rows)),
    "gauges": (gauge_rows, lambda rows: error_lines("H4, other gauges", rows)),
    "excited": (excited_rows, lambda rows: error_lines("H4, nine training geometries", rows)),
    "lih": (lih_gaps, gap_lines),
    "devices": (device_rows, device_lines),
}
"""What is computed, and how it is printed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts, print their tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few steps and points")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--json", type=Path, help="file for the rows")
    options = parser.parse_args(arguments)
    plan = QUICK if options.quick else FULL
    kept: dict[str, list[dict[str, Any]]] = {}
    for name in options.only:
        compute, lines = PARTS[name]
        rows = compute(plan)
        kept[name] = [asdict(each) for each in rows]
        sys.stdout.write("\n".join(lines(rows)) + "\n")
        sys.stdout.flush()
        if options.json:
            options.json.write_text(json.dumps(kept, indent=1))
    for name, (mean, most) in PUBLISHED.items():
        sys.stdout.write(f"published, H4 S0, {name}: MAE {mean} mHa, largest {most} mHa\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
