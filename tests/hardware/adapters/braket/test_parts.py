"""Tasks that are several quantum tasks: none is lost, none is sent twice."""

import pytest
from braket_rehearsed import accepted, adapter, counted, task, waited

from qmlmat.errors import CapabilityError, UnclearError
from qmlmat.hardware.adapters.braket import door
from qmlmat.hardware.adapters.braket.device import Device
from qmlmat.hardware.adapters.braket.parts import SetLimits


def test_what_was_found_is_not_sent_again(server):
    """Not even under its token: nobody promises how long tokens are kept."""
    wanted = task("braket_garnet", counted(100), counted(200), run="begun")
    one = adapter()
    payload = one.compile(wanted)
    server.faults([{"on": "submit", "kind": "drop_after_accept", "times": 3}])
    with pytest.raises(UnclearError):
        one.submit(payload, wanted.key())
    (found,) = one.find(wanted.key())
    before = server.counts()["requests"]["POST /quantum-task"]
    name = one.submit(payload, wanted.key())
    assert server.counts()["requests"]["POST /quantum-task"] == before + 1
    assert name.split(",")[0] == found.remote_id.split(",")[0]


def test_a_task_in_several_parts_is_finished_under_the_same_key(server):
    """The second part is refused for a while: what was accepted is kept, and never sent twice."""
    wanted = task("braket_garnet", counted(100), counted(200), run="parts")
    one = adapter()
    payload = one.compile(wanted)
    assert payload.facts["n_quantum_tasks"] == 2
    plan = [{"on": "submit", "kind": "http429", "times": 3}]
    create = door.Door.create

    def second_is_busy(self, **given):
        if given["tags"]["qmlmat-part"] == "1/2":
            server.faults(plan)
        return create(self, **given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(door.Door, "create", second_is_busy)
        with pytest.raises(UnclearError, match="1 of 2 quantum tasks had been accepted"):
            one.submit(payload, wanted.key())
    (found,) = one.find(wanted.key())
    assert (found.is_whole, found.state in {"queued", "running"}) == (False, True)
    assert "1 of 2 quantum tasks were sent" in found.message
    name = one.submit(payload, wanted.key())
    assert len(accepted(server, wanted.key())) == 2
    assert waited(one, name).state == "done"
    answers = one.decode(one.fetch_raw(name), payload)
    assert [answer.n_shots.tolist() for answer in answers] == [[100] * 3, [200] * 3]


def test_a_part_that_will_never_be_sent_takes_the_others_back(server):
    """Refused for good: what was accepted is cancelled."""
    wanted = task("braket_sv1", counted(10), run="refused")
    one = adapter("braket_sv1")
    payload = one.compile(wanted)
    create = door.Door.create

    def last_is_refused(self, **given):
        if given["tags"]["qmlmat-part"] == "2/3":
            server.faults([{"on": "submit", "kind": "http400"}])
        return create(self, **given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(door.Door, "create", last_is_refused)
        with pytest.raises(UnclearError, match="that part was cancelled"):
            one.submit(payload, wanted.key())
    (found,) = one.find(wanted.key())
    assert (found.is_whole, found.state) == (False, "failed")  # nobody wished to cancel it
    assert "refused, ValidationException" in found.message
    assert "2 of 3 quantum tasks were taken back" in found.message
    assert len(accepted(server, wanted.key())) == 2


def test_a_credential_that_is_refused_halfway_takes_nothing_back(server):
    """The rest is sent with the next one, under the same tokens."""
    wanted = task("braket_garnet", counted(100), counted(200), run="signed out")
    one = adapter()
    payload = one.compile(wanted)
    create = door.Door.create

    def second_is_refused(self, **given):
        if given["tags"]["qmlmat-part"] == "1/2":
            server.faults([{"on": "submit", "kind": "http401"}])
        return create(self, **given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(door.Door, "create", second_is_refused)
        with pytest.raises(UnclearError, match="that part was kept"):
            one.submit(payload, wanted.key())
    (found,) = one.find(wanted.key())
    assert found.state in {"queued", "running"}
    assert waited(one, one.submit(payload, wanted.key())).state == "done"
    assert len(accepted(server, wanted.key())) == 2


@pytest.mark.parametrize(
    ("sets", "remedy"),
    [
        (None, r"\[mode\] max_programs_per_job = 1,"),
        (SetLimits(max_executables=2, max_shots=900), "max_executions_per_job = 900"),
    ],
    ids=["no sets", "small sets"],
)
def test_what_the_device_makes_dearer_than_the_estimate_is_not_sent(
    server, monkeypatch, sets, remedy
):
    """Every quantum task has its price: more of them than were budgeted are refused."""
    monkeypatch.setattr(Device, "sets", lambda _: sets)
    with pytest.raises(CapabilityError, match=remedy):
        adapter().compile(task("braket_garnet", counted(400), run="dear"))
