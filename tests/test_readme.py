"""The README's example runs as printed, and what it shows exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def marked(name: str) -> str:
    """Return the first fenced block between the comments ``<name>`` and ``</name>``."""
    pattern = rf"<!-- {name}: begin -->\s*```\w*\n(.*?)```\s*<!-- {name}: end -->"
    found = re.search(pattern, README, flags=re.DOTALL)
    assert found, f"README.md: no block marked {name}"
    return found.group(1)


def test_the_example_prints_what_the_readme_says(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(marked("example"), "README.md", "exec"), {"__name__": "__main__"})
    printed = capsys.readouterr().out
    assert printed.split() == marked("output").split()


def test_the_example_of_cloud_hardware_prints_what_the_readme_says(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(marked("hardware"), "README.md", "exec"), {"__name__": "__main__"})
    printed = capsys.readouterr().out
    assert printed.split() == marked("hardware-output").split()


def test_the_example_fits_on_a_postcard():
    lines = [line for line in marked("example").splitlines() if line.strip()]
    assert len(lines) <= 12


@pytest.mark.parametrize(
    "target",
    sorted({link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link}),
)
def test_every_link_leads_somewhere(target):
    assert (ROOT / target).exists()


def test_every_make_target_named_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", README)) <= targets
