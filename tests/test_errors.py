"""The errors: one base to catch them all, the built-in each refines, and hints that help."""

from __future__ import annotations

import inspect
import warnings

import pytest

from qmlmat import errors
from qmlmat.errors import QmlmatError, QmlmatWarning, VariationalError, nearest

ERRORS = [
    value
    for _, value in inspect.getmembers(errors, inspect.isclass)
    if issubclass(value, Exception) and not issubclass(value, Warning)
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_one_except_clause_catches_every_error(error):
    with pytest.raises(QmlmatError, match="what to do"):
        raise error("what to do")


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.InputError, ValueError),
        (errors.GeometryError, ValueError),
        (errors.BasisError, ValueError),
        (errors.ActiveSpaceError, ValueError),
        (errors.TemplateError, ValueError),
        (errors.ConfigError, ValueError),
        (errors.CapabilityError, TypeError),
        (errors.MeanFieldError, RuntimeError),
        (errors.VariationalError, RuntimeError),
        (errors.StoreError, RuntimeError),
        (errors.MissingExtraError, ImportError),
    ],
)
def test_an_error_is_also_the_builtin_it_refines(error, builtin):
    assert issubclass(error, builtin)


def test_a_store_of_other_inputs_is_a_store_error():
    assert issubclass(errors.StoreMismatchError, errors.StoreError)


def test_a_broken_variational_principle_keeps_what_was_computed():
    error = VariationalError("energy below exact", solution={"energy": -1.0})
    assert error.solution == {"energy": -1.0}
    assert str(error) == "energy below exact"


def test_warnings_of_the_package_can_be_filtered_as_one():
    with pytest.warns(QmlmatWarning, match="degenerate"):
        warnings.warn("degenerate shell", QmlmatWarning, stacklevel=1)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("uccds", "uccsd"), ("UCCSD", None), ("basiss", "basis"), ("spn", "spin")],
)
def test_a_typing_mistake_is_answered_with_the_nearest_word(typed, meant):
    known = ["uccsd", "uccgsd", "basis", "spin", "positions"]
    hint = nearest(typed, known)
    if meant is None:
        assert all(word in hint for word in known), "nothing is near: all known words are listed"
    else:
        assert hint == f'Did you mean "{meant}"?'


def test_an_unrelated_word_is_answered_with_all_known_words():
    assert nearest("zzz", ["b", "a"]) == "Known: a, b."


def test_no_known_words_is_said():
    assert nearest("anything", []) == "None are known."
