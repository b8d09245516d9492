"""Tight-binding models: H(k) is the sum it claims to be, and what is no crystal is refused."""

import pickle

import numpy as np
import pytest

from qmlmat.errors import InputError
from qmlmat.provenance import canonical_json
from qmlmat.systems import TightBindingModel

RNG = np.random.default_rng(7)
CELL = np.array([[2.0, 0.1, 0.0], [-0.7, 3.0, 0.2], [0.3, 0.0, 5.0]])
HOME, RIGHT, UP = (0, 0, 0), (1, 0, 0), (0, -1, 2)


def _crystal(**changes):
    """Two orbitals with random hoppings to two pairs of cells."""
    rng = np.random.default_rng(3)
    a, b, c = rng.standard_normal((3, 2, 2)) + 1j * rng.standard_normal((3, 2, 2))
    values = {
        "name": "random",
        "cell": CELL,
        "translations": [HOME, RIGHT, (-1, 0, 0), UP, (0, 1, -2)],
        "hoppings": [a + a.conj().T, b, b.conj().T, c, c.conj().T],
        "orbitals": ("s", "p"),
        "special_points": {"G": (0, 0, 0), "M1": (0.5, 0, 0), "Xa": (0.1, 0.2, 0.3)},
    }
    return TightBindingModel(**(values | changes))


def _spinful(coupling=0.0):
    """Up orbitals 0 and 2, down orbital 1."""
    matrix = np.diag([1.0, 2.0, 4.0]).astype(complex)
    matrix[0, 2] = matrix[2, 0] = 0.5
    matrix[0, 1] = matrix[1, 0] = coupling
    return TightBindingModel(
        name="spins",
        cell=np.eye(3),
        translations=[HOME],
        hoppings=[matrix],
        orbitals=("s up", "s down", "p up"),
        spin_blocks={"up": (0, 2), "down": (1,)},
        n_occupied=1,
    )


def test_the_matrix_is_the_sum_over_cells():
    """Term by term, in a loop."""
    crystal, k = _crystal(), RNG.uniform(-1, 1, 3)
    total = np.zeros((2, 2), dtype=complex)
    for cell, hopping in zip(crystal.translations, crystal.hoppings, strict=True):
        total += np.exp(2j * np.pi * (k @ cell)) * hopping
    np.testing.assert_allclose(crystal.matrix(k), total, rtol=0, atol=1e-14)


def test_every_matrix_is_hermitian_and_periodic():
    """H(k) = H(k)^H, and a reciprocal lattice vector changes nothing."""
    crystal, k = _crystal(), RNG.uniform(-1, 1, (20, 3))
    matrices = crystal.matrix(k)
    np.testing.assert_allclose(matrices, matrices.conj().swapaxes(-1, -2), rtol=0, atol=1e-14)
    shifted = crystal.matrix(k + np.array([1, -2, 3]))
    np.testing.assert_allclose(shifted, matrices, rtol=0, atol=1e-12)


def test_batched_momenta_give_what_single_ones_do():
    """Any leading axes; two numbers are a momentum in the plane."""
    crystal, k = _crystal(), RNG.uniform(-1, 1, (4, 5, 3))
    bands = crystal.bands(k)
    assert crystal.matrix(k).shape == (4, 5, 2, 2)
    np.testing.assert_allclose(bands[2, 3], crystal.at(k[2, 3]).levels, rtol=0, atol=1e-13)
    np.testing.assert_array_equal(crystal.bands([0.1, 0.2]), crystal.bands([0.1, 0.2, 0.0]))


def test_a_hamiltonian_knows_where_and_of_what_it_is():
    """Its momentum, unit, orbitals and padding, by name or by numbers."""
    crystal = _crystal()
    hamiltonian = crystal.at("Xa", padding=50.0)
    assert hamiltonian.k == (0.1, 0.2, 0.3)
    assert (hamiltonian.unit, hamiltonian.padding) == ("eV", 50.0)
    assert (hamiltonian.orbitals, hamiltonian.spin) == (("s", "p"), None)
    np.testing.assert_array_equal(crystal.at((0.1, 0.2, 0.3)).matrix, hamiltonian.matrix)
    assert crystal.at([0.5, 0.25]).k == (0.5, 0.25, 0.0)


def test_spin_blocks_are_the_whole_model_in_parts():
    """The levels of both blocks together are all levels."""
    model = _spinful()
    up, down = model.at((0, 0, 0), spin="up"), model.at((0, 0, 0), spin="down")
    assert (up.orbitals, up.spin) == (("s up", "p up"), "up")
    together = np.sort(np.concatenate([up.levels, down.levels]))
    np.testing.assert_allclose(together, model.bands([0, 0, 0]), rtol=0, atol=1e-13)
    np.testing.assert_array_equal(model.bands([0, 0, 0], spin="down"), [2.0])


def test_cartesian_momenta_are_turned_into_fractions():
    """The rows of 2 pi inv(cell).T are the reciprocal vectors, and those are 1, 0, 0 and so on."""
    crystal, k = _crystal(), RNG.uniform(-1, 1, (6, 3))
    reciprocal = 2 * np.pi * np.linalg.inv(CELL).T
    np.testing.assert_allclose(crystal.fractional(reciprocal), np.eye(3), rtol=0, atol=1e-14)
    np.testing.assert_allclose(crystal.fractional(k @ reciprocal), k, rtol=0, atol=1e-13)


def test_inputs_are_plain_and_tell_models_apart():
    """The order of the cells says nothing; one hopping does; names of momenta do not."""
    crystal = _crystal()
    text = canonical_json(crystal.inputs())
    order = [3, 0, 4, 2, 1]
    again = _crystal(
        translations=crystal.translations[order],
        hoppings=crystal.hoppings[order],
        special_points={},
    )
    assert canonical_json(again.inputs()) == text
    moved = crystal.hoppings.copy()
    moved[crystal.translations.tolist().index([0, 0, 0]), 0, 0] += 1e-9
    changed = _crystal(translations=crystal.translations, hoppings=moved)
    assert changed.inputs()["hoppings_hash"] != crystal.inputs()["hoppings_hash"]
    assert canonical_json(_spinful().inputs()) != text


def test_a_model_is_a_value():
    """Its arrays cannot be written to, are its own, and survive another process."""
    crystal = _crystal()
    for array in (crystal.cell, crystal.translations, crystal.hoppings):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    assert CELL.flags.writeable
    back = pickle.loads(pickle.dumps(crystal))
    assert back.inputs() == crystal.inputs()


def test_rounding_of_hoppings_is_no_skew():
    """A difference of 1e-12 eV from the adjoint is shared between both."""
    crystal = _crystal()
    hoppings = crystal.hoppings.copy()
    hoppings[0, 0, 1] += 1e-12
    again = _crystal(translations=crystal.translations, hoppings=hoppings)
    matrix = again.matrix([0.1, 0.2, 0.3])
    np.testing.assert_allclose(matrix, matrix.conj().T, rtol=0, atol=1e-14)


ONE = np.ones((1, 2, 2))


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"cell": np.eye(2)}, "Use 3 lattice vectors as rows"),
        ({"cell": np.full((3, 3), np.nan)}, "finite numbers"),
        ({"cell": [[1, 0, 0], [0, 1, 0], [1, 1, 0]]}, "span no volume.* across the vacuum"),
        ({"cell": np.zeros((3, 3))}, "span no volume"),
        ({"cell": "cubic"}, "the cell cannot be an array.* Use numbers"),
        ({"translations": [HOME, (1, 0)]}, "translations cannot be an array.* equal length"),
        ({"hoppings": "large"}, "hoppings cannot be an array.* Use numbers"),
        ({"cell_unit": "bohr"}, 'Use "angstrom" or "a"'),
        ({"orbitals": ()}, "n >= 1"),
        ({"orbitals": ("s",)}, "one matrix for each translation"),
        ({"translations": [HOME, RIGHT]}, "one matrix for each translation"),
        ({"translations": [HOME], "hoppings": np.inf * ONE}, "Remove the fractions, NaN"),
        ({"translations": [(0.5, 0, 0)], "hoppings": ONE}, "Remove the fractions, NaN"),
        ({"translations": [HOME, HOME], "hoppings": [ONE[0], ONE[0]]}, "Add the matrices"),
        ({"translations": [RIGHT], "hoppings": 3 * ONE}, r"R=\(1, 0, 0\).* by 3 eV.* both listed"),
        ({"translations": [HOME], "hoppings": [[[0, 1], [0.5, 0]]]}, "by 0.5 eV.* conjugate"),
        ({"spin_blocks": {"up": (0,)}}, "orbitals 0 to 1 in exactly one block"),
        ({"spin_blocks": {"up": (0,), "down": (0, 1)}}, "in exactly one block"),
        ({"spin_blocks": {"up": (0,), "down": (1,)}}, "coupled.* Use spin_blocks=None"),
        ({"special_points": {"G": (0, 0, 0, 0)}}, "3 for each momentum"),
        ({"special_points": {"G": [(0, 0, 0)]}}, "use one momentum"),
        ({"default_path": "GM2"}, 'holds "M2".*Did you mean "M1"'),
        ({"default_path": "G-M1"}, 'holds "-".*Known: G, M1, Xa'),
        ({"n_occupied": 0}, "Use 1 to 2"),
        ({"n_occupied": 3}, "or None"),
    ],
)
def test_what_is_no_crystal_is_refused(changes, remedy):
    with pytest.raises(InputError, match=remedy):
        _crystal(**changes)


@pytest.mark.parametrize(
    ("call", "remedy"),
    [
        (lambda model: model.at("K"), "Or give 3 fractional numbers"),
        (lambda model: model.at(("x", 0, 0)), "the momentum cannot be an array.* Use numbers"),
        (lambda model: model.at((0.1,)), "3 for each momentum, or 2"),
        (lambda model: model.at((0.1, np.nan, 0)), "use finite numbers"),
        (lambda model: model.at([(0, 0, 0)]), "use one momentum"),
        (lambda model: model.matrix(0.5), "3 for each momentum, or 2"),
        (lambda model: model.fractional(np.zeros((2, 4))), "3 for each momentum, or 2"),
        (lambda model: model.bands((0, 0, 0), spin="up"), "Use spin=None"),
        (lambda model: model.at((0, 0, 0), padding=0.0), "Use one well above"),
        (lambda _: _spinful().at((0, 0, 0), spin="upp"), 'Did you mean "up"'),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(call, remedy):
    with pytest.raises(InputError, match=remedy):
        call(_crystal())


def test_a_path_may_have_sections():
    """Commas separate them, as ASE writes paths."""
    assert _crystal(default_path="GXa,M1G").default_path == "GXa,M1G"
