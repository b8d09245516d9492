"""Maps of two coordinates: what is drawn is what was computed."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from scans import water, water_grid

from qmlmat.errors import InputError
from qmlmat.report import draw_scan, plot_scan
from qmlmat.report.map_plot import heights, top_level
from qmlmat.surfaces import PointResult
from qmlmat.units import HARTREE_IN_EV


def _bad(scan):
    """One point not converged, one failed, one unmatched, one not computed."""
    results = list(scan.results)
    results[1] = replace(results[1], status="iteration_limit")
    results[6] = PointResult(energies=np.array([np.nan]), status="failed: no")
    results[9] = replace(results[9], overlap=0.3)
    results[19] = None
    return replace(scan, results=tuple(results))


def _marked(axes, label):
    (line,) = [line for line in axes.lines if line.get_label() == label]
    return np.column_stack([line.get_xdata(), line.get_ydata()])


def test_heights_are_energies_above_the_lowest_point():
    """In eV where they are large, in mHa where they are small."""
    scan = water()
    above = heights(scan)
    assert above.unit == "eV"
    difference = scan.energies[:, 0] - scan.energies[:, 0].min()
    assert above.values == pytest.approx(difference * HARTREE_IN_EV)
    close = replace(scan, results=tuple(replace(r, energies=r.energies / 50) for r in scan.results))
    assert heights(close).unit == "mHa"
    assert heights(close).values == pytest.approx(difference * 20.0)
    assert heights(water(unit="eV")).unit == "meV"


def test_a_wall_does_not_flatten_the_valley():
    """Levels end well below one energy that is a hundred times the others."""
    assert top_level(np.array([0.0, 1.0, 2.0, 3.0, 300.0])) == pytest.approx(7.5)
    assert top_level(np.array([0.0, 1.0, 2.0, 3.0])) == pytest.approx(3.0)
    assert top_level(np.zeros(4)) > 0.0


def test_the_minimum_is_marked_and_said():
    """A star, and its place and energy in the caption."""
    scan = water()
    figure = draw_scan(scan)
    lowest = int(scan.energies[:, 0].argmin())
    np.testing.assert_array_equal(
        _marked(figure.axes[0], "_minimum"), [scan.path.coordinates[lowest]]
    )
    assert f"{scan.energies[lowest, 0]:.6f} hartree" in figure.texts[-1].get_text()


def test_axes_are_labelled_with_their_own_atoms():
    """Both bonds are O–H: their atoms tell them apart."""
    axes = draw_scan(water()).axes[0]
    assert axes.get_xlabel() == "O0–H1 bond length (Å)"
    assert axes.get_ylabel() == "O0–H2 bond length (Å)"


def test_the_error_has_its_own_map_and_scale():
    """Beside the energy where there is a reference, in mHa; the colour bars name their units."""
    assert len(draw_scan(water()).axes) == 2  # the map and its colour bar
    figure = draw_scan(water(errors=True))
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert "energy above the minimum (eV)" in labels
    assert "error (mHa)" in labels
    assert "Dashed: chemical accuracy." in figure.texts[-1].get_text().replace("\n", " ")


def test_points_that_cannot_be_trusted_are_marked():
    """Hollow, crossed and ringed, with words in the caption."""
    scan = _bad(water())
    figure = draw_scan(scan)
    for label, index in (("_not converged", 1), ("_failed", 6), ("_orbitals not matched", 9)):
        np.testing.assert_array_equal(
            _marked(figure.axes[0], label), [scan.path.coordinates[index]]
        )
    caption = figure.texts[-1].get_text().replace("\n", " ")
    for words in ("19 of 20 points", "Hollow", "Crosses", "Squares"):
        assert words in caption
    assert len(_marked(figure.axes[0], "_points")) == 17


@pytest.mark.parametrize(
    "scan",
    [
        water(),
        water(errors=True),
        _bad(water(errors=True)),
        water(water_grid(shape=None), errors=True),
        water(water_grid(1, 4)),
        replace(water(), title="A title", results=(water().results[0], *[None] * 19)),
    ],
    ids=["plain", "errors", "troubled", "no grid", "one row", "one point"],
)
@pytest.mark.parametrize("kind", ["auto", "contour"])
def test_no_label_leaves_the_page(scan, kind):
    """Whatever the points, labels, ticks and caption are inside the figure."""
    figure = draw_scan(scan, kind)
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    texts = [
        *figure.texts,
        *(label for a in figure.axes for label in (a.xaxis.label, a.yaxis.label)),
    ]
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts if t.get_text()]
    for index, (name, box) in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1, name
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1, name
        for other, another in boxes[:index]:
            assert not box.overlaps(another), f"{name!r} over {other!r}"


def test_negative_errors_have_colours_about_zero():
    """An energy below the reference is not shown as if it were above."""
    scan = water(errors=True)
    results = list(scan.results)
    results[0] = replace(results[0], energies=results[0].energies - 2e-3)
    figure = draw_scan(replace(scan, results=tuple(results)))
    (bar,) = [axes for axes in figure.axes if axes.get_ylabel() == "error (mHa)"]
    low, high = bar.get_ylim()
    assert low == pytest.approx(-high)


def test_a_grid_can_be_drawn_in_perspective(tmp_path):
    """The height is the energy above the minimum; a wall is cut off, and that is said."""
    figure = draw_scan(_bad(water()), "surface")
    assert figure.axes[0].get_zlabel() == "energy above the minimum (mHa)"
    results = list(water().results)
    results[0] = replace(results[0], energies=np.array([0.0]))
    steep = replace(water(), results=tuple(results))
    assert "Cut off above" in draw_scan(steep, "surface").texts[-1].get_text()
    assert plot_scan(steep, tmp_path / "water.png", kind="surface").stat().st_size > 0


@pytest.mark.parametrize("corner", [(0, 0), (0, -1), (-1, 0), (-1, -1)])
def test_the_viewer_looks_in_over_the_lowest_corner(corner):
    """The camera stands on that corner's side of the box, so that no wall hides the minimum."""
    grid = water_grid()
    x, y = (grid.along(axis).reshape(grid.shape) for axis in (0, 1))
    at = np.array([x[corner], y[corner]])
    energies = [float(np.linalg.norm(point - at)) for point in grid.coordinates]
    results = tuple(PointResult(energies=np.array([energy])) for energy in energies)
    axes = draw_scan(replace(water(), results=results), "surface").axes[0]
    angle = np.radians(axes.azim)
    side = at - grid.coordinates.mean(axis=0)
    assert (np.sign([np.cos(angle), np.sin(angle)]) == np.sign(side)).all()


@pytest.mark.parametrize(
    ("scan", "kind", "rule"),
    [
        (water(), "surfaces", 'Did you mean "surface"'),
        (water(water_grid(shape=None)), "surface", "a grid of two axes"),
        (replace(water(), results=(None,) * 20), "contour", "0 points with an energy"),
    ],
)
def test_a_kind_that_cannot_be_drawn_is_refused(scan, kind, rule):
    """With what it takes."""
    with pytest.raises(InputError, match=rule):
        draw_scan(scan, kind)


def test_a_grid_without_energies_is_a_figure_all_the_same():
    """A store interrupted before its first point."""
    figure = draw_scan(replace(water(), results=(None,) * 20))
    assert "0 of 20 points computed so far." in figure.texts[-1].get_text()
