"""A training that is interrupted goes on as if nothing had happened, and only where it belongs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from learning import Pairs, morse_water

from qmlmat.errors import StoreError, StoreMismatchError
from qmlmat.potentials.training import Training, fit

SHORT = Training(n_adam=30, n_lbfgs=30, validation_fraction=0.1)


def stop_after(n_steps):
    """Return a callback that acts like Ctrl-C after some steps."""

    def callback(progress):
        if progress.done == n_steps:
            raise KeyboardInterrupt

    return callback


def weights(model):
    return torch.cat([p.detach().reshape(-1) for p in model.parameters()]).numpy()


@pytest.mark.parametrize("n_steps", [7, 44], ids=["adam", "lbfgs"])
def test_training_goes_on_bit_by_bit_after_ctrl_c(tmp_path, n_steps):
    """The weights and the history of an interrupted and resumed run are those of one run."""
    data, file = morse_water(30), tmp_path / "run.ckpt"
    whole = fit(Pairs(), data, training=SHORT)
    with pytest.raises(KeyboardInterrupt):
        fit(Pairs(), data, training=SHORT, checkpoint=file, progress=stop_after(n_steps))
    resumed = fit(Pairs(), data, training=SHORT, checkpoint=file)
    np.testing.assert_array_equal(weights(resumed.model), weights(whole.model))
    assert resumed.history == whole.history
    assert resumed.n_evaluations == whole.n_evaluations


def test_ctrl_c_in_the_middle_of_a_step_keeps_the_step_before(tmp_path, monkeypatch):
    """An optimiser that is stopped half-way through a step leaves no half step in the file."""
    data, file = morse_water(30), tmp_path / "run.ckpt"
    whole = fit(Pairs(), data, training=SHORT)
    step, calls = torch.optim.Adam.step, []

    def interrupted(self, closure=None):
        calls.append(1)
        step(self, closure)
        if len(calls) == 11:
            raise KeyboardInterrupt

    monkeypatch.setattr(torch.optim.Adam, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(Pairs(), data, training=SHORT, checkpoint=file)
    monkeypatch.undo()
    resumed = fit(Pairs(), data, training=SHORT, checkpoint=file)
    np.testing.assert_array_equal(weights(resumed.model), weights(whole.model))


def test_a_finished_training_can_be_made_longer(tmp_path):
    """With a higher limit the file is gone on from; the result is that of the longer training."""
    data, file = morse_water(30), tmp_path / "run.ckpt"
    longer = Training(n_adam=30, n_lbfgs=40, validation_fraction=0.1)
    fit(Pairs(), data, training=SHORT, checkpoint=file)
    found = fit(Pairs(), data, training=longer, checkpoint=file)
    np.testing.assert_array_equal(
        weights(found.model), weights(fit(Pairs(), data, training=longer).model)
    )


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"data": morse_water(31)}, "data: "),
        ({"model": Pairs(hidden=(6,))}, "config.hidden"),
        ({"training": Training(n_adam=31, n_lbfgs=30, validation_fraction=0.1)}, "training.n_adam"),
        ({"validation": morse_water(9, seed=3)}, "validation: "),
    ],
)
def test_a_checkpoint_of_another_training_is_refused_by_name(tmp_path, change, named):
    """Other data, model, settings or held-out points: the message says which."""
    file = tmp_path / "run.ckpt"
    given = {"model": Pairs(), "data": morse_water(30), "training": SHORT}
    fit(**given, checkpoint=file)
    with pytest.raises(StoreMismatchError, match=named):
        fit(**(given | change), checkpoint=file)


@pytest.mark.parametrize("damage", ["truncated", "empty", "foreign"])
def test_a_damaged_checkpoint_is_refused_with_what_to_do(tmp_path, damage):
    """A file that is no checkpoint is named, and left as it is."""
    file = tmp_path / "run.ckpt"
    fit(Pairs(), morse_water(30), training=SHORT, checkpoint=file)
    content = file.read_bytes()
    damaged = {"truncated": content[:-9], "empty": b"", "foreign": b"PK\x03\x04" * 99}[damage]
    file.write_bytes(damaged)
    with pytest.raises(StoreError, match="remove the file to begin anew"):
        fit(Pairs(), morse_water(30), training=SHORT, checkpoint=file)
    assert file.read_bytes() == damaged


def test_a_checkpoint_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    """A folder that does not exist is found out at the first step."""
    with pytest.raises(StoreError, match="a folder that exists"):
        fit(Pairs(), morse_water(30), checkpoint=tmp_path / "nowhere" / "run.ckpt")


CHILD = """
import sys, time
from learning import Pairs, morse_water
from qmlmat.potentials.training import Training, fit

def slowly(progress):
    print(progress.done, flush=True)
    time.sleep(0.01)

fit(Pairs(), morse_water(40), training=Training(n_adam=60, n_lbfgs=60, patience=999),
    checkpoint=sys.argv[1], progress=slowly)
"""


@pytest.mark.slow
@pytest.mark.parametrize("n_steps", [40, 90], ids=["adam", "lbfgs"])
def test_a_killed_training_goes_on_to_the_same_weights(tmp_path, n_steps):
    """SIGKILL in either stage, and a new process: the weights of an uninterrupted run."""
    file = tmp_path / "run.ckpt"
    support = Path(__file__).parents[2] / "support"
    path = os.pathsep.join([str(support), os.environ.get("PYTHONPATH", "")])
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(file)],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in child.stdout:
        if int(line) == n_steps:
            child.send_signal(signal.SIGKILL)
            break
    child.communicate()
    time.sleep(0.1)
    assert child.returncode == -signal.SIGKILL
    training, data = Training(n_adam=60, n_lbfgs=60, patience=999), morse_water(40)
    whole = fit(Pairs(), data, training=training)
    resumed = fit(Pairs(), data, training=training, checkpoint=file)
    np.testing.assert_array_equal(weights(resumed.model), weights(whole.model))
    assert resumed.history == whole.history
