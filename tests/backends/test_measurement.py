"""A measurement in two halves is the measurement in one: what is asked, then what follows."""

import numpy as np
import pytest
from hardware_plans import hydrogen, solved

import qmlmat as qm
from qmlmat.backends import Counts, Preparation, Reference, Request
from qmlmat.backends.measurement import Measurement
from qmlmat.backends.statevector import StatevectorBackend
from qmlmat.errors import CapabilityError, InputError


def energy(backend) -> qm.Solution:
    """H2's energy as a backend measures it."""
    h2, found = solved()
    return qm.measure_solution(h2, found, backend)


def test_two_halves_are_the_whole():
    """The same answers give the same result as a call of the backend at once."""
    halves = Measurement(energy)
    answers = StatevectorBackend(shots=3000).run(halves.requests(), seed=4)
    after = halves.result(answers)
    h2, found = solved()
    at_once = qm.measure_solution(h2, found, StatevectorBackend(shots=3000), seed=4)
    assert (after.energies == at_once.energies).all()
    assert (after.stderr == at_once.stderr).all()


def test_shots_are_left_to_whoever_runs_the_requests():
    """Nobody has decided on them yet."""
    assert [one.shots for one in Measurement(energy).requests()] == [None]


def test_asking_twice_asks_the_same():
    """Before it asks, nothing depends on chance."""
    one, two = (Measurement(energy).requests()[0] for _ in range(2))
    assert one.preparation.circuit == two.preparation.circuit
    assert (one.preparation.params == two.preparation.params).all()
    assert (one.role, one.pairing) == (two.role, two.pairing)


def test_failures_before_asking_are_the_functions_own():
    """An error is not taken for a question; nor is a question taken for an error."""

    def fails(_):
        raise ValueError("mine")

    def swallows(backend):
        try:
            return energy(backend)
        except Exception:  # noqa: BLE001 (what careless code does)
            return None

    with pytest.raises(ValueError, match="mine"):
        Measurement(fails).requests()
    assert len(Measurement(swallows).requests()) == 1


def test_a_function_that_asks_nothing_is_refused():
    """There is nothing to plan."""
    with pytest.raises(InputError, match=r"Call backend\.run"):
        Measurement(lambda _: 3.0).requests()


def test_answers_of_another_measurement_are_refused():
    """As many as requests."""
    with pytest.raises(InputError, match=r"this measurement's requests\(\)"):
        Measurement(energy).result([])


def test_what_is_called_again_and_again_is_refused():
    """A search cannot be planned beforehand."""
    (request,) = Measurement(energy).requests()
    with pytest.raises(CapabilityError, match="then measure"):
        Measurement(lambda backend: backend.prepare(request)).requests()
    search = Measurement(lambda backend: qm.solve(hydrogen(), qm.VQE("uccsd"), backend=backend))
    with pytest.raises(CapabilityError, match="Use SectorBackend"):
        search.requests()


def test_counts_pass_through():
    """Bit strings as well as expectations."""
    circuit = qm.QubitCircuit(1, (), 0)
    request = Request(
        preparation=Preparation(circuit, Reference.determinant("1"), np.zeros(0)),
        observables=None,
        shots=10,
    )
    halves = Measurement(lambda backend: backend.run([request])[0])
    (asked,) = halves.requests()
    assert asked is request
    assert halves.result([Counts(counts={"1": 10}, n_shots=10)]).n_shots == 10
