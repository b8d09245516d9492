"""What is asked of a device, and what is made of its answers, are the two halves of a call."""

from dataclasses import replace

import numpy as np
import pytest
from hardware_plans import counted, energy_requests, reduced
from random_qubits import random_circuit, random_sum

from qmlmat.backends import Preparation, Reference, Request
from qmlmat.backends.qubits import Mitigation
from qmlmat.backends.qubits.estimation import SampledEstimator
from qmlmat.backends.statevector import StatevectorBackend
from qmlmat.errors import InputError


def requests(shots=2000) -> list[Request]:
    """Expectations, counts, and expectations of several observables at several angles."""
    rng = np.random.default_rng(2)
    circuit = random_circuit(rng, 2, 6, 2)
    preparation = Preparation(circuit, Reference.determinant("01"), rng.normal(size=(3, 2)))
    several = Request(
        preparation=preparation, observables=(random_sum(rng, 2), random_sum(rng, 2)), shots=shots
    )
    one = replace(preparation, params=preparation.params[0])
    bits = replace(several, preparation=one, observables=None, shots=500)
    return [replace(energy_requests(1)[0], shots=shots), bits, several]


def test_exact_halves_are_the_whole():
    """Without shots both ways give the same expectations, in the order of the requests."""
    backend = StatevectorBackend(mapping=reduced())
    asked = [replace(one, shots=None) for one in requests() if one.observables is not None]
    planned = backend.planned(asked)
    assert planned.jobs == []
    found = planned.finish(backend.door(None, None).expectations(planned.batches), [])
    for one, wanted in zip(found, backend.run(asked), strict=True):
        assert one.values.shape == wanted.values.shape
        assert (one.values == wanted.values).all()


def test_halves_with_shots_are_the_whole():
    """The same counts give the same answers, whoever counted them."""
    backend = StatevectorBackend(mapping=reduced())
    planned = backend.planned(requests(), seed=5)
    measured = backend.door(planned.batches[0].shots, 5).expectations(planned.batches)
    answers = planned.finish(measured, backend.count_door(5).counts(planned.jobs))
    for one, wanted in zip(answers, backend.run(requests(), seed=5), strict=True):
        if hasattr(one, "values"):
            assert (one.values == wanted.values).all()
            assert (one.variances == wanted.variances).all()
        else:
            assert one.counts == wanted.counts


def test_counts_finish_as_often_as_they_are_read():
    """What makes expectations of counts may be called again: partial answers grow."""
    backend = StatevectorBackend(mapping=reduced())
    door = backend.count_door(1)
    estimator = SampledEstimator(door, Mitigation(readout=True, calibration_shots=500))
    planned = backend.planned([requests()[0]])
    jobs, finish = estimator.planned(planned.batches)
    assert sum(job.is_physical for job in jobs) == 2
    answers = counted(jobs, seed=3)
    once, twice = finish(answers), finish(answers)
    assert (once[0].values == twice[0].values).all()
    assert (once[0].variances == twice[0].variances).all()
    again, _ = estimator.planned(planned.batches)
    assert not any(job.is_physical for job in again)  # known by now


def test_two_estimators_do_not_share_a_calibration():
    """Each plan's requests carry their own."""
    backend = StatevectorBackend(mapping=reduced())
    batches = backend.planned([requests()[0]]).batches
    for _ in range(2):
        estimator = SampledEstimator(backend.count_door(0), Mitigation(readout=True))
        assert sum(job.is_physical for job in estimator.planned(batches)[0]) == 2


def test_exact_and_sampled_requests_together_are_refused():
    """One call is one or the other."""
    one, _, other = requests()
    with pytest.raises(InputError, match="Run them apart"):
        StatevectorBackend(mapping=reduced()).planned([one, replace(other, shots=None)])


def test_nothing_asked_is_nothing_planned():
    """No request, no answer."""
    planned = StatevectorBackend().planned([])
    assert (planned.batches, planned.jobs, planned.finish([], [])) == ([], [], [])
