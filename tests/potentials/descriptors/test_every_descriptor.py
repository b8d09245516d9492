"""What every descriptor promises: invariances, derivatives, configurations, refusals."""

import json

import pytest
import torch
from descriptors import DESCRIPTORS, cloud
from scipy.spatial.transform import Rotation
from torch.autograd import gradcheck, gradgradcheck

from qmlmat.errors import InputError
from qmlmat.potentials.descriptors import (
    BehlerParrinello,
    CoulombMatrix,
    Descriptor,
    Distances,
    Symmetrised,
    permutations,
)

EXACT = 1e-10  # float64, features of order 1 to 100

every = pytest.mark.parametrize("descriptor", DESCRIPTORS.values(), ids=DESCRIPTORS.keys())


@every
@pytest.mark.parametrize("seed", [0, 1])
def test_place_and_axes_do_not_matter(descriptor, seed):
    """Rigid motion changes no feature."""
    x = cloud(descriptor.n_atoms, seed=seed)
    turn = torch.from_numpy(Rotation.random(random_state=seed).as_matrix())
    moved = x @ turn.T + torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)
    torch.testing.assert_close(descriptor(moved), descriptor(x), atol=EXACT, rtol=0)


@every
def test_exchanging_equal_atoms_does_what_the_descriptor_says(descriptor):
    """``feature_order`` is where features come from; rows of atoms move with the atoms."""
    x = cloud(descriptor.n_atoms)
    before = descriptor(x)
    for order in permutations(descriptor.symbols).tolist():
        source = descriptor.feature_order(order)
        if source is None:
            continue
        expected = before[:, order] if descriptor.atomwise else before
        torch.testing.assert_close(
            descriptor(x[:, order]), expected[..., list(source)], atol=EXACT, rtol=0
        )


@every
def test_invariance_is_claimed_exactly_where_it_holds(descriptor):
    """``permutation_invariant`` is true if, and only if, no exchange changes any feature."""
    x = cloud(descriptor.n_atoms)
    changes = [
        float((descriptor(x[:, order]) - descriptor(x)).detach().abs().max())
        for order in permutations(descriptor.symbols).tolist()
    ]
    assert descriptor.permutation_invariant == (max(changes) < EXACT)


@pytest.mark.parametrize("symbols", [("H", "H"), ("Li", "H"), ("O", "C", "S")])
def test_molecules_without_exchangeable_pairs_are_invariant_by_themselves(symbols):
    """Exchanging the atoms of H2 leaves its one distance."""
    assert Distances(symbols).permutation_invariant
    assert Distances(symbols).feature_permutations().tolist() == [
        list(range(len(symbols) * (len(symbols) - 1) // 2))
    ]


@every
def test_derivatives_are_those_of_finite_differences(descriptor):
    """First and second derivatives, away from points where a form is not smooth."""
    x = cloud(descriptor.n_atoms, 1, seed=5).requires_grad_()
    assert gradcheck(descriptor, x, fast_mode=True)
    assert gradgradcheck(descriptor, x, fast_mode=True)


@every
def test_straight_and_symmetric_molecules_have_finite_derivatives(descriptor):
    """No NaN, first or second, where angles are 180 degrees and distances are equal."""
    line = torch.arange(descriptor.n_atoms, dtype=torch.float64)[:, None]
    straight = line * torch.tensor([[0.3, -0.9, 0.5]], dtype=torch.float64)
    corners = torch.tensor(
        [[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=torch.float64
    )[: descriptor.n_atoms]
    x = torch.stack([straight, 0.6 * corners]).requires_grad_()
    (first,) = torch.autograd.grad((descriptor(x) ** 2).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad((first**2).sum(), x)
    assert torch.isfinite(first).all()
    assert torch.isfinite(second).all()


@every
def test_a_batch_is_its_members(descriptor):
    """Geometries of a batch know nothing of each other; an empty batch has no rows."""
    x = cloud(descriptor.n_atoms)
    together = descriptor(x)
    torch.testing.assert_close(together, torch.cat([descriptor(one[None]) for one in x]))
    assert descriptor(x[:0]).shape == (0, *together.shape[1:])


@every
def test_features_are_as_many_as_their_names(descriptor):
    """Names are distinct, one per feature."""
    features = descriptor(cloud(descriptor.n_atoms))
    assert features.shape[-1] == descriptor.n_features == len(set(descriptor.names))
    assert features.ndim == (3 if descriptor.atomwise else 2)


@every
def test_single_precision_agrees_with_double(descriptor):
    """The precision is that of the positions."""
    x = cloud(descriptor.n_atoms)
    single = descriptor(x.to(torch.float32))
    assert single.dtype == torch.float32
    # 1e-4: rounding of float32, times features of up to 70 hartree
    torch.testing.assert_close(single.double(), descriptor(x), atol=1e-4, rtol=1e-4)


@every
def test_a_configuration_builds_the_same_descriptor(descriptor):
    """Through JSON, without anything else; nothing is stored with the weights."""
    again = Descriptor.from_config(json.loads(json.dumps(descriptor.config())))
    x = cloud(descriptor.n_atoms)
    assert type(again) is type(descriptor)
    assert again.names == descriptor.names
    assert torch.equal(again(x), descriptor(x))
    assert dict(descriptor.state_dict()) == {}


@every
@pytest.mark.parametrize("shape", [(4, 7, 3), (4, 3), (2, 4, 2)])
def test_positions_of_another_shape_are_refused(descriptor, shape):
    with pytest.raises(InputError, match=r"Put one geometry as positions\[None\]"):
        descriptor(torch.zeros(shape))


@every
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_positions_that_are_not_finite_are_refused(descriptor, value):
    x = cloud(descriptor.n_atoms)
    x[1, 0, 2] = value
    with pytest.raises(InputError, match="Remove such geometries"):
        descriptor(x)


def test_whole_numbers_are_refused():
    with pytest.raises(InputError, match=r"to\(torch.float64\)"):
        Distances("HH")(torch.zeros(1, 2, 3, dtype=torch.int64))


@pytest.mark.parametrize("kind", [Distances, CoulombMatrix, BehlerParrinello])
def test_one_atom_is_refused(kind):
    with pytest.raises(InputError, match="Give two atoms or more"):
        kind(("He",))


@pytest.mark.parametrize("kind", [Distances, CoulombMatrix, BehlerParrinello])
def test_unknown_elements_are_refused(kind):
    with pytest.raises(InputError, match=r'"Xx" is no element\. Give one symbol'):
        kind(("H", "Xx"))


@pytest.mark.parametrize(
    ("config", "remedy"),
    [
        ({"kind": "Distance", "symbols": ["H", "H"]}, 'Did you mean "Distances"'),
        ({"kind": "Distances", "symbols": ["H", "H"], "power": 2}, "what its config"),
        ({"kind": "InternalCoordinates", "symbols": ["H", "H"]}, "what its config"),
        ({"symbols": ["H", "H"]}, "Known: "),
        (
            {**Symmetrised(Distances(("H", "H"))).config(), "symbols": ["O", "H"]},
            "Give both the same symbols",
        ),
    ],
)
def test_configurations_that_name_nothing_known_are_refused(config, remedy):
    with pytest.raises(InputError, match=remedy):
        Descriptor.from_config(config)
