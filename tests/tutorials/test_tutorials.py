"""Every tutorial runs from beginning to end: shortened in the fast suite, in full under slow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TUTORIALS = sorted((ROOT / "tutorials").glob("*.py"))


def run(script: Path, folder: Path, *, quick: bool) -> None:
    """Run a tutorial in its own interpreter and an empty folder; fail with what it printed."""
    environment = os.environ | {"QMLMAT_QUICK": "1" if quick else "0", "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", str(script)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{script.name} failed:\n{done.stdout}\n{done.stderr}"


def test_there_are_tutorials():
    assert TUTORIALS


def quick_ones():
    """Return the tutorials; those that start a rehearsal server take a minute even so."""
    for path in TUTORIALS:
        slow = [pytest.mark.slow] if "rehears" in path.read_text(encoding="utf-8") else []
        yield pytest.param(path, marks=slow, id=path.stem)


@pytest.mark.parametrize("script", list(quick_ones()))
def test_the_tutorial_runs_quickly(script, tmp_path):
    run(script, tmp_path, quick=True)


@pytest.mark.slow
@pytest.mark.parametrize("script", TUTORIALS, ids=lambda path: path.stem)
def test_the_tutorial_runs_in_full(script, tmp_path):
    run(script, tmp_path, quick=False)


@pytest.mark.parametrize("script", TUTORIALS, ids=lambda path: path.stem)
def test_the_tutorial_has_one_question_a_figure_and_a_checked_number(script):
    text = script.read_text(encoding="utf-8")
    assert "# %% [markdown]" in text
    assert "QMLMAT_QUICK" in text
    assert "plt." in text
    assert "assert " in text
