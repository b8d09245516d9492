"""Tables that ``print`` shows as text, and that give way where the terminal is narrow."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

WIDEST = 10_000
"""Width at which nothing is folded (characters)."""


class PrintableTable(Table):
    """A table of rich's whose text is the table: ``print(table)`` needs no console."""

    def __str__(self) -> str:
        """Return the table as text, no cell cut or folded."""
        console = Console(width=natural_width(self), color_system=None)
        with console.capture() as capture:
            console.print(self)
        return "\n".join(line.rstrip() for line in capture.get().splitlines())


def natural_width(table: Table) -> int:
    """Return the width at which no cell is cut or folded (characters)."""
    return Console(width=WIDEST).measure(table).maximum


def house_table(title: str = "") -> PrintableTable:
    """Return an empty table in the house's style.

    Args:
        title: What stands above.
    """
    return PrintableTable(
        title=title or None,
        title_justify="left",
        title_style="bold",
        header_style="",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
