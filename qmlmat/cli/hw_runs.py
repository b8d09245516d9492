"""What the commands do that send a run, go on with it, look at it, and end it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qmlmat.cli.hw_choice import PlanChoice, SourceChoice
from qmlmat.cli.hw_ledger import checked_name, command, open_ledger, target_of
from qmlmat.cli.hw_output import (
    AmountsOutput,
    HwCostLine,
    HwCostOutput,
    HwRunLine,
    HwRunOutput,
    HwRunsOutput,
    HwTaskOutput,
    TotalsOutput,
)
from qmlmat.cli.hw_plan import check_affordable, is_plan, make_plan
from qmlmat.cli.hw_watch import Watch, task_shots
from qmlmat.cli.screen import ExitCode, Screen
from qmlmat.errors import ConfigError, QmlmatError
from qmlmat.hardware.adapters.registry import make_adapter
from qmlmat.hardware.config import load_target
from qmlmat.hardware.ledger.ledger import Ledger
from qmlmat.hardware.ledger.states import UNKNOWN, UNSENT
from qmlmat.hardware.plan import MeasurementPlan
from qmlmat.hardware.runs import PlanRun, retry_rules
from qmlmat.hardware.submission import Submission
from qmlmat.report.hardware_table import (
    CostRow,
    RunRow,
    amount_words,
    cost_table,
    runs_table,
    spent_by_task,
    states_words,
    tasks_table,
    totals_table,
)


def submit(
    screen: Screen, choice: PlanChoice | Path, *, run: str, ledger: Path | None, wait: bool
) -> ExitCode:
    """Send a plan, and wait for its answers; under a name that is there, go on with that run.

    Args:
        screen: Where results go.
        choice: What is measured, or the file of a plan.
        run: The run's name.
        ledger: Folder of the ledger, as it was typed.
        wait: Whether answers are waited for.

    Raises:
        BudgetError: If it is over the budget; the network was not used.
        LedgerError: If a run of this name measures something else.
        HardwareError: What the provider says.
    """
    checked_name(run)
    screen.on_interrupt = "Nothing was sent."
    plan = MeasurementPlan.load(choice) if isinstance(choice, Path) else make_plan(choice)[0]
    check_affordable(plan)
    with open_ledger(ledger, create=True) as opened:
        screen.on_interrupt = _going_on(run, ledger)
        found = PlanRun.start(plan, opened, name=run)
        cost = amount_words(plan.cost.reserved)
        screen.hint(f"{len(plan.cost.jobs)} jobs on {plan.target.name}, at most {cost}.")
        return _drive(screen, found.submission, opened, run, ledger=ledger, wait=wait)


def chosen(choice: PlanChoice) -> PlanChoice | Path:
    """Return what is to be planned, or the file of a plan where one was named.

    Args:
        choice: What was typed; the target is empty where none was.

    Raises:
        ConfigError: If a source has no target, or a plan comes with options of its own.
    """
    file = choice.source.file
    if not is_plan(file):
        if not choice.target:
            raise ConfigError(
                f"qmlmat hw submit {file}: where? Name a target after it: qmlmat hw submit {file} "
                "TARGET; qmlmat hw check lists them."
            )
        return choice
    if choice != PlanChoice(source=SourceChoice(file=file), target=choice.target):
        raise ConfigError(
            f"qmlmat hw submit {file}: a plan says how it is measured. Leave out all options but "
            "--run, --ledger and --no-wait, or plan again."
        )
    kept = MeasurementPlan.load(file).target
    if choice.target and load_target(choice.target) != kept:
        raise ConfigError(
            f"qmlmat hw submit {file} {choice.target}: the plan is for {kept.name}, as it was "
            "then. Leave the target out, or plan again."
        )
    return file


def resume(screen: Screen, run: str, *, ledger: Path | None) -> ExitCode:
    """Go on with a run and wait for its answers.

    Raises:
        LedgerError: If there is no such run, or a solver drives it.
        HardwareError: What the provider says.
    """
    screen.on_interrupt = _going_on(run, ledger)
    with open_ledger(ledger) as opened:
        found = PlanRun.resume(opened, run)
        return _drive(screen, found.submission, opened, run, ledger=ledger, wait=True)


def _going_on(run: str, ledger: Path | None) -> str:
    return f"Nothing is cancelled; go on with: {command('resume', run, ledger)}"


def _drive(
    screen: Screen,
    submission: Submission,
    opened: Ledger,
    run: str,
    *,
    ledger: Path | None,
    wait: bool,
) -> ExitCode:
    try:
        with Watch(screen, opened, run) as watch:
            progress = submission.wait(watch=watch, until="answered" if wait else "sent")
    except QmlmatError:
        _show(screen, opened, run, document=False)
        screen.hint(f"When that is mended, go on with: {command('resume', run, ledger)}")
        raise
    return _end(screen, opened, run, progress.notes, ledger=ledger)


def _end(
    screen: Screen, opened: Ledger, run: str, notes: Sequence[str], *, ledger: Path | None
) -> ExitCode:
    """Show a run, and what to do next."""
    states = _show(screen, opened, run, notes)
    screen.hint(_next_step(states, run, ledger))
    bad = set(states) & {"failed", "refused", "cancelled"}
    return ExitCode.NOT_CONVERGED if bad else ExitCode.OK


def _next_step(states: Sequence[str], run: str, ledger: Path | None) -> str:
    if set(states) <= {"done"}:
        return f"All is measured. See the results: {command('fetch', run, ledger)}"
    if set(states) & {*UNSENT, *UNKNOWN}:
        return f"Not all is sent. Go on: {command('resume', run, ledger)}"
    if set(states) <= {"done", "failed", "cancelled"}:
        fetch = command("fetch", run, ledger)
        return f"{states_words(_counts(states))}. What is measured: {fetch}"
    return f"All is sent. Wait for answers: {command('resume', run, ledger)}"


def _counts(states: Sequence[str]) -> dict[str, int]:
    return {state: list(states).count(state) for state in dict.fromkeys(states)}


def _show(
    screen: Screen,
    opened: Ledger,
    run: str,
    notes: Sequence[str] = (),
    *,
    document: bool = True,
) -> list[str]:
    """Print a run's tasks and what it costs; return the states of its tasks."""
    records, bills, totals = opened.tasks(run), opened.bills(run), opened.totals(run)
    shots, spent = task_shots(opened, run), spent_by_task(bills)
    target = target_of(opened, run).name
    screen.say(tasks_table(records, bills, shots, title=f"{run} on {target}"), totals_table(totals))
    for note in notes:
        screen.say(f"Note: {note}")
    if document:
        tasks = [
            HwTaskOutput.from_record(number, one, shots[one.key], spent.get(one.key))
            for number, one in enumerate(records, start=1)
        ]
        screen.document(
            HwRunOutput(
                run=run,
                target=target,
                ledger=str(opened.folder),
                complete=all(one.state == "done" for one in records),
                tasks=tasks,
                totals=TotalsOutput.from_totals(totals),
                notes=list(notes),
            )
        )
    return [one.state for one in records]


def status(screen: Screen, run: str | None, *, ledger: Path | None) -> ExitCode:
    """Show a run's tasks, or list all runs, as they are written down; the network is not used.

    Raises:
        LedgerError: If there is no such run, or no ledger.
    """
    screen.on_interrupt = "Nothing is cancelled."
    with open_ledger(ledger) as opened:
        if run is not None:
            _show(screen, opened, run)
            return ExitCode.OK
        rows = [
            RunRow(
                name=one.name,
                created=one.created,
                target=target_of(opened, one.name).name,
                totals=opened.totals(one.name),
            )
            for one in opened.runs()
        ]
        lines = [
            HwRunLine(
                run=row.name,
                created=row.created,
                target=row.target,
                totals=TotalsOutput.from_totals(row.totals),
            )
            for row in rows
        ]
        screen.document(HwRunsOutput(ledger=str(opened.folder), runs=lines))
        screen.say(runs_table(rows), f"Ledger: {opened.folder}")
    return ExitCode.OK


def cost(screen: Screen, run: str, *, ledger: Path | None) -> ExitCode:
    """Show what each job was to cost beside what it cost; the network is not used.

    Raises:
        LedgerError: If there is no such run, or no ledger.
    """
    with open_ledger(ledger) as opened:
        adapter = make_adapter(target_of(opened, run), folder=opened.folder)
        bills = opened.bills(run)
        rows: list[tuple[CostRow, bool]] = []
        for number, record in enumerate(opened.tasks(run), start=1):
            own = [bill for bill in bills if bill.key == record.key]
            planned = adapter.estimate(opened.task(record.key))
            kept = [bill for bill in own if not bill.is_extra]
            if record.remote_id not in {bill.remote_id for bill in kept}:
                job = record.remote_id  # under way, or none yet
                row = CostRow(task=number, job=job, estimated=planned, billed=None)
                rows.append((row, False))
            for bill in own:
                row = CostRow(
                    task=number,
                    job=bill.remote_id,
                    estimated=None if bill.is_extra else planned,
                    billed=bill.amounts,
                )
                rows.append((row, bill.is_extra))
        totals = opened.totals(run)
        _show_cost(screen, run, rows, TotalsOutput.from_totals(totals))
        screen.say(totals_table(totals))
    return ExitCode.OK


def _show_cost(
    screen: Screen, run: str, rows: Sequence[tuple[CostRow, bool]], totals: TotalsOutput
) -> None:
    lines = [
        HwCostLine(
            task=row.task,
            job=row.job,
            duplicate=is_extra,
            estimated_seconds=None if row.estimated is None else row.estimated.seconds,
            estimated_usd=None if row.estimated is None else row.estimated.usd,
            estimated_shots=None if row.estimated is None else row.estimated.n_executions,
            billed=None if row.billed is None else AmountsOutput.from_amounts(row.billed),
        )
        for row, is_extra in rows
    ]
    screen.document(HwCostOutput(run=run, jobs=lines, totals=totals))
    screen.say(cost_table([row for row, _ in rows]))
    if any(is_extra for _, is_extra in rows):
        screen.say("Note: jobs without an estimate were one too many, and were cancelled.")


def cancel(screen: Screen, run: str, *, ledger: Path | None) -> ExitCode:
    """Stop what is not finished: what was not sent never is, jobs are stopped at the provider.

    Raises:
        LedgerError: If there is no such run, or no ledger.
        HardwareError: What the provider says.
    """
    screen.on_interrupt = f"Not all is cancelled; go on with: {command('cancel', run, ledger)}"
    with open_ledger(ledger) as opened:
        target = target_of(opened, run)
        adapter = make_adapter(target, folder=opened.folder)
        progress = Submission(opened, run, adapter, retry=retry_rules(target)).cancel()
        states = _show(screen, opened, run, progress.notes)
    if set(states) & {*UNSENT, *UNKNOWN, "submitted", "running", "fetched"}:
        screen.hint(f"Not all has ended. Look again: {command('cancel', run, ledger)}")
    return ExitCode.OK
