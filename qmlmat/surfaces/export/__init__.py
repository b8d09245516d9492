"""Scans in the formats of other programs."""

from qmlmat.surfaces.export.dataset import to_dataset
from qmlmat.surfaces.export.export import FORMATS, Export, export_scan

__all__ = ["FORMATS", "Export", "export_scan", "to_dataset"]
