"""The command line: thin commands over the library; see ``qmlmat --help`` and `docs/cli.md`."""

from qmlmat.cli.app import main

__all__ = ["main"]
