"""What the commands ``qmlmat hw`` print with ``--json``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from qmlmat.cli.table import Output

if TYPE_CHECKING:
    from qmlmat.hardware.guards import JobReport
    from qmlmat.hardware.ledger.budget import Amounts, Budget
    from qmlmat.hardware.ledger.records import TaskRecord, Totals
    from qmlmat.report.measured_table import MeasuredRow


def finite(value: float | None) -> float | None:
    """Return a number that JSON can hold; ``None`` for another."""
    return value if value is not None and math.isfinite(value) else None


class TargetOutput(Output):
    """A target in a listing."""

    name: str = Field(description="Name.")
    title: str = Field(description="One line; of one that cannot be read, why.")
    provider: str = Field(description="Whose device it is; empty where it cannot be read.")
    device: str = Field(description="The device.")
    price: str = Field(description="Price of 10^6 shots, or of a second, in words.")
    date: str = Field(description="When the price was read.")


class TargetsOutput(Output):
    """The targets that a name finds."""

    kind: Literal["hw_targets"] = "hw_targets"
    targets: list[TargetOutput]


class HwCheckLine(Output):
    """One thing that was looked at."""

    name: str = Field(description="What was looked at.")
    verdict: Literal["ok", "warning", "error"]
    text: str = Field(description="What was found, and what to do.")


class HwCheckOutput(Output):
    """Whether a target can be used now; nothing was submitted."""

    kind: Literal["hw_check"] = "hw_check"
    target: str = Field(description="The target.")
    lines: list[HwCheckLine]


class AmountsOutput(Output):
    """Some of everything that is paid for."""

    seconds: float = Field(description="Time on the quantum processor (s).")
    usd: float = Field(description="Price (US dollars).")
    jobs: int = Field(description="Jobs.")
    shots: int = Field(description="Repetitions.")

    @classmethod
    def from_amounts(cls, amounts: Amounts) -> AmountsOutput:
        """Return amounts."""
        return cls(seconds=amounts.seconds, usd=amounts.usd, jobs=amounts.jobs, shots=amounts.shots)


class BudgetOutput(Output):
    """What a run may take; none where there is no limit."""

    max_qpu_seconds: float | None = Field(description="Time on the quantum processor (s).")
    max_usd: float | None = Field(description="Price (US dollars).")
    max_jobs: int | None = Field(description="Jobs.")
    max_shots: int | None = Field(description="Repetitions.")

    @classmethod
    def from_budget(cls, budget: Budget) -> BudgetOutput:
        """Return a budget."""
        return cls(**{name: getattr(budget, name) for name in cls.model_fields})


class ExpectedOutput(Output):
    """The error that is to be expected at a point."""

    point: str = Field(description="Where.")
    error: float | None = Field(description="Standard error by the shots (unit of the plan).")


class HwPlanOutput(Output):
    """What is to be measured, and what it takes."""

    kind: Literal["hw_plan"] = "hw_plan"
    title: str = Field(description="What is measured.")
    target: str = Field(description="Where.")
    key: str = Field(description="Hash of what is measured, and of what determines the answers.")
    unit: str = Field(description="Unit of the energies.")
    requests: int = Field(description="Requests.")
    bases: int = Field(description="Circuits in a basis of measurement, calibrations among them.")
    circuits: int = Field(description="The same at all their angles.")
    shots: list[int] = Field(description="Repetitions of each state, request by request.")
    executions: int = Field(description="Circuit executions.")
    seconds: float | None = Field(description="Time billed (s); none where time is not billed.")
    usd: float = Field(description="Price (US dollars).")
    price_source: str = Field(description="Where the price was read, and when.")
    jobs: int = Field(description="Jobs.")
    bytes: int = Field(description="Size of all circuits before they are transpiled.")
    largest_job_executions: int = Field(description="Executions of the largest job.")
    largest_job_bytes: int = Field(description="Size of the largest job.")
    reserved: AmountsOutput = Field(description="What is set aside, with the safety factor.")
    budget: BudgetOutput
    expected: list[ExpectedOutput] = Field(description="Errors by the shots alone, by point.")
    file: str | None = Field(description="Where the plan was written.")
    payloads: list[str] = Field(description="Files of a dry run.")


class HwTaskOutput(Output):
    """How far a task is."""

    task: int = Field(description="Number, from 1.")
    key: str = Field(description="Key by which its job is found again.")
    job: str | None = Field(description="The job's name at the provider.")
    state: str = Field(description="How far it is.")
    attempt: int = Field(description="Which job it is at, from 0.")
    shots: int = Field(description="Repetitions that are asked for.")
    reserved: AmountsOutput
    spent: AmountsOutput | None = Field(description="None where it is not known yet.")
    message: str = Field(description="Why it is where it is.")

    @classmethod
    def from_record(
        cls, number: int, record: TaskRecord, shots: int, spent: Amounts | None
    ) -> HwTaskOutput:
        """Return a task."""
        return cls(
            task=number,
            key=record.key,
            job=record.remote_id,
            state=record.state,
            attempt=record.attempt,
            shots=shots,
            reserved=AmountsOutput.from_amounts(record.reserved),
            spent=None if spent is None else AmountsOutput.from_amounts(spent),
            message=record.message,
        )


class TotalsOutput(Output):
    """What a run costs so far."""

    reserved: AmountsOutput
    spent: AmountsOutput
    budget: BudgetOutput
    states: dict[str, int] = Field(description="Number of tasks in each state.")

    @classmethod
    def from_totals(cls, totals: Totals) -> TotalsOutput:
        """Return totals."""
        return cls(
            reserved=AmountsOutput.from_amounts(totals.reserved),
            spent=AmountsOutput.from_amounts(totals.spent),
            budget=BudgetOutput.from_budget(totals.budget),
            states=dict(totals.states),
        )


class HwRunOutput(Output):
    """How far a run is."""

    kind: Literal["hw_run"] = "hw_run"
    run: str = Field(description="Its name.")
    target: str = Field(description="Where it goes.")
    ledger: str = Field(description="Folder in which it is written down.")
    complete: bool = Field(description="Whether every task is answered.")
    tasks: list[HwTaskOutput]
    totals: TotalsOutput
    notes: list[str] = Field(description="What a user should know.")


class HwRunLine(Output):
    """A run in a listing."""

    run: str = Field(description="Its name.")
    created: float = Field(description="When it was begun (s since 1970, UTC).")
    target: str = Field(description="Where it goes.")
    totals: TotalsOutput


class HwRunsOutput(Output):
    """The runs of a ledger."""

    kind: Literal["hw_runs"] = "hw_runs"
    ledger: str = Field(description="Folder in which they are written down.")
    runs: list[HwRunLine]


class HwCostLine(Output):
    """What one job was to cost, and what it cost."""

    task: int = Field(description="Number of the task, from 1.")
    job: str | None = Field(description="The job's name at the provider.")
    duplicate: bool = Field(description="Whether it was one too many, and cancelled.")
    estimated_seconds: float | None = Field(description="Time (s); none where not billed.")
    estimated_usd: float | None = Field(description="Price (US dollars); none of a duplicate.")
    estimated_shots: int | None = Field(description="Repetitions; none of a duplicate.")
    billed: AmountsOutput | None = Field(description="None where it is not known yet.")


class HwCostOutput(Output):
    """What a run's jobs were to cost beside what they cost."""

    kind: Literal["hw_cost"] = "hw_cost"
    run: str = Field(description="Its name.")
    jobs: list[HwCostLine]
    totals: TotalsOutput


class MeasuredOutput(Output):
    """One state at one point."""

    point: str = Field(description="Where.")
    state: int = Field(description="Number of the state, in the order of energy.")
    simulated: float = Field(description="What the simulator or the model says.")
    measured: float | None = Field(description="What the device says; none where nothing yet.")
    stderr: float | None = Field(description="Its standard error, by the shots alone.")
    difference: float | None = Field(description="Measured minus simulated.")
    flags: list[str] = Field(description="What is wrong with it.")

    @classmethod
    def from_row(cls, row: MeasuredRow) -> MeasuredOutput:
        """Return one row."""
        return cls(
            point=row.place,
            state=row.state,
            simulated=row.simulated,
            measured=row.measured,
            stderr=row.stderr,
            difference=row.difference,
            flags=list(row.flags),
        )


class SentinelOutput(Output):
    """What a job's state of known energy says."""

    job: int = Field(description="Number of the job, from 1.")
    exact: float | None = Field(description="Its energy.")
    measured: float | None = Field(description="What was measured.")
    stderr: float | None = Field(description="Its standard error.")
    shift: float | None = Field(description="Measured minus exact.")
    expected_shift: float | None = Field(
        description="The shift by the readout errors that the device reports."
    )
    flags: list[str] = Field(description="What is wrong with the job.")

    @classmethod
    def from_report(cls, number: int, report: JobReport | None) -> SentinelOutput:
        """Return what is known of a job."""
        reading = None if report is None else report.sentinel
        if report is None or reading is None:
            flags = [] if report is None else list(report.flags)
            nothing = dict.fromkeys(("exact", "measured", "stderr", "shift", "expected_shift"))
            return cls(job=number, flags=flags, **nothing)
        expected = None if report.expected is None else report.expected - reading.exact
        return cls(
            job=number,
            exact=reading.exact,
            measured=finite(reading.energy),
            stderr=finite(reading.stderr),
            shift=finite(report.shift),
            expected_shift=finite(expected),
            flags=list(report.flags),
        )


class RawOutput(Output):
    """The answer to one request, as it came."""

    request: int = Field(description="Number of the request, from 0.")
    of: str = Field(description="What it is of; empty where that is not known.")
    values: list[float | None] | None = Field(description="Expectations; none where nothing yet.")
    stderr: list[float | None] | None = Field(description="Their standard errors.")
    flags: list[str] = Field(description="What is wrong with it.")


class HwFetchOutput(Output):
    """What a run measured."""

    kind: Literal["hw_fetch"] = "hw_fetch"
    run: str = Field(description="Its name.")
    target: str = Field(description="Where it was measured.")
    complete: bool = Field(description="Whether every request is answered.")
    unit: str | None = Field(description="Unit of the energies; none without the source.")
    points: list[MeasuredOutput] = Field(description="Empty without the source.")
    raw: list[RawOutput] = Field(description="Expectations; empty where the source is known.")
    sentinels: list[SentinelOutput]
    store: str | None = Field(description="Where the measured scan is.")
    plot: str | None = Field(description="Where the figure is.")
    notes: list[str] = Field(description="What a user should know.")
