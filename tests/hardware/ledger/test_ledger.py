"""What is written down: runs, tasks, moves, money; all of it or none, and nothing twice."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections import Counter
from dataclasses import replace

import pytest
from hardware_fakes import estimator_task, small_task, tasks

from qmlmat.errors import BudgetError, CorruptResultError, LedgerError
from qmlmat.hardware.adapters.base import Payload, Resources, Snapshot, Spent
from qmlmat.hardware.ledger.budget import Amounts, Budget
from qmlmat.hardware.ledger.ledger import Ledger
from qmlmat.hardware.ledger.states import StaleError
from qmlmat.hardware.task import task_from_plain, task_to_plain

FREE = Budget()
SMALL = Resources(n_executions=170, n_circuits=4, seconds=2.0, usd=3.0)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "ledger"


@pytest.fixture
def ledger(folder):
    with Ledger.open(folder) as opened:
        opened.begin("run", {"shots": 100}, {"device": "toy"}, FREE)
        yield opened


def reserved(ledger, n=1):
    """Records of tasks for which money is set aside."""
    keys = ledger.add("run", tasks(n))
    return ledger.reserve("run", dict.fromkeys(keys, SMALL))


def submitted(ledger):
    """The record of a task that was sent."""
    record = ledger.move(reserved(ledger)[0], "submitting")
    return ledger.move(record, "submitted", remote_id="job-1")


# ---------------------------------------------------------------- tasks and runs


@pytest.mark.parametrize("task", [small_task(1), small_task(2, sentinel=False), estimator_task()])
def test_a_task_read_back_has_the_same_key(task, ledger):
    """Circuit, angles, sums and sentinel are kept bit by bit."""
    assert task_from_plain(task_to_plain(task)).key(3) == task.key(3)
    if task.run == "run":
        (key,) = ledger.add("run", [task])
        assert ledger.task(key).key() == key == task.key()


def test_begin_and_add_may_be_repeated(ledger):
    """A restarted program says the same again; nothing is doubled, nothing is set back."""
    record = reserved(ledger, 2)[0]
    ledger.begin("run", {"shots": 100}, {"device": "toy"}, FREE)
    assert ledger.add("run", tasks(2)) == [one.key for one in ledger.tasks("run")]
    assert ledger.record(record.key) == record
    assert len(ledger.runs()) == 1


@pytest.mark.parametrize(
    ("plan", "target", "named"),
    [
        ({"shots": 200}, {"device": "toy"}, r"plan\.shots: 100 against 200.*another name"),
        ({"shots": 100}, {"device": "big"}, r"target\.device: 'toy' against 'big'.*another name"),
    ],
)
def test_another_plan_under_the_same_name_is_refused(ledger, plan, target, named):
    """The difference is named; the run is left as it is."""
    with pytest.raises(LedgerError, match=named):
        ledger.begin("run", plan, target, FREE)
    assert ledger.run("run").plan == {"shots": 100}


def test_a_run_says_what_began_it(ledger):
    """Versions and platform are in the record."""
    assert "numpy" in ledger.run("run").origin["versions"]


def test_unknown_runs_and_tasks_of_other_runs_are_refused(ledger):
    """The runs that are there are named."""
    with pytest.raises(LedgerError, match=r'no run "rum".*there: "run"'):
        ledger.tasks("run") or ledger.add("rum", [])
    with pytest.raises(LedgerError, match=r'belongs to run "other". Add it there'):
        ledger.add("run", [small_task(0, run="other")])


# ---------------------------------------------------------------- moves


def test_a_move_from_where_a_task_is_not_any_more_is_refused(ledger):
    """Compare and swap: of two processes with one record the second changes nothing."""
    record = reserved(ledger)[0]
    moved = ledger.move(record, "submitting")
    with pytest.raises(StaleError, match="Read it again"):
        ledger.move(record, "submitting")
    assert ledger.record(record.key) == moved


def test_a_record_is_stale_also_when_the_state_has_come_round(ledger):
    """submitting, reserved, submitting: the first submitting is not the second."""
    first = ledger.move(reserved(ledger)[0], "submitting")
    second = ledger.move(ledger.move(first, "reserved", why="429"), "submitting")
    assert second.state == first.state
    with pytest.raises(StaleError):
        ledger.move(first, "submitted", remote_id="job-1")


def test_no_rule_no_move(ledger):
    """A planned task cannot be sent: nothing was set aside for it."""
    (key,) = ledger.add("run", tasks(1))
    with pytest.raises(LedgerError, match="planned leads to cancelled, refused, reserved"):
        ledger.move(ledger.record(key), "submitting")


def test_events_can_only_be_added(ledger, folder):
    """Not even SQL by hand changes or deletes one."""
    reserved(ledger)
    before = ledger.events("run")
    other = sqlite3.connect(folder / "ledger.db")
    for statement in ("DELETE FROM event", "UPDATE event SET time = 0"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            other.execute(statement)
    other.close()
    assert ledger.events("run") == before
    assert [(one.source, one.target) for one in before[1:]] == [
        (None, "planned"),
        ("planned", "reserved"),
    ]


# ---------------------------------------------------------------- money


def test_what_is_reserved_is_the_most_a_job_may_take(ledger):
    """ceil(1.2 * 2 s) = 3 s, and the price of 3 s."""
    reserved(ledger, 2)
    held = ledger.totals("run").reserved
    assert held == Amounts(seconds=6.0, usd=9.0, jobs=2, shots=340)


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (Budget(max_qpu_seconds=8), r"9 s more beside 0 s.*max_qpu_seconds=8.*raise .* to 9"),
        (Budget(max_usd=10.0), r"13.5 USD more.*raise max_usd to 13.5"),
        (Budget(max_jobs=2), r"3 jobs more.*raise max_jobs to 3"),
        (Budget(max_shots=500), r"510 shots more.*raise max_shots to 510"),
    ],
)
def test_what_exceeds_the_budget_is_refused_as_a_whole(ledger, budget, words):
    """None of three tasks is reserved where two would fit; the figure that is named is enough."""
    ledger.begin("run", {"shots": 100}, {"device": "toy"}, budget)
    keys = ledger.add("run", tasks(3))
    with pytest.raises(BudgetError, match=words):
        ledger.reserve("run", dict.fromkeys(keys, SMALL))
    assert ledger.totals("run").states == {"refused": 3}
    assert ledger.totals("run").reserved == Amounts()

    raised = replace(budget, max_qpu_seconds=9, max_usd=13.5, max_jobs=3, max_shots=510)
    ledger.begin("run", {"shots": 100}, {"device": "toy"}, raised)
    assert len(ledger.reserve("run", dict.fromkeys(keys, SMALL))) == 3


def test_costs_replace_what_was_reserved(ledger):
    """What the provider does not tell counts as it was reserved."""
    record = ledger.settle(submitted(ledger), Spent(seconds=1.5))
    totals = ledger.totals("run")
    assert totals.spent == Amounts(seconds=1.5, usd=4.5, jobs=1, shots=170)
    assert totals.reserved == Amounts()
    assert record.is_settled


def test_a_job_too_many_is_billed_once_however_often_it_is_told(ledger):
    """Its cost counts against the budget, too."""
    record = submitted(ledger)
    for _ in range(2):
        ledger.settle_extra(record, 0, "job-9", Spent(seconds=1.0, usd=1.0, n_shots=7))
    assert ledger.totals("run").spent == Amounts(seconds=1.0, usd=1.0, jobs=1, shots=7)
    assert Counter("duplicate" in one.detail for one in ledger.events("run"))[True] == 1


# ---------------------------------------------------------------- files


def test_a_run_has_one_layout(ledger):
    """The first payload's layout is the run's; another one is not stored."""
    first, second = reserved(ledger, 2)
    assert ledger.prepare(first, Payload(content=b"a", bit_qubits=((0,),), layout=(4, 7)))
    assert not ledger.prepare(second, Payload(content=b"b", bit_qubits=((0,),), layout=(5, 6)))
    assert ledger.run("run").layout == (4, 7)
    assert ledger.record(second.key).payload is None
    assert ledger.payload(ledger.record(first.key)).content == b"a"


def test_altered_files_are_told_and_not_used(ledger, folder):
    """A payload with another bit order, and a result with another count, are refused."""
    record = reserved(ledger)[0]
    ledger.prepare(record, Payload(content=b"a", bit_qubits=((0, 1),), layout=(4, 7)))
    record = ledger.record(record.key)
    file = folder / "payloads" / record.payload
    file.write_bytes(file.read_bytes().replace(b"[0, 1]", b"[1, 0]"))
    with pytest.raises(CorruptResultError, match=r"altered. Restore it"):
        ledger.payload(record)

    record = ledger.move(ledger.move(record, "submitting"), "submitted", remote_id="job-1")
    record = ledger.move(record, "fetched", **ledger.write_raw(record, b"counts"))
    assert ledger.read_raw(record) == b"counts"
    (folder / "raw" / record.raw).unlink()
    with pytest.raises(CorruptResultError, match="cannot be read"):
        ledger.read_raw(record)


def test_calibrations_are_kept(ledger):
    """A task names the device's calibration before it was sent."""
    snapshot = Snapshot(device="toy", taken=1.0, two_qubit_errors={(0, 1): 0.01})
    name = ledger.write_calibration(snapshot)
    record = ledger.move(reserved(ledger)[0], "submitting", calibration=name)
    assert ledger.calibration(record) == snapshot


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_only_its_owner_reads_a_ledger_whatever_the_umask(tmp_path, umask):
    """Folders 0700, files 0600, those of SQLite among them."""
    before = os.umask(umask)
    try:
        with Ledger.open(tmp_path / "ledger") as ledger:
            ledger.begin("run", {}, {}, FREE)
            record = reserved(ledger)[0]
            ledger.prepare(record, Payload(content=b"a", bit_qubits=((0,),)))
            ledger.write_raw(record, b"raw")
            files = [one for one in (tmp_path / "ledger").rglob("*") if one.is_file()]
            folders = [one for one in (tmp_path / "ledger").rglob("*") if one.is_dir()]
            modes = {stat.S_IMODE(one.stat().st_mode) for one in files}
    finally:
        os.umask(before)
    assert len(files) >= 4
    assert modes == {0o600}
    assert {stat.S_IMODE(f.stat().st_mode) for f in [tmp_path / "ledger", *folders]} == {0o700}
