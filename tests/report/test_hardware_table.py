"""Tables of devices: what a plan takes, how far jobs are, what they cost, what they measured."""

from dataclasses import replace

import numpy as np
import pytest
from scans import hydrogen

from qmlmat.backends.requests import Estimate
from qmlmat.errors import InputError
from qmlmat.hardware.adapters.base import Resources
from qmlmat.hardware.config import load_target, rates
from qmlmat.hardware.guards import JobReport
from qmlmat.hardware.ledger.budget import Amounts, Budget
from qmlmat.hardware.ledger.records import Bill, TaskRecord, Totals
from qmlmat.hardware.plan import MeasurementPlan
from qmlmat.hardware.sentinel import SentinelReading
from qmlmat.report.hardware_table import (
    CostRow,
    RunRow,
    amount_words,
    cost_table,
    plan_table,
    price_words,
    runs_table,
    tasks_table,
    totals_table,
)
from qmlmat.report.measured_table import (
    distinct_flags,
    measured_table,
    raw_table,
    scan_rows,
    sentinel_table,
)
from qmlmat.report.plots import draw_scan
from qmlmat.surfaces.measuring import flagged


def task(**changes):
    values = {
        "key": "k" * 64,
        "run": "h2",
        "step": 0,
        "part": 0,
        "role": "energy",
        "state": "running",
        "attempt": 0,
        "revision": 1,
        "remote_id": "job-1",
        "is_unwanted": False,
        "is_settled": False,
        "reserved": Amounts(seconds=12.0, usd=0.5, jobs=1, shots=400),
        "message": "",
        "changed": 0.0,
        "n_bad": 0,
    }
    files = dict.fromkeys(("payload", "payload_sha", "raw", "raw_sha", "calibration"))
    return TaskRecord(**(values | files | changes))


def bill(**changes):
    values = {
        "remote_id": "job-1",
        "key": "k" * 64,
        "attempt": 0,
        "is_extra": False,
        "amounts": Amounts(seconds=3.0, usd=0.25, jobs=1, shots=400),
    }
    return Bill(**(values | changes))


def measured(shift=5e-3, stderr=1e-3):
    """Hydrogen, as a device might have measured it."""
    scan = hydrogen()
    results = [
        replace(one, energies=one.energies + shift, stderr=np.full(1, stderr))
        for one in scan.results
    ]
    return replace(scan, results=tuple(results))


def test_prices_are_of_a_million_shots_or_a_second():
    """With what a job costs besides; free is said so."""
    words = {name: price_words(rates(load_target(name))) for name in ("ibm_open", "braket_garnet")}
    assert words == {
        "ibm_open": "free",
        "braket_garnet": "1,450.00 USD per 10^6 shots and 0.3 USD a job",
    }
    assert price_words(rates(load_target("ibm_payg"))) == "1.6 USD a second"


def test_a_plan_stands_beside_its_budget():
    """Executions are those of its cost; time has a line where it is billed."""
    requests = hydrogen().requests(points=[0, 1])
    plan = MeasurementPlan.from_requests(requests, load_target("ibm_open"), shots=1000)
    text = str(plan_table(plan, title="H2"))
    assert f"{plan.cost.n_executions:,}" in text
    assert "1,000,000" in text
    assert f"reserved {plan.cost.reserved.seconds:,.0f} s" in text
    assert "H2" in text


def test_tasks_have_their_job_and_what_was_spent_for_all_attempts():
    """Bills of one task are added; a task without one has a dash."""
    other = task(key="o" * 64, state="planned", remote_id=None, message="no room")
    bills = [bill(), bill(remote_id="job-0", attempt=1)]
    text = str(tasks_table([task(), other], bills, {"k" * 64: 400, "o" * 64: 400}))
    for word in ("job-1", "running", "12 s, 0.50 USD", "6 s, 0.50 USD", "planned", "no room"):
        assert word in text


@pytest.mark.parametrize(
    ("amounts", "words"),
    [
        (Amounts(), "–"),
        (Amounts(jobs=1, shots=1200), "1,200 shots"),
        (Amounts(seconds=0.25, shots=9), "0.25 s"),
        (Amounts(seconds=1234.0, usd=1.5), "1,234 s, 1.50 USD"),
    ],
)
def test_amounts_are_time_and_price(amounts, words):
    """Shots where there is neither."""
    assert amount_words(amounts) == words


def test_costs_are_estimated_beside_billed():
    """A job that was one too many has no estimate; one under way has no bill."""
    planned = Resources(n_executions=400, n_circuits=3, seconds=2.5, usd=0.2)
    rows = [
        CostRow(
            task=1, job="a", estimated=planned, billed=Amounts(seconds=3.0, usd=0.25, shots=400)
        ),
        CostRow(task=1, job="extra", estimated=None, billed=Amounts()),
        CostRow(task=2, job=None, estimated=planned, billed=None),
    ]
    lines = str(cost_table(rows)).splitlines()[-3:]
    assert [word in lines[0] for word in ("2.5", "3.0", "0.20", "0.25", "400")] == [True] * 5
    assert lines[1].count("–") == 3
    assert lines[2].count("–") == 4


def test_runs_and_totals_stand_beside_their_budget():
    """No limit is a dash."""
    totals = Totals(
        reserved=Amounts(seconds=12.0, jobs=1),
        spent=Amounts(seconds=3.0, usd=0.5, jobs=2),
        budget=Budget(max_qpu_seconds=300.0, max_usd=1.0),
        states={"done": 2, "running": 1},
    )
    text = str(totals_table(totals))
    assert "300.0" in text
    assert text.count("–") == 2
    row = RunRow(name="h2", created=0.0, target="ibm_open", totals=totals)
    for word in ("1970-01-01 00:00", "2 done, 1 running", "300 s, 1 USD", "3 s, 0.50 USD"):
        assert word in str(runs_table([row]))


def test_measured_rows_have_differences_and_numbered_flags():
    """A flag that many points share is one line; what is not measured is a dash."""
    scan, found = hydrogen(), measured()
    results = list(found.results)
    results[1] = flagged(results[1], ["drifted", "old"])
    results[2] = flagged(results[2], ["drifted"])
    results[3] = None
    rows = scan_rows(scan, replace(found, results=tuple(results)), range(4))
    assert [row.flags for row in rows] == [(), ("drifted", "old"), ("drifted",), ()]
    assert rows[0].difference == pytest.approx(5e-3)
    assert distinct_flags(rows) == ["drifted", "old"]
    lines = str(measured_table(rows, unit="hartree")).splitlines()[-4:]
    assert "5.00" in lines[0]
    assert lines[1].endswith("1, 2")
    assert lines[3].count("–") == 3


def test_flags_are_added_to_those_a_point_has():
    """Such a status is never a finished one."""
    point = flagged(flagged(measured().results[0], ["a"]), ["b"])
    assert point.status == "flagged: a; b"
    assert flagged(point, []) is point


def test_sentinels_show_their_shift():
    """A job without an answer has dashes."""
    reading = SentinelReading(energy=-1.0, stderr=1e-3, exact=-1.02)
    job = JobReport(sentinel=reading, expected=-1.01, flags=())
    lines = str(sentinel_table([job, None])).splitlines()[-2:]
    assert [word in lines[0] for word in ("-1.020000", "20.00", "10.00")] == [True] * 3
    assert lines[1].count("–") == 5


def test_expectations_are_shown_as_they_came_up_to_a_number():
    """The rest is counted."""
    answer = Estimate(values=np.full((80, 1), 0.5), variances=np.full((80, 1), 0.04), n_shots=9)
    text = str(raw_table(["here"], [answer]))
    assert text.count("0.500000  0.200000") == 60
    assert "and 20 more" in text
    assert "–" in str(raw_table((), [None]))


def test_measured_points_are_drawn_with_bars_beside_the_curve():
    """Filled, hollow where flagged; the error panel holds their bars; the caption says both."""
    found = measured()
    results = (*found.results[:3], flagged(found.results[3], ["drifted"]))
    found = replace(
        found,
        results=results,
        inputs={**found.inputs, "measured": {"target": {"name": "fez"}}},
    )
    figure = draw_scan(hydrogen(), measured=[found])
    upper, lower = figure.axes
    labels = upper.get_legend_handles_labels()[1]
    assert "VQE uccsd on fez" in labels
    drawn = [line for line in upper.lines if line.get_marker() == "D"]
    assert [len(line.get_xdata()) for line in drawn] == [3, 1]
    assert drawn[1].get_markerfacecolor() == "white"
    assert lower.get_ylim()[1] > 6.0
    caption = " ".join(" ".join(text.get_text().split()) for text in figure.texts)
    assert "Measured on fez" in caption
    assert "up to 5 mHa" in caption
    assert "1 of 4 points are flagged" in caption


def test_measured_points_of_another_scan_are_refused():
    """And maps have no bars."""
    scan = hydrogen()
    path = replace(scan.path, coordinates=scan.path.coordinates + 0.1)
    with pytest.raises(InputError, match=r"Give what scan\.measured"):
        draw_scan(scan, measured=[replace(measured(), path=path)])
    with pytest.raises(InputError, match="no bars"):
        draw_scan(scan, "contour", measured=[measured()])
