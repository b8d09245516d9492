"""The options of every command. The work is in ``commands``; heavy imports wait for it."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from qmlmat.cli import commands, spectra
from qmlmat.cli.arguments import EXIT_CODES, AsJson, Debug, Threads
from qmlmat.cli.bands_app import bands
from qmlmat.cli.circuits_app import circuits_app
from qmlmat.cli.compare_app import compare
from qmlmat.cli.hw_app import hw_app
from qmlmat.cli.learning_app import fit, predict
from qmlmat.cli.screen import run, set_threads

app = typer.Typer(
    name="qmlmat",
    help="Potential energy curves and surfaces of molecules from variational quantum circuits.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

InputFile = Annotated[Path, typer.Argument(metavar="INPUT.toml", help="Input file.")]
StoreFile = Annotated[Path, typer.Argument(metavar="STORE", help="Store of a scan.")]
Plot = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        metavar="FILE",
        help="Figure: .png, .pdf or .svg.",
    ),
]
Workers = Annotated[
    int,
    typer.Option(
        "--workers",
        min=1,
        help="Processes that compute points at the same time, each with --threads.",
    ),
]
RetryFailed = Annotated[
    bool, typer.Option("--retry-failed", help="Compute stored points again that failed.")
]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"qmlmat {metadata.version('qmlmat')}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Potential energy curves and surfaces of molecules from variational quantum circuits."""


@app.command(epilog=EXIT_CODES)
def init(
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="File to write.")] = Path(
        "n2.toml"
    ),
    debug: Debug = False,
) -> None:
    """Write a commented example input: the dissociation curve of N2."""
    run(lambda screen: commands.init(screen, file), as_json=False, debug=debug)


@app.command(epilog=EXIT_CODES)
def scan(
    file: InputFile,
    store: Annotated[
        Path | None,
        typer.Option("--store", metavar="FILE", help="ASE database; by default INPUT.db."),
    ] = None,
    plot: Plot = None,
    workers: Workers = 1,
    retry_failed: RetryFailed = False,
    threads: Threads = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Compute a curve, point by point; points that are stored are not computed again."""
    set_threads(threads)
    how = commands.How(workers=workers, retry_failed=retry_failed)
    run(
        lambda screen: commands.scan(screen, file, store=store, plot=plot, how=how),
        as_json=as_json,
        debug=debug,
    )


@app.command(epilog=EXIT_CODES)
def resume(
    store: StoreFile,
    plot: Plot = None,
    workers: Workers = 1,
    retry_failed: RetryFailed = False,
    threads: Threads = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Go on with an interrupted scan; the store is all that is needed."""
    set_threads(threads)
    how = commands.How(workers=workers, retry_failed=retry_failed)
    run(
        lambda screen: commands.resume(screen, store, plot=plot, how=how),
        as_json=as_json,
        debug=debug,
    )


@app.command(epilog=EXIT_CODES)
def plot(
    store: StoreFile,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Figure; by default STORE.png."),
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            "--kind",
            metavar="[auto|contour|surface]",
            help="Of two coordinates: a map, or in perspective.",
        ),
    ] = "auto",
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Draw the scan of a store, complete or not."""
    run(
        lambda screen: commands.plot(screen, store, file=output, kind=kind),
        as_json=as_json,
        debug=debug,
    )


@app.command(epilog=EXIT_CODES)
def export(
    store: StoreFile,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="[csv|extxyz|netcdf|qcschema|fcidump]",
            help="By default, after the ending of the output.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="File, or folder for qcschema and fcidump; by default beside the store.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that is not an export of a scan.")
    ] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write the scan of a store for other programs, complete or not."""
    run(
        lambda screen: commands.export(screen, store, format, file=output, force=force),
        as_json=as_json,
        debug=debug,
    )


@app.command(epilog=EXIT_CODES)
def solve(
    file: InputFile,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            metavar="FILE",
            help="Where ADAPTVQE keeps its circuit after each step; it goes on from there.",
        ),
    ] = None,
    threads: Threads = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Compute the energies at the input's own geometry; its path is not used."""
    set_threads(threads)
    run(
        lambda screen: commands.solve(screen, file, checkpoint=checkpoint),
        as_json=as_json,
        debug=debug,
    )


@app.command(epilog=EXIT_CODES)
def spectrum(
    file: InputFile,
    plot: Plot = None,
    width: Annotated[
        float,
        typer.Option("--width", metavar="EV", help="Full width at half maximum of lines (eV)."),
    ] = 0.3,
    shape: Annotated[
        str, typer.Option("--shape", metavar="[gaussian|lorentzian]", help="Shape of lines.")
    ] = "gaussian",
    threads: Threads = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Compute excitation energies and strengths at the input's own geometry, and draw them."""
    set_threads(threads)
    run(
        lambda screen: spectra.spectrum(screen, file, plot=plot, width=width, shape=shape),
        as_json=as_json,
        debug=debug,
    )


@app.command(epilog=EXIT_CODES)
def schema(
    which: Annotated[
        str,
        typer.Argument(
            metavar="[input|fit|compare|output|target]",
            help="Of the input of scan, of fit or of compare, of --json, or of a target.",
        ),
    ] = "input",
    debug: Debug = False,
) -> None:
    """Print the JSON schema of the input file, or of what --json prints."""
    run(lambda screen: commands.schema(screen, which), as_json=False, debug=debug)


app.command(epilog=EXIT_CODES)(bands)
app.command(epilog=EXIT_CODES)(fit)
app.command(epilog=EXIT_CODES)(predict)
app.command(epilog=EXIT_CODES)(compare)
app.add_typer(circuits_app)
app.add_typer(hw_app)


def main() -> None:
    """Run the command line."""
    app(prog_name="qmlmat")
