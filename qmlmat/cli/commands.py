"""What the commands do. Each takes plain values and a screen, and returns its exit code."""

from __future__ import annotations

import json
import os
import shlex
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from qmlmat.cli.compare_input import CompareDocument
from qmlmat.cli.inputs import InputDocument, load_input, parse_input
from qmlmat.cli.learning_input import FitDocument
from qmlmat.cli.outputs import (
    ExportOutput,
    OutputDocument,
    PlotOutput,
    ScanOutput,
    SolveOutput,
)
from qmlmat.cli.screen import ExitCode, Screen
from qmlmat.errors import ConfigError, PointWarning, StoreError
from qmlmat.hardware.config.target import TargetDocument

if TYPE_CHECKING:
    from qmlmat.cli.build import Job
    from qmlmat.surfaces import PointResult, Scan

SCHEMAS: Final[dict[str, type[BaseModel]]] = {
    "input": InputDocument,
    "fit": FitDocument,
    "compare": CompareDocument,
    "output": OutputDocument,
    "target": TargetDocument,
}
"""The published JSON schemas: of the input files, of what ``--json`` prints, of targets."""


@dataclass(frozen=True, kw_only=True)
class How:
    """How a scan is carried out; no energy depends on it."""

    workers: int = 1
    """Number of processes."""

    retry_failed: bool = False
    """Whether stored failures are computed again."""


def init(screen: Screen, file: Path) -> ExitCode:
    """Write the example input; an existing file is left alone.

    Raises:
        ConfigError: If the file exists or cannot be written.
    """
    text = resources.files("qmlmat.cli").joinpath("example.toml").read_text(encoding="utf-8")
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise ConfigError(
            f'"{file}" exists and is left as it is. Choose another name: qmlmat init FILE'
        ) from None
    except OSError as error:
        raise ConfigError(
            f'"{file}" cannot be written ({error.strerror}). Choose a folder you may write in.'
        ) from None
    screen.say(f"Wrote {file}. Compute it with: {_command('scan', file)}")
    return ExitCode.OK


def scan(
    screen: Screen, file: Path, *, store: Path | None, plot: Path | None, how: How
) -> ExitCode:
    """Compute the scan an input file asks for, going on where its store ends."""
    from qmlmat.cli.build import build_job  # noqa: PLC0415 - loads torch and pyscf

    start = time.perf_counter()
    job = build_job(load_input(file))
    return _scan(
        screen,
        job,
        store=store or file.with_suffix(".db"),
        plot=plot or file.with_suffix(".png"),
        start=start,
        how=how,
    )


def resume(screen: Screen, store: Path, *, plot: Path | None, how: How) -> ExitCode:
    """Go on with the scan of a store.

    Raises:
        StoreError: If the store does not hold the input it was made from.
    """
    from qmlmat.cli.build import build_job  # noqa: PLC0415 - loads torch and pyscf
    from qmlmat.surfaces import Path as ScanPath  # noqa: PLC0415
    from qmlmat.surfaces import ScanStore  # noqa: PLC0415

    start = time.perf_counter()
    header = ScanStore.load(store).header
    document = header.document
    if "measured" in header.inputs:
        name = header.inputs["measured"]["run"]
        raise ConfigError(
            f'"{store}": these points were measured by run "{name}", and are not computed. Go on '
            f"with: qmlmat hw resume {name}"
        )
    if document is None:
        raise StoreError(
            f'"{store}": this scan was made from Python and holds no input file. Run its script '
            "again with the same store: it resumes by itself."
        )
    if "bands" in document:
        from qmlmat.cli import bands, bands_request  # noqa: PLC0415

        files = bands.BandFiles(
            store=store,
            plot=plot or store.with_suffix(".png"),
            workers=how.workers,
            retry_failed=how.retry_failed,
        )
        return bands.bands(screen, bands_request.request_of(document["bands"]), files)
    path = ScanPath.from_inputs(header.inputs["path"])
    job = build_job(parse_input(document, name=store.name, folder=store.parent), path=path)
    plot = plot or store.with_suffix(".png")
    return _scan(screen, job, store=store, plot=plot, start=start, how=how)


def plot(screen: Screen, store: Path, *, file: Path | None, kind: str) -> ExitCode:
    """Draw the scan of a store, complete or not."""
    from qmlmat.report import plot_scan  # noqa: PLC0415 - loads matplotlib
    from qmlmat.surfaces import load_scan  # noqa: PLC0415

    written = plot_scan(load_scan(store), file or store.with_suffix(".png"), kind=kind)
    screen.document(PlotOutput(store=str(store), plot=str(written)))
    screen.say(f"Figure: {written}")
    return ExitCode.OK


def export(
    screen: Screen, store: Path, format: str | None, *, file: Path | None, force: bool
) -> ExitCode:
    """Write the scan of a store in the format of other programs.

    Raises:
        ConfigError: If neither a format nor a file is named.
    """
    from qmlmat.surfaces import export_scan, load_scan  # noqa: PLC0415 - loads torch and pyscf
    from qmlmat.surfaces.export import FORMATS, default_name  # noqa: PLC0415

    scan = load_scan(store)
    if format is None and file is None:
        raise ConfigError(
            f"qmlmat export {store}: which format? Name it with --format, one of "
            f"{', '.join(FORMATS)}, or by the ending of a file: -o FILE.csv"
        )
    done = export_scan(scan, file or default_name(store, str(format)), format, force=force)
    screen.document(
        ExportOutput(
            store=str(store),
            format=done.format,
            output=str(done.file),
            files=[str(one) for one in done.files],
            notes=list(done.notes),
        )
    )
    screen.say(f"Export: {done.file}", *done.notes)
    return ExitCode.OK


def solve(screen: Screen, file: Path, *, checkpoint: Path | None) -> ExitCode:
    """Compute the energies at the input file's own geometry."""
    from qmlmat.cli.build import build_job  # noqa: PLC0415 - loads torch and pyscf

    start = time.perf_counter()
    job = build_job(load_input(file))
    screen.on_interrupt = "Nothing is kept without --checkpoint FILE, where ADAPTVQE goes on."
    if checkpoint is not None:
        screen.on_interrupt = f"The same command goes on with what is in {checkpoint}."
    result = job.surface.evaluate(job.point, checkpoint=checkpoint)
    output = SolveOutput.from_result(result, title=job.title, wall_time=time.perf_counter() - start)
    screen.document(output)
    if result.solution is not None and result.solution.n_states > 1:
        from qmlmat.report import states_table  # noqa: PLC0415

        screen.say(states_table(result.solution))
    screen.say(*_solve_lines(result, output))
    return ExitCode.OK if result.status in {"converged", "noise_limit"} else ExitCode.NOT_CONVERGED


def schema(screen: Screen, which: str) -> ExitCode:
    """Print a JSON schema."""
    screen.say(json.dumps(json_schema(which), indent=2, ensure_ascii=False))
    return ExitCode.OK


def json_schema(which: str) -> Mapping[str, Any]:
    """Return the JSON schema of the input file or of the output.

    Raises:
        ConfigError: If ``which`` is none of ``SCHEMAS``.
    """
    if which not in SCHEMAS:
        raise ConfigError(f"qmlmat schema {which}: there is none. Use one of {', '.join(SCHEMAS)}.")
    mode: Any = "serialization" if which == "output" else "validation"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **SCHEMAS[which].model_json_schema(mode=mode),
    }


def _scan(screen: Screen, job: Job, *, store: Path, plot: Path, start: float, how: How) -> ExitCode:
    from qmlmat import surfaces  # noqa: PLC0415 - loads torch and pyscf
    from qmlmat.report import check_plot_file, plot_scan  # noqa: PLC0415

    path = job.scan_path()
    _check_files(store, plot)
    check_plot_file(plot)
    with screen.progress(path.name) as bar, warnings.catch_warnings():
        warnings.simplefilter("ignore", PointWarning)  # the notes under the table say them, once

        def on_point(progress: surfaces.ScanProgress) -> None:
            screen.on_interrupt = (
                f"{progress.done} of {progress.total} points are stored in {store}; "
                f"go on with: {_command('resume', store)}"
            )
            if bar is not None:
                bar.show(progress)

        result = surfaces.scan(
            job.surface,
            path,
            store=store,
            workers=how.workers,
            return_sweep=job.return_sweep,
            retry_failed=how.retry_failed,
            title=job.title,
            document=job.document,
            on_point=on_point,
        )
    screen.on_interrupt = f"Every point is stored; draw it with: {_command('plot', store)}"
    try:
        plot_scan(result, plot)
    except Exception:  # whatever went wrong with the picture, the numbers are shown
        _show_scan(screen, result, store=store, plot=None, start=start)
        screen.hint(f"Every point is stored in {store}; draw it with: {_command('plot', store)}")
        raise
    _show_scan(screen, result, store=store, plot=plot, start=start)
    return ExitCode.OK if result.is_converged else ExitCode.NOT_CONVERGED


def _check_files(store: Path, plot: Path) -> None:
    if store.expanduser().resolve() == plot.expanduser().resolve():
        raise ConfigError(
            f'"{plot}" is to be both the store and the figure of this scan, and the one would '
            "overwrite the other. Choose another name for one of them: --store FILE or --plot FILE"
        )


def _show_scan(screen: Screen, scan: Scan, *, store: Path, plot: Path | None, start: float) -> None:
    output = ScanOutput.from_scan(
        scan,
        store=str(store),
        plot=None if plot is None else str(plot),
        wall_time=time.perf_counter() - start,
    )
    screen.document(output)
    _say_scan(screen, scan, output)


def _say_scan(screen: Screen, scan: Scan, output: ScanOutput) -> None:
    from qmlmat.report import constants_table, error_table, scan_notes, scan_table  # noqa: PLC0415
    from qmlmat.report.labels import explanation  # noqa: PLC0415

    screen.say(scan_table(scan, width=screen.out.width))
    if output.errors:
        screen.say(error_table(scan))
    if output.constants:
        screen.say(constants_table(scan))
    for note in scan_notes(scan):
        screen.say(f"Note, {note}")
    figure = "" if output.plot is None else f"Figure: {output.plot}"
    for line in (explanation(scan), f"Store:  {output.store}", figure):
        if line:
            screen.say(line)
    screen.say(f"Time:   {output.wall_time:.1f} s")


def _solve_lines(result: PointResult, output: SolveOutput) -> list[str]:
    unit, small = result.unit, "mHa" if result.unit == "hartree" else "meV"
    lines = [output.title] if output.title else []
    if len(output.energies) == 1:
        lines.append(_line("energy", f"{output.energies[0]:.10f}", unit))
        if output.stderr is not None:
            lines.append(_line("standard error", f"{output.stderr[0] * 1e3:.3f}", small))
    for name, value in output.columns.items():
        lines.append(_line(name.replace("_", " "), f"{value:.10f}", unit))
    if output.reference is None or output.error is None:
        lines.append(_line("exact", "no reference"))
    else:
        lines.append(_line("exact", f"{output.reference:.10f}", unit))
        lines.append(_line("error", f"{output.error * 1e3:.6f}", small))
    if output.n_params is not None:
        lines.append(_line("parameters", str(output.n_params)))
    if len(output.energies) == 1:
        lines += [_line("<S^2>", f"{square:.6f}") for square in output.spin_squares or ()]
    lines.append(_line("status", output.status))
    if output.status not in {"converged", "noise_limit"}:
        lines.append(output.advice)
    lines += [f"Note: {note}" for note in output.notes]
    lines.append(_line("time", f"{output.wall_time:.1f}", "s"))
    return lines


def _line(name: str, value: str, unit: str = "") -> str:
    return f"{name:<20}{value:>18} {unit}".rstrip()


def _command(name: str, file: Path) -> str:
    return f"qmlmat {name} {shlex.quote(os.fspath(file))}"
