"""The figure of bands: axes, ticks, markers, edges."""

from dataclasses import replace

import numpy as np
import pytest
from bands import MOS2, PATH, bands_of, chained, troubled

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.report import draw_scan, plot_bands
from qmlmat.report.bands_plot import draw_bands
from qmlmat.report.style import STATES


def _lines(axes, label):
    return [line for line in axes.lines if line.get_label() == label]


def _caption(figure):
    return figure.texts[-1].get_text().replace("\n", " ")


def test_special_points_are_ticks():
    """Greek Gamma, where the path passes it, and the energy in eV."""
    scan = bands_of("MoS2")
    (axes,) = draw_bands(scan).axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["Γ", "K", "M", "Γ"]
    named = [x for x, p in zip(scan.path.along(), scan.path.kpoints, strict=True) if p.label]
    np.testing.assert_allclose(axes.get_xticks(), named)
    assert axes.get_ylabel() == "energy (eV)"


def test_markers_of_the_solver_lie_over_lines_of_plain_diagonalisation():
    """Spin up and down in two colours, each with all its bands; energies as the model has them."""
    scan = qm.scan(chained(), PATH)
    figure = draw_bands(scan)
    (axes,) = figure.axes
    for spin, color in (("up", STATES[0]), ("down", STATES[1])):
        (line,) = _lines(axes, f"chain, spin {spin}")
        assert line.get_color() == color
        rows = [i for i, point in enumerate(PATH.kpoints) if point.spin == spin]
        np.testing.assert_array_equal(line.get_ydata(), scan.energies[rows, 0])
    plain = [*_lines(axes, "plain diagonalisation"), *_lines(axes, "_plain")]
    assert len(plain) == 6
    exact = MOS2.bands([point.k for point in PATH.kpoints[::2]], spin="up")
    np.testing.assert_allclose(plain[0].get_ydata(), exact[:, 0], atol=1e-12)
    assert "Largest difference from plain diagonalisation: 0.006, 0.006" in _caption(figure)


def test_edges_are_ringed_and_the_gap_is_written():
    """In the figure, and in the caption with its places."""
    figure = draw_bands(bands_of("MoS2"))
    (axes,) = figure.axes
    (top,), (bottom,) = _lines(axes, "band edges"), _lines(axes, "_edge")
    assert top.get_ydata() == pytest.approx([-0.0610], abs=1e-4)
    assert bottom.get_ydata() == pytest.approx([1.5950], abs=1e-4)
    assert [text.get_text() for text in axes.texts] == ["gap 1.656 eV, indirect"]
    assert "valence maximum at Γ, conduction minimum at K" in _caption(figure)


def test_a_path_without_names_has_its_gap_in_the_figure_too():
    """Points of h-BN that nobody named: the number stands in the middle."""
    layer = qm.hexagonal_boron_nitride()
    path = qm.k_path(layer, "GKM", n_points=7)
    bare = replace(path, points=tuple(replace(point, label="") for point in path.points))
    (axes,) = draw_bands(qm.scan(qm.BandSurface(layer, qm.Exact()), bare)).axes
    (text,) = axes.texts
    assert text.get_text() == "gap 4.740 eV, direct"
    assert text.get_position()[0] == pytest.approx(path.along()[-1] / 2)


def test_a_semimetal_has_no_gap_in_its_figure():
    (axes,) = draw_bands(bands_of("graphene")).axes
    assert [text.get_text() for text in axes.texts] == ["no gap"]


def test_points_that_did_not_go_well_are_seen():
    """Hollow, crossed out, or missing, and said in the caption."""
    scan = troubled(bands_of("MoS2"))
    figure = draw_bands(scan)
    (axes,) = figure.axes
    hollow = [line for line in _lines(axes, "_open") if len(line.get_xdata())]
    assert np.isin(scan.path.along()[3], hollow[0].get_xdata())
    assert hollow[0].get_markerfacecolor() == "white"
    (failed,) = _lines(axes, "failed")
    assert failed.get_xdata() == pytest.approx(scan.path.along()[[5]])
    for words in ("30 of 31 points", "Hollow", "Crosses"):
        assert words in _caption(figure)


def test_bands_without_known_edges_are_drawn_without():
    scan = bands_of("graphene")
    surface = {**scan.inputs["surface"], "n_occupied": None}
    (axes,) = draw_bands(replace(scan, inputs={**scan.inputs, "surface": surface})).axes
    assert _lines(axes, "band edges") == []


def test_the_figure_goes_where_it_is_to_go(tmp_path):
    """And ``plot_scan`` draws the same of a scan over k."""
    assert plot_bands(bands_of("h-BN"), tmp_path / "bands.svg").is_file()
    (axes,) = draw_scan(bands_of("h-BN")).axes
    assert axes.get_xlabel() == "wave vector"
    with pytest.raises(InputError, match=r"ends in \.png"):
        plot_bands(bands_of("h-BN"), tmp_path / "bands.xyz")


def test_only_bands_are_drawn_as_bands(tmp_path):
    """A molecule has none; and bands are no map of two coordinates."""
    h2 = qm.Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.74]])
    scan = qm.scan(qm.FunctionSurface(np.sum, "eV"), qm.stretch(h2, (0, 1), [0.7, 0.8]))
    with pytest.raises(InputError, match=r"k_path\(model\)"):
        plot_bands(scan, tmp_path / "bands.png")
    with pytest.raises(InputError, match='Use kind="auto"'):
        draw_scan(bands_of("MoS2", soc=True), "contour")
