"""Symmetry functions against hand calculation."""

import itertools
import math

import numpy as np
import pytest
import torch
from descriptors import HYDRONIUM, WATER, cloud

from qmlmat.errors import InputError
from qmlmat.potentials.descriptors import (
    Angular,
    BehlerParrinello,
    Radial,
    angular_grid,
    radial_grid,
)

CUTOFF = 4.0


def _fade(length):
    return 0.5 * (math.cos(math.pi * length / CUTOFF) + 1) if length < CUTOFF else 0.0


def test_a_dimer_by_hand():
    """HF, 2 Å apart, cutoff 4 Å: the cutoff function is one half."""
    descriptor = BehlerParrinello("HF", CUTOFF, [Radial(width=0.7, centre=1.0)])
    values = descriptor(torch.tensor([[[0.0, 0, 0], [0, 0, 2]]], dtype=torch.float64))
    own = 0.5 * math.exp(-0.7)
    assert descriptor.names == ("G2 H 0", "G2 F 0")  # no third atom, no angle
    np.testing.assert_allclose(values[0], [[0.0, own], [own, 0.0]], atol=1e-14)


@pytest.mark.parametrize("third_side", [True, False])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("zeta", [1, 3])
def test_a_trimer_by_hand(third_side, sign, zeta):
    """A right angle at oxygen, sides 3, 4 and 5 in units of 0.5 Å."""
    x = torch.tensor([[[0.0, 0, 0], [1.5, 0, 0], [0, 2, 0]]], dtype=torch.float64)
    function = Angular(width=0.1, zeta=zeta, sign=sign, third_side=third_side)
    descriptor = BehlerParrinello(WATER, CUTOFF, radial=[], angular=[function])
    sides = 1.5**2 + 2.0**2 + (2.5**2 if third_side else 0.0)
    at_oxygen = 2.0 ** (1 - zeta) * math.exp(-0.1 * sides) * _fade(1.5) * _fade(2.0)
    at_oxygen *= _fade(2.5) if third_side else 1.0
    sides = 1.5**2 + 2.5**2 + (2.0**2 if third_side else 0.0)
    at_first = 2.0 ** (1 - zeta) * (1 + sign * 0.6) ** zeta * math.exp(-0.1 * sides)
    at_first *= _fade(1.5) * _fade(2.5) * (_fade(2.0) if third_side else 1.0)
    values = descriptor(x)[0]
    assert descriptor.names == (("G4" if third_side else "G5") + " HH 0",
                                ("G4" if third_side else "G5") + " HO 0")  # fmt: skip
    np.testing.assert_allclose(values[0], [at_oxygen, 0.0], atol=1e-14)
    np.testing.assert_allclose(values[1], [0.0, at_first], atol=1e-14)


def test_default_grids_agree_with_loops_over_atoms():
    """Vectors, loops and dictionaries instead of index tables."""
    descriptor = BehlerParrinello(HYDRONIUM, CUTOFF)
    x = cloud(4)
    np.testing.assert_allclose(
        descriptor(x).numpy(), [_slow(HYDRONIUM, one, descriptor) for one in x.numpy()], atol=1e-12
    )


def _slow(symbols, positions, descriptor):
    rows = []
    for i, here in enumerate(positions):
        found = dict.fromkeys(descriptor.names, 0.0)
        others = [j for j in range(len(symbols)) if j != i]
        for j in others:
            length = np.linalg.norm(positions[j] - here)
            for k, f in enumerate(radial_grid(CUTOFF)):
                found[f"G2 {symbols[j]} {k}"] += math.exp(
                    -f.width * (length - f.centre) ** 2
                ) * _fade(length)
        for j, k in itertools.combinations(others, 2):
            u, v = positions[j] - here, positions[k] - here
            sides = [np.linalg.norm(u), np.linalg.norm(v), np.linalg.norm(u - v)]
            cosine = u @ v / sides[0] / sides[1]
            kind = "".join(sorted((symbols[j], symbols[k])))  # H before O in both orders
            for m, f in enumerate(angular_grid(CUTOFF)):
                found[f"G4 {kind} {m}"] += (
                    2.0 ** (1 - f.zeta)
                    * (1 + f.sign * cosine) ** f.zeta
                    * math.exp(-f.width * sum(s**2 for s in sides))
                    * math.prod(map(_fade, sides))
                )
        rows.append([found[name] for name in descriptor.names])
    return np.array(rows)


def test_atoms_beyond_the_cutoff_are_not_seen():
    """Two distant molecules have the features of each alone: energies of sums are additive."""
    near, far = cloud(3), cloud(3, seed=1)
    both = torch.cat([near, far + 50.0], dim=1)
    alone = BehlerParrinello(WATER)
    together = BehlerParrinello(WATER * 2)
    columns = [together.names.index(name) for name in alone.names]
    expected = torch.cat([alone(near), alone(far)], dim=1)
    values = together(both)
    torch.testing.assert_close(values[..., columns], expected)
    rest = [k for k in range(together.n_features) if k not in columns]
    assert values[..., rest].abs().max() == 0.0


def test_functions_and_slopes_vanish_at_the_cutoff():
    """Neither jumps when an atom leaves."""
    descriptor = BehlerParrinello("HH", CUTOFF, [Radial(width=0.01)], [])
    length = torch.tensor([CUTOFF - 1e-6], dtype=torch.float64, requires_grad=True)
    along = torch.tensor([[0.0, 0, 0], [0, 0, 1]], dtype=torch.float64)
    value = descriptor(length[:, None, None] * along)[0, 0, 0]
    (slope,) = torch.autograd.grad(value, length)
    assert 0 < float(value.detach()) < 1e-11
    assert abs(float(slope)) < 1e-5


@pytest.mark.parametrize(
    ("make", "remedy"),
    [
        (lambda: BehlerParrinello(WATER, radial=[], angular=[]), "Give at least one function"),
        (lambda: BehlerParrinello(WATER, cutoff=-1.0), "give a finite number above"),
        (lambda: radial_grid(0.5), "give a finite number above 0.7"),
        (lambda: angular_grid(0.0), "give a finite number above 0"),
        (lambda: Radial(width=0.0), "give a finite number above 0"),
        (lambda: Radial(width=1.0, centre=math.nan), "give a finite number"),
        (lambda: Angular(width=-0.1, zeta=1, sign=1), "give a finite number above 0"),
        (lambda: Angular(width=0.1, zeta=1.5, sign=1), "Give a whole number of at least 1"),
        (lambda: Angular(width=0.1, zeta=1, sign=0), "Give 1 or -1"),
    ],
)
def test_functions_that_are_none_are_refused(make, remedy):
    with pytest.raises(InputError, match=remedy):
        make()
