"""`qmlmat circuits`: templates listed, shown gate by gate, held to their own checks."""

import json

import jsonschema
import pytest
from typer.testing import CliRunner

from qmlmat._resources import data_dir
from qmlmat.ansatz.qasm import from_qasm
from qmlmat.cli.app import app
from qmlmat.cli.commands import json_schema

LIBRARY = sorted((data_dir("circuits") / "ansatz").glob("*.toml"))
EVERY = {path.stem for path in data_dir("circuits").glob("*/*.toml")}
UCCSD = (data_dir("circuits") / "ansatz" / "uccsd.toml").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    """The user's own folder of templates, empty."""
    monkeypatch.setenv("QMLMAT_CIRCUITS", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ansatz").mkdir()
    return tmp_path / "ansatz"


def run(*args):
    return CliRunner().invoke(app, ["circuits", *map(str, args)])


def document(*args, code=0):
    """The document of --json, checked against the published schema."""
    done = run(*args, "--json")
    assert done.exit_code == code, done.output
    found = json.loads(done.stdout)
    jsonschema.validate(found, json_schema("output"))
    return found


def test_list_names_every_template_with_options_and_file():
    """The whole library; options show their defaults."""
    found = {row["name"]: row for row in document("list")["templates"]}
    assert set(found) == EVERY
    assert found["lucj"]["file"] == str(data_dir("circuits") / "ansatz" / "lucj.toml")
    assert [(o["name"], o["default"]) for o in found["lucj"]["options"]] == [
        ("n_reps", 1),
        ("pairs", "all"),
    ]
    shown = run("list").stdout
    assert "spin_tied=false" in shown
    assert "Tiled unitary" in shown


def test_the_users_own_folder_comes_first_and_a_broken_file_says_so(own):
    """An own template hides the library's of that name; one that cannot be read is still listed."""
    (own / "uccsd.toml").write_text(UCCSD, encoding="utf-8")
    (own / "broken.toml").write_text("schema = 1", encoding="utf-8")
    rows = document("list")["templates"]
    found = {row["name"]: row for row in rows}
    assert [row["name"] for row in rows[:2]] == ["broken", "uccsd"]
    assert found["uccsd"]["file"] == str(own / "uccsd.toml")
    assert "needs the key" in found["broken"]["error"]


def test_show_prints_the_circuit_at_a_size():
    """Blocks and citations always; gates with their angles where a size is given."""
    found = document("show", "kupccgsd", "--norb", 3, "--nelec", "1,1", "-o", "k=2")
    assert found["repeat"] == "k"
    assert found["blocks"] == ["paired_doubles, any", "spin_summed_singles, any"]
    assert found["size"]["n_params"] == 12
    assert found["size"]["options"] == {"k": 2}
    assert found["size"]["gates"][0] == {
        "generator": "0->1 alpha, 0->1 beta",
        "param": 0,
        "scale": 1.0,
    }
    text = run("show", "kupccgsd", "--norb", 3, "--nelec", "1,1", "-o", "k=2").stdout
    assert "12 parameters, 18 gates" in text
    assert "10.1021/acs.jctc.8b01004" in text
    assert document("show", "lucj", "-o", "pairs=square")["size"] is None
    tied = document("show", "uccsd", "--norb", 4, "--nelec", "2,2", "-o", "spin_tied=true")
    assert tied["size"]["n_params"] == 15


@pytest.mark.parametrize(
    ("args", "remedy"),
    [
        (["uccds"], 'Did you mean "uccsd"'),
        (["kupccgsd", "-o", "k=0"], "at least 1"),
        (["kupccgsd", "-o", "k"], "KEY=VALUE"),
        (["lucj", "-o", "pair=all"], 'Did you mean "pairs"'),
        (["uccsd", "--norb", "4"], "--norb 4 --nelec 2,2"),
        (["uccsd", "--norb", "4", "--nelec", "4"], "alpha and beta"),
        (["uccsd", "--norb", "4", "--nelec", "5,1"], "0 to 4 electrons"),
    ],
)
def test_a_mistake_is_answered_with_the_remedy(args, remedy):
    done = run("show", *args)
    assert done.exit_code == 2
    assert remedy in done.stderr
    assert "Traceback" not in done.output


def test_check_holds_every_template_to_its_counts():
    """The whole library passes, and each [[check]] is a row."""
    found = document("check")
    assert found["passed"]
    assert {row["name"] for row in found["expectations"]} == EVERY
    assert "checks passed" in run("check").stdout


@pytest.mark.parametrize("name", [p.stem for p in LIBRARY if "check.energy" in p.read_text()])
def test_templates_reach_the_energies_they_state(name):
    """[check.energy]: the default start ends at the stated energy."""
    found = document("check", name, "--energies")
    assert found["passed"]
    assert any("energy" in row["what"] for row in found["expectations"])


@pytest.mark.parametrize(
    ("old", "new", "code", "word"),
    [
        ("n_params = 315", "n_params = 316", 2, "FAILED"),
        ("value = -7.88217451", "value = -7.9", 3, "FAILED"),
        ('name = "uccsd"', 'name = "other"', 2, "call the file other.toml"),
        ("generator", "generater", 2, 'Did you mean "generator"'),
        ("norb = 5\nnelec = [1, 1]\nn_params = 24", "norb = 3\nnelec = [1, 1]\nn_params = 8", 2,
         "Make them agree"),
    ],
)  # fmt: skip
def test_a_template_that_breaks_its_word_is_refused(tmp_path, old, new, code, word):
    """Exit code 2 for the file and its counts, 3 for an energy that is not reached."""
    path = tmp_path / "uccsd.toml"
    path.write_text(UCCSD.replace(old, new, 1), encoding="utf-8")
    done = run("check", path, "--energies")
    assert done.exit_code == code, done.output
    assert word in done.output
    assert not document("check", path, "--energies", code=code)["passed"]


@pytest.mark.parametrize(
    ("options", "code", "word"),
    [("{ k = 2 }", 0, "parameters"), ("{ k = 0 }", 2, "at least 1"), ("{ l = 2 }", 2, "Known: k")],
)
def test_an_input_file_sets_options_that_are_numbers(tmp_path, options, code, word):
    """`qmlmat solve` with a layered circuit; a wrong option is one line with the remedy."""
    text = f"""
molecule.xyz = "H 0 0 0; H 0 0 0.74"
solver = {{ name = "VQE", ansatz = "kupccgsd", options = {options} }}
"""
    (tmp_path / "h2.toml").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["solve", "h2.toml"])
    assert done.exit_code == code, done.output
    assert word in done.output


def test_help_states_the_exit_codes():
    for command in ("list", "show", "check"):
        assert "130 interrupted" in " ".join(run(command, "--help").stdout.split())


H2 = ("--norb", 2, "--nelec", "1,1")


def test_draw_shows_the_gates_on_every_qubit():
    """From the Hartree-Fock determinant on; templates of qubits by their number."""
    found = document("draw", "uccsd", *H2, "--mapping", "parity", "--reduced")
    assert (found["n_qubits"], found["n_params"]) == (2, 3)
    assert "theta[2]" in found["drawing"]
    text = run("draw", "hea_ry_cz", "--n-qubits", 3, "-o", "depth=2").stdout
    assert "q_2" in text
    assert "theta[8]" in text


def test_resources_count_before_and_after_transpilation():
    """The circuit as written, and on a device whose links it must follow."""
    found = document("resources", "uccsd", *H2, "--device", "manila", "--seed", 1)
    written, device = found["counts"]
    assert (written["target"], device["target"]) == ("as written", "fake_manila")
    assert (written["n_params"], written["n_qubits"], written["two_qubit_gates"]) == (3, 4, 17)
    assert device["two_qubit_gates"] > written["two_qubit_gates"]
    assert "two-qubit depth" in run("resources", "lucj", *H2).stdout


def test_export_writes_what_from_qasm_reads(tmp_path):
    """Free parameters, or bound from a list or from a table's params."""
    file, params = tmp_path / "h2.qasm", tmp_path / "params.json"
    found = document("export", "uccsd", *H2, "--output", file)
    assert found["file"] == str(file)
    free = from_qasm(file.read_text())
    assert (free.n_qubits, free.n_params) == (4, 3)
    for tree in ([0.1, 0.2, 0.3], {"params": [0.1, 0.2, 0.3]}):
        params.write_text(json.dumps(tree))
        assert run("export", "uccsd", *H2, "--output", file, "--params", params).exit_code == 0
        assert from_qasm(file.read_text()).gates == free.bound([0.1, 0.2, 0.3]).gates


@pytest.mark.parametrize(
    ("args", "remedy"),
    [
        (["draw", "uccsd"], "--norb 4 --nelec 2,2"),
        (["draw", "uccsd", "--norb", "2", "--nelec", "1,1", "--n-qubits", "4"], "acts on orbitals"),
        (["draw", "hea_ry_cz", "--norb", "2", "--nelec", "1,1"], "--n-qubits 4"),
        (["draw", "uccsd", *H2, "--mapping", "party"], 'Did you mean "parity"'),
        (["resources", "uccsd", *H2, "--device", "manilla"], 'Did you mean "manila"'),
        (["resources", "uccsd", "--norb", 4, "--nelec", "1,1", "--device", "manila"], "larger"),
        (["export", "uccsd", *H2, "--output", "no/file.qasm"], "a folder that exists"),
        (["export", "uccsd", *H2, "--output", "a.qasm", "--params", "none.json"], "cannot be read"),
        (["export", "uccsd", *H2, "--output", "a.qasm", "--params", "two.json"], "3 parameters"),
        (["export", "uccsd", *H2, "--output", "a.qasm", "--params", "bad.json"], "Write JSON"),
        (["export", "uccsd", *H2, "--output", "a.qasm", "--params", "text.json"], "Write JSON"),
        (["export", "uccsd", *H2, "--output", "a.qasm", "--params", "nan.json"], "Write JSON"),
        (["draw", "uccsd", *H2, "--mapping", ""], "jordan_wigner"),
    ],
)
def test_mistakes_about_circuits_on_qubits_are_answered_with_the_remedy(tmp_path, args, remedy):
    """Sizes, mappings, devices, files."""
    (tmp_path / "two.json").write_text("[0.1, 0.2]")
    (tmp_path / "bad.json").write_text('{"angles": []}')
    (tmp_path / "text.json").write_text('{"params": "123"}')
    (tmp_path / "nan.json").write_text("[0.1, NaN, true]")
    done = run(*args)
    assert done.exit_code == 2
    assert remedy in done.stderr
    assert "Traceback" not in done.output
