"""What a run may spend, and whether more fits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Protocol

from qmlmat.errors import BudgetError
from qmlmat.hardware.adapters.base import Resources, Spent

_TOLERANCE = 1e-9
"""Relative error of a sum of floats that is no excess."""


class Caps(Protocol):
    """What a configuration's ``[budget]`` says."""

    @property
    def max_qpu_seconds(self) -> float | None:
        """Time on the quantum processor (s)."""
        ...

    @property
    def max_usd(self) -> float | None:
        """Price (US dollars)."""
        ...

    @property
    def max_jobs(self) -> int | None:
        """Jobs sent."""
        ...

    @property
    def max_shots(self) -> int | None:
        """Repetitions."""
        ...

    @property
    def safety_factor(self) -> float:
        """How many times the estimated time a job may take."""
        ...


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a run may spend; ``None`` where there is no limit."""

    max_qpu_seconds: float | None = None
    """Time on the quantum processor (s)."""
    max_usd: float | None = None
    """Price (US dollars)."""
    max_jobs: int | None = None
    """Jobs sent."""
    max_shots: int | None = None
    """Repetitions."""
    safety_factor: float = 1.2
    """How many times the estimated time a job may take before it is stopped."""

    @classmethod
    def of(cls, caps: Caps) -> Budget:
        """Return the budget that a configuration states."""
        return cls(**{one.name: getattr(caps, one.name) for one in fields(cls)})

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """Some of everything that is paid for."""

    seconds: float = 0.0
    """Time on the quantum processor (s)."""
    usd: float = 0.0
    """Price (US dollars)."""
    jobs: int = 0
    """Jobs."""
    shots: int = 0
    """Repetitions."""

    def __add__(self, other: Amounts) -> Amounts:
        """Return the sum."""
        return Amounts(
            seconds=self.seconds + other.seconds,
            usd=self.usd + other.usd,
            jobs=self.jobs + other.jobs,
            shots=self.shots + other.shots,
        )


def total(amounts: Sequence[Amounts]) -> Amounts:
    """Return the sum of amounts, rounded once."""
    return Amounts(
        seconds=math.fsum(one.seconds for one in amounts),
        usd=math.fsum(one.usd for one in amounts),
        jobs=sum(one.jobs for one in amounts),
        shots=sum(one.shots for one in amounts),
    )


def reservation(resources: Resources, safety_factor: float) -> Amounts:
    """Return the most that a job can cost.

    A job is stopped after ``ceil(safety_factor * estimate)`` seconds, so that is what is set aside,
    and a price that follows from time grows with it. Other prices are what they are.

    Args:
        resources: The estimate.
        safety_factor: How many times the estimated time it may take.
    """
    seconds, usd = 0.0, resources.usd
    if resources.seconds:
        seconds = float(math.ceil(safety_factor * resources.seconds))
        usd *= seconds / resources.seconds
    return Amounts(seconds=seconds, usd=usd, jobs=1, shots=resources.n_executions)


def actual(spent: Spent, reserved: Amounts) -> Amounts:
    """Return what a job cost; what the provider does not tell counts as it was reserved."""
    return Amounts(
        seconds=reserved.seconds if spent.seconds is None else spent.seconds,
        usd=reserved.usd if spent.usd is None else spent.usd,
        jobs=1,
        shots=reserved.shots if spent.n_shots is None else spent.n_shots,
    )


def check_budget(run: str, budget: Budget, committed: Amounts, wanted: Amounts) -> None:
    """Refuse what does not fit beside what is reserved and spent.

    Args:
        run: Name of the run.
        budget: Its caps.
        committed: What is reserved and spent.
        wanted: What is asked for.

    Raises:
        BudgetError: If a cap would be exceeded; it names each with the figures.
    """
    after = committed + wanted
    lines, raises = [], []
    for cap, amount, unit in (
        ("max_qpu_seconds", "seconds", " s"),
        ("max_usd", "usd", " USD"),
        ("max_jobs", "jobs", " jobs"),
        ("max_shots", "shots", " shots"),
    ):
        limit, needed = getattr(budget, cap), getattr(after, amount)
        if limit is None or needed <= limit * (1 + _TOLERANCE):
            continue
        used, more = getattr(committed, amount), getattr(wanted, amount)
        spoken = [f"{one:,}" if isinstance(one, int) else f"{one:,.6g}" for one in (more, used)]
        lines.append(
            f"{spoken[0]}{unit} more beside {spoken[1]}{unit} reserved or spent, {cap}={limit}"
        )
        # rounded up to what can be typed: the figure given must be enough
        enough = needed if isinstance(needed, int) else math.ceil(needed * 100) / 100
        raises.append(f"{cap} to {enough:g}" if enough < 1e5 else f"{cap} to {math.ceil(enough)}")
    if lines:
        raise BudgetError(
            f'run "{run}": {"; ".join(lines)}. None of these {wanted.jobs} jobs was sent. In '
            f"[budget] raise {' and '.join(raises)}, or ask for fewer shots."
        )
