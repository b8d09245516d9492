"""From requests to programs, and back: each request by itself."""

from dataclasses import replace

import numpy as np
import pytest
from hardware_plans import counted, energy_requests, hydrogen, reduced
from random_qubits import random_circuit, random_sum

from qmlmat.backends import Preparation, Reference, Request
from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits import Mitigation
from qmlmat.backends.qubits.jobs import Batch, CountJob
from qmlmat.backends.statevector import StatevectorBackend
from qmlmat.errors import CapabilityError, InputError
from qmlmat.hardware.asking import (
    PlannedBackend,
    Wires,
    asked,
    fitting,
    learn_wires,
    n_equal_rows,
    with_shots,
)
from qmlmat.operators.pauli import PauliSum


def h2(**keywords) -> PlannedBackend:
    """A backend of two qubits."""
    return PlannedBackend(mapping=reduced(), shots=20_000, **keywords)


def of_gates(**keywords) -> Request:
    """A circuit of qubit gates at three rows of angles."""
    rng = np.random.default_rng(1)
    circuit = random_circuit(rng, 2, 6, 2)
    values = {
        "preparation": Preparation(circuit, Reference.determinant("00"), rng.normal(size=(3, 2))),
        "observables": (random_sum(rng, 2),),
    }
    return Request(**(values | keywords))


def counting() -> Request:
    """The bits of one state."""
    request = of_gates(observables=None)
    preparation = replace(request.preparation, params=request.preparation.params[0])
    return replace(request, preparation=preparation)


def test_answers_are_those_of_a_backend_with_shots():
    """The same estimator stands on both sides: exact values within five error bars."""
    requests = [*energy_requests(2), of_gates(), counting()]
    found = asked(h2(), requests)
    assert [part.start for part in found.parts[1:]] == [part.stop for part in found.parts[:-1]]
    answers, problems = found.answered(counted(found.programs))
    assert problems == {}
    exact = StatevectorBackend(mapping=reduced()).run(requests[:3])
    for one, wanted in zip(answers[:3], exact, strict=True):
        assert one.values.shape == wanted.values.shape
        assert (np.abs(one.values - wanted.values) < 5 * np.sqrt(one.variances)).all()
    assert answers[3].n_shots == 20_000


def test_a_missing_program_takes_away_its_request_only():
    """What is there is answered."""
    found = asked(h2(), [*energy_requests(1), of_gates()])
    answers = counted(found.programs)
    answers[found.parts[0].start] = None
    given, problems = found.answered(answers)
    assert given[0] is None
    assert given[1] is not None
    assert problems == {}


def test_an_answer_that_cannot_be_used_is_told_and_hides_no_other():
    """Post-selection that leaves nothing, or a readout that is half wrong, is one request's."""
    backend = h2(mitigation=Mitigation(readout=True, symmetry=True))
    found = asked(backend, [*energy_requests(1), of_gates()])
    answers = counted(found.programs)
    broken = list(answers)
    for k, program in enumerate(found.programs[: found.parts[0].stop]):
        if program.is_physical:  # each bit is as often wrong as right
            rows = np.full((len(program.angles), 4), program.shots // 4)
            broken[k] = Histogram(2, np.arange(4, dtype=np.uint64), rows)
    given, problems = found.answered(broken)
    assert list(problems) == [0]
    assert "nothing can be corrected" in problems[0]
    assert given[0] is None
    assert given[1] is not None


def test_too_few_counts_are_told():
    """A device that keeps silent about missing shots is found out."""
    found = asked(h2(), energy_requests(1))
    answers = counted(found.programs)
    answers[0] = Histogram(answers[0].n_bits, answers[0].outcomes, answers[0].counts // 2)
    given, problems = found.answered(answers)
    assert given == [None]
    assert "shots of a circuit" in problems[0]


def test_mitigation_is_what_a_circuit_allows():
    """A target is for all circuits: of qubit gates no electrons are kept."""
    everything = Mitigation(readout=True, symmetry=True, reference=True)
    assert fitting(everything, energy_requests(1)[0]) == everything
    assert fitting(everything, of_gates()) == Mitigation(readout=True)


def test_shots_of_a_state_are_shared_by_its_equal_rows():
    """Blocks of shots of one state are together what a state is given."""
    request = of_gates()
    params = np.tile(request.preparation.params[:1], (8, 1))
    blocks = replace(request, preparation=replace(request.preparation, params=params))
    assert n_equal_rows(blocks) == 8
    assert with_shots(blocks, 4000).shots == 500
    assert with_shots(request, 4000).shots == 4000
    assert with_shots(replace(request, shots=7), 4000).shots == 7
    assert with_shots(request, None).shots is None


def test_blocks_of_a_circuit_without_angles_share_the_shots_of_a_state():
    """All rows are equal where there is nothing to vary: each must not take them all."""
    none = random_circuit(np.random.default_rng(1), 2, 6, 0)
    preparation = Preparation(none, Reference.determinant("00"), np.zeros((20, 0)))
    assert n_equal_rows(of_gates(preparation=preparation)) == 20


def test_an_estimator_is_asked_for_batches_and_refuses_counts():
    """Expectations are the provider's; their sentinel too."""
    backend = h2(primitive="estimator")
    found = asked(backend, energy_requests(1))
    assert all(isinstance(one, Batch) for one in found.programs)
    assert isinstance(found.sentinel.program, Batch)
    exact = StatevectorBackend(mapping=reduced())
    measured = exact.door(None, None).expectations(found.programs)
    (answer,), _ = found.answered(measured)
    (wanted,) = exact.run(energy_requests(1))
    assert float(answer.values.ravel()[0]) == pytest.approx(float(wanted.values.ravel()[0]))
    with pytest.raises(CapabilityError, match='primitive = "sampler"'):
        asked(backend, [counting()])


def test_constants_ask_nothing():
    """An observable without words has its value already."""
    one = of_gates(observables=(PauliSum.from_words({"II": 0.25}),))
    found = asked(h2(), [one])
    assert found.programs == ()
    (answer,), _ = found.answered([])
    assert (answer.values == 0.25).all()


def test_a_plan_measures_nothing_itself():
    """Whoever runs it by mistake is told where to go."""
    with pytest.raises(CapabilityError, match="use LedgerBackend"):
        h2().run(energy_requests(1))


def test_parameters_must_be_there():
    """A plan is complete before anything is sent."""
    request = of_gates()
    open_ = replace(request, preparation=replace(request.preparation, params=None))
    with pytest.raises(InputError, match="params"):
        asked(h2(), [open_])


def test_bits_are_read_where_the_compiled_circuit_says():
    """The readout of a bit is corrected by its own qubit's errors."""
    wires, job = Wires(), asked(h2(), energy_requests(1)).programs[0]
    assert isinstance(job, CountJob)
    assert wires.bit_qubits(job.circuit) == (0, 1)
    learn_wires(wires, [job], [(1, 0)])
    assert wires.bit_qubits(job.circuit) == (1, 0)


def test_sentinel_is_that_of_the_first_request_that_has_one():
    """All jobs are comparable by it."""
    found = asked(h2(), energy_requests(1))
    assert found.sentinel.exact == pytest.approx(hydrogen().mean_field_energy, abs=1e-8)
