"""Modules as plain values: what a model's file may name, and what it may not."""

import json

import pytest
import torch

from qmlmat.ansatz.encoding import Encoding
from qmlmat.errors import CapabilityError, InputError
from qmlmat.potentials.networks.perceptron import Perceptron
from qmlmat.potentials.networks.quantum import QuantumNetwork
from qmlmat.potentials.registry import built, described


def hybrid():
    """A classical layer before a circuit, and one behind."""
    return torch.nn.Sequential(
        torch.nn.Linear(3, 2, dtype=torch.float64),
        torch.nn.Tanh(),
        QuantumNetwork(Encoding("reupload_dense", layers=1).circuit(2, 2), 4),
        Perceptron(4, (3,), 1),
    )


def test_a_hybrid_network_comes_back_from_json():
    """The same outputs with the same numbers."""
    network = hybrid()
    again = built(json.loads(json.dumps(described(network))))
    again.load_state_dict(network.state_dict())
    features = torch.linspace(-1, 1, 6, dtype=torch.float64).reshape(2, 3)
    assert torch.equal(again(features), network(features))


def test_a_part_that_a_file_cannot_hold_is_named():
    """Somebody's own module has no place in a file without code."""

    class Own(torch.nn.Module):
        """Not ours."""

    with pytest.raises(
        CapabilityError, match=r"Own: a model with this part can be used, not saved"
    ):
        described(torch.nn.Sequential(Own()))


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"torch": "Sequential"},
        {"torch": "load"},
        {"torch": "Linear", "arguments": {}},
        {"qmlmat": "networks.perceptron:Nobody", "config": {}},
        {"qmlmat": "networks.perceptron:InputError", "config": {}},
        {"qmlmat": "networks.perceptron:Perceptron"},
        {"qmlmat": "..solvers:Exact", "config": {}},
        {"qmlmat": "nowhere:Perceptron", "config": {}},
    ],
)
def test_damaged_values_and_foreign_classes_are_refused(tree):
    """A file names modules of ours and of torch's list, nothing else that could be imported."""
    with pytest.raises(InputError, match="not a stored module"):
        built(tree)


def test_settings_of_torchs_modules_are_kept():
    """A layer without constants, and a softplus of another steepness."""
    network = torch.nn.Sequential(
        torch.nn.Linear(2, 3, bias=False, dtype=torch.float64), torch.nn.Softplus(5.0, 10.0)
    )
    again = built(json.loads(json.dumps(described(network))))
    again.load_state_dict(network.state_dict())
    features = torch.linspace(-1, 1, 6, dtype=torch.float64).reshape(3, 2)
    assert torch.equal(again(features), network(features))
