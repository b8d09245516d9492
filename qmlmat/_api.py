"""The public names, grouped: the table of contents of the package."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from qmlmat.ansatz import Ansatz, Circuit, Excitation, Gate, NumberProduct, QubitCircuit
from qmlmat.backends import (
    Backend,
    Estimate,
    Preparation,
    Reference,
    Request,
    SectorBackend,
    StatevectorBackend,
    expectation,
)
from qmlmat.backends.qubits import Mitigation
from qmlmat.errors import QmlmatError, QmlmatWarning
from qmlmat.operators.fermion import FermionOperator
from qmlmat.operators.mappings import QubitMapping, qubit_mapping
from qmlmat.operators.parallel import set_num_threads
from qmlmat.operators.pauli import PauliSum
from qmlmat.properties import (
    AbsorptionSpectrum,
    NaturalOrbitals,
    StateProperties,
    Transition,
    absorption_spectrum,
    edge_minima,
    natural_orbitals,
    orbital_entropies,
    property_errors,
    spectroscopic_constants,
    state_properties,
    stationary_points,
    vibrational_levels,
)
from qmlmat.report import (
    bands_table,
    constants_table,
    error_table,
    plot_bands,
    plot_scan,
    plot_spectrum,
    scan_constants,
    scan_table,
    spectrum_table,
    states_table,
    summarise_errors,
)
from qmlmat.solvers import (
    ADAPTVQE,
    EOM,
    QSE,
    RBM,
    SPSA,
    SSVQE,
    VQD,
    VQE,
    BoltzmannMachine,
    Exact,
    Filtration,
    GibbsCircuit,
    Krylov,
    Metropolis,
    NaturalGradient,
    PreconditionedLBFGS,
    Rotosolve,
    Screening,
    Solution,
    Symmetry,
    solve,
)
from qmlmat.surfaces import (
    Angle,
    BandEdges,
    BandSurface,
    Dihedral,
    Distance,
    FunctionSurface,
    Geometry,
    KPoint,
    Path,
    PointResult,
    Scan,
    SolverSurface,
    asymmetric,
    avoided_crossings,
    band_edges,
    bend,
    crossings,
    displace,
    export_scan,
    frames,
    grid,
    interpolate,
    k_path,
    line,
    load_scan,
    minimum_gap,
    sample,
    scan,
    stretch,
    symmetric,
    twist,
)
from qmlmat.systems import (
    ActiveSpace,
    BlochHamiltonian,
    MatrixHamiltonian,
    MolecularHamiltonian,
    Molecule,
    QubitHamiltonian,
    SpinSquare,
    TightBindingModel,
    WeightedSum,
    graphene,
    hexagonal_boron_nitride,
    load_wannier90,
    molecular_hamiltonian,
    monolayer,
    normal_modes,
    one_rdm,
    run_mean_field,
    save_wannier90,
    spin_square,
    two_rdm,
)

if TYPE_CHECKING:
    from qmlmat._learning import *  # noqa: F403
    from qmlmat.backends.pennylane.backend import PennyLaneBackend
    from qmlmat.backends.qiskit.backend import QiskitBackend
    from qmlmat.backends.qiskit.devices import NoisySampler, fake_device, restricted
    from qmlmat.plugins.ase import SurfaceCalculator

__all__ = [  # noqa: RUF022 (the order is the table of contents)
    # Systems: from atoms to a Hamiltonian
    "Molecule",
    "ActiveSpace",
    "run_mean_field",
    "molecular_hamiltonian",
    "MolecularHamiltonian",
    "QubitHamiltonian",
    "MatrixHamiltonian",
    "BlochHamiltonian",
    "SpinSquare",
    "WeightedSum",
    # Crystals: bands at each k
    "TightBindingModel",
    "monolayer",
    "graphene",
    "hexagonal_boron_nitride",
    "load_wannier90",
    "save_wannier90",
    # Solving: from a Hamiltonian to eigenpairs
    "solve",
    "Exact",
    "VQD",
    "VQE",
    "ADAPTVQE",
    "EOM",
    "QSE",
    "Krylov",
    "SSVQE",
    "Screening",
    "Solution",
    # Boltzmann-machine states
    "RBM",
    "Metropolis",
    "GibbsCircuit",
    "BoltzmannMachine",
    "Filtration",
    "Symmetry",
    # Optimisers, beside all of torch.optim
    "PreconditionedLBFGS",
    "NaturalGradient",
    "Rotosolve",
    "SPSA",
    # Density matrices and spin
    "one_rdm",
    "two_rdm",
    "spin_square",
    # What the states are like
    "state_properties",
    "StateProperties",
    "absorption_spectrum",
    "AbsorptionSpectrum",
    "Transition",
    "property_errors",
    "natural_orbitals",
    "NaturalOrbitals",
    "orbital_entropies",
    # Operators on qubits
    "PauliSum",
    "FermionOperator",
    "QubitMapping",
    "qubit_mapping",
    # Circuits
    "Ansatz",
    "Circuit",
    "QubitCircuit",
    "Gate",
    "Excitation",
    "NumberProduct",
    # Backends: where circuits run
    "Backend",
    "SectorBackend",
    "StatevectorBackend",
    "PennyLaneBackend",
    "QiskitBackend",
    "fake_device",
    "restricted",
    "NoisySampler",
    "Mitigation",
    "Preparation",
    "Reference",
    "Request",
    "Estimate",
    "expectation",
    "set_num_threads",
    # Paths: which geometries, or which k of a crystal
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
    "normal_modes",
    "displace",
    "interpolate",
    "frames",
    "k_path",
    "Path",
    "Geometry",
    "KPoint",
    # Surfaces: from a path to a curve
    "scan",
    "load_scan",
    "export_scan",
    "SolverSurface",
    "FunctionSurface",
    "BandSurface",
    "PointResult",
    "Scan",
    "SurfaceCalculator",
    # Surfaces that are learnt: models that are trained, and what they learn from
    "fit",
    "Fit",
    "Training",
    "Loss",
    "SurfaceData",
    "Potential",
    "QNNPotential",
    "MLPPotential",
    "GPPotential",
    "QuantumKernelPotential",
    "NetworkPotential",
    "AdditivePotential",
    "GaussianProcess",
    "Committee",
    "save_potential",
    "load_potential",
    # Their parts: circuits, networks, kernels, descriptors
    "Encoding",
    "EncodedCircuit",
    "QuantumNetwork",
    "Perceptron",
    "FeatureFactor",
    "QuantumKernel",
    "RationalQuadratic",
    "RBF",
    "grow_kernel",
    "Descriptor",
    "InverseDistances",
    "MorseVariables",
    "InternalCoordinates",
    "CoulombMatrix",
    "BehlerParrinello",
    "Symmetrised",
    # Circuits whose angles come from the geometry
    "ConditionedCircuit",
    "SubspaceReadout",
    "EigenvectorContinuation",
    "HamiltonianSource",
    "LogRatio",
    "measure_circuit",
    # How good they are, and where to compute next
    "compare",
    "Comparison",
    "Arm",
    "network_arms",
    "kernel_arms",
    "active_learning",
    "ActiveLearning",
    "measured_energies",
    "locate_intersection",
    "berry_sign",
    # What a curve says
    "spectroscopic_constants",
    "vibrational_levels",
    "stationary_points",
    "edge_minima",
    "minimum_gap",
    "crossings",
    "avoided_crossings",
    "band_edges",
    "BandEdges",
    "summarise_errors",
    "error_table",
    "scan_constants",
    "constants_table",
    # Figures and tables
    "plot_scan",
    "scan_table",
    "plot_bands",
    "bands_table",
    "states_table",
    "plot_spectrum",
    "spectrum_table",
    # What can go wrong
    "QmlmatError",
    "QmlmatWarning",
]

_DOORS: Final = {
    "PennyLaneBackend": "qmlmat.backends.pennylane.backend",
    "QiskitBackend": "qmlmat.backends.qiskit.backend",
    "fake_device": "qmlmat.backends.qiskit.devices",
    "restricted": "qmlmat.backends.qiskit.devices",
    "NoisySampler": "qmlmat.backends.qiskit.devices",
    "SurfaceCalculator": "qmlmat.plugins.ase",
}
"""Names whose module brings a framework, loaded on first use."""

_LEARNING: Final = "qmlmat._learning"
"""Has the names that are neither imported here nor doors: they take a while to load."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever the name stands for)
    """Load on first use: doors of frameworks, and what only those need who learn a surface."""
    if name not in __all__:
        raise AttributeError(f"module 'qmlmat' has no attribute '{name}'")
    module = importlib.import_module(_DOORS.get(name, _LEARNING))
    value = globals()[name] = getattr(module, name)
    return value
