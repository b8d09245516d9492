"""Sphinx: the reference from ``qmlmat.__all__``, the tutorials from their scripts.

Pages under ``api/`` and ``tutorials/`` are written on every build; nothing in them is kept.
"""

from __future__ import annotations

import inspect
from pathlib import Path

import jupytext

import qmlmat

HERE = Path(__file__).resolve().parent

project = "qmlmat"
author = "The qmlmat developers"
copyright = author
version = release = qmlmat.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"qmlmat {version}"
autodoc_typehints = "description"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
nitpicky = False


def _reference_page(name: str) -> str:
    directive = "autofunction" if inspect.isroutine(getattr(qmlmat, name)) else "autoclass"
    if not inspect.isroutine(getattr(qmlmat, name)) and not inspect.isclass(getattr(qmlmat, name)):
        directive = "autodata"
    members = "   :members:\n" if directive == "autoclass" else ""
    return (
        f"# {name}\n\n```{{eval-rst}}\n.. currentmodule:: qmlmat\n\n"
        f".. {directive}:: {name}\n{members}```\n"
    )


def _write_reference(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    names = [name for name in qmlmat.__all__ if not name.startswith("__")]
    for name in names:
        (folder / f"{name}.md").write_text(_reference_page(name), encoding="utf-8")
    entries = "\n".join(names)
    (folder / "index.md").write_text(
        f"# Reference\n\nThe public names, as in `import qmlmat as qm`.\n\n"
        f"```{{toctree}}\n:maxdepth: 1\n\n{entries}\n```\n",
        encoding="utf-8",
    )


def _write_tutorials(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    scripts = sorted((HERE.parent / "tutorials").glob("*.py"))
    for script in scripts:
        notebook = jupytext.read(script)
        jupytext.write(notebook, folder / f"{script.stem}.md", fmt="md")
    entries = "\n".join(script.stem for script in scripts)
    (folder / "index.md").write_text(
        "# Tutorials\n\nEach is a script in `tutorials/` that runs as it stands.\n\n"
        f"```{{toctree}}\n:maxdepth: 1\n\n{entries}\n```\n",
        encoding="utf-8",
    )


_write_reference(HERE / "api")
_write_tutorials(HERE / "tutorials")
