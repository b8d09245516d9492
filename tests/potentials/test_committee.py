"""Committees: the mean of the members predicts, their spread is the error bar."""

import pytest
import torch
from learnt import Polynomial, hydrogen_data

from qmlmat.errors import InputError
from qmlmat.potentials.committee import Committee
from qmlmat.potentials.descriptors import Distances
from qmlmat.potentials.networks.perceptron import Perceptron
from qmlmat.potentials.registry import built, described
from qmlmat.potentials.regression import NetworkPotential
from qmlmat.potentials.training import Training, fit

H2 = ("H", "H")


def _networks(n):
    return [
        NetworkPotential(Distances(H2), Perceptron(1, (3,), seed=seed), n_states=1)
        for seed in range(n)
    ]


def test_the_mean_predicts_and_the_spread_is_the_error_bar():
    """Against the members' own energies."""
    data = hydrogen_data(8)
    members = [Polynomial(degree) for degree in (1, 2, 3)]
    for member in members:
        fit(member, data, training=Training(n_adam=0, n_lbfgs=1, validation_fraction=0.0))
    committee = Committee(members)
    positions = torch.tensor(data.positions)
    single = torch.stack([member(positions) for member in members])
    torch.testing.assert_close(committee(positions), single.mean(dim=0))
    torch.testing.assert_close(committee.stderr(positions), single.std(dim=0))


def test_its_domain_is_that_of_all_members_together():
    """They may have set different points aside."""
    members = _networks(2)
    members[0].prepare(hydrogen_data(10, low=0.5, high=1.0))
    members[1].prepare(hydrogen_data(10, low=2.0, high=3.0))
    committee = Committee(members)
    low, high = (float(x) for x in (committee.domain.low, committee.domain.high))
    assert low < 1.0
    assert high > 2.0


def test_it_is_trained_as_a_whole_too():
    """Its objective is the mean of the members', whose weights all move."""
    committee = Committee(_networks(2))
    before = [p.detach().clone() for p in committee.parameters()]
    fit(
        committee,
        hydrogen_data(12),
        training=Training(n_adam=3, n_lbfgs=0, validation_fraction=0.0),
    )
    assert all(not torch.equal(a, b) for a, b in zip(before, committee.parameters(), strict=True))


def test_it_is_built_again_from_its_settings():
    """The numbers come from the state."""
    committee = Committee(_networks(3))
    again = built(described(committee))
    again.load_state_dict(committee.state_dict())
    positions = torch.tensor(hydrogen_data(4).positions)
    torch.testing.assert_close(again(positions), committee(positions))


def test_one_model_is_no_committee():
    """Nor are models of different molecules."""
    with pytest.raises(InputError, match="two models or more"):
        Committee(_networks(1))
    with pytest.raises(InputError, match="same atoms"):
        Committee([Polynomial(), Polynomial(symbols=("Li", "H"))])


def test_it_sets_points_aside_and_looks_at_what_its_members_do():
    """Gaussian processes need no points aside; a Hamiltonian seen by one member is seen."""

    class Knowing(Polynomial):
        information = "hamiltonian"
        holds_out = False

    assert Committee([Polynomial(1), Polynomial(2)]).holds_out
    assert not Committee([Knowing(1), Knowing(2)]).holds_out
    assert Committee([Polynomial(1), Knowing(2)]).information == "hamiltonian"
