"""What ``qmlmat bands`` does: a scan over k, its edges, and a check by plain diagonalisation."""

from __future__ import annotations

import os
import shlex
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qmlmat.cli.bands_output import BandEdgesOutput, BandsOutput, known_values, point_outputs
from qmlmat.cli.bands_request import BandsRequest, band_model, band_solver
from qmlmat.cli.screen import ExitCode, Screen
from qmlmat.errors import ConfigError, PointWarning

if TYPE_CHECKING:
    from qmlmat.surfaces import Scan, ScanProgress
    from qmlmat.systems import TightBindingModel
    from qmlmat.typing import FloatArray


@dataclass(frozen=True, kw_only=True)
class BandFiles:
    """Where bands go, and how they are computed; no energy depends on it."""

    store: Path | None = None
    """ASE database to write and to go on from; ``None``: nothing is kept."""

    plot: Path | None = None
    """Figure; ``None``: none."""

    csv: Path | None = None
    """Table of all points; ``None``: none."""

    workers: int = 1
    """Number of processes."""

    retry_failed: bool = False
    """Whether stored failures are computed again."""


def bands(screen: Screen, request: BandsRequest, files: BandFiles) -> ExitCode:
    """Compute bands along a path, print their edges, and compare with plain diagonalisation.

    Raises:
        ConfigError: If there is no such material or solver, or two files are one.
        InputError: If the path, a file or an option cannot be used.
        StoreError: If the store holds something else, or cannot be written.
    """
    from qmlmat import surfaces  # noqa: PLC0415 - loads torch and pyscf
    from qmlmat.report.labels import heading  # noqa: PLC0415

    start = time.perf_counter()
    solver = band_solver(request.solver)
    model = band_model(request)
    surface = surfaces.BandSurface(model, solver, n_states=request.n_states, seed=request.seed)
    path = surfaces.k_path(model, request.path, n_points=request.n_points)
    _check_files(files)
    with screen.progress(model.name) as bar, warnings.catch_warnings():
        warnings.simplefilter("ignore", PointWarning)  # the notes under the table say them, once

        def on_point(progress: ScanProgress) -> None:
            screen.on_interrupt = _going_on(progress, files.store)
            if bar is not None:
                bar.show(progress)

        found = surfaces.scan(
            surface,
            path,
            store=files.store,
            workers=files.workers,
            retry_failed=files.retry_failed,
            document={"bands": asdict(request)},
            on_point=on_point,
        )
    output = _output(found, model, files, title=heading(found), start=start)
    _show(screen, found, files, output)
    return ExitCode.OK if found.is_converged else ExitCode.NOT_CONVERGED


def _going_on(progress: ScanProgress, store: Path | None) -> str:
    if store is None:
        return "Nothing is kept without --store FILE, where the same command goes on."
    return (
        f"{progress.done} of {progress.total} points are stored in {store}; "
        f"go on with: qmlmat resume {shlex.quote(os.fspath(store))}"
    )


def _check_files(files: BandFiles) -> None:
    """Refuse files that cannot be written, before any work."""
    from qmlmat.report import check_plot_file  # noqa: PLC0415
    from qmlmat.surfaces.export.places import check_file  # noqa: PLC0415

    named = {"--store": files.store, "--plot": files.plot, "--csv": files.csv}
    seen: dict[Path, str] = {}
    for option, file in named.items():
        if file is None:
            continue
        place = file.expanduser().resolve()
        if place in seen:
            raise ConfigError(
                f'"{file}" is named by both {seen[place]} and {option}, and the one would '
                "overwrite the other. Choose another name for one of them."
            )
        seen[place] = option
    if files.plot is not None:
        check_plot_file(files.plot, call="plot_bands")
    if files.csv is not None:
        check_file(files.csv.expanduser(), "csv", force=False)


def _output(
    scan: Scan, model: TightBindingModel, files: BandFiles, *, title: str, start: float
) -> BandsOutput:
    """Return what is to be shown, after the comparison; figure and table are named, not made."""
    from qmlmat.report.band_words import known_edges  # noqa: PLC0415
    from qmlmat.report.tables import scan_notes  # noqa: PLC0415
    from qmlmat.surfaces.band_edges import largest_differences  # noqa: PLC0415

    exact, taken = _diagonalised(scan, model)
    edges = known_edges(scan)
    return BandsOutput(
        title=title,
        unit=scan.unit,
        complete=scan.is_complete,
        converged=scan.is_converged,
        edges=None if edges is None else BandEdgesOutput.from_edges(edges),
        errors=known_values(largest_differences(scan.energies - exact).tolist()),
        points=point_outputs(scan),
        notes=list(scan_notes(scan)),
        store=_text(files.store),
        plot=_text(files.plot),
        csv=_text(files.csv),
        solver_time=sum(result.wall_time for result in scan.results if result is not None),
        diagonalisation_time=taken,
        wall_time=time.perf_counter() - start,
    )


def _diagonalised(scan: Scan, model: TightBindingModel) -> tuple[FloatArray, float]:
    """Return the bands by plain diagonalisation, ``(n_points, n_bands)`` (eV), and its time (s)."""
    import numpy as np  # noqa: PLC0415

    points = scan.path.kpoints
    start = time.perf_counter()
    exact = np.full((len(points), scan.n_states), np.nan)
    for spin in dict.fromkeys(point.spin for point in points):
        rows = [index for index, point in enumerate(points) if point.spin == spin]
        levels = model.bands(np.array([points[index].k for index in rows]), spin=spin)
        exact[rows] = levels[:, : scan.n_states]
    return exact, time.perf_counter() - start


def _show(screen: Screen, scan: Scan, files: BandFiles, output: BandsOutput) -> None:
    """Print results; then write figure and table, so that no failure there hides them."""
    screen.document(output)
    for line in (*_results(scan), *_lines(scan, output)):
        screen.say(line)
    from qmlmat.report import plot_bands  # noqa: PLC0415 - loads matplotlib
    from qmlmat.surfaces import export_scan  # noqa: PLC0415

    if files.plot is not None:
        screen.say(f"Figure: {plot_bands(scan, files.plot)}")
    if files.csv is not None:
        screen.say(f"CSV:    {export_scan(scan, files.csv, 'csv').file}")


def _results(scan: Scan) -> list[object]:
    from qmlmat.report import bands_table  # noqa: PLC0415
    from qmlmat.report.band_words import (  # noqa: PLC0415
        edges_sentence,
        known_edges,
        splitting_sentence,
    )

    edges = known_edges(scan)
    if edges is None:
        said = ["Edges and gap: not known (no number of occupied bands, or too few bands)."]
    else:
        said = [edges_sentence(edges), splitting_sentence(edges)]
    return [bands_table(scan), *(line for line in said if line)]


def _lines(scan: Scan, output: BandsOutput) -> list[str]:
    import numpy as np  # noqa: PLC0415

    from qmlmat.report.band_words import difference_sentence  # noqa: PLC0415
    from qmlmat.report.labels import marks_sentences  # noqa: PLC0415
    from qmlmat.surfaces.facts import solver_label  # noqa: PLC0415

    errors = np.array(output.errors, dtype=np.float64)  # None becomes NaN
    lines = [difference_sentence(errors), *(f"Note, {note}" for note in output.notes)]
    lines += marks_sentences(scan)
    lines.append(
        f"Time:   {output.wall_time:.1f} s; {len(output.points)} points by {solver_label(scan)} "
        f"{output.solver_time:.3g} s, by plain diagonalisation {output.diagonalisation_time:.2g} s"
    )
    return lines + ([] if output.store is None else [f"Store:  {output.store}"])


def _text(file: Path | None) -> str | None:
    return None if file is None else str(file)
