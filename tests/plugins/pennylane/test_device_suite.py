"""PennyLane's own tests of devices: what fails is a circuit that leaves the sector, no more."""

import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from pennylane.devices.tests import get_device_tests

import qmlmat

EXPLAINED = re.compile(
    r"pennylane\.exceptions\.DeviceError: qmlmat\.sector: .*"
    r"(does not conserve the number of electrons|may leave the sector|leaves the sector)",
    re.DOTALL,
)
"""A gate, an initial state or an observable that does not conserve the electrons."""
KINDS = ("passed", "skipped", "refused", "failed")
EXECUTED = "plugins/pennylane/device.py"
"""In the traceback of what the device itself refused."""
NEEDS_MOCKS = "test_properties.py::TestCapabilities::test_supports_broadcasting"
"""Needs the package ``pytest-mock``; of devices of the old interface only."""


@dataclass(frozen=True)
class Outcome:
    """What one test did."""

    file: str
    """Its file."""
    name: str
    """Its name."""
    kind: str
    """``passed``, ``skipped``, ``refused``, or ``failed`` without an explanation."""
    message: str = ""
    """What it failed with."""


def outcome(case):
    """One test of the report."""
    where = case.get("classname").split(".tests.")[-1]
    file, name = where.split(".")[0], f"{where}.{case.get('name')}"
    for tag in ("failure", "error"):
        found = case.find(tag)
        if found is not None:
            message = found.get("message", "")
            is_refused = EXPLAINED.match(message) and EXECUTED in (found.text or "")
            return Outcome(file, name, "refused" if is_refused else "failed", message)
    return Outcome(file, name, "passed" if case.find("skipped") is None else "skipped")


def run_suite(folder, *arguments):
    """Run the suite in a process of its own, and return what every test did."""
    report = Path(folder) / "report.xml"
    command = [
        sys.executable, "-m", "pytest", get_device_tests(), "--device", "qmlmat.sector",
        "--no-flaky-report", "-q", "-p", "no:cacheprovider", "--tb", "native",
        "--junitxml", str(report), *arguments,
    ]  # fmt: skip
    if find_spec("pytest_mock") is None:
        command += ["--deselect", NEEDS_MOCKS]
    environment = {**os.environ, "PYTHONPATH": str(Path(qmlmat.__file__).parents[1])}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode in {0, 1}, done.stdout[-3000:] + done.stderr[-3000:]
    return merged(outcome(case) for case in ET.parse(report).getroot().iter("testcase"))


def merged(outcomes):
    """One outcome of each test: runs that ``flaky`` repeats after a failure are cases of their own.

    A run that it will repeat is reported as if it passed; the last one tells.
    """
    last = {}
    for one in outcomes:
        key = one.file, one.name
        if key not in last or KINDS.index(one.kind) >= KINDS.index(last[key].kind):
            last[key] = one
    return list(last.values())


def table(outcomes):
    """Lines of how many tests of each file passed, were skipped, refused, and failed."""
    counts = Counter((one.file, one.kind) for one in outcomes)
    files = sorted({one.file for one in outcomes})
    rows = [(file, [counts[file, kind] for kind in KINDS]) for file in files]
    rows.append(("all", [sum(column) for column in zip(*(n for _, n in rows), strict=True)]))
    lines = [f"{'':28}" + "".join(f"{kind:>9}" for kind in KINDS)]
    return lines + [f"{file:28}" + "".join(f"{n:9}" for n in numbers) for file, numbers in rows]


def test_of_a_test_that_is_repeated_the_failure_counts():
    """Two runs that passed to be repeated, and the refusal at last."""
    runs = [Outcome("f", "n", kind) for kind in ("passed", "passed", "refused")]
    assert [one.kind for one in merged([*runs, Outcome("f", "m", "passed")])] == [
        "refused",
        "passed",
    ]


@pytest.mark.slow
@pytest.mark.timeout(2400)
@pytest.mark.parametrize("arguments", [(), ("--shots", "10000")], ids=["exact", "shots"])
def test_pennylanes_suite_fails_only_where_circuits_leave_the_sector(arguments, tmp_path):
    """Exactly and with shots: every failure is the device's refusal at execution."""
    outcomes = run_suite(tmp_path, *arguments)
    print("\n".join(["", *table(outcomes)]))
    unexplained = [f"{o.file} {o.name}: {o.message}" for o in outcomes if o.kind == "failed"]
    assert not unexplained, "\n".join(unexplained)
    assert sum(one.kind == "passed" for one in outcomes) >= 80  # 90 exact, 87 with shots


def test_a_failure_is_explained_by_its_own_words_only():
    """A refusal of the device counts; PennyLane's, and a wrong number, do not."""

    def kind(message, text):
        case = ET.fromstring(
            '<testcase classname="pennylane.devices.tests.test_gates.T" name="n"/>'
        )
        ET.SubElement(case, "failure", message=message).text = text
        return outcome(case).kind

    refusal = (
        "pennylane.exceptions.DeviceError: qmlmat.sector: RX on wires [0] does not conserve the "
        "number of electrons, or is not known to."
    )
    assert kind(refusal, f"qmlmat/{EXECUTED}, line 1") == "refused"
    assert kind(refusal, "pennylane/devices/preprocess.py, line 1") == "failed"
    assert kind("AssertionError: 1.0 != 2.0", EXECUTED) == "failed"
    assert kind("pennylane.exceptions.DeviceError: Operator RX not supported", EXECUTED) == "failed"
