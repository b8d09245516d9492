"""Descriptors: from the positions of atoms to features that know neither place nor axes."""

from qmlmat.potentials.descriptors.base import Descriptor
from qmlmat.potentials.descriptors.behler_parrinello import (
    Angular,
    BehlerParrinello,
    Radial,
    angular_grid,
    radial_grid,
)
from qmlmat.potentials.descriptors.coulomb import CoulombMatrix
from qmlmat.potentials.descriptors.even import Even
from qmlmat.potentials.descriptors.internal import InternalCoordinates
from qmlmat.potentials.descriptors.pairs import (
    Distances,
    InverseDistances,
    MorseVariables,
    PairDescriptor,
)
from qmlmat.potentials.descriptors.permutations import permutations
from qmlmat.potentials.descriptors.standard import Standardise
from qmlmat.potentials.descriptors.symmetrised import Symmetrised

__all__ = [
    "Angular",
    "BehlerParrinello",
    "CoulombMatrix",
    "Descriptor",
    "Distances",
    "Even",
    "InternalCoordinates",
    "InverseDistances",
    "MorseVariables",
    "PairDescriptor",
    "Radial",
    "Standardise",
    "Symmetrised",
    "angular_grid",
    "permutations",
    "radial_grid",
]
