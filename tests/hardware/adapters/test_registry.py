"""The adapter of a target: every provider has one, and making it asks nobody anything."""

import socket

import pytest

from qmlmat.hardware.adapters.base import Adapter
from qmlmat.hardware.adapters.registry import make_adapter
from qmlmat.hardware.config import load_target, target_names


@pytest.mark.parametrize("name", target_names())
def test_every_shipped_target_has_an_adapter_without_network_or_credential(
    name, tmp_path, monkeypatch
):
    """No variable is set here, and no connection can be made."""

    def refuse(*args):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for variable in ("QISKIT_IBM_TOKEN", "IONQ_API_KEY", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    target = load_target(name)
    adapter = make_adapter(target, folder=tmp_path)
    assert isinstance(adapter, Adapter)
    assert target.device in adapter.name
    assert not list(tmp_path.iterdir())
