"""How smoothly parameters change along curves: ``python -m benchmarks.tracking``.

On each curve three scans: as the mean field gives its orbitals ("canonical"), tracked, and tracked
with steps half as long. Then the tracked scan again, with the orbitals of every point but the root
scrambled: random signs, a random order, degenerate sets turned at random. Energies must not notice.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import ortho_group

import qmlmat as qm
from qmlmat.surfaces import surface as surface_module
from qmlmat.systems import MeanField
from qmlmat.systems.orbitals import degenerate_groups


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A curve to follow orbitals along."""

    name: str
    """As printed."""
    molecule: qm.Molecule
    """The molecule at its own geometry."""
    space: qm.ActiveSpace
    """Its active space."""
    path: Callable[[np.ndarray], qm.Path]
    """The path through values of the coordinate."""
    values: tuple[float, float, float]
    """First and last value and the step (Å or degrees)."""

    def points(self, halved: int = 0) -> qm.Path:
        """Return the path, its step halved so many times."""
        first, last, step = self.values
        n_steps = round((last - first) / step) * 2**halved
        return self.path(np.round(np.linspace(first, last, n_steps + 1), 6))


LITHIUM_HYDRIDE = qm.Molecule.from_xyz("Li 0 0 0; H 0 0 1.595")
NITROGEN = qm.Molecule.from_xyz("N 0 0 0; N 0 0 1.0977", basis="cc-pvdz")
WATER = qm.Molecule.from_zmatrix("O\nH 1 0.9572\nH 1 0.9572 2 104.52")

DISSOCIATION = Curve(
    name="N2 0.9-3.0 Å, cc-pVDZ (10e,8o)",
    molecule=NITROGEN,
    space=qm.ActiveSpace(10, 8),
    path=lambda lengths: qm.stretch(NITROGEN, (0, 1), lengths),
    values=(0.9, 3.0, 0.1),
)

CURVES = (
    Curve(
        name="LiH 0.9-4.0 Å, STO-3G",
        molecule=LITHIUM_HYDRIDE,
        space=qm.ActiveSpace(),
        path=lambda lengths: qm.stretch(LITHIUM_HYDRIDE, (0, 1), lengths),
        values=(0.9, 4.0, 0.1),
    ),
    DISSOCIATION,
    replace(DISSOCIATION, name="N2 0.9-1.1 Å, cc-pVDZ (10e,8o)", values=(0.9, 1.1, 0.1)),
    Curve(
        name="H2O bend 70-170°, STO-3G",
        molecule=WATER,
        space=qm.ActiveSpace(freeze_core=True),
        path=lambda angles: qm.bend(WATER, (1, 0, 2), angles),
        values=(70.0, 170.0, 5.0),
    ),
)
"""What is followed; the third is the stretch along which canonical orbitals reorder."""


def scrambled(mean_field: MeanField, rng: np.random.Generator) -> MeanField:
    """Return the same mean field: other signs, another order, degenerate sets turned."""
    orbitals = np.array(mean_field.mo_coeff) * rng.choice([-1.0, 1.0], mean_field.mo_coeff.shape[1])
    for group in degenerate_groups(mean_field.mo_energy, mean_field.mo_occ):
        if len(group) > 1:
            turn = ortho_group.rvs(len(group), random_state=rng)
            orbitals[:, list(group)] = orbitals[:, list(group)] @ turn
    order = rng.permutation(orbitals.shape[1])
    return replace(
        mean_field,
        mo_coeff=orbitals[:, order],
        mo_energy=mean_field.mo_energy[order],
        mo_occ=mean_field.mo_occ[order],
    )


@contextmanager
def scrambling(root: qm.Geometry, seed: int) -> Iterator[None]:
    """Let surfaces get scrambled mean fields everywhere but at the root."""
    rng, plain = np.random.default_rng(seed), surface_module.run_mean_field

    def run(molecule: qm.Molecule) -> MeanField:
        found = plain(molecule)
        at_root = np.array_equal(molecule.positions, root.positions)
        return found if at_root else scrambled(found, rng)

    surface_module.run_mean_field = run
    try:
        yield
    finally:
        surface_module.run_mean_field = plain


def follow(curve: Curve, solver: Any, orbitals: str, halved: int = 0) -> qm.Scan:  # noqa: ANN401
    """Return the scan of a curve."""
    surface = qm.SolverSurface(curve.molecule, curve.space, solver, orbitals=orbitals)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qm.QmlmatWarning)  # of the methods, not of the orbitals
        return qm.scan(surface, curve.points(halved))


def largest_jump(scan: qm.Scan) -> float:
    """Return the largest change of a parameter from a point to its parent (radians)."""
    params = [result.solution.params for result in scan.results]
    pairs = [(k, parent) for k, parent in enumerate(scan.path.parents) if parent is not None]
    return max(float(np.abs(params[k] - params[parent]).max()) for k, parent in pairs)


def difference(first: qm.Scan, second: qm.Scan) -> float:
    """Return the largest difference of two scans' energies (hartree)."""
    return float(np.abs(first.energies - second.energies).max())


def measure(curve: Curve, seed: int) -> dict[str, float]:
    """Return what the table shows of a curve."""
    start = time.perf_counter()
    found: dict[str, float] = {}
    scans = {
        name: follow(curve, qm.VQE("uccsd"), *arguments)
        for name, arguments in {
            "canonical": ("canonical",),
            "tracked": ("tracked",),
            "halved": ("tracked", 1),
        }.items()
    }
    for name, scan in scans.items():
        found[f"jump {name}"] = largest_jump(scan)
    root = scans["tracked"].path.points[scans["tracked"].path.root]
    exact = follow(curve, qm.Exact(), "tracked")
    with scrambling(root, seed):
        again = follow(curve, qm.VQE("uccsd"), "tracked")
        found["uccsd"] = difference(scans["tracked"], again)
        found["exact"] = difference(exact, follow(curve, qm.Exact(), "tracked"))
    found["overlap"] = min(r.overlap for r in scans["tracked"].results if r.overlap is not None)
    return {**found, "seconds": time.perf_counter() - start}


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tracking", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    print(
        f"{'largest change of a uccsd parameter from a point to its parent (rad)':70}"
        "scrambled: change of energy (hartree)"
    )
    print(
        f"{'':32}{'canonical':>10}{'tracked':>9}{'half steps':>12}{'overlap':>9}"
        f"{'uccsd':>11}{'exact':>10}{'s':>7}"
    )
    rows = {}
    for curve in CURVES:
        row = rows[curve.name] = measure(curve, options.seed)
        print(
            f"{curve.name:32}{row['jump canonical']:10.4f}{row['jump tracked']:9.4f}"
            f"{row['jump halved']:12.4f}{row['overlap']:9.4f}{row['uccsd']:11.1e}"
            f"{row['exact']:10.1e}{row['seconds']:7.1f}"
        )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
