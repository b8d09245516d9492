"""``qmlmat compare``: from an input file to a table, sentences and a figure."""

import json
import subprocess
import sys

import jsonschema
import numpy as np
import pytest
from learnt import hydrogen_data
from typer.testing import CliRunner

from qmlmat.cli.app import app
from qmlmat.cli.commands import json_schema

INPUT = """
title = "a Morse curve"

[data]
file = "h2.npz"
test_fraction = 0.5

[compare]
sizes = [6, 10]
n_seeds = 2
n_qubits = 1
layers = 1

[training]
n_adam = 2
n_lbfgs = 2
validation_fraction = 0.0
"""


@pytest.fixture
def folder(tmp_path):
    data = hydrogen_data(40)
    np.savez(
        tmp_path / "h2.npz",
        symbols=np.array(data.symbols),
        positions_angstrom=data.positions,
        energies_hartree=data.energies,
    )
    (tmp_path / "h2.toml").write_text(INPUT)
    return tmp_path


def _run(*arguments):
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


def test_every_arm_is_trained_and_the_result_fits_its_schema(folder):
    """Six arms at two sizes, two seeds each; a figure and a store beside the input."""
    done = _run(folder / "h2.toml", "--json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    jsonschema.validate(document, json_schema("output"))
    assert document["kind"] == "compare"
    assert len(document["rows"]) == 12
    assert {row["n_runs"] for row in document["rows"]} == {2}
    assert document["n_test"] == 20
    assert (folder / "h2.png").stat().st_size > 10_000
    assert len((folder / "h2.jsonl").read_text().splitlines()) == 1 + 24 + 1
    assert any("too few seeds" in sentence for sentence in document["summary"])


def test_a_second_run_trains_nothing_and_prints_the_table(folder):
    """What is stored is enough; kernels have a store of their own."""
    first = _run(folder / "h2.toml")
    assert first.exit_code == 0, first.output
    before = (folder / "h2.jsonl").read_bytes()
    again = _run(folder / "h2.toml")
    assert again.exit_code == 0, again.output
    assert (folder / "h2.jsonl").read_bytes() == before
    assert "QNN without entanglers" in again.stdout
    assert "errors at 20 test points" in again.stdout


def test_kernels_are_compared_too(folder):
    """A quantum kernel beside a product kernel and classical ones."""
    text = INPUT.replace("[compare]", '[compare]\nmodels = "kernels"').replace("[6, 10]", "[6]")
    (folder / "kernels.toml").write_text(text)
    done = _run(folder / "kernels.toml", "--json")
    assert done.exit_code == 0, done.output
    arms = [row["arm"] for row in json.loads(done.stdout)["rows"]]
    assert arms == ["GP quantum kernel", "GP product kernel", "GP RQ", "GP RBF+RQ"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("sizes = [6, 10]", "", "sizes"),
        ("sizes = [6, 10]", "sizes = [6, 100]", "from 2 to 20"),
        ("test_fraction = 0.5", "test_fraction = 0.0", "Set it to 0.2"),
        ('file = "h2.npz"', 'file = "none.npz"', "none.npz"),
        ("n_seeds = 2", "n_sedes = 2", "n_seeds"),
    ],
)
def test_a_mistake_in_the_input_is_bad_input(folder, old, new, words):
    """Named with what would do, and without a traceback."""
    (folder / "h2.toml").write_text(INPUT.replace(old, new))
    done = _run(folder / "h2.toml")
    assert done.exit_code == 2
    assert words in done.stderr
    assert "Traceback" not in done.output


def test_a_store_of_another_comparison_is_refused(folder):
    """Exit code 4, as of scans."""
    assert _run(folder / "h2.toml").exit_code == 0
    (folder / "h2.toml").write_text(INPUT.replace("n_lbfgs = 2", "n_lbfgs = 3"))
    done = _run(folder / "h2.toml")
    assert done.exit_code == 4
    assert "name another file" in done.stderr


def test_the_input_has_a_schema(folder):
    """Which a document that is right fits."""
    schema = json_schema("compare")
    good = {"data": {"file": "a.npz"}, "compare": {"sizes": [5]}}
    jsonschema.validate(good, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"data": {"file": "a.npz"}, "compare": {}}, schema)


def test_the_options_load_no_torch():
    """``--help`` answers at once."""
    code = (
        "import sys; import qmlmat.cli.compare_app; "
        "assert not {'torch', 'numpy', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
