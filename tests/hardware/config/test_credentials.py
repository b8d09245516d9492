"""Credentials: looked up when they are needed, named where they are missing, never shown."""

import json

import pytest

from qmlmat.errors import CredentialError
from qmlmat.hardware.config import credential, load_target
from qmlmat.hardware.config.credentials import instance
from qmlmat.hardware.config.loading import parse_target, read_config, target_folders

SECRET = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7_bC0eF3hJ6kL9nO2q"  # made up


@pytest.fixture(autouse=True)
def empty_home(tmp_path, monkeypatch):
    """No credential anywhere at first."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (
        "QISKIT_IBM_TOKEN",
        "QISKIT_IBM_INSTANCE",
        "IONQ_API_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_CONFIG_FILE",
        "QMLMAT_HARDWARE_CONFIGS",
    ):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def with_credential(name, reference):
    """A shipped target with another credential."""
    values = read_config(target_folders()[1] / f"{name}.toml")
    values["access"]["credential"] = reference
    return parse_target(values, name=name)


@pytest.mark.parametrize(
    ("name", "variable"), [("ibm_open", "QISKIT_IBM_TOKEN"), ("ionq_simulator", "IONQ_API_KEY")]
)
def test_a_variable_is_read_at_use_and_named_when_missing(name, variable, monkeypatch):
    """The target keeps the name alone."""
    target = load_target(name)
    with pytest.raises(CredentialError, match=f"export {variable}="):
        credential(target)
    monkeypatch.setenv(variable, f" {SECRET}\n")
    assert credential(target) == SECRET
    assert SECRET not in repr(target) + json.dumps(target.model_dump(mode="json"))


def test_ibms_instance_is_read_at_use(monkeypatch):
    """It belongs to an account, too."""
    with pytest.raises(CredentialError, match="QISKIT_IBM_INSTANCE is not set"):
        instance(load_target("ibm_open"))
    monkeypatch.setenv("QISKIT_IBM_INSTANCE", "crn:v1:of:somebody")
    assert instance(load_target("ibm_open")) == "crn:v1:of:somebody"


def test_an_account_saved_by_ibms_client_is_found(empty_home):
    """By its name; the message says where it was looked for."""
    target = with_credential("ibm_open", "profile:mine")
    with pytest.raises(CredentialError, match=r'save_account\(name="mine"'):
        credential(target)
    folder = empty_home / ".qiskit"
    folder.mkdir()
    (folder / "qiskit-ibm.json").write_text(json.dumps({"mine": {"token": SECRET}}), "utf-8")
    assert credential(target) == SECRET


def test_a_profile_of_aws_is_found_and_its_keys_are_not_read(empty_home):
    """Braket's client finds them by itself."""
    target = load_target("braket_garnet")
    with pytest.raises(CredentialError, match="aws configure --profile default"):
        credential(target)
    folder = empty_home / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text("[default]\naws_access_key_id = x\n", "utf-8")
    (folder / "config").write_text("[profile other]\nregion = us-east-1\n", "utf-8")
    assert credential(target) == "default"
    assert credential(with_credential("braket_garnet", "profile:other")) == "other"


def test_a_damaged_file_of_aws_is_not_quoted(empty_home):
    """Its parser's own message would repeat the line with the key."""
    (empty_home / ".aws").mkdir()
    (empty_home / ".aws" / "credentials").write_text(SECRET, "utf-8")
    with pytest.raises(CredentialError) as caught:
        credential(load_target("braket_garnet"))
    assert SECRET not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_variables_of_aws_must_both_be_set(monkeypatch):
    """With them there is no profile."""
    target = with_credential("braket_garnet", "env:AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    with pytest.raises(CredentialError, match="AWS_SECRET_ACCESS_KEY"):
        credential(target)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    assert credential(target) == ""


def test_this_machine_needs_none():
    """Asking is a mistake."""
    with pytest.raises(CredentialError, match="needs none"):
        credential(load_target("local_aer"))
