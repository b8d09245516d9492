"""Figures and tables of several states: followed curves, their names, and where they meet."""

import numpy as np
import pytest
from excited import lithium_hydride, water

from qmlmat.report import draw_scan, scan_table, summarise_errors
from qmlmat.surfaces.facts import curve_names, curve_sets


def _caption(figure):
    return figure.texts[-1].get_text().replace("\n", " ")


def _labels(axes):
    return [line.get_label() for line in axes.lines if not line.get_label().startswith("_")]


def test_curves_are_named_by_spin_and_irrep():
    """A degenerate pair has one name, and is drawn as one."""
    assert curve_names(lithium_hydride()) == ("1 ¹Σ⁺", "2 ¹Σ⁺", "1 ¹Π", "1 ¹Π")
    assert curve_sets(lithium_hydride()) == ((0,), (1,), (2, 3))
    assert curve_names(water()) == ("1 ¹A1", "1 ¹B1", "1 ¹A2", "2 ¹A1")


def test_a_figure_of_several_states_has_a_line_for_each_curve():
    """Each goes through its own crossings; the crossing is ringed, and named in the caption."""
    figure = draw_scan(water())
    (axes,) = figure.axes  # an exact solver has no error
    assert _labels(axes) == ["Hartree–Fock", "1 ¹A1", "1 ¹B1", "1 ¹A2", "2 ¹A1", "crossing"]
    line = next(line for line in axes.lines if line.get_label() == "2 ¹A1")
    np.testing.assert_array_equal(line.get_ydata(), water().followed_energies[:, 3])
    ring = next(line for line in axes.lines if line.get_label() == "crossing")
    assert ring.get_xdata() == pytest.approx([0.810], abs=2e-3)
    assert "Crossings: 2 ¹A1 and 1 ¹A2 at 0.810 Å." in _caption(figure)


def test_errors_of_all_states_are_in_the_lower_panel():
    """With the exact energies behind the curves, and the gap of the avoided crossing in eV."""
    figure = draw_scan(lithium_hydride())
    upper, lower = figure.axes
    assert "exact in the active space" in _labels(upper)
    assert "avoided crossing" in _labels(upper)
    errors = [line.get_ydata() for line in lower.lines if line.get_label() == "_error"]
    expected = 1e3 * lithium_hydride().state_errors
    for state in (0, 1):
        np.testing.assert_allclose(errors[state], expected[:, state], atol=1e-9)
    assert len(errors) == 3
    assert "Avoided, gap: 2.0" in _caption(figure)
    assert "Largest error" in _caption(figure)


def test_a_table_of_several_states_has_a_column_for_each_curve():
    """And the largest error of any; what the names say already is left out."""
    table = str(scan_table(lithium_hydride()))
    head = table.splitlines()[2]
    for name in ("1 ¹Σ⁺", "2 ¹Σ⁺", "1 ¹Π (×2)", "largest error"):
        assert name in head
    assert "<S^2>" not in table
    assert "2 ¹A1" in str(scan_table(water()))


def test_each_curve_has_its_own_errors():
    """A pair has one row; Hartree-Fock is compared with the ground state as before."""
    found = summarise_errors(lithium_hydride())
    assert [one.method for one in found] == [
        "SSVQE uccgsd, 1 ¹Σ⁺", "SSVQE uccgsd, 2 ¹Σ⁺", "SSVQE uccgsd, 1 ¹Π", "Hartree–Fock",
    ]  # fmt: skip
    expected = 1e3 * np.abs(lithium_hydride().state_errors[:, :2]).max(axis=0)
    assert [one.largest for one in found[:2]] == pytest.approx(expected)
