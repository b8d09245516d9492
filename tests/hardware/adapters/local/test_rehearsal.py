"""A whole run on this machine: the ledger, what drives it, a local device; no network."""

import numpy as np
import pytest

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.backends.qubits.jobs import CountJob
from qmlmat.hardware.adapters.registry import make_adapter
from qmlmat.hardware.config import load_target
from qmlmat.hardware.ledger.ledger import Ledger
from qmlmat.hardware.submission import Submission
from qmlmat.hardware.task import Task

PAIR = QubitCircuit(
    2, (QubitGate("ry", (0,), Angle(param=0)), QubitGate("cx", (0, 1))), 1
).measured()


class Killed(BaseException):
    """Stands for the end of the process."""


def begun(folder, target):
    """A run of three jobs of the ledger in a folder, and what drives it."""
    ledger = Ledger.open(folder)
    ledger.begin("dry", {}, target.fingerprint(), target.budget)
    angles = np.linspace(0.1, 1.5, 4)[:, None]
    tasks = [
        Task(
            programs=(CountJob(PAIR, angles, 200), CountJob(PAIR, angles, 100, fold=3)),
            run="dry",
            part=part,
            target=target.fingerprint(),
        )
        for part in range(3)
    ]
    keys = ledger.add("dry", tasks)
    adapter = make_adapter(target, folder=folder)
    return keys, Submission(ledger, "dry", adapter, retry=target.retry), adapter


def finished(keys, submission):
    """The counts of every job, by passes over the run."""
    for _ in range(6):
        submission.advance()
    answers = submission.answers()
    return [[one.to_dict(2) for one in answers[key]] for key in keys]


@pytest.mark.parametrize(
    "name",
    [
        "local_aer",
        "local_fake_manila",
        pytest.param("local_braket_dm", marks=pytest.mark.slow),  # loads and compiles Braket
    ],
)
def test_a_run_ends_with_every_answer_and_resumes_after_a_kill_to_the_same(
    name, tmp_path, monkeypatch
):
    """Killed in the simulation of the second job, and begun again: no job twice, equal counts."""
    target = load_target(name)
    expected = finished(*begun(tmp_path / "calm", target)[:2])
    keys, submission, adapter = begun(tmp_path / "hit", target)
    simulate, calls = type(adapter.engine).run, []

    def die_at_the_second(self, content, seed):
        calls.append(seed)
        if len(calls) == 2:
            raise Killed
        return simulate(self, content, seed)

    monkeypatch.setattr(type(adapter.engine), "run", die_at_the_second)
    with pytest.raises(Killed):
        finished(keys, submission)
    monkeypatch.undo()
    assert finished(*begun(tmp_path / "hit", target)[:2]) == expected
    assert len(list((tmp_path / "hit" / "jobs").glob("*.result"))) == 3
