"""What ``qmlmat hw fetch`` does: answers become energies, a store and a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qmlmat.backends.requests import Estimate
from qmlmat.cli.hw_ledger import command, open_ledger
from qmlmat.cli.hw_output import HwFetchOutput, MeasuredOutput, RawOutput, SentinelOutput, finite
from qmlmat.cli.hw_scan_source import ScanSource
from qmlmat.cli.hw_sources import Source, reopened
from qmlmat.cli.screen import ExitCode, Screen
from qmlmat.errors import ConfigError, QmlmatError
from qmlmat.hardware.ledger.states import FINAL, UNKNOWN, UNSENT
from qmlmat.hardware.runs import PlanRun, RunResult
from qmlmat.report import check_plot_file, plot_scan
from qmlmat.report.measured_table import (
    MeasuredRow,
    distinct_flags,
    measured_table,
    raw_table,
    sentinel_table,
)
from qmlmat.surfaces.keeping import check_measured_place, measured_inputs, save_measured

if TYPE_CHECKING:
    from qmlmat.hardware.plan import MeasurementPlan


@dataclass(frozen=True, kw_only=True)
class Results:
    """What a run measured, with what it was made of."""

    run: PlanRun
    """The run."""
    found: RunResult
    """Its answers."""
    source: Source | None
    """What was measured; ``None``: it has gone or changed."""
    notes: tuple[str, ...]
    """What a user should know."""


def fetch(
    screen: Screen, run: str, *, ledger: Path | None, out: Path | None, plot: Path | None
) -> ExitCode:
    """Ask once for what is not there yet, and show, keep and draw what is measured.

    Raises:
        LedgerError: If there is no such run, or a solver drives it.
        StoreError: If the store cannot be written, or holds something else.
        ConfigError: If files are named that a source does not have.
        HardwareError: What the provider says.
    """
    screen.on_interrupt = f"Nothing is cancelled; try again: {command('fetch', run, ledger)}"
    with open_ledger(ledger) as opened:
        found = PlanRun.resume(opened, run)
        source, notes = _source(found.plan)
        places = None if source is None else _places(source, found, out, plot)
        notes += _collect(screen, found, command("resume", run, ledger))
        results = Results(run=found, found=found.result(), source=source, notes=notes)
        if source is None:
            return _show_raw(screen, results)
        return _show(screen, results, source, places)


def _source(plan: MeasurementPlan) -> tuple[Source | None, tuple[str, ...]]:
    """Return what was measured, as it was; else why there are only expectations."""
    try:
        return reopened(plan.source), ()
    except QmlmatError as error:
        reason = " ".join(str(error).split()).rstrip(".")
        return None, (f"{reason}. What was measured is shown as it came.",)


def _collect(screen: Screen, found: PlanRun, resume: str) -> tuple[str, ...]:
    """Ask the provider once for what is not answered; nothing is sent that was not."""
    states = set(found.submission.states().values())
    if states <= FINAL:
        return ()
    if states & {*UNSENT, *UNKNOWN}:
        return (f"Not all is sent. Go on: {resume}",)
    with screen.progress(f"asking {found.adapter.name}"):
        progress = found.submission.advance()
    if progress.is_over:
        return progress.notes
    return (*progress.notes, f"Not all is answered yet. Wait for it: {resume}")


def _show(
    screen: Screen, results: Results, source: Source, places: tuple[Path, Path] | None
) -> ExitCode:
    answers, flags = results.found.answers, results.found.flags
    store = figure = None
    if isinstance(source, ScanSource):
        measured = source.measured(answers, flags)
        rows = source.rows_of(measured)
        assert places is not None
        store, figure = places
        kept = save_measured(measured, store, device=measured_by(results.run))
        plot_scan(source.scan, figure, measured=[kept])
    else:
        rows = source.rows(answers, flags)
    screen.document(_output(results, rows, source.unit, store, figure))
    first = "simulated" if isinstance(source, ScanSource) else "model"
    title = f"{source.title} on {results.run.plan.target.name}"
    screen.say(measured_table(rows, unit=source.unit, title=title, first=first))
    screen.say(*(f"Flag {k}: {flag}" for k, flag in enumerate(distinct_flags(rows), start=1)))
    _say_end(screen, results)
    if store is not None:
        screen.say(f"Store:  {store}", f"Figure: {figure}")
    is_good = results.found.is_complete and not any(row.flags for row in rows)
    return ExitCode.OK if is_good else ExitCode.NOT_CONVERGED


def measured_by(run: PlanRun) -> dict[str, object]:
    """Return what measured a scan, as its store keeps it."""
    target = run.plan.target
    return {
        "run": run.name,
        "plan": run.plan.key,
        "target": {"name": target.name, **target.fingerprint()},
    }


def _places(
    source: Source, run: PlanRun, out: Path | None, plot: Path | None
) -> tuple[Path, Path] | None:
    """Return the files of the store and the figure, by default beside the scan.

    Raises:
        ConfigError: If two of them are one, or files are named for a model.
        InputError: If a figure cannot be written there.
        StoreError: If the store is there and holds something else.
    """
    if not isinstance(source, ScanSource):
        if out or plot:
            raise ConfigError(
                f"qmlmat hw fetch {run.name}: --out and --plot are of scans, and this is a model. "
                "Leave them out; --json has every number."
            )
        return None
    file = source.file
    store = out or file.with_name(f"{file.stem}.{run.name}.db")
    figure = plot or store.with_name(f"{store.name.removesuffix('.db')}.png")
    whole = [one.expanduser().resolve() for one in (store, figure, file)]
    if len(set(whole)) < len(whole):
        raise ConfigError(
            f'"{store}": the store, the figure and the scan are three files. Choose other names: '
            "--out FILE or --plot FILE"
        )
    check_measured_place(whole[0], measured_inputs(source.scan, measured_by(run)))
    return store, check_plot_file(figure)


def _show_raw(screen: Screen, results: Results) -> ExitCode:
    """Show expectations as they came: what they are of is not known any more."""
    labels = results.run.plan.labels
    screen.document(_output(results, [], None, None, None))
    screen.say(raw_table(labels, results.found.answers))
    for number, flags in enumerate(results.found.flags):
        screen.say(*(f"Flag of request {number}: {flag}" for flag in flags))
    _say_end(screen, results)
    return ExitCode.NOT_CONVERGED


def _say_end(screen: Screen, results: Results) -> None:
    if any(job is not None and job.sentinel is not None for job in results.found.jobs):
        screen.say(sentinel_table(results.found.jobs))
    for number, job in enumerate(results.found.jobs, start=1):
        screen.say(*(f"Job {number}: {flag}" for flag in (() if job is None else job.flags)))
    screen.say(*(f"Note: {note}" for note in results.notes))


def _output(
    results: Results,
    rows: Sequence[MeasuredRow],
    unit: str | None,
    store: Path | None,
    figure: Path | None,
) -> HwFetchOutput:
    found, plan = results.found, results.run.plan
    return HwFetchOutput(
        run=results.run.name,
        target=plan.target.name,
        complete=found.is_complete,
        unit=unit,
        points=[MeasuredOutput.from_row(row) for row in rows],
        raw=[] if unit is not None else _raw(plan.labels, found),
        sentinels=[SentinelOutput.from_report(k, job) for k, job in enumerate(found.jobs, start=1)],
        store=None if store is None else str(store),
        plot=None if figure is None else str(figure),
        notes=list(results.notes),
    )


def _raw(labels: Sequence[str], found: RunResult) -> list[RawOutput]:
    lines = []
    for number, answer in enumerate(found.answers):
        values = errors = None
        if isinstance(answer, Estimate):
            values = [finite(float(one)) for one in np.ravel(answer.values)]
            errors = [finite(float(one)) for one in np.sqrt(np.ravel(answer.variances))]
        of = labels[number] if labels else ""
        flags = list(found.flags[number])
        lines.append(RawOutput(request=number, of=of, values=values, stderr=errors, flags=flags))
    return lines
