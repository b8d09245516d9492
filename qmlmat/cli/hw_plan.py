"""What ``qmlmat hw plan`` does: what a measurement takes, before anything is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from qmlmat.cli.hw_choice import PlanChoice
from qmlmat.cli.hw_output import (
    AmountsOutput,
    BudgetOutput,
    ExpectedOutput,
    HwPlanOutput,
)
from qmlmat.cli.hw_sources import Source, open_source
from qmlmat.cli.screen import ExitCode, Screen
from qmlmat.errors import CapabilityError, ConfigError, MeasurementError, nearest
from qmlmat.hardware.config import load_target
from qmlmat.hardware.cost import check_cost, is_affordable
from qmlmat.hardware.ledger.budget import Budget
from qmlmat.hardware.plan import MeasurementPlan
from qmlmat.hardware.shots import choose_shots, simulated, what_fits

if TYPE_CHECKING:
    from qmlmat.operators.grouping import GroupingMethod

GROUPINGS: Final[tuple[GroupingMethod, ...]] = ("commuting", "qubit_wise")
"""Which words are measured together; the first if nothing is said."""

_PAYLOADS: Final = "job_*.json"
"""Files of a dry run."""


def plan(screen: Screen, choice: PlanChoice, *, out: Path | None, dry_run: Path | None) -> ExitCode:
    """Print what a measurement takes, and write it as a file; nothing is sent.

    Raises:
        BudgetError: If it is over the target's budget; the message says what fits.
        ConfigError: If something does not fit together, or a file is in the way.
    """
    screen.on_interrupt = "Nothing was sent."
    _check_out(out)
    if dry_run is not None:
        _check_folder(dry_run)
    made, source = make_plan(choice)
    expected = expected_by_point(made, source)
    _say_plan(screen, made, source, expected)
    check_affordable(made)
    written = [] if dry_run is None else _write_payloads(made, dry_run)
    if out is not None:
        _save(made, out)
    screen.document(_output(made, source, expected, out, written))
    if out is not None:
        screen.say(f"Plan:   {out}. Measure it with: qmlmat hw submit {out} --run NAME")
    if written:
        screen.say(f"Payload of each job: {', '.join(map(str, written))}. Nothing was sent.")
    return ExitCode.OK


def make_plan(choice: PlanChoice) -> tuple[MeasurementPlan, Source]:
    """Return the plan that is asked for, shots chosen, and what it is of.

    Raises:
        BudgetError: If the error that is wanted takes more than the budget.
        ConfigError: If something does not fit together.
    """
    target = load_target(choice.target)
    grouping = _grouping(choice.grouping)
    if choice.shots is not None and choice.error is not None:
        raise ConfigError("--shots and --error both say how often to measure: give one of them")
    source = open_source(choice.source)
    made = MeasurementPlan.from_requests(
        source.requests,
        target,
        mapping=source.mapping(choice.source),
        grouping=grouping,
        shots=choice.shots,
        labels=source.labels,
        source=source.plain(),
    )
    if choice.error is not None:
        made = choose_shots(made, choice.error * 1e-3)
    elif choice.shots is None:
        made = choose_shots(made)
    return made, source


def _grouping(name: str | None) -> GroupingMethod:
    for known in GROUPINGS:
        if name in {None, known}:
            return known
    raise ConfigError(f'--grouping "{name}": not known. {nearest(str(name), GROUPINGS)}')


def check_affordable(made: MeasurementPlan) -> None:
    """Refuse a plan that is over its target's budget or limits; the network is not used.

    Raises:
        BudgetError: With what would fit.
    """
    if not is_affordable(made.cost, made.target):
        check_cost(made.cost, made.target, remedy=what_fits(made))


def expected_by_point(made: MeasurementPlan, source: Source) -> dict[str, float | None]:
    """Return the worst standard error of any state at each point, by simulating the plan.

    Returns:
        By point (unit of the source); ``None`` where the plan cannot be simulated.
    """
    try:
        rows = source.rows(simulated(made))
    except (CapabilityError, MeasurementError):
        return dict.fromkeys(made.labels)
    found: dict[str, float | None] = {}
    for row in rows:
        found[row.place] = max(found.get(row.place) or 0.0, row.stderr or 0.0)
    return found


def _say_plan(
    screen: Screen, made: MeasurementPlan, source: Source, expected: dict[str, float | None]
) -> None:
    from qmlmat.report.hardware_table import expected_table, plan_table  # noqa: PLC0415
    from qmlmat.report.measured_table import small_unit  # noqa: PLC0415

    screen.say(plan_table(made, title=f"{source.title} on {made.target.name}"))
    small = [None if error is None else 1e3 * error for error in expected.values()]
    if any(error is not None for error in small):
        screen.say(
            expected_table(list(expected), small, small_unit(source.unit)),
            "The errors are those of shots and calibration; noise of the gates comes on top.",
        )
    else:
        screen.say("The error to be expected is not known: the plan cannot be simulated here.")
    screen.say(f"Prices: {made.cost.source}")


def _output(
    made: MeasurementPlan,
    source: Source,
    expected: dict[str, float | None],
    out: Path | None,
    written: list[Path],
) -> HwPlanOutput:
    from qmlmat.report.hardware_table import state_shots  # noqa: PLC0415

    cost, jobs = made.cost, made.cost.jobs
    return HwPlanOutput(
        title=source.title,
        target=made.target.name,
        key=made.key,
        unit=source.unit,
        requests=len(made.requests),
        bases=len(made.bundle.sent),
        circuits=cost.n_circuits,
        shots=state_shots(made),
        executions=cost.n_executions,
        seconds=cost.seconds,
        usd=cost.usd,
        price_source=cost.source,
        jobs=len(jobs),
        bytes=cost.n_bytes,
        largest_job_executions=max((one.n_executions for one in jobs), default=0),
        largest_job_bytes=max((one.n_bytes or 0 for one in jobs), default=0),
        reserved=AmountsOutput.from_amounts(cost.reserved),
        budget=BudgetOutput.from_budget(Budget.of(made.target.budget)),
        expected=[ExpectedOutput(point=k, error=error) for k, error in expected.items()],
        file=None if out is None else str(out),
        payloads=[str(file) for file in written],
    )


def _check_out(out: Path | None) -> None:
    """Refuse to replace a file that is no plan, before any work."""
    if out is None:
        return
    if out.is_dir() or not out.expanduser().parent.is_dir():
        raise ConfigError(
            f'--out "{out}": no place for a file. Choose another name, or make the folder first: '
            "mkdir -p FOLDER"
        )
    if out.exists() and not is_plan(out):
        raise ConfigError(
            f'--out "{out}": this file is no plan and is left as it is. Choose another name.'
        )


def is_plan(file: Path) -> bool:
    """Return whether a file is a plan, as ``qmlmat hw plan --out`` writes it."""
    try:
        tree = json.loads(file.expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(tree, dict) and "requests" in tree and "target" in tree


def _save(made: MeasurementPlan, out: Path) -> None:
    try:
        made.save(out.expanduser())
    except OSError as error:
        raise ConfigError(
            f'--out "{out}": the plan cannot be written ({error.strerror}). Choose a file you may '
            "write."
        ) from None


def _check_folder(folder: Path) -> None:
    """Refuse a folder that holds anything but the files of an earlier dry run."""
    place = folder.expanduser()
    if place.is_dir():
        foreign = {one.name for one in place.iterdir()} - {
            one.name for one in place.glob(_PAYLOADS)
        }
        if not foreign:
            return
        raise ConfigError(
            f'--dry-run "{folder}": the folder holds other files, e.g. {min(foreign)}. Name an '
            "empty one, or one that is to be made."
        )
    if place.exists() or not place.parent.is_dir():
        raise ConfigError(
            f'--dry-run "{folder}": no place for a folder. Name an empty one, or one that is to be '
            "made in a folder that is there."
        )


def _write_payloads(made: MeasurementPlan, folder: Path) -> list[Path]:
    """Return the files of what would be sent, one for each job, all on one layout."""
    from qmlmat.hardware.adapters.registry import make_adapter  # noqa: PLC0415 - a client

    place = folder.expanduser()
    place.mkdir(exist_ok=True)
    for old in place.glob(_PAYLOADS):
        old.unlink()
    adapter = make_adapter(made.target, folder=place)
    tasks = made.tasks("dry-run")
    layout, files = None, []
    for number, task in enumerate(tasks, start=1):
        payload = adapter.compile(task, layout=layout)
        layout = layout or payload.layout or None
        file = place / f"job_{number:0{len(str(len(tasks)))}}.json"
        file.write_bytes(payload.content)
        files.append(file)
    return files
