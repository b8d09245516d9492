"""What an installation carries, what importing it loads, and what it promises by name."""

from __future__ import annotations

import ast
import inspect
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

import qmlmat
from qmlmat import _resources
from qmlmat._resources import data_dir
from qmlmat.errors import QmlmatError

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(qmlmat.__file__).resolve().parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = ("circuits", "hardware_configs")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A copy of the package laid out as the wheel lays it out, without the checkout around it."""
    package = tmp_path / "site-packages" / "qmlmat"
    package.mkdir(parents=True)
    for target, source in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"][
        "force-include"
    ].items():
        shutil.copytree(ROOT / target, package.parent / source)
    monkeypatch.setattr(_resources, "__file__", str(package / "_resources.py"))
    return package


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_checkout_uses_its_own_data(folder):
    assert data_dir(folder) == ROOT / folder


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_wheel_carries_its_data(folder, installed):
    assert data_dir(folder) == installed / "_data" / folder


def test_a_wheel_carries_every_template(installed):
    carried = {path.name for path in (data_dir("circuits") / "ansatz").glob("*.toml")}
    assert carried == {path.name for path in (ROOT / "circuits" / "ansatz").glob("*.toml")}
    assert "uccsd.toml" in carried


def test_somebody_elses_package_called_circuits_is_not_our_data(installed):
    """A package ``circuits`` exists on PyPI; beside ours in site-packages it must not be taken."""
    other = installed.parent / "circuits"
    other.mkdir()
    (other / "README.md").write_text("not ours", encoding="utf-8")
    assert data_dir("circuits") == installed / "_data" / "circuits"


@pytest.mark.parametrize("folder", FOLDERS)
def test_an_installation_without_data_says_how_to_repair_it(folder, installed):
    shutil.rmtree(installed / "_data" / folder)
    with pytest.raises(QmlmatError, match="pip install --force-reinstall qmlmat"):
        data_dir(folder)


@pytest.mark.parametrize("folder", FOLDERS)
def test_data_folders_hold_no_python(folder):
    assert list((ROOT / folder).rglob("*.py")) == []


EVERYTHING = "; doors = qmlmat._api._DOORS; " + (
    "[getattr(qmlmat, name) for name in qmlmat.__all__ if name not in doors]"
)


@pytest.mark.parametrize("used", ["", "; import qmlmat._api" + EVERYTHING])
def test_the_package_loads_no_framework_that_is_not_used(used):
    """Neither importing the package nor naming all but the doors in it loads a framework."""
    script = (
        f"import sys, qmlmat{used}\n"
        "heavy = {'pennylane', 'qiskit', 'ase', 'matplotlib', 'jax', 'typer', 'pydantic'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_importing_the_package_changes_no_global_state():
    """No dtype, thread count, seed or logging handler is touched by an import."""
    script = (
        "import logging, os, numpy, torch\n"
        "def state():\n"
        "    return (torch.get_default_dtype(), torch.get_num_threads(), dict(os.environ),\n"
        "            torch.initial_seed(), logging.getLogger().handlers[:],\n"
        "            logging.getLogger().level, numpy.geterr())\n"
        "before = state()\n"
        "import qmlmat\n"
        "print(before == state())"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True"]


def test_the_version_is_said_once():
    assert qmlmat.__version__ == PROJECT["project"]["version"]
    assert qmlmat.__version__ == metadata.version("qmlmat")
    assert f"version: {qmlmat.__version__}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_public_names_are_listed_once():
    assert len(set(qmlmat.__all__)) == len(qmlmat.__all__)


@pytest.mark.parametrize("name", [name for name in qmlmat.__all__ if name != "__version__"])
def test_every_public_name_exists_and_is_documented(name):
    value = getattr(qmlmat, name)
    assert not isinstance(value, ModuleType), "the public list holds nouns and verbs, not files"
    assert inspect.getdoc(value), f"{name} needs a docstring"


def test_every_public_name_can_be_listed_by_dir():
    assert set(qmlmat.__all__) <= set(dir(qmlmat))


def test_the_command_exists():
    (command,) = metadata.entry_points(group="console_scripts", name="qmlmat")
    assert callable(command.load())


def test_only_sigma_calls_the_sigma_builds_of_pyscf():
    """Import-linter sees top-level packages only; this is the finer rule of the same wall."""
    importers = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                found = {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                found = {alias.name for alias in node.names}
            else:
                continue
            if any(name == "pyscf.fci" or name.startswith("pyscf.fci.") for name in found):
                importers.add(path.relative_to(PACKAGE).as_posix())
    assert importers <= {"systems/sigma.py", "plugins/pyscf.py"}  # there PySCF is the user


@pytest.mark.parametrize("extra", sorted(PROJECT["project"]["optional-dependencies"]))
def test_extras_have_lower_bounds(extra):
    """Without one an old client is installed somewhere, and fails where nobody can see why."""
    names = set(PROJECT["project"]["optional-dependencies"])
    for line in PROJECT["project"]["optional-dependencies"][extra]:
        wanted = Requirement(line)
        if wanted.name == PROJECT["project"]["name"]:
            assert wanted.extras <= names
            continue
        assert any(one.operator in {">=", "==", "~="} for one in wanted.specifier), line


def test_make_checks_every_provider():
    """``make test-extras`` installs each provider's client, alone and with all others."""
    from qmlmat.hardware.config.figures import MODELS

    line = re.search(r"^EXTRAS \?= (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE).group(1)
    providers = set(MODELS) - {"local"}
    *alone, together = line.split()
    assert set(alone) == set(together.split(",")) == providers
