"""What a command shows: results on stdout, everything else on stderr, and its exit code."""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from enum import IntEnum
from typing import TYPE_CHECKING, Final, TextIO

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from qmlmat.cli.outputs import ErrorOutput
from qmlmat.errors import (
    BudgetError,
    CapabilityError,
    CredentialError,
    InputError,
    LedgerError,
    MissingExtraError,
    QmlmatError,
    QmlmatWarning,
    StoreError,
)

if TYPE_CHECKING:
    from qmlmat.potentials.comparison import ComparisonProgress
    from qmlmat.potentials.training import FitProgress
    from qmlmat.surfaces import ScanProgress

PIPE_WIDTH: Final = 120
"""Columns of a table that is written to a file or a pipe."""

_THREAD_VARIABLES: Final = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


class ExitCode(IntEnum):
    """What a command's exit code means."""

    OK = 0
    BUG = 1
    BAD_INPUT = 2
    NOT_CONVERGED = 3
    STORE = 4
    FAILED = 5
    OVER_BUDGET = 6
    INTERRUPTED = 130


class Screen:
    """The two streams of a running command."""

    def __init__(self, *, as_json: bool, debug: bool) -> None:
        self.as_json = as_json
        self.debug = debug
        self.out = _console(sys.stdout)
        self.err = _console(sys.stderr)
        self.on_interrupt = "Nothing was computed yet; type the same command again."
        self._documented = False
        self._seen: set[str] = set()

    def say(self, *lines: object) -> None:
        """Print results for a person; with ``--json`` they are left out."""
        if not self.as_json:
            for line in lines:
                is_text = isinstance(line, str | Text)
                self.out.print(line, markup=False, highlight=False, soft_wrap=is_text)

    def document(self, output: BaseModel) -> None:
        """Print the one document of ``--json``."""
        if self.as_json:
            sys.stdout.write(output.model_dump_json(indent=2) + "\n")
            self._documented = True

    def hint(self, text: str) -> None:
        """Print on stderr what to do next."""
        self._line("", "", text)

    def warn(self, message: str) -> None:
        """Print a warning as one line; once, where only its numbers change from point to point."""
        text = " ".join(message.split())
        kind = re.sub(r"\d+", "#", text)
        if kind not in self._seen:
            self._seen.add(kind)
            self._line("Warning: ", "yellow", text)

    def fail(self, error: BaseException, code: ExitCode, message: str) -> None:
        """Print why a command ends, one line for each reason."""
        for line in message.splitlines():
            self._line("Error: ", "bold red", line)
        if self.debug:
            self.err.print("".join(traceback.format_exception(error)), markup=False)
        if not self._documented:  # --json prints one document; results come before a reason
            name = type(error).__name__
            self.document(ErrorOutput(error=name, message=message, exit_code=int(code)))

    def progress(self, description: str) -> AbstractContextManager[ProgressLine | None]:
        """Return a progress bar on stderr, or nothing where nobody watches."""
        if not self.err.is_terminal:
            return nullcontext()
        return ProgressLine(self.err, description)

    def _line(self, label: str, style: str, text: str) -> None:
        line = Text.assemble((label, style), text)
        self.err.print(line, highlight=False, soft_wrap=True)


class ProgressLine:
    """A bar with points done, time passed and time left."""

    def __init__(self, console: Console, description: str) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task(description, total=None, state="")

    def __enter__(self) -> ProgressLine:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(
        self, progress: ScanProgress | FitProgress | ComparisonProgress, what: str = "points"
    ) -> None:
        """Show how far a scan, a training or a comparison is."""
        state = f"{progress.done} of {progress.total} {what}, {_time(progress.elapsed)} passed"
        if progress.remaining is not None:
            state += f", about {_time(progress.remaining)} left"
        self._bar.update(self._task, completed=progress.done, total=progress.total, state=state)


def run(command: Callable[[Screen], ExitCode], *, as_json: bool, debug: bool) -> None:
    """Run a command, and end it with its exit code and, where it fails, one clear message.

    Raises:
        typer.Exit: Always.
    """
    screen = Screen(as_json=as_json, debug=debug)
    logger = logging.getLogger("qmlmat")
    handler: logging.Handler = logging.StreamHandler() if debug else logging.NullHandler()
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            _show_warnings(screen)
            code = _guarded(command, screen)
    finally:
        logger.removeHandler(handler)
    raise typer.Exit(int(code))


def set_threads(threads: int | None) -> None:
    """Set how many threads numerical libraries use; to be called before they are imported.

    By default one, except where the user's environment says otherwise: the small matrices of an
    active space gain nothing from more, and threads that wait for each other on a busy machine
    made the first scan ten times slower.
    """
    for variable in _THREAD_VARIABLES:
        if threads is not None:
            os.environ[variable] = str(threads)
        else:
            os.environ.setdefault(variable, "1")


def _guarded(command: Callable[[Screen], ExitCode], screen: Screen) -> ExitCode:
    try:
        return command(screen)
    except KeyboardInterrupt as error:
        code = ExitCode.INTERRUPTED
        screen.fail(error, code, f"interrupted. {screen.on_interrupt}".strip())
    except QmlmatError as error:
        code = _code(error)
        screen.fail(error, code, str(error))
    except BrokenPipeError:
        raise  # the reader of stdout went away, e.g. `| head`: typer ends quietly
    except Exception as error:  # noqa: BLE001 - the one place that turns a bug into a message
        code = ExitCode.BUG
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        hint = "" if screen.debug else " --debug shows the traceback to report."
        screen.fail(error, code, f"this is a bug in qmlmat ({reason}).{hint}")
    return code


def _code(error: QmlmatError) -> ExitCode:
    if isinstance(error, BudgetError):
        return ExitCode.OVER_BUDGET
    if isinstance(error, StoreError | LedgerError):
        return ExitCode.STORE
    if isinstance(error, InputError | CapabilityError | MissingExtraError | CredentialError):
        return ExitCode.BAD_INPUT
    return ExitCode.FAILED


def _show_warnings(screen: Screen) -> None:
    original = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, QmlmatWarning):
            screen.warn(str(message))
        else:
            original(message, category, filename, lineno, file, line)

    warnings.showwarning = show
    warnings.simplefilter("always", QmlmatWarning)


def _console(stream: TextIO) -> Console:
    return Console(file=stream, width=None if stream.isatty() else PIPE_WIDTH)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
