"""Small scans of several states for tests of tables, figures and exports."""

import functools

import numpy as np

import qmlmat as qm
from qmlmat.surfaces import Scan

LIH = qm.Molecule.from_xyz("Li 0 0 0; H 0 0 1.6")
ANGLE = np.radians(104.44)
WATER = qm.Molecule(
    ("O", "H", "H"),
    [[0, 0, 0], [0, 0, 0.958], [0, 0.958 * np.sin(ANGLE), 0.958 * np.cos(ANGLE)]],
)


@functools.cache
def lithium_hydride() -> Scan:
    """Four singlets of LiH, two of them a pair, by a circuit: they have errors."""
    surface = qm.SolverSurface(LIH, qm.ActiveSpace(2, 5), qm.SSVQE(multiplicity=1), n_states=4)
    return qm.scan(surface, qm.stretch(LIH, (0, 1), [2.0, 2.5, 3.0, 3.5, 4.0]))


@functools.cache
def water() -> Scan:
    """Four singlets of water by symmetric stretch, of which two cross at 0.81 Å."""
    surface = qm.SolverSurface(
        WATER, qm.ActiveSpace(freeze_core=True), qm.Exact(multiplicity=1), n_states=4
    )
    stretch = qm.symmetric(qm.Distance(0, 1), qm.Distance(0, 2))
    return qm.scan(surface, qm.line(WATER, stretch, [0.76, 0.8, 0.84, 0.9]))
