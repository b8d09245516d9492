"""Figures and tables of what has been computed."""

from qmlmat.report.bands_table import bands_table
from qmlmat.report.comparison_plot import draw_comparison, plot_comparison
from qmlmat.report.comparison_table import comparison_table
from qmlmat.report.constants import MethodConstants, constants_table, scan_constants
from qmlmat.report.error_table import error_table
from qmlmat.report.errors import ErrorSummary, summarise_errors
from qmlmat.report.fit_plot import draw_fit, plot_fit
from qmlmat.report.fit_table import errors_table
from qmlmat.report.plots import KINDS, check_plot_file, draw_scan, plot_bands, plot_scan
from qmlmat.report.spectrum_plot import draw_spectrum, plot_spectrum
from qmlmat.report.spectrum_table import spectrum_heading, spectrum_table
from qmlmat.report.states_table import states_table
from qmlmat.report.tables import scan_notes, scan_table

__all__ = [
    "KINDS",
    "ErrorSummary",
    "MethodConstants",
    "bands_table",
    "check_plot_file",
    "comparison_table",
    "constants_table",
    "draw_comparison",
    "draw_fit",
    "draw_scan",
    "draw_spectrum",
    "error_table",
    "errors_table",
    "plot_bands",
    "plot_comparison",
    "plot_fit",
    "plot_scan",
    "plot_spectrum",
    "scan_constants",
    "scan_notes",
    "scan_table",
    "spectrum_heading",
    "spectrum_table",
    "states_table",
    "summarise_errors",
]
