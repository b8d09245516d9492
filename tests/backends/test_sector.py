"""The sector backend against dense matrices, against ffsim and PennyLane, and its refusals."""

import ffsim
import hypothesis.strategies as st
import numpy as np
import pennylane as qml
import pytest
import scipy.linalg
import torch
from hypothesis import given
from twins import circuit_matrix, determinants, generator_matrix, ladder_factors, random_observable

from qmlmat.ansatz import Ansatz, Circuit, Excitation
from qmlmat.ansatz.generators import GENERATORS
from qmlmat.backends import (
    Backend,
    Evaluator,
    Preparation,
    Reference,
    Request,
    SectorBackend,
    StateBackend,
    expectation,
)
from qmlmat.errors import CapabilityError, InputError
from qmlmat.operators.sector import Sector

ROUNDING = 1e-12  # float64, a few hundred rotations of a normalised vector

BACKEND = SectorBackend()


@st.composite
def circuits(draw):
    """A random circuit of any ranks in any sector of up to four orbitals."""
    norb = draw(st.integers(1, 4))
    nelec = (draw(st.integers(0, norb)), draw(st.integers(0, norb)))
    pool = [e for name in GENERATORS for e in GENERATORS[name](norb, nelec, "any")]
    if norb == 4:
        pool.append(Excitation(((0, 2), (1, 3)), ((0, 1),)))  # a triple
        pool.append(Excitation(((0, 3), (1, 2)), ((0, 1), (3, 2))))  # a quadruple
    picked = draw(st.lists(st.sampled_from(pool), max_size=8)) if pool else []
    return Circuit.from_excitations(norb, nelec, picked, spin_tied=draw(st.booleans()))


def problem(circuit, seed):
    rng = np.random.default_rng(seed)
    params = rng.uniform(-np.pi, np.pi, circuit.n_params)
    observable = random_observable(circuit.norb, circuit.nelec, rng)
    reference = Reference.hartree_fock(circuit.norb, circuit.nelec)
    return params, observable, reference


@given(circuits(), st.integers(0, 2**32 - 1))
def test_states_agree_with_a_product_of_matrix_exponentials(circuit, seed):
    """Every kernel branch against its slow twin, on empty, full and open-shell sectors."""
    params, _, _ = problem(circuit, seed)
    rng = np.random.default_rng(seed)
    shape = Sector(circuit.norb, circuit.nelec).shape
    start = rng.normal(size=shape)
    expected = circuit_matrix(circuit, params) @ start.ravel()
    assert BACKEND.apply(circuit, start, params).ravel() == pytest.approx(expected, abs=ROUNDING)


@given(circuits(), st.integers(0, 2**32 - 1))
def test_adjoint_gradient_is_the_derivative_of_the_dense_expectation(circuit, seed):
    """d<O>/d theta_k = 2 <psi| O U_after G_k U_before |ref> with dense matrices."""
    params, observable, reference = problem(circuit, seed)
    evaluator = BACKEND.prepare(
        Request(preparation=Preparation(circuit, reference), observables=(observable,))
    )
    answer = evaluator.value_and_gradient(params)
    size = len(determinants(circuit.norb, circuit.nelec))
    ket = circuit_matrix(circuit, params)[:, 0]
    bra = observable.matrix @ ket
    gradient = np.zeros(circuit.n_params)
    for gate in reversed(circuit.gates):
        generator = gate.scale * generator_matrix(gate.generator, circuit.norb, circuit.nelec)
        gradient[gate.param] += 2 * bra @ generator @ ket
        undo = scipy.linalg.expm(-params[gate.param] * generator)
        ket, bra = undo @ ket, undo @ bra
    assert ket == pytest.approx(np.eye(size)[0], abs=ROUNDING)
    assert answer.gradient[0] == pytest.approx(gradient, abs=1e-11 * max(1, size))
    assert evaluator(params).values == pytest.approx(answer.values, abs=0)


@pytest.mark.parametrize("nelec", [(2, 2), (3, 2), (1, 3)])
@pytest.mark.parametrize("name", ["uccsd", "uccgsd"])
def test_gradient_agrees_with_central_differences(name, nelec):
    """Closed and open shells, tied parameters included, to 1e-7."""
    circuit = Ansatz(name, spin_tied=True).circuit(4, nelec)
    params, observable, reference = problem(circuit, 7)
    evaluator = BACKEND.prepare(
        Request(preparation=Preparation(circuit, reference), observables=(observable,))
    )
    steps = 1e-5 * np.eye(circuit.n_params)
    shifted = evaluator(np.stack([params + steps, params - steps])).values[..., 0]
    differences = (shifted[0] - shifted[1]) / 2e-5
    gradient = evaluator.value_and_gradient(params).gradient[0]
    assert gradient == pytest.approx(differences, abs=1e-7)


@pytest.mark.parametrize("nelec", [(2, 2), (3, 1)])
def test_rotations_agree_with_ffsim(nelec):
    """exp(theta (T - T†)) by ffsim's fermionic operators, same order of determinants."""
    circuit = Ansatz("uccgsd").circuit(4, nelec)
    rng = np.random.default_rng(3)
    state = rng.normal(size=Sector(4, nelec).shape)
    for gate in circuit.gates:
        excitation = gate.generator
        factors = ladder_factors(excitation, 4)
        action = tuple(
            ffsim.FermionAction(action=kind == "+", spin=mode >= 4, orb=mode % 4)
            for kind, mode in factors
        )
        dagger = tuple(
            ffsim.FermionAction(action=kind == "-", spin=mode >= 4, orb=mode % 4)
            for kind, mode in reversed(factors)
        )
        operator = ffsim.FermionOperator({action: 1.0, dagger: -1.0})
        linear = ffsim.linear_operator(operator, norb=4, nelec=nelec)
        dense = linear @ np.eye(state.size, dtype=complex)
        expected = scipy.linalg.expm(0.3 * dense) @ state.ravel()
        single = Circuit.from_excitations(4, nelec, [excitation])
        ours = BACKEND.apply(single, state, np.array([0.3]))
        assert ours.ravel() == pytest.approx(expected.real, abs=ROUNDING)


@pytest.mark.parametrize("name", ["uccsd", "uccgsd"])
def test_states_agree_with_pennylane_on_qubits(name):
    """The same product on the Jordan-Wigner register, wire i = spin orbital i.

    Nothing leaks out of the sector there: both electron numbers are conserved, as claimed.
    """
    norb, nelec = 3, (2, 1)
    circuit = Ansatz(name).circuit(norb, nelec)
    params = np.random.default_rng(5).uniform(-1, 1, circuit.n_params)
    sector = Sector(norb, nelec)
    wires = range(2 * norb)
    register = np.zeros(2 ** (2 * norb))
    register[int(sector.hartree_fock_bits(), 2)] = 1.0
    for gate in circuit.gates:
        factors = ladder_factors(gate.generator, norb)
        fermion = qml.fermi.FermiWord({(k, mode): kind for k, (kind, mode) in enumerate(factors)})
        matrix = qml.matrix(qml.jordan_wigner(fermion), wire_order=wires)
        generator = (matrix - matrix.conj().T).real
        register = scipy.linalg.expm(params[gate.param] * generator) @ register
    state = BACKEND.state(Preparation(circuit, Reference.hartree_fock(norb, nelec), params))
    expected = [register[int("".join(map(str, bits)), 2)] for bits in determinants(norb, nelec)]
    assert state.ravel() == pytest.approx(np.array(expected), abs=ROUNDING)
    assert np.linalg.norm(expected) == pytest.approx(1.0, abs=ROUNDING)


def test_batched_equals_one_by_one():
    """A batch of parameters, every one with every observable, and paired one to one."""
    circuit = Ansatz("uccsd").circuit(3, (1, 2))
    rng = np.random.default_rng(11)
    observables = tuple(random_observable(3, (1, 2), rng) for _ in range(4))
    params = rng.normal(size=(4, circuit.n_params))
    preparation = Preparation(circuit, Reference.hartree_fock(3, (1, 2)), params)
    every, paired = BACKEND.run(
        [
            Request(preparation=preparation, observables=observables),
            Request(preparation=preparation, observables=observables, pairing="each"),
        ]
    )
    single = [
        [
            BACKEND.prepare(Request(preparation=preparation, observables=(o,)))(row).values[0]
            for o in observables
        ]
        for row in params
    ]
    assert np.array_equal(every.values, np.array(single))
    assert np.array_equal(paired.values, np.diag(single))
    assert every.n_shots is None
    assert not every.variances.any()


def test_a_sum_of_determinants_is_prepared_by_linearity():
    """U on (|i> + |j>)/sqrt2 is the sum of U|i> and U|j>: what excited states need."""
    circuit = Ansatz("uccsd").circuit(3, (1, 1))
    params = np.random.default_rng(2).normal(size=circuit.n_params)
    first, second = "100100", "010010"

    def state(reference):
        return BACKEND.state(Preparation(circuit, reference, params))

    half = 0.5**0.5
    both = state(Reference(((first, half), (second, -half))))
    apart = state(Reference.determinant(first)) - state(Reference.determinant(second))
    assert both == pytest.approx(half * apart, abs=ROUNDING)


def test_torch_gradients_chain_through_the_door():
    """A torch module may produce the parameters; several observables add up."""
    circuit = Ansatz("uccsd").circuit(3, (1, 2))
    rng = np.random.default_rng(1)
    observables = tuple(random_observable(3, (1, 2), rng) for _ in range(2))
    preparation = Preparation(circuit, Reference.hartree_fock(3, (1, 2)))
    inputs = torch.tensor(rng.normal(size=(2, circuit.n_params)), requires_grad=True)
    for request in (
        Request(preparation=preparation, observables=observables),
        Request(preparation=preparation, observables=observables, pairing="each"),
    ):
        evaluator = BACKEND.prepare(request)
        assert torch.autograd.gradcheck(lambda x, e=evaluator: expectation(e, x.sin()), inputs)
        with torch.no_grad():
            assert not expectation(evaluator, inputs).requires_grad


def test_the_door_wants_double_precision():
    """float32 parameters would silently lose digits."""
    circuit = Ansatz("uccsd").circuit(2, (1, 1))
    evaluator = BACKEND.prepare(
        Request(
            preparation=Preparation(circuit, Reference.hartree_fock(2, (1, 1))),
            observables=(random_observable(2, (1, 1), np.random.default_rng(0)),),
        )
    )
    with pytest.raises(InputError, match="float64"):
        expectation(evaluator, torch.zeros(3))


def test_the_backend_keeps_the_interfaces_it_claims():
    """SectorBackend is a Backend and a StateBackend; its evaluator an Evaluator."""
    circuit = Ansatz("uccsd").circuit(2, (1, 1))
    request = Request(
        preparation=Preparation(circuit, Reference.hartree_fock(2, (1, 1))), observables=()
    )
    assert isinstance(BACKEND, Backend)
    assert isinstance(BACKEND, StateBackend)
    assert isinstance(BACKEND.prepare(request), Evaluator)
    assert BACKEND.capabilities.exact
    assert not BACKEND.capabilities.counts


def test_requests_the_backend_cannot_answer_are_refused():
    """Shots, counts, missing or misshapen parameters, foreign observables: each with a remedy."""
    circuit = Ansatz("uccsd").circuit(2, (1, 1))
    rng = np.random.default_rng(0)
    preparation = Preparation(circuit, Reference.hartree_fock(2, (1, 1)))
    observable = random_observable(2, (1, 1), rng)
    with pytest.raises(CapabilityError, match="Leave shots=None"):
        BACKEND.prepare(Request(preparation=preparation, observables=(observable,), shots=100))
    with pytest.raises(CapabilityError, match="name the observables"):
        BACKEND.prepare(Request(preparation=preparation, observables=None))
    with pytest.raises(InputError, match=r"Set Preparation\.params"):
        BACKEND.run([Request(preparation=preparation, observables=(observable,))])
    with pytest.raises(InputError, match=r"Set Preparation\.params"):
        BACKEND.state(preparation)
    foreign = random_observable(2, (2, 1), rng)
    with pytest.raises(InputError, match="norb and nelec"):
        BACKEND.prepare(Request(preparation=preparation, observables=(foreign,)))
    evaluator = BACKEND.prepare(Request(preparation=preparation, observables=(observable,)))
    with pytest.raises(InputError, match=r"shape \(\.\.\., 3\)"):
        evaluator(np.zeros(2))
    with pytest.raises(InputError, match="finite"):
        evaluator(np.full(3, np.nan))
    with pytest.raises(InputError, match="norb and nelec"):
        BACKEND.apply(circuit, np.zeros((3, 3)), np.zeros(3))
    paired = BACKEND.prepare(
        Request(preparation=preparation, observables=(observable,), pairing="each")
    )
    with pytest.raises(InputError, match="one vector for each"):
        paired(np.zeros((2, 3)))
    with pytest.raises(InputError, match="add up to 1"):
        Reference((("1010", 0.5),))
    with pytest.raises(InputError, match="Add its amplitudes"):
        Reference((("1010", 0.6), ("1010", 0.8)))
