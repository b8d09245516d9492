"""The sector backend against dense matrices, against ffsim and PennyLane, and its refusals."""

import itertools
from dataclasses import replace

import ffsim
import hypothesis.strategies as st
import numpy as np
import pennylane as qml
import pytest
import scipy.linalg
import torch
from hypothesis import given
from twins import (
    DiagonalObservable,
    circuit_matrix,
    determinants,
    ladder_factors,
    random_observable,
    sparse_generator,
    tangents,
)

from qmlmat.ansatz import Ansatz, Circuit, Excitation, Gate, NumberProduct
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
    sector_program,
    sector_tangents,
)
from qmlmat.errors import CapabilityError, InputError
from qmlmat.operators import parallel
from qmlmat.operators.sector import Sector

ROUNDING = 1e-12  # float64, a few hundred rotations of a normalised vector

BACKEND = SectorBackend()


@st.composite
def circuits(draw):
    """A random circuit in any sector of up to four orbitals, real or with phases.

    Excitations are of any rank, fermionic ones and those of qubits mixed.
    """
    norb = draw(st.integers(1, 4))
    nelec = (draw(st.integers(0, norb)), draw(st.integers(0, norb)))
    pool = [e for name in GENERATORS for e in GENERATORS[name](norb, nelec, "any")]
    if norb == 4:
        pool.append(Excitation(((0, 2), (1, 3)), ((0, 1),)))  # a triple
        pool.append(Excitation(((0, 3), (1, 2)), ((0, 1), (3, 2))))  # a quadruple
        pool += [replace(excitation, qubit=True) for excitation in pool[-2:]]
    picked = draw(st.lists(st.sampled_from(pool), max_size=8)) if pool else []
    circuit = Circuit.from_excitations(norb, nelec, picked, spin_tied=draw(st.booleans()))
    sets = [p for r in range(3) for p in itertools.combinations(range(norb), r)]
    numbers = st.sampled_from([NumberProduct(a, b) for a in sets for b in sets if a or b])
    gates, n_params = list(circuit.gates), circuit.n_params
    for number in draw(st.lists(numbers, max_size=4)):
        place = draw(st.integers(0, len(gates)))
        gates.insert(place, Gate(number, n_params, draw(st.sampled_from([1.0, -0.5]))))
        n_params += 1
    if n_params and draw(st.booleans()):  # a gate of another kind shares an angle
        gates.append(
            Gate(NumberProduct((0,), (norb - 1,)), draw(st.integers(0, n_params - 1)), 2.0)
        )
    return Circuit(norb, nelec, tuple(gates), n_params)


def problem(circuit, seed):
    """Random angles, a random observable, and a sum of two determinants, perhaps complex."""
    rng = np.random.default_rng(seed)
    params = rng.uniform(-np.pi, np.pi, circuit.n_params)
    observable = random_observable(circuit.norb, circuit.nelec, rng)
    both = determinants(circuit.norb, circuit.nelec)[:: max(1, rng.integers(1, 4))][:2]
    factor = (0.6, 0.8) if seed % 2 else (0.6j, 0.8)
    amplitudes = factor if len(both) == 2 else (1.0,)
    terms = tuple(("".join(map(str, d)), a) for d, a in zip(both, amplitudes, strict=True))
    return params, observable, Reference(terms)


def start_vector(circuit, reference):
    """The reference as a flat sector vector."""
    names = ["".join(map(str, d)) for d in determinants(circuit.norb, circuit.nelec)]
    amplitudes = dict(reference.terms)
    return np.array([amplitudes.get(name, 0.0) for name in names])


def fits(gate, norb):
    """Whether a gate stays inside the orbitals."""
    return gate.generator.max_orbital < norb


@given(circuits(), st.integers(0, 2**32 - 1), st.booleans())
def test_states_agree_with_a_product_of_matrix_exponentials(circuit, seed, complex_start):
    """Every kernel branch against its slow twin, on empty, full and open-shell sectors."""
    params, _, _ = problem(circuit, seed)
    rng = np.random.default_rng(seed)
    shape = Sector(circuit.norb, circuit.nelec).shape
    start = rng.normal(size=shape) + (1j * rng.normal(size=shape) if complex_start else 0)
    expected = circuit_matrix(circuit, params) @ start.ravel()
    state = BACKEND.apply(circuit, start, params)
    assert state.ravel() == pytest.approx(expected, abs=ROUNDING)
    assert np.iscomplexobj(state) == (complex_start or not circuit.is_real)


@given(circuits(), st.integers(0, 2**32 - 1))
def test_adjoint_gradient_is_the_derivative_of_the_dense_expectation(circuit, seed):
    """d<O>/d theta_k = 2 Re <psi| O |d_k psi> with dense matrices."""
    params, observable, reference = problem(circuit, seed)
    evaluator = BACKEND.prepare(
        Request(preparation=Preparation(circuit, reference), observables=(observable,))
    )
    answer = evaluator.value_and_gradient(params)
    ket, derivatives = tangents(circuit, params, start_vector(circuit, reference))
    bra = observable.matrix @ ket
    atol = 1e-11 * max(1, len(ket))  # rounding of a matrix of this size
    assert answer.values == pytest.approx([np.vdot(ket, bra).real], abs=atol)
    assert answer.gradient[0] == pytest.approx(2 * (bra.conj() @ derivatives).real, abs=atol)
    assert evaluator(params).values == pytest.approx(answer.values, abs=0)


def runs_of_gates(norb, nelec, rng):
    """Runs of gates that have their alpha part, their beta part, or one spin in common."""
    singles = {spin: GENERATORS["singles"](norb, nelec, "any") for spin in (0, 1)}
    moves = {
        0: [e.alpha for e in singles[0] if e.alpha],
        1: [e.beta for e in singles[1] if e.beta],
    }

    def some(options, k=3):
        return [options[i] for i in rng.choice(len(options), size=k)]

    gates = [Excitation(alpha, beta) for alpha in some(moves[0]) for beta in some(moves[1])]
    gates += [Excitation(alpha, beta) for beta in some(moves[1]) for alpha in some(moves[0])]
    gates += some(GENERATORS["same_spin_doubles"](norb, nelec, "any"), 5)
    gates += [Excitation(alpha=alpha) for alpha in some(moves[0])] + [NumberProduct((1,))]
    gates += [Excitation(beta=beta) for beta in some(moves[1])] + [NumberProduct((), (0, 2))]
    gates += [NumberProduct((p,), (q,)) for p in (0, 1) for q in (2, 0)]
    gates += [Excitation(((5, 7),), ((5, 7),)), Excitation(((0, 1),), ((5, 7),))]
    qubit = [replace(excitation, qubit=True) for excitation in gates[:4] + gates[9:13]]
    gates += qubit + [e for pair in zip(gates[:2], qubit[:2], strict=True) for e in pair]
    return tuple(Gate(g, k) for k, g in enumerate(gates))


@pytest.mark.parametrize("nelec", [(1, 4), (4, 1), (4, 4)])
def test_full_and_partial_blocks_of_lanes_agree_with_sparse_matrices(nelec):
    """More rows than lanes, runs of every kind: exp(t G) = 1 + sin t G + (1 - cos t) G^2.

    That holds for every generator here, since G^3 = -G.
    """
    norb = 8
    rng = np.random.default_rng(sum(nelec))
    gates = runs_of_gates(norb, nelec, rng)
    circuit = Circuit(norb, nelec, gates, len(gates))
    params = rng.uniform(-2, 2, len(gates))
    shape = Sector(norb, nelec).shape
    start = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    start /= np.linalg.norm(start)
    generators = [sparse_generator(g.generator, norb, nelec) for g in gates]
    ket, kets = start.ravel(), []
    for angle, generator in zip(params, generators, strict=True):
        turned = generator @ ket
        ket = ket + np.sin(angle) * turned + (1 - np.cos(angle)) * (generator @ turned)
        kets.append(ket)
    assert BACKEND.apply(circuit, start, params).ravel() == pytest.approx(ket, abs=ROUNDING)

    diagonal = rng.normal(size=shape)
    terms = [("".join(map(str, d)), 1.0) for d in determinants(norb, nelec)[3:4]]
    preparation = Preparation(circuit, Reference(tuple(terms)), params)
    observable = DiagonalObservable(diagonal, norb, nelec)
    evaluator = BACKEND.prepare(Request(preparation=preparation, observables=(observable,)))
    gradient = evaluator.value_and_gradient(params).gradient[0]
    for k in rng.choice(len(gates), size=8, replace=False):
        steps = params + 1e-5 * np.array([[1.0], [-1.0]]) * np.eye(len(gates))[k]
        above, below = evaluator(steps).values[:, 0]
        assert gradient[k] == pytest.approx((above - below) / 2e-5, abs=1e-8)


@pytest.mark.parametrize(("norb", "nelec", "beta"), [(12, (1, 2), (0, 11)), (16, (1, 3), (5, 15))])
def test_neighbouring_lanes_keep_their_own_signs(norb, nelec, beta):
    """Blocks whose second rows are neighbours in memory: all signs -1, and signs that differ."""
    gates = tuple(Gate(Excitation(((i, i + 1),), (beta,)), i) for i in range(3))
    circuit, params = Circuit(norb, nelec, gates, 3), np.array([0.4, -1.1, 0.7])
    start = np.random.default_rng(0).normal(size=Sector(norb, nelec).shape)
    ket = start.ravel()
    for gate, angle in zip(gates, params, strict=True):
        generator = sparse_generator(gate.generator, norb, nelec)
        turned = generator @ ket
        ket = ket + np.sin(angle) * turned + (1 - np.cos(angle)) * (generator @ turned)
    assert BACKEND.apply(circuit, start, params).ravel() == pytest.approx(ket, abs=ROUNDING)


@pytest.mark.parametrize("beta", [(), ((0, 2),)])
@pytest.mark.parametrize("first", [False, True])
def test_qubit_and_fermionic_excitations_with_the_same_moves_differ_where_signs_do(beta, first):
    """exp(x F) exp(-x Q) does nothing where no electron is passed, and turns by 2 x elsewhere.

    The two are neighbours with common lanes where both spins move.
    """
    fermionic = Excitation(((0, 2),), beta)
    pair = [fermionic, replace(fermionic, qubit=True)]
    circuit = Circuit.from_excitations(4, (2, 1), pair[::-1] if first else pair)
    x = 0.3
    params = np.array([-x, x] if first else [x, -x])
    sector, target = Sector(4, (2, 1)), "0010" if beta else "1000"
    passing, free = (
        BACKEND.state(Preparation(circuit, Reference.determinant(bits), params))
        for bits in ("11001000", "10011000")
    )
    expected = sector.zeros()
    expected[sector.index("11001000")] = np.cos(2 * x)
    expected[sector.index("0110" + target)] = -np.sin(2 * x)  # F has the sign -1, Q has not
    assert passing == pytest.approx(expected, abs=ROUNDING)
    alone = sector.zeros()
    alone[sector.index("10011000")] = 1.0
    assert free == pytest.approx(alone, abs=ROUNDING)


def test_metric_of_more_parameters_than_two_sweeps_carry():
    """Each further sweep starts where the last one left the state."""
    circuit = Ansatz("uccgsd").circuit(3, (2, 1))
    assert circuit.n_params > 2 * sector_tangents.TANGENTS
    reference = Reference.hartree_fock(3, (2, 1))
    params = np.random.default_rng(1).normal(size=circuit.n_params)
    _, derivatives = tangents(circuit, params, start_vector(circuit, reference))
    expected = (derivatives.T @ derivatives).real
    metric = BACKEND.metric(Preparation(circuit, reference, params))
    assert metric == pytest.approx(expected, abs=ROUNDING)


@given(circuits(), st.integers(0, 2**32 - 1))
def test_metric_is_that_of_the_dense_tangent_vectors(circuit, seed):
    """Re <d_i|d_j> - <d_i|psi><psi|d_j>, real and complex states."""
    params, _, reference = problem(circuit, seed)
    ket, derivatives = tangents(circuit, params, start_vector(circuit, reference))
    along = ket.conj() @ derivatives
    expected = (derivatives.conj().T @ derivatives - np.outer(along.conj(), along)).real
    metric = BACKEND.metric(Preparation(circuit, reference, params))
    assert metric == pytest.approx(expected, abs=ROUNDING)
    assert np.array_equal(metric, metric.T)


@given(circuits(), st.integers(0, 2**32 - 1))
def test_hessian_products_are_differences_of_gradients(circuit, seed):
    """Hv = d/de gradient(theta + e v), and v H w = w H v."""
    params, observable, reference = problem(circuit, seed)
    preparation = Preparation(circuit, reference, params)
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(2, circuit.n_params))
    evaluator = BACKEND.prepare(Request(preparation=preparation, observables=(observable,)))
    step = 1e-5
    shifted = np.stack([params + step * first, params - step * first])
    above, below = evaluator.value_and_gradient(shifted).gradient[:, 0]
    size = observable.matrix.shape[0]
    products = BACKEND.hvp(preparation, observable, np.stack([first, second]))
    # The differences err by step**2 times third derivatives, which grow with the matrix.
    assert products[0] == pytest.approx((above - below) / (2 * step), abs=1e-6 * max(1, size))
    assert second @ products[0] == pytest.approx(first @ products[1], abs=1e-10 * max(1, size))


@given(circuits(), circuits(), st.integers(0, 2**32 - 1))
def test_pool_gradients_are_those_of_appended_gates(circuit, pool, seed):
    """One pass over the pool = the gradient of the circuit with the pool behind it, at zero."""
    gates = tuple(Gate(g.generator, g.param, g.scale) for g in pool.gates if fits(g, circuit.norb))
    used = sorted({g.param for g in gates})
    gates = tuple(Gate(g.generator, used.index(g.param), g.scale) for g in gates)
    pool = Circuit(circuit.norb, circuit.nelec, gates, len(used))
    params, observable, reference = problem(circuit, seed)
    preparation = Preparation(circuit, reference, params)
    appended = tuple(Gate(g.generator, circuit.n_params + g.param, g.scale) for g in gates)
    n_params = circuit.n_params + pool.n_params
    longer = Circuit(circuit.norb, circuit.nelec, circuit.gates + appended, n_params)
    evaluator = BACKEND.prepare(
        Request(preparation=Preparation(longer, reference), observables=(observable,))
    )
    at_zero = np.concatenate([params, np.zeros(pool.n_params)])
    expected = evaluator.value_and_gradient(at_zero).gradient[0, circuit.n_params :]
    slopes = BACKEND.pool_gradients(preparation, observable, pool)
    assert slopes == pytest.approx(expected, abs=1e-10)


@given(circuits(), st.integers(0, 2**32 - 1))
def test_two_threads_give_what_one_gives(circuit, seed):
    """To 1e-12, every sweep; the threshold from which threads are used is lowered for this."""
    params, observable, reference = problem(circuit, seed)
    preparation = Preparation(circuit, reference, params)
    evaluator = BACKEND.prepare(Request(preparation=preparation, observables=(observable,)))

    def everything():
        answer = evaluator.value_and_gradient(params)
        return [
            BACKEND.state(preparation),
            answer.values,
            answer.gradient,
            BACKEND.metric(preparation),
            BACKEND.hvp(preparation, observable, params),
            BACKEND.pool_gradients(preparation, observable, circuit),
        ]

    one = everything()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sector_program, "PARALLEL_SIZE", 0)
        patch.setattr(parallel, "_chosen", [2])
        two = everything()
    for a, b in zip(one, two, strict=True):
        assert b == pytest.approx(a, abs=1e-12 * max(1, observable.matrix.shape[0]))


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


@pytest.mark.parametrize("nelec", [(2, 2), (3, 1)])
def test_qubit_excitations_are_pennylanes_excitation_gates(nelec):
    """`SingleExcitation` and `DoubleExcitation`, which have no strings of Z, on all 8 qubits.

    Wire i = spin orbital i. PennyLane's angles are minus twice ours: on wires (from, to) its single
    takes |10> to cos(phi/2) |10> - sin(phi/2) |01>, ours to cos(x) |10> + sin(x) |01>; a double's
    wires are both electrons' origins, then both goals.
    """
    norb = 4
    circuit = Ansatz("quccgsd").circuit(norb, nelec)
    params = np.random.default_rng(6).uniform(-1, 1, circuit.n_params)
    sector = Sector(norb, nelec)

    @qml.qnode(qml.device("default.qubit", wires=2 * norb))
    def register():
        qml.BasisState(np.array(list(sector.hartree_fock_bits()), dtype=int), range(2 * norb))
        for gate in circuit.gates:
            moves = [*gate.generator.alpha]
            moves += [(norb + i, norb + a) for i, a in gate.generator.beta]
            rotation = qml.SingleExcitation if len(moves) == 1 else qml.DoubleExcitation
            origins, goals = zip(*moves, strict=True)
            rotation(-2 * params[gate.param], wires=[*origins, *goals])
        return qml.state()

    theirs = np.asarray(register())
    expected = [theirs[int("".join(map(str, bits)), 2)] for bits in determinants(norb, nelec)]
    state = BACKEND.state(Preparation(circuit, Reference.hartree_fock(norb, nelec), params))
    assert {gate.generator.rank for gate in circuit.gates} == {1, 2}
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


def test_torch_gradients_add_up_over_several_references():
    """A weighted average of energies, one reference each: what solvers of several states search."""
    circuit = Ansatz("uccsd").circuit(3, (1, 2))
    rng = np.random.default_rng(8)
    observables = tuple(random_observable(3, (1, 2), rng) for _ in range(3))
    bits = ("100110", "010110", "001101")
    references = tuple(Reference.determinant(b) for b in bits)
    preparation = Preparation(circuit, references)
    weights = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    one = torch.tensor(rng.normal(size=circuit.n_params), requires_grad=True)
    batch = torch.tensor(rng.normal(size=(2, circuit.n_params)), requires_grad=True)
    paired = BACKEND.prepare(
        Request(preparation=preparation, observables=observables, pairing="each")
    )
    every = BACKEND.prepare(Request(preparation=preparation, observables=observables))
    assert expectation(every, batch).shape == (2, 3, 3)
    assert torch.autograd.gradcheck(lambda x: expectation(paired, x) @ weights, one)
    assert torch.autograd.gradcheck(lambda x: expectation(every, x.sin()), batch)
    average = expectation(paired, one) @ weights
    average.backward()
    answer = paired.value_and_gradient(one.detach().numpy())
    assert one.grad.numpy() == pytest.approx(weights.numpy() @ answer.gradient, abs=1e-12)


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
    for amplitude in (0.5, 0.999, float("nan")):
        with pytest.raises(InputError, match="add up to 1"):
            Reference((("1010", amplitude),))
    with pytest.raises(InputError, match="not a pairing"):
        Request(preparation=preparation, observables=(observable,), pairing="every")
    for wrong in (np.float64(1), np.zeros(3, dtype=complex)):
        with pytest.raises(InputError, match="params"):
            evaluator(wrong)
    with pytest.raises(InputError, match="Add its amplitudes"):
        Reference((("1010", 0.6), ("1010", 0.8)))
