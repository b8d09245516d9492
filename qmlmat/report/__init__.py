"""Figures and tables of what has been computed."""

from qmlmat.report.constants import MethodConstants, constants_table, scan_constants
from qmlmat.report.error_table import error_table
from qmlmat.report.errors import ErrorSummary, summarise_errors
from qmlmat.report.plots import KINDS, check_plot_file, draw_scan, plot_scan
from qmlmat.report.states_table import states_table
from qmlmat.report.tables import scan_notes, scan_table

__all__ = [
    "KINDS",
    "ErrorSummary",
    "MethodConstants",
    "check_plot_file",
    "constants_table",
    "draw_scan",
    "error_table",
    "plot_scan",
    "scan_constants",
    "scan_notes",
    "scan_table",
    "states_table",
    "summarise_errors",
]
