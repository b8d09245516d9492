"""The provider "local": counts against formulas, jobs that survive, refusals."""

import json
import math
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.backends.qiskit.devices import fake_device
from qmlmat.backends.qubits.jobs import Batch, CountJob
from qmlmat.backends.statevector import StatevectorBackend
from qmlmat.errors import (
    CapabilityError,
    CorruptResultError,
    InputError,
    RejectedError,
    UnavailableError,
)
from qmlmat.hardware.adapters.base import Adapter, Payload, Snapshot
from qmlmat.hardware.adapters.local.engine import job_seed
from qmlmat.hardware.adapters.registry import make_adapter
from qmlmat.hardware.config.loading import parse_target
from qmlmat.hardware.task import Task
from qmlmat.operators.pauli import PauliSum

BASE = {
    "schema_version": 1,
    "name": "x",
    "title": "x",
    "provider": "local",
    "budget": {"max_usd": 0.0, "max_jobs": 10, "max_shots": 10**7},
    "sampling": {"shots": 1000},
}
DEVICES = {
    "aer": {},
    "fake_manila": {},
    "braket_sv": {},
    "braket_dm": {"noise": {"one_qubit": 0.01, "two_qubit": 0.03, "readout": 0.02}},
}
CHAIN = QubitCircuit(
    3,
    (
        QubitGate("ry", (0,), Angle(param=0)),
        QubitGate("cx", (0, 1)),
        QubitGate("rz", (1,), Angle(0.2, 1, -1.0)),
        QubitGate("h", (1,)),
        QubitGate("cx", (1, 2)),
    ),
    2,
).measured()
POINTS = np.array([[0.3, 0.7], [1.2, -0.4], [2.2, 0.0]])
KEY = "ab" * 32


def adapter(device, folder, **tables):
    """The adapter of a local device."""
    values = BASE | {"device": device} | DEVICES.get(device, {}) | tables
    return make_adapter(parse_target(values, name="x"), folder=folder)


def task(*programs, run="r"):
    """A task without a sentinel."""
    return Task(programs=programs, run=run, target={})


def answered(door, *programs, key=KEY):
    """The answers of a whole round."""
    payload = door.compile(task(*programs))
    remote = door.submit(payload, key)
    assert door.status(remote).state == "done"
    return door.decode(door.fetch_raw(remote), payload)


def shares(histogram):
    """Frequencies of all outcomes, shape (n_points, 2**n_bits)."""
    found = np.zeros((histogram.n_rows, 2**histogram.n_bits))
    found[:, histogram.outcomes.astype(int)] = histogram.probabilities()
    return found


def exact():
    """Probabilities of the chain's outcomes, from our own simulator's counts at many shots."""
    job = CountJob(CHAIN, POINTS, 4_000_000)
    (found,) = StatevectorBackend().count_door(1).counts([job])
    return shares(found)


@pytest.mark.parametrize("device", DEVICES)
def test_an_adapter_is_one(device, tmp_path):
    """It has every call of the interface, and answers about itself without a job."""
    door = adapter(device, tmp_path)
    assert isinstance(door, Adapter)
    assert door.name == f"local:{device}"
    facts = door.capabilities()
    assert facts.is_simulator
    assert facts.n_qubits >= 5
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("device", ["aer", "braket_sv"])
@pytest.mark.parametrize("fold", [1, 3])
def test_ideal_counts_are_those_of_our_own_simulator(device, fold, tmp_path):
    """Within five standard errors, folded or not, at every point."""
    shots = 20_000
    (found,) = answered(adapter(device, tmp_path), CountJob(CHAIN, POINTS, shots, fold=fold))
    expected = exact()
    spread = np.sqrt(np.maximum(expected * (1 - expected), 1e-4) / shots)
    assert found.n_shots.tolist() == [shots] * 3
    assert (np.abs(shares(found) - expected) < 5 * spread + 1e-3).all()


@pytest.mark.parametrize("device", DEVICES)
def test_bits_are_where_the_circuit_puts_them(device, tmp_path):
    """Bit b is read from the wire it names, whatever wires and bits are left out or turned."""
    gates = (
        QubitGate("x", (2,)),
        QubitGate("measure", (2,), bit=0),
        QubitGate("measure", (0,), bit=1),
    )
    job = CountJob(QubitCircuit(3, gates), np.zeros((2, 0)), 400)
    (found,) = answered(adapter(device, tmp_path), job)
    assert found.n_bits == 2
    assert found.to_dict(1).get("10", 0) > 300


def test_braket_noise_is_the_depolarising_channel_and_flipped_bits(tmp_path):
    """One rotation: <Z> = cos(t) (1 - 4 p/3) (1 - 2 r), in closed form."""
    circuit = QubitCircuit(1, (QubitGate("ry", (0,), Angle(param=0)),), 1).measured()
    shots, angle = 400_000, 0.4
    (found,) = answered(
        adapter("braket_dm", tmp_path), CountJob(circuit, np.array([[angle]]), shots)
    )
    expected = math.cos(angle) * (1 - 4 * 0.01 / 3) * (1 - 2 * 0.02)
    mean = found.parities(np.array([1], dtype=np.uint64))[0, 0]
    assert abs(mean - expected) < 5 * math.sqrt((1 - expected**2) / shots)


def test_a_fake_device_reads_its_qubits_as_badly_as_its_snapshot_says(tmp_path):
    """Physical circuits on wires of the layout: mean of p(1|0) and p(0|1) is the readout error."""
    door = adapter("fake_manila", tmp_path, layout={"initial_layout": [3, 1]})
    flips = tuple(QubitGate("x", (w,)) for w in range(2))
    jobs = [
        CountJob(QubitCircuit(2, gates).measured(), np.zeros((1, 0)), 50_000, is_physical=True)
        for gates in ((), flips)
    ]
    payload = door.compile(task(*jobs))
    assert payload.layout == (3, 1)
    assert payload.bit_qubits == ((0, 1), (0, 1))
    zeros, ones = answered(door, *jobs)
    masks = np.array([1, 2], dtype=np.uint64)
    wrong = (1 - zeros.parities(masks)[0]) / 4 + (1 + ones.parities(masks)[0]) / 4
    told = door.snapshot().readout_errors
    assert wrong == pytest.approx([told[3], told[1]], abs=4e-3)  # the X gate's own error, shots


def test_a_snapshot_holds_the_devices_errors_and_the_day_of_its_calibration(tmp_path):
    """As Qiskit's target has them."""
    found = adapter("fake_manila", tmp_path).snapshot()
    device = fake_device("manila")
    assert found.two_qubit_errors[0, 1] == device.target["cx"][0, 1].error
    assert found.readout_errors[2] == device.target["measure"][2,].error
    assert found.calibrated == device.properties().last_update_date.timestamp()
    assert found.calibrated < found.taken
    again = Snapshot.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again == found
    assert adapter("aer", tmp_path).snapshot() is None
    assert adapter("braket_dm", tmp_path).snapshot() is None


@pytest.mark.parametrize("device", DEVICES)
def test_a_job_gives_the_same_counts_whenever_and_wherever_it_runs(device, tmp_path):
    """Its seed comes from its key; another key draws anew."""
    job = CountJob(CHAIN, POINTS, 500)
    first, again, other = (
        answered(adapter(device, tmp_path / name), job, key=key)[0]
        for name, key in (("a", KEY), ("b", KEY), ("c", "cd" * 32))
    )
    assert first.to_dict(0) == again.to_dict(0)
    assert first.to_dict(0) != other.to_dict(0)


def test_equal_circuits_of_a_job_are_drawn_independently(tmp_path):
    """Else repetitions would add nothing, and error bars be wrong."""
    job = CountJob(CHAIN, POINTS, 500)
    for device in ("aer", "fake_manila", "braket_sv"):
        one, two = answered(adapter(device, tmp_path / device), job, job)
        assert one.to_dict(0) != two.to_dict(0)


class Killed(BaseException):
    """Stands for the end of the process."""


def test_a_job_survives_a_process_that_dies_while_it_runs(tmp_path, monkeypatch):
    """Another process finds it by its key, runs it, and gets what the first would have."""
    job = CountJob(CHAIN, POINTS, 500)
    door = adapter("aer", tmp_path)
    payload = door.compile(task(job))
    door.submit(payload, KEY)

    def die(*args):
        raise Killed

    monkeypatch.setattr(type(door.engine), "run", die)
    (found,) = door.find(KEY)
    with pytest.raises(Killed):
        door.status(found.remote_id)
    monkeypatch.undo()
    later = adapter("aer", tmp_path)
    (found,) = later.find(KEY)
    assert found.state == "queued"
    assert later.status(found.remote_id).state == "done"
    kept = Payload.from_bytes(payload.to_bytes())
    (answer,) = later.decode(later.fetch_raw(found.remote_id), kept)
    (expected,) = answered(adapter("aer", tmp_path / "calm"), job)
    assert answer.to_dict(1) == expected.to_dict(1)


SCRIPT = """
import os, signal, sys
from pathlib import Path
import numpy as np
from qmlmat.hardware.adapters.registry import make_adapter
from qmlmat.hardware.adapters.base import Payload
from qmlmat.hardware.config import load_target
folder = Path(sys.argv[1])
door = make_adapter(load_target("local_aer"), folder=folder)
door.submit(Payload.from_bytes((folder / "payload").read_bytes()), sys.argv[2])
type(door.engine).run = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
door.status(door.find(sys.argv[2])[0].remote_id)
"""


@pytest.mark.slow
def test_a_job_survives_a_real_kill(tmp_path):
    """SIGKILL between acceptance and result, in a process of its own."""
    door = adapter("aer", tmp_path)
    payload = door.compile(task(CountJob(CHAIN, POINTS, 500)))
    (tmp_path / "payload").write_bytes(payload.to_bytes())
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path), KEY], check=False)
    assert done.returncode == -9
    (found,) = door.find(KEY)
    assert door.status(found.remote_id).state == "done"


def test_a_key_that_is_sent_twice_is_one_job(tmp_path):
    """The first stays, also when the second is sent after it has run."""
    door = adapter("aer", tmp_path)
    payload = door.compile(task(CountJob(CHAIN, POINTS, 500)))
    remote = door.submit(payload, KEY)
    raw = (door.status(remote), door.fetch_raw(remote))[1]
    assert door.submit(payload, KEY) == remote
    assert door.fetch_raw(remote) == raw
    assert len(door.find(KEY)) == 1
    assert door.find("cd" * 32) == []


def test_usage_counts_what_was_run_and_nothing_is_billed(tmp_path):
    """Nothing is used before a job has run."""
    door = adapter("aer", tmp_path)
    work = task(CountJob(CHAIN, POINTS, 500), CountJob(CHAIN, POINTS[:1], 100))
    payload = door.compile(work)
    assert payload.n_executions == door.estimate(work).n_executions == 1600
    assert door.estimate(work).n_circuits == 4
    remote = door.submit(payload, KEY)
    assert door.usage(remote).n_shots == 0
    door.status(remote)
    assert (door.usage(remote).n_shots, door.usage(remote).usd) == (1600, 0.0)


def test_a_cancelled_job_does_not_run_and_a_finished_one_stays(tmp_path):
    """Cancelling after the end changes nothing."""
    door = adapter("aer", tmp_path)
    payload = door.compile(task(CountJob(CHAIN, POINTS, 500)))
    stopped, finished = door.submit(payload, KEY), door.submit(payload, "cd" * 32)
    door.status(finished)
    door.cancel(stopped)
    door.cancel(finished)
    assert door.status(stopped).state == "cancelled"
    assert door.status(finished).state == "done"
    with pytest.raises(UnavailableError, match="has no result"):
        door.fetch_raw(stopped)


def test_a_simulation_that_fails_says_why(tmp_path, monkeypatch):
    """As a provider's job would, and it stays failed."""
    door = adapter("aer", tmp_path)
    remote = door.submit(door.compile(task(CountJob(CHAIN, POINTS, 500))), KEY)

    def fail(*args):
        raise InputError("too large")

    monkeypatch.setattr(type(door.engine), "run", fail)
    assert door.status(remote).state == "failed"
    monkeypatch.undo()
    assert "too large" in door.status(remote).message


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[:-20],
        lambda raw: raw.replace(b"n_bits", b"n_bats"),
        lambda raw: raw[:0],
        lambda raw: raw[:0] + b"[]",
        lambda raw: raw[:0] + b"\xff\xfe",
    ],
    ids=["cut off", "changed", "empty", "another thing", "no text"],
)
def test_a_damaged_result_is_told_from_a_good_one(damage, tmp_path):
    """Nothing is made of it; it can be fetched again."""
    door = adapter("aer", tmp_path)
    payload = door.compile(task(CountJob(CHAIN, POINTS, 500)))
    remote = door.submit(payload, KEY)
    door.status(remote)
    with pytest.raises(CorruptResultError, match="Fetch it again"):
        door.decode(damage(door.fetch_raw(remote)), payload)


def test_missing_repetitions_are_told(tmp_path):
    """A simulator beyond its memory returns no counts, and says that all went well."""
    door = adapter("aer", tmp_path)
    payload = door.compile(task(CountJob(CHAIN, POINTS, 500)))
    more = door.compile(task(CountJob(CHAIN, POINTS, 501)))
    remote = door.submit(payload, KEY)
    door.status(remote)
    with pytest.raises(CorruptResultError, match="number of repetitions"):
        door.decode(door.fetch_raw(remote), more)


def test_files_are_the_owners_alone(tmp_path):
    """Circuits may be somebody's work."""
    door = adapter("aer", tmp_path)
    remote = door.submit(door.compile(task(CountJob(CHAIN, POINTS, 500))), KEY)
    door.status(remote)
    folder = tmp_path / "jobs"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".result"]


def test_a_folder_that_cannot_be_written_means_that_nothing_was_accepted(tmp_path):
    """So it can be sent again."""
    (tmp_path / "jobs").write_text("a file", encoding="utf-8")
    door = adapter("aer", tmp_path)
    with pytest.raises(RejectedError, match="choose another folder"):
        door.submit(door.compile(task(CountJob(CHAIN, POINTS, 500))), KEY)


@pytest.mark.parametrize("name", ["local-12", "../../etc/passwd", "local-" + "0" * 32])
def test_an_unknown_job_is_unavailable(name, tmp_path):
    """Also where its name is no name of a job."""
    with pytest.raises(UnavailableError, match="Use the"):
        adapter("aer", tmp_path).status(name)


def test_a_layout_of_the_run_is_used_again(tmp_path):
    """Also where the device would offer better qubits; too few are refused with the remedy."""
    door = adapter("fake_manila", tmp_path)
    job = CountJob(CHAIN, POINTS, 500)
    free = door.compile(task(job))
    assert len(free.layout) == 3
    kept = door.compile(task(job), layout=(0, 1, 2, 3))
    assert kept.layout == (0, 1, 2, 3)
    assert all(0 <= wire < 4 for wires in kept.bit_qubits for wire in wires)
    with pytest.raises(CapabilityError, match="start a run of another name"):
        door.compile(task(job), layout=(0, 1))


def test_a_layout_that_was_asked_for_is_kept_wire_by_wire(tmp_path):
    """Wire w is on the w-th qubit of the list where no routing moves it."""
    door = adapter("fake_manila", tmp_path, layout={"initial_layout": [4, 3, 2]})
    payload = door.compile(task(CountJob(CHAIN, POINTS, 500)))
    assert payload.layout == (4, 3, 2)
    assert payload.bit_qubits == ((0, 1, 2),)


def test_circuits_are_transpiled_once_for_all_points_and_programs(tmp_path):
    """Also across tasks of a run."""
    door = adapter("fake_manila", tmp_path)
    job = CountJob(CHAIN, POINTS, 500)
    payload = door.compile(task(job, replace(job, shots=100), replace(job, fold=3)))
    assert payload.facts["n_transpiled"] == 2
    assert payload.facts["two_qubit_depth"] > 3


@pytest.mark.parametrize("device", DEVICES)
def test_expectations_are_not_the_samplers_affair(device, tmp_path):
    """The remedy is the key of the target."""
    words = PauliSum(
        3, np.zeros(1, dtype=np.uint64), np.ones(1, dtype=np.uint64), np.ones(1, complex)
    )
    batch = Batch(replace(CHAIN, gates=CHAIN.gates[:5]), POINTS, (words,), 100)
    with pytest.raises(CapabilityError, match='primitive = "sampler"'):
        adapter(device, tmp_path).compile(task(batch))


@pytest.mark.parametrize(
    ("device", "n_qubits"), [("aer", 27), ("braket_dm", 13), ("braket_sv", 25)]
)
def test_more_qubits_than_fit_are_refused_before_anything_is_kept(device, n_qubits, tmp_path):
    """Silent zeros are the alternative."""
    job = CountJob(QubitCircuit(n_qubits, ()).measured(), np.zeros((1, 0)), 10)
    with pytest.raises(CapabilityError, match="tapered mapping"):
        adapter(device, tmp_path).compile(task(job))
    with pytest.raises(CapabilityError, match="fewer qubits"):
        adapter("fake_manila", tmp_path).compile(task(job))


def test_seeds_differ_from_key_to_key_and_fit_every_simulator():
    """31 bits, the smallest range that all of them take."""
    seeds = {job_seed(f"{k:064x}") for k in range(1000)}
    assert len(seeds) == 1000
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_a_missing_client_says_what_to_type(monkeypatch, tmp_path):
    """The package works without it."""
    monkeypatch.setitem(sys.modules, "braket.circuits", None)
    monkeypatch.setitem(sys.modules, "braket.devices", None)
    from qmlmat.errors import MissingExtraError

    door = adapter("braket_dm", Path(tmp_path))
    with pytest.raises(MissingExtraError, match=r'pip install "qmlmat\[braket\]"'):
        door.compile(task(CountJob(CHAIN, POINTS, 10)))
