"""Targets: shipped files, what is refused and in which words, secrets, look-up."""

import json

import jsonschema
import pytest
from bad_targets import BAD_TARGETS, TOKENS

from qmlmat._resources import data_dir
from qmlmat.cli.commands import json_schema
from qmlmat.errors import ConfigError
from qmlmat.hardware.config import Target, load_target, target_names
from qmlmat.hardware.config.loading import parse_target, read_config
from qmlmat.hardware.config.target import BraketTarget, IbmTarget, IonqTarget, LocalTarget

SHIPPED = {
    "braket_forte": BraketTarget,
    "braket_garnet": BraketTarget,
    "braket_sv1": BraketTarget,
    "ibm_open": IbmTarget,
    "ibm_payg": IbmTarget,
    "ionq_simulator": IonqTarget,
    "local_aer": LocalTarget,
    "local_braket_dm": LocalTarget,
    "local_fake_fez": LocalTarget,
    "local_fake_manila": LocalTarget,
}
FOLDER = data_dir("hardware_configs")


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """A user's own folder, empty at first."""
    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.setenv("QMLMAT_HARDWARE_CONFIGS", str(own))
    return own


def broken(case, folder):
    """The file of a mistake."""
    text = (FOLDER / f"{case.base}.toml").read_text(encoding="utf-8")
    assert case.old in text, case.kind
    path = folder / f"{case.base}.toml"
    path.write_text(text.replace(case.old, case.new, 1), encoding="utf-8")
    return path


def refusal(path, **settings):
    """The text with which a file is refused."""
    with pytest.raises(ConfigError) as caught:
        load_target(path, **settings)
    return str(caught.value)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_target_loads_and_fits_the_published_schema(name):
    """Each has the name of its file, and is one of its provider's."""
    target = load_target(name)
    assert type(target) is SHIPPED[name]
    assert target.name == name
    published = json.loads((FOLDER / "target.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(read_config(FOLDER / f"{name}.toml"), published)


def test_the_shipped_targets_are_these():
    """Files of figures are no targets."""
    assert target_names() == list(SHIPPED)


def test_the_published_schema_is_the_models_schema():
    """`hardware_configs/target.schema.json` is generated, never edited: qmlmat schema target."""
    published = json.loads((FOLDER / "target.schema.json").read_text(encoding="utf-8"))
    assert published == json_schema("target")


def test_the_schema_refuses_an_unknown_key():
    """An editor marks what loading would refuse."""
    values = read_config(FOLDER / "ibm_open.toml")
    values["budget"]["max_job"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, json_schema("target"))


@pytest.mark.parametrize("case", BAD_TARGETS, ids=lambda case: case.kind)
def test_a_mistake_is_one_line_with_file_key_and_remedy(case, tmp_path):
    """Nothing is loaded, and the line can be acted on without reading the documentation."""
    text = refusal(broken(case, tmp_path))
    lines = text.splitlines()
    assert len(lines) == 1, text
    assert lines[0].startswith(f"{tmp_path / case.base}.toml: ")
    assert case.key in lines[0]
    assert case.remedy in lines[0]
    assert lines[0].endswith((".", "?"))


PLACES = {
    "value": ("[access]", '[access]\nextra = "{}"'),
    "credential": ('"env:QISKIT_IBM_TOKEN"', '"{}"'),
    "title": ('title = "IBM', 'title = "{} IBM'),
    "comment": ("[access]", "# my key is {}\n[access]"),
    "number": ("max_jobs = 20", 'max_jobs = "{}"'),
    "device": ('device = "ibm_fez"', 'device = "{}"'),
    "in a list": ("[access]", '[access]\nkeys = ["a", "{}"]'),
    "broken TOML": ("[access]", '[access\nkey = "{}"'),
    "name of a key": ("[access]", '[access]\n"{}" = 1'),
    "several lines": ("[access]", '[access]\nkey = """\n{}\n"""'),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("what", TOKENS)
def test_a_credential_anywhere_is_refused_and_never_repeated(what, place, tmp_path):
    """Before the rules are looked at, and whatever else is wrong with the file."""
    old, new = PLACES[place]
    text = (FOLDER / "ibm_open.toml").read_text(encoding="utf-8")
    path = tmp_path / "ibm_open.toml"
    path.write_text(text.replace(old, new.format(TOKENS[what]), 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_target(path)
    shown = f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"
    assert "no credential may be in a file" in shown
    for part in (TOKENS[what], TOKENS[what][:12], TOKENS[what][-12:]):
        assert part not in shown.replace(str(tmp_path), "")
    assert '"env:NAME"' in shown


def test_an_escaped_credential_is_found_after_parsing(tmp_path):
    r"""`\u0041KIA...` is the same key to whoever reads the file's value."""
    text = (FOLDER / "ibm_open.toml").read_text(encoding="utf-8")
    path = tmp_path / "ibm_open.toml"
    path.write_text(text.replace("IBM, open", r"\u0041KIAIOSFODNN7EXAMPLE", 1), encoding="utf-8")
    assert "title: this looks like an AWS access key" in refusal(path)


def test_what_is_in_a_shipped_file_is_no_credential():
    """ARNs, addresses, names of variables and prices pass, those of figures too."""
    for path in FOLDER.glob("*.toml"):
        assert read_config(path)


def test_several_mistakes_are_one_line_each(tmp_path):
    """All of them at once, so that a file is corrected in one go."""
    text = (FOLDER / "ibm_open.toml").read_text(encoding="utf-8")
    path = tmp_path / "x.toml"
    path.write_text(
        text.replace("max_jobs = 20", "max_jobs = 0").replace("shots = 8192", "shots = -1"),
        encoding="utf-8",
    )
    assert len(refusal(path).splitlines()) == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.8.9.10"])
def test_an_endpoint_on_this_machine_is_taken(host, tmp_path):
    """Rehearsals need no permission."""
    values = read_config(FOLDER / "ibm_open.toml")
    values["access"]["endpoint"] = f"http://{host}:8080"
    assert parse_target(values, name="x").access.endpoint == f"http://{host}:8080"


def test_another_endpoint_is_taken_when_it_is_allowed_at_the_call():
    """The file cannot allow it to itself."""
    values = read_config(FOLDER / "ibm_open.toml")
    values["access"]["endpoint"] = "https://quantum.example.com"
    target = parse_target(values, name="x", allow_custom_endpoint=True)
    assert target.access.endpoint == "https://quantum.example.com"
    values["access"]["allow_custom_endpoint"] = True
    with pytest.raises(ConfigError, match="unknown key"):
        parse_target(values, name="x")


def test_the_users_own_target_wins_over_ours_of_the_same_name(own_folder):
    """As with templates."""
    text = (FOLDER / "ibm_open.toml").read_text(encoding="utf-8")
    (own_folder / "ibm_open.toml").write_text(text.replace("ibm_fez", "ibm_kyiv"), "utf-8")
    (own_folder / "mine.toml").write_text(text.replace("ibm_open", "mine"), "utf-8")
    assert load_target("ibm_open").device == "ibm_kyiv"
    assert "mine" in target_names()


def test_a_wrong_name_is_answered_with_the_nearest():
    """A slip of the pen costs no search."""
    assert 'Did you mean "ibm_open"?' in refusal("ibm_opne")
    assert "Check the path" in refusal("missing.toml")


def test_a_file_that_is_no_text_is_one_line(tmp_path):
    """Bytes that are no UTF-8."""
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff\xfe")
    assert "Save it as UTF-8" in refusal(path)


def test_the_fingerprint_tells_what_determines_an_answer_and_nothing_else():
    """Another budget, price or credential asks for the same; other mitigation does not."""
    values = read_config(FOLDER / "ibm_open.toml")
    plain = parse_target(values, name="x").fingerprint()
    values["budget"]["max_jobs"] = 3
    values["access"]["credential"] = "env:ANOTHER"
    values["title"] = "Another"
    assert parse_target(values, name="x").fingerprint() == plain
    values["mitigation"]["readout"] = False
    assert parse_target(values, name="x").fingerprint() != plain
    assert "access" not in plain


def test_a_target_cannot_be_changed():
    """What was checked is what is used."""
    target = load_target("ibm_open")
    assert isinstance(target, Target)
    with pytest.raises(ValueError, match="frozen"):
        target.device = "ibm_kyiv"
