"""Checkpoints: a growing circuit survives its process, and no file is taken for another's."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from molecules import HYDROGEN, LITHIUM_HYDRIDE, hamiltonian

import qmlmat as qm
from qmlmat.errors import InputError, StoreError, StoreMismatchError

H4 = "H 0 0 0; H 0 0 2; H 0 0 4; H 0 0 6"
SOLVER = qm.ADAPTVQE(gradient_tolerance=1e-4)


class Interrupting(qm.SectorBackend):
    """Gives up like a user at the fifth look at the pool."""

    def pool_gradients(self, preparation, observable, pool):
        if preparation.circuit.n_params == 4:
            raise KeyboardInterrupt
        return super().pool_gradients(preparation, observable, pool)


def test_an_interrupted_growth_goes_on_from_its_file(tmp_path):
    """The same circuit, energy and history as without the interruption."""
    h, file = hamiltonian(H4), tmp_path / "h4.json"
    whole = qm.solve(h, SOLVER)
    with pytest.raises(KeyboardInterrupt):
        qm.solve(h, SOLVER, backend=Interrupting(), checkpoint=file)
    kept = qm.Solution.from_dict(json.loads(file.read_text(encoding="utf-8"))["solution"])
    assert kept.params.size == 3
    assert kept.status == "iteration_limit"  # never more than what was reached
    resumed = qm.solve(h, SOLVER, checkpoint=file)
    assert resumed.circuit == whole.circuit
    assert np.array_equal(resumed.params, whole.params)
    assert [step.iteration for step in resumed.history] == list(range(len(whole.history)))
    assert [s.n_params for s in resumed.history] == [s.n_params for s in whole.history]
    assert resumed.history[-1].n_evaluations > kept.history[-1].n_evaluations
    again = qm.solve(h, SOLVER, checkpoint=file)
    assert again.circuit == whole.circuit
    assert again.status == "converged"


SCRIPT = """
import sys
import qmlmat as qm
xyz = "; ".join(f"H 0 0 {2.0 * k}" for k in range(6))
h = qm.molecular_hamiltonian(qm.Molecule.from_xyz(xyz))
print("ready", flush=True)
found = qm.solve(h, qm.ADAPTVQE(gradient_tolerance=1e-3, spin_penalty=0.05), checkpoint=sys.argv[1])
print(found.params.size, repr(found.energy))
"""


@pytest.mark.slow
def test_a_killed_growth_goes_on_in_another_process(tmp_path):
    """SIGKILL in the middle of stretched H6; the answer is that of an undisturbed process."""

    def start(name):
        return subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(tmp_path / name)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ,
        )

    def answer(process):
        n_params, energy = process.communicate(timeout=200)[0].splitlines()[-1].split()
        assert process.returncode == 0
        return int(n_params), float(energy)

    undisturbed = answer(start("whole.json"))
    victim, file = start("killed.json"), tmp_path / "killed.json"
    while not file.exists() or json.loads(file.read_text())["solution"]["circuit"]["n_params"] < 9:
        assert victim.poll() is None
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    n_params, energy = answer(start("killed.json"))
    assert n_params == undisturbed[0]
    assert energy == pytest.approx(undisturbed[1], abs=1e-9)


@pytest.mark.filterwarnings("ignore::qmlmat.errors.QmlmatWarning")  # three elements mix spins
def test_limits_may_change_between_two_runs(tmp_path):
    """Cut at three elements, then allowed more: the file is gone on from."""
    h, file = hamiltonian(H4), tmp_path / "h4.json"
    cut = qm.solve(h, qm.ADAPTVQE(max_operators=3, spin_penalty=0.05), checkpoint=file)
    assert cut.status == "iteration_limit"
    longer = qm.solve(h, qm.ADAPTVQE(spin_penalty=0.05), checkpoint=file)
    assert longer.status == "converged"
    assert longer.circuit.gates[: len(cut.circuit.gates)] == cut.circuit.gates


def test_the_file_of_another_calculation_is_refused_and_left_alone(tmp_path):
    """Another molecule, another penalty: the message names the difference and the remedy."""
    h, file = hamiltonian(H4), tmp_path / "h4.json"
    qm.solve(h, SOLVER, checkpoint=file)
    before = file.read_bytes()
    with pytest.raises(StoreMismatchError, match=r"mean_field_energy.*remove the file"):
        qm.solve(hamiltonian(H4.replace("6", "7")), SOLVER, checkpoint=file)
    with pytest.raises(StoreMismatchError, match=r"solver\.spin_penalty: 0\.0 against 0\.1"):
        qm.solve(h, qm.ADAPTVQE(spin_penalty=0.1), checkpoint=file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", ["", "{}", "not json", '{"qmlmat_checkpoint": 99}'])
def test_a_file_that_is_no_checkpoint_is_refused_and_left_alone(tmp_path, content):
    file = tmp_path / "other.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(StoreError, match="remove the file to begin anew"):
        qm.solve(hamiltonian(HYDROGEN), SOLVER, checkpoint=file)
    assert file.read_text(encoding="utf-8") == content


def test_a_folder_that_is_not_there_is_named():
    with pytest.raises(StoreError, match="a folder that exists and is writable"):
        qm.solve(hamiltonian(HYDROGEN), SOLVER, checkpoint=Path("nowhere") / "h2.json")


def test_a_solver_without_steps_is_refused(tmp_path):
    with pytest.raises(InputError, match="use ADAPTVQE"):
        qm.solve(hamiltonian(HYDROGEN), qm.VQE(), checkpoint=tmp_path / "h2.json")
    with pytest.raises(InputError, match="Use n_states=1"):
        qm.solve(hamiltonian(HYDROGEN), SOLVER, n_states=2, checkpoint=tmp_path / "h2.json")


def test_every_step_is_a_solution_of_its_own():
    """steps() hands out what was reached: energies fall, each can be gone on from."""
    h = hamiltonian(LITHIUM_HYDRIDE)
    steps = list(SOLVER.steps(h, backend=qm.SectorBackend()))
    assert [step.status for step in steps[:-1]] == ["iteration_limit"] * (len(steps) - 1)
    assert steps[-1].status == "converged"
    assert (np.diff([step.energy for step in steps]) < 0).all()
    late = qm.solve(h, SOLVER, guess=steps[3])
    assert np.array_equal(late.params, steps[-1].params)
