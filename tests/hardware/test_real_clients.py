"""The vendors' real clients through everything that goes wrong: nothing lost, doubled, mixed up."""

import json
import select
import socket
from collections import Counter
from dataclasses import replace

import pytest
from braket_rehearsed import PLANTED
from ibm_tasks import SECRET
from real_clients import Run, fleet, judged, play, summary
from real_scenarios import KINDS, Scenario, drawn, planned
from real_verdicts import Evidence, betrayed

from qmlmat.errors import BudgetError
from qmlmat.hardware.adapters.ibm.adapter import IbmAdapter
from qmlmat.hardware.adapters.registry import make_adapter
from qmlmat.hardware.ledger.ledger import Ledger
from qmlmat.hardware.runs import PlanRun

N_RUNS = 36
TARGETS = {"ibm": "ibm_open", "braket": "braket_garnet", "ionq": "ionq_simulator"}


@pytest.fixture(scope="module")
def ships(tmp_path_factory):
    """One server of each vendor, and a process that has loaded their clients."""
    with fleet(tmp_path_factory.mktemp("real")) as found:
        yield found


def test_the_runs_go_through_every_fault_with_both_clients():
    """Every kind comes first once at IBM and once at Braket; kills, two processes, lost servers."""
    runs = [drawn(number, 0) for number in range(N_RUNS)]
    first = {(one.vendor, one.faults[0]["kind"]) for one in runs}
    assert first >= {(vendor, kind) for vendor in ("ibm", "braket") for kind in KINDS}
    assert Counter(one.vendor for one in runs) == {"ibm": 16, "braket": 16, "ionq": 4}
    assert sum(len(one.kills) for one in runs) > 30
    assert sum(one.n_processes > 1 for one in runs) > 6
    assert sum(one.loses_server for one in runs) > 3
    assert runs == [drawn(number, 0) for number in range(N_RUNS)]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", range(N_RUNS))
def test_a_run_is_answered_once_and_paid_once(ships, number):
    """By the server's own books: each task done or failed with a reason, one job, its own result.

    No more than the budget at any time, no secret in any file, no file that others can read.
    """
    found = play(ships, drawn(number, 0))
    assert found.findings.is_clean, summary(found)
    assert found.billed[0] == pytest.approx(found.billed[1], rel=1e-12)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_job_is_found_though_the_layout_would_be_another(ships, monkeypatch):
    """Killed while its first job was on its way; then another calibration, another seed.

    The job carries the key of what is asked, not of what was transpiled.
    """
    faults = ({"on": "submit", "kind": "timeout", "seconds": 30.0},)
    scenario = Scenario(
        number=100, vendor="ibm", target="ibm_open", n_points=2, faults=faults, spare_jobs=0
    )
    run = Run(ships, replace(scenario, transpiler_seeds=(7, 23)), "layout")
    run.server.recalibrate(1)
    run.server.faults(faults)
    posts = _posts(run)
    run.kill_when(run.child(), "accept:1")
    assert run.n_kills == 1
    run.server.recalibrate(2)
    last = run.finished()
    found = judged(run, last, {"timeout"}, 0.0)
    assert found.findings.is_clean, summary(found)
    for name, value in ships.environment("ibm").items():
        monkeypatch.setenv(name, value)
    task = run.plan.tasks(run.name)[0]
    other = IbmAdapter(run.plan_of(1).target).compile(task).layout
    with Ledger.open(run.ledger) as ledger:
        records = ledger.tasks(run.name)
        layouts = {ledger.payload(one).layout for one in records}
        states = [one.target for one in ledger.events(run.name) if one.key == task.key()]
    first = run.memory.jobs(run.start)[0]
    assert len(layouts) == 1
    assert other not in layouts
    assert [one.remote_id for one in records if one.key == task.key()] == [first.name]
    assert "submitting" in states
    assert found.n_jobs == len(records) == found.n_done == _posts(run) - posts
    print(f"{layouts} kept, {other} chosen now; billed {found.billed}, {found.n_jobs} jobs")


def _posts(run):
    return run.server.counts()["requests"].get("POST /api/v1/jobs", 0)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("vendor", TARGETS)
def test_planted_secrets_stand_nowhere_whatever_is_raised(ships, vendor):
    """Every fault that raises, logs at DEBUG: ledger, payloads, results, logs, errors, server."""
    kinds = [kind for kind in KINDS if kind not in {"timeout", "slow_index", "failed_job"}]
    times = 3 if vendor == "braket" else 1  # Amazon's client asks three times by itself
    faults = tuple(
        {"on": spot, "kind": kind, "times": times}
        for kind in kinds
        for spot in {*KINDS[kind], *(("find",) if kind == "http400" else ())}
    )
    scenario = Scenario(number=101, vendor=vendor, target=TARGETS[vendor], faults=faults)
    run = Run(ships, scenario, f"planted-{vendor}")
    run.server.faults(faults)
    for _ in range(12):
        child = run.child()
        child.wait()
        if child.told()["outcome"] == "done":
            break
    happened = run.memory.happened(faults)
    found = judged(run, run.finished(), happened, 0.0)
    told = [one for one in found.findings.lost if not one.startswith("RejectedError")]
    assert replace(found.findings, lost=tuple(told)).is_clean, summary(found)
    assert happened == set(kinds)
    outcomes = Counter(child.told()["outcome"] for child in run.children)
    assert outcomes["CredentialError"] >= 2
    logs = "".join(file.read_text() for file in run.folder.glob("log-*"))
    assert "Traceback" in logs
    assert "DEBUG" in logs
    assert list(betrayed(run.server.folder, ledger=run.ledger)) == []


def test_a_secret_or_an_open_file_would_be_noticed(tmp_path):
    """The search itself is searched."""
    ledger = tmp_path / "ledger"
    ledger.mkdir(mode=0o700)
    file = ledger / "a"
    file.write_bytes(b"\x00" + PLANTED["AWS_SECRET_ACCESS_KEY"].encode())
    (tmp_path / "log").write_text(f"token={SECRET}")
    file.chmod(0o644)
    found = list(betrayed(tmp_path, ledger=ledger))
    assert len(found) == 3
    assert any("mode 644" in one for one in found)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_judge_notices_a_second_job_and_another_result(ships):
    """A job more under the same key, a lost bill, a result of another job: each is told of."""
    scenario = Scenario(number=102, vendor="ionq", target="ionq_simulator")
    run = Run(ships, scenario, "judge")
    run.troubled()
    last = run.finished()
    jobs = run.memory.jobs(run.start)
    assert judged(run, last, (), 0.0).findings.is_clean
    other = replace(jobs[0], name="another")
    shares = json.loads(jobs[0].result)
    turned = dict(zip(shares, [*list(shares.values())[1:], shares[min(shares)]], strict=True))
    spoilt = replace(jobs[0], result=json.dumps(turned).encode())
    adapter = make_adapter(run.plan.target, folder=run.ledger)
    with Ledger.open(run.ledger) as ledger:
        doubled = Evidence(ledger, run.plan, run.name, [*jobs, other])
        assert [*doubled.billed_twice()]
        assert [*doubled.lost(may_fail=False)]
        mixed = Evidence(ledger, run.plan, run.name, [spoilt, *jobs[1:]])
        assert [*mixed.foreign(run.memory, adapter, last["answers"])]
        dear = Evidence(ledger, run.plan, run.name, [replace(jobs[0], shots=1), *jobs[1:]])
        assert [*dear.billed_twice()]


@pytest.mark.parametrize("vendor", ["ibm", "braket"])
def test_a_plan_over_its_budget_asks_nobody(vendor, tmp_path, monkeypatch):
    """Refused by the figures alone: no connection is made, and nothing is in the ledger."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        address = f"http://127.0.0.1:{door.getsockname()[1]}"
        for name in ("http_proxy", "BRAKET_ENDPOINT", "AWS_ENDPOINT_URL_S3"):
            monkeypatch.setenv(name, address)
        for name, value in {**PLANTED, "QISKIT_IBM_TOKEN": SECRET}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("QISKIT_IBM_URL", "http://stub.invalid")
        plan = _too_dear(vendor)
        with (
            Ledger.open(tmp_path / "ledger") as ledger,
            pytest.raises(BudgetError, match=r"None of these \d jobs was sent"),
        ):
            PlanRun.start(plan, ledger, name="dear")
        assert select.select([door], [], [], 0)[0] == []
        with socket.create_connection(door.getsockname()):
            assert select.select([door], [], [], 1)[0] == [door]


def _too_dear(vendor):
    scenario = Scenario(number=103, vendor=vendor, target=TARGETS[vendor])
    plan = planned(scenario, 7)
    budget = plan.target.budget.model_copy(update={"max_shots": 10})
    return replace(plan, target=plan.target.model_copy(update={"budget": budget}))


@pytest.mark.slow
@pytest.mark.parametrize("vendor", ["ibm", "braket"])
def test_a_plan_over_its_budget_reaches_no_server(ships, vendor, tmp_path, monkeypatch):
    """The server that would answer counts no request."""
    for name, value in ships.environment(vendor).items():
        monkeypatch.setenv(name, value)
    before = ships.server(vendor).counts()["requests"]
    with Ledger.open(tmp_path / "ledger") as ledger, pytest.raises(BudgetError):
        PlanRun.start(_too_dear(vendor), ledger, name="dear")
    assert ships.server(vendor).counts()["requests"] == before
