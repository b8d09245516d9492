"""What a device says of itself, and what is refused before anything is sent."""

import json
import sys

import numpy as np
import pytest
from braket.aws import AwsDevice, AwsSession
from braket_rehearsed import PLANTED, accepted, adapter, counted, target, task

from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.backends.qubits.jobs import CountJob
from qmlmat.errors import CapabilityError, CredentialError, MissingExtraError, RejectedError
from qmlmat.hardware.adapters.base import Adapter
from qmlmat.hardware.adapters.braket.adapter import BraketAdapter
from qmlmat.hardware.adapters.braket_circuits import to_braket
from qmlmat.hardware.config import load_target


def test_the_adapter_has_the_common_interface(server):
    """Construction needs neither network nor credential."""
    assert isinstance(adapter(), Adapter)


@pytest.mark.parametrize("name", ["braket_garnet", "braket_forte", "braket_sv1"])
def test_brakets_own_sdk_accepts_the_rehearsed_devices(server, name):
    """Capabilities as Braket's schema has them, and as we read them."""
    arn = target(name).device
    device = AwsDevice(arn, AwsSession())
    facts = adapter(name).capabilities()
    assert (facts.name, facts.n_qubits) == (device.name, device.properties.paradigm.qubitCount)
    sets = "braket.ir.openqasm.program_set" in device.properties.action
    assert any("no program sets" in note for note in facts.notes) is not sets


def test_without_the_client_the_package_to_install_is_named(monkeypatch):
    """The adapter is there; its door is not."""
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.delitem(sys.modules, "qmlmat.hardware.adapters.braket.door", raising=False)
    with pytest.raises(MissingExtraError, match=r'pip install "qmlmat\[braket\]"'):
        adapter().capabilities()
    monkeypatch.setitem(sys.modules, "braket.circuits", None)
    with pytest.raises(MissingExtraError, match=r'pip install "qmlmat\[braket\]"'):
        to_braket(counted().circuit)


@pytest.fixture
def limit(server):
    """Sets the account's spending limit for Garnet (US dollars), and takes it away again."""

    def put(*limits):
        arn = target("braket_garnet").device
        tree = [{"deviceArn": arn, "usd": usd} for usd in limits]
        server._ask("/__rehearsal__/spending-limits", json.dumps(tree).encode())

    yield put
    put()


def test_a_missing_spending_limit_is_noted(limit):
    """Only what the account sets protects it from every program it runs."""
    one = adapter()
    assert any("No spending limit" in note for note in one.capabilities().notes)
    limit(500)
    assert not any("spending limit" in note for note in one.capabilities().notes)


def test_a_task_over_the_accounts_limit_is_rejected_for_good(server, limit):
    """With Braket's own words, and no time after which to try again."""
    one, wanted = adapter(), task(run="over")
    payload = one.compile(wanted)
    limit(0.5)
    with pytest.raises(RejectedError, match="the spending limit is reached") as caught:
        one.submit(payload, wanted.key())
    assert caught.value.retry_after is None
    assert accepted(server, wanted.key()) == []


def test_the_calibration_is_read_from_the_device(server):
    """Readout of each qubit, each link, and its date."""
    snapshot = adapter().snapshot()
    assert snapshot.calibrated == pytest.approx(1795154400)
    assert set(snapshot.readout_errors) == set(range(1, 21))
    assert snapshot.readout_errors[3] == pytest.approx(0.03)
    assert snapshot.two_qubit_errors[1, 2] == pytest.approx(0.008)
    assert adapter("braket_sv1").snapshot() is None
    assert adapter("braket_forte").snapshot().readout_errors[35] == pytest.approx(0.005)


def test_what_a_device_cannot_do_is_refused_before_anything_is_sent(server):
    """Too many qubits or shots; folding, which compilers undo."""
    one = adapter()
    large = QubitCircuit(21, ()).measured()
    folded = CountJob(counted().circuit, counted().angles, 100, fold=3)
    for job, remedy in (
        (CountJob(large, np.zeros((1, 0)), 100), "another device"),
        (counted(shots=30_000), "Lower"),
        (folded, "Leave noise_factors out"),
    ):
        with pytest.raises(CapabilityError, match=remedy):
            one.compile(task("braket_garnet", job))


def test_a_missing_credential_is_named_not_shown(server, monkeypatch):
    """Where it is looked for."""
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(CredentialError, match="AWS_SECRET_ACCESS_KEY is not set"):
        adapter().capabilities()


def test_a_profile_of_aws_and_an_endpoint_are_taken_from_the_target(server, monkeypatch, tmp_path):
    """Keys from Amazon's own file, named and never copied; requests go where the target says."""
    for name in PLANTED:
        monkeypatch.delenv(name)
    monkeypatch.delenv("BRAKET_ENDPOINT")
    saved = tmp_path / "credentials"
    keys = (PLANTED["AWS_ACCESS_KEY_ID"], PLANTED["AWS_SECRET_ACCESS_KEY"])
    saved.write_text("[lab]\naws_access_key_id = {}\naws_secret_access_key = {}\n".format(*keys))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(saved))
    shipped = load_target("braket_garnet")
    endpoint = server.environment()["BRAKET_ENDPOINT"]
    for profile in ("lab", "other"):
        changes = {"credential": f"profile:{profile}", "endpoint": endpoint}
        access = shipped.access.model_copy(update=changes)
        one = BraketAdapter(shipped.model_copy(update={"access": access}))
        if profile == "lab":
            assert one.capabilities().name == "Garnet"
        else:
            with pytest.raises(CredentialError, match='no profile "other"'):
                one.capabilities()
