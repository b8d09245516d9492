"""The table ``[backend]``: circuits of an input file on other simulators, with shots and noise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from qmlmat.cli.app import app

INPUT = """
[molecule]
xyz = "H 0 0 0; H 0 0 0.735"
[backend]
{backend}
[solver]
name = "VQE"
exact_search = true
seed = 1
"""
EXACT = -1.13730604  # hartree, PySCF FCI


def run(tmp_path: Path, backend: str, *arguments: str, solver: str = ""):
    file = tmp_path / "h2.toml"
    file.write_text(INPUT.format(backend=backend) + solver, encoding="utf-8")
    return CliRunner().invoke(app, ["solve", str(file), *arguments])


def solved(tmp_path: Path, backend: str, *, solver: str = "") -> dict:
    done = run(tmp_path, backend, "--json", solver=solver)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "backend",
    [
        'name = "statevector"\nmapping = "bravyi_kitaev"',
        'name = "statevector"\ntapered = true',
        'name = "pennylane"\nmapping = "parity"\nreduced = true',
        'name = "qiskit"\nmapping = "parity"\nreduced = true',
    ],
)
def test_exact_backends_give_the_energy_of_the_sector(tmp_path, backend):
    """A backend without shots changes where circuits run, and not the energy."""
    solver = "[solver.screening]\n" if "tapered" in backend else ""
    found = solved(tmp_path, backend, solver=solver)
    assert found["energies"][0] == pytest.approx(EXACT, abs=1e-8)
    assert found["stderr"] is None


def test_shots_give_error_bars(tmp_path):
    """Measured energies come with their standard error, which holds the exact one."""
    backend = 'name = "statevector"\nshots = 20000\nmapping = "parity"\nreduced = true'
    found = solved(tmp_path, backend)
    (bar,) = found["stderr"]
    assert 1e-4 < bar < 5e-3
    assert abs(found["energies"][0] - EXACT) < 5 * bar


def test_a_fake_device_has_noise_that_mitigation_takes_off(tmp_path):
    """The mitigated energy on a noisy device is closer than half of the raw error."""
    device = 'name = "qiskit"\ndevice = "manila"\nshots = 20000\nmapping = "parity"\nreduced = true'
    raw = solved(tmp_path, device)
    stack = solved(tmp_path, device + '\nmitigation = ["readout", "symmetry", "reference"]')
    assert raw["error"] > 0.02  # hartree
    assert abs(stack["error"]) < raw["error"] / 2


@pytest.mark.parametrize(
    ("backend", "remedy"),
    [
        ('name = "qiskit"\ndevice = "manila"', "give shots"),
        ('name = "statevector"\ndevice = "manila"', "leave it out"),
        ('name = "qiskit"\ndevice = "manilla"\nshots = 100', "manila"),
        ('name = "pennylane"\ndevice = "default.qubits"', "default.qubit"),
        ('name = "statevector"\nmapping = "jordan"', "jordan_wigner"),
        ('name = "statevector"\nshots = 0', "1"),
        ('name = "statevector"\nmitigation = ["extrapolation"]\nshots = 100', "readout"),
    ],
)
def test_bad_tables_are_one_line_with_the_remedy(tmp_path, backend, remedy):
    """Whatever is wrong in ``[backend]`` is said in one line that says what to do."""
    done = run(tmp_path, backend)
    assert done.exit_code == 2
    assert remedy in done.stderr
    assert "Traceback" not in done.output
