"""The benchmark suite's bookkeeping, on one tiny run. Times are never judged."""

from __future__ import annotations

import json
import statistics
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.__main__ import measure
from benchmarks.parent import Peer, Timing, WorkerError, one_worker
from benchmarks.programs import FFSIM, LIGHTNING, OWN_SIGMA, SIGMA, STANDARD, TENCIRCHEM, Entry
from benchmarks.table import ratios
from benchmarks.targets import targets


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """H4 once: our child, the yardstick, a peer that cannot be imported, one without a venv."""
    stub = tmp_path_factory.mktemp("stub")
    (stub / "pennylane.py").write_text("raise ModuleNotFoundError('No module named pennylane')\n")
    hidden = replace(LIGHTNING, environment={"PYTHONPATH": str(stub)})
    absent = replace(TENCIRCHEM, python=stub / "bin" / "python")
    entries = (
        *(e for e in STANDARD if e.title in {"qmlmat", OWN_SIGMA, SIGMA.name}),
        Entry(hidden, "uccsd", "lightning.qubit adjoint", (4,)),
        Entry(absent, "uccsd", "TenCirChem-NG numpy, our list", (4,)),
        Entry(SIGMA, "no such job", "a failing job", (4,)),
    )
    return measure(entries, atoms=(4,), rounds={4: 1})


def test_a_run_records_what_a_reader_needs_to_judge_it(results):
    (row,) = results["chains"]
    own = row["entries"]["qmlmat"]
    assert (row["atoms"], row["dimension"], row["generators"]) == (4, 36, 26)
    assert (own["status"], own["runs"], own["gates"]) == ("ok", 1, 26)
    assert 0 < own["min"] <= own["median"] <= own["max"]
    assert row["entries"]["PySCF sigma build"]["ours_in_its"] > 0
    assert results["about"]["threads"] == 1
    assert set(results["about"]["machine"]) == {"cpu", "cores", "os", "python"}
    assert set(results["versions"]) == {"qmlmat", "PySCF sigma build"}
    assert results["peak_memory"]["qmlmat"] > 0
    assert results["checks"]
    assert all(check["ok"] for check in results["checks"])
    assert json.loads(json.dumps(results)) == results


def test_a_missing_peer_is_reported_as_missing_and_wins_nothing(results):
    entries = results["chains"][0]["entries"]
    for title in ("lightning.qubit adjoint", "TenCirChem-NG numpy, our list"):
        assert entries[title]["status"] == "missing"
        assert "ratio" not in entries[title]
    assert "pennylane" in entries["lightning.qubit adjoint"]["reason"]
    assert "make bench PEERS=all" in entries["TenCirChem-NG numpy, our list"]["reason"]
    assert "missing: " in report.text(results)
    assert "| missing |" in report.markdown(results)
    assert {line["status"] for line in results["targets"]} == {"not measured"}


def test_a_failing_job_leaves_one_line(results):
    failing = results["chains"][0]["entries"]["a failing job"]
    assert failing["status"] == "failed"
    assert "\n" not in failing["reason"]


def test_ratios_are_those_of_the_medians():
    own, peer = Timing((1.0, 2.0, 90.0)), Timing((30.0, 6.0, 6.0))
    assert (own.median, peer.median) == (statistics.median(own.seconds), 6.0)
    gradient = Entry(LIGHTNING, "uccsd", "peer", (4,))
    assert ratios(gradient, peer, own, 10, 10) == pytest.approx(
        {"ratio": 3.0, "per_generator": 3.0}
    )
    own_list = replace(gradient, equal_list=False)
    assert ratios(own_list, peer, own, 5, 10) == pytest.approx({"per_generator": 6.0})
    state = Entry(FFSIM, "lucj state", "state", (4,), "state")
    assert ratios(state, peer, own, None, 10) == pytest.approx({"ratio": 3.0})


def test_the_speed_target_is_not_met_while_a_chemistry_peer_is_missing():
    fast = {"status": "ok", "per_generator": 20.0}
    entries = {
        "TenCirChem-NG jax, our list": fast,
        "MindQuantum mqchem, our list": {"status": "missing", "reason": "no environment"},
    }
    found = targets({"chains": [{"atoms": 8, "entries": entries}], "extras": {}})
    line = next(line for line in found if line["what"].startswith("H8: per generator"))
    assert (line["measured"], line["status"]) == (20.0, "not measured")
    entries["MindQuantum mqchem, our list"] = {"status": "ok", "per_generator": 16.0}
    found = targets({"chains": [{"atoms": 8, "entries": entries}], "extras": {}})
    line = next(line for line in found if line["what"].startswith("H8: per generator"))
    assert (line["measured"], line["status"]) == (16.0, "met")


def test_a_child_that_dies_gives_its_last_words():
    broken = Peer(name="broken", module="no_such_module", python=Path(sys.executable))
    with pytest.raises(WorkerError, match=r"failed: .*no_such_module"), one_worker(broken):
        pass
