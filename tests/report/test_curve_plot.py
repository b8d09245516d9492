"""Curves with classical methods, unmatched orbitals and unordered coordinates."""

from dataclasses import replace

import numpy as np
import pytest
from scans import hydrogen, water, water_grid

from qmlmat.report import draw_scan
from qmlmat.surfaces import Axis, Path


def _with(scan, **columns):
    """Return a scan with further energies, each a difference from the reference (hartree)."""
    results = tuple(
        replace(r, columns=dict(r.columns) | {n: r.reference + d[k] for n, d in columns.items()})
        for k, r in enumerate(scan.results)
    )
    return replace(scan, results=results)


def _line(axes, label):
    return next(line for line in axes.lines if line.get_label() == label)


def test_classical_methods_have_a_line_each_in_both_panels():
    """Colours and dashes differ; NEVPT2 has no error, as it has another exact energy."""
    methods = {"mp2": [1e-3] * 4, "ccsd": [5e-4] * 4, "nevpt2": [-5e-2] * 4}
    scan = _with(hydrogen(), **methods)
    upper, lower = draw_scan(scan).axes
    lines = [_line(upper, name) for name in ("MP2", "CCSD", "NEVPT2")]
    assert len({line.get_color() for line in lines}) == 3
    np.testing.assert_array_equal(lines[0].get_ydata(), scan.column("mp2"))
    assert _line(lower, "MP2 − exact").get_ydata() == pytest.approx([1.0] * 4)
    assert "NEVPT2 − exact" not in [line.get_label() for line in lower.lines]


def test_a_method_that_fails_does_not_flatten_the_solvers_error():
    """Limits are the solver's own; the caption says what is beyond, and how far."""
    plain = draw_scan(hydrogen()).axes[1].get_ylim()
    scan = _with(hydrogen(), ccsd=[1e-3, 1e-3, 1e-3, -4e-2])
    figure = draw_scan(scan)
    assert figure.axes[1].get_ylim() == plain
    caption = figure.texts[-1].get_text().replace("\n", " ")
    assert "CCSD (up to 40 mHa)" in caption
    assert "Beyond the error panel: Hartree–Fock (up to 51.6 mHa)" in caption


def test_a_method_that_breaks_down_does_not_flatten_the_curve():
    """A CCSD energy ten hartree too low leaves the upper panel."""
    scan = _with(hydrogen(), ccsd=[0.0, 0.0, 0.0, -10.0])
    low, _ = draw_scan(scan).axes[0].get_ylim()
    assert low > -1.3


def test_points_with_other_orbitals_are_ringed():
    """In both panels, with a word in the legend and in the caption."""
    results = list(hydrogen().results)
    results[3] = replace(results[3], overlap=0.4)
    figure = draw_scan(replace(hydrogen(), results=tuple(results)))
    ring = _line(figure.axes[0], "orbitals not matched")
    np.testing.assert_array_equal(ring.get_xdata(), [1.2])
    assert "Squares" in figure.texts[-1].get_text()
    assert "orbitals not matched" not in [
        line.get_label() for line in draw_scan(hydrogen()).axes[0].lines
    ]


def test_lines_join_neighbours_whatever_the_order_of_the_points():
    """Frames may come in any order along their coordinate."""
    values = hydrogen().path.inputs()
    order = [2, 0, 3, 1]
    values |= {
        "coordinates": [values["coordinates"][k] for k in order],
        "positions": [values["positions"][k] for k in order],
        "shape": None,
        "root": 0,
        "parents": [None, 0, 0, 0],
    }
    results = tuple(hydrogen().results[k] for k in order)
    scan = replace(hydrogen(), path=Path.from_inputs(values), results=results)
    upper = draw_scan(scan).axes[0]
    assert list(_line(upper, "Hartree–Fock").get_xdata()) == [0.6, 0.75, 0.9, 1.2]


def test_more_than_two_axes_are_drawn_by_the_index_of_the_point():
    """No line joins points that need not be neighbours."""
    grid = water_grid()
    coordinates = np.column_stack([grid.coordinates, np.arange(20.0)])
    path = water_grid(coordinates=coordinates, axes=(*grid.axes, Axis("third", "")), shape=None)
    scan = water(path, errors=True)
    upper, lower = draw_scan(scan).axes
    assert lower.get_xlabel() == "index of the point (r(O0-H1), r(O0-H2), third)"
    exact = _line(upper, "exact in the active space")
    assert exact.get_linestyle() == "None"
    np.testing.assert_array_equal(exact.get_xdata(), np.arange(20))
    np.testing.assert_array_equal(exact.get_ydata(), scan.references)
