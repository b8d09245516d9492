"""The options of ``qmlmat bands``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qmlmat.cli import bands as command
from qmlmat.cli.arguments import AsJson, Debug, Threads
from qmlmat.cli.bands_request import SOLVERS, BandsRequest
from qmlmat.cli.screen import run, set_threads


def bands(
    material: Annotated[
        str,
        typer.Argument(
            metavar="MATERIAL",
            help="MoS2, WS2, MoSe2, WSe2, MoTe2, WTe2, graphene, h-BN, or a NAME_hr.dat file.",
        ),
    ],
    model: Annotated[
        str,
        typer.Option("--model", metavar="[nn|tnn]", help="How far hoppings of MX2 reach."),
    ] = "tnn",
    functional: Annotated[
        str,
        typer.Option("--functional", metavar="[gga|lda]", help="The functional MX2 was fitted to."),
    ] = "gga",
    soc: Annotated[bool, typer.Option("--soc", help="Spin-orbit coupling of MX2.")] = False,
    cell: Annotated[
        str | None,
        typer.Option(
            "--cell",
            metavar="A1X,A1Y,...",
            help="Lattice vectors of a _hr.dat file, nine numbers (Å).",
        ),
    ] = None,
    solver: Annotated[
        str,
        typer.Option("--solver", metavar=f"[{'|'.join(SOLVERS)}]", help="How bands are found."),
    ] = SOLVERS[0],
    path: Annotated[
        str | None,
        typer.Option("--path", metavar="GKMG", help="Special points; by default the model's."),
    ] = None,
    points: Annotated[int, typer.Option("--points", help="Number of k along the path.")] = 91,
    states: Annotated[
        int | None, typer.Option("--states", help="Bands of each spin; by default all.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of the solver.")] = None,
    store: Annotated[
        Path | None,
        typer.Option("--store", metavar="FILE", help="ASE database to keep, and to go on from."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Figure: .png, .pdf or .svg.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Table of all points.")
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            "--workers",
            min=1,
            help="Processes that compute points at the same time, each with --threads.",
        ),
    ] = 1,
    threads: Threads = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Compute the bands of a 2-D material along a path, their edges and gaps."""
    set_threads(threads)
    request = BandsRequest(
        material=material,
        model=model,
        functional=functional,
        soc=soc,
        cell=cell,
        solver=solver,
        path=path,
        n_points=points,
        n_states=states,
        seed=seed,
    )
    files = command.BandFiles(store=store, plot=plot, csv=csv, workers=workers)
    run(lambda screen: command.bands(screen, request, files), as_json=as_json, debug=debug)
