"""What a plan costs, by closed formulas; over budget nothing reaches a network."""

import json

import pytest
from hardware_fakes import FakeAdapter, FakeServer
from hardware_plans import ObedientClock, energy_requests, reduced, target

from qmlmat.errors import BudgetError
from qmlmat.hardware.adapters.registry import make_adapter
from qmlmat.hardware.cost import check_cost, cost_of, is_affordable
from qmlmat.hardware.ledger.ledger import Ledger
from qmlmat.hardware.plan import MeasurementPlan
from qmlmat.hardware.runs import PlanRun
from qmlmat.hardware.sentinel import SENTINEL_SHOTS
from qmlmat.hardware.task import to_plain


def plan(where, **keywords) -> MeasurementPlan:
    """Two energies of H2."""
    return MeasurementPlan.from_requests(energy_requests(2), where, mapping=reduced(), **keywords)


def bare(name: str, **tables):
    """A target without mitigation."""
    return target(name, mitigation={"readout": None, "symmetry": None}, **tables)


def test_seconds_of_ibm_are_its_formula():
    """Overhead, and for each execution the wait and the circuit."""
    one = plan(bare("ibm_open"))
    n = one.cost.n_executions
    sent = sum(len(job.angles) * job.shots for job in one.bundle.sent) + SENTINEL_SHOTS
    assert sent <= n <= 1.02 * sent + 1  # IBM's repeats
    assert one.cost.seconds == pytest.approx(2.0 + n * (250e-6 + 4.6e-6))
    assert one.cost.usd == 0
    assert one.cost.reserved.seconds >= 1.2 * one.cost.seconds


def test_price_of_braket_is_tasks_and_shots():
    """The fees of Garnet: a program set has one number of shots, and each set is a task."""
    one = plan(bare("braket_garnet"))
    assert one.cost.seconds is None
    n_tasks = sum(len({p.shots for p in task.measured}) for task in one.tasks("cost"))
    assert one.cost.usd == pytest.approx(0.30 * n_tasks + 0.00145 * one.cost.n_executions)
    assert "2026-11" in one.cost.source


def test_size_is_that_of_the_circuits():
    """Of each job, sentinel too."""
    one = plan(target())
    wanted = [sum(len(json.dumps(to_plain(p))) for p in t.measured) for t in one.tasks("cost")]
    assert [job.n_bytes for job in one.cost.jobs] == wanted
    assert one.cost.n_circuits == sum(t.n_circuits for t in one.tasks("cost"))


def test_devices_without_a_price_are_refused():
    """We never guess."""
    with pytest.raises(BudgetError, match=r"\[prices\]"):
        _ = plan(target("ionq_simulator", device="qpu.forte-1")).cost


@pytest.mark.parametrize(
    ("name", "budget", "words"),
    [
        ("local_aer", {"max_shots": 100}, "max_shots to"),
        ("ibm_open", {"max_qpu_seconds": 1.0}, "max_qpu_seconds to"),
        ("braket_garnet", {"max_usd": 0.5}, "max_usd to"),
    ],
)
def test_every_cap_is_kept(name, budget, words):
    """And the message says which, and what would do."""
    one = plan(bare(name, budget=budget))
    assert not is_affordable(one.cost, one.target)
    with pytest.raises(BudgetError, match=words):
        check_cost(one.cost, one.target)


def test_jobs_larger_than_a_provider_takes_are_refused():
    """Before they are compiled."""
    one = plan(target(limits={"max_payload_bytes": 1000}))
    with pytest.raises(BudgetError, match="max_programs_per_job"):
        check_cost(one.cost, one.target)


def test_over_budget_nothing_reaches_the_network(tmp_path):
    """No call of the provider's door, and no run in the ledger."""
    server = FakeServer()
    adapter = FakeAdapter(server, clock=ObedientClock())
    with Ledger.open(tmp_path) as ledger:
        one = plan(target(budget={"max_shots": 100}))
        with pytest.raises(BudgetError, match='run "h2"'):
            PlanRun.start(one, ledger, name="h2", adapter=adapter)
        assert list(ledger.runs()) == []
    server.close()
    assert not adapter.calls
    assert adapter.layouts == []


def test_costs_are_made_without_the_network(monkeypatch):
    """Neither credentials nor the provider's client are used."""
    for name in ("ibm_open", "braket_garnet", "ionq_simulator"):
        where = bare(name)
        tasks = plan(where).tasks("cost")
        monkeypatch.setattr("socket.socket.connect", _refuse)
        assert cost_of(tasks, where).n_circuits
        assert make_adapter(where, folder=None).estimate(tasks[0]).n_executions


def _refuse(*_):
    raise AssertionError("the network was used")
