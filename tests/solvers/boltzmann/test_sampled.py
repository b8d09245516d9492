"""Energies from draws: exact frequencies give exact answers, blocks give error bars."""

import numpy as np
import pytest
import torch
from boltzmann import (
    NODES,
    exact_joint,
    lithium_hydride,
    random_hermitian,
    random_params,
)
from molecules import HYDROGEN, hamiltonian

import qmlmat as qm
from qmlmat.ansatz.gibbs import default_regulator
from qmlmat.backends import StatevectorBackend
from qmlmat.operators.decomposition import matrix_pauli_sum
from qmlmat.solvers.boltzmann import circuit_sampler
from qmlmat.solvers.boltzmann.circuit_sampler import GibbsCircuit, circuit_draws
from qmlmat.solvers.boltzmann.enumerated import EnumeratedEnergy, Vector
from qmlmat.solvers.boltzmann.gibbs import GibbsSample
from qmlmat.solvers.boltzmann.machine import BoltzmannMachine
from qmlmat.solvers.boltzmann.metropolis import ChainSample
from qmlmat.solvers.boltzmann.sampled import SampledEnergy
from qmlmat.solvers.boltzmann.space import space_of

N_BLOCKS = 4
WEIGHT = 3.0
EXACT_H2 = -1.1373060357534
"""H2 at 0.735 Å, STO-3G: PySCF FCI."""


def space(h, **how):
    return space_of(h, **({"mapping": "jordan_wigner", "reduced": False, "tapered": False} | how))


def of_matrix(seed=2):
    return space(qm.QubitHamiltonian(terms=matrix_pauli_sum(random_hermitian(3, seed))))


def exact_chains(one):
    """Draws whose shares are ``|psi|**2`` exactly, in every block."""

    def draw(machine, n_draws):
        shares = np.abs(machine.amplitudes(one.spins(one.masks)).values) ** 2
        shares /= shares.sum()
        return ChainSample(one.masks, np.tile(shares, (N_BLOCKS, 1)), n_draws, 1.0)

    return draw


def exact_circuits(one, kind, monkeypatch):
    """Draws whose counts are ``P**(1 / k)`` exactly, in every block."""

    def exactly(a, b, w, *, shots, regulator, **_):
        k = regulator or default_regulator(w)
        joint = np.tile(exact_joint(a, b, w, k), (N_BLOCKS, 1, 1))
        return GibbsSample(joint=joint, regulator=k, n_shots=shots, n_accepted=shots)

    monkeypatch.setattr(circuit_sampler, "sample_gibbs", exactly)
    backend = StatevectorBackend(shots=100)
    return circuit_draws(
        GibbsCircuit(amplitudes=kind, regulator=2.5), one, backend, np.random.default_rng(1)
    ).draw


def some_lower(one):
    rng = np.random.default_rng(4)
    shape = len(one.masks)
    vector = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    return [Vector(one.masks, vector / np.linalg.norm(vector))]


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("how", ["chains", "counts", "closed_form"])
@pytest.mark.parametrize("which", ["model", "molecule"])
def test_exact_frequencies_give_the_enumerated_answer(node, how, which, monkeypatch):
    """Energy, gradient, metric and residual, a lower state raised, whatever draws."""
    one = of_matrix() if which == "model" else space(lithium_hydride(), tapered=True)
    machine, lower = BoltzmannMachine(one.n_qubits, 2, node), some_lower(one)
    params = random_params(one.n_qubits, 2, node, seed=3)
    enumerated = EnumeratedEnergy(machine, one, one.terms, lower=lower, weight=WEIGHT)
    right, row = enumerated.at(params), torch.from_numpy(params)
    draw = exact_chains(one) if how == "chains" else exact_circuits(one, how, monkeypatch)
    found = SampledEnergy(machine, one, one.terms, draw, 100, lower=lower, weight=WEIGHT)
    answer = found.value_and_gradient(params)
    assert answer.values[0] == pytest.approx(right.energy, abs=1e-10)
    assert np.abs(answer.gradient[0] - right.gradient).max() < 1e-10
    assert np.abs(answer.gradient_variances).max() < 1e-20  # all blocks are alike
    assert np.abs(found.metric(row).numpy() - right.metric).max() < 1e-10
    value, error, spread = found.measured(params)
    assert (value, spread) == pytest.approx((right.energy, right.spread), abs=1e-10)
    assert error < 1e-10
    vector = found.vector(params)
    overlap = np.vdot(vector.amplitudes, enumerated.amplitudes(params))
    assert abs(overlap) == pytest.approx(1.0, abs=1e-12)


def test_what_was_not_counted_has_no_amplitude(monkeypatch):
    """Amplitudes of counts: the energy is that of the state on the configurations seen."""
    one, machine = of_matrix(), BoltzmannMachine(3, 2, "tanh")
    params = random_params(3, 2, "tanh", seed=6)
    seen = np.zeros((8, 4))
    seen[[1, 4]] = [[1, 0, 2, 0], [0, 1, 0, 1]]

    def partly(*_, **__):
        return GibbsSample(joint=np.tile(seen, (4, 1, 1)), regulator=1.0, n_shots=20, n_accepted=20)

    monkeypatch.setattr(circuit_sampler, "sample_gibbs", partly)
    draws = circuit_draws(
        GibbsCircuit(), one, StatevectorBackend(shots=20), np.random.default_rng(1)
    )
    energy = SampledEnergy(machine, one, one.terms, draws.draw, 20)
    machine.set_params(params)
    signs = np.tanh(params[11] + np.array([[1, 1, -1], [-1, 1, 1]]) @ params[12:])
    state = np.sqrt([0.6, 0.4]) * signs
    state /= np.linalg.norm(state)
    block = random_hermitian(3, 2)[np.ix_([1, 4], [1, 4])]
    assert energy(params).values[0] == pytest.approx(np.vdot(state, block @ state).real, abs=1e-12)
    vector = energy.vector(params)
    assert vector.masks.tolist() == [1, 4]  # 001 and 100, wire 0 on the left: masks 4 and 1
    assert np.abs(vector.at(np.array([1, 4], dtype=np.uint64))[::-1]) == pytest.approx(
        np.abs(state)
    )


def test_an_evaluator_counts_all_its_draws():
    """Several points at once: a value and a variance each, and the draws of all."""
    one, machine = of_matrix(), BoltzmannMachine(3, 2, "tanh")
    energy = SampledEnergy(machine, one, one.terms, exact_chains(one), 100)
    rows = np.array([random_params(3, 2, "tanh", seed=s) for s in range(3)])
    found = energy(rows)
    assert found.values.shape == found.variances.shape == (3, 1)
    assert found.n_shots == 300
    alone = [energy(row).values[0] for row in rows]
    assert np.array_equal(found.values[:, 0], alone)
    assert energy.with_shots(7)(rows[0]).n_shots == 7


# ------------------------------------------------------- hydrogen on two qubits


@pytest.fixture(scope="module")
def hydrogen():
    """H2 on two qubits with a trained machine of two hidden units."""
    h2 = hamiltonian(HYDROGEN)
    rbm = qm.RBM(
        n_hidden=2, sign_node="tanh", mapping="parity", reduced=True, tapered=False, n_starts=1
    )
    trained = qm.solve(h2, rbm, seed=1)
    assert trained.energy == pytest.approx(EXACT_H2, abs=1e-8)
    return h2, rbm, trained


def measured(hydrogen, kind, seed, shots):
    """Energy and error bar from the circuits of the trained machine."""
    h2, rbm, trained = hydrogen
    one, backend = rbm.space(h2), StatevectorBackend(shots=shots)
    draws = circuit_draws(GibbsCircuit(amplitudes=kind), one, backend, np.random.default_rng(seed))
    return SampledEnergy(rbm.machine(h2), one, one.terms, draws.draw, shots).measured(
        trained.params
    )


@pytest.mark.parametrize("kind", ["counts", "closed_form"])
def test_hydrogen_is_measured_within_a_third_of_a_millihartree(hydrogen, kind):
    """8,192 shots, 20 seeds: bias and scatter below 3e-4 hartree."""
    values = np.array([measured(hydrogen, kind, seed, 8192)[0] for seed in range(20)])
    assert abs(values.mean() - EXACT_H2) < 3e-4
    assert values.std(ddof=1) < 3e-4
    if kind == "closed_form":  # an eigenstate's local energies are all the same
        assert np.abs(values - EXACT_H2).max() < 1e-6


@pytest.mark.slow
def test_error_bars_of_circuits_cover_the_mean(hydrogen):
    """68 % bars of 100 seeds, of a state that is no eigenstate: the mean is inside as often."""
    h2, rbm, trained = hydrogen
    off = (h2, rbm, qm.Solution(**{**vars(trained), "params": trained.params + 0.1}))
    found = np.array([measured(off, "counts", seed, 8192)[:2] for seed in range(100)])
    share = (np.abs(found[:, 0] - found[:, 0].mean()) < found[:, 1]).mean()
    assert 0.5 < share < 0.85


def test_a_search_by_draws_is_repeatable_and_gets_lower(hydrogen):
    """No enumeration: the same seed gives the same bits; the energy falls well below its start."""
    h2, rbm, _ = hydrogen
    settings = {"sampler": GibbsCircuit(), "max_iterations": 40}
    sampled = qm.RBM(**{**vars(rbm), **settings})
    backend = StatevectorBackend(shots=4096)
    first, again = (qm.solve(h2, sampled, backend=backend, seed=3) for _ in range(2))
    assert first.energies.tolist() == again.energies.tolist()
    assert np.array_equal(first.params, again.params)
    assert first.states is None
    assert 0 < first.stderr[0] < 1e-2
    assert first.energy < first.history[0].energy - 0.2
