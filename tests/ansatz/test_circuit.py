"""Circuits as plain values."""

import json

import numpy as np
import pytest

from qmlmat.ansatz import Ansatz, Circuit, Excitation, Gate, NumberProduct
from qmlmat.backends import Preparation, Reference, SectorBackend
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


def test_a_circuit_on_other_orbitals_is_the_same_circuit_of_permuted_ones():
    """relabelled(order): its state has the amplitudes of the permuted determinants, up to sign."""
    rng = np.random.default_rng(5)
    circuit = Ansatz("tups", depth=2).circuit(4, (2, 2))
    order = [1, 0, 3, 2]
    moved = circuit.relabelled(order)
    assert moved.n_params == circuit.n_params
    assert moved.relabelled(order) == circuit  # two swaps are their own inverse
    params = rng.uniform(-1, 1, circuit.n_params)
    start = Reference.hartree_fock(4, (2, 2))  # occupied orbitals swap among themselves
    one, other = (SectorBackend().state(Preparation(c, start, params)) for c in (circuit, moved))
    assert np.sort(np.abs(one).ravel()) == pytest.approx(np.sort(np.abs(other).ravel()), abs=1e-12)
    assert not np.allclose(np.abs(one), np.abs(other))


def test_phases_are_relabelled_too():
    circuit = Circuit(3, (1, 1), (Gate(NumberProduct((0,), (2,)), 0),), 1)
    assert circuit.relabelled([2, 1, 0]).gates[0].generator == NumberProduct((2,), (0,))


def test_a_restricted_circuit_numbers_its_parameters_as_they_are_listed():
    """restricted([2, 0]): parameter 2 becomes 0; gates keep their order."""
    moves = [Excitation(((0, k),)) for k in (1, 2, 3)]
    circuit = Circuit(4, (1, 1), tuple(Gate(m, k) for k, m in enumerate(moves)), 3)
    part = circuit.restricted([2, 0])
    assert part.n_params == 2
    assert [(g.generator, g.param) for g in part.gates] == [(moves[0], 1), (moves[2], 0)]
    assert [tuple(g.generator for g in own) for own in part.elements()] == [
        (moves[2],),
        (moves[0],),
    ]
