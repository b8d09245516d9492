"""From a point to energies, and from a path to a stored, resumable scan."""

from qmlmat.surfaces.band_edges import BandEdge, BandEdges, band_edges
from qmlmat.surfaces.band_surface import BandSurface
from qmlmat.surfaces.band_table import BandTable, band_table
from qmlmat.surfaces.crossings import (
    Crossing,
    GapMinimum,
    avoided_crossings,
    crossings,
    minimum_gap,
)
from qmlmat.surfaces.export import Export, export_scan, to_dataset
from qmlmat.surfaces.paths.combination import Combination, Coordinate, asymmetric, symmetric
from qmlmat.surfaces.paths.grids import bend, grid, line, sample, stretch, twist
from qmlmat.surfaces.paths.internal import Angle, Dihedral, Distance
from qmlmat.surfaces.paths.kpaths import k_path
from qmlmat.surfaces.paths.kpoint import KPoint
from qmlmat.surfaces.paths.path import Axis, Geometry, Path, Point
from qmlmat.surfaces.paths.placing import place
from qmlmat.surfaces.paths.routes import displace, frames, interpolate
from qmlmat.surfaces.running.progress import ScanProgress
from qmlmat.surfaces.scan import Scan, ScanRow, load_scan, scan
from qmlmat.surfaces.storage.store import ScanStore, StoreHeader
from qmlmat.surfaces.surface import FunctionSurface, PointResult, SolverSurface, Surface

__all__ = [
    "Angle",
    "Axis",
    "BandEdge",
    "BandEdges",
    "BandSurface",
    "BandTable",
    "Combination",
    "Coordinate",
    "Crossing",
    "Dihedral",
    "Distance",
    "Export",
    "FunctionSurface",
    "GapMinimum",
    "Geometry",
    "KPoint",
    "Path",
    "Point",
    "PointResult",
    "Scan",
    "ScanProgress",
    "ScanRow",
    "ScanStore",
    "SolverSurface",
    "StoreHeader",
    "Surface",
    "asymmetric",
    "avoided_crossings",
    "band_edges",
    "band_table",
    "bend",
    "crossings",
    "displace",
    "export_scan",
    "frames",
    "grid",
    "interpolate",
    "k_path",
    "line",
    "load_scan",
    "minimum_gap",
    "place",
    "sample",
    "scan",
    "stretch",
    "symmetric",
    "to_dataset",
    "twist",
]
