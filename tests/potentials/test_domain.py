"""The domain: ranges of distances in which a model was trained."""

import numpy as np
import pytest
import torch

from qmlmat.potentials.domain import Domain

SYMBOLS = ("O", "H", "H")


def bent(first, second, angle=1.8):
    """Water with two bond lengths (Å) and an angle (radians)."""
    return [[0, 0, 0], [first, 0, 0], [second * np.cos(angle), second * np.sin(angle), 0]]


def trained():
    """Bonds from 0.9 to 1.1 Å."""
    domain = Domain(SYMBOLS)
    domain.prepare(torch.tensor([bent(0.9, 1.0), bent(1.0, 1.1), bent(0.95, 1.05)]))
    return domain


def test_inside_nothing_is_said():
    """Training points are inside."""
    point = torch.tensor([bent(0.95, 1.02)])
    assert trained().outside(point)[0] == 0
    assert not trained().describe(point[0])


def test_the_worst_distance_outside_is_named_with_its_range():
    """The user sees which bond, how long, and what was known."""
    text = trained().describe(torch.tensor(bent(0.95, 1.5)))
    assert "H-O (2) is 1.500 Å" in text
    assert "from 1.000 to 1.100 Å" in text


def test_equal_atoms_may_change_places():
    """Distances of a pair of elements are sorted."""
    point = torch.tensor([bent(0.8, 1.3)])
    swapped = point[:, [0, 2, 1]]
    assert trained().outside(point) == pytest.approx(0.2)
    assert trained().outside(point) == trained().outside(swapped)


def test_ranges_are_kept_in_the_models_state():
    """A loaded model knows its domain."""
    again = Domain(SYMBOLS)
    again.load_state_dict(trained().state_dict())
    assert again.ranges() == trained().ranges()
    assert again.ranges()["H-O (1)"] == pytest.approx((0.9, 1.0))


def test_an_untrained_model_has_no_domain():
    """Everything is outside."""
    assert torch.isinf(Domain(SYMBOLS).outside(torch.tensor([bent(1.0, 1.0)])))
