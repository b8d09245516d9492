"""`qmlmat spectrum`: table, figure, document, and one line for a mistake."""

import json

import jsonschema
import pytest
from typer.testing import CliRunner

from qmlmat.cli.app import app
from qmlmat.cli.commands import json_schema

INPUT = """
title = "LiH"
molecule.xyz = "Li 0 0 0; H 0 0 1.5949"
active_space.freeze_core = true
[solver]
name = "Exact"
n_states = 7
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder with an input file, lih.toml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lih.toml").write_text(INPUT, encoding="utf-8")
    return tmp_path


def run(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args])


def test_spectrum_prints_lines_and_draws_them(folder):
    """One command: the table on stdout, the figure beside the input."""
    done = run("spectrum", "lih.toml")
    assert done.exit_code == 0, done.output
    assert {file.name for file in folder.iterdir()} == {"lih.toml", "lih.png"}
    for word in ("LiH · sto-3g · (2e, 5o) · exact", "0.5019", "0 (spin)", "Figure: lih.png"):
        assert word in done.stdout
    assert done.stderr == ""


def test_json_is_one_document_that_fits_its_schema(folder):
    done = run("spectrum", "lih.toml", "--json", "--plot", "uv.svg", "--shape", "lorentzian")
    document = json.loads(done.stdout)
    jsonschema.validate(document, json_schema("output"))
    assert document["kind"] == "spectrum"
    assert (folder / "uv.svg").is_file()
    last = document["transitions"][-1]
    assert last["states"] == [5, 6]
    assert last["oscillator_strength"] == pytest.approx(0.5019, abs=1e-4)
    assert len(document["dipoles"]) == len(document["energies"]) == 7


def test_a_cut_level_is_a_note(folder):
    (folder / "lih.toml").write_text(INPUT.replace("7", "6"), encoding="utf-8")
    done = run("spectrum", "lih.toml")
    assert done.exit_code == 0, done.output
    assert "Note: n_states=6 cuts a degenerate level" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (("--width", "0"), "Use width=0.3"),
        (("--shape", "box"), 'Use "gaussian" or "lorentzian"'),
        (("--plot", "uv.xyz"), "a figure's name ends in .png, .pdf, .svg"),
    ],
)
def test_options_that_cannot_be_are_refused_in_one_line_before_any_work(
    folder, monkeypatch, arguments, answer
):
    monkeypatch.setattr("qmlmat.cli.build.build_job", None)  # must not be called
    done = run("spectrum", "lih.toml", *arguments)
    assert done.exit_code == 2
    assert answer in done.stderr
    assert done.stderr.count("\n") == 1


def test_one_state_is_no_spectrum(folder):
    (folder / "lih.toml").write_text(INPUT.replace("n_states = 7", ""), encoding="utf-8")
    done = run("spectrum", "lih.toml")
    assert done.exit_code == 2
    assert 'name = "Exact" and n_states = 8' in done.stderr
