"""What a plan takes before anything is sent: executions, time, price, jobs, size."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qmlmat.errors import BudgetError
from qmlmat.hardware.adapters.base import Resources
from qmlmat.hardware.adapters.registry import make_adapter
from qmlmat.hardware.config import Target, limits, rates
from qmlmat.hardware.ledger.budget import Amounts, Budget, check_budget, reservation, total
from qmlmat.hardware.task import Task, to_plain


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What all jobs of a plan take."""

    jobs: tuple[Resources, ...]
    """What each takes; its size is that of its circuits before they are transpiled."""
    reserved: Amounts
    """What is set aside for all of them: time and price with the budget's safety factor."""
    source: str
    """Where prices were read, and when."""

    @property
    def n_executions(self) -> int:
        """Circuit executions."""
        return sum(one.n_executions for one in self.jobs)

    @property
    def n_circuits(self) -> int:
        """Circuits with angles and a basis of measurement."""
        return sum(one.n_circuits for one in self.jobs)

    @property
    def seconds(self) -> float | None:
        """Time on the quantum processor (s); ``None`` where the provider does not bill time."""
        known = [one.seconds for one in self.jobs if one.seconds is not None]
        return sum(known) if known else None

    @property
    def usd(self) -> float:
        """Price (US dollars)."""
        return sum(one.usd for one in self.jobs)

    @property
    def n_bytes(self) -> int:
        """Size of all circuits before they are transpiled."""
        return sum(one.n_bytes or 0 for one in self.jobs)


def cost_of(tasks: Sequence[Task], target: Target) -> Cost:
    """Return what tasks take; no network.

    Raises:
        BudgetError: If the price of the device is not known.
        MissingExtraError: If the provider's client is not installed.
    """
    price = rates(target)
    adapter = make_adapter(target, folder=Path())
    jobs = tuple(
        replace(adapter.estimate(task), n_bytes=sum(_size(one) for one in task.measured))
        for task in tasks
    )
    return Cost(
        jobs=jobs,
        reserved=total([reservation(one, target.budget.safety_factor) for one in jobs]),
        source=f"{price.source} ({price.date})",
    )


def _size(program: object) -> int:
    return len(json.dumps(to_plain(program)))  # type: ignore[arg-type]


def check_cost(cost: Cost, target: Target, *, run: str = "plan", remedy: str = "") -> None:
    """Raise where a plan is over its target's budget, or a job over a limit; nothing is sent.

    Args:
        cost: What is planned.
        target: Whose budget.
        run: Name of the run, for the message.
        remedy: What would fit.

    Raises:
        BudgetError: With every figure that is passed.
    """
    most = limits(target).max_payload_bytes
    largest = max((one.n_bytes or 0 for one in cost.jobs), default=0)
    if most is not None and largest > most:
        raise BudgetError(
            f"{target.name}: a job of {largest:,} bytes, and at most {most:,} are taken. Lower "
            "[mode] max_programs_per_job. Nothing was sent."
        )
    try:
        check_budget(run, Budget.of(target.budget), Amounts(), cost.reserved)
    except BudgetError as error:
        raise BudgetError(f"{error} {remedy}".strip()) from None


def is_affordable(cost: Cost, target: Target) -> bool:
    """Return whether a plan is within its target's budget and limits."""
    try:
        check_cost(cost, target)
    except BudgetError:
        return False
    return True
