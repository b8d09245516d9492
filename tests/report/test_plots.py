"""Figures: their lines are the scan's numbers, their words are true."""

import numpy as np
import pytest
from matplotlib.image import imread

from qmlmat.errors import InputError
from qmlmat.report import check_plot_file, draw_scan, plot_scan, style
from qmlmat.report.labels import axis_label, explanation, heading, place
from qmlmat.surfaces import Path, PointResult, Scan, stretch
from qmlmat.surfaces.facts import solver_label
from qmlmat.surfaces.storage.integrity import SQLITE_MAGIC
from qmlmat.systems import Molecule
from qmlmat.systems.active_orbitals import ActiveOrbitals
from qmlmat.units import CHEMICAL_ACCURACY

N2 = Molecule(("N", "N"), [[0, 0, 0], [0, 0, 1.0977]])
PATH = stretch(N2, (0, 1), [0.9, 1.1, 1.5, 2.0, 2.5, 3.0])
UCCSD = {
    "molecule": {"basis": "cc-pvdz", "charge": 0},
    "active_space": {"n_electrons": 10, "norb": 8},
    "solver": {"solver": "vqe", "ansatz": {"template": "uccsd"}},
}
ERRORS = (5e-4, 9e-4, 3e-3, 4e-3, 1.2e-2, 1.5e-2)


def _result(length, error, **changes):
    exact = -109.0 + 0.1 * (length - 1.1) ** 2
    values = {
        "energies": np.array([exact + error]),
        "reference": exact,
        "columns": {"hartree_fock": exact + 0.1 * length},
    }
    return PointResult(**(values | changes))


def _scan(errors=ERRORS, *, surface=UCCSD, title="", path: Path = PATH, changes=None):
    results = [
        _result(length, error, **((changes or {}).get(index, {})))
        for index, (length, error) in enumerate(zip(path.along(), errors, strict=False))
    ]
    results += [None] * (len(path) - len(results))
    return Scan(path=path, results=tuple(results), title=title, inputs={"surface": surface})


def _line(axes, label):
    return next(line for line in axes.lines if line.get_label() == label)


def test_the_curves_are_the_scans_numbers():
    """Solver, exact and Hartree-Fock are drawn where they were computed, unsmoothed."""
    scan = _scan()
    upper = draw_scan(scan).axes[0]
    for label, values in {
        "VQE uccsd": scan.energies[:, 0],
        "exact in the active space": scan.references,
        "Hartree–Fock": scan.column("hartree_fock"),
    }.items():
        line = _line(upper, label)
        np.testing.assert_array_equal(line.get_xdata(), PATH.along())
        np.testing.assert_array_equal(line.get_ydata(), values)
    assert _line(upper, "Hartree–Fock").get_linestyle() == "--"
    assert _line(upper, "VQE uccsd").get_marker() == "o"


def test_the_error_panel_is_in_millihartree_with_chemical_accuracy_marked():
    """The lower panel shows a thousand times the difference, and the line at 1.594 mHa."""
    scan = _scan()
    upper, lower = draw_scan(scan).axes
    line = _line(lower, "VQE uccsd − exact")
    np.testing.assert_array_equal(line.get_ydata(), scan.errors * 1e3)
    levels = [float(np.ravel(one.get_ydata())[0]) for one in lower.lines]
    assert CHEMICAL_ACCURACY * 1e3 in levels
    assert "chemical accuracy, 1.594 mHa" in [text.get_text() for text in lower.texts]
    assert upper.get_ylabel() == "energy (hartree)"
    assert lower.get_ylabel() == "error (mHa)"
    assert lower.get_xlabel() == "N–N bond length (Å)"


def test_the_title_names_molecule_basis_active_space_and_ansatz():
    """Without the user's title the heading stands first; with it, below."""
    line = "N₂ · cc-pvdz · (10e, 8o) · VQE uccsd"
    assert draw_scan(_scan()).texts[0].get_text() == line
    assert [text.get_text() for text in draw_scan(_scan(title="N2")).texts][:2] == ["N2", line]


def test_growth_along_a_breaking_bond_is_said_to_be_the_ansatzs_failure():
    """The picture says that the physics, not the numerics, is at fault."""
    caption = draw_scan(_scan()).texts[-1].get_text().replace("\n", " ")
    assert "Largest error 15 mHa at 3 Å" in caption
    assert "the ansatz's failure, not a numerical fault" in caption
    assert "(uccsd) cannot describe bonds that break" in caption


def test_a_scan_within_chemical_accuracy_says_so():
    """No excuse where none is needed."""
    assert explanation(_scan([1e-6] * 6)) == (
        "Largest error 0.001 mHa at 0.9 Å: chemical accuracy, in this active space, at every point."
    )


def test_an_error_that_may_be_numerical_is_not_excused():
    """Where the points above chemical accuracy did not converge, the ansatz is not blamed."""
    text = explanation(_scan(changes={5: {"status": "iteration_limit"}}))
    assert "ansatz's failure" not in text
    assert "had not converged" in text
    assert "Hollow: the solver had not converged (1 point)." in text


def test_an_error_before_the_bond_breaks_has_no_such_excuse():
    """A large error at the equilibrium is not explained by a breaking bond."""
    text = explanation(_scan([5e-3] * 6))
    assert text == (
        "Largest error 5 mHa at 0.9 Å; 6 of 6 compared points are above chemical accuracy."
    )


@pytest.mark.parametrize(
    ("errors", "name"),
    [
        ((1e-4, 1e-4, 1e-4, 9e-3, 1e-3, 1.2e-2), "r(N0-N1)"),  # up, down and up again
        ((1e-4, 1e-4, 1.2e-2, 9e-3, 5e-3, 3e-3), "r(N0-N1)"),  # a hump: 1.5 Å is well beyond
        ((1e-4, 1e-4, 1e-4, 1e-4, 1e-4, 9e-3), "torsion"),  # no bond at all
    ],
    ids=["jagged", "hump", "no bond"],
)
def test_a_breaking_bond_is_blamed_only_where_it_is_seen(errors, name):
    """The error must rise towards its largest value, far out along a bond."""
    scan = _scan(errors, path=Path.from_inputs(PATH.inputs() | {"axes": [[name, "angstrom"]]}))
    assert ("bonds that break" in explanation(scan)) == (errors[2] > 1e-2)


def test_a_path_that_stays_near_the_equilibrium_breaks_no_bond():
    """1.2 Å is not 1.3 times 1.1 Å."""
    path = stretch(N2, (0, 1), [1.0, 1.1, 1.2])
    text = explanation(_scan((1e-4, 1e-3, 5e-3), path=path))
    assert text == (
        "Largest error 5 mHa at 1.2 Å; 1 of 3 compared points are above chemical accuracy."
    )


@pytest.mark.parametrize(
    ("errors", "changes"),
    [
        ([1e-6] * 5, {}),
        ([1e-6] * 6, {2: {"status": "failed: no", "energies": np.array([np.nan])}}),
        ([1e-6] * 6, {2: {"reference": None}}),
    ],
    ids=["unfinished", "failed", "no reference"],
)
def test_accuracy_is_claimed_only_for_points_that_were_compared(errors, changes):
    """A point without an energy, or without a reference, is not "every point"."""
    assert "chemical accuracy, in this active space, at all 5 compared points." in explanation(
        _scan(errors, changes=changes)
    )


def test_a_dollar_in_the_users_words_is_a_dollar(tmp_path):
    """Titles, names of functions and of coordinates are not read as formulas."""
    path = Path.from_inputs(PATH.inputs() | {"axes": [[r"$\foo$", ""]]})
    scan = _scan(title=r"$\foo$", surface={"function": r"$\bar$"}, path=path)
    assert plot_scan(scan, tmp_path / "n2.png").stat().st_size > 0


def test_a_database_is_not_drawn_over(tmp_path):
    """A figure replaces a figure, never a store."""
    file = tmp_path / "keep.png"
    file.write_bytes(SQLITE_MAGIC + b"rows")
    for use in (check_plot_file, lambda name: plot_scan(_scan(), name)):
        with pytest.raises(InputError, match="Choose another name for the figure"):
            use(file)
    assert file.read_bytes() == SQLITE_MAGIC + b"rows"


def test_a_place_that_cannot_be_written_is_found_before_drawing(tmp_path):
    """Tried out, with nothing left behind."""
    with pytest.raises(InputError, match="cannot be written"):
        check_plot_file("/proc/n2.png")
    (tmp_path / "old.png").write_bytes(b"a figure")
    assert check_plot_file(tmp_path / "old.png").read_bytes() == b"a figure"
    check_plot_file(tmp_path / "new.png")
    assert [file.name for file in tmp_path.iterdir()] == ["old.png"]


def test_points_that_did_not_converge_are_hollow():
    """They are drawn apart, with a word in the legend."""
    scan = _scan(changes={2: {"status": "stalled"}})
    upper, lower = draw_scan(scan).axes
    hollow = _line(upper, "VQE uccsd (not converged)")
    assert hollow.get_markerfacecolor() == "white"
    np.testing.assert_array_equal(hollow.get_xdata(), [1.5])
    below = _line(lower, "VQE uccsd − exact (not converged)")
    np.testing.assert_array_equal(below.get_xdata(), [1.5])


def test_failed_points_are_crosses_and_missing_points_are_absent():
    """An unfinished scan keeps its full range, and says how far it is."""
    failed = {"status": "failed: no", "energies": np.array([np.nan]), "reference": None}
    scan = _scan(ERRORS[:4], changes={1: failed})
    figure = draw_scan(scan)
    np.testing.assert_array_equal(_line(figure.axes[1], "failed").get_xdata(), [1.1])
    np.testing.assert_array_equal(_line(figure.axes[0], "VQE uccsd").get_xdata(), [0.9, 1.5, 2.0])
    low, high = figure.axes[0].get_xlim()
    assert low < 0.9
    assert high > 3.0
    assert explanation(scan).startswith("4 of 6 points computed so far.")
    assert "Crosses: no energy (1 point)" in explanation(scan)


def test_without_a_reference_there_is_one_panel():
    """No error is drawn where none is known; there may be nothing to explain at all."""
    scan = _scan(changes={k: {"reference": None} for k in range(6)})
    figure = draw_scan(scan)
    assert len(figure.axes) == 1
    assert figure.axes[0].get_xlabel() == "N–N bond length (Å)"
    assert explanation(scan) == ""


def test_the_exact_solver_is_not_compared_with_itself():
    """An error that is zero by definition is no news: one panel, no caption."""
    scan = _scan([0.0] * 6, surface=UCCSD | {"solver": {"solver": "exact"}})
    figure = draw_scan(scan)
    assert len(figure.axes) == 1
    labels = [line.get_label() for line in figure.axes[0].lines]
    assert labels == ["Hartree–Fock", "exact"]
    assert explanation(scan) == ""


def test_every_state_has_its_own_marker():
    """Excited states are told apart by colour, marker and label."""
    changes = {k: {"energies": np.array([-1.0, -0.5, 0.0]) + k} for k in range(6)}
    scan = _scan(changes=changes)
    lines = [_line(draw_scan(scan).axes[0], f"state {k}") for k in range(3)]
    assert len({line.get_marker() for line in lines}) == 3
    assert len({line.get_markeredgecolor() for line in lines}) == 3
    for state, line in enumerate(lines):
        np.testing.assert_array_equal(line.get_ydata(), scan.energies[:, state])


def test_an_empty_scan_can_be_drawn():
    """A store interrupted before its first point is still a picture, not an error."""
    assert len(draw_scan(_scan([])).axes) == 1


def test_energies_in_ev_have_errors_in_mev():
    """A scan in eV is labelled so, with chemical accuracy converted."""
    scan = _scan(changes={k: {"unit": "eV"} for k in range(6)})
    upper, lower = draw_scan(scan).axes
    assert upper.get_ylabel() == "energy (eV)"
    assert lower.get_ylabel() == "error (meV)"
    assert "chemical accuracy, 43.364 meV" in [text.get_text() for text in lower.texts]


def _boxes(figure):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    texts = [text for text in figure.texts if text.get_text()]
    for axes in figure.axes:
        texts += [axes.xaxis.label, axes.yaxis.label, *axes.texts]
        low, high = axes.get_ylim()
        ticks = axes.yaxis.get_major_ticks()
        texts += [tick.label1 for tick in ticks if low <= tick.get_loc() <= high]
    return [(t.get_text(), t.get_window_extent(renderer)) for t in texts if t.get_text()]


@pytest.mark.parametrize(
    "scan",
    [
        _scan(),
        _scan(title="A title", changes={2: {"status": "stalled"}, 3: {"status": "failed: no"}}),
        _scan([1e-9] * 6),
        _scan([2.0, *ERRORS[1:]]),
        _scan(ERRORS[:1]),
    ],
    ids=["growing", "troubled", "tiny", "huge", "one point"],
)
def test_no_text_overlaps_another_or_leaves_the_page(scan):
    """Title, axis labels, tick labels, annotation and caption each have their own place."""
    figure = draw_scan(scan)
    boxes = _boxes(figure)
    for index, (name, box) in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1, name
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1, name
        for other, another in boxes[:index]:
            assert not box.overlaps(another), f"{name!r} over {other!r}"


@pytest.mark.parametrize("errors", [ERRORS, [1e-9] * 6, [1.4e-3] * 6, ERRORS[::-1]])
def test_the_annotation_hides_no_point(errors):
    """Chemical accuracy is named where no marker lies under the words."""
    figure = draw_scan(_scan(errors))
    boxes = dict(_boxes(figure))
    box = boxes["chemical accuracy, 1.594 mHa"]
    lower = figure.axes[1]
    points = lower.transData.transform(_line(lower, "VQE uccsd − exact").get_xydata())
    assert not any(box.contains(*point) for point in points)


@pytest.mark.parametrize("ending", [".png", ".pdf", ".svg"])
def test_the_figure_is_written_in_the_format_of_its_name(tmp_path, ending):
    """PNG for the screen, PDF and SVG for a paper."""
    file = plot_scan(_scan(), tmp_path / f"n2{ending}")
    start = file.read_bytes()[:200]
    assert {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}[ending] in start
    if ending == ".png":
        assert imread(file).shape[1] == 1480


@pytest.mark.parametrize(
    ("name", "rule"),
    [("n2.bmp", "ends in .png"), ("n2", "ends in .png"), ("none/n2.png", "mkdir -p")],
)
def test_a_figure_that_cannot_be_written_is_refused_before_drawing(tmp_path, name, rule):
    """The name is checked before hours of computing."""
    with pytest.raises(InputError, match=rule):
        check_plot_file(tmp_path / name)


def test_a_folder_is_no_figure(tmp_path):
    """A folder that happens to end in .png is named as one."""
    (tmp_path / "n2.png").mkdir()
    with pytest.raises(InputError, match="is not a file"):
        plot_scan(_scan(), tmp_path / "n2.png")


def test_a_failing_disk_is_reported(tmp_path, monkeypatch):
    """What the system says is passed on, with a remedy."""

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full)
    with pytest.raises(InputError, match="No space left on device"):
        plot_scan(_scan(), tmp_path / "n2.png")


@pytest.mark.parametrize(
    ("surface", "words"),
    [
        ({"function": "well"}, "N₂ · well"),
        ({}, "N₂ · surface"),
        (
            {"molecule": {"basis": "sto-3g", "charge": 1}, "solver": {"solver": "exact"}},
            "N₂ (charge +1) · sto-3g · all orbitals · exact",
        ),
        (
            {"molecule": {"basis": "sto-3g"}, "active_space": {"freeze_core": True}},
            "N₂ · sto-3g · frozen core · surface",
        ),
        (
            {"molecule": {"basis": "sto-3g"}, "active_space": {"indices": [3, 4]}},
            "N₂ · sto-3g · 2 chosen orbitals · surface",
        ),
        (
            {"molecule": {"basis": "sto-3g"}, "active_space": {"avas": ["N 2s", "N 2p"]}},
            "N₂ · sto-3g · AVAS N 2s, N 2p · surface",
        ),
        (
            {"active_space": {"avas": ["N 2p"], "n_electrons": 6, "norb": 6}},
            "N₂ · AVAS N 2p (6e, 6o) · surface",
        ),
        (
            {"active_space": {"natural": True, "n_electrons": 6, "norb": 6}},
            "N₂ · (6e, 6o) natural orbitals · surface",
        ),
    ],
)
def test_the_heading_says_what_is_known(surface, words):
    """Any surface has a heading, with as much as its inputs tell."""
    assert heading(_scan(surface=surface)) == words


def test_the_heading_counts_the_orbitals_that_avas_found():
    """Where the points have their orbitals, electrons and orbitals are known."""
    found = ActiveOrbitals(
        positions=N2.positions, inactive=np.eye(10)[:, :2], active=np.eye(10)[:, 2:], nelec=(5, 5)
    )
    surface = {"molecule": {"basis": "sto-3g"}, "active_space": {"avas": ["N 2s", "N 2p"]}}
    scan = _scan(surface=surface, changes={1: {"orbitals": found}})
    assert heading(scan) == "N₂ · sto-3g · AVAS N 2s, N 2p (10e, 8o) · surface"


@pytest.mark.parametrize(
    ("name", "label"),
    [("a(H1-O0-H2)", "angle H–O–H (°)"), ("d(H2-O0-O1-H3)", "dihedral H–O–O–H (°)")],
)
def test_angles_are_named_by_their_elements(name, label):
    """As bonds are."""
    values = PATH.inputs() | {"axes": [[name, "degree"]]}
    assert axis_label(_scan(path=Path.from_inputs(values))) == label


def test_a_point_of_a_coordinate_without_unit_is_named():
    """A bare number, "at 3", would say nothing."""
    values = PATH.inputs() | {"axes": [["frame", ""]], "coordinates": [[k] for k in range(6)]}
    scan = _scan(path=Path.from_inputs(values))
    assert place(scan, 3) == "frame 3"


@pytest.mark.parametrize("letter", ["i", "W", "m"])
@pytest.mark.parametrize("title", ["", "A very long title that says all there is to say " * 2])
def test_texts_of_any_letters_fit_the_page(letter, title):
    """Lines are broken by how wide they are; a heading is made smaller."""
    surface = UCCSD | {
        "function": 12 * letter,
        "solver": {},
        "active_space": {"avas": ["N 2s"] * 6},
    }
    figure = draw_scan(_scan(surface=surface, title=title))
    for dpi in (100, 200):
        figure.set_dpi(dpi)
        assert all(t.get_window_extent().x1 <= figure.bbox.x1 for t in figure.texts)
    words = " ".join([(1 + k % 7) * letter for k in range(80)])
    lines = style._filled(words, 400.0).split("\n")
    assert " ".join(lines) == words
    assert all(style._width(line, 9.0) <= 400.0 for line in lines)


def test_labels_of_other_coordinates_keep_their_name():
    """A path that is no bond is labelled by its own name and unit."""
    values = PATH.inputs() | {"axes": [["torsion", "degree"]]}
    scan = _scan(path=Path.from_inputs(values))
    assert axis_label(scan) == "torsion (°)"
    assert solver_label(scan) == "VQE uccsd"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {2: {"status": "stalled"}},
            "chemical accuracy, in this active space, at the 5 points that converged; 1 had not",
        ),
        (
            {k: {"status": "stalled"} for k in range(6)},
            "below chemical accuracy, but no point had converged",
        ),
    ],
)
def test_accuracy_is_not_claimed_for_points_that_did_not_converge(changes, words):
    """A small error of an unfinished search may be luck."""
    text = explanation(_scan([1e-6] * 6, changes=changes))
    assert words in text
    assert "every point" not in text


def test_the_heading_writes_formulas_as_chemists_do():
    """Water is not OH₂."""
    molecule = Molecule(("O", "H", "H"), [[0, 0, 0], [0, 0.76, 0.59], [0, -0.76, 0.59]])
    scan = Scan(path=stretch(molecule, (0, 1), [0.9, 1.0]), results=(None, None))
    assert heading(scan).startswith("H₂O · ")


def test_combinations_of_bonds_are_named_by_what_they_do():
    """A chemist says "symmetric stretch"; what has no such name keeps its own."""
    axes = [["symmetric(r(O0-H1), r(O0-H2))", "angstrom"], ["angle sum", "degree"]]
    values = PATH.inputs() | {
        "axes": axes,
        "shape": None,
        "coordinates": [[x, -x] for x in PATH.along()],
    }
    scan = _scan(path=Path.from_inputs(values))
    assert axis_label(scan, 0) == "symmetric stretch (Å)"
    assert axis_label(scan, 1) == "angle sum (°)"
