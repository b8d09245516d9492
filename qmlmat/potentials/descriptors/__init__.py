"""Descriptors: from the positions of atoms to features that know neither place nor axes."""

from qmlmat.potentials.descriptors.base import Descriptor
from qmlmat.potentials.descriptors.pairs import (
    Distances,
    InverseDistances,
    MorseVariables,
    PairDescriptor,
)
from qmlmat.potentials.descriptors.permutations import permutations

__all__ = [
    "Descriptor",
    "Distances",
    "InverseDistances",
    "MorseVariables",
    "PairDescriptor",
    "permutations",
]
