"""What `qmlmat hw` measures besides a molecule's ground state: models, bands; and a real Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time

import jsonschema
import numpy as np
import pytest
from learning import morse_water
from typer.testing import CliRunner

from qmlmat.cli.app import app
from qmlmat.cli.commands import json_schema
from qmlmat.cli.hw_sources import parsed_points
from qmlmat.errors import ConfigError
from qmlmat.surfaces import load_scan

MODEL = """
[data]
file = "water.npz"
[model]
name = "qnn"
n_qubits = 2
layers = 1
readout = "z_zz"
[training]
n_adam = 2
n_lbfgs = 0
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QMLMAT_LEDGER", str(tmp_path / "ledger"))
    return tmp_path


def qmlmat(*args, code=0):
    done = CliRunner().invoke(app, [str(arg) for arg in args])
    assert done.exit_code == code, done.output
    return done


def document(*args, code=0):
    found = json.loads(qmlmat(*args, "--json", code=code).stdout)
    jsonschema.validate(found, json_schema("output"))
    return found


@pytest.fixture
def model(folder):
    """A model of water with a quantum network."""
    morse_water(30).save("water.npz")
    (folder / "water.toml").write_text(MODEL, encoding="utf-8")
    qmlmat("fit", "water.toml")
    return "water"


def test_a_model_is_measured_beside_its_own_predictions(folder, model):
    """At some geometries of a file; a changed model is not taken for the one that was measured."""
    words = (model, "local_aer", "--geometries", "water.npz", "--points", "1,4")
    planned = document("hw", "plan", *words, "--shots", 4000)
    assert [one["point"] for one in planned["expected"]] == ["geometry 1", "geometry 4"]
    qmlmat("hw", "submit", *words, "--shots", 4000, "--run", "w")
    rows = document("hw", "fetch", "w")["points"]
    own = json.loads(qmlmat("predict", model, "water.npz", "--json").stdout)["points"]
    for row, number in zip(rows, (1, 4), strict=True):
        assert row["simulated"] == pytest.approx(own[number]["energies"][0], abs=1e-9)
        assert abs(row["difference"]) < 5 * row["stderr"]
    assert "are of scans" in qmlmat("hw", "fetch", "w", "--out", "w.db", code=2).stderr
    card = json.loads((folder / "water.json").read_text())
    (folder / "water.json").write_text(json.dumps(card, indent=7))
    assert len(document("hw", "fetch", "w", code=3)["raw"]) == 1


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ((), "--geometries FILE.xyz"),
        (("--geometries", "h2.xyz"), "the model is of O, H, H"),
        (("--geometries", "water.npz", "--reduced"), "Leave out --mapping"),
    ],
)
def test_a_model_needs_geometries_of_its_atoms_and_no_mapping(folder, model, words, answer):
    """One line each."""
    (folder / "h2.xyz").write_text("2\n\nH 0 0 0\nH 0 0 1\n", encoding="utf-8")
    done = qmlmat("hw", "plan", model, "local_aer", *words, code=2)
    assert answer in done.stderr


def test_bands_are_measured_with_the_model_made_again_from_the_store(folder):
    """In eV and meV; the figure has error bars; a store without its request is refused."""
    qmlmat("bands", "graphene", "--solver", "ssvqe", "--points", 4, "--store", "g.db")
    words = (
        "hw",
        "submit",
        "g.db",
        "local_aer",
        "--shots",
        20_000,
        "--points",
        "0,2",
        "--run",
        "g",
    )
    qmlmat(*words)
    found = document("hw", "fetch", "g")
    assert found["unit"] == "eV"
    assert all(abs(one["difference"]) < 5 * one["stderr"] for one in found["points"])
    measured = load_scan("g.g.db")
    assert np.isfinite(measured.energies[[0, 2]]).all()
    assert measured.results[1] is None
    assert (folder / "g.g.png").is_file()


@pytest.mark.parametrize("words", ["", "0,", "-1", "4", "1,1", "0.5"])
def test_points_are_indices_named_once(words):
    """Ascending where they are good, all by default."""
    assert parsed_points("3,0", 4) == (0, 3)
    assert parsed_points(None, 3) == (0, 1, 2)
    with pytest.raises(ConfigError, match="--points"):
        parsed_points(words, 4)


@pytest.mark.slow
def test_ctrl_c_in_a_process_of_its_own(folder):
    """SIGINT while it waits: exit code 130 and one line; resume and fetch give all points."""
    qmlmat("bands", "graphene", "--solver", "ssvqe", "--points", 4, "--store", "g.db")
    script = (
        "import sys, time\n"
        "from qmlmat.hardware.adapters.local.adapter import LocalAdapter\n"
        "def slow(self, job):\n"
        "    print('waiting', flush=True)\n"
        "    time.sleep(60)\n"
        "LocalAdapter._simulate = slow\n"
        "from qmlmat.cli.app import main\n"
        "main()\n"
    )
    words = ["hw", "submit", "g.db", "local_aer", "--shots", "4000", "--run", "cut"]
    process = subprocess.Popen(
        [sys.executable, "-c", script, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines()[-1].endswith("go on with: qmlmat hw resume cut")
    assert "Traceback" not in errors
    assert document("hw", "resume", "cut")["totals"]["spent"]["jobs"] == 1
    assert document("hw", "fetch", "cut", code=3)["complete"]  # at K both bands are exactly zero
