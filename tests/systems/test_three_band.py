"""The three-band model's symmetries: which operators commute with H(k), and where."""

import numpy as np
import pytest

from qmlmat.systems import mirror_x, monolayer, orbital_angular_momentum, spin_z

MATERIALS = ("MoS2", "WS2", "MoSe2", "WSe2", "MoTe2", "WTe2")
CHOICES = [("nn", "gga"), ("tnn", "gga"), ("tnn", "lda")]
ALL = [(material, *choice) for material in MATERIALS for choice in CHOICES]
MOMENTA = np.random.default_rng(5).uniform(-1, 1, (30, 3))


def _commutator(a, b):
    return np.abs(a @ b - b @ a).max()


def _threefold():
    """exp(-2 pi i L_z / 3)."""
    values, vectors = np.linalg.eigh(orbital_angular_momentum())
    return vectors @ np.diag(np.exp(-2j * np.pi * values / 3)) @ vectors.conj().T


def _rotated(k, degrees):
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return k[..., :2] @ turn.T


@pytest.mark.parametrize(("material", "which", "functional"), ALL)
def test_every_matrix_has_the_symmetries_of_the_monolayer(material, which, functional):
    """Hermitian, periodic, time reversal, a threefold axis, a mirror x -> -x."""
    model = monolayer(material, model=which, functional=functional)
    h, turn, mirror = model.matrix(MOMENTA), _threefold(), mirror_x()
    reciprocal = 2 * np.pi * np.linalg.inv(model.cell).T
    k = MOMENTA @ reciprocal
    images = {
        "hermitian": (h.conj().swapaxes(-1, -2), h),
        "periodic": (model.matrix(MOMENTA + np.array([2, -1, 3])), h),
        "time reversal": (model.matrix(-MOMENTA), h.conj()),
        "threefold axis": (
            model.matrix(model.fractional(_rotated(k, 120))),
            turn @ h @ turn.conj().T,
        ),
        "mirror": (model.matrix(model.fractional(k * [-1, 1, 1])), mirror @ h @ mirror),
    }
    for name, (image, expected) in images.items():
        np.testing.assert_allclose(image, expected, rtol=0, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("soc", [False, True])
def test_angular_momentum_is_kept_at_gamma_and_both_corners_only(soc):
    """A filter by L_z is legal there, and nowhere else on the path."""
    model, l_z = monolayer("MoS2", model="tnn", soc=soc), orbital_angular_momentum(soc=soc)
    for name in ("G", "K", "K1"):
        assert _commutator(model.at(name).matrix, l_z) < 1e-13
    for k in ("M", "M1", (0.3, -0.1)):
        assert _commutator(model.at(k).matrix, l_z) > 1
        assert _commutator(model.at(k).matrix, l_z @ l_z) > 1


def test_the_threefold_axis_is_kept_at_gamma_and_both_corners():
    model, turn = monolayer("WSe2", model="tnn"), _threefold()
    for name in ("G", "K", "K1"):
        assert _commutator(model.at(name).matrix, turn) < 1e-13
    assert _commutator(model.at("M").matrix, turn) > 1


def test_the_mirror_is_kept_on_gamma_m1_and_not_on_gamma_k():
    """k_x = 0 on the one line, and not on the other, nor at M."""
    model, mirror = monolayer("MoS2", model="tnn"), mirror_x()
    for step in np.linspace(0, 1, 21):
        assert _commutator(model.at((0, 0.5 * step)).matrix, mirror) < 1e-13
    corner = np.array(model.special_points["K"])
    for k in (0.3 * corner, 0.7 * corner, model.special_points["M"]):
        assert _commutator(model.at(k).matrix, mirror) > 0.5


def test_valence_states_of_the_valleys_turn_opposite_ways():
    """L_z = 2, 0, -2 at K from below, and the reverse at K1; d_z2 alone in the middle."""
    model, l_z = monolayer("MoS2", model="tnn"), orbital_angular_momentum()
    for name, sign in (("K", 1), ("K1", -1)):
        _, states = np.linalg.eigh(model.at(name).matrix)
        values = np.einsum("is,ij,js->s", states.conj(), l_z, states).real
        np.testing.assert_allclose(values, [2 * sign, 0, -2 * sign], rtol=0, atol=1e-12)
        assert abs(states[0, 1]) == pytest.approx(1, abs=1e-12)


def test_spin_is_kept_everywhere_and_the_mirror_turns_it():
    """S_z commutes with H(k); the mirror does on Gamma-M1 if it exchanges the spins."""
    model = monolayer("WSe2", model="tnn", soc=True)
    for k in MOMENTA[:5]:
        assert _commutator(model.at(k).matrix, spin_z()) == 0
    on_line = model.at((0, 0.13)).matrix
    assert _commutator(on_line, mirror_x(soc=True)) < 1e-13
    assert _commutator(on_line, np.kron(np.eye(2), mirror_x())) > 0.1
    assert _commutator(model.at("K").matrix, mirror_x(soc=True)) > 1
