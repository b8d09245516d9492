"""Tables of cloud devices: targets, what a plan takes, how far jobs are, what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from qmlmat.report.printed import house_table

if TYPE_CHECKING:
    from qmlmat.hardware.adapters.base import Resources
    from qmlmat.hardware.config import Rates
    from qmlmat.hardware.ledger.budget import Amounts, Budget
    from qmlmat.hardware.ledger.records import Bill, TaskRecord, Totals
    from qmlmat.hardware.plan import MeasurementPlan

_NONE: Final = "–"
_MEGA: Final = 1_000_000
_STYLES: Final = {"done": "green", "failed": "bold red", "refused": "bold red", "cancelled": "red"}
_UNKNOWN_STYLE: Final = "yellow"


@dataclass(frozen=True, kw_only=True)
class TargetRow:
    """A target in a listing."""

    name: str
    """Name."""
    title: str
    """One line; of one that cannot be read, why."""
    provider: str
    """Whose device it is."""
    device: str
    """The device."""
    price: str
    """Price in words."""
    date: str
    """When the price was read."""


def price_words(rates: Rates) -> str:
    """Return the price of a million shots, or of a second, in words."""
    if rates.is_free:
        return "free"
    parts = []
    if rates.usd_per_shot:
        parts.append(f"{_MEGA * rates.usd_per_shot:,.2f} USD per 10^6 shots")
    if rates.usd_per_second:
        parts.append(f"{rates.usd_per_second:g} USD a second")
    if rates.usd_per_task:
        parts.append(f"{rates.usd_per_task:g} USD a job")
    return " and ".join(parts)


def targets_table(rows: Sequence[TargetRow]) -> Table:
    """Return a table with one row for each target.

    Args:
        rows: The targets.
    """
    table = house_table()
    for name in ("name", "title", "provider", "device", "price", "read"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(row.name, row.title, row.provider, row.device, row.price, row.date)
    return table


def plan_table(plan: MeasurementPlan, *, title: str = "") -> Table:
    """Return what a plan takes beside what its budget and the provider's limits allow.

    Args:
        plan: The plan, shots chosen.
        title: What stands above.
    """
    from qmlmat.hardware.config import limits  # noqa: PLC0415 - figures from files

    cost, most = plan.cost, limits(plan.target)
    budget = plan.target.budget
    jobs = len(cost.jobs)
    table = house_table(title)
    table.add_column("")
    table.add_column("planned", justify="right", no_wrap=True)
    table.add_column("at most", justify="right", no_wrap=True)
    table.add_row("requests", f"{len(plan.requests):,}", "")
    table.add_row("circuits in a basis", f"{len(plan.bundle.sent):,}", "")
    table.add_row("circuits at their angles", f"{cost.n_circuits:,}", "")
    table.add_row("shots of a state", shots_words(plan), "")
    table.add_row("executions", f"{cost.n_executions:,}", f"{budget.max_shots:,}")
    table.add_row("jobs", f"{jobs:,}", f"{budget.max_jobs:,}")
    largest = max((one.n_executions for one in cost.jobs), default=0)
    table.add_row(
        "executions of the largest job", f"{largest:,}", _count(most.max_executions_per_job)
    )
    size = max((one.n_bytes or 0 for one in cost.jobs), default=0)
    table.add_row("bytes of the largest job", f"{size:,}", _count(most.max_payload_bytes))
    table.add_row("bytes of all jobs", f"{cost.n_bytes:,}", "")
    if cost.seconds is not None:
        reserved = f"{cost.seconds:,.1f} s, reserved {cost.reserved.seconds:,.0f} s"
        limit = budget.max_qpu_seconds
        table.add_row("time billed", reserved, _NONE if limit is None else f"{limit:,g} s")
    usd = f"{cost.usd:,.2f} USD"
    if round(cost.reserved.usd, 2) != round(cost.usd, 2):
        usd += f", reserved {cost.reserved.usd:,.2f} USD"
    table.add_row("price", usd, f"{budget.max_usd:,g} USD")
    return table


def shots_words(plan: MeasurementPlan) -> str:
    """Return how often states are repeated, all bases together, e.g. ``"2,000 to 8,192"``."""
    shots = sorted({one.shots or 0 for one in plan.chosen})
    return f"{shots[0]:,}" if len(shots) == 1 else f"{shots[0]:,} to {shots[-1]:,}"


def _count(value: int | None) -> str:
    return _NONE if value is None else f"{value:,}"


def expected_table(labels: Sequence[str], errors: Sequence[float | None], unit: str) -> Table:
    """Return a table of the errors by shots alone that are to be expected.

    Args:
        labels: Points.
        errors: Standard error of each (thousandths of the unit); ``None`` where unknown.
        unit: What they are in.
    """
    table = house_table()
    table.add_column("point", justify="right")
    table.add_column(f"expected ±\n{unit}", justify="right", no_wrap=True)
    for label, error in zip(labels, errors, strict=True):
        table.add_row(label, _NONE if error is None else f"{error:.2f}")
    return table


def tasks_table(
    tasks: Sequence[TaskRecord], bills: Sequence[Bill], shots: Mapping[str, int], *, title: str = ""
) -> Table:
    """Return a table of how far each job of a run is.

    Args:
        tasks: The run's tasks.
        bills: What its jobs cost.
        shots: Repetitions that each task asks for, by its key.
        title: What stands above.
    """
    table = house_table(title)
    table.add_column("task", justify="right", no_wrap=True)
    table.add_column("job at the provider", overflow="fold")
    table.add_column("state", no_wrap=True)
    for name in ("shots", "reserved", "spent"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("message", overflow="fold")
    spent = spent_by_task(bills)
    for number, one in enumerate(tasks, start=1):
        table.add_row(
            str(number),
            one.remote_id or _NONE,
            Text(one.state, style=_STYLES.get(one.state, _UNKNOWN_STYLE)),
            f"{shots[one.key]:,}",
            amount_words(one.reserved),
            amount_words(spent[one.key]) if one.key in spent else _NONE,
            Text(one.message),
        )
    return table


def spent_by_task(bills: Sequence[Bill]) -> dict[str, Amounts]:
    """Return what the jobs of each task cost together, by the task's key."""
    found: dict[str, Amounts] = {}
    for bill in bills:
        found[bill.key] = found[bill.key] + bill.amounts if bill.key in found else bill.amounts
    return found


def amount_words(amounts: Amounts) -> str:
    """Return time and price in words, e.g. ``"12 s, 0.50 USD"``; jobs where there is neither."""
    parts = []
    if amounts.seconds:
        parts.append(
            f"{amounts.seconds:,.3g} s" if amounts.seconds < 100 else f"{amounts.seconds:,.0f} s"
        )
    if amounts.usd:
        parts.append(f"{amounts.usd:,.2f} USD")
    if parts:
        return ", ".join(parts)
    return f"{amounts.shots:,} shots" if amounts.shots else _NONE


def totals_table(totals: Totals) -> Table:
    """Return a table of what a run has reserved and spent beside its budget.

    Args:
        totals: What it costs so far.
    """
    table = house_table()
    for name in ("", "reserved", "spent", "budget"):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    reserved, spent, budget = totals.reserved, totals.spent, totals.budget
    rows = (
        ("time (s)", reserved.seconds, spent.seconds, budget.max_qpu_seconds, "{:,.1f}"),
        ("price (USD)", reserved.usd, spent.usd, budget.max_usd, "{:,.2f}"),
        ("jobs", reserved.jobs, spent.jobs, budget.max_jobs, "{:,}"),
        ("shots", reserved.shots, spent.shots, budget.max_shots, "{:,}"),
    )
    for name, *values, form in rows:
        table.add_row(name, *(_NONE if one is None else form.format(one) for one in values))
    return table


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """A run in a listing."""

    name: str
    """Its name."""
    created: float
    """When it was begun (s since 1970, UTC)."""
    target: str
    """Where it goes."""
    totals: Totals
    """What it costs so far, and how far its tasks are."""


def runs_table(rows: Sequence[RunRow]) -> Table:
    """Return a table with one row for each run.

    Args:
        rows: The runs.
    """
    table = house_table()
    for name in ("run", "begun (UTC)", "target", "jobs", "spent", "reserved", "budget"):
        table.add_column(name, overflow="fold")
    for row in rows:
        totals = row.totals
        table.add_row(
            row.name,
            day_words(row.created),
            row.target,
            states_words(totals.states),
            amount_words(totals.spent),
            amount_words(totals.reserved),
            budget_words(totals.budget),
        )
    return table


def day_words(time: float) -> str:
    """Return a time (s since 1970) as date and minutes, in UTC."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M")


def states_words(states: Mapping[str, int]) -> str:
    """Return how many tasks are in each state, e.g. ``"2 done, 1 running"``."""
    return ", ".join(f"{number} {state}" for state, number in states.items()) or "none"


def budget_words(budget: Budget) -> str:
    """Return a budget in words, e.g. ``"300 s, 0 USD"``."""
    parts = [] if budget.max_qpu_seconds is None else [f"{budget.max_qpu_seconds:,g} s"]
    parts += [] if budget.max_usd is None else [f"{budget.max_usd:,g} USD"]
    return ", ".join(parts) or _NONE


@dataclass(frozen=True, kw_only=True)
class CostRow:
    """What one job was to cost, and what it cost."""

    task: int
    """Number of the task, from 1."""
    job: str | None
    """The job's name at the provider; ``None``: none was sent."""
    estimated: Resources | None
    """What was expected; ``None`` of a job that was one too many."""
    billed: Amounts | None
    """What was billed; ``None``: not known yet."""


def cost_table(rows: Sequence[CostRow]) -> Table:
    """Return a table of what jobs were to cost beside what was billed.

    Args:
        rows: One for each job.
    """
    table = house_table()
    table.add_column("task", justify="right")
    table.add_column("job at the provider", overflow="fold")
    for name in ("time (s)\nestimated", "\nbilled", "price (USD)\nestimated", "\nbilled"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("shots\nestimated", "\nbilled"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        planned, billed = row.estimated, row.billed
        table.add_row(
            str(row.task),
            row.job or _NONE,
            _figure(None if planned is None else planned.seconds, "{:,.1f}"),
            _figure(None if billed is None else billed.seconds, "{:,.1f}"),
            _figure(None if planned is None else planned.usd, "{:,.2f}"),
            _figure(None if billed is None else billed.usd, "{:,.2f}"),
            _figure(None if planned is None else planned.n_executions, "{:,}"),
            _figure(None if billed is None else billed.shots, "{:,}"),
        )
    return table


def _figure(value: float | None, form: str) -> str:
    return _NONE if value is None else form.format(value)
