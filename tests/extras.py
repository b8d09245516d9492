"""Checks an environment into which one extra, or several, were installed: `make test-extras`.

It is run by the environment's own Python, away from the checkout, with the names of the extras:
``python tests/extras.py braket`` or ``python tests/extras.py ibm,braket,ionq``.
"""

from __future__ import annotations

import importlib
import sys
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement

VENDORS = {
    "ibm": ("qiskit_ibm_runtime", "qmlmat.hardware.adapters.ibm.adapter"),
    "braket": ("braket.aws", "qmlmat.hardware.adapters.braket.adapter"),
    "ionq": ("qiskit_ionq", "qmlmat.hardware.adapters.ionq.adapter"),
}
"""For each extra the provider's package and our adapter."""
FLOORS = {">=", "==", "~=", ">"}


def requirements(extra: str) -> list[Requirement]:
    """What an extra asks for, as the installed package says."""
    found = [Requirement(line) for line in metadata.requires("qmlmat") or ()]
    return [
        one
        for one in found
        if one.marker is not None
        and one.marker.evaluate({"extra": extra})
        and not one.marker.evaluate({"extra": ""})
    ]


def check_floors(extra: str) -> list[str]:
    """What is wrong with the versions that were installed for an extra."""
    wanted = requirements(extra)
    problems = [] if wanted else [f"{extra}: no such extra in the installed package"]
    for one in wanted:
        version = metadata.version(one.name)
        if not any(bound.operator in FLOORS for bound in one.specifier):
            problems.append(f"{extra}: {one} has no lower bound")
        if not one.specifier.contains(version, prereleases=True):
            problems.append(f"{extra}: {one.name} {version} is installed, {one} is wanted")
    return problems


def check_adapters(extra: str) -> list[str]:
    """What is wrong with the provider's client and our adapters to it; no network is used."""
    from qmlmat.hardware.adapters.registry import make_adapter
    from qmlmat.hardware.config import load_target, target_names

    for name in VENDORS[extra]:
        importlib.import_module(name)
    targets = [load_target(name) for name in target_names()]
    own = [one for one in targets if one.provider == extra]
    problems = [] if own else [f"{extra}: no target is shipped for it"]
    with TemporaryDirectory() as folder:
        for one in own:
            adapter = make_adapter(one, folder=Path(folder))
            if one.device not in adapter.name:
                problems.append(f"{one.name}: the adapter is called {adapter.name}")
    return problems


def main(extras: list[str]) -> int:
    """Check every extra; return the exit status."""
    import qmlmat

    place = Path(qmlmat.__file__).resolve()
    problems = [] if "site-packages" in place.parts else [f"{place} is not the installed package"]
    for extra in extras:
        problems += check_floors(extra) + check_adapters(extra)
    print("\n".join(problems) or f"{', '.join(extras)}: installed, imported, adapters made")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1].split(",")))
