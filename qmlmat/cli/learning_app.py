"""The options of the commands that learn surfaces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qmlmat.cli import learning
from qmlmat.cli.arguments import AsJson, Debug, Threads
from qmlmat.cli.screen import run, set_threads


def fit(
    file: Annotated[Path, typer.Argument(metavar="INPUT.toml", help="Input file.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="NAME",
            help="Model: NAME.safetensors and NAME.json; by default INPUT.",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Figure: .png, .pdf or .svg."),
    ] = None,
    threads: Threads = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Train a model of a surface on a scan or a file of data, and test it on points kept back."""
    set_threads(threads)
    run(
        lambda screen: learning.fit(screen, file, output=output, plot=plot),
        as_json=as_json,
        debug=debug,
    )


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Name of a model.")],
    geometries: Annotated[
        str,
        typer.Argument(
            metavar="GEOMETRIES",
            help="File: .xyz, .extxyz, .npz or the store of a scan; of two atoms also lengths (Å): "
            "r=0.7,0.9 or r=0.5:3.0:26 (first, last, number).",
        ),
    ],
    forces: Annotated[bool, typer.Option("--forces", help="Show forces, too.")] = False,
    threads: Threads = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Predict energies with a trained model; what lies outside of its training data is marked."""
    set_threads(threads)
    run(
        lambda screen: learning.predict(screen, model, geometries, forces=forces),
        as_json=as_json,
        debug=debug,
    )
