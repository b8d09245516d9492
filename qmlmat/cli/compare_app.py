"""The options of ``qmlmat compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qmlmat.cli import compare as command
from qmlmat.cli.arguments import AsJson, Debug, Threads
from qmlmat.cli.screen import run, set_threads


def compare(
    file: Annotated[Path, typer.Argument(metavar="INPUT.toml", help="Input file.")],
    store: Annotated[
        Path | None,
        typer.Option(
            "--store", metavar="FILE", help="Finished trainings, kept; by default INPUT.jsonl."
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Figure: .png, .pdf or .svg.")
    ] = None,
    threads: Threads = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Compare a quantum model with its classical rivals on the same data with the same budget."""
    set_threads(threads)
    run(
        lambda screen: command.compare(screen, file, store=store, plot=plot),
        as_json=as_json,
        debug=debug,
    )
