"""`qmlmat fit` and `qmlmat predict`: from data to a model in files, and from it to energies."""

import json

import jsonschema
import numpy as np
import pytest
from learning import morse_water
from learnt import hydrogen_data, morse
from typer.testing import CliRunner

from qmlmat.cli import learning
from qmlmat.cli.app import app
from qmlmat.cli.commands import json_schema
from qmlmat.potentials.storage import load_potential

INPUT = """
title = "Water, a Morse function of each distance"
[data]
file = "water.npz"
[model]
name = "mlp"
hidden = [4]
[training]
n_adam = 10
n_lbfgs = 10
validation_fraction = 0.2
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with data and an input file, water.toml."""
    monkeypatch.chdir(tmp_path)
    morse_water(30).save("water.npz")
    hydrogen_data(30).save("h2.npz")
    (tmp_path / "water.toml").write_text(INPUT, encoding="utf-8")
    return tmp_path


def run(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args])


def names(folder):
    return {file.name for file in folder.iterdir()} - {"water.npz", "h2.npz"}


def test_fit_writes_model_card_and_figure(folder):
    """Errors by points on stdout, files beside the input; no checkpoint is left over."""
    done = run("fit", "water.toml")
    assert done.exit_code == 0, done.output
    assert names(folder) == {"water.toml", "water.json", "water.safetensors", "water.png"}
    for word in ("train", "validation", "test", "1/cm", "Model:  water.json", "iteration_limit"):
        assert word in done.stdout
    assert load_potential("water").symbols == ("O", "H", "H")


@pytest.mark.parametrize(
    "model",
    [
        'name = "qnn"\nn_qubits = 2\nlayers = 1\nreadout = "z_zz"',
        'name = "gp"\nkernel = "rbf+rq"\ndescriptor = "distances"',
        'name = "quantum_kernel"',
    ],
)
def test_every_model_is_trained_saved_and_predicts(folder, model):
    """The document fits its schema; a Gaussian process gives standard deviations."""
    text = INPUT.replace('name = "mlp"\nhidden = [4]', model).replace("= 10", "= 3")
    (folder / "water.toml").write_text(text, encoding="utf-8")
    done = run("fit", "water.toml", "--json", "--output", "model", "--plot", "m.svg")
    document = json.loads(done.stdout)
    jsonschema.validate(document, json_schema("output"))
    assert document["errors"]["test"]["n_points"] == 6
    assert {"model.json", "model.safetensors", "m.svg"} < names(folder)
    predicted = json.loads(run("predict", "model", "water.npz", "--json").stdout)
    jsonschema.validate(predicted, json_schema("output"))
    assert len(predicted["points"]) == 30
    assert (predicted["points"][0]["stderr"] is None) == ("qnn" in model)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A trained Gaussian process of H2, and data of water."""
    place = tmp_path_factory.mktemp("trained")
    hydrogen_data(30).save(place / "h2.npz")
    morse_water(4).save(place / "water.npz")
    text = '[data]\nfile = "h2.npz"\n[model]\nname = "gp"\n[training]\nn_lbfgs = 40\n'
    (place / "h2.toml").write_text(text, encoding="utf-8")
    done = run("fit", place / "h2.toml")
    assert done.exit_code == 0, done.output
    return place


@pytest.fixture
def hydrogen(trained, monkeypatch):
    """Its folder as the working one; it is only read."""
    monkeypatch.chdir(trained)
    return trained


def test_predict_along_lengths_marks_what_lies_outside(hydrogen):
    """Energies of the curve inside; beyond the data a mark and a hint."""
    done = run("predict", "h2", "r=0.9:5.9:6", "--json")
    points = json.loads(done.stdout)["points"]
    assert [bool(point["outside"]) for point in points] == [False] * 3 + [True] * 3
    found = [point["energies"][0] for point in points[:3]]
    np.testing.assert_allclose(found, morse(np.array([0.9, 1.9, 2.9])), atol=1e-3)
    assert points[4]["stderr"][0] > 10 * points[1]["stderr"][0]
    shown = run("predict", "h2", "r=0.9,5")
    assert "outside" in shown.stdout
    assert "1 of 2 geometries lie outside" in shown.stderr


def test_forces_are_shown_on_request(hydrogen):
    """They are the slope of the curve, and opposite on the two atoms."""
    points = json.loads(run("predict", "h2", "r=1.2", "--forces", "--json").stdout)["points"]
    (forces,) = [point["forces"] for point in points]
    slope = (morse(1.2 + 1e-5) - morse(1.2 - 1e-5)) / 2e-5
    np.testing.assert_allclose(forces, [[0, 0, slope], [0, 0, -slope]], atol=5e-3)
    assert "Forces at 0" in run("predict", "h2", "r=1.2", "--forces").stdout


def test_geometries_come_from_files_of_every_kind(hydrogen, tmp_path):
    """XYZ and npz give what lengths give."""
    one = tmp_path / "one.xyz"
    one.write_text("2\n\nH 0 0 0\nH 0 1.2 0\n", encoding="utf-8")
    found = [
        json.loads(run("predict", "h2", where, "--json").stdout)["points"][0]["energies"]
        for where in (one, "r=1.2")
    ]
    np.testing.assert_allclose(found[0], found[1], atol=1e-10)


def test_an_interrupted_fit_goes_on_with_the_same_command(folder, monkeypatch):
    """Ctrl-C: exit code 130 and where the steps are; then the result of one run."""
    assert run("fit", "water.toml", "--output", "whole").exit_code == 0
    from qmlmat.potentials.training.descent import Descent

    steps = Descent.steps

    def interrupted(self):
        for step in steps(self):
            yield step
            if step.step == 14:
                raise KeyboardInterrupt

    monkeypatch.setattr(Descent, "steps", interrupted)
    stopped = run("fit", "water.toml", "--output", "parts")
    assert stopped.exit_code == 130
    assert "14 of 20 steps are kept in parts.checkpoint" in stopped.stderr
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert run("fit", "water.toml", "--output", "parts").exit_code == 0
    assert load_potential("parts").inputs() == load_potential("whole").inputs()
    assert not (folder / "parts.checkpoint").exists()


@pytest.mark.parametrize(
    ("old", "new", "answer"),
    [
        ('"mlp"', '"mpl"', "model"),
        ("hidden = [4]", "hidden = []", "hidden"),
        ("hidden = [4]", "layers = 2", "layers"),
        ("water.npz", "ice.npz", "no such file"),
        ("n_adam = 10", "n_adam = -1", "at least 0"),
        ("n_adam = 10", "force_weight = -1.0", "at least 0"),
        ("[training]", "[train]", "train"),
    ],
)
def test_mistakes_in_the_input_are_one_line_each(folder, old, new, answer):
    """Exit code 2, and nothing is written."""
    (folder / "water.toml").write_text(INPUT.replace(old, new), encoding="utf-8")
    done = run("fit", "water.toml")
    assert done.exit_code == 2, done.output
    assert answer in done.stderr
    assert names(folder) == {"water.toml"}


def test_a_file_that_is_no_model_is_not_overwritten(folder):
    """A JSON file of somebody else's is left as it is."""
    (folder / "water.json").write_text("{}", encoding="utf-8")
    done = run("fit", "water.toml")
    assert done.exit_code == 2
    assert "--output NAME" in done.stderr
    assert (folder / "water.json").read_text(encoding="utf-8") == "{}"


@pytest.mark.parametrize(
    ("where", "answer", "code"),
    [
        ("r=a", "Write r=0.7,0.9", 2),
        ("r=1:2", "Write r=0.7,0.9", 2),
        ("water.npz", "the model is of", 2),
        ("nothing.xyz", "no such file", 2),
        ("h2.toml", "not a file of geometries", 2),
    ],
)
def test_geometries_that_cannot_be_used_are_refused(hydrogen, where, answer, code):
    """Lengths that are none, other atoms, missing and foreign files."""
    done = run("predict", "h2", where)
    assert done.exit_code == code, done.output
    assert answer in " ".join(done.stderr.split())


def test_lengths_are_for_two_atoms(folder):
    """Of three atoms a length says nothing; a damaged model ends with the code of stores."""
    assert run("fit", "water.toml").exit_code == 0
    assert "Give a file" in run("predict", "water", "r=1").stderr
    (folder / "water.safetensors").write_bytes(b"")
    assert run("predict", "water", "water.npz").exit_code == 4


def test_a_long_table_is_cut_and_says_so(hydrogen):
    """The rest is in the document."""
    done = run("predict", "h2", f"r=0.6:2:{learning.SHOWN + 5}")
    assert "... and 5 more: --json" in done.stdout
