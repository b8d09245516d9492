"""Requests on Qiskit's primitives: refusals, guards, transpilation, folding, the qubits of bits."""

from types import SimpleNamespace

import numpy as np
import pytest
from molecules import HYDROGEN, hamiltonian
from qiskit import QuantumCircuit
from qiskit.primitives import (
    BackendEstimatorV2,
    BackendSamplerV2,
    BaseEstimatorV2,
    StatevectorEstimator,
    StatevectorSampler,
)
from qiskit.quantum_info import Operator
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import EstimatorV2, SamplerV2

from qmlmat.ansatz import Ansatz, QubitCircuit, QubitGate
from qmlmat.backends import Preparation, Reference, Request, SectorBackend
from qmlmat.backends.qiskit.backend import QiskitBackend
from qmlmat.backends.qiskit.devices import NoisySampler, fake_device, restricted
from qmlmat.backends.qubits import Mitigation
from qmlmat.backends.qubits.jobs import CountJob
from qmlmat.errors import CapabilityError, InputError, MeasurementError, QmlmatWarning
from qmlmat.operators.mappings import qubit_mapping
from qmlmat.operators.pauli import PauliSum

REDUCED = qubit_mapping("parity", 2, reduced_for=(1, 1))


def h2_request(**keywords):
    """H2 at three angles, beside the exact answer."""
    circuit = Ansatz("uccsd").circuit(2, (1, 1))
    preparation = Preparation(circuit, Reference.hartree_fock(2, (1, 1)))
    request = Request(preparation=preparation, observables=(hamiltonian(HYDROGEN),), **keywords)
    params = np.array([0.1, -0.2, 0.3])
    return request, params, SectorBackend().prepare(request)(params).values


def manila(*qubits):
    """Some qubits of a five-qubit device in a line."""
    return restricted(fake_device("manila"), qubits)


class FakeEstimator(BaseEstimatorV2):
    """Returns the same number for everything, with the same error."""

    def __init__(self, value, error):
        self.value, self.error = value, error

    def run(self, pubs, *, precision=None):
        """Return a job that is done."""
        assert precision is None
        data = []
        for _, operators, values, _ in pubs:
            shape = (len(values), len(operators))
            filled = {"evs": np.full(shape, self.value), "stds": np.full(shape, self.error)}
            data.append(SimpleNamespace(data=SimpleNamespace(**filled)))
        return SimpleNamespace(result=lambda: data)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (-1.0, 0.0, "counts are missing"),
        (-1.0, np.inf, "without a finite error"),
        (np.nan, 0.1, "without a finite error"),
    ],
)
def test_impossible_errors_of_an_estimator_are_not_believed(value, error, message):
    """Zero where the observable is not diagonal; infinite; no number at all."""
    request, params, _ = h2_request()
    backend = QiskitBackend(primitive=FakeEstimator(value, error), shots=100)
    with pytest.raises(MeasurementError, match=message):
        backend.prepare(request)(params)


def test_a_diagonal_observable_may_have_no_error():
    """A determinant has occupations without scatter."""
    request, params, _ = h2_request()
    backend = QiskitBackend(primitive=FakeEstimator(1.0, 0.0), shots=100)
    diagonal = Request(
        preparation=request.preparation, observables=(PauliSum.from_words({"ZIII": 1.0}),)
    )
    assert backend.prepare(diagonal)(params).values[0] == 1.0


def test_an_estimator_that_samples_needs_shots():
    """BackendEstimatorV2 without shots, and one that answers with errors: set shots."""
    request, params, _ = h2_request()
    for primitive in (BackendEstimatorV2(backend=AerSimulator()), FakeEstimator(-1.0, 0.1)):
        backend = QiskitBackend(primitive=primitive)
        with pytest.raises(CapabilityError, match="shots=4096"):
            backend.prepare(request)(params)


def test_a_sampler_needs_shots_and_an_estimator_does_not_count():
    """Refused when the request is prepared, with the remedy."""
    request, params, _ = h2_request()
    with pytest.raises(CapabilityError, match="a sampler needs shots"):
        QiskitBackend(primitive=StatevectorSampler()).prepare(request)
    fixed = Preparation(request.preparation.circuit, request.preparation.reference, params)
    counts = Request(preparation=fixed, observables=None, shots=10)
    with pytest.raises(CapabilityError, match="Use a sampler"):
        QiskitBackend(primitive=StatevectorEstimator()).run([counts])


def test_what_is_no_primitive_or_no_device_is_refused_with_the_remedy():
    """A device for a primitive, a name for a device, and a sampler that repeats its draws."""
    with pytest.raises(InputError, match=r"Use qiskit\.primitives\.StatevectorEstimator"):
        QiskitBackend(primitive=AerSimulator())
    with pytest.raises(InputError, match=r'fake_device\("manila"\)'):
        QiskitBackend(primitive=StatevectorSampler(), device="manila")
    with pytest.raises(InputError, match=r"seed=np\.random\.default_rng\(3\)"):
        QiskitBackend(primitive=StatevectorSampler(seed=3))


def test_a_device_that_is_too_small_is_refused_with_the_remedy():
    """Four qubits on three."""
    request, params, _ = h2_request()
    primitive = BackendSamplerV2(backend=manila(0, 1, 2))
    backend = QiskitBackend(primitive=primitive, shots=100)
    with pytest.raises(InputError, match="reduced or tapered mapping"):
        backend.prepare(request)(params)


def test_a_mapping_that_the_circuit_breaks_is_refused_with_the_remedy():
    """Tapered by the irrep, which the singles of H2 change; and a mapping of another size."""
    request, _, _ = h2_request()
    tapered = hamiltonian(HYDROGEN).qubit_mapping("jordan_wigner", tapered=True)
    with pytest.raises(InputError, match=r"screening=Screening\(\)"):
        QiskitBackend(primitive=StatevectorEstimator(), mapping=tapered).prepare(request)
    with pytest.raises(InputError, match=r"hamiltonian\.qubit_mapping"):
        QiskitBackend(primitive=StatevectorEstimator(), mapping=qubit_mapping("parity", 3)).prepare(
            request
        )


def test_params_of_another_circuit_are_refused_with_the_remedy():
    """Two angles for three."""
    request, _, _ = h2_request()
    evaluator = QiskitBackend(primitive=StatevectorEstimator()).prepare(request)
    with pytest.raises(InputError, match=r"shape \(\.\.\., 3\)"):
        evaluator(np.zeros(2))


@pytest.mark.parametrize(
    "primitive",
    [
        lambda: StatevectorSampler(seed=np.random.default_rng(5)),
        lambda: SamplerV2(seed=5),
        lambda: BackendSamplerV2(backend=AerSimulator(), options={"seed_simulator": 5}),
        lambda: BackendEstimatorV2(backend=AerSimulator(), options={"seed_simulator": 5}),
        lambda: EstimatorV2(options={"backend_options": {"seed_simulator": 5}}),
    ],
    ids=["StatevectorSampler", "Aer sampler", "backend sampler", "backend estimator", "Aer"],
)
@pytest.mark.filterwarnings("ignore:.*draws the same shots in every job")
def test_primitives_with_shots_agree_with_the_exact_energy(primitive):
    """Within five standard errors, for several points, and for a circuit without angles."""
    request, params, right = h2_request()
    backend = QiskitBackend(primitive=primitive(), shots=4000, mapping=REDUCED)
    rows = np.stack([params, params])
    found = backend.prepare(request)(rows)
    assert (np.abs(found.values - right) < 5 * np.sqrt(found.variances)).all()
    assert (found.variances > 0).all()
    assert found.values[0] != found.values[1]
    bare = Preparation(
        QubitCircuit(2, (QubitGate("h", (0,)),)), Reference.determinant("00"), np.zeros((3, 0))
    )
    word = PauliSum.from_words({"ZI": 1.0})
    (three,) = QiskitBackend(primitive=primitive(), shots=400).run(
        [Request(preparation=bare, observables=(word,))]
    )
    assert three.values.shape == (3, 1)
    assert (np.abs(three.values) < 5 / 20).all()


def test_a_simulator_without_connectivity_keeps_the_circuits_qubits():
    """Circuits are not padded to the 30 qubits that a bare AerSimulator names."""
    request, _, _ = h2_request()
    for primitive in (SamplerV2(), BackendSamplerV2(backend=AerSimulator()), EstimatorV2()):
        backend = QiskitBackend(primitive=primitive, shots=10, mapping=REDUCED)
        (circuit,) = backend.prepare(request).circuits
        assert backend.ready(circuit).num_qubits == 2
        assert backend.transpiler.ready(circuit.measured(), is_physical=True).num_qubits == 2


@pytest.mark.parametrize("device", [None, manila(0, 1, 2, 3)], ids=["plain", "manila"])
def test_folding_keeps_the_unitary_and_multiplies_the_gates(device):
    """At random angles, in the device's own gates, on the same qubits."""
    circuit = Ansatz("uccsd").circuit(2, (1, 1))
    backend = QiskitBackend(primitive=StatevectorSampler(), device=device, shots=10)
    request = Request(
        preparation=Preparation(circuit, Reference.hartree_fock(2, (1, 1))),
        observables=(hamiltonian(HYDROGEN),),
    )
    (whole,) = backend.prepare(request).circuits
    once, thrice = (backend.transpiler.folded(whole.measured(), factor) for factor in (1, 3))
    params = np.random.default_rng(1).normal(size=3)
    unitaries = []
    for one in (once, thrice):
        bare = one.remove_final_measurements(inplace=False)
        assert one.num_parameters == 3
        unitaries.append(Operator(bare.assign_parameters(params)))
    assert unitaries[0].equiv(unitaries[1], atol=1e-9)
    assert thrice.count_ops()["cx"] == 3 * once.count_ops()["cx"]
    if device is not None:
        assert set(thrice.count_ops()) <= {*device.operation_names, "barrier"}
        links = set(device.coupling_map)
        pairs = [
            tuple(thrice.find_bit(q).index for q in i.qubits) for i in thrice.get_instructions("cx")
        ]
        assert all(pair in links for pair in pairs)
    for one in (once, thrice):
        places = {
            one.find_bit(i.clbits[0]).index: one.find_bit(i.qubits[0]).index
            for i in one.get_instructions("measure")
        }
        assert tuple(places[b] for b in range(4)) == backend.count_door(None).bit_qubits(
            whole.measured()
        )


def test_bits_are_read_from_the_qubits_that_routing_brought_them_to():
    """A circuit of CNOTs between far ends of a line: each bit's value comes from its qubit."""
    device = manila(0, 1, 2, 3)
    gates = [QubitGate("x", (0,)), QubitGate("cx", (0, 3)), QubitGate("cx", (3, 1))]
    gates += [QubitGate("cx", (0, 2)), QubitGate("cx", (1, 3)), QubitGate("cx", (2, 0))]
    circuit = QubitCircuit(4, tuple(gates)).measured()
    primitive = BackendSamplerV2(backend=AerSimulator())
    backend = QiskitBackend(primitive=primitive, device=device, shots=10)
    door = backend.count_door(None)
    (found,) = door.counts([CountJob(circuit, np.zeros((1, 0)), 50)])
    assert found.to_dict() == {"0110": 50}
    qubits = door.bit_qubits(circuit)
    assert sorted(qubits) == [0, 1, 2, 3]
    # X on the device's qubit of bit 1, just before it is read, flips that bit and no other.
    ready = backend.ready(circuit)
    flipped = ready.copy_empty_like()
    for instruction in ready.data:
        place = ready.find_bit(instruction.qubits[0]).index
        if instruction.operation.name == "measure" and place == qubits[1]:
            flipped.x(instruction.qubits[0])
        flipped.append(instruction)
    counts = primitive.run([(flipped,)], shots=20).result()[0].data.c.get_counts()
    assert counts == {"0100": 20}  # Qiskit's order: bit 0 last


def test_a_primitive_whose_jobs_repeat_their_draws_is_warned_of():
    """Aer's seeded samplers draw the same in every job; ours does not."""
    with pytest.warns(QmlmatWarning, match="Use NoisySampler"):
        QiskitBackend(primitive=SamplerV2(seed=5))
    sampler = NoisySampler(manila(1, 2), seed=5)
    circuit = QuantumCircuit(2)
    circuit.sx(0)
    circuit.measure_all()
    jobs = [sampler.run([(circuit,)], shots=500).result()[0].data.meas for _ in range(2)]
    assert not np.array_equal(*(job.array for job in jobs))


def test_readout_is_calibrated_on_the_qubits_that_are_read():
    """On a noisy line: physical qubits, two more circuits, and an energy nearer to the exact."""
    request, params, right = h2_request()
    device = manila(1, 2, 3)
    errors = {}
    for readout in (False, True):
        primitive = NoisySampler(device, seed=3)
        backend = QiskitBackend(
            primitive=primitive,
            device=device,
            shots=20_000,
            mapping=REDUCED,
            mitigation=Mitigation(readout=readout),
        )
        found = backend.prepare(request)(params)
        errors[readout] = abs(found.values[0] - right[0])
        assert backend.usage.n_jobs == 1
    assert errors[True] < 0.6 * errors[False]
