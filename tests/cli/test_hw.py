"""`qmlmat hw` on this machine's targets: from a scan to measured energies, and what goes wrong."""

import json
import shutil
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner

import qmlmat as qm
from qmlmat.cli.app import app
from qmlmat.cli.commands import json_schema
from qmlmat.errors import HardwareError
from qmlmat.hardware.adapters.local.adapter import LocalAdapter
from qmlmat.hardware.submission import Submission
from qmlmat.surfaces import load_scan

PARITY = ("--mapping", "parity", "--reduced")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The store of a scan of H2: three points of VQE."""
    file = tmp_path_factory.mktemp("source") / "h2.db"
    molecule = qm.Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.74]])
    surface = qm.SolverSurface(molecule, qm.ActiveSpace(), qm.VQE("uccsd"))
    qm.scan(surface, qm.stretch(molecule, (0, 1), [0.6, 0.9, 1.3]), store=file, title="H2")
    return file


@pytest.fixture
def folder(kept, tmp_path, monkeypatch):
    """A working folder with h2.db, and a ledger beside it."""
    shutil.copy(kept, tmp_path / "h2.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QMLMAT_LEDGER", str(tmp_path / "ledger"))
    monkeypatch.setenv("QMLMAT_HARDWARE_CONFIGS", str(tmp_path / "targets"))
    for name in ("QISKIT_IBM_TOKEN", "QISKIT_IBM_INSTANCE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def hw(*args):
    return CliRunner().invoke(app, ["hw", *(str(arg) for arg in args)])


def document(*args, code=0):
    """Return the document of a command, which must fit its schema."""
    done = hw(*args, "--json")
    assert done.exit_code == code, done.output
    found = json.loads(done.stdout)
    jsonschema.validate(found, json_schema("output"))
    return found


def submitted(name="first", *options, target="local_aer"):
    """Submit the scan and wait."""
    done = hw("submit", "h2.db", target, "--run", name, *PARITY, "--shots", 4000, *options)
    assert done.exit_code == 0, done.output
    return done


def small_target(folder, **changes):
    """Write a target of this machine; what is changed replaces a line."""
    lines = {
        "budget": "[budget]\nmax_usd = 0\nmax_jobs = 9\nmax_shots = 1_000_000",
        "rest": "",
    } | changes
    text = (
        'schema_version = 1\nname = "mine"\ntitle = "Mine"\nprovider = "local"\ndevice = "aer"\n'
        f"{lines['budget']}\n[sampling]\nshots = 400\n{lines['rest']}\n"
    )
    (folder / "targets").mkdir(exist_ok=True)
    (folder / "targets" / "mine.toml").write_text(text, encoding="utf-8")


def test_check_lists_targets_with_prices_and_dates(folder):
    """One that cannot be read is in the list, too, with the reason."""
    small_target(folder, rest="shots = 3")
    rows = {row["name"]: row for row in document("check")["targets"]}
    assert rows["local_aer"]["price"] == "free"
    assert "80,000.00 USD per 10^6 shots" in rows["braket_forte"]["price"]
    assert rows["ibm_payg"]["date"].startswith("2026")
    assert rows["mine"]["provider"] == ""
    assert "mine.toml" in rows["mine"]["title"]


def test_check_says_one_line_for_each_thing(folder):
    """A rehearsal target: all is well; the calibration's age is held against the target."""
    done = hw("check", "local_fake_manila")
    assert done.exit_code == 0, done.output
    assert all(line.startswith("ok ") for line in done.stdout.splitlines())
    small_target(folder, rest="[calibration]\nmax_age_h = 1\nmax_readout_error = 0.0001")
    text = (folder / "targets" / "mine.toml").read_text().replace('"aer"', '"fake_manila"')
    (folder / "targets" / "mine.toml").write_text(text)
    lines = {one["name"]: one for one in document("check", "mine", code=3)["lines"]}
    assert lines["calibration"]["verdict"] == "warning"
    assert lines["qubits"]["verdict"] == "error"
    assert "0 of 5" in lines["qubits"]["text"]


def test_check_finds_a_missing_credential_and_asks_nobody(folder, monkeypatch):
    """Exit code 3; a credential that is there is never shown."""
    found = {one["name"]: one for one in document("check", "ibm_open", code=3)["lines"]}
    assert "QISKIT_IBM_TOKEN is not set" in found["credential"]["text"]
    assert "not asked" in found["service"]["text"]
    monkeypatch.setenv("QISKIT_IBM_TOKEN", "planted-secret")
    assert "planted-secret" not in hw("check", "ibm_open").output


def test_plan_says_what_it_takes_and_writes_what_would_be_sent(folder):
    """Budget and limits beside it; errors by the point; a payload for each job; nothing is sent."""
    args = ("plan", "h2.db", "local_fake_manila", *PARITY, "--shots", 400)
    found = document(*args, "--out", "plan.json", "--dry-run", "dry")
    assert found["shots"] == [400] * 3
    assert [one["point"] for one in found["expected"]] == ["0.6 Å", "0.9 Å", "1.3 Å"]
    assert all(5e-3 < one["error"] < 0.1 for one in found["expected"])
    assert found["executions"] == found["reserved"]["shots"] <= found["budget"]["max_shots"]
    payloads = [json.loads(Path(file).read_text()) for file in found["payloads"]]
    assert len(payloads) == found["jobs"] == 1
    assert qm.MeasurementPlan.load("plan.json").key == found["key"]
    assert not (folder / "ledger").exists()
    shown = hw(*args, "--points", "0,2").stdout
    assert "executions of the largest job" in shown
    assert "0.9 Å" not in shown


def test_an_error_that_is_wanted_chooses_the_shots(folder):
    """In mHa; the errors that are expected reach it."""
    found = document("plan", "h2.db", "local_aer", *PARITY, "--error", 10)
    assert max(one["error"] for one in found["expected"]) < 12e-3
    assert len(set(found["shots"])) > 1


def test_a_plan_over_budget_is_refused_with_what_fits(folder, monkeypatch):
    """Exit code 6, no network, no plan; the shots that are named do fit."""

    def network(*_args):
        raise AssertionError("asked the provider")

    small_target(folder, budget="[budget]\nmax_usd = 0\nmax_jobs = 9\nmax_shots = 30_000")
    monkeypatch.setattr(LocalAdapter, "submit", network)
    monkeypatch.setattr(LocalAdapter, "capabilities", network)
    for command in (("plan", "--out", "plan.json"), ("submit", "--run", "x")):
        done = hw(command[0], "h2.db", "mine", *PARITY, "--shots", 90_000, *command[1:])
        assert done.exit_code == 6
        (line,) = done.stderr.splitlines()
        assert "max_shots=30000" in line
        assert "Take them (shots = " in line
    assert not (folder / "plan.json").exists()
    fits = line.split("shots = ")[1].split(")")[0]
    assert hw("plan", "h2.db", "mine", *PARITY, "--shots", fits).exit_code == 0


def test_from_plan_to_a_store_that_other_commands_read(folder):
    """Energies with error bars near the simulator's; the same again under the same name."""
    assert (
        hw("plan", "h2.db", "local_aer", *PARITY, "--shots", 4000, "--out", "p.json").exit_code == 0
    )
    first = hw("submit", "p.json", "--run", "first")
    assert first.exit_code == 0, first.output
    assert "task 1 of 1: done, job local-" in first.stderr
    assert "qmlmat hw fetch first" in first.stderr
    found = document("fetch", "first")
    assert found["complete"]
    assert all(abs(one["difference"]) < 5 * one["stderr"] for one in found["points"])
    measured = load_scan("h2.first.db")
    np.testing.assert_array_equal(
        measured.energies[:, 0], [one["measured"] for one in found["points"]]
    )
    assert measured.inputs["measured"]["run"] == "first"
    assert measured.is_converged
    assert (folder / "h2.first.png").is_file()
    for command in (["plot", "h2.first.db"], ["export", "h2.first.db", "-o", "h2.csv"]):
        assert CliRunner().invoke(app, command).exit_code == 0
    refused = CliRunner().invoke(app, ["resume", "h2.first.db"])
    assert (refused.exit_code, "qmlmat hw resume first" in refused.stderr) == (2, True)
    assert hw("submit", "p.json", "--run", "first").exit_code == 0
    assert document("status", "first")["totals"]["spent"]["jobs"] == 1
    assert document("fetch", "first") == found  # its own store is replaced


def test_a_run_is_looked_at_without_the_network(folder, monkeypatch):
    """Tasks, totals and costs are in the ledger; estimated shots are the billed ones."""
    submitted()
    for call in ("status", "find", "usage", "fetch_raw"):
        monkeypatch.delattr(LocalAdapter, call)
    run = document("status", "first")
    assert [one["state"] for one in run["tasks"]] == ["done"]
    assert run["tasks"][0]["job"].startswith("local-")
    assert [one["run"] for one in document("status")["runs"]] == ["first"]
    (job,) = document("cost", "first")["jobs"]
    assert job["estimated_shots"] == job["billed"]["shots"] == run["tasks"][0]["shots"]
    for words in (("status", "first"), ("status",), ("cost", "first")):
        assert "local" in hw(*words).stdout


def test_without_waiting_the_answers_are_fetched_later(folder, monkeypatch):
    """From another folder: the ledger is not the current one; no 30 s are waited."""
    done = submitted("first", "--no-wait")
    assert "All is sent" in done.stderr
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    assert document("status", "first")["tasks"][0]["state"] == "submitted"
    assert document("fetch", "first")["complete"]
    assert (folder / "h2.first.db").is_file()


def test_ctrl_c_cancels_nothing_and_says_how_to_go_on(folder, monkeypatch):
    """Exit code 130, one line; resume gives what an uninterrupted run gives."""
    submitted("whole")
    whole = document("fetch", "whole")["points"]

    def interrupted(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(LocalAdapter, "status", interrupted)
        words = ("submit", "h2.db", "local_aer", "--run", "cut", *PARITY, "--shots", 400)
        done = hw(*words, "--ledger", folder / "ledger")
    assert done.exit_code == 130
    last = done.stderr.splitlines()[-1]
    assert "Nothing is cancelled; go on with: qmlmat hw resume cut --ledger" in last
    assert document("resume", "cut")["complete"]
    assert len(document("fetch", "cut")["points"]) == len(whole)


def test_cancel_stops_what_is_not_done(folder):
    """A job that waits is stopped; what is not measured is said, with exit code 3."""
    submitted("first", "--no-wait")
    assert document("cancel", "first")["tasks"][0]["state"] == "cancelled"
    found = document("fetch", "first", code=3)
    assert not found["complete"]
    assert {one["measured"] for one in found["points"]} == {None}
    assert not load_scan("h2.first.db").is_complete


def test_a_flagged_point_does_not_count_as_converged(folder, monkeypatch):
    """What is wrong with a job is said of every point that rests on it; exit code 3."""
    submitted()
    text = "the device drifted"
    monkeypatch.setattr("qmlmat.hardware.runs.drifts", lambda _reports: {0: text})
    done = hw("fetch", "first")
    assert done.exit_code == 3
    assert f"Flag 1: job 1: {text}" in done.stdout
    scan = load_scan("h2.first.db")
    assert scan.statuses == (f"flagged: job 1: {text}",) * 3
    assert not scan.is_converged


@pytest.mark.parametrize("what", ["gone", "changed"])
def test_without_its_source_a_run_gives_expectations(folder, what):
    """They are said as they came, with the reason; nothing is written."""
    submitted()
    (folder / "h2.db").unlink()
    if what == "changed":
        molecule = qm.Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.74]])
        surface = qm.SolverSurface(molecule, qm.ActiveSpace(), qm.Exact())
        qm.scan(surface, qm.stretch(molecule, (0, 1), [0.6, 0.9, 1.3]), store="h2.db")
    found = document("fetch", "first", code=3)
    assert len(found["raw"]) == 3
    assert [one["of"] for one in found["raw"]] == ["0.6 Å", "0.9 Å", "1.3 Å"]
    assert any(what in note or "no such store" in note for note in found["notes"])
    assert not (folder / "h2.first.db").exists()
    assert "expectation" in hw("fetch", "first").stdout


def test_a_run_whose_process_died_goes_on(folder, monkeypatch):
    """Killed between sending and the answer: the job is found again, and none is sent twice."""

    class Killed(BaseException):
        pass

    def killed(*_args, **_kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("qmlmat.hardware.steps.collecting.look", killed)
        with pytest.raises(Killed):
            CliRunner().invoke(
                app,
                ["hw", "submit", "h2.db", "local_aer", "--run", "x", *PARITY, "--shots", "400"],
                catch_exceptions=False,
            )
    assert document("resume", "x")["totals"]["spent"]["jobs"] == 1


def test_a_provider_that_refuses_leaves_the_run_to_go_on(folder, monkeypatch):
    """Exit code 5, the tasks as they are, the remedy, and what to type then."""

    def refused(*_args, **_kwargs):
        raise HardwareError("down for maintenance. Try tomorrow.")

    monkeypatch.setattr(Submission, "wait", refused)
    done = hw("submit", "h2.db", "local_aer", "--run", "x", *PARITY, "--shots", 400)
    assert done.exit_code == 5
    assert "qmlmat hw resume x" in done.stderr
    assert "planned" in done.stdout


@pytest.mark.parametrize(
    ("args", "code", "answer"),
    [
        (["check", "local_ear"], 2, 'Did you mean "local_aer"'),
        (["plan", "ice.db", "local_aer"], 4, "no such store"),
        (["plan", "h2.db", "local_ear"], 2, 'Did you mean "local_aer"'),
        (["plan", "h2.db", "local_aer", "--points", "0,9"], 2, "Use 0 to 2"),
        (["plan", "h2.db", "local_aer", "--points", "a"], 2, "--points 0,3,5"),
        (["plan", "h2.db", "local_aer", "--mapping", "partiy"], 2, 'Did you mean "parity"'),
        (["plan", "h2.db", "local_aer", "--grouping", "all"], 2, "commuting"),
        (["plan", "h2.db", "local_aer", "--shots", "9", "--error", "1"], 2, "one of them"),
        (["plan", "h2.db", "local_aer", "--geometries", "a.xyz"], 2, "Leave --geometries out"),
        (["plan", "h2.db", "local_aer", "--out", "h2.db"], 2, "is no plan"),
        (["plan", "h2.db", "local_aer", "--dry-run", "."], 2, "other files"),
        (["plan", "water", "local_aer"], 2, "cannot be read"),
        (["submit", "h2.db", "--run", "x"], 2, "Name a target"),
        (["submit", "h2.db", "local_aer", "--run", "a/b"], 2, "a name has letters"),
        (["status"], 4, "no ledger"),
        (["fetch", "x"], 4, "no ledger"),
    ],
)
def test_a_mistake_is_one_line_with_the_remedy(folder, args, code, answer):
    """No traceback; nothing is made."""
    done = hw(*args)
    assert done.exit_code == code, done.output
    (line,) = done.stderr.splitlines()
    assert answer in line
    assert not (folder / "ledger").exists()


def test_a_name_that_is_taken_and_files_that_are_in_the_way(folder):
    """Another plan under a name, a store or a figure of something else, a plan with options."""
    submitted()
    cases = {
        ("submit", "h2.db", "local_aer", "--run", "first", *PARITY, "--shots", 500): (
            4,
            "another name",
        ),
        ("fetch", "first", "--out", "h2.db"): (2, "three files"),
        ("fetch", "first", "--plot", "h2.txt"): (2, ".png"),
        ("fetch", "second"): (4, 'there is no run "second"'),
        ("cancel", "second"): (4, 'there is no run "second"'),
    }
    shutil.copy("h2.db", "other.db")
    cases["fetch", "first", "--out", "other.db"] = (4, "another scan")
    assert hw("plan", "h2.db", "local_aer", "--shots", 9, "--out", "p.json").exit_code in {0, 2}
    for args, (code, answer) in cases.items():
        done = hw(*args)
        assert (done.exit_code, answer in done.stderr) == (code, True), done.output


def test_a_plan_is_submitted_as_it_is(folder):
    """Options of its own are refused, and another target, and a damaged plan."""
    assert hw("plan", "h2.db", "local_aer", "--shots", 400, "--out", "p.json").exit_code == 0
    for args, answer in (
        (["--shots", 9], "Leave out all options"),
        (["local_fake_manila"], "the plan is for local_aer"),
    ):
        done = hw("submit", "p.json", *args, "--run", "x")
        assert (done.exit_code, answer in done.stderr) == (2, True), done.output
    tree = json.loads(Path("p.json").read_text())
    Path("p.json").write_text(json.dumps(tree | {"schema": 99}))
    assert hw("submit", "p.json", "--run", "x").exit_code != 0
