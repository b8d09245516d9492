"""Plans on their way: one run by one name, resumed anywhere, its flags where they belong."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from hardware_fakes import FakeAdapter, FakeServer, Faults, Killed
from hardware_plans import ObedientClock, energy_requests, reduced
from hardware_plans import target as shipped
from random_qubits import random_circuit, random_sum

from qmlmat.backends import Preparation, Reference, Request
from qmlmat.backends.statevector import StatevectorBackend
from qmlmat.errors import LedgerError
from qmlmat.hardware.adapters.base import Snapshot
from qmlmat.hardware.ledger.ledger import Ledger
from qmlmat.hardware.plan import MeasurementPlan
from qmlmat.hardware.runs import PlanRun, retry_rules

SMALL = {"max_programs_per_job": 3}  # with the sentinel: two of a plan's programs in a job


def target(name="local_aer", *, budget=None, **tables):
    """A target that can pay the fake provider."""
    return shipped(name, budget={"max_usd": 1e4} | (budget or {}), **tables)


class World:
    """A ledger, a server, and a door to it."""

    def __init__(self, folder, **keywords):
        self.clock = ObedientClock()
        self.server = FakeServer()
        self.ledger = Ledger.open(folder, clock=self.clock)
        self.adapter = FakeAdapter(self.server, clock=self.clock, **keywords)

    def start(self, plan, name="h2") -> PlanRun:
        return PlanRun.start(plan, self.ledger, name=name, adapter=self.adapter)

    def resume(self, name="h2") -> PlanRun:
        return PlanRun.resume(self.ledger, name, adapter=self.adapter)


@pytest.fixture
def world(tmp_path):
    """A provider without faults."""
    with opened(tmp_path) as one:
        yield one


@contextmanager
def opened(folder, **keywords):
    one = World(folder, **keywords)
    yield one
    one.ledger.close()
    one.server.close()


def plan(n: int = 2, where=None, **keywords) -> MeasurementPlan:
    """The energies of H2 at some lengths, each with another number of shots."""
    one = MeasurementPlan.from_requests(
        energy_requests(n), where or target(mode=SMALL), mapping=reduced(), **keywords
    )
    return one.with_shots([2000 * 3**k for k in range(n)])


def separate(n: int = 3, **tables) -> MeasurementPlan:
    """Circuits that differ, so that each request has jobs of its own, or nearly."""
    rng = np.random.default_rng(8)
    requests = [
        Request(
            preparation=Preparation(
                random_circuit(rng, 2, 6, 1), Reference.determinant("01"), rng.normal(size=1)
            ),
            observables=(random_sum(rng, 2),),
        )
        for _ in range(n)
    ]
    return MeasurementPlan.from_requests(requests, target(mode=SMALL, **tables))


def values(result) -> list:
    """Energies of a result."""
    return [None if one is None else np.ravel(one.values).tolist() for one in result.answers]


def test_a_run_answers_every_request(world):
    """Exact within five error bars, without flags, and all of it billed as it was asked."""
    one = plan()
    run = world.start(one)
    run.submission.wait()
    result = run.result()
    assert result.is_complete
    assert result.flags == ((), ())
    assert all(report.flags == () for report in result.jobs)
    exact = StatevectorBackend(mapping=reduced()).run(energy_requests(2))
    for found, wanted in zip(result.answers, exact, strict=True):
        assert (np.abs(found.values - wanted.values) < 5 * np.sqrt(found.variances)).all()
    assert len(world.server.jobs()) == len(one.tasks("h2")) > 1


def test_started_twice_it_is_one_run(world):
    """Also after its end: nothing is sent again, and the answers are the same to the last bit."""
    first = world.start(plan())
    first.submission.wait()
    again = world.start(plan())
    again.submission.wait()
    assert len(world.server.jobs()) == len(plan().tasks("h2"))
    assert values(again.result()) == values(first.result())


def test_another_name_measures_again(world):
    """Whoever wants independent shots gives another name."""
    one, two = world.start(plan(), "a"), world.start(plan(), "b")
    one.submission.wait()
    two.submission.wait()
    assert values(one.result()) != values(two.result())


def test_another_plan_under_the_same_name_is_refused(world):
    """Its answers would be taken for those of the first."""
    world.start(plan())
    for other in (plan(1), plan().with_shots(17_000), plan(labels=("a", "b"))):
        with pytest.raises(LedgerError, match="h2"):
            world.start(other)
    with pytest.raises(LedgerError, match="h2"):
        world.start(plan(where=target("local_fake_manila", mode=SMALL)))


def test_other_limits_leave_a_run_cut_as_it_was_begun(world):
    """Cut otherwise, every job would have another key, and all of it would be paid twice."""
    world.start(plan()).submission.wait()
    sent = len(world.ledger.tasks("h2"))
    assert sent > 1
    again = world.start(plan(where=target(mode={"max_programs_per_job": 80})))
    assert again.result().is_complete
    assert len(world.ledger.tasks("h2")) == sent


def test_budget_retries_and_layout_may_change(world):
    """They determine no answer."""
    world.start(plan())
    other = target(mode=SMALL, budget={"max_jobs": 500}, retry={"attempts": 3})
    world.start(plan(where=other)).submission.wait()
    assert world.resume().plan.target.budget.max_jobs == 500
    assert world.resume().result().is_complete


def test_killed_runs_go_on_from_the_ledger(tmp_path):
    """At every point of its way: each job is accepted once, and the answers are the same."""
    with opened(tmp_path / "whole") as whole:
        run = whole.start(plan())
        run.submission.wait()
        wanted = values(run.result())
    for n in range(1, 12, 2):
        with opened(tmp_path / str(n), point=_fatal(n)) as world:
            with pytest.raises(Killed):
                world.start(plan()).submission.wait()
            world.adapter = FakeAdapter(world.server, clock=world.clock)
            run = world.resume()
            run.submission.wait()
            assert values(run.result()) == wanted
            assert len(world.server.jobs()) == len(plan().tasks("h2"))


def _fatal(n: int):
    """A process that ends at its n-th point."""
    points = iter(range(1, 1000))

    def point(label: str) -> None:
        if next(points) == n:
            raise Killed(label)

    return point


def test_killed_before_its_jobs_are_written_down_it_goes_on(world):
    """Begun, and nothing added yet."""
    one = plan()
    tree = one.to_dict()
    kept = tree.pop("target")
    world.ledger.begin("h2", tree, one.target.fingerprint(), one.target.budget)
    world.ledger.keep_target("h2", kept)
    run = world.resume()
    run.submission.wait()
    assert run.result().is_complete
    assert run.plan.key == one.key


def test_a_run_half_way_answers_what_it_can(world):
    """What is there is given, and what is missing is said."""
    run = world.start(plan(3))
    empty = run.result()
    assert values(empty) == [None, None, None]
    assert all(flags == ("not measured yet, or its job failed",) for flags in empty.flags)
    assert empty.jobs == (None,) * len(empty.jobs)
    tasks = plan(3).tasks("h2")
    world.adapter.faults.coming += [("result", "http500")] * 3
    run.submission.advance()
    world.clock.sleep(20)
    run.submission.advance()
    assert not run.result().is_complete
    run.submission.wait()
    assert run.result().is_complete
    assert len(world.server.jobs()) == len(tasks)


def test_a_job_that_failed_takes_away_only_what_rests_on_it(tmp_path):
    """The others are answered; the failed one is sent again only where that is asked for."""
    with opened(tmp_path, faults=Faults([("submit", "failed_job")])) as world:
        run = world.start(separate())
        run.submission.wait()
        result = run.result()
        lost = [k for k, one in enumerate(result.jobs) if one is None]
        assert len(lost) == 1
        assert not result.is_complete
        assert any(one is not None for one in result.answers)
        for answer, flags in zip(result.answers, result.flags, strict=True):
            assert (answer is None) == (flags == ("not measured yet, or its job failed",))
        assert "failed" in {one.state for one in world.ledger.tasks("h2")}
        again = world.start(separate(retry={"resubmit_failed": True}))
        again.submission.wait()
        assert again.result().is_complete


class BadOnce(FakeAdapter):
    """A device whose sentinel is wrong in one job, and in no other."""

    bad: int = 0

    def decode(self, raw, payload):
        answers = super().decode(raw, payload)
        first = self.server.jobs()[self.bad]
        if bytes(first["content"]) == payload.content:
            last = answers[-1]
            answers[-1] = replace(last, outcomes=last.outcomes ^ np.uint64(3))  # every bit
        return answers


def test_flags_reach_the_requests_that_rest_on_a_job_and_no_others(world):
    """Every request of the bad job is flagged, with its number, and the rest is not."""
    one = separate()
    world.adapter = BadOnce(world.server, clock=world.clock)
    run = world.start(one)
    run.submission.wait()
    result = run.result()
    (bad,) = [k for k, report in enumerate(result.jobs) if report.flags]
    assert any("drifted" in flag for flag in result.jobs[bad].flags)
    for place, (part, flags) in enumerate(zip(one.asked.parts, result.flags, strict=True)):
        wanted = {share.sent for p in one.bundle.shares[part] for share in p}
        rests = any(piece.program in wanted for piece in one.pieces[bad])
        assert bool(flags) == rests, place
        assert all(flag.startswith(f"job {bad + 1}: ") for flag in flags)
        assert result.answers[place] is not None
    assert 0 < sum(map(bool, result.flags)) < 3


class Worn(FakeAdapter):
    """A device with a bad qubit."""

    def snapshot(self):
        return Snapshot(device="toy", taken=1.0, readout_errors={4: 0.01, 7: 0.3})


def test_a_bad_calibration_is_every_answers_flag(world):
    """By the rules of the target."""
    world.adapter = Worn(world.server, clock=world.clock)
    run = world.start(plan(where=target(calibration={"max_readout_error": 0.1})))
    run.submission.wait()
    for flags in run.result().flags:
        assert any("max_readout_error = 0.1 on qubits 7" in flag for flag in flags)


def test_an_answer_that_cannot_be_used_says_why(world):
    """Shots that a device keeps to itself."""

    class Short(FakeAdapter):
        def decode(self, raw, payload):
            *answers, last = super().decode(raw, payload)
            return [replace(one, counts=one.counts // 2) for one in answers] + [last]

    world.adapter = Short(world.server, clock=world.clock)
    run = world.start(plan(1))
    run.submission.wait()
    (flags,) = run.result().flags
    assert "shots of a circuit" in flags[0]
    assert run.result().answers == (None,)


def test_requests_of_constants_need_no_job(world):
    """Nothing is sent, and everything answered."""
    from qmlmat.operators.pauli import PauliSum

    constant = replace(energy_requests(1)[0], observables=(PauliSum.from_words({"II": 0.5}),))
    run = world.start(MeasurementPlan.from_requests([constant], target(), mapping=reduced()))
    run.submission.wait()
    assert values(run.result()) == [[0.5]]
    assert world.server.jobs() == []


def test_a_run_that_is_not_there_or_a_solvers_is_refused(world):
    """With what to do instead."""
    with pytest.raises(LedgerError, match="nobody"):
        world.resume("nobody")
    world.ledger.begin("vqe", {"driver": {}}, {}, target().budget)
    with pytest.raises(LedgerError, match="Run the same script"):
        world.resume("vqe")


def test_pace_is_the_providers_where_the_target_names_none():
    """IBM takes five jobs a minute; a target may be slower."""
    assert retry_rules(target("ibm_open")).min_submit_interval_s == 12
    slow = target("ibm_open", retry={"min_submit_interval_s": 60})
    assert retry_rules(slow).min_submit_interval_s == 60


@pytest.mark.parametrize("mode", [{}, SMALL], ids=["one job", "several jobs"])
def test_circuits_of_different_widths_share_a_run_and_its_readout_correction(tmp_path, mode):
    """The layout holds the widest; a narrow circuit is corrected on whichever wires it lands."""
    rng = np.random.default_rng(4)
    requests = [
        Request(
            preparation=Preparation(
                random_circuit(rng, n, 6, 1), Reference.determinant("0" * n), rng.normal(size=1)
            ),
            observables=(random_sum(rng, n),),
        )
        for n in (2, 4)
    ]
    where = shipped("local_fake_manila", mode=mode, mitigation={"readout": True})
    with Ledger.open(tmp_path) as ledger:
        one = MeasurementPlan.from_requests(requests, where, shots=2000)
        run = PlanRun.start(one, ledger, name="mixed")
        run.submission.wait()
        result = run.result()
        assert (len(result.jobs) > 1) is bool(mode)
        assert len(ledger.run("mixed").layout) == 4
    assert result.is_complete
    exact = StatevectorBackend().run(requests)
    for found, wanted in zip(result.answers, exact, strict=True):
        assert np.allclose(found.values, wanted.values, atol=0.5)  # gates stay noisy
