"""A run while it is waited for: a table that is kept up to date, or a line for each change."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Group
from rich.live import Live
from rich.table import Table

from qmlmat.report.hardware_table import amount_words, states_words, tasks_table

if TYPE_CHECKING:
    from qmlmat.cli.screen import Screen
    from qmlmat.hardware.ledger.ledger import Ledger
    from qmlmat.hardware.submission import Progress


class Watch:
    """Shows a run on stderr: live in a terminal, else in plain lines where something changes."""

    def __init__(self, screen: Screen, ledger: Ledger, run: str) -> None:
        """Look up the run.

        Args:
            screen: Where it is shown.
            ledger: Where it is written down.
            run: Its name.
        """
        self._ledger = ledger
        self._run = run
        self._screen = screen
        self._shots = task_shots(ledger, run)
        self._states: dict[str, str] = {}
        self._said: set[str] = set()
        is_seen = screen.err.is_terminal and not screen.as_json
        self._live = (
            Live(console=screen.err, transient=True, auto_refresh=False) if is_seen else None
        )

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._live is not None:
            self._live.start()
            self._live.update(self._table(), refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the table away; results come after it."""
        if self._live is not None:
            self._live.stop()

    def __call__(self, progress: Progress) -> None:
        """Show where the run stands after a pass."""
        if self._live is not None:
            below = Group(self._table(), *progress.notes)
            self._live.update(below, refresh=True)
        else:
            self._say_changes()
            for note in progress.notes:
                if note not in self._said:
                    self._said.add(note)
                    self._screen.hint(note)

    def _table(self) -> Table:
        ledger, run = self._ledger, self._run
        return tasks_table(ledger.tasks(run), ledger.bills(run), self._shots, title=self._title())

    def _title(self) -> str:
        totals = self._ledger.totals(self._run)
        return (
            f"{self._run}: {states_words(totals.states)}; spent {amount_words(totals.spent)}, "
            f"reserved {amount_words(totals.reserved)}"
        )

    def _say_changes(self) -> None:
        records = self._ledger.tasks(self._run)
        for number, one in enumerate(records, start=1):
            if self._states.get(one.key) == one.state:
                continue
            self._states[one.key] = one.state
            job = "" if one.remote_id is None else f", job {one.remote_id}"
            why = f" ({one.message})" if one.message else ""
            self._screen.hint(f"task {number} of {len(records)}: {one.state}{job}{why}")


def task_shots(ledger: Ledger, run: str) -> dict[str, int]:
    """Return the repetitions that each task of a run asks for, by its key."""
    return {one.key: ledger.task(one.key).n_shots for one in ledger.tasks(run)}
