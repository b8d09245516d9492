"""Gaussian processes: classical kernels and those of quantum states, invariant, with error bars."""

from qmlmat.potentials.gaussian.growth import Growing, Growth, GrowthStep, grow_kernel
from qmlmat.potentials.gaussian.kernels import RBF, Kernel, RationalQuadratic, Sum
from qmlmat.potentials.gaussian.model import GaussianProcess
from qmlmat.potentials.gaussian.quantum import QuantumKernel

__all__ = [
    "RBF",
    "GaussianProcess",
    "Growing",
    "Growth",
    "GrowthStep",
    "Kernel",
    "QuantumKernel",
    "RationalQuadratic",
    "Sum",
    "grow_kernel",
]
