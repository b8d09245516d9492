"""Markov chains: their distribution, their configurations, their error bars, and no enumeration."""

from functools import partial

import numpy as np
import pytest
import torch
from boltzmann import NODES, lithium_hydride, random_hermitian, random_params, unit_state
from molecules import hamiltonian
from scipy.stats import chi2
from small_models import ising

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.operators.decomposition import matrix_pauli_sum
from qmlmat.operators.pauli import reversed_bits
from qmlmat.solvers import NaturalGradient
from qmlmat.solvers.boltzmann.enumerated import EnumeratedEnergy
from qmlmat.solvers.boltzmann.machine import BoltzmannMachine
from qmlmat.solvers.boltzmann.metropolis import Chains, Metropolis
from qmlmat.solvers.boltzmann.sampled import SampledEnergy
from qmlmat.solvers.boltzmann.space import ElectronSpace, ModelSpace, space_of
from qmlmat.solvers.boltzmann.words import Words

IMPROBABLE = 1e-4  # chance of a chi-square this large; seeds are fixed
ONCE = Metropolis(n_samples=4000, n_chains=4000, burn_in=100)
"""One draw of each chain: all are independent."""


def space(h, **how):
    return space_of(h, **({"mapping": "jordan_wigner", "reduced": False, "tapered": False} | how))


def chains(one, settings=ONCE, seed=1):
    return Chains(settings, one, Words(one.terms), np.random.default_rng(seed))


def machine_with(params, n, m, node):
    machine = BoltzmannMachine(n, m, node)
    machine.set_params(params)
    return machine


def improbability(sample, masks, chances):
    """Chance of counts this far from what is expected."""
    place = np.searchsorted(masks, sample.masks)
    counts = np.zeros(len(masks))
    counts[place] = sample.blocks.mean(axis=0) * sample.n_draws
    expected = sample.n_draws * chances
    common = expected > 5
    statistic = ((counts - expected) ** 2 / expected)[common].sum()
    return chi2.sf(statistic, common.sum() - 1)


@pytest.mark.parametrize("node", NODES)
def test_chains_are_distributed_as_the_squared_amplitudes(node):
    """Chi-square of one draw of each of 4,000 chains, three qubits."""
    one = space(qm.QubitHamiltonian(terms=matrix_pauli_sum(random_hermitian(3, seed=1))))
    params = random_params(3, 2, node, seed=2, scale=0.4)
    sample = chains(one).draw(machine_with(params, 3, 2, node), 4000)
    chances = np.abs(unit_state(params, 3, 2)) ** 2
    place = reversed_bits(one.masks, 3).astype(int)
    assert improbability(sample, one.masks, chances[place]) > IMPROBABLE
    assert 0.1 < sample.acceptance < 1.0


@pytest.mark.parametrize("words", [{"XX": 1.0, "YY": 1.0, "ZZ": 1.0}, {"ZZ": 1.0, "ZI": 0.3}])
def test_configurations_that_no_word_leads_to_are_reached_too(words):
    """A Heisenberg pair keeps its magnetisation, ZZ everything: the machine's state need not."""
    one = space(qm.QubitHamiltonian(terms=qm.PauliSum.from_words(words)))
    params = random_params(2, 2, "tanh", seed=3, scale=0.6)
    sample = chains(one).draw(machine_with(params, 2, 2, "tanh"), 4000)
    chances = np.abs(unit_state(params, 2, 2)) ** 2
    assert improbability(sample, one.masks, chances[[0, 2, 1, 3]]) > IMPROBABLE


@pytest.mark.parametrize("how", [{}, {"mapping": "parity", "reduced": True}, {"tapered": True}])
def test_chains_visit_the_molecules_electrons_only(how):
    """LiH: no other configuration, and the right share of each that the moves reach."""
    one = space(lithium_hydride(), **how)
    n = one.n_qubits
    machine = machine_with(random_params(n, 2, "tanh", seed=5, scale=0.2), n, 2, "tanh")
    sample = chains(one).draw(machine, 4000)
    assert one.is_allowed(sample.masks).all()
    chances = np.abs(machine.amplitudes(one.spins(one.masks)).values) ** 2
    assert improbability(sample, one.masks, chances / chances.sum()) > IMPROBABLE


def test_a_chain_leaves_a_configuration_without_amplitude():
    """Hartree-Fock, where all begin, has none here: they go on at the first allowed move."""
    one = space(lithium_hydride(), tapered=True)
    machine = BoltzmannMachine(4, 1, "tanh")
    start = one.spins(one.starts(1, np.random.default_rng(1)))[0]
    # a node c + d.s that vanishes at the start alone
    machine.set_params(np.concatenate([np.zeros(9), [-4.0], start]))
    assert machine.log_amplitudes(start[None])[0] == -np.inf
    sample = chains(one).draw(machine, 4000)
    assert one.starts(1, np.random.default_rng(1))[0] not in sample.masks


def test_the_same_seed_draws_the_same():
    """And chains go on where they were: the next draws are others."""
    one = space(ising(), mapping="jordan_wigner")
    machine = machine_with(random_params(3, 2, "tanh", seed=1), 3, 2, "tanh")
    settings = Metropolis(n_samples=400, n_chains=20)
    first, same, other = (chains(one, settings, seed) for seed in (1, 1, 2))
    one_draw, again = first.draw(machine, 400), first.draw(machine, 400)
    same_draw, other_draw = same.draw(machine, 400), other.draw(machine, 400)
    assert np.array_equal(one_draw.blocks, same_draw.blocks)
    assert not np.array_equal(one_draw.blocks, again.blocks)
    assert not np.array_equal(one_draw.blocks, other_draw.blocks)
    assert one_draw.n_draws == 400
    assert np.allclose(one_draw.blocks.sum(axis=1), 1.0, atol=1e-14)


@pytest.mark.slow
def test_error_bars_of_chains_are_their_scatter():
    """100 seeds: the mean bar is the standard deviation, most bars cover the exact energy."""
    one = space(ising(3, field=0.7))
    machine = BoltzmannMachine(3, 2, "tanh")
    params = random_params(3, 2, "tanh", seed=4, scale=0.3)
    exact = EnumeratedEnergy(machine, one, one.terms).at(params).energy
    settings = Metropolis(n_samples=400, n_chains=40, burn_in=30)
    found = []
    for seed in range(100):
        draw = chains(one, settings, seed).draw
        found.append(SampledEnergy(machine, one, one.terms, draw, 400).measured(params)[:2])
    values, errors = np.array(found).T
    assert 0.75 < np.sqrt((errors**2).mean()) / values.std(ddof=1) < 1.33
    assert 0.5 < (np.abs(values - exact) < errors).mean() < 0.85
    assert abs(values.mean() - exact) < 4 * values.std(ddof=1) / 10


def test_twenty_qubits_need_no_enumeration(monkeypatch):
    """An Ising chain of 20 spins: no table of its million configurations is made."""

    def never(_):
        raise AssertionError("the configurations were enumerated")

    monkeypatch.setattr(ModelSpace, "masks", property(never))
    h = ising(20, field=0.7)
    rbm = qm.RBM(
        n_hidden=2,
        sign_node="none",
        sampler=Metropolis(n_samples=200, n_chains=100, burn_in=20),
        n_starts=1,
        max_iterations=10,
    )
    found = qm.solve(h, rbm, seed=1)
    assert found.reference_energy is None
    assert -25.5 < found.energy < -20 * 0.7 + 2.0  # between exact and the field's own state
    assert found.stderr[0] > 0


@pytest.mark.slow
def test_a_chain_of_ten_hydrogen_atoms_needs_no_enumeration(monkeypatch):
    """63,504 determinants on 20 qubits: a step of the search and an energy, from chains alone."""

    def never(_):
        raise AssertionError("the determinants were enumerated")

    monkeypatch.setattr(ElectronSpace, "_determinants", property(never))
    h = hamiltonian("; ".join(f"H 0 0 {k}" for k in range(10)))
    rbm = qm.RBM(
        n_hidden=1,
        sampler=Metropolis(n_samples=40, n_chains=20, burn_in=5),
        n_starts=1,
        max_iterations=1,
    )
    found = qm.solve(h, rbm, seed=1)
    assert found.stderr[0] > 0
    assert found.states is None


@pytest.mark.slow
def test_a_search_by_chains_finds_the_ground_state():
    """An Ising ring of three: within error bars and a thousandth of the spectrum."""
    h = ising(3, field=0.7)
    found = qm.solve(h, qm.RBM(sampler=Metropolis(), n_starts=1), seed=2)
    assert abs(found.error) < 5 * found.stderr[0] + 5e-3


@pytest.mark.parametrize(
    "optimizer",
    [
        partial(NaturalGradient, step_control=False, lr=0.05, max_step=0.2),
        partial(torch.optim.Adam, lr=0.05),
    ],
    ids=["natural", "Adam"],
)
def test_other_optimisers_search_by_chains_too(optimizer):
    """Whatever needs no exact energies."""
    sampler = Metropolis(n_samples=200, n_chains=40)
    rbm = qm.RBM(n_hidden=1, sampler=sampler, n_starts=1, max_iterations=5, optimizer=optimizer)
    assert len(qm.solve(ising(2), rbm, seed=1).history) == 5


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"n_samples": 0}, "at least 1"),
        ({"thinning": 1.5}, "whole number of at least 1"),
        ({"burn_in": -1}, "at least 0"),
        ({"n_chains": 30}, "multiple of 20"),
        ({"n_samples": 100, "n_chains": 200}, "at least as many samples"),
    ],
    ids=str,
)
def test_unusable_settings_are_refused(settings, remedy):
    """By what is asked for instead."""
    with pytest.raises(InputError, match=remedy):
        Metropolis(**settings)
