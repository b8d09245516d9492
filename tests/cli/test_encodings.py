"""`qmlmat circuits` with encodings: circuits that take features of data."""

import json

import jsonschema
import pytest
from typer.testing import CliRunner

from qmlmat._resources import data_dir
from qmlmat.ansatz.encoding import Encoding
from qmlmat.cli.app import app
from qmlmat.cli.commands import json_schema

FOLDER = data_dir("circuits") / "encoding"
LIBRARY = sorted(path.stem for path in FOLDER.glob("*.toml"))
DENSE = (FOLDER / "reupload_dense.toml").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    """The user's own folder of encodings, empty."""
    monkeypatch.setenv("QMLMAT_CIRCUITS", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "encoding").mkdir()
    return tmp_path / "encoding"


def run(*args):
    return CliRunner().invoke(app, ["circuits", *map(str, args)])


def document(*args, code=0):
    """The document of --json, checked against the published schema."""
    done = run(*args, "--json")
    assert done.exit_code == code, done.output
    found = json.loads(done.stdout)
    jsonschema.validate(found, json_schema("output"))
    return found


def test_list_names_encodings_behind_ansatzes_with_their_kind(own):
    """The whole library; a file of one's own comes first, also one that cannot be read."""
    (own / "mine.toml").write_text("schema = 1", encoding="utf-8")
    rows = document("list")["templates"]
    kinds = {row["name"]: row["kind"] for row in rows}
    assert {name for name, kind in kinds.items() if kind == "encoding"} == set(LIBRARY)
    assert (kinds["uccsd"], kinds["hea_ry_cz"], kinds["mine"]) == ("fermionic", "qubit", None)
    assert [row["name"] for row in rows if row["name"] in (*LIBRARY, "mine")] == ["mine", *LIBRARY]
    assert "encoding" in run("list").stdout


def test_show_tells_which_angles_take_which_features():
    """Sizes, gates and features are those of the circuit that Python makes."""
    found = document("show", "reupload_dense", "--n-qubits", 2, "--n-features", 3, "-o", "layers=1")
    encoded = Encoding("reupload_dense", layers=1).circuit(2, 3)
    size = found["size"]
    assert (size["n_params"], size["n_scales"]) == (encoded.circuit.n_params, encoded.n_scales)
    assert size["gates"][0] == {"gate": "ry", "wires": [0], "param": 0, "features": [0, 1, 2]}
    assert size["gates"][2] == {"gate": "rz", "wires": [0], "param": 2, "features": []}
    assert {gate["param"] for gate in size["gates"] if gate["gate"] == "cx"} == {None}
    assert found["blocks"][0] == "ry_features, all_features"
    assert found["final"] == ["ry_rotations, qubits"]
    assert found["repeat"] == "layers"
    text = run("show", "reupload_dense", "--n-qubits", 2, "--n-features", 3).stdout
    assert "2 qubits, 3 features, layers=4, entangler=ring: 22 angles with 24 factors" in text
    assert document("show", "morse_kernel")["size"] is None


@pytest.mark.parametrize(
    ("args", "remedy"),
    [
        (["morse_kernal"], 'Did you mean "morse_kernel"'),
        (["morse_kernel", "--n-qubits", "3"], "--n-qubits 4 --n-features 3"),
        (["morse_kernel", "--norb", "3", "--nelec", "1,1"], "--n-qubits 4 --n-features 3"),
        (["morse_kernel", "--n-qubits", "2", "--n-features", "3"], "at least 3 qubits"),
        (["morse_kernel", "-o", "layer=2"], 'Did you mean "layers"'),
        (["uccsd", "--n-qubits", "4", "--n-features", "3"], "leave out --n-qubits"),
    ],
)
def test_a_mistake_about_an_encoding_is_answered_with_the_remedy(args, remedy):
    """A name, half a size, a size of orbitals, one that does not fit, an option."""
    done = run("show", *args)
    assert done.exit_code == 2
    assert remedy in done.stderr
    assert "Traceback" not in done.output


def test_check_holds_every_encoding_to_its_angles_and_factors():
    """Two rows for each [[check]]; all pass."""
    found = document("check", *LIBRARY)
    assert found["passed"]
    assert {row["name"] for row in found["expectations"]} == set(LIBRARY)
    assert {row["what"].rpartition(": ")[2] for row in found["expectations"]} == {
        "angles",
        "factors",
    }


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("n_scales = 48", "n_scales = 47", "FAILED"),
        ('name = "reupload_dense"', 'name = "other"', "call the file other.toml"),
        ("ry_features", "ry_feature", 'Did you mean "ry_features"'),
    ],
)
def test_an_encoding_that_breaks_its_word_is_refused(tmp_path, old, new, word):
    """A file is known as an encoding by its kind; exit code 2."""
    path = tmp_path / "reupload_dense.toml"
    path.write_text(DENSE.replace(old, new, 1), encoding="utf-8")
    done = run("check", path)
    assert done.exit_code == 2, done.output
    assert word in done.output
    assert not document("check", path, code=2)["passed"]
