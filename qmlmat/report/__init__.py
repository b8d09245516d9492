"""Figures and tables of what has been computed."""

from qmlmat.report.plots import check_plot_file, draw_scan, plot_scan
from qmlmat.report.tables import scan_notes, scan_table

__all__ = ["check_plot_file", "draw_scan", "plot_scan", "scan_notes", "scan_table"]
