"""Curves with classical methods, unmatched orbitals and unordered coordinates."""

from dataclasses import replace

import numpy as np
import pytest
from scans import hydrogen, water, water_grid

from qmlmat.report import draw_scan
from qmlmat.surfaces import Axis, Path, frames


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


def test_a_method_far_below_has_no_curve_and_the_caption_says_so():
    """Its values would flatten the others: the reader is told where they are."""
    scan = _with(hydrogen(), nevpt2=[-2.0] * 4)
    figure = draw_scan(scan)
    assert "NEVPT2" not in [line.get_label() for line in figure.axes[0].lines]
    low, high = scan.column("nevpt2").min(), scan.column("nevpt2").max()
    caption = figure.texts[-1].get_text().replace("\n", " ")
    ends = f"{low:.3f} to {high:.3f}".replace("-", "−")
    assert f"Outside the energy panel: NEVPT2 ({ends} hartree)." in caption
    near = draw_scan(_with(hydrogen(), nevpt2=[-5e-2] * 4)).texts[-1].get_text()
    assert "Outside" not in near


@pytest.mark.parametrize("offset", [-148.78, -5148.78, 0.0])
def test_long_tick_labels_leave_room_for_the_label_beside_them(offset):
    """Seven digits and a minus are wider than the margin: the axes move to the right."""
    results = tuple(
        replace(
            r,
            energies=offset + 1e-3 * r.energies,
            reference=offset + 1e-3 * r.reference,
            columns={"hartree_fock": offset + 1e-3 * r.columns["hartree_fock"]},
        )
        for r in hydrogen().results
    )
    figure = draw_scan(replace(hydrogen(), results=results))
    figure.draw_without_rendering()
    upper, lower = figure.axes
    assert upper.get_position().x0 == lower.get_position().x0
    for axes in (upper, lower):
        label = axes.yaxis.label.get_window_extent()
        ticks = [t.label1.get_window_extent() for t in axes.yaxis.get_major_ticks()]
        assert label.x0 >= 0
        assert not any(label.overlaps(tick) for tick in ticks)


def _along(name, unit, values):
    path = hydrogen().path.inputs()
    path |= {"axes": [[name, unit]], "coordinates": [[value] for value in values]}
    return replace(hydrogen(), path=Path.from_inputs(path))


@pytest.mark.parametrize(
    ("values", "step"),
    [([0, 60, 120, 180], 30), ([0, 120, 240, 360], 45), ([60, 90, 120, 150], 15)],
)
def test_angles_have_ticks_at_round_degrees(values, step):
    """Chemists think in 15, 30, 45 and 90 degrees."""
    axes = draw_scan(_along("d(H2-O0-O1-H3)", "degree", values)).axes[-1]
    ticks = axes.get_xticks()
    assert np.diff(ticks) == pytest.approx(step)
    assert ticks % step == pytest.approx(0)
    assert axes.get_xlabel() == "dihedral H–O–O–H (°)"


def test_frames_have_ticks_at_whole_numbers():
    """There is no frame 2.5; where the largest error is, is said as a chemist would."""
    path = frames(hydrogen().path.points)
    figure = draw_scan(replace(hydrogen(), path=path))
    ticks = figure.axes[-1].get_xticks()
    assert (ticks == ticks.round()).all()
    assert " at frame " in figure.texts[-1].get_text().replace("\n", " ")


def test_beside_one_single_value_no_curve_is_outside():
    """A first point of a scan has no range to be outside of."""
    first = hydrogen().results[0]
    alone = replace(first, reference=None, columns={"mp2": float(first.energies[0]) - 0.1})
    figure = draw_scan(replace(hydrogen(), results=(alone, None, None, None)))
    assert "Outside" not in " ".join(text.get_text() for text in figure.texts)
