"""What is measured on rehearsed devices, and a child process that submits it and may be killed.

``python -m rehearsed_surfaces submit PLAN LEDGER RUN`` submits a saved plan, waits, and prints its
answers; ``search TARGET LEDGER RUN`` searches H2's angles.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rehearsal.client import Server

import qmlmat as qm
from qmlmat.hardware.config import Target

SUPPORT = Path(__file__).parent
LITHIUM_HYDRIDE = qm.ActiveSpace(2, 2)
"""Two electrons in the highest occupied and the lowest empty orbital."""


def brisk(target: Target, **budget: float) -> Target:
    """Return a target that asks often, and may spend what a rehearsal takes."""
    retry = {
        "poll_s": 0.3,
        "min_submit_interval_s": 0.0,
        "ambiguous_grace_s": 0.5,
        "backoff_s": 0.2,
    }
    plenty = {"max_jobs": 200, "max_shots": 200_000_000}
    if target.provider == "ibm":
        plenty["max_qpu_seconds"] = 100_000.0
    limits, mode = {}, {}
    if target.provider == "braket":  # as the rehearsed Garnet says of itself
        limits, mode = {"max_shots_per_program": 20_000}, {"max_executions_per_job": 100_000}
    return target.model_copy(
        update={
            "limits": target.limits.model_copy(update=limits),
            "mode": target.mode.model_copy(update=mode),
            "retry": target.retry.model_copy(update=retry),
            "budget": target.budget.model_copy(update=plenty | budget),
        }
    )


def hydrogen_scan(store: Path, n_points: int = 10) -> tuple[qm.Path, Any]:
    """Return H2's ground state on a simulator along its bond, and the qubits it is measured on."""
    molecule = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.74")
    surface = qm.SolverSurface(molecule, qm.ActiveSpace(), qm.VQE("uccsd"))
    path = qm.stretch(molecule, (0, 1), np.linspace(0.4, 2.2, n_points))
    mapping = qm.molecular_hamiltonian(molecule).qubit_mapping("parity", reduced=True)
    return qm.scan(surface, path, store=store), mapping


def lithium_hydride_scan(store: Path, n_points: int = 6) -> tuple[Any, Any]:
    """Return two singlets of LiH by q-sc-EOM on a simulator, and the qubits for measuring them."""
    molecule = qm.Molecule.from_xyz("Li 0 0 0; H 0 0 1.6")
    solver = qm.EOM("q-sc-EOM", multiplicity=1)
    surface = qm.SolverSurface(molecule, LITHIUM_HYDRIDE, solver, n_states=2)
    path = qm.stretch(molecule, (0, 1), np.linspace(1.3, 2.3, n_points))
    hamiltonian = qm.molecular_hamiltonian(molecule, LITHIUM_HYDRIDE)
    mapping = hamiltonian.qubit_mapping("parity", reduced=True)
    return qm.scan(surface, path, store=store), mapping


def command(what: str, subject: Path | str, ledger: Path, run: str) -> list[str]:
    """Return the command of the child process.

    Args:
        what: ``"submit"`` a saved plan, or ``"search"`` on a target.
        subject: The plan's file, or the target's name.
        ledger: The ledger's folder.
        run: Name of the run.
    """
    return [sys.executable, "-m", "rehearsed_surfaces", what, str(subject), str(ledger), run]


def environment(server: Server) -> dict[str, str]:
    """Return the child's environment: the vendor's client comes to the server."""
    path = os.pathsep.join([str(SUPPORT), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, **server.environment(), **signed_in(server.folder), "PYTHONPATH": path}


def signed_in(folder: Path) -> dict[str, str]:
    """Return variables with a made-up account of every vendor."""
    profile = folder / "aws-credentials"
    profile.write_text(
        "[default]\naws_access_key_id = rehearsal\naws_secret_access_key = rehearsal\n"
    )
    return {
        "AWS_SHARED_CREDENTIALS_FILE": str(profile),
        "AWS_DEFAULT_REGION": "us-east-1",
        "IONQ_API_KEY": "rehearsal",
    }


def killed_when(
    words: Sequence[str], server: Server, ready: Callable[[], bool], *, timeout: float = 240.0
) -> bool:
    """Return whether a child was killed (SIGKILL) as soon as something was ready, or had ended.

    Args:
        words: Its command.
        server: Where it goes.
        ready: Asked again and again.
        timeout: Longest time (s).
    """
    child = subprocess.Popen(words, env=environment(server), stdout=subprocess.DEVNULL)
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if child.poll() is not None:
            return False
        if ready():
            child.send_signal(signal.SIGKILL)
            return child.wait() == -signal.SIGKILL
        time.sleep(0.02)
    child.kill()
    raise TimeoutError(f"{words}: nothing was ready within {timeout} s")


def finished(words: Sequence[str], server: Server, *, timeout: float = 900.0) -> dict[str, Any]:
    """Return what a child printed that ran to its end."""
    done = subprocess.run(
        words, env=environment(server), capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def _plain(answer: qm.Estimate) -> dict[str, Any]:
    moved = answer.calibration
    return {
        "values": answer.values.tolist(),
        "variances": answer.variances.tolist(),
        "calibration": None if moved is None else moved.tolist(),
    }


def submit(plan_file: str, folder: str, run: str) -> dict[str, Any]:
    """Return the answers of a saved plan, submitted and waited for."""
    plan = qm.MeasurementPlan.load(plan_file)
    with qm.Ledger.open(folder) as ledger:
        found = qm.PlanRun.start(plan, ledger, name=run)
        found.submission.wait()
        result = found.result()
    answers = [None if one is None else _plain(one) for one in result.answers]
    shifts = [None if one is None else one.shift for one in result.jobs]
    return {"answers": answers, "flags": result.flags, "shifts": shifts}


def search(name: str, folder: str, run: str) -> dict[str, Any]:
    """Return the steps of Rotosolve for H2's three angles on a target, two sweeps of it."""
    h2 = qm.molecular_hamiltonian(qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735"))
    mapping = h2.qubit_mapping("parity", reduced=True)
    solver = qm.VQE("uccsd", optimizer=qm.Rotosolve, max_iterations=2)
    with qm.Ledger.open(folder) as ledger:
        device = qm.LedgerBackend.open(
            brisk(qm.load_target(name)), ledger, run=run, mapping=mapping, shots=1000
        )
        found = qm.solve(h2, solver, backend=device, seed=1)
        n_calls = len(ledger.tasks(run))
    assert found.params is not None
    steps = [(step.energy, step.gradient_norm) for step in found.history]
    return {"steps": steps, "params": found.params.tolist(), "calls": n_calls}


def main(what: str, *words: str) -> None:
    """Do what is asked for, and print it."""
    warnings.simplefilter("ignore", qm.QmlmatWarning)
    print(json.dumps({"submit": submit, "search": search}[what](*words)))


if __name__ == "__main__":
    main(*sys.argv[1:])
