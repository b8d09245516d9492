"""Content hashes ignore what does not matter and see everything that does."""

from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmlmat.provenance import (
    PACKAGES,
    canonical_json,
    content_hash,
    differences,
    provenance,
    versions,
)

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(TREES)
def test_a_tree_read_back_has_the_same_text_and_hash(tree):
    text = canonical_json(tree)
    assert canonical_json(json.loads(text)) == text
    assert content_hash(json.loads(text)) == content_hash(tree)


@given(st.dictionaries(st.text(max_size=6), LEAVES, max_size=6))
def test_the_order_of_keys_does_not_change_the_hash(tree):
    assert content_hash(dict(reversed(tree.items()))) == content_hash(tree)


def test_lists_and_tuples_are_the_same_content():
    assert content_hash({"nelec": (3, 2)}) == content_hash({"nelec": [3, 2]})


def test_the_last_digit_of_a_float_changes_the_hash():
    assert content_hash([1.1]) != content_hash([np.nextafter(1.1, 2.0).item()])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused(value):
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"length": value})


@pytest.mark.parametrize("value", [object(), np.zeros(2), {1, 2}])
def test_values_without_one_plain_text_are_refused(value):
    with pytest.raises(TypeError):
        canonical_json({"value": value})


def test_a_frozen_hash():
    """The hash of stored scans must not change between versions.

    Origin: ``printf '{"a":null,"b":[1,2.5]}' | sha256sum``.
    """
    expected = "e57f5d37865437a82e1108bafb4e5213dfe7e9085f5c253341ebbab30cac5faf"
    assert content_hash({"b": (1, 2.5), "a": None}) == expected


@given(TREES)
def test_equal_trees_have_no_differences(tree):
    assert differences(tree, json.loads(canonical_json(tree))) == []


@given(TREES, TREES)
def test_trees_with_other_hashes_have_a_named_difference(left, right):
    """A store is refused by its hash: there is then always something to name."""
    same = content_hash(left) == content_hash(right)
    assert (differences(left, right) == []) == same


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ({"basis": "sto-3g"}, {"basis": "cc-pvdz"}, ["basis: 'sto-3g' against 'cc-pvdz'"]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["a.b: 1 against 2"]),
        ({"a": 1}, {}, ["a: 1 against absent"]),
        ({}, {"a": None}, ["a: absent against None"]),
        ({"a": 1}, {"a": True}, ["a: 1 against True"]),
        ([1.0, 2.0], [1.0, 3.0], ["[1]: 2.0 against 3.0"]),
        ({"r": [1, 2]}, {"r": [1, 2, 3]}, ["r: 2 entries against 3 entries"]),
        ({"r": [1, 2]}, {"r": 1}, ["r: 2 entries against 1"]),
        ({"xyz": "H" * 90}, {"xyz": "He"}, ["xyz: '" + "H" * 56 + "... against 'He'"]),
    ],
)
def test_each_difference_is_named_with_its_place(left, right, expected):
    assert differences(left, right) == expected


def test_versions_name_what_computed_a_result():
    found = versions()
    assert set(found) == {"python", *PACKAGES}
    assert "unknown" not in found.values()


def test_a_package_that_is_not_installed_is_unknown_not_an_error(monkeypatch):
    monkeypatch.setattr("qmlmat.provenance.PACKAGES", ("no-such-distribution",))
    versions.cache_clear()
    try:
        assert versions()["no-such-distribution"] == "unknown"
    finally:
        versions.cache_clear()


def test_provenance_is_plain_values_with_the_time_in_utc():
    record = provenance(seed=7)
    assert record["seed"] == 7
    assert json.loads(canonical_json(record)) == record
    assert datetime.fromisoformat(record["time"]).utcoffset().total_seconds() == 0
