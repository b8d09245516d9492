"""ADAPT-VQE: ``python -m benchmarks.adapt [--quick]``.

Three tables: eight molecules to two tolerances, the pools beside each other, and the curve of N2
with and without a penalty on the spin. Printed are elements, evaluations (energy with gradient),
seconds, and errors against the exact level; growth itself never looks at that. One thread; seconds
drift on shared machines, the counts do not.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import qmlmat as qm
from qmlmat.solvers.solving import lowest_spin_energy


def chain(n_atoms: int, spacing: float) -> str:
    """Return a linear hydrogen chain (Å)."""
    return "; ".join(f"H 0 0 {k * spacing:g}" for k in range(n_atoms))


MOLECULES = {
    "H4 1.0": chain(4, 1.0),
    "H4 2.0": chain(4, 2.0),
    "LiH 1.595": "Li 0 0 0; H 0 0 1.595",
    "LiH 3.0": "Li 0 0 0; H 0 0 3.0",
    "BeH2 1.3": "H 0 0 -1.3; Be 0 0 0; H 0 0 1.3",
    "BeH2 2.6": "H 0 0 -2.6; Be 0 0 0; H 0 0 2.6",
    "H6 1.0": chain(6, 1.0),
    "H6 2.0": chain(6, 2.0),
}
"""STO-3G, frozen core; lengths in ångström."""

TOLERANCES = (1e-4, 1e-5)
"""Largest slope of the pool at the end (hartree per radian)."""

POOLS: dict[str, qm.Ansatz] = {
    "uccgsd, spin-complemented": qm.Ansatz("uccgsd", spin_tied=True),
    "uccgsd": qm.Ansatz("uccgsd"),
    "uccsd, spin-complemented": qm.Ansatz("uccsd", spin_tied=True),
    "uccsd": qm.Ansatz("uccsd"),
    "quccgsd, spin-complemented": qm.Ansatz("quccgsd", spin_tied=True),
    "quccgsd": qm.Ansatz("quccgsd"),
    "kupccgsd (pairs)": qm.Ansatz("kupccgsd"),
}
"""The pools that come with qmlmat."""

LENGTHS = tuple(round(0.9 + 0.1 * k, 1) for k in range(22))
"""Bond lengths of the curve (Å)."""


@dataclass(frozen=True)
class Row:
    """One growth."""

    case: str
    what: str
    status: str
    n_pool: int
    n_params: int
    n_gates: int
    evaluations: int
    seconds: float
    slope: float
    """Largest slope of the pool at the end (hartree per radian)."""
    error: float
    """Energy above the exact level of the lowest spin (hartree)."""
    spin_square: float


def grow(case: str, what: str, h: qm.MolecularHamiltonian, solver: qm.ADAPTVQE) -> Row:
    """Return what one growth from the reference takes and gives."""
    begin = time.perf_counter()
    found = solver.eigenpairs(h, n_states=1, guess=None, backend=qm.SectorBackend(), seed=None)
    seconds = time.perf_counter() - begin
    n_pool = solver.pool_circuit(h).n_params
    return _row(case, what, n_pool, found, seconds=seconds, exact=lowest_spin_energy(h))


def _row(
    case: str, what: str, n_pool: int, found: qm.Solution, *, seconds: float, exact: float
) -> Row:
    assert found.circuit is not None
    assert found.spin_squares is not None
    return Row(
        case=case,
        what=what,
        status=found.status,
        n_pool=n_pool,
        n_params=found.circuit.n_params,
        n_gates=len(found.circuit.gates),
        evaluations=found.history[-1].n_evaluations,
        seconds=seconds,
        slope=found.history[-1].gradient_norm,
        error=found.energy - exact,
        spin_square=float(found.spin_squares[0]),
    )


def hamiltonian(name: str) -> qm.MolecularHamiltonian:
    """Return one of ``MOLECULES``."""
    molecule = qm.Molecule.from_xyz(MOLECULES[name])
    return qm.molecular_hamiltonian(molecule, qm.ActiveSpace(freeze_core=True))


def molecules(names: Sequence[str]) -> list[Row]:
    """Return the growths to both tolerances."""
    return [
        grow(name, f"{tolerance:g}", h, qm.ADAPTVQE(gradient_tolerance=tolerance))
        for name in names
        for h in (hamiltonian(name),)
        for tolerance in TOLERANCES
    ]


def pools(name: str, tolerance: float) -> list[Row]:
    """Return the growths from every pool."""
    h = hamiltonian(name)
    return [
        grow(name, label, h, qm.ADAPTVQE(pool, gradient_tolerance=tolerance))
        for label, pool in POOLS.items()
    ]


def nitrogen(lengths: Sequence[float]) -> list[Row]:
    """Return N2, cc-pVDZ, (10e,8o): each point from its neighbour, and back; from Hartree-Fock."""
    molecule = qm.Molecule.from_xyz("N 0 0 0; N 0 0 1.1", basis="cc-pvdz")
    space = qm.ActiveSpace(10, 8)
    path = qm.stretch(molecule, (0, 1), lengths)
    problems = [
        qm.molecular_hamiltonian(molecule.with_positions(point.positions), space)
        for point in path.points
    ]
    exact = [lowest_spin_energy(h) for h in problems]
    rows = []
    for label, penalty in (("penalty 0.05", 0.05), ("no penalty", 0.0)):
        solver = qm.ADAPTVQE(operators_per_step=4, spin_penalty=penalty)
        surface = qm.SolverSurface(molecule, space, solver)
        for way, sweep in (("from the neighbour", False), ("and back again", True)):
            curve = qm.scan(surface, path, return_sweep=sweep)
            for length, h, level, result in zip(
                lengths, problems, exact, curve.results, strict=True
            ):
                assert result is not None
                assert result.solution is not None
                rows.append(
                    _row(
                        f"N2 {length:.1f}",
                        f"{label}, {way}",
                        solver.pool_circuit(h).n_params,
                        result.solution,
                        seconds=result.wall_time,
                        exact=level,
                    )
                )
        for length, h in zip(lengths, problems, strict=True):
            rows.append(grow(f"N2 {length:.1f}", f"{label}, from Hartree-Fock", h, solver))
    return rows


def lines(rows: Sequence[Row]) -> list[str]:
    """Return rows as text."""
    head = (
        f"{'':11s}{'':30s}{'pool':>6s}{'params':>7s}{'gates':>6s}{'E+grad':>7s}{'s':>7s}"
        f"{'max|g|':>9s}{'error, Ha':>11s}{'<S^2>':>9s}"
    )
    return [head] + [
        f"{row.case:11s}{row.what:30s}{row.n_pool:6d}{row.n_params:7d}{row.n_gates:6d}"
        f"{row.evaluations:7d}{row.seconds:7.2f}{row.slope:9.0e}{row.error:11.1e}"
        f"{row.spin_square:9.0e}{'' if row.status == 'converged' else '  ' + row.status}"
        for row in rows
    ]


def summary(rows: Sequence[Row]) -> list[str]:
    """Return the curves of N2 in a line each."""
    text = []
    for what in dict.fromkeys(row.what for row in rows):
        own = [row for row in rows if row.what == what]
        errors = 1e3 * np.array([row.error for row in own])
        text.append(
            f"{what:32s} error {errors.max():7.3f} mHa at most, {errors.mean():6.3f} on average, "
            f"<S^2> at most {max(row.spin_square for row in own):.1e}, "
            f"{max(row.n_params for row in own)} parameters at most, "
            f"{sum(row.seconds for row in own):.1f} s"
        )
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.adapt", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small molecules, two points of N2")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows there")
    options = parser.parse_args(arguments)
    qm.set_num_threads(1)
    quick = options.quick
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qm.QmlmatWarning)  # <S^2> stands in the tables
        grow("H4 1.0", "", hamiltonian("H4 1.0"), qm.ADAPTVQE())  # compiles
        rows = molecules(list(MOLECULES)[: 4 if quick else None])
        print("Eight molecules, spin-complemented generalised pool, by tolerance")
        print("\n".join(lines(rows)))
        beside = pools("H4 2.0" if quick else "H6 2.0", 1e-3 if quick else 1e-4)
        print("\nPools")
        print("\n".join(lines(beside)))
        curve = nitrogen((1.1, 3.0) if quick else LENGTHS)
        print("\nN2, cc-pVDZ, (10e,8o), four elements a step, slopes to 1e-3")
        print("\n".join([*lines(curve), "", *summary(curve)]))
    if options.json:
        rows = [*rows, *beside, *curve]
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
