"""Where runs are written down, and which one a command means."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

import platformdirs

from qmlmat.errors import ConfigError, LedgerError

if TYPE_CHECKING:
    from qmlmat.hardware.config import Target
    from qmlmat.hardware.ledger.ledger import Ledger

VARIABLE: Final = "QMLMAT_LEDGER"
"""Environment variable naming the folder of the ledger."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def ledger_folder(given: Path | None) -> Path:
    """Return the folder of the ledger: as given, else the environment's, else the user's own.

    Never the current folder: jobs must not get lost by a change of folder.
    """
    own = os.environ.get(VARIABLE)
    if given is not None:
        return given.expanduser().absolute()
    if own:
        return Path(own).expanduser().absolute()
    return platformdirs.user_data_path("qmlmat") / "ledger"


def open_ledger(given: Path | None, *, create: bool = False) -> Ledger:
    """Return the ledger.

    Args:
        given: Its folder, as it was typed.
        create: Whether one is made where there is none.

    Raises:
        LedgerError: If there is none, or it cannot be used.
    """
    from qmlmat.hardware.ledger.ledger import Ledger  # noqa: PLC0415 - loads numpy

    folder = ledger_folder(given)
    if not create and not folder.is_dir():
        raise LedgerError(
            f'there is no ledger in "{folder}": nothing was submitted from it. Name another with '
            f"--ledger DIR or {VARIABLE}, or begin a run: qmlmat hw submit"
        )
    return Ledger.open(folder)


def checked_name(run: str) -> str:
    """Return the name of a run, which is part of file names.

    Raises:
        ConfigError: If it is not letters, digits, points, lines and underscores.
    """
    if not _NAME.fullmatch(run):
        raise ConfigError(
            f'--run "{run}": a name has letters, digits, ".", "-" and "_", at most 64 of them, and '
            "begins with a letter or digit. Write e.g. --run h2-fez"
        )
    return run


def target_of(ledger: Ledger, run: str) -> Target:
    """Return where a run goes.

    Raises:
        LedgerError: If that is not stored, or there is no such run.
    """
    from qmlmat.hardware.config.loading import parse_target  # noqa: PLC0415

    ledger.run(run)
    kept = ledger.kept_target(run)
    return parse_target(kept, name=f'run "{run}"', allow_custom_endpoint=True)


def command(name: str, run: str, ledger: Path | None) -> str:
    """Return what to type to go on with a run."""
    where = "" if ledger is None else f" --ledger {shlex.quote(str(ledger))}"
    return f"qmlmat hw {name} {shlex.quote(run)}{where}"
