"""Scans of several states, and what must make no difference to how their states are followed."""

import functools
from dataclasses import replace

import numpy as np
import scipy.linalg

import qmlmat as qm
from qmlmat.solvers import Solution
from qmlmat.surfaces import Axis, Path, PointResult, Scan, stretch
from qmlmat.surfaces.continuation import levels_of
from qmlmat.surfaces.curves import state_labels
from qmlmat.systems.active_orbitals import ActiveOrbitals

ANGLE = np.deg2rad(104.44)
SINGLETS = qm.Exact(multiplicity=1)
H2 = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.75")


def lithium_hydride(lengths=(2.6, 2.8, 2.9, 3.0, 3.1, 3.2, 3.4), solver=SINGLETS, **options):
    """Four singlets of LiH in the smallest basis: Sigma+, Sigma+, and a pair of Pi."""
    molecule = qm.Molecule.from_xyz("Li 0 0 0; H 0 0 2.9")
    return _scan(molecule, stretch(molecule, (0, 1), lengths), 4, solver, **options)


def water(lengths=(0.75, 0.8, 0.85, 0.9), solver=SINGLETS, n_states=6, **options):
    """Singlets of H2O along the symmetric stretch, frozen core, in the smallest basis."""
    r = lengths[0]
    molecule = qm.Molecule.from_xyz(
        f"O 0 0 0; H {r} 0 0; H {r * np.cos(ANGLE)} {r * np.sin(ANGLE)} 0"
    )
    bonds = qm.symmetric(qm.Distance(0, 1), qm.Distance(0, 2))
    space = qm.ActiveSpace(freeze_core=True)
    return _scan(molecule, qm.line(molecule, bonds, lengths), n_states, solver, space, **options)


@functools.cache
def nitrogen(lengths=(1.15, 1.2, 1.25, 1.3, 1.35)):
    """Six singlets of N2 (10e,8o) in cc-pVDZ, two pairs among them."""
    molecule = qm.Molecule.from_xyz("N 0 0 0; N 0 0 1.15", basis="cc-pvdz")
    space = qm.ActiveSpace(10, 8)
    return _scan(molecule, stretch(molecule, (0, 1), lengths), 6, SINGLETS, space)


def rectangle(widths=(0.9, 0.95, 1.0, 1.05, 1.1)):
    """Three singlets of four hydrogen atoms, 1.23 Å by a width."""
    start, end = (
        qm.Molecule.from_xyz(f"H 0 0 0; H 0 0 1.23; H {w} 0 0; H {w} 0 1.23")
        for w in (widths[0], widths[-1])
    )
    points = qm.interpolate(start, qm.Geometry(end.symbols, end.positions), len(widths)).points
    coordinates = np.array(widths)[:, None]
    parents = (None, *range(len(widths) - 1))
    path = Path(
        points=points, coordinates=coordinates, axes=(Axis("width"),), root=0, parents=parents
    )
    return _scan(start, path, 3, SINGLETS)


@functools.cache
def hydrogen() -> Scan:
    """Four states of H2, of both spins, by one circuit; exact for two electrons."""
    solver = qm.SSVQE()
    return _scan(H2, stretch(H2, (0, 1), (0.65, 0.75, 0.9, 1.2)), 4, solver)


def _scan(molecule, path, n_states, solver, space=None, **options):
    surface = qm.SolverSurface(molecule, space or qm.ActiveSpace(), solver, n_states=n_states)
    return qm.scan(surface, path, **options)


def turned(scan: Scan, seed: int) -> Scan:
    """The scan with all that a solver leaves open at random: signs, and turns within levels."""
    rng = np.random.default_rng(seed)
    return replace(scan, results=tuple(_turned(result, rng) for result in scan.results))


def _turned(result: PointResult, rng) -> PointResult:
    states = np.stack(result.solution.states)
    for level in levels_of(result.energies, state_labels(result)):
        rows = list(level)
        turn = np.linalg.qr(rng.normal(size=(len(rows), len(rows))))[0]
        states[rows] = np.tensordot(turn * rng.choice([-1, 1]), states[rows], axes=1)
    return replace(result, solution=replace(result.solution, states=tuple(states)))


def _orthogonal(point) -> np.ndarray:
    """Löwdin's orbitals: between geometries their overlap is the unit matrix."""
    metric = H2.with_positions(point.positions).to_pyscf().intor_symmetric("int1e_ovlp")
    return np.linalg.inv(scipy.linalg.sqrtm(metric)).real


def model(energies, *, unit="hartree", lengths=None, irreps=None):
    """A scan of a table of energies along a bond, ``(n_points, n_curves)``, with labels and states.

    Each column is a state of its own that never changes; points have theirs in order of energy.
    """
    table = np.asarray(energies, dtype=np.float64)
    n_points, n_states = table.shape
    lengths = np.linspace(0.6, 1.6, n_points) if lengths is None else lengths
    path = stretch(H2, (0, 1), lengths, root=0)
    results = []
    for point, row in zip(path.points, table, strict=True):
        order = np.argsort(row, kind="stable")
        states = np.eye(4)[order].reshape(-1, 2, 2)
        solution = Solution(
            energies=row[order],
            unit=unit,
            status="converged",
            states=tuple(states),
            irreps=None if irreps is None else tuple(irreps[k] for k in order),
            spin_squares=np.zeros(n_states),
        )
        orbitals = ActiveOrbitals(
            positions=point.positions,
            inactive=np.empty((2, 0)),
            active=_orthogonal(point),
            nelec=(1, 1),
        )
        results.append(
            PointResult(energies=row[order], unit=unit, solution=solution, orbitals=orbitals)
        )
    inputs = {"surface": {"molecule": H2.inputs()}}
    return Scan(path=path, results=tuple(results), inputs=inputs)
