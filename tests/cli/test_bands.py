"""`qmlmat bands`: table, edges, files, going on, and one line for a mistake."""

import csv
import json

import jsonschema
import pytest
from bands import bands_of
from typer.testing import CliRunner

import qmlmat as qm
from qmlmat.cli import bands_request
from qmlmat.cli.app import app
from qmlmat.cli.bands_request import BandsRequest, band_model
from qmlmat.cli.commands import json_schema
from qmlmat.errors import ConfigError
from qmlmat.surfaces import load_scan


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args])


def test_bands_prints_edges_splittings_errors_and_both_times(folder):
    """One command, and no file that was not asked for."""
    done = run("bands", "MoS2", "--soc", "--points", 10, "--solver", "exact")
    assert done.exit_code == 0, done.output
    assert list(folder.iterdir()) == []
    for words in (
        "MoS₂ (tnn, gga, spin-orbit) · exact",
        "Gap 1.5849 eV, direct at K (spin up).",
        "valence band 0.1460 eV at K",
        "Largest difference from plain diagonalisation",
        "20 points by exact",
        "by plain diagonalisation",
    ):
        assert words in done.stdout
    assert done.stderr == ""


def test_files_are_written_where_they_are_asked_for(folder):
    """Store, figure, and a table with k of every point."""
    done = run(
        "bands", "h-BN", "--points", 7, "--store", "a.db", "--plot", "a.svg", "--csv", "a.csv"
    )
    assert done.exit_code == 0, done.output
    assert {file.name for file in folder.iterdir()} == {"a.db", "a.svg", "a.csv"}
    with (folder / "a.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 7
    corner = next(row for row in rows if row["label"] == "K")
    assert float(corner["k1"]) == pytest.approx(qm.graphene().special_points["K"][0])
    assert float(corner["energy_1 (eV)"]) == pytest.approx(3.34)
    assert load_scan(folder / "a.db").is_complete


def test_json_is_one_document_that_fits_its_schema(folder):
    done = run("bands", "graphene", "--path", "GKM", "--points", 5, "--json", "--plot", "g.png")
    document = json.loads(done.stdout)
    jsonschema.validate(document, json_schema("output"))
    assert document["kind"] == "bands"
    assert document["edges"]["character"] == "semimetal"
    assert document["edges"]["gap"] == 0.0
    assert [point["label"] for point in document["points"]] == ["G", "", "K", "", "M"]
    assert max(document["errors"]) < 1e-12
    assert document["diagonalisation_time"] > 0
    assert (folder / "g.png").is_file()


def test_an_interrupted_command_says_how_to_go_on(folder, monkeypatch):
    """What is stored stays; `qmlmat resume` needs the store alone, and ends the same."""
    evaluate = qm.BandSurface.evaluate
    seen = []

    def stopping(surface, point, *, guess=None):
        if len(seen) == 3:
            raise KeyboardInterrupt
        seen.append(point)
        return evaluate(surface, point, guess=guess)

    monkeypatch.setattr(qm.BandSurface, "evaluate", stopping)
    done = run("bands", "h-BN", "--points", 7, "--solver", "exact", "--store", "a.db")
    assert done.exit_code == 130
    assert "3 of 7 points are stored in a.db; go on with: qmlmat resume a.db" in done.stderr
    seen.clear()
    assert run("bands", "h-BN", "--points", 7).exit_code == 130
    assert "--store FILE" in run("bands", "h-BN", "--points", 7).stderr
    monkeypatch.setattr(qm.BandSurface, "evaluate", evaluate)
    again = run("resume", "a.db")
    assert again.exit_code == 0, again.output
    assert "Gap 4.7400 eV, direct at K." in again.stdout
    assert (folder / "a.png").is_file()
    found = load_scan(folder / "a.db")
    assert found.energies.tolist() == bands_of("h-BN", n_points=7).energies.tolist()


def test_the_same_command_goes_on_and_other_bands_are_refused(folder):
    """A store is of one request."""
    assert run("bands", "h-BN", "--points", 5, "--store", "a.db").exit_code == 0
    assert run("bands", "h-BN", "--points", 5, "--store", "a.db").exit_code == 0
    done = run("bands", "graphene", "--points", 5, "--store", "a.db")
    assert done.exit_code == 4
    assert "choose another file: --store PATH" in done.stderr


def test_a_file_of_wannier90_is_a_material(folder):
    """With its cell beside it; how many bands are occupied it does not say."""
    sheet = qm.graphene()
    qm.save_wannier90(sheet, folder / "sheet_hr.dat")
    cell = ",".join(str(x) for x in sheet.cell.ravel().tolist())
    done = run("bands", "sheet_hr.dat", "--cell", cell, "--path", "GMK", "--points", 5)
    assert done.exit_code == 0, done.output
    assert "Edges and gap: not known" in done.stdout
    assert "8.4000" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (("MoS",), 'Did you mean "MoS2"?'),
        (("graphen",), 'Did you mean "graphene"?'),
        (("graphene", "--soc"), "Leave out --soc"),
        (("h-BN", "--functional", "lda"), "Leave out --functional"),
        (("graphene", "--cell", "1,2"), "Leave out --cell"),
        (("MoS2", "--model", "nnn"), 'Did you mean "nn"?'),
        (("MoS2", "--functional", "ldaa"), 'Did you mean "lda"?'),
        (("MoS2", "--solver", "exat"), 'Did you mean "exact"?'),
        (("MoS2", "--path", "GQ"), "Known: G, K"),
        (("MoS2", "--points", "2"), "Use n_points=4 or more"),
        (("MoS2", "--states", "4"), "Use 1 to 3"),
        (("MoS2", "--plot", "a.xyz"), "ends in .png, .pdf, .svg"),
        (("MoS2", "--plot", "a.png", "--store", "a.png"), "Choose another name for one of them"),
        (("MoS2", "--csv", "."), "Name a file in it"),
        (("x_hr.dat",), "Give its three vectors"),
        (("x_hr.dat", "--cell", "1,2,x"), "a cell is nine numbers"),
        (("x_hr.dat", "--cell", "1,0,0,0,1,0,0,0,9"), "x_hr.dat"),
    ],
)
def test_a_mistake_is_refused_in_one_line_before_any_work(folder, monkeypatch, arguments, answer):
    monkeypatch.setattr("qmlmat.surfaces.scan", None)  # must not be called
    done = run("bands", *arguments)
    assert done.exit_code == 2, done.output
    assert answer in done.stderr
    assert done.stderr.count("\n") == 1


def test_points_that_failed_are_an_exit_code(folder, monkeypatch):
    """Finished, but not all of it can be trusted."""
    evaluate = qm.BandSurface.evaluate

    def failing(surface, point, *, guess=None):
        if point.label == "M":
            raise ArithmeticError("no luck")
        return evaluate(surface, point, guess=guess)

    monkeypatch.setattr(qm.BandSurface, "evaluate", failing)
    done = run("bands", "h-BN", "--points", 7)
    assert done.exit_code == 3
    assert "no luck" in done.stdout
    assert "Crosses" in done.stdout


def test_every_material_of_the_command_is_made():
    """The names in its help."""
    for name in (*bands_request.MONOLAYERS, *bands_request.HEXAGONAL):
        assert band_model(BandsRequest(material=name)).n_occupied is not None


def test_every_solver_of_the_command_is_made():
    """Each name in its help is a solver of matrices."""
    for name in bands_request.SOLVERS:
        assert bands_request.band_solver(name).takes_models


def test_a_request_of_another_version_is_refused():
    with pytest.raises(Exception, match="Type the command that made it again"):
        bands_request.request_of({"material": "MoS2", "colour": "red"})
    with pytest.raises(ConfigError, match="not known"):
        bands_request.band_solver("vqe")
