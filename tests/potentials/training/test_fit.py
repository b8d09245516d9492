"""Training: it lowers the error, keeps the best weights, and says how it ended."""

import numpy as np
import pytest
import torch
from learning import SYMBOLS, Pairs, morse_water
from learnt import Polynomial, hydrogen_data

from qmlmat.errors import GeometryError, InputError
from qmlmat.potentials.base import Loss
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import InverseDistances
from qmlmat.potentials.gaussian import GaussianProcess, RationalQuadratic
from qmlmat.potentials.training import FIT_ADVICE, Training, errors_of, fit

SHORT = Training(n_adam=20, n_lbfgs=20)
HELD_OUT = Training(n_adam=20, n_lbfgs=20, validation_fraction=0.1)


def test_training_learns_a_surface_in_closed_form():
    """Energies that range over 200 mHa are known at new points to a few per cent of that."""
    training = Training(n_adam=100, n_lbfgs=100)
    result = fit(Pairs(), morse_water(60), training=training, validation=morse_water(30, seed=1))
    assert result.validation_errors.rmse < 6e-3
    assert result.history[-1].loss < 0.01 * result.history[0].loss


def test_forces_help_where_points_are_few():
    """Nine numbers more at each point: forces and energies at new points are better."""
    data, new = morse_water(12), morse_water(40, seed=1)
    errors = []
    for weight in (0.0, 0.1):
        training = Training(n_adam=60, n_lbfgs=60, loss=Loss(force_weight=weight))
        errors.append(errors_of(fit(Pairs(), data, training=training).model, new))
    assert errors[1].force_rmse < 0.5 * errors[0].force_rmse
    assert errors[1].rmse < errors[0].rmse


def test_the_model_has_the_weights_of_the_lowest_validation_loss():
    """The loss of the returned model is that of the step called best."""
    data, aside = morse_water(30), morse_water(20, seed=1)
    model = Pairs()
    result = fit(model, data, training=SHORT, validation=aside)
    lowest = min(step.validation for step in result.history)
    assert result.best.validation == lowest
    found = model.objective(aside, Loss())()
    np.testing.assert_allclose(found.item(), lowest, rtol=1e-12)


def test_training_stops_when_the_validation_loss_does_not_fall_any_more():
    """Many weights and few points: early_stop, a patience of L-BFGS behind the best step."""
    training = Training(n_adam=200, n_lbfgs=100, learning_rate=0.1, patience=10)
    result = fit(Pairs((20,)), morse_water(10), training=training, validation=morse_water(20, 1))
    assert result.status == "early_stop"
    assert result.history[-1].step == max(result.best.step, training.n_adam) + 10


def test_the_gradient_says_when_training_has_converged():
    """The history ends at the first gradient below the tolerance."""
    training = Training(n_adam=0, n_lbfgs=400, gradient_tolerance=1e-3)
    result = fit(Pairs((2,)), morse_water(30), training=training)
    assert result.status == "converged"
    norms = [step.gradient_norm for step in result.history]
    assert norms[-1] <= 1e-3 < min(norms[:-1])


def test_the_same_seed_gives_the_same_fit_bit_by_bit():
    """Another seed sets other points aside."""
    runs = [fit(Pairs(), morse_water(30), training=HELD_OUT, seed=s) for s in (1, 1, 2)]
    assert runs[0].history == runs[1].history
    assert runs[0].history[0] != runs[2].history[0]


def test_no_step_evaluates_its_point_twice():
    """Adam costs one gradient a step; the start costs one."""
    result = fit(Pairs(), morse_water(20), training=Training(n_adam=15, n_lbfgs=0))
    assert result.n_evaluations == 16


class Blowing(Pairs):
    """Its loss is not a number after some evaluations."""

    count = 0

    def objective(self, data, loss):
        inner = super().objective(data, loss)

        def blown():
            self.count += 1
            return inner() * (np.nan if self.count > 12 else 1.0)

        return blown


def test_a_loss_that_is_not_finite_stops_training_and_the_best_weights_stay():
    """The status and a note say so; energies are finite."""
    training = Training(n_adam=30)
    result = fit(Blowing(), morse_water(20), training=training)
    assert result.status == "not_finite"
    assert FIT_ADVICE["not_finite"] in result.notes
    assert np.isfinite(result.train_errors.rmse)
    assert result.best.loss == min(s.loss for s in result.history if np.isfinite(s.loss))


def test_a_loss_that_is_not_finite_at_the_start_is_refused():
    """Nothing could come of it."""
    model = Pairs()
    with torch.no_grad():
        model.network.layers[0].bias.fill_(torch.nan)
    with pytest.raises(InputError, match="they must be finite"):
        fit(model, morse_water(20))


def test_models_that_hold_out_nothing_learn_from_every_point():
    """A Gaussian process is conditioned on all of them, and passes through them."""
    descriptor = InverseDistances(SYMBOLS)
    kernel = RationalQuadratic(descriptor.feature_permutations())
    result = fit(GaussianProcess(descriptor, kernel), morse_water(25), training=SHORT)
    assert result.model.n_training == 25
    assert result.validation_errors is None
    assert result.train_errors.rmse < 1e-4
    tested = fit(result.model, morse_water(25), training=SHORT, validation=morse_water(9, 3))
    assert tested.validation_errors.n_points == 9
    assert all(step.validation is None for step in tested.history)


def test_a_model_at_its_minimum_is_only_conditioned():
    """Least squares by ``condition``: no step, and the exact polynomial."""
    result = fit(Polynomial(degree=9), hydrogen_data(30), training=Training())
    assert (result.status, len(result.history)) == ("converged", 1)
    assert result.train_errors.rmse < 1e-3


def test_scales_and_domain_are_those_of_the_training_points_alone():
    """What is set aside has no say in them."""
    data = morse_water(40)
    result = fit(Pairs(), data, training=HELD_OUT, seed=3)
    train, _ = data.split(36, seed=3)
    assert result.model.shift.item() == pytest.approx(train.energies.mean(), abs=1e-12)
    assert (result.train_errors.n_points, result.validation_errors.n_points) == (36, 4)


def test_errors_are_those_of_numpy():
    """RMSE, MAE, largest, of energies and forces."""
    model, data = Pairs(), morse_water(7)
    model.prepare(data)
    found = errors_of(model, data)
    positions = model.as_tensor(data.positions)
    wrong = model(positions).detach().numpy() - data.energies
    pulls = model.forces(positions).numpy() - data.forces
    assert found.rmse == pytest.approx(np.sqrt((wrong**2).mean()))
    assert found.mae == pytest.approx(np.abs(wrong).mean())
    assert found.largest == pytest.approx(np.abs(wrong).max())
    assert found.force_rmse == pytest.approx(np.sqrt((pulls**2).mean()))
    assert found.rmse_cm1 == pytest.approx(219474.63136314 * found.rmse)


def test_single_precision_trains_too():
    """Within its tolerance of double precision after a few steps."""
    training = Training(n_adam=10, n_lbfgs=0)
    single = fit(Pairs().to(torch.float32), morse_water(20), training=training)
    double = fit(Pairs(), morse_water(20), training=training)
    assert single.best.loss == pytest.approx(double.best.loss, rel=1e-3)


def test_progress_is_told_after_every_step():
    """Steps, the loss, and the time left once a step was timed."""
    told = []
    fit(Pairs(), morse_water(20), training=Training(n_adam=3, n_lbfgs=2), progress=told.append)
    assert [p.done for p in told] == [0, 1, 2, 3, 4, 5]
    assert told[0].remaining is None
    assert told[-1].remaining == 0.0
    assert [p.last.stage for p in told] == ["start", "adam", "adam", "adam", "lbfgs", "lbfgs"]


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"n_adam": -1}, "a whole number from 0"),
        ({"patience": 0}, "a whole number from 1"),
        ({"learning_rate": 0.0}, "a number above 0"),
        ({"validation_fraction": 1.0}, "0 to below 1"),
        ({"gradient_tolerance": -1.0}, "0 or more"),
    ],
)
def test_settings_out_of_range_are_refused(settings, remedy):
    """Each with what to use."""
    with pytest.raises(InputError, match=remedy):
        Training(**settings)
    with pytest.raises(InputError, match="use 0 or more"):
        Loss(force_weight=-1.0)


def test_data_that_do_not_fit_are_refused_before_the_work():
    """Other atoms, no forces where they count, too few points."""
    data = morse_water(20)
    bare = SurfaceData(symbols=SYMBOLS, positions=data.positions, energies=data.energies)
    with pytest.raises(InputError, match="the data have no forces"):
        fit(Pairs(), bare, training=Training(loss=Loss(force_weight=1.0)))
    with pytest.raises(InputError, match="Give at least 2"):
        fit(Pairs(), morse_water(1))
    with pytest.raises(GeometryError, match="Give the atoms in the same order"):
        fit(Pairs(), hydrogen_data(9))
    with pytest.raises(GeometryError, match="Give the atoms in the same order"):
        fit(Pairs(), data, validation=hydrogen_data(9))


def test_the_repr_says_how_it_ended():
    """Model, status, steps, loss and error in one line."""
    text = repr(fit(Pairs(), morse_water(20), training=HELD_OUT))
    assert text.startswith("Fit(Pairs, iteration_limit, 40 steps, loss ")
    assert "validation RMSE" in text
