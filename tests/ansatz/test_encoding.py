"""Encodings: circuits some of whose angles take features, from files."""

import json

import numpy as np
import pytest
from dense_qubits import dense_state

from qmlmat._resources import data_dir
from qmlmat.ansatz.encoded_circuit import EncodedCircuit
from qmlmat.ansatz.encoding import Encoding
from qmlmat.ansatz.encoding_template import EncodingTemplate, load_encoding, read_encoding
from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.errors import InputError, TemplateError

NAMES = sorted(path.stem for path in (data_dir("circuits") / "encoding").glob("*.toml"))
DENSE = data_dir("circuits") / "encoding" / "reupload_dense.toml"


@pytest.mark.parametrize("name", NAMES)
def test_every_encoding_meets_its_own_checks(name):
    """The [[check]] tables state how many angles and factors a size has."""
    template = load_encoding(name)
    assert template.name == name
    for check in template.check:
        found = template.encoded_circuit(check.n_qubits, check.n_features, check.options)
        assert (found.circuit.n_params, found.n_scales) == (check.n_params, check.n_scales)


def test_the_published_schema_is_the_models_schema():
    """`circuits/encoding.schema.json` is generated, never edited."""
    published = json.loads((data_dir("circuits") / "encoding.schema.json").read_text("utf-8"))
    assert published == EncodingTemplate.model_json_schema(by_alias=True)


def test_a_zz_rotation_is_the_exponential_of_zz():
    """exp(-i theta/2 Z Z) turns |00>, |11> by -theta/2 and |01>, |10> by theta/2."""
    encoded = Encoding("morse_kernel", entangler="linear").circuit(2, 2)
    angles = np.zeros(9)  # two layers of rotations, each of Y before Z, around one phase
    angles[[0, 1, 4]] = np.pi / 2, np.pi / 2, 0.7
    state = dense_state(encoded.circuit, angles)
    signs = np.array([-1, 1, 1, -1])
    np.testing.assert_allclose(state, 0.5 * np.exp(0.35j * signs), atol=1e-14)


def test_a_dense_angle_takes_every_feature_and_an_own_angle_one():
    """The pattern says which features an angle depends on."""
    dense = Encoding("reupload_dense", layers=1).circuit(4, 3)
    np.testing.assert_array_equal(dense.pattern.sum(axis=1), [3] * 4 + [0] * 12)
    own = Encoding("morse_kernel", entangler="none").circuit(4, 3)
    np.testing.assert_array_equal(own.pattern.argmax(axis=1), [0, 1, 2, 0] * 4)


def test_without_entanglers_the_state_is_a_product():
    """Every qubit is pure."""
    encoded = Encoding("reupload_dense", entangler="none").circuit(3, 2)
    angles = np.random.default_rng(0).normal(size=encoded.circuit.n_params)
    state = dense_state(encoded.circuit, angles).reshape(2, 4)
    assert np.linalg.matrix_rank(state, tol=1e-12) == 1


def test_an_encoded_circuit_comes_back_from_plain_values():
    """JSON and back."""
    encoded = Encoding("reupload_dense", layers=2).circuit(3, 2)
    again = EncodedCircuit.from_dict(json.loads(json.dumps(encoded.to_dict())))
    assert again.circuit == encoded.circuit
    np.testing.assert_array_equal(again.pattern, encoded.pattern)


def test_damaged_plain_values_are_refused():
    """The message says what is expected."""
    with pytest.raises(InputError, match=r"Give what EncodedCircuit.to_dict\(\) wrote"):
        EncodedCircuit.from_dict({"circuit": {}})


def test_a_pattern_of_another_size_is_refused():
    """One row for each angle."""
    with pytest.raises(InputError, match="one row of features for each"):
        EncodedCircuit(QubitCircuit(2, ()), np.ones((3, 1)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"ry_features"', '"ry_featurs"', 'Did you mean "ry_features"'),
        ('"all_features"', '"links"', 'Use "all_features" or "own_feature"'),
        ('generator = "ry_features"\nwhere = "all_features"',
         'generator = "ry_rotations"\nwhere = "qubits"', "Add one, e.g. ry_features"),
        ('repeat = "layers"', 'repeat = "layer"', 'Did you mean "layers"'),
        ('kind = "encoding"', 'kind = "qubit"', "kind"),
        ('"zz_rotations"', '"rz_rotations"', 'Use "qubits"'),
    ],
)  # fmt: skip
def test_a_mistake_in_a_file_is_named_with_its_remedy(tmp_path, old, new, message):
    """Whatever is mistyped."""
    path = tmp_path / "reupload_dense.toml"
    path.write_text(DENSE.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(TemplateError, match=message):
        read_encoding(path)


def test_an_option_that_nothing_reads_is_refused(tmp_path):
    """It would do nothing."""
    path = tmp_path / "mine.toml"
    text = DENSE.read_text("utf-8").replace("zz_rotations", "rx_rotations")
    path.write_text(text.replace('where = "links"', 'where = "qubits"'), "utf-8")
    with pytest.raises(TemplateError, match="nothing in the template reads it"):
        read_encoding(path)


@pytest.mark.parametrize(
    ("name", "size", "options", "message"),
    [
        ("reupload_dens", (4, 3), {}, 'Did you mean "reupload_dense"'),
        ("reupload_dense", (4, 3), {"layer": 2}, 'Did you mean "layers"'),
        ("reupload_dense", (4, 3), {"layers": 0}, "at least 1"),
        ("reupload_dense", (0, 3), {}, "at least 1"),
        ("reupload_dense", (4, 2.5), {}, "whole number"),
        ("morse_kernel", (2, 3), {}, "at least 3 qubits"),
    ],
)
def test_a_wrong_call_is_answered_with_its_remedy(name, size, options, message):
    """Names, options, sizes."""
    with pytest.raises(TemplateError, match=message):
        Encoding(name, **options).circuit(*size)
