"""Data of the learning benchmarks: computed once, kept in a folder, resumed where interrupted.

Water (B3): full CI, frozen core, STO-3G, three singlets and the forces in the ground state, at
random geometries of a wide box. Formaldimine (B5): CASSCF(4,3)/STO-3G averaged over two singlets,
around their conical intersection; with the smaller space (2,2) these states do not meet there.

Run ``python -m benchmarks.learning.data`` to compute both (5 minutes on two cores).
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pyscf import fci, mcscf, scf

import qmlmat as qm
from qmlmat.potentials.data import SurfaceData
from qmlmat.surfaces import Geometry, PointResult
from qmlmat.systems import ActiveOrbitals

FOLDER = Path(__file__).parents[1] / ".data"
"""Where data are kept if no folder is named; ignored by git."""

WATER_CEILING = 0.15
"""Energy above the lowest of the geometries drawn up to which they are kept (hartree)."""

FORMALDIMINE = """N; C 1 1.498047; H 2 1.066797 1 118.359375; H 2 1.066797 1 118.359375 3 180;
H 1 0.987109 2 alpha 3 phi"""
"""Z-matrix of the tests of SA-OO-VQE (saoovqe 1.2.0), in Å and degrees."""


def water_path(n_points: int = 900, *, seed: int = 0) -> qm.Path:
    """Return random geometries of water in the wide box.

    Args:
        n_points: Number of geometries.
        seed: Seed of the draw.
    """
    molecule = qm.Molecule.from_zmatrix("O; H 1 1.0; H 1 1.0 2 104.5")
    bonds = [(qm.Distance(0, hydrogen), 0.75, 1.8) for hydrogen in (1, 2)]
    return qm.sample(
        molecule, [*bonds, (qm.Angle(1, 0, 2), 70.0, 150.0)], n_points, method="random", seed=seed
    )


def water(folder: Path = FOLDER, *, n_points: int = 900, workers: int = 2) -> SurfaceData:
    """Return three singlets of water, and the ground state's forces, below the ceiling.

    Args:
        folder: Where the scan is kept.
        n_points: Number of geometries drawn.
        workers: Processes that compute what is missing.
    """
    molecule = qm.Molecule.from_zmatrix("O; H 1 1.0; H 1 1.0 2 104.5")
    surface = qm.SolverSurface(
        molecule,
        qm.ActiveSpace(freeze_core=True),
        qm.Exact(multiplicity=1),
        n_states=3,
        forces=True,
    )
    data = _scanned(surface, water_path(n_points), folder / f"water_{n_points}.db", workers)
    return data.subset(data.energies[:, 0] < data.energies[:, 0].min() + WATER_CEILING)


def formaldimine(alpha: float = 130.0, phi: float = 90.0) -> qm.Molecule:
    """Return CH2NH at an angle C-N-H and a dihedral of the imine's hydrogen (degrees)."""
    return qm.Molecule.from_zmatrix(FORMALDIMINE, variables={"alpha": alpha, "phi": phi})


ALPHA, PHI = qm.Angle(4, 0, 1), qm.Dihedral(4, 0, 1, 2)
"""The coordinates of formaldimine's intersection."""


@dataclass(frozen=True)
class StateAveraged:
    """CASSCF(4,3)/STO-3G, averaged over two singlets, started from the parent's orbitals."""

    def evaluate(self, point: Geometry, *, guess: PointResult | None = None) -> PointResult:
        """Return both energies; orbitals that did not converge are a status, not a crash."""
        molecule = formaldimine().with_positions(point.positions)
        solver = _casscf(molecule)
        start = None
        if guess is not None and guess.orbitals is not None:
            before = molecule.with_positions(guess.orbitals.positions).to_pyscf()
            orbitals = np.hstack([guess.orbitals.inactive, guess.orbitals.active])
            rest = guess.orbitals.virtual(molecule.with_positions(guess.orbitals.positions))
            start = mcscf.project_init_guess(solver, np.hstack([orbitals, rest]), before)
        solver.kernel(start)
        n_core = solver.ncore
        return PointResult(
            energies=np.sort(np.array(solver.e_states)),
            status="converged" if solver.converged else "not converged",
            orbitals=ActiveOrbitals(
                positions=point.positions,
                inactive=solver.mo_coeff[:, :n_core],
                active=solver.mo_coeff[:, n_core : n_core + 3],
                nelec=(2, 2),
            ),
        )

    def inputs(self) -> dict[str, Any]:
        """Return what defines the energies."""
        return {"surface": "sa2-casscf(4,3)/sto-3g singlets"}


def _casscf(molecule: qm.Molecule) -> Any:  # noqa: ANN401 - PySCF is untyped
    mole = molecule.to_pyscf()
    mean_field = scf.RHF(mole)
    mean_field.verbose = 0
    mean_field.run(conv_tol=1e-10)
    solver = mcscf.CASSCF(mean_field, 3, 4)
    solver.fcisolver = fci.direct_spin0.FCI(mole)
    solver.fix_spin_(ss=0)
    solver = solver.state_average_([0.5, 0.5])
    solver.verbose, solver.conv_tol, solver.max_cycle_macro = 0, 1e-10, 200
    return solver


def intersection_grid(folder: Path = FOLDER, *, step: float = 2.0, workers: int = 2) -> SurfaceData:
    """Return both states on a grid: the test set of 21 x 21 angles.

    Args:
        folder: Where the scan is kept.
        step: Between values of phi (degrees); alpha has as many values.
        workers: Processes that compute what is missing.
    """
    axes = [(ALPHA, np.arange(100.0, 161.0, 1.5 * step)), (PHI, np.arange(70.0, 111.0, step))]
    path = qm.grid(formaldimine(), axes)
    store = folder / f"formaldimine_grid_{len(path)}.db"
    return _scanned(StateAveraged(), path, store, workers)


def intersection_samples(
    folder: Path = FOLDER, *, n_points: int = 200, workers: int = 2
) -> SurfaceData:
    """Return both states at points of a Sobol sequence: its first ones are the training set.

    Args:
        folder: Where the scan is kept.
        n_points: Number of points.
        workers: Processes that compute what is missing.
    """
    path = qm.sample(formaldimine(), [(ALPHA, 100.0, 160.0), (PHI, 70.0, 110.0)], n_points)
    store = folder / f"formaldimine_sobol_{n_points}.db"
    return _scanned(StateAveraged(), path, store, workers)


def angles(data: SurfaceData) -> np.ndarray:
    """Return ``alpha`` and ``phi`` of formaldimine, shape ``(n_points, 2)`` (degrees)."""
    return np.array([[ALPHA.value(p), abs(PHI.value(p))] for p in data.positions])


def _scanned(surface: Any, path: qm.Path, store: Path, workers: int) -> SurfaceData:  # noqa: ANN401 - any surface
    store.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qm.QmlmatWarning)  # points without forces are left out
        scan = qm.scan(surface, path, store=store, workers=workers)
    return SurfaceData.from_scan(scan)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compute what is missing and print what there is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args(arguments)
    for name, compute in (
        ("water", water),
        ("formaldimine, grid", intersection_grid),
        ("formaldimine, Sobol", intersection_samples),
    ):
        data = compute(chosen.folder, workers=chosen.workers)
        print(f"{name}: {data}")


if __name__ == "__main__":
    main()
