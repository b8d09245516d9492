"""Checkpoints: a growing circuit survives its process, and no file is taken for another's."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from molecules import HYDROGEN, LITHIUM_HYDRIDE, WATER, hamiltonian

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
    counts = [step.n_evaluations for step in resumed.history]
    assert (np.diff(counts) > 0).all()
    first = len(kept.history)
    assert counts[first] - counts[first - 1] > 1  # the first search of the new run counts
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
    with pytest.raises(StoreMismatchError, match="seed: None against 3"):
        qm.solve(h, SOLVER, seed=3, checkpoint=file)
    for change, name in (
        ({"core_energy": h.core_energy + 1e-5}, "core_energy"),
        ({"two_body": h.two_body * (1 + 1e-5)}, "two_body_norm"),
    ):
        values = {key: getattr(h, key) for key in ("one_body", "two_body", "core_energy", "nelec")}
        other = qm.MolecularHamiltonian(**(values | change))
        with pytest.raises(StoreMismatchError, match=name):
            qm.solve(other, SOLVER, checkpoint=file)
    assert file.read_bytes() == before


def test_spaces_that_differ_in_empty_orbitals_only_are_told_apart(tmp_path):
    """Same electrons, same mean field, another virtual orbital: another calculation."""
    water = qm.Molecule.from_xyz(WATER, basis="6-31g")
    one, other = (
        qm.molecular_hamiltonian(water, qm.ActiveSpace(indices=(3, 4, 5, k))) for k in (6, 8)
    )
    qm.solve(one, SOLVER, checkpoint=tmp_path / "water.json")
    with pytest.raises(StoreMismatchError, match="body_norm"):
        qm.solve(other, SOLVER, checkpoint=tmp_path / "water.json")


@pytest.mark.filterwarnings("ignore::qmlmat.errors.QmlmatWarning")  # the guess mixes spins
def test_the_file_goes_before_a_guess(tmp_path):
    """Where both are there, the calculation goes on from the file."""
    h, file = hamiltonian(H4), tmp_path / "h4.json"
    with pytest.raises(KeyboardInterrupt):
        qm.solve(h, SOLVER, backend=Interrupting(), checkpoint=file)
    guess = qm.solve(h, qm.ADAPTVQE("uccsd", gradient_tolerance=0.1))
    assert qm.solve(h, SOLVER, guess=guess, checkpoint=file).circuit == qm.solve(h, SOLVER).circuit


@pytest.mark.filterwarnings("ignore::qmlmat.errors.QmlmatWarning")  # cut searches mix spins
def test_a_resumed_run_whose_angles_move_first_has_a_history_of_its_own(tmp_path):
    """Searches cut after two steps, then finished: the last entry is the solution's."""
    h, file = hamiltonian(H4), tmp_path / "h4.json"
    cut = qm.ADAPTVQE(max_iterations=2, max_operators=6, gradient_tolerance=1e-4)
    before = qm.solve(h, cut, checkpoint=file)
    after = qm.solve(h, qm.ADAPTVQE(gradient_tolerance=1e-2), checkpoint=file)
    assert after.energy < before.energy
    assert after.history[-1].energy == pytest.approx(after.energy, abs=1e-10)
    assert after.history[-1].n_params == after.params.size
    assert after.history[: len(before.history)] == before.history
    assert [step.iteration for step in after.history] == list(range(len(after.history)))


def test_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    link.symlink_to(real)
    qm.solve(hamiltonian(HYDROGEN), SOLVER, checkpoint=link)
    assert link.is_symlink()
    assert real.is_file()
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("qmlmat_checkpoint",), 99),
        (("solution", "history"), []),
        (("solution", "circuit"), None),
        (("solution", "params"), None),
        (("solution", "params"), [0.1]),
        (("inverse_hessian",), [[1.0]]),
        (("inverse_hessian",), 3.0),
    ],
)
def test_a_damaged_checkpoint_is_refused_by_name(tmp_path, place, value):
    """Whatever is wrong in it, the message names the file and the remedy, and leaves it alone."""
    h, file = hamiltonian(H4), tmp_path / "h4.json"
    qm.solve(h, SOLVER, checkpoint=file)
    tree = json.loads(file.read_text(encoding="utf-8"))
    inner = tree
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    file.write_text(json.dumps(tree), encoding="utf-8")
    with pytest.raises(StoreError, match=r"h4\.json.*remove the file to begin anew"):
        qm.solve(h, SOLVER, checkpoint=file)
    assert json.loads(file.read_text(encoding="utf-8")) == tree


@pytest.mark.parametrize("content", ["", "{}", "not json", "[]", '{"qmlmat_checkpoint": 99}'])
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
