"""Sphinx: the reference from ``qmlmat.__all__``, the tutorials from their scripts.

Pages under ``api/`` and ``tutorials/`` are written on every build; nothing in them is kept.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import jupytext
from sphinx.application import Sphinx

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
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True

# Napoleon reads a field's docstring "Start: MP2 or zeros." as "type: description". Fields here are
# plain sentences, so their colons are hidden from it.
COLON, HIDDEN = ":", "\ue000"

# An author's initial at the start of a line is not the first item of a list.
INITIAL = re.compile(r"^(\s*)([A-Z])\. ")


def _reference_page(name: str) -> str:
    value = getattr(qmlmat, name)
    if inspect.isclass(value):
        directive, members = "autoclass", "   :members:\n"
    else:
        directive, members = ("autofunction" if callable(value) else "autodata"), ""
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
        "# Reference\n\nThe public names, as in `import qmlmat as qm`.\n\n"
        f"```{{toctree}}\n:maxdepth: 1\n\n{entries}\n```\n",
        encoding="utf-8",
    )


def _write_tutorials(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    scripts = sorted((HERE.parent / "tutorials").glob("*.py"))
    for script in scripts:
        notebook = jupytext.read(script, fmt="py:percent")
        notebook.metadata["jupytext"] = {"notebook_metadata_filter": "-all"}
        jupytext.write(notebook, folder / f"{script.stem}.md", fmt="md")
    entries = "\n".join(script.stem for script in scripts)
    (folder / "index.md").write_text(
        "# Tutorials\n\nEach is a script in `tutorials/` that runs as it stands.\n\n"
        f"```{{toctree}}\n:maxdepth: 1\n\n{entries}\n```\n",
        encoding="utf-8",
    )


def _hide_colons(_app, what, _name, _obj, _options, lines) -> None:  # noqa: ANN001
    if what in {"attribute", "data"}:
        lines[:] = [line.replace(COLON, HIDDEN) for line in lines]


def _show_colons(_app, _what, _name, _obj, _options, lines) -> None:  # noqa: ANN001
    shown = [line.replace(HIDDEN, COLON) for line in lines]
    lines[:] = [INITIAL.sub(r"\1\2\\. ", line) for line in shown]


def setup(app: Sphinx) -> None:
    """Connect the handlers around Napoleon's own, which has priority 500."""
    app.connect("autodoc-process-docstring", _hide_colons, priority=400)
    app.connect("autodoc-process-docstring", _show_colons, priority=600)


_write_reference(HERE / "api")
_write_tutorials(HERE / "tutorials")
