"""From a geometry to energies, and from a path of geometries to a stored, resumable scan."""

from qmlmat.surfaces.export import Export, export_scan, to_dataset
from qmlmat.surfaces.path import Axis, Geometry, Path, stretch
from qmlmat.surfaces.progress import ScanProgress
from qmlmat.surfaces.scan import Scan, ScanRow, load_scan, scan
from qmlmat.surfaces.store import ScanStore, StoreHeader
from qmlmat.surfaces.surface import FunctionSurface, PointResult, SolverSurface, Surface

__all__ = [
    "Axis",
    "Export",
    "FunctionSurface",
    "Geometry",
    "Path",
    "PointResult",
    "Scan",
    "ScanProgress",
    "ScanRow",
    "ScanStore",
    "SolverSurface",
    "StoreHeader",
    "Surface",
    "export_scan",
    "load_scan",
    "scan",
    "stretch",
    "to_dataset",
]
