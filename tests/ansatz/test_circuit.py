"""Circuits as plain values."""

import json

import pytest

from qmlmat.ansatz import Circuit, Excitation, Gate, NumberProduct
from qmlmat.errors import InputError


def test_a_circuit_comes_back_from_a_file_with_every_kind_of_generator():
    """to_dict is plain JSON and from_dict its inverse: equal gates, equal hash."""
    generators = (
        NumberProduct((0,), (2,)),
        Excitation(((0, 2),), ((1, 0),)),
        Excitation(((0, 2),), ((1, 0),), qubit=True),
        Excitation(beta=((0, 1),), qubit=True),
    )
    gates = tuple(Gate(g, k % 3, 1.0 - k) for k, g in enumerate(generators))
    circuit = Circuit(3, (2, 1), gates, 3, name="mixed")
    tree = json.loads(json.dumps(circuit.to_dict()))
    assert [gate[0] for gate in tree["gates"]] == ["number", "fermionic", "qubit", "qubit"]
    again = Circuit.from_dict(tree)
    assert again == circuit
    assert hash(again) == hash(circuit)
    assert len(set(generators)) == len(generators)


def test_an_unknown_kind_of_generator_is_refused():
    """The kinds there are stand in the message."""
    tree = Circuit.from_excitations(2, (1, 1), [Excitation(((0, 1),))]).to_dict()
    tree["gates"][0][0] = "bosonic"
    with pytest.raises(InputError, match='"fermionic", "qubit" or "number"'):
        Circuit.from_dict(tree)
