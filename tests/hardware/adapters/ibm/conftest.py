"""A rehearsed service of IBM for all tests of the folder, with a credential that is looked for."""

import uuid

import pytest
from ibm_tasks import (
    SECRET,
    counting,
    finished,
    ibm_target,
)
from rehearsal.client import rehearsed

from qmlmat.hardware.adapters.ibm.adapter import IbmAdapter


@pytest.fixture(scope="package")
def server(tmp_path_factory):
    with rehearsed("ibm", tmp_path_factory.mktemp("ibm"), device="manila") as found:
        yield found


@pytest.fixture(scope="package")
def environment(server):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment().items():
            patch.setenv(name, value)
        patch.setenv("QISKIT_IBM_TOKEN", SECRET)
        yield patch


@pytest.fixture(scope="package")
def counter(environment) -> IbmAdapter:
    return IbmAdapter(ibm_target(), timeout_s=20.0)


@pytest.fixture(scope="package")
def estimator(environment) -> IbmAdapter:
    return IbmAdapter(ibm_target(primitive="estimator"))


@pytest.fixture(scope="package")
def ended(counter) -> str:
    """A job that is done."""
    task = counting("ended")
    remote_id = counter.submit(counter.compile(task), task.key())
    assert finished(counter, remote_id) == "done"
    return remote_id


@pytest.fixture
def run() -> str:
    """A run of its own for each test: jobs of others are not found."""
    return uuid.uuid4().hex
