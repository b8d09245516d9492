"""Options that many commands share."""

from __future__ import annotations

from typing import Annotated

import typer

EXIT_CODES = """\
Exit codes: 0 done; 1 a bug in qmlmat; 2 bad input; 3 finished, but points failed or did not \
converge; 4 the store was refused or cannot be read; 5 the computation failed; 130 interrupted."""

Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        help="Threads of the numerical libraries.",
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout, and nothing else.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks and the library's log.")]
