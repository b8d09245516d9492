"""Requests as files: what is read again asks the same, bit by bit."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hardware_plans import energy_requests, hydrogen, reduced
from random_qubits import random_circuit, random_sum

import qmlmat as qm
from qmlmat.ansatz import Ansatz
from qmlmat.backends import Preparation, Reference, Request
from qmlmat.backends.statevector import StatevectorBackend
from qmlmat.errors import InputError
from qmlmat.hardware.request_files import (
    mapping_from_plain,
    mapping_to_plain,
    request_from_plain,
    request_to_plain,
)
from qmlmat.operators.mappings import qubit_mapping


def through_file(request: Request) -> Request:
    """The request that is read again."""
    return request_from_plain(json.loads(json.dumps(request_to_plain(request))))


def fermionic(**keywords) -> Request:
    """H2's uccsd in the words of Jordan-Wigner."""
    circuit = Ansatz("uccsd").circuit(2, (1, 1))
    rng = np.random.default_rng(3)
    values = {
        "preparation": Preparation(
            circuit, Reference.hartree_fock(2, (1, 1)), rng.normal(size=circuit.n_params)
        ),
        "observables": (hydrogen().pauli_sum("jordan_wigner"),),
    }
    return Request(**(values | keywords))


def gates(**keywords) -> Request:
    """A random circuit of qubit gates with two sums."""
    rng = np.random.default_rng(5)
    circuit = random_circuit(rng, 3, 8, 2)
    preparation = Preparation(circuit, Reference.determinant("010"), rng.normal(size=(4, 2)))
    values = {
        "preparation": preparation,
        "observables": (random_sum(rng, 3), random_sum(rng, 3)),
        "shots": 1234,
    }
    return Request(**(values | keywords))


def several() -> Request:
    """A short sum of determinants and another one, with an imaginary amplitude."""
    one = Reference((("1010", 0.6), ("0101", 0.8j)))
    preparation = replace(fermionic().preparation, reference=(one, Reference.determinant("0110")))
    return fermionic(preparation=preparation, role="subspace")


@pytest.mark.parametrize(
    "request_",
    [fermionic(), gates(), gates(pairing="all", role="gradient"), several()],
    ids=["fermionic", "gates", "role", "several references"],
)
def test_requests_return_with_the_same_answers(request_):
    """The exact expectations of what was read again agree to the last bit."""
    again = through_file(request_)
    assert again.preparation.circuit == request_.preparation.circuit
    assert again.preparation.reference == request_.preparation.reference
    assert (again.preparation.params == request_.preparation.params).all()
    for name in ("shots", "pairing", "role"):
        assert getattr(again, name) == getattr(request_, name)
    exact = StatevectorBackend()
    before, after = exact.run([replace(one, shots=None) for one in (request_, again)])
    assert (before.values == after.values).all()


def test_one_reference_in_a_tuple_stays_an_axis():
    """Answers to a tuple of one reference have an axis more than those to the reference."""
    alone = fermionic()
    listed = replace(alone.preparation, reference=(alone.preparation.reference,))
    assert through_file(replace(alone, preparation=listed)).preparation.batch_axes == (1,)
    assert through_file(alone).preparation.batch_axes == ()


def test_counts_and_parameters_to_come_stay_absent():
    """``None`` is no empty array."""
    again = through_file(gates(observables=None))
    assert again.observables is None
    preparation = replace(gates().preparation, params=None)
    assert through_file(gates(preparation=preparation)).preparation.params is None


def test_what_is_no_sum_of_words_is_refused():
    """An observable that a file cannot hold must not vanish from it."""
    with pytest.raises(InputError, match=r"MeasurementPlan\.from_requests"):
        request_to_plain(fermionic(observables=(hydrogen(),)))


@pytest.mark.parametrize(
    "mapping",
    [
        "jordan_wigner",
        qubit_mapping("bravyi_kitaev", 3),
        reduced(),
        hydrogen().qubit_mapping("jordan_wigner", tapered=True),
    ],
    ids=["name", "bravyi_kitaev", "reduced", "tapered"],
)
def test_mappings_return(mapping):
    """Names and parities stay what they are."""
    again = mapping_from_plain(json.loads(json.dumps(mapping_to_plain(mapping))))
    assert again == mapping
    assert type(again) is type(mapping)


def test_requests_of_solutions_return():
    """What ``measure_solution`` asks is the same after a file, once it is in words."""
    plan = qm.MeasurementPlan.from_requests(
        energy_requests(), qm.load_target("local_aer"), mapping=reduced()
    )
    (request,) = plan.requests
    assert request_to_plain(through_file(request)) == request_to_plain(request)
