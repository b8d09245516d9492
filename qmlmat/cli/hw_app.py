"""The options of ``qmlmat hw``. The work is in the modules of the commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qmlmat.cli import hw_check
from qmlmat.cli.arguments import AsJson, Debug, Threads
from qmlmat.cli.hw_choice import PlanChoice, SourceChoice
from qmlmat.cli.screen import ExitCode, Screen, run, set_threads

HW_EXIT_CODES = """\
Exit codes: 0 done; 1 over the budget, nothing was sent (or a bug in qmlmat, and it says so); \
2 bad input, or a credential is missing; 3 finished, but jobs failed, points are flagged or \
missing, or a check is not met; 4 the ledger or a store was refused or cannot be read; \
5 the provider refused or did not answer; 130 interrupted: nothing is cancelled."""

SourceFile = Annotated[
    Path, typer.Argument(metavar="SOURCE", help="Store of a scan, or name of a quantum model.")
]
Shots = Annotated[
    int | None,
    typer.Option("--shots", min=1, help="Repetitions of each state, all its bases together."),
]
Error = Annotated[
    float | None,
    typer.Option("--error", metavar="MHA", help="Standard error to choose shots by (mHa or meV)."),
]
MappingName = Annotated[
    str | None,
    typer.Option("--mapping", metavar="[jordan_wigner|parity|bravyi_kitaev]", help="Mapping."),
]
Reduced = Annotated[
    bool, typer.Option("--reduced", help="Leave out the qubits of the electrons' parities.")
]
Tapered = Annotated[
    bool, typer.Option("--tapered", help="Leave out a qubit for every parity that is kept.")
]
Grouping = Annotated[
    str | None,
    typer.Option(
        "--grouping", metavar="[commuting|qubit_wise]", help="Words that are measured together."
    ),
]
Points = Annotated[
    str | None, typer.Option("--points", metavar="0,3,5", help="Points to measure; by default all.")
]
Geometries = Annotated[
    Path | None,
    typer.Option("--geometries", metavar="FILE.xyz", help="Where a model is measured."),
]
LedgerFolder = Annotated[
    Path | None,
    typer.Option(
        "--ledger",
        metavar="DIR",
        help="Folder in which runs are written down; by default QMLMAT_LEDGER, else your own.",
    ),
]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="Name of a run.")]

hw_app = typer.Typer(
    name="hw",
    help="Cloud quantum computers: check, plan, submit, and fetch what was measured.",
    epilog=HW_EXIT_CODES,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@hw_app.command("check", epilog=HW_EXIT_CODES)
def hw_check_command(
    target: Annotated[
        str | None, typer.Argument(metavar="[TARGET]", help="Target, or a .toml file.")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """List targets; or look whether one can be used now: nothing is submitted."""
    set_threads(None)

    def work(screen: Screen) -> ExitCode:
        if target is None:
            return hw_check.list_targets(screen)
        return hw_check.check(screen, target)

    run(work, as_json=as_json, debug=debug)


@hw_app.command("plan", epilog=HW_EXIT_CODES)
def hw_plan_command(
    source: SourceFile,
    target: Annotated[str, typer.Argument(metavar="TARGET", help="Target, or a .toml file.")],
    shots: Shots = None,
    error: Error = None,
    mapping: MappingName = None,
    reduced: Reduced = False,
    tapered: Tapered = False,
    grouping: Grouping = None,
    points: Points = None,
    geometries: Geometries = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="PLAN.json", help="Write the plan.")
    ] = None,
    dry_run: Annotated[
        Path | None,
        typer.Option("--dry-run", metavar="FOLDER", help="Write what each job would send."),
    ] = None,
    threads: Threads = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Say what a measurement takes: circuits, shots, time, price, errors. Nothing is sent."""
    set_threads(threads)
    what = SourceChoice(
        file=source,
        geometries=geometries,
        points=points,
        mapping=mapping,
        reduced=reduced,
        tapered=tapered,
    )
    choice = PlanChoice(source=what, target=target, shots=shots, error=error, grouping=grouping)

    def work(screen: Screen) -> ExitCode:
        from qmlmat.cli import hw_plan  # noqa: PLC0415 - loads numpy

        return hw_plan.plan(screen, choice, out=out, dry_run=dry_run)

    run(work, as_json=as_json, debug=debug)


@hw_app.command("submit", epilog=HW_EXIT_CODES)
def hw_submit_command(
    source: Annotated[
        Path, typer.Argument(metavar="PLAN.json|SOURCE", help="A plan, or what is to be planned.")
    ],
    target: Annotated[
        str | None, typer.Argument(metavar="[TARGET]", help="Target; a plan has its own.")
    ] = None,
    name: Annotated[str, typer.Option("--run", metavar="NAME", help="Name of the run.")] = ...,  # type: ignore[assignment]
    ledger: LedgerFolder = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="End when all is sent; do not wait for answers.")
    ] = False,
    shots: Shots = None,
    error: Error = None,
    mapping: MappingName = None,
    reduced: Reduced = False,
    tapered: Tapered = False,
    grouping: Grouping = None,
    points: Points = None,
    geometries: Geometries = None,
    threads: Threads = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Send a plan as one budgeted run; under a name that is there, go on with that run."""
    set_threads(threads)
    what = SourceChoice(
        file=source,
        geometries=geometries,
        points=points,
        mapping=mapping,
        reduced=reduced,
        tapered=tapered,
    )
    choice = PlanChoice(
        source=what, target=target or "", shots=shots, error=error, grouping=grouping
    )

    def work(screen: Screen) -> ExitCode:
        from qmlmat.cli import hw_runs  # noqa: PLC0415 - loads numpy

        found = hw_runs.chosen(choice)
        return hw_runs.submit(screen, found, run=name, ledger=ledger, wait=not no_wait)

    run(work, as_json=as_json, debug=debug)


@hw_app.command("resume", epilog=HW_EXIT_CODES)
def hw_resume_command(
    name: RunName,
    ledger: LedgerFolder = None,
    threads: Threads = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Go on with a run, after Ctrl-C, a crash or on another day, and wait for its answers."""
    set_threads(threads)

    def work(screen: Screen) -> ExitCode:
        from qmlmat.cli import hw_runs  # noqa: PLC0415 - loads numpy

        return hw_runs.resume(screen, name, ledger=ledger)

    run(work, as_json=as_json, debug=debug)


@hw_app.command("status", epilog=HW_EXIT_CODES)
def hw_status_command(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="Name of a run; by default all are listed."),
    ] = None,
    ledger: LedgerFolder = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show a run's jobs, and its cost beside its budget, as they are written down."""
    set_threads(None)

    def work(screen: Screen) -> ExitCode:
        from qmlmat.cli import hw_runs  # noqa: PLC0415 - loads numpy

        return hw_runs.status(screen, name, ledger=ledger)

    run(work, as_json=as_json, debug=debug)


@hw_app.command("fetch", epilog=HW_EXIT_CODES)
def hw_fetch_command(
    name: RunName,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE.db", help="Store; by default SCAN.RUN.db."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Figure: .png, .pdf or .svg.")
    ] = None,
    ledger: LedgerFolder = None,
    threads: Threads = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Make energies of a run's answers: a table, the store of a scan, a figure."""
    set_threads(threads)

    def work(screen: Screen) -> ExitCode:
        from qmlmat.cli import hw_fetch  # noqa: PLC0415 - loads numpy

        return hw_fetch.fetch(screen, name, ledger=ledger, out=out, plot=plot)

    run(work, as_json=as_json, debug=debug)


@hw_app.command("cost", epilog=HW_EXIT_CODES)
def hw_cost_command(
    name: RunName, ledger: LedgerFolder = None, as_json: AsJson = False, debug: Debug = False
) -> None:
    """Show what each job was estimated to cost beside what was billed."""
    set_threads(None)

    def work(screen: Screen) -> ExitCode:
        from qmlmat.cli import hw_runs  # noqa: PLC0415 - loads numpy

        return hw_runs.cost(screen, name, ledger=ledger)

    run(work, as_json=as_json, debug=debug)


@hw_app.command("cancel", epilog=HW_EXIT_CODES)
def hw_cancel_command(
    name: RunName, ledger: LedgerFolder = None, as_json: AsJson = False, debug: Debug = False
) -> None:
    """Stop what is not finished: nothing more is sent, and jobs are stopped at the provider."""
    set_threads(None)

    def work(screen: Screen) -> ExitCode:
        from qmlmat.cli import hw_runs  # noqa: PLC0415 - loads numpy

        return hw_runs.cancel(screen, name, ledger=ledger)

    run(work, as_json=as_json, debug=debug)
