"""A rehearsed Braket for the tests of this folder."""

import botocore.retries.standard
import pytest
from braket_rehearsed import PLANTED
from rehearsal.client import rehearsed


@pytest.fixture(scope="package")
def running(tmp_path_factory):
    """One server for these tests."""
    with rehearsed("braket", tmp_path_factory.mktemp("braket")) as server:
        yield server


@pytest.fixture
def server(running, monkeypatch):
    """The server, with the client's environment, planted credentials, and no waiting."""
    region = {"AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {**running.environment(), **PLANTED, **region}.items():
        monkeypatch.setenv(name, value)
    backoff = botocore.retries.standard.ExponentialBackoff
    monkeypatch.setattr(backoff, "delay_amount", lambda *_: 0.0)
    return running
