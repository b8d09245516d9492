"""What `qmlmat spectrum` does: the states of one geometry as an absorption spectrum."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from qmlmat.cli.inputs import load_input
from qmlmat.cli.screen import ExitCode, Screen
from qmlmat.cli.spectrum_output import SpectrumOutput
from qmlmat.errors import ConfigError

if TYPE_CHECKING:
    from qmlmat.cli.build import Job
    from qmlmat.properties import AbsorptionSpectrum


def spectrum(
    screen: Screen, file: Path, *, plot: Path | None, width: float, shape: str
) -> ExitCode:
    """Compute the spectrum at the input file's own geometry, print its lines, and draw it.

    Raises:
        ConfigError: If the input asks for one state, or there is no such width or shape.
    """
    from qmlmat.cli.build import build_job  # noqa: PLC0415 - loads torch and pyscf
    from qmlmat.properties.broadening import check_line  # noqa: PLC0415
    from qmlmat.report import check_plot_file, plot_spectrum, spectrum_table  # noqa: PLC0415

    start = time.perf_counter()
    document = load_input(file)
    n_states = document.solver.n_states
    if n_states < 2:
        raise ConfigError(
            f"{file.name}: [solver] n_states = {n_states}: a spectrum needs excited states. Use "
            'name = "Exact" and n_states = 8, say: the ground state counts.'
        )
    line_shape = check_line("qmlmat spectrum", width, shape)
    figure = check_plot_file(plot or file.with_suffix(".png"), call="plot_spectrum")
    job = build_job(document)
    found = _found(job)
    plot_spectrum(found, figure, width=width, shape=line_shape, title=job.title)
    output = SpectrumOutput.from_spectrum(
        found, title=job.title, plot=str(figure), wall_time=time.perf_counter() - start
    )
    screen.document(output)
    screen.say(spectrum_table(found))
    if output.status != "converged":
        screen.say(f"Status: {output.status}. {output.advice}")
    screen.say(*(f"Note: {note}" for note in output.notes))
    screen.say(f"Figure: {output.plot}", f"Time:   {output.wall_time:.1f} s")
    return ExitCode.OK if output.status in {"converged", "noise_limit"} else ExitCode.NOT_CONVERGED


def _found(job: Job) -> AbsorptionSpectrum:
    """Return the spectrum at the molecule's own geometry."""
    from qmlmat.properties import absorption_spectrum  # noqa: PLC0415

    result = job.surface.evaluate(job.point)
    if result.solution is None:
        raise ConfigError("qmlmat spectrum: this solver gives no states. Use another [solver].")
    return absorption_spectrum(job.surface.molecule, result.orbitals, result.solution)
