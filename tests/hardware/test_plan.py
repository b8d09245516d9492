"""Plans: requests with shots and a target, a file, jobs, and the answers to all of it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hardware_plans import counted, energy_requests, hydrogen, identity_bits, reduced, target

from qmlmat.backends.statevector import StatevectorBackend
from qmlmat.errors import ConfigError, CorruptResultError, InputError
from qmlmat.hardware.plan import MeasurementPlan
from qmlmat.hardware.request_files import request_to_plain


def plan(n: int = 2, where=None, **keywords) -> MeasurementPlan:
    """The energies of H2 at some lengths."""
    values = {"mapping": reduced()} | keywords
    return MeasurementPlan.from_requests(energy_requests(n), where or target(), **values)


def measured(one: MeasurementPlan, seed: int = 0):
    """The plan's answers by an ideal device, job by job."""
    tasks = one.tasks("run")
    found = [counted(task.measured, seed=seed + task.part) for task in tasks]
    return one.answers(found, [identity_bits(task.measured) for task in tasks])


@pytest.mark.parametrize(
    "mode", [{}, {"max_programs_per_job": 2}, {"max_executions_per_job": 6000}]
)
def test_answers_are_those_of_a_backend(mode):
    """However a plan is cut into jobs, its answers are exact within five error bars."""
    one = plan(3, target(mode=mode))
    assert len(one.tasks("run")) > bool(mode)
    answers, problems = measured(one)
    assert problems == {}
    exact = StatevectorBackend(mapping=reduced()).run(energy_requests(3))
    for found, wanted in zip(answers, exact, strict=True):
        assert found.values.shape == wanted.values.shape
        assert (np.abs(found.values - wanted.values) < 5 * np.sqrt(found.variances)).all()
        assert (found.variances > 0).all()


def test_answers_of_two_halves_are_those_that_are_there():
    """A request is answered when all its jobs are, whatever the others do."""
    tapers = MeasurementPlan.from_requests(
        [*energy_requests(1), *energy_requests(1, first=0.935)],
        target(mode={"max_programs_per_job": 2}),
        mapping=reduced(),
    ).with_shots([8000, 2000])  # so different that they share no program
    one, tasks = tapers, tapers.tasks("run")
    found = [counted(task.measured) for task in tasks]
    found[-1] = None
    bits = [identity_bits(task.measured) for task in tasks]
    bits[-1] = ()
    answers, problems = one.answers(found, bits)
    assert problems == {}
    assert any(answer is None for answer in answers)
    assert any(answer is not None for answer in answers)


@pytest.mark.parametrize("mapping", ["jordan_wigner", "reduced", "bravyi_kitaev"])
def test_plans_return_from_files(tmp_path, mapping):
    """The plan that is read again has the same key, jobs and words."""
    names = {"jordan_wigner": "jordan_wigner", "reduced": reduced()}
    names["bravyi_kitaev"] = hydrogen().qubit_mapping("bravyi_kitaev")
    before = plan(
        1, mapping=names[mapping], labels=("r = 0.735",), source={"kind": "scan"}, shots=2000
    )
    before.save(tmp_path / "plan.json")
    after = MeasurementPlan.load(tmp_path / "plan.json")
    assert after.key == before.key
    assert after.to_dict() == before.to_dict()
    assert (after.labels, after.source, after.shots) == (("r = 0.735",), {"kind": "scan"}, (2000,))
    assert after.mapping == before.mapping
    assert [one.key() for one in after.tasks("run")] == [one.key() for one in before.tasks("run")]


def test_key_tells_what_determines_the_answers():
    """Shots, device and mitigation are part of it; labels and budget are not."""
    key = plan(1).key
    assert plan(1).key == key
    assert plan(1, labels=("a",), source={"b": 1}).key == key
    assert plan(1, target(budget={"max_jobs": 3})).key == key
    others = [
        plan(2),
        plan(1, shots=100),
        plan(1, mapping="jordan_wigner"),
        plan(1, grouping="qubit_wise"),
        plan(1, target(mitigation={"readout": True})),
        plan(1, target("local_fake_manila")),
    ]
    assert len({key, *(one.key for one in others)}) == len(others) + 1


def test_another_run_or_step_is_another_job():
    """Measured again under another name, also by the same plan."""
    one = plan(1)
    keys = {t.key() for t in (*one.tasks("a"), *one.tasks("b"), *one.tasks("a", step=1))}
    assert len(keys) == 3


def test_shots_are_the_targets_unless_given():
    """One number for all, one for each, or those that a request names."""
    assert plan(2).shots == (8192, 8192)
    assert plan(2, shots=100).shots == (100, 100)
    assert [one.shots for one in plan(2).with_shots([50, 70]).chosen] == [50, 70]
    named = replace(energy_requests(1)[0], shots=1234)
    fixed = MeasurementPlan.from_requests([named], target(), mapping=reduced())
    assert fixed.with_shots(50).chosen[0].shots == 1234


def test_shots_of_the_programs_are_those_of_the_states():
    """All bases of a state together have its shots, and hardly more."""
    one = plan(1, shots=5000)
    n = sum(len(job.angles) * job.shots for job in one.asked.programs)
    assert 5000 <= n <= 5002
    sent = sum(len(job.angles) * job.shots for job in one.bundle.sent)
    assert n <= sent <= 1.25 * n


@pytest.mark.parametrize("shots", [0, -5, [100], [100, 0]])
def test_numbers_of_shots_that_are_none_are_refused(shots):
    """At least one, and as many numbers as requests."""
    with pytest.raises(InputError, match="one for each"):
        plan(2).with_shots(shots)


def test_shots_by_an_error_must_be_chosen_first():
    """A plan without numbers of shots has no jobs yet."""
    one = plan(1, target(sampling={"shots": None, "target_error": 1e-3}))
    assert one.shots is None
    with pytest.raises(InputError, match="choose_shots"):
        one.tasks("run")
    assert MeasurementPlan.from_dict(one.to_dict()).shots is None


def test_nothing_and_mislabelled_requests_are_refused():
    """Said before anything is planned."""
    with pytest.raises(InputError, match="Give some"):
        MeasurementPlan.from_requests([], target())
    with pytest.raises(InputError, match="one for each, or none"):
        plan(2, labels=("one",))


def test_observables_become_words_that_a_file_holds():
    """A plan needs no Hamiltonian when it is read again."""
    (request,) = plan(1).requests
    assert [one.n_qubits for one in request.observables] == [2]
    assert request_to_plain(request)["observables"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"schema": 1}',
        json.dumps({"schema": 2}),
        "{",
    ],
    ids=["empty", "list", "keys missing", "other version", "cut"],
)
def test_files_that_are_no_plan_are_refused(tmp_path, text):
    """In one line that says how to make one."""
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(CorruptResultError, match="qmlmat hw plan"):
        MeasurementPlan.load(tmp_path / "plan.json")


def test_damaged_plans_are_refused(tmp_path):
    """Numbers that do not fit together are damage, a wrong target is the target's mistake."""
    with pytest.raises(CorruptResultError, match="qmlmat hw plan"):
        MeasurementPlan.load(tmp_path / "absent.json")
    tree = json.loads(json.dumps(plan(1).to_dict()))
    tree["requests"][0]["params"]["shape"] = [17]
    with pytest.raises(CorruptResultError, match="qmlmat hw plan"):
        MeasurementPlan.from_dict(tree)
    tree = json.loads(json.dumps(plan(1).to_dict()))
    tree["target"]["provider"] = "nobody"
    with pytest.raises(ConfigError, match="nobody"):
        MeasurementPlan.from_dict(tree)


def test_no_credential_is_in_a_file(tmp_path, monkeypatch):
    """A plan names the variable, never what is in it."""
    monkeypatch.setenv("QISKIT_IBM_TOKEN", "s3cr3t-token-of-mine")
    one = plan(1, target("ibm_open"))
    one.save(tmp_path / "plan.json")
    text = (tmp_path / "plan.json").read_text()
    assert "s3cr3t" not in text
    assert "env:QISKIT_IBM_TOKEN" in text
