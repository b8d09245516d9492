"""Runs at IBM that are killed, lose their server, or meet every fault on the way."""

import os
import subprocess
import sys

import numpy as np
import pytest
from ibm_tasks import (
    PAIR,
    accepted,
    answered,
    counting,
    estimating,
    finished,
    ibm_target,
    measured_circuit,
)
from pauli_sums import dense
from rehearsal.client import rehearsed

import qmlmat as qm
from qmlmat.ansatz.qubit_circuit import QubitCircuit, QubitGate
from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.jobs import Batch, CountJob, Measured
from qmlmat.errors import (
    RejectedError,
    UnavailableError,
)
from qmlmat.hardware.adapters.base import Payload
from qmlmat.hardware.adapters.ibm.adapter import IbmAdapter
from qmlmat.hardware.clock import SystemClock
from qmlmat.hardware.config import load_target
from qmlmat.hardware.ledger.ledger import Ledger
from qmlmat.hardware.submission import Submission
from qmlmat.hardware.task import Task


@pytest.mark.slow
def test_a_server_that_is_gone_accepts_nothing_and_comes_back(tmp_path, environment, run):
    """No connection, so that nothing was sent. What was accepted before is still there."""
    started = rehearsed("ibm", tmp_path, device="manila", latency=60.0)
    with started as own, environment.context() as patch:
        patch.setenv("http_proxy", own.environment()["http_proxy"])
        adapter, task = IbmAdapter(ibm_target()), counting(run)
        payload = adapter.compile(task)
        remote_id = adapter.submit(payload, task.key())
        assert adapter.status(remote_id).state == "queued"
        with pytest.raises(UnavailableError, match="no result yet"):
            adapter.fetch_raw(remote_id)
        with pytest.raises(UnavailableError, match="not counted yet"):
            adapter.usage(remote_id)
        adapter.cancel(remote_id)
        own.kill()
        with pytest.raises(RejectedError, match="Try again in 30 s"):
            adapter.submit(payload, task.key(1))
        own.start()
        assert adapter.status(remote_id).state == "cancelled"


KILLED = """
import os, signal, sys
from ibm_tasks import counting, estimating, ibm_target
from qmlmat.hardware.adapters.ibm.adapter import IbmAdapter
primitive, run = sys.argv[1:]
adapter = IbmAdapter(ibm_target(primitive=primitive))
task = counting(run) if primitive == "sampler" else estimating(run)
payload = adapter.compile(task)
sys.stdout.buffer.write(payload.to_bytes())
sys.stdout.flush()
adapter.submit(payload, task.key())
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
@pytest.mark.parametrize("primitive", ["sampler", "estimator"])
def test_a_process_killed_after_sending_loses_nothing(environment, server, run, primitive):
    """SIGKILL before the job's name is stored; another process finds it by its key."""
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, primitive, run],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert killed.returncode == -9
    task = counting(run) if primitive == "sampler" else estimating(run)
    adapter, payload = IbmAdapter(ibm_target()), Payload.from_bytes(killed.stdout)
    (job,) = adapter.find(task.key())
    assert finished(adapter, job.remote_id) == "done"
    (found,) = adapter.decode(adapter.fetch_raw(job.remote_id), payload)
    assert isinstance(found, Histogram if primitive == "sampler" else Measured)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "accuracy"), [("ibm_open", 0.12), ("ibm_payg", 0.03)])
def test_the_shipped_targets_measure_hydrogen(tmp_path, name, accuracy):
    """Its energy from the exact state: raw counts of 4096 shots, and with readout mitigated."""
    h2 = qm.molecular_hamiltonian(qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735"))
    words = h2.pauli_sum(h2.qubit_mapping("parity", reduced=True))
    lowest = np.linalg.eigh(dense(words))
    state = lowest.eigenvectors[:, 0].real  # wire 0 is the highest bit of the index
    assert np.allclose(state[[0, 3]], 0, atol=1e-9)
    angle = np.array([[2 * np.arctan2(state[2], state[1])]])
    circuit = PAIR.then(QubitCircuit(2, (QubitGate("x", (1,)),)))
    with rehearsed("ibm", tmp_path, device="fez") as own, pytest.MonkeyPatch.context() as patch:
        for key, value in own.environment().items():
            patch.setenv(key, value)
        target = load_target(name)
        adapter = IbmAdapter(target)
        if target.primitive == "estimator":
            programs = (Batch(circuit, angle, (words,), 4096),)
            _, (found,) = answered(adapter, Task(programs=programs, run=name, target={}))
            energy = float(found.values[0, 0])
        else:
            turned = circuit.then(QubitCircuit(2, (QubitGate("h", (0,)), QubitGate("h", (1,)))))
            jobs = [CountJob(measured_circuit(one), angle, 4096) for one in (circuit, turned)]
            _, counts = answered(adapter, Task(programs=tuple(jobs), run=name, target={}))
            energy = float(words.constant.real)
            for x, z, value in zip(words.x, words.z, words.coefficients.real, strict=True):
                if x or z:
                    energy += value * counts[int(x != 0)].parities(np.array([x | z]))[0, 0]
    assert abs(energy - lowest.eigenvalues[0]) < accuracy


class HurriedClock(SystemClock):
    """Time that runs 200 times as fast: polls are half a minute apart."""

    def elapsed(self) -> float:
        return 200 * super().elapsed()

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds / 200)


@pytest.mark.slow
def test_a_run_goes_through_the_ledger_whatever_the_service_does(
    environment, server, run, tmp_path
):
    """Three jobs, each fault once: every task is answered, none is accepted twice and kept."""
    target = ibm_target(mode={"kind": "batch"})
    tasks = [
        Task(programs=counting(run).programs, run=run, part=part, target=target.fingerprint())
        for part in range(3)
    ]
    server.faults(
        [
            {"on": "submit", "kind": "http503_after_accept"},
            {"on": "submit", "kind": "http429", "retry_after": 2},
            {"on": "submit", "kind": "drop_after_accept"},
            {"on": "status", "kind": "http500_after_accept"},
            {"on": "result", "kind": "truncated"},
            {"on": "usage", "kind": "drop_after_accept"},
        ]
    )
    with Ledger.open(tmp_path / "ledger", clock=HurriedClock()) as ledger:
        ledger.begin(run, {}, target.fingerprint(), target.budget)
        ledger.add(run, tasks)
        submission = Submission(ledger, run, IbmAdapter(target), retry=target.retry)
        progress = submission.wait(timeout=20_000.0)
        answers = submission.answers()
    assert progress.states == {"done": 3}
    assert all(answers[task.key()][0].n_shots.tolist() == [1000] * 3 for task in tasks)
    assert [len(accepted(server, task)) for task in tasks] == [1, 1, 1]
