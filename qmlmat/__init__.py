"""Quantum machine learning for molecules and materials.

Describe a molecule, choose how to solve it, and follow it along a path:

    import qmlmat as qm

    h2 = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735")
    solution = qm.solve(qm.molecular_hamiltonian(h2), qm.VQE("uccsd"))
    curve = qm.scan(qm.SolverSurface(h2, qm.ActiveSpace(), qm.VQE("uccsd")),
                    qm.stretch(h2, (0, 1), [0.6, 0.735, 0.9]))

Energies are in hartree, positions in ångström, angles in radians.
"""

from importlib.metadata import PackageNotFoundError, version

from qmlmat.ansatz import Ansatz, Circuit, Excitation, Gate
from qmlmat.backends import (
    Backend,
    Estimate,
    Preparation,
    Reference,
    Request,
    SectorBackend,
    expectation,
)
from qmlmat.errors import QmlmatError, QmlmatWarning
from qmlmat.report import plot_scan, scan_table
from qmlmat.solvers import VQE, Exact, Solution, solve
from qmlmat.surfaces import (
    FunctionSurface,
    Geometry,
    Path,
    PointResult,
    Scan,
    SolverSurface,
    load_scan,
    scan,
    stretch,
)
from qmlmat.systems import (
    ActiveSpace,
    MolecularHamiltonian,
    Molecule,
    SpinSquare,
    WeightedSum,
    molecular_hamiltonian,
    one_rdm,
    run_mean_field,
    spin_square,
    two_rdm,
)

try:
    __version__ = version("qmlmat")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0+unknown"

__all__ = [  # noqa: RUF022 (the order is the table of contents)
    # Systems: from atoms to a Hamiltonian
    "Molecule",
    "ActiveSpace",
    "run_mean_field",
    "molecular_hamiltonian",
    "MolecularHamiltonian",
    "SpinSquare",
    "WeightedSum",
    # Solving: from a Hamiltonian to eigenpairs
    "solve",
    "Exact",
    "VQE",
    "Solution",
    "one_rdm",
    "two_rdm",
    "spin_square",
    # Circuits
    "Ansatz",
    "Circuit",
    "Gate",
    "Excitation",
    # Backends: where circuits run
    "Backend",
    "SectorBackend",
    "Preparation",
    "Reference",
    "Request",
    "Estimate",
    "expectation",
    # Surfaces: from a path to a curve
    "scan",
    "load_scan",
    "stretch",
    "Path",
    "Geometry",
    "SolverSurface",
    "FunctionSurface",
    "PointResult",
    "Scan",
    # Figures and tables
    "plot_scan",
    "scan_table",
    # What can go wrong
    "QmlmatError",
    "QmlmatWarning",
]
