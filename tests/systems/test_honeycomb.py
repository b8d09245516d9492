"""Graphene and boron nitride: closed forms of two sites on a honeycomb."""

import numpy as np
import pytest

from qmlmat.systems import graphene, hexagonal_boron_nitride

RNG = np.random.default_rng(1)


def _neighbour_sum(model, k):
    """The sum of exp(i k.delta) over three neighbours at a / sqrt(3), by positions (angstrom)."""
    bond = model.cell[0, 0] / np.sqrt(3)
    angles = np.radians([90, 210, 330])  # one bond along y, as a1 is along x
    bonds = bond * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.exp(1j * k[:, :2] @ bonds.T).sum(axis=1)


@pytest.mark.parametrize("model", [graphene(), hexagonal_boron_nitride()], ids=lambda m: m.name)
def test_bands_are_the_closed_form_at_any_momentum(model):
    """E = mean -+ sqrt(half gap^2 + t^2 |f|^2), f from the bonds' own positions."""
    k = RNG.uniform(-3, 3, (50, 3))  # 1/angstrom
    low, high = np.diag(model.hoppings[model.translations.tolist().index([0, 0, 0])]).real
    half = np.sqrt(((high - low) / 2) ** 2 + (2.8 * np.abs(_neighbour_sum(model, k))) ** 2)
    expected = (low + high) / 2 + np.stack([-half, half], axis=1)
    np.testing.assert_allclose(model.bands(model.fractional(k)), expected, rtol=0, atol=1e-12)


def test_graphene_touches_at_k_and_nowhere_on_the_way():
    """Gamma -+3t, M -+t, K zero: the Dirac point, in both valleys."""
    model = graphene()
    points = [model.special_points[name] for name in ("G", "M", "M1", "K", "K1")]
    expected = [[-8.4, 8.4], [-2.8, 2.8], [-2.8, 2.8], [0, 0], [0, 0]]
    np.testing.assert_allclose(model.bands(points), expected, rtol=0, atol=1e-12)


def test_boron_nitride_has_its_gap_at_k():
    """Gap 4.74 eV between nitrogen and boron; printed values at Gamma and M to their digits."""
    model = hexagonal_boron_nitride()
    points = [model.special_points[name] for name in "GMK"]
    expected = [[-7.757938, 9.697938], [-2.698365, 4.638365], [-1.4, 3.34]]
    np.testing.assert_allclose(model.bands(points), expected, rtol=0, atol=5e-7)


@pytest.mark.parametrize("model", [graphene(), hexagonal_boron_nitride()], ids=lambda m: m.name)
def test_sheets_are_two_dimensional(model):
    """One occupied band of two, a path of the sheet, no hopping across the vacuum."""
    assert (model.n_occupied, model.default_path) == (1, "GKMG")
    assert not model.translations[:, 2].any()
    np.testing.assert_array_equal(model.bands([0.1, 0.2, 0.4]), model.bands([0.1, 0.2]))


def test_lattice_constants_match_after_55_and_56_cells():
    """Graphene's is 2.4595 angstrom, its bond 1.42."""
    a, a_bn = graphene().cell[0, 0], hexagonal_boron_nitride().cell[0, 0]
    assert a == 2.4595
    assert a / np.sqrt(3) == pytest.approx(1.42, abs=5e-4)
    assert 55 * a_bn == pytest.approx(56 * a, rel=1e-14)


def test_hopping_and_energies_can_be_given():
    """The gap at K is the difference of the energies, whatever the hopping is."""
    model = hexagonal_boron_nitride(t=-2.3, nitrogen=-1.0, boron=5.0)
    np.testing.assert_allclose(model.at("K").levels, [-1.0, 5.0], rtol=0, atol=1e-12)
    shifted = graphene(t=-3.0, onsite=0.5).at("G").levels
    np.testing.assert_allclose(shifted, [-8.5, 9.5], rtol=0, atol=1e-12)


def test_one_qubit_holds_a_honeycomb():
    """Two bands, no padding."""
    assert graphene().at("K").n_qubits == 1
