"""Monolayers MX2: the closed forms and the numbers of the three-band model."""

import json
from importlib.resources import files

import numpy as np
import pytest

from qmlmat.errors import InputError
from qmlmat.systems import monolayer, orbital_angular_momentum

TABLE = json.loads(files("qmlmat.systems").joinpath("data/tmd_three_band.json").read_text("utf-8"))
MATERIALS = ("MoS2", "WS2", "MoSe2", "WSe2", "MoTe2", "WTe2")
CHOICES = [("nn", "gga"), ("tnn", "gga"), ("tnn", "lda")]
ALL = [(material, *choice) for material in MATERIALS for choice in CHOICES]
MOMENTA = np.random.default_rng(5).uniform(-1, 1, (30, 3))
PRINTED = 5.1e-5  # half a unit of the fourth decimal

# Third neighbours, GGA (eV): Gamma (twofold above), K, M; gap at K; its valence splitting;
# gap along Gamma-K-M-Gamma without and with spin-orbit coupling.
REFERENCE = {
    "MoS2": ((-0.0610, 2.9264), (-0.0629, 1.5950, 3.4497), (-0.6892, 2.1904, 2.6549)),
    "WS2": ((-0.1050, 2.9506), (-0.0572, 1.7490, 3.9334), (-0.9714, 2.7846, 3.1841)),
    "MoSe2": ((-0.2100, 3.0888), (0.0527, 1.4820, 3.0560), (-0.5480, 1.9348, 2.2986)),
    "WSe2": ((-0.2980, 3.0698), (0.0238, 1.5650, 3.4428), (-0.8333, 2.3938, 2.7083)),
    "MoTe2": ((-0.4080, 3.3487), (0.0413, 1.1130, 2.5250), (-0.2686, 1.4322, 1.7907)),
    "WTe2": ((-0.4430, 3.3672), (0.0652, 1.1320, 2.8711), (-0.4565, 1.8112, 2.0695)),
}
GAPS = {
    "MoS2": (1.6579, 0.146, 1.6560, 1.5849),
    "WS2": (1.8062, 0.422, 1.8062, 1.5952),
    "MoSe2": (1.4293, 0.182, 1.4293, 1.3383),
    "WSe2": (1.5412, 0.456, 1.5412, 1.3132),
    "MoTe2": (1.0717, 0.214, 1.0717, 0.9647),
    "WTe2": (1.0668, 0.474, 1.0668, 0.8298),
}
NEAREST_GAPS = dict(zip(MATERIALS, (1.6628, 1.8058, 1.4364, 1.5400, 1.0704, 1.0665), strict=True))


def _row(material, model, functional):
    if model == "nn":
        return TABLE["nearest_neighbour_gga"][material]
    return TABLE["third_nearest_neighbour"][functional][material]


def _threefold():
    """exp(-2 pi i L_z / 3)."""
    values, vectors = np.linalg.eigh(orbital_angular_momentum())
    return vectors @ np.diag(np.exp(-2j * np.pi * values / 3)) @ vectors.conj().T


def _path(model, n_points=60):
    points = model.special_points
    legs = (("G", "K"), ("K", "M"), ("M", "G"))
    return np.concatenate([np.linspace(points[a], points[b], n_points) for a, b in legs])


def _path_gap(model):
    bands = model.bands(_path(model))
    return bands[:, model.n_occupied].min() - bands[:, model.n_occupied - 1].max()


@pytest.mark.parametrize("material", MATERIALS)
def test_nearest_neighbours_sum_to_the_closed_form(material):
    """The matrix of sines and cosines, entry by entry, at Cartesian momenta."""
    p, model = _row(material, "nn", "gga"), monolayer(material)
    k = MOMENTA[:, :2] * 4  # 1/angstrom
    alpha, beta = k[:, 0] * p["a"] / 2, np.sqrt(3) * k[:, 1] * p["a"] / 2
    sin_a, cos_a, sin_b, cos_b = np.sin(alpha), np.cos(alpha), np.sin(beta), np.cos(beta)
    sin_2a, cos_2a, root = np.sin(2 * alpha), np.cos(2 * alpha), np.sqrt(3)
    t11, t12, t22 = p["t11"], p["t12"], p["t22"]
    expected = np.zeros((len(k), 3, 3), dtype=complex)
    expected[:, 0, 0] = 2 * p["t0"] * (cos_2a + 2 * cos_a * cos_b) + p["e1"]
    expected[:, 0, 1] = -2 * root * p["t2"] * sin_a * sin_b
    expected[:, 0, 1] += 2j * p["t1"] * (sin_2a + sin_a * cos_b)
    expected[:, 0, 2] = 2 * p["t2"] * (cos_2a - cos_a * cos_b)
    expected[:, 0, 2] += 2j * root * p["t1"] * cos_a * sin_b
    expected[:, 1, 1] = 2 * t11 * cos_2a + (t11 + 3 * t22) * cos_a * cos_b + p["e2"]
    expected[:, 2, 2] = 2 * t22 * cos_2a + (3 * t11 + t22) * cos_a * cos_b + p["e2"]
    expected[:, 1, 2] = root * (t22 - t11) * sin_a * sin_b + 4j * t12 * sin_a * (cos_a - cos_b)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        expected[:, j, i] = expected[:, i, j].conj()
    np.testing.assert_allclose(model.matrix(model.fractional(k)), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("material", "which", "functional"), ALL)
def test_hoppings_are_three_matrices_and_their_symmetry_images(material, which, functional):
    """One hopping of each shell, from real space, turned by 120 degrees and inverted.

    Nothing of the closed form in k enters.
    """
    p, model = (
        _row(material, which, functional),
        monolayer(material, model=which, functional=functional),
    )
    turn, root = _threefold(), np.sqrt(3)
    shells = {(1, 0): _shell(p, "t")}
    if which == "tnn":
        shells[2, 0] = _shell(p, "u")
        shells[1, -1] = np.array(
            [
                [p["r0"], p["r1"], -p["r1"] / root],
                [p["r2"], p["r11"], p["r12"]],
                [-p["r2"] / root, p["r12"], p["r11"] + 2 / root * p["r12"]],
            ]
        )
    expected = {(0, 0): np.diag([p["e1"], p["e2"], p["e2"]])}
    for (x, y), hopping in shells.items():
        cell, matrix = (x, y), hopping
        for _ in range(3):
            expected[cell] = matrix
            expected[-cell[0], -cell[1]] = matrix.conj().T
            cell = (-cell[1], cell[0] - cell[1])  # a1 -> a2, a2 -> -a1 - a2
            matrix = turn @ matrix @ turn.conj().T
    found = {
        (x, y): h for (x, y, _), h in zip(model.translations.tolist(), model.hoppings, strict=True)
    }
    assert found.keys() == expected.keys()
    for cell, matrix in expected.items():
        np.testing.assert_allclose(found[cell], matrix, rtol=0, atol=1e-12)


def _shell(p, letter):
    """The hopping along x, to the first (t) or the third (u) neighbour."""
    names = (f"{letter}{index}" for index in ("0", "1", "2", "11", "12", "22"))
    h0, h1, h2, h11, h12, h22 = (p[name] for name in names)
    return np.array([[h0, h1, h2], [-h1, h11, h12], [h2, -h12, h22]])


@pytest.mark.parametrize("material", MATERIALS)
def test_nearest_neighbour_levels_have_closed_forms_at_gamma_and_k(material):
    """e1 + 6 t0 and a pair at Gamma; e1 - 3 t0 and -+3 sqrt3 t12 at K."""
    p, model = _row(material, "nn", "gga"), monolayer(material)
    pair = p["e2"] + 3 * (p["t11"] + p["t22"])
    gamma = np.sort([p["e1"] + 6 * p["t0"], pair, pair])
    np.testing.assert_allclose(model.at("G").levels, gamma, rtol=0, atol=1e-12)
    middle, half = p["e2"] - 1.5 * (p["t11"] + p["t22"]), 3 * np.sqrt(3) * p["t12"]
    corner = np.sort([p["e1"] - 3 * p["t0"], middle - half, middle + half])
    np.testing.assert_allclose(model.at("K").levels, corner, rtol=0, atol=1e-12)


@pytest.mark.parametrize("material", MATERIALS)
def test_third_neighbour_levels_are_the_reference(material):
    """Gamma, K and M to the printed digits."""
    model = monolayer(material, model="tnn")
    (low, high), corner, edge = REFERENCE[material]
    for name, levels in (("G", (low, high, high)), ("K", corner), ("M", edge), ("M1", edge)):
        np.testing.assert_allclose(model.at(name).levels, levels, rtol=0, atol=PRINTED)


@pytest.mark.parametrize("material", MATERIALS)
def test_gaps_and_splittings_are_the_reference(material):
    """The gap at K, its valence splitting 2 lambda, and the gaps along the path."""
    plain, spinful = (monolayer(material, model="tnn", soc=soc) for soc in (False, True))
    at_k, splitting, path_gap, spinful_gap = GAPS[material]
    levels = plain.at("K").levels
    assert levels[1] - levels[0] == pytest.approx(at_k, abs=PRINTED)
    valence, other = spinful.at("K", spin="up").levels[0], spinful.at("K", spin="down").levels[0]
    assert valence - other == pytest.approx(splitting, abs=1e-12)
    assert splitting == pytest.approx(2 * TABLE["nearest_neighbour_gga"][material]["lambda"])
    assert _path_gap(plain) == pytest.approx(path_gap, abs=PRINTED)
    assert _path_gap(spinful) == pytest.approx(spinful_gap, abs=PRINTED)


@pytest.mark.parametrize("material", MATERIALS)
def test_nearest_neighbour_gaps_at_k_are_the_reference(material):
    levels = monolayer(material).at("K").levels
    assert levels[1] - levels[0] == pytest.approx(NEAREST_GAPS[material], abs=PRINTED)


@pytest.mark.parametrize("material", MATERIALS)
def test_both_reaches_agree_about_the_gap_at_k(material):
    """Two fits to the same bands: within 8 meV where both are meant to be right."""
    near, far = (monolayer(material, model=which).at("K").levels for which in ("nn", "tnn"))
    assert near[1] - near[0] == pytest.approx(far[1] - far[0], abs=8e-3)


def test_the_valence_edge_of_mos2_lies_at_gamma_without_spin():
    """By 1.9 meV; spin-orbit coupling moves it to K."""
    plain, spinful = (monolayer("MoS2", model="tnn", soc=soc) for soc in (False, True))
    top = plain.bands(_path(plain))[:, 0]
    assert top.argmax() in {0, 179}  # Gamma is the first and the last point
    assert top.max() - plain.at("K").levels[0] == pytest.approx(1.9e-3, abs=1e-4)
    assert spinful.at("K").levels[1] > spinful.at("G").levels[1]


def test_wse2_has_hoppings_of_its_own():
    """A public table carries those of MoS2 under the name of WSe2, with its a and lambda."""
    pair = [monolayer(material) for material in ("MoS2", "WSe2")]
    for cell in ((0, 0, 0), (1, 0, 0)):
        mos2, wse2 = (m.hoppings[m.translations.tolist().index(list(cell))] for m in pair)
        assert np.abs(mos2 - wse2).max() > 0.05


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "K",
            {
                "II": 4.2454,
                "IZ": -2.6013,
                "ZI": -2.6012,
                "ZZ": 2.5521,
                "XY": -0.8781,
                "YX": 0.8781,
            },
        ),
        ("G", {"II": 4.4479, "IZ": -3.0152, "ZI": -3.0152, "ZZ": 1.5216}),
    ],
)
def test_two_qubits_hold_mos2(name, expected):
    """Three bands and a level of padding at 12 eV; no other word above 1e-12 eV."""
    terms = monolayer("MoS2", model="tnn").at(name, padding=12.0).pauli_sum()
    found = {word: c.real for word, c in terms.words() if abs(c) > 1e-12}
    assert found.keys() == expected.keys()
    for word, coefficient in expected.items():
        assert found[word] == pytest.approx(coefficient, abs=6e-5)  # 2.60125 is printed both ways


def test_padding_at_zero_would_be_found_as_a_state():
    """Zero lies between the valence and the conduction band."""
    model = monolayer("MoS2", model="tnn")
    with pytest.raises(InputError, match=r"Use one well above 3\.4497"):
        model.at("K", padding=0.0)
    assert model.at("K").padding > model.at("K").levels[-1]


def test_spin_blocks_are_the_model_with_half_lambda():
    """H +- (lambda / 2) L_z, and Kramers pairs: up at k is down at -k."""
    plain, spinful = (monolayer("WS2", model="tnn", soc=soc) for soc in (False, True))
    strength = TABLE["nearest_neighbour_gga"]["WS2"]["lambda"]
    for spin, sign in (("up", 1), ("down", -1)):
        expected = plain.matrix(MOMENTA) + sign * strength / 2 * orbital_angular_momentum()
        block = list(spinful.spin_blocks[spin])
        found = spinful.matrix(MOMENTA)[:, block][:, :, block]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    up, down = spinful.bands(MOMENTA, spin="up"), spinful.bands(-MOMENTA, spin="down")
    np.testing.assert_allclose(up, down, rtol=0, atol=1e-12)


def test_the_conduction_edge_at_k_does_not_split():
    """It is d_z2, which has no angular momentum."""
    levels = monolayer("WTe2", model="tnn", soc=True).at("K").levels
    assert levels[2] == pytest.approx(levels[3], abs=1e-12)


@pytest.mark.parametrize("functional", ["gga", "lda"])
def test_special_points_stand_where_their_names_say(functional):
    """K = (4 pi/3a, 0), M = (pi/a, pi/(sqrt3 a)), M1 = (0, 2 pi/(sqrt3 a)), K1 = -K."""
    model = monolayer("MoS2", model="tnn", functional=functional)
    a = 3.19 if functional == "gga" else 1.0
    assert model.cell_unit == ("angstrom" if functional == "gga" else "a")
    root = np.sqrt(3)
    places = {
        "G": (0, 0),
        "K": (4 * np.pi / 3, 0),
        "K1": (-4 * np.pi / 3, 0),
        "M": (np.pi, np.pi / root),
        "M1": (0, 2 * np.pi / root),
    }
    for name, place in places.items():
        found = model.fractional(np.array(place) / a)
        np.testing.assert_allclose(found, model.special_points[name], rtol=0, atol=1e-13)
    assert model.special_points.keys() == places.keys()


def test_models_are_told_apart_and_counted():
    """18 sourced sets of parameters, 18 hashes; spin-orbit coupling doubles the bands."""
    hashes = {monolayer(m, model=w, functional=f).inputs()["hoppings_hash"] for m, w, f in ALL}
    assert len(hashes) == 18
    spinful = monolayer("MoS2", soc=True)
    assert (spinful.n_occupied, len(spinful.orbitals), spinful.at("K").n_qubits) == (2, 6, 3)
    assert (monolayer("MoS2").n_occupied, spinful.orbitals[3]) == (1, "d_z2 down")
    assert "units of a" in monolayer("MoS2", model="tnn", functional="lda").notes[0]


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        ({"material": "MoSe"}, 'material "MoSe" is not known. Did you mean "MoSe2"'),
        ({"material": "graphene"}, "Known: MoS2, MoSe2, MoTe2, WS2, WSe2, WTe2"),
        ({"model": "tn"}, 'Did you mean "tnn"'),
        ({"functional": "pbe"}, "Known: gga, lda"),
        ({"functional": "lda"}, 'Use functional="gga", or model="tnn"'),
        ({"functional": "lda", "soc": True}, 'Use functional="gga", or model="tnn"'),
        ({"model": "tnn", "functional": "lda", "soc": True}, "no spin-orbit constant.*soc=False"),
    ],
)
def test_what_has_no_table_is_refused(arguments, remedy):
    values = {"material": "MoS2"} | arguments
    with pytest.raises(InputError, match=remedy):
        monolayer(values.pop("material"), **values)
