"""Excited states, methods by systems: ``python -m benchmarks.excited [--quick]``.

Each method finds the lowest singlet and triplet levels of each system, degenerate ones whole.
Printed is the largest error of a state, in millihartree, against the exact state of the same
multiplicity and irrep. A second table is of four singlets along the N2 curve, 24 points, timed as a
user would run it and beside dense diagonalisation of the same Hamiltonians.
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
from scipy.linalg import eigh

import qmlmat as qm
from qmlmat.solvers import Solver
from qmlmat.solvers.levels import with_levels
from qmlmat.systems import MolecularHamiltonian
from qmlmat.systems.blocks import symmetry_blocks, symmetry_states

N_LEVELS = {1: 3, 3: 2}
"""Levels by multiplicity."""

FROZEN = qm.ActiveSpace(freeze_core=True)
N2_SPACE = qm.ActiveSpace(10, 8)


def _rectangle(x: float, y: float) -> str:
    return f"H 0 0 0; H 0 0 {y}; H {x} 0 0; H {x} 0 {y}"


SYSTEMS: dict[str, tuple[str, str, qm.ActiveSpace | None]] = {
    "H2 0.75 Å": ("H 0 0 0; H 0 0 0.75", "sto-3g", None),
    **{
        f"LiH {r} Å": (f"Li 0 0 0; H 0 0 {r}", "sto-3g", None)
        for r in (1.0, 1.5949, 2.0, 2.5, 3.0, 3.5, 4.0)
    },
    "H4 chain 1.0 Å": ("H 0 0 0; H 0 0 1; H 0 0 2; H 0 0 3", "sto-3g", None),
    **{
        f"H4 1.23 x {x} Å": (_rectangle(x, 1.23), "sto-3g", None)
        for x in (0.8, 1.0, 1.23, 1.5, 2.0)
    },
    "H4 1.8 x 1.5 Å": (_rectangle(1.5, 1.8), "sto-3g", None),
    "BeH2 1.33 Å": ("Be 0 0 0; H 0 0 1.33; H 0 0 -1.33", "sto-3g", FROZEN),
    "H2O 0.9584 Å": (
        "O 0 0 0; H 0.9584 0 0; H -0.239035 0.928110 0",  # 104.44 degrees
        "sto-3g",
        FROZEN,
    ),
    "N2 1.1 Å": ("N 0 0 0; N 0 0 1.1", "cc-pvdz", N2_SPACE),
    "N2 2.0 Å": ("N 0 0 0; N 0 0 2.0", "cc-pvdz", N2_SPACE),
}
"""Geometry, basis and active space; N2 has 10 electrons in 8 orbitals."""

QUICK = ("H2 0.75 Å", "LiH 1.5949 Å", "H4 1.8 x 1.5 Å")

PUBLISHED = (0.162962, 0.385979, 0.516725, 0.585337)
"""Excitation energies of rectangular H4, 1.8 x 1.5 Å, self-consistent EOM on full-exponential UCCSD
(SlowQuant's tests), in hartree."""


def solvers(system: str, multiplicity: int) -> dict[str, Solver]:
    """Return the methods, the same for all systems but for the layers of SSVQE."""
    layers = 4 if system.startswith("N2") else 2
    tied = qm.Ansatz("uccgsd", spin_tied=True)
    chosen = {"multiplicity": multiplicity}
    return {
        "SSVQE": qm.SSVQE(tied, layers=layers, **chosen),
        "SA-ADAPT": qm.ADAPTVQE(
            gradient_tolerance=1e-4,
            operators_per_step="tetris",
            spin_penalty=0.05,
            screening=qm.Screening(),
            **chosen,
        ),
        "VQD": qm.VQD(tied, **chosen),
        "q-sc-EOM": qm.EOM("q-sc-EOM", **chosen),
        "qEOM": qm.EOM("qEOM", **chosen),
        "QSE": qm.QSE(**chosen),
        "Krylov": qm.Krylov(**chosen),
    }


@dataclass(frozen=True)
class Entry:
    """One method on one system, states of one multiplicity."""

    system: str
    multiplicity: int
    method: str
    errors: tuple[float, ...]
    """Of each state, against the exact one of the same multiplicity and irrep (millihartree)."""
    irreps: tuple[str, ...]
    spin_squares: tuple[float, ...]
    seconds: float
    status: str
    missed: str
    """Exact levels that were not found, in words."""
    circuit: str
    """Parameters and gates, and determinants of the references."""


def hamiltonian(system: str) -> MolecularHamiltonian:
    """Return a system's Hamiltonian."""
    xyz, basis, space = SYSTEMS[system]
    return qm.molecular_hamiltonian(qm.Molecule.from_xyz(xyz, basis=basis), space)


def whole_levels(problem: MolecularHamiltonian, multiplicity: int) -> int:
    """Return how many states the lowest levels have, degenerate ones whole."""
    n_levels = N_LEVELS[multiplicity]
    largest = sum(block.size for block in symmetry_blocks(problem, multiplicity=multiplicity))
    exact = symmetry_states(problem, min(4 * n_levels, largest), multiplicity=multiplicity)
    steps = np.flatnonzero(np.diff(exact.energies) > 1e-6) + 1
    begins = [0, *steps.tolist(), len(exact.energies)]
    return int(begins[min(n_levels, len(begins) - 1)])


def entry(system: str, multiplicity: int, method: str, solver: Solver, n_states: int) -> Entry:
    """Return what a method finds."""
    problem = hamiltonian(system)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qm.QmlmatWarning)  # the notes hold them
        found = solver.eigenpairs(
            problem, n_states=n_states, guess=None, backend=qm.SectorBackend(), seed=None
        )
        seconds = time.perf_counter() - start
        found = with_levels(found, problem, multiplicity=multiplicity)
    circuit = ""
    if found.circuit is not None:
        terms = ", ".join(str(len(r.terms)) for r in found.references or ())
        circuit = f"{found.circuit.n_params} parameters, {len(found.circuit.gates)} gates"
        circuit += f"; determinants of the references: {terms}" if terms else ""
    missed = [note for note in found.notes if "not found" in note]
    return Entry(
        system=system,
        multiplicity=multiplicity,
        method=method,
        errors=tuple(float(1e3 * e) for e in found.errors),
        irreps=found.irreps or (),
        spin_squares=tuple(map(float, found.spin_squares)),
        seconds=seconds,
        status=found.status,
        missed=missed[0].split("found: ")[-1] if missed else "",
        circuit=circuit,
    )


def entries(systems: Sequence[str]) -> list[Entry]:
    """Return all methods on all systems."""
    found = []
    for system in systems:
        for multiplicity in N_LEVELS:
            n_states = whole_levels(hamiltonian(system), multiplicity)
            for method, solver in solvers(system, multiplicity).items():
                found.append(entry(system, multiplicity, method, solver, n_states))
        sys.stderr.write(f"[{time.strftime('%H:%M:%S')}] {system}\n")
    return found


def table(found: Sequence[Entry]) -> list[str]:
    """Return the largest errors as text, methods by systems, then circuits and what is missed."""
    methods = list(dict.fromkeys(e.method for e in found))
    cells = {(e.system, e.multiplicity, e.method): e for e in found}
    text = [
        "largest error of a state, mHa, against the exact one of its multiplicity and irrep",
        f"{'':18s}{'2s+1':>5s}{'states':>7s}  " + "".join(f"{m:>10s}" for m in methods),
    ]
    for system, multiplicity in dict.fromkeys((e.system, e.multiplicity) for e in found):
        row = [cells[system, multiplicity, method] for method in methods]
        text.append(
            f"{system:18s}{multiplicity:5d}{len(row[0].errors):7d}  "
            + "".join(f"{_largest(e.errors):>9s}{'*' if e.missed else ' '}" for e in row)
        )
    text += ["", "* an exact state below the last one found is missing:"]
    text += [f"  {e.system}, {e.multiplicity}, {e.method}: {e.missed}" for e in found if e.missed]
    text += ["", "circuits of SSVQE (uccgsd, spin-tied, irreps kept), largest |<S^2> - s(s+1)|:"]
    for e in found:
        if e.method == "SSVQE":
            pure = 0.25 * (e.multiplicity**2 - 1)
            drift = max(abs(square - pure) for square in e.spin_squares)
            name = f"  {e.system:18s}{e.multiplicity:3d}"
            text.append(f"{name}  {e.circuit}; {drift:.0e}; {e.status}")
    text += ["", "seconds, all systems together: " + _seconds(found, methods)]
    complaint = cells.get(("BeH2 1.33 Å", 1, "qEOM"))
    if complaint:
        seconds = f"{complaint.seconds:.2f} s"
        text.append(f"qEOM of BeH2, STO-3G, frozen core, ground state included: {seconds}")
    return text


def _largest(errors: Sequence[float]) -> str:
    worst = np.abs(errors).max()
    return "no label" if np.isnan(worst) else f"{worst:.3f}"


def _seconds(found: Sequence[Entry], methods: Sequence[str]) -> str:
    return ", ".join(
        f"{method} {sum(e.seconds for e in found if e.method == method):.1f}" for method in methods
    )


def published() -> list[str]:
    """Return q-sc-EOM of rectangular H4 beside the published figures."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qm.QmlmatWarning)  # multireference, as the table says
        found = qm.solve(hamiltonian("H4 1.8 x 1.5 Å"), qm.EOM(multiplicity=1), n_states=5)
    ours = [float(e - found.energies[0]) for e in found.energies[1:]]
    return [
        "",
        "H4 1.8 x 1.5 Å, q-sc-EOM excitations (hartree); ours with the product form of uccsd,",
        "doubles before singles:",
        "  published " + "  ".join(f"{value:.6f}" for value in PUBLISHED),
        "  ours      " + "  ".join(f"{value:.6f}" for value in ours),
    ]


LENGTHS = tuple(round(0.9 + 0.05 * k, 2) for k in range(24))
"""Bond lengths of the N2 curve (Å)."""


def dense_seconds(problem: MolecularHamiltonian, n_states: int) -> float:
    """Return how long the whole matrix takes, built column by column and diagonalised."""
    start = time.perf_counter()
    units = np.eye(problem.dimension).reshape(-1, *problem.shape)
    matrix = np.array([problem.matvec(unit).ravel() for unit in units])
    eigh(matrix, subset_by_index=(0, n_states - 1), overwrite_a=True)
    return time.perf_counter() - start


def _dense_curve(molecule: qm.Molecule, path: qm.Path, n_states: int) -> float:
    """Return how long dense diagonalisation of all Hamiltonians of a path takes (s)."""
    molecules = [molecule.with_positions(point.positions) for point in path.points]
    problems = [qm.molecular_hamiltonian(one, N2_SPACE) for one in molecules]
    return sum(dense_seconds(problem, n_states) for problem in problems)


def curve(lengths: Sequence[float], n_states: int = 4) -> list[str]:
    """Return a table of the N2 curve: time, time against dense diagonalisation, errors."""
    molecule = qm.Molecule.from_xyz("N 0 0 0; N 0 0 1.1", basis="cc-pvdz")
    path = qm.stretch(molecule, (0, 1), lengths)
    chosen: dict[str, Solver] = {
        "Exact": qm.Exact(multiplicity=1),
        "SSVQE, 2 layers": qm.SSVQE("uccgsd", multiplicity=1, spin_penalty=0.1),
        "SSVQE, 4 tied": qm.SSVQE(multiplicity=1, layers=4),
        "q-sc-EOM": qm.EOM("q-sc-EOM", multiplicity=1),
        "qEOM": qm.EOM("qEOM", multiplicity=1),
        "VQD": qm.VQD(multiplicity=1),
        "QSE": qm.QSE(multiplicity=1),
        "Krylov": qm.Krylov(multiplicity=1),
    }
    rows, dense = [], 0.0
    for name, solver in chosen.items():
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", qm.QmlmatWarning)
            scan = qm.scan(qm.SolverSurface(molecule, N2_SPACE, solver, n_states=n_states), path)
        seconds = time.perf_counter() - start
        errors = 1e3 * np.array([r.solution.errors for r in scan.results])
        dense = dense or _dense_curve(molecule, path, n_states)
        rows.append((name, seconds, errors))
        sys.stderr.write(f"[{time.strftime('%H:%M:%S')}] {name}\n")
    text = [
        "",
        f"N2, cc-pVDZ, (10e,8o), {n_states} singlets, {len(lengths)} points from {lengths[0]} to",
        f"{lengths[-1]} Å; mean field, orbitals, exact levels included; dense diagonalisation of",
        f"the same Hamiltonians: {dense:.1f} s",
        f"{'':18s}{'s':>8s}{'/ dense':>9s}{'max mHa':>10s}{'mean mHa':>10s}{'no label':>10s}",
    ]
    text += [
        f"{name:18s}{seconds:8.1f}{seconds / dense:9.3f}{np.nanmax(np.abs(errors)):10.3f}"
        f"{np.nanmean(np.abs(errors)):10.3f}{int(np.isnan(errors).sum()):10d}"
        for name, seconds, errors in rows
    ]
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.excited", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three systems, no curve")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the entries there")
    options = parser.parse_args(arguments)
    qm.set_num_threads(1)
    found = entries(QUICK if options.quick else tuple(SYSTEMS))
    print("\n".join([*table(found), *published(), *([] if options.quick else curve(LENGTHS))]))
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in found], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
