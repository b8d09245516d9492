"""From energies on a grid to what is measured: constants, levels, stationary points."""

from qmlmat.properties.diatomic import SpectroscopicConstants, spectroscopic_constants
from qmlmat.properties.stationary import (
    EdgeMinimum,
    StationaryPoint,
    edge_minima,
    stationary_points,
)
from qmlmat.properties.vibrations import VibrationalLevels, vibrational_levels

__all__ = [
    "EdgeMinimum",
    "SpectroscopicConstants",
    "StationaryPoint",
    "VibrationalLevels",
    "edge_minima",
    "spectroscopic_constants",
    "stationary_points",
    "vibrational_levels",
]
