"""Gaussian processes as potentials: formulas, invariances, forces, error bars, files."""

import json
import warnings

import numpy as np
import pytest
import torch
from hydronium import SYMBOLS, hydronium

from qmlmat.ansatz.encoding import Encoding
from qmlmat.errors import InputError, QmlmatWarning
from qmlmat.potentials.base import Loss
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import MorseVariables
from qmlmat.potentials.gaussian import RBF, GaussianProcess, QuantumKernel, RationalQuadratic, Sum
from qmlmat.potentials.registry import built, described
from qmlmat.potentials.training import Training, fit
from qmlmat.surfaces import Geometry

MORSE = MorseVariables(SYMBOLS)
PERMUTATIONS = MORSE.feature_permutations()
DATA = hydronium(40)
TEST = hydronium(30, seed=1)


def quantum(entangler="full"):
    return QuantumKernel(Encoding("morse_kernel", entangler=entangler).circuit(6, 6), PERMUTATIONS)


KERNELS = {
    "RQ": lambda: RationalQuadratic(PERMUTATIONS),
    "RBF+RQ": lambda: Sum(RBF(PERMUTATIONS), RationalQuadratic(PERMUTATIONS)),
    "quantum": quantum,
}


def conditioned(kernel, data=DATA, **settings):
    """Return a process at its first numbers."""
    model = GaussianProcess(MORSE, kernel, **settings)
    model.prepare(data)
    model.condition(data)
    return model


@pytest.fixture(params=list(KERNELS))
def model(request):
    """Each kernel, conditioned."""
    return conditioned(KERNELS[request.param]())


def tensor(data):
    return torch.from_numpy(data.positions.copy())


def test_mean_and_deviation_are_the_dense_formulas(model):
    """``k K^-1 y`` and ``k(x,x) - k K^-1 k`` with numpy's inverse."""
    positions = tensor(TEST)
    with torch.no_grad():
        known, new = model.features(tensor(DATA)), model.features(positions)
        gram, cross = model.kernel(known).numpy(), model.kernel(new, known).numpy()
        own = model.kernel(new).diagonal().numpy()
        energies, stderr = model(positions)[:, 0].numpy(), model.stderr(positions)[:, 0].numpy()
    level = gram.diagonal().mean()
    noise = float(model.log_noise.exp().detach()) + 1e-11 * level
    inverse = np.linalg.inv(gram + noise * np.eye(len(gram)))
    labels = DATA.energies[:, 0]
    scaled = (labels - labels.mean()) / labels.std()
    expected = labels.mean() + labels.std() * cross @ inverse @ scaled
    variance = own - np.einsum("ij,jk,ik->i", cross, inverse, cross)
    np.testing.assert_allclose(energies, expected, atol=1e-9)
    np.testing.assert_allclose(stderr, labels.std() * np.sqrt(variance), rtol=1e-4)


def test_energies_know_neither_frame_nor_order_of_equal_atoms(model):
    """Rotation, translation and two exchanges of hydrogen atoms."""
    positions = tensor(TEST)
    turn, _ = torch.linalg.qr(torch.from_numpy(np.random.default_rng(3).normal(size=(3, 3))))
    moved = positions @ turn.T + torch.tensor([1.0, -2.0, 0.5])
    with torch.no_grad():
        here = model(positions)
        for order in ([0, 1, 2, 3], [0, 2, 3, 1], [0, 1, 3, 2]):
            torch.testing.assert_close(model(moved[:, order]), here, atol=1e-10, rtol=0)
            there = model.stderr(moved[:, order])
            torch.testing.assert_close(there, model.stderr(positions), atol=1e-8, rtol=0)


def test_forces_are_central_differences(model):
    """Of the mean."""
    positions, step = tensor(TEST)[:1], 1e-4
    forces = model.forces(positions)[0]
    with torch.no_grad():
        for atom, axis in ((0, 0), (1, 2), (3, 1)):
            shift = torch.zeros_like(positions)
            shift[0, atom, axis] = step
            slope = (model(positions + shift) - model(positions - shift)).item() / (2 * step)
            assert forces[atom, axis].item() == pytest.approx(-slope, abs=1e-7)


def test_error_bars_are_small_at_training_points_and_large_far_away(model):
    """And the mean passes through the points, which have next to no noise."""
    stretched = tensor(DATA)[:1].clone()
    stretched[0, 1] *= 1.8
    with torch.no_grad():
        at_points = model.stderr(tensor(DATA))
        assert at_points.max() < 0.01 * model.stderr(stretched)
        torch.testing.assert_close(
            model(tensor(DATA))[:, 0], torch.tensor(DATA.energies[:, 0]), atol=1e-4, rtol=0
        )
    assert model.stderr(stretched).item() < float(model.scale[0]) * 1.01


def test_a_point_has_forces_an_error_bar_and_says_where_it_is(model):
    """The protocol of surfaces."""
    result = model.evaluate(Geometry(SYMBOLS, DATA.positions[0]))
    assert result.status == "converged"
    assert result.energies == pytest.approx(DATA.energies[0], abs=1e-4)
    assert result.stderr.shape == (1,)
    np.testing.assert_allclose(result.forces.sum(axis=0), 0.0, atol=1e-9)
    away = DATA.positions[0].copy()
    away[1] *= 3
    assert model.evaluate(Geometry(SYMBOLS, away)).status == "outside_domain"


def test_a_model_comes_back_from_plain_values_and_numbers(model):
    """JSON and a state: no training data, no factor."""
    tree = json.loads(json.dumps(described(model)))
    again = built(tree)
    again.load_state_dict(model.state_dict())
    positions = tensor(TEST)
    with torch.no_grad():
        torch.testing.assert_close(again(positions), model(positions), atol=1e-12, rtol=0)
        torch.testing.assert_close(again.stderr(positions), model.stderr(positions))
    assert again.inputs() == model.inputs()


def test_numbers_that_are_loaded_replace_what_was_computed_from_others():
    """Embedded points and factor belong to the numbers they were made of."""
    first, second = conditioned(RBF(PERMUTATIONS)), conditioned(RBF(PERMUTATIONS), hydronium(40, 5))
    positions = tensor(TEST)
    with torch.no_grad():
        first(positions), first.stderr(positions)
        first.load_state_dict(second.state_dict())
        assert torch.equal(first(positions), second(positions))
        assert torch.equal(first.stderr(positions), second.stderr(positions))


def test_the_objective_is_the_likelihood_of_some_points_and_falls():
    """Drawn by seed; all where there are not more."""
    model = GaussianProcess(MORSE, RationalQuadratic(PERMUTATIONS), n_likelihood=20, seed=1)
    found = fit(model, DATA, training=Training(n_adam=0, n_lbfgs=15))
    assert found.best.loss < found.history[0].loss
    assert found.validation_errors is None
    whole = GaussianProcess(MORSE, RationalQuadratic(PERMUTATIONS))
    whole.prepare(DATA)
    loss = float(whole.objective(DATA, Loss())().detach())
    assert loss == pytest.approx(-whole.log_likelihood(DATA) / len(DATA), rel=1e-12)


def test_training_beats_the_start_and_symmetry_beats_its_absence():
    """On the surrogate, at points that nobody saw."""

    def error(kernel, *, trained=True):
        model = conditioned(kernel)
        if trained:
            fit(model, DATA, training=Training(n_adam=0, n_lbfgs=20))
        with torch.no_grad():
            return (model(tensor(TEST))[:, 0].numpy() - TEST.energies[:, 0]).std()

    symmetric = error(RationalQuadratic(PERMUTATIONS))
    assert symmetric < error(RationalQuadratic(PERMUTATIONS), trained=False)
    assert symmetric < 0.5 * error(RationalQuadratic(PERMUTATIONS[:1]))


def test_several_states_are_processes_of_one_kernel_in_ascending_order():
    """Each mean and deviation is that of its state alone."""
    both = np.stack([DATA.energies[:, 0], DATA.energies[:, 0] ** 2 + 0.5], axis=1)
    data = SurfaceData(symbols=SYMBOLS, positions=DATA.positions, energies=both)
    model = conditioned(RBF(PERMUTATIONS), data, n_states=2)
    upper = SurfaceData(symbols=SYMBOLS, positions=DATA.positions, energies=both[:, 1])
    alone = [conditioned(RBF(PERMUTATIONS)), conditioned(RBF(PERMUTATIONS), upper)]
    positions = tensor(TEST)
    with torch.no_grad():
        for state, single in enumerate(alone):
            torch.testing.assert_close(model(positions)[:, state], single(positions)[:, 0])
            deviation = model.stderr(positions)[:, state]
            torch.testing.assert_close(deviation, single.stderr(positions)[:, 0])


def test_points_that_are_there_twice_are_conditioned_with_jitter_said_aloud():
    """Without noise their kernel is singular beyond the floor's reach."""
    twice = SurfaceData(
        symbols=SYMBOLS,
        positions=np.concatenate([DATA.positions] * 2),
        energies=np.concatenate([DATA.energies] * 2),
    )
    model = GaussianProcess(MORSE, RBF(PERMUTATIONS))
    with torch.no_grad():
        model.log_noise.fill_(-80.0)
        model.kernel.log_lengths.fill_(6.0)  # everything is the same point, nearly
    model.prepare(twice)
    model.kernel.register_forward_hook(lambda *arguments: arguments[2] - 1e-9 * torch.eye(80))
    with pytest.warns(QmlmatWarning, match="Leave out points that lie close together"):
        model.condition(twice)
    assert float(model.jitter) > 0


def test_sound_data_are_conditioned_without_a_word():
    """No jitter, no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert float(conditioned(RBF(PERMUTATIONS)).jitter) == 0.0


def test_float32_models_predict_float32():
    """Conditioned in float64, then converted: the numbers inside keep their type, and digits."""
    model = conditioned(RationalQuadratic(PERMUTATIONS))
    positions = tensor(TEST)
    with torch.no_grad():
        exact, bars = model(positions), model.stderr(positions)
        single = model.to(torch.float32)
        found, found_bars = single(positions.float()), single.stderr(positions.float())
    assert found.dtype == found_bars.dtype == torch.float32
    # 1e-5: positions are rounded, energies spread over a fraction of a hartree
    torch.testing.assert_close(found.double(), exact, atol=1e-5, rtol=0)
    torch.testing.assert_close(found_bars.double(), bars, atol=1e-5, rtol=0)
    assert torch.equal(single(single.as_tensor(TEST.positions)), exact)


@pytest.mark.parametrize(
    ("make", "remedy"),
    [
        (lambda: GaussianProcess(MORSE, RBF(torch.arange(3)[None])), "feature_permutations"),
        (lambda: GaussianProcess(MORSE, RBF(PERMUTATIONS), n_likelihood=1), "use 2 or more"),
        (lambda: GaussianProcess(MORSE, RBF(PERMUTATIONS))(tensor(TEST)), "Call fit"),
        (
            lambda: conditioned(RBF(PERMUTATIONS)).objective(DATA, Loss(force_weight=1.0)),
            "force_weight=0",
        ),
        (
            lambda: (
                hydronium(3)
                .subset([0, 0])
                .__class__(symbols=SYMBOLS, positions=DATA.positions[[0, 0]], energies=[0.0, 0.1])
            ),
            "Leave one of them out",
        ),
        (
            lambda: SurfaceData(symbols=SYMBOLS, positions=DATA.positions[:1], energies=[np.nan]),
            "Leave the point out",
        ),
    ],
)
def test_what_cannot_be_learnt_is_refused(make, remedy):
    """The remedy is in the message."""
    with pytest.raises(InputError, match=remedy):
        make()


def test_prepared_anew_it_forgets_what_it_was_conditioned_on():
    """After Ctrl-C in a second training there are no energies, rather than wrong ones."""
    model = GaussianProcess(MORSE, RBF(PERMUTATIONS))
    model.prepare(DATA)
    model.condition(DATA)
    model.prepare(DATA.subset(range(5)))
    with pytest.raises(InputError, match=r"not conditioned on data yet. Call fit"):
        model.energies(model.as_tensor(DATA.positions))
