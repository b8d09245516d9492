"""States as plain values: the same to the last bit, and only where they are of use."""

import json

import numpy as np
import pytest
import several

from qmlmat.surfaces import PointResult, states
from qmlmat.surfaces.states import is_kept, not_kept_notes, packed_states, unpacked_states


@pytest.mark.parametrize("kind", [np.float64, np.complex128])
def test_states_come_back_to_the_last_bit(kind):
    """Through JSON, read-only."""
    rng = np.random.default_rng(1)
    made = [rng.standard_normal((3, 2)).astype(kind) for _ in range(3)]
    made[0][0, 0] = 5e-324  # the smallest number there is
    back = unpacked_states(json.loads(json.dumps(packed_states(made))))
    assert len(back) == 3
    for one, other in zip(made, back, strict=True):
        np.testing.assert_array_equal(one, other)
        assert other.dtype == kind
        assert not other.flags.writeable


def test_one_state_is_not_kept():
    """Nothing is followed by it."""
    assert packed_states([np.eye(2)]) is None
    assert packed_states(None) is None
    assert unpacked_states(None) is None
    assert not_kept_notes([np.eye(2)]) == not_kept_notes(None) == ()


def test_points_keep_several_states():
    """``to_dict`` and back."""
    result = several.water().results[0]
    back = PointResult.from_dict(json.loads(json.dumps(result.to_dict())))
    for one, other in zip(result.solution.states, back.solution.states, strict=True):
        np.testing.assert_array_equal(one, other)


def test_states_that_are_too_large_are_left_out_and_that_is_said(monkeypatch):
    """At every point, with what to do; the curves are not followed once they are gone."""
    monkeypatch.setattr(states, "LARGEST_STORED", 1000)
    scan = several.water()
    result = scan.results[0]
    assert not is_kept(result.solution.states)
    assert "Take fewer states or a smaller active space" in " ".join(result.notes)
    assert "states" not in result.to_dict()
    assert PointResult.from_dict(result.to_dict()).solution.states is None
