"""What is measured: of curves constants and levels; of states dipoles, lines, orbitals."""

from qmlmat.properties.absorption import AbsorptionSpectrum, Transition, absorption_spectrum
from qmlmat.properties.broadening import BroadenedSpectrum, LineShape, broadened
from qmlmat.properties.comparison import PropertyErrors, property_errors
from qmlmat.properties.diatomic import SpectroscopicConstants, spectroscopic_constants
from qmlmat.properties.natural import NaturalOrbitals, natural_orbitals, orbital_entropies
from qmlmat.properties.states import StateProperties, state_properties
from qmlmat.properties.stationary import (
    EdgeMinimum,
    StationaryPoint,
    edge_minima,
    stationary_points,
)
from qmlmat.properties.vibrations import VibrationalLevels, vibrational_levels

__all__ = [
    "AbsorptionSpectrum",
    "BroadenedSpectrum",
    "EdgeMinimum",
    "LineShape",
    "NaturalOrbitals",
    "PropertyErrors",
    "SpectroscopicConstants",
    "StateProperties",
    "StationaryPoint",
    "Transition",
    "VibrationalLevels",
    "absorption_spectrum",
    "broadened",
    "edge_minima",
    "natural_orbitals",
    "orbital_entropies",
    "property_errors",
    "spectroscopic_constants",
    "state_properties",
    "stationary_points",
    "vibrational_levels",
]
