"""The public names, grouped: the table of contents of the package."""

from qmlmat.ansatz import Ansatz, Circuit, Excitation, Gate, NumberProduct
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
from qmlmat.operators.parallel import set_num_threads
from qmlmat.properties import spectroscopic_constants, stationary_points, vibrational_levels
from qmlmat.report import constants_table, error_table, plot_scan, scan_table
from qmlmat.solvers import (
    ADAPTVQE,
    SPSA,
    VQE,
    Exact,
    NaturalGradient,
    PreconditionedLBFGS,
    Rotosolve,
    Screening,
    Solution,
    solve,
)
from qmlmat.surfaces import (
    Angle,
    Dihedral,
    Distance,
    FunctionSurface,
    Geometry,
    Path,
    PointResult,
    Scan,
    SolverSurface,
    asymmetric,
    bend,
    displace,
    export_scan,
    frames,
    grid,
    interpolate,
    line,
    load_scan,
    sample,
    scan,
    stretch,
    symmetric,
    twist,
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
    "ADAPTVQE",
    "Screening",
    "Solution",
    # Optimisers, beside all of torch.optim
    "PreconditionedLBFGS",
    "NaturalGradient",
    "Rotosolve",
    "SPSA",
    # Density matrices and spin
    "one_rdm",
    "two_rdm",
    "spin_square",
    # Circuits
    "Ansatz",
    "Circuit",
    "Gate",
    "Excitation",
    "NumberProduct",
    # Backends: where circuits run
    "Backend",
    "SectorBackend",
    "Preparation",
    "Reference",
    "Request",
    "Estimate",
    "expectation",
    "set_num_threads",
    # Paths: which geometries
    "stretch",
    "bend",
    "twist",
    "line",
    "grid",
    "sample",
    "Distance",
    "Angle",
    "Dihedral",
    "symmetric",
    "asymmetric",
    "displace",
    "interpolate",
    "frames",
    "Path",
    "Geometry",
    # Surfaces: from a path to a curve
    "scan",
    "load_scan",
    "export_scan",
    "SolverSurface",
    "FunctionSurface",
    "PointResult",
    "Scan",
    # What a curve says
    "spectroscopic_constants",
    "vibrational_levels",
    "stationary_points",
    "constants_table",
    "error_table",
    # Figures and tables
    "plot_scan",
    "scan_table",
    # What can go wrong
    "QmlmatError",
    "QmlmatWarning",
]
