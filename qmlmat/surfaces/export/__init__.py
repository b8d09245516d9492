"""Scans in the formats of other programs."""

from qmlmat.surfaces.export.dataset import to_dataset
from qmlmat.surfaces.export.export import FORMATS, Export, default_name, export_scan

__all__ = ["FORMATS", "Export", "default_name", "export_scan", "to_dataset"]
