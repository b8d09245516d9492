"""The public names of surfaces that are learnt, in a file of their own: they load on first use."""

from __future__ import annotations

from qmlmat.ansatz.encoded_circuit import EncodedCircuit
from qmlmat.ansatz.encoding import Encoding
from qmlmat.potentials.active import ActiveLearning, active_learning
from qmlmat.potentials.additive import AdditivePotential
from qmlmat.potentials.base import Loss, Potential
from qmlmat.potentials.committee import Committee
from qmlmat.potentials.comparison import (
    Arm,
    Comparison,
    compare,
    kernel_arms,
    network_arms,
)
from qmlmat.potentials.conditioned import (
    ConditionedCircuit,
    EigenvectorContinuation,
    HamiltonianSource,
    LogRatio,
    SubspaceReadout,
    measure_circuit,
)
from qmlmat.potentials.crossings import berry_sign, locate_intersection
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import (
    BehlerParrinello,
    CoulombMatrix,
    Descriptor,
    InternalCoordinates,
    InverseDistances,
    MorseVariables,
    Symmetrised,
)
from qmlmat.potentials.gaussian import (
    RBF,
    GaussianProcess,
    QuantumKernel,
    RationalQuadratic,
    grow_kernel,
)
from qmlmat.potentials.measured import measured_energies
from qmlmat.potentials.model_card import model_card
from qmlmat.potentials.networks.couplings import FeatureFactor
from qmlmat.potentials.networks.perceptron import Perceptron
from qmlmat.potentials.networks.quantum import QuantumNetwork
from qmlmat.potentials.presets import (
    GPPotential,
    MLPPotential,
    QNNPotential,
    QuantumKernelPotential,
)
from qmlmat.potentials.regression import NetworkPotential
from qmlmat.potentials.storage import load_potential, save_potential
from qmlmat.potentials.training import Fit, Training, errors_of, fit, gradient_variance

__all__ = [
    "RBF",
    "ActiveLearning",
    "AdditivePotential",
    "Arm",
    "BehlerParrinello",
    "Committee",
    "Comparison",
    "ConditionedCircuit",
    "CoulombMatrix",
    "Descriptor",
    "EigenvectorContinuation",
    "EncodedCircuit",
    "Encoding",
    "FeatureFactor",
    "Fit",
    "GPPotential",
    "GaussianProcess",
    "HamiltonianSource",
    "InternalCoordinates",
    "InverseDistances",
    "LogRatio",
    "Loss",
    "MLPPotential",
    "MorseVariables",
    "NetworkPotential",
    "Perceptron",
    "Potential",
    "QNNPotential",
    "QuantumKernel",
    "QuantumKernelPotential",
    "QuantumNetwork",
    "RationalQuadratic",
    "SubspaceReadout",
    "SurfaceData",
    "Symmetrised",
    "Training",
    "active_learning",
    "berry_sign",
    "compare",
    "errors_of",
    "fit",
    "gradient_variance",
    "grow_kernel",
    "kernel_arms",
    "load_potential",
    "locate_intersection",
    "measure_circuit",
    "measured_energies",
    "model_card",
    "network_arms",
    "save_potential",
]
