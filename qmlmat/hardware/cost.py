"""What a plan takes before anything is sent: executions, time, price, jobs, size."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from qmlmat.backends.qubits.jobs import Batch, CountJob
from qmlmat.errors import BudgetError
from qmlmat.hardware.adapters.base import Resources
from qmlmat.hardware.config import Target, limits, rates
from qmlmat.hardware.executions import estimator_executions
from qmlmat.hardware.task import Program, Task, to_plain


def n_executions(program: Program, target: Target) -> int:
    """Return the circuit executions of a program, those of the provider's mitigation among them.

    A counted program takes its shots at each point. Of a client's estimator it is
    ``S (F B P + T)``: ``S`` shots, ``F`` noise factors, ``B`` qubit-wise commuting bases, ``P``
    points, ``T = 1`` where the readout is calibrated.
    """
    if isinstance(program, CountJob):
        return len(program.angles) * program.shots
    return batch_executions(program, target)


def batch_executions(batch: Batch, target: Target) -> int:
    """Return the executions of expectations by a client's estimator; see ``n_executions``."""
    resilience = getattr(target, "resilience", None)
    level = 0 if resilience is None else resilience.level
    factors = () if resilience is None else resilience.zne_factors
    return estimator_executions(
        batch.sums,
        n_points=len(batch.angles),
        shots=batch.shots or 0,
        level=level,
        noise_factors=factors,
    )


def task_resources(task: Task, target: Target) -> Resources:
    """Return what a task takes; no network."""
    known, price = limits(target), rates(target)
    executions = sum(n_executions(one, target) for one in task.measured)
    seconds = known.overhead_s + executions * (known.rep_delay_s + known.circuit_s)
    billed = max(seconds, price.least_seconds)
    usd = price.usd_per_task + price.usd_per_shot * executions + price.usd_per_second * billed
    bills_time = target.provider == "ibm" or price.usd_per_second > 0
    return Resources(
        n_executions=executions,
        n_circuits=task.n_circuits,
        seconds=seconds if bills_time else None,
        usd=usd,
        n_bytes=sum(len(json.dumps(to_plain(one))) for one in task.measured),
    )


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What all jobs of a plan take."""

    jobs: tuple[Resources, ...]
    """What each takes."""
    n_shots: int
    """Repetitions of all circuits together."""
    safety_factor: float
    """Factor by which time and price are reserved."""
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
        """Size of all circuits, before they are transpiled."""
        return sum(one.n_bytes or 0 for one in self.jobs)


def cost_of(tasks: Sequence[Task], target: Target) -> Cost:
    """Return what tasks take.

    Raises:
        BudgetError: If the price of the device is not known.
    """
    price = rates(target)
    return Cost(
        jobs=tuple(task_resources(task, target) for task in tasks),
        n_shots=sum(task.n_shots for task in tasks),
        safety_factor=target.budget.safety_factor,
        source=f"{price.source} ({price.date})",
    )


def excesses(cost: Cost, target: Target) -> list[str]:
    """Return how a cost is over its budget, one phrase for each of its limits."""
    budget = target.budget
    known = limits(target)
    rows: list[tuple[str, float | None, float | None, str]] = [
        ("max_jobs", len(cost.jobs), budget.max_jobs, "jobs"),
        ("max_shots", cost.n_shots, budget.max_shots, "shots"),
        ("max_usd", cost.usd * cost.safety_factor, budget.max_usd, "USD"),
        (
            "max_qpu_seconds",
            None if cost.seconds is None else cost.seconds * cost.safety_factor,
            budget.max_qpu_seconds,
            "s on the processor",
        ),
        (
            "limits.max_payload_bytes",
            max((job.n_bytes or 0 for job in cost.jobs), default=0),
            known.max_payload_bytes,
            "bytes in a job",
        ),
    ]
    return [
        f"{_number(value)} {unit}, {name} = {_number(most)}"
        for name, value, most, unit in rows
        if value is not None and most is not None and value > most * (1 + 1e-12)
    ]


def check_budget(cost: Cost, target: Target, *, remedy: str = "") -> None:
    """Raise where a cost is over its target's budget; nothing has been sent.

    Args:
        cost: What is planned.
        target: Whose budget.
        remedy: What would fit.

    Raises:
        BudgetError: With every limit that is passed.
    """
    over = excesses(cost, target)
    if over:
        raise BudgetError(
            f"{target.name}: the plan takes {'; '.join(over)}. Nothing was sent. "
            + (remedy or "Raise the budget, lower the shots, or measure fewer points.")
        )


def _number(value: float) -> str:
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.2f}" if value >= 0.01 else f"{value:.2g}"


def reserved_seconds(resources: Resources, safety_factor: float) -> int | None:
    """Return the time reserved for a job, and its limit at the provider (s)."""
    if resources.seconds is None:
        return None
    return math.ceil(resources.seconds * safety_factor)
