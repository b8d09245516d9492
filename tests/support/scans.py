"""Small scans for tests of tables, figures and exports: one real, one of a function on a grid."""

import functools
from dataclasses import replace

import numpy as np

import qmlmat as qm
from qmlmat.surfaces import Axis, Geometry, Path, PointResult, Scan
from qmlmat.surfaces.paths.tree import grid_tree

ANGLE = np.radians(104.5)


@functools.cache
def hydrogen() -> Scan:
    """Four points of H2, uccsd: exact for two electrons."""
    molecule = qm.Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.74]])
    surface = qm.SolverSurface(molecule, qm.ActiveSpace(), qm.VQE("uccsd"))
    return qm.scan(surface, qm.stretch(molecule, (0, 1), [0.6, 0.75, 0.9, 1.2]), title="H2")


def troubled() -> Scan:
    """Hydrogen, with a failed point, one that did not converge, and one not computed."""
    scan = hydrogen()
    results = list(scan.results)
    results[0] = PointResult(energies=np.array([np.nan]), status="failed: no field", wall_time=0.1)
    results[1] = replace(results[1], status="iteration_limit", forces=np.eye(3)[:2])
    results[3] = None
    return replace(scan, results=tuple(results))


def water_grid(n_first: int = 5, n_second: int = 4, **changes) -> Path:
    """Both bond lengths of water (Å), the last axis fastest."""
    first, second = np.linspace(0.8, 1.6, n_first), np.linspace(0.85, 1.6, n_second)
    coordinates = np.array([[a, b] for a in first for b in second])
    points = [
        Geometry(
            ("O", "H", "H"),
            np.array([[0, 0, 0], [0, 0, a], [0, b * np.sin(ANGLE), b * np.cos(ANGLE)]]),
        )
        for a, b in coordinates
    ]
    values = {
        "points": tuple(points),
        "coordinates": coordinates,
        "axes": (Axis("r(O0-H1)"), Axis("r(O0-H2)")),
        "shape": (n_first, n_second),
        "root": 0,
        "parents": grid_tree((n_first, n_second), 0),
    }
    return Path(**(values | changes))


def well(positions: np.ndarray) -> float:
    """Two Morse bonds, each 0.2 hartree deep at 0.96 Å, that weaken each other (hartree)."""
    first, second = (np.linalg.norm(positions[k] - positions[0]) for k in (1, 2))
    morse = [0.2 * (1 - np.exp(-2.2 * (r - 0.96))) ** 2 for r in (first, second)]
    return float(-76.0 + sum(morse) + 0.05 * (first - 0.96) * (second - 0.96))


def water(path: Path | None = None, *, errors: bool = False, unit: str = "hartree") -> Scan:
    """The well on a grid; with ``errors``, as if a solver had been off by up to 4 mHa."""
    scan = qm.scan(qm.FunctionSurface(well, unit), path or water_grid())
    if not errors:
        return scan
    off = [4e-3 * (x - 0.8).sum() / 1.6 for x in scan.path.coordinates]
    results = tuple(
        replace(r, reference=float(r.energies[0]), energies=r.energies + error)
        for r, error in zip(scan.results, off, strict=True)
    )
    return replace(scan, results=results)
