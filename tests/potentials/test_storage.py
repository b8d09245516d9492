"""Saved models: the same energies bit by bit, and nothing doubtful is loaded."""

import json
import os
from contextlib import suppress
from itertools import product

import numpy as np
import pytest
import torch
from learning import Pairs, morse_water

from qmlmat.ansatz.encoding import Encoding
from qmlmat.errors import CapabilityError, InputError, StoreError
from qmlmat.potentials.descriptors import InverseDistances
from qmlmat.potentials.gaussian import GaussianProcess, RationalQuadratic
from qmlmat.potentials.model_card import model_card
from qmlmat.potentials.networks.perceptron import Perceptron
from qmlmat.potentials.networks.quantum import QuantumNetwork
from qmlmat.potentials.regression import NetworkPotential
from qmlmat.potentials.storage import load_potential, save_potential
from qmlmat.potentials.training import Training, fit

WATER = ("O", "H", "H")
SHORT = Training(n_adam=5, n_lbfgs=5)


def perceptron():
    return NetworkPotential(InverseDistances(WATER), Perceptron(3, (4,)))


def quantum():
    circuit = Encoding("reupload_dense", layers=2).circuit(2, 3)
    return NetworkPotential(InverseDistances(WATER), QuantumNetwork(circuit))


def process():
    descriptor = InverseDistances(WATER)
    return GaussianProcess(descriptor, RationalQuadratic(descriptor.feature_permutations()))


def single():
    return perceptron().to(torch.float32)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A trained perceptron in files."""
    training = Training(n_adam=5, n_lbfgs=5, validation_fraction=0.1)
    result = fit(perceptron(), morse_water(20), training=training)
    path = tmp_path_factory.mktemp("saved") / "water.v1"
    save_potential(result.model, path, fit=result, test=morse_water(9, seed=2))
    return result, path


@pytest.mark.parametrize("make", [perceptron, quantum, process, single])
def test_a_loaded_model_gives_the_same_energies_bit_by_bit(tmp_path, make):
    """Networks of both kinds, a Gaussian process, and a model in single precision."""
    model = make()
    fit(model, morse_water(20), training=SHORT)
    loaded = load_potential(save_potential(model, tmp_path / "model"))
    positions = model.as_tensor(morse_water(7, seed=5).positions)
    np.testing.assert_array_equal(loaded(positions).detach(), model(positions).detach())
    assert loaded.inputs() == model.inputs()
    assert loaded.domain.ranges() == model.domain.ranges()


def test_a_model_is_found_by_its_name_and_by_either_file(saved):
    """A dot in the name is no ending."""
    _, path = saved
    for ending in ("", ".json", ".safetensors"):
        assert load_potential(path.with_name(path.name + ending)).symbols == WATER


def test_the_card_says_where_a_model_may_be_used_and_how_wrong_it_is(saved):
    """Domain, errors at points of training and of test, settings, and what it looks at."""
    result, path = saved
    text = model_card(path)
    assert "- H-O (2): 0." in text or "- H-O (2): 1." in text
    assert "labels of the training data only" in text
    assert f"| train | 18 | {result.train_errors.rmse * 1e3:.4g} " in text
    assert "| test | 9 |" in text
    assert result.data_hash in text
    assert str(path.parent) not in text


@pytest.mark.parametrize("ending", [".json", ".safetensors"])
@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_damaged_files_are_refused(saved, tmp_path, ending, damage):
    """One byte less, one bit changed, nothing left: restore a copy."""
    _, path = saved
    for name in (".json", ".safetensors"):
        (tmp_path / f"m{name}").write_bytes(path.with_name(path.name + name).read_bytes())
    file = tmp_path / f"m{ending}"
    content = file.read_bytes()
    flipped = content.replace(b'"atoms"', b'"atoms;') if ending == ".json" else content[:-1] + b"!"
    file.write_bytes({"truncated": content[:-9], "flipped": flipped, "empty": b""}[damage])
    with pytest.raises(StoreError, match=r"Restore a copy"):
        load_potential(tmp_path / "m")


def test_numbers_of_another_model_are_refused(saved, tmp_path):
    """A card and numbers that were not written together."""
    _, path = saved
    save_potential(perceptron(), tmp_path / "water.v1")
    (tmp_path / "water.v1.json").write_bytes(path.with_name("water.v1.json").read_bytes())
    with pytest.raises(StoreError, match="of another model"):
        load_potential(tmp_path / "water.v1")


def altered(saved, tmp_path, change):
    """Write a copy of the saved model with a changed card."""
    _, path = saved
    tree = json.loads(path.with_name(path.name + ".json").read_text())
    change(tree)
    (tmp_path / "m.json").write_text(json.dumps(tree))
    content = path.with_name(path.name + ".safetensors").read_bytes()
    (tmp_path / "m.safetensors").write_bytes(content)
    return tmp_path / "m"


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda t: t.pop("qmlmat_potential"), InputError, "not of a model"),
        (lambda t: t.update(qmlmat_potential=9), StoreError, "this version of qmlmat reads 1"),
        (lambda t: t.pop("tensors"), StoreError, "without tensors"),
        (lambda t: t["model"].update(qmlmat="..os:system"), StoreError, "cannot be built"),
        (lambda t: t["model"].update(qmlmat="storage:json"), StoreError, "cannot be built"),
        (lambda t: t["model"]["config"].update(n_states=2), StoreError, "cannot be built"),
        (lambda t: t.update(model={"torch": "Tanh", "arguments": {}}), StoreError, "no potential"),
        (lambda t: t.update(dtype="float32"), StoreError, "cannot be built"),
    ],
)
def test_an_altered_card_is_refused(saved, tmp_path, change, error, words):
    """A foreign file, another layout, another class, other sizes."""
    with pytest.raises(error, match=words):
        load_potential(altered(saved, tmp_path, change))


def test_a_missing_file_is_named(saved, tmp_path):
    """Both files are needed."""
    path = altered(saved, tmp_path, dict)
    (tmp_path / "m.safetensors").unlink()
    with pytest.raises(InputError, match=r'Keep "m.safetensors" beside "m.json"'):
        load_potential(path)
    with pytest.raises(InputError, match="under which it was saved"):
        load_potential(tmp_path / "other")


def test_a_model_of_ones_own_cannot_be_saved(tmp_path):
    """It could not be built again; nothing is written."""
    with pytest.raises(CapabilityError, match="save other parts with torch"):
        save_potential(Pairs(), tmp_path / "own")
    assert not list(tmp_path.iterdir())


def test_the_fit_must_be_of_the_model(saved, tmp_path):
    """Errors of one model on the card of another would be a lie."""
    result, _ = saved
    with pytest.raises(InputError, match=r"Give model=fit\.model"):
        save_potential(perceptron(), tmp_path / "other", fit=result)
    with pytest.raises(StoreError, match="a folder that exists"):
        save_potential(result.model, tmp_path / "nowhere" / "m")


def killed(monkeypatch, at, after):
    """Let the process die before or after a file takes another's place, counted from 0."""
    calls, replace = [], os.replace

    def dying(source, target):
        calls.append(target)
        if len(calls) == at + 1 and not after:
            raise KeyboardInterrupt
        replace(source, target)
        if len(calls) == at + 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", dying)


def number(path):
    """Return the number that a saved model was marked with."""
    return float(load_potential(path).shift)


def marked(value):
    """Return a model with a number in it."""
    model = perceptron()
    model.shift.fill_(value)
    return model


FIRST = list(product(range(3), (False, True)))
SECOND = list(product(range(4), (False, True)))  # what the first one left is put right before


@pytest.mark.parametrize(("first", "second"), list(product(FIRST, SECOND)))
def test_a_kill_while_a_model_is_replaced_leaves_the_old_one_or_the_new_one(
    tmp_path, monkeypatch, first, second
):
    """At every replaced file, and once more while it is saved again; a whole save then follows."""
    path = tmp_path / "m"
    save_potential(marked(1.0), path)
    known = {1.0}
    for value, (at, after) in zip((2.0, 3.0), (first, second), strict=True):
        with monkeypatch.context() as patch:
            killed(patch, at, after)
            with suppress(KeyboardInterrupt):
                save_potential(marked(value), path)
        assert number(path) in {*known, value}
        known = {number(path)}
    save_potential(marked(4.0), path)
    assert number(path) == 4.0
    assert {f.name for f in tmp_path.iterdir() if f.name[0] != "."} == {"m.json", "m.safetensors"}


@pytest.mark.parametrize("name", ["", ".", "..", "folder/.json"])
def test_a_folder_is_no_name(name):
    """For saving, loading and cards alike."""
    with pytest.raises(InputError, match=r"Give e\.g\. \"water\""):
        load_potential(name)


def test_a_card_of_brackets_without_end_is_damaged(tmp_path):
    """Deeper than JSON is read."""
    (tmp_path / "deep.json").write_text("[" * 200_000, encoding="utf-8")
    with pytest.raises(StoreError, match="Restore a copy, or train again"):
        load_potential(tmp_path / "deep")
