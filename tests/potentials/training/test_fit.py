"""Training: it lowers the error, keeps the best weights, and says how it ended."""

import numpy as np
from learning import Pairs, morse_water

from qmlmat.potentials.training import Training, fit


def test_training_learns_a_surface_in_closed_form():
    """Adam and L-BFGS bring a smooth function of three distances below 1 mHa at new points."""
    training = Training(n_adam=100, n_lbfgs=150)
    result = fit(Pairs(), morse_water(80), training=training, validation=morse_water(40, seed=1))
    assert result.validation_errors.rmse < 1e-3
    assert result.history[-1].loss < result.history[0].loss


def test_the_model_has_the_weights_of_the_lowest_validation_loss():
    """The loss of the returned model is that of the step called best."""
    data, aside = morse_water(30), morse_water(20, seed=1)
    model = Pairs()
    result = fit(model, data, training=Training(n_adam=50, n_lbfgs=30), validation=aside)
    lowest = min(step.validation for step in result.history)
    assert result.best.validation == lowest
    found = model.objective(aside, Training().loss)()
    np.testing.assert_allclose(found.item(), lowest, rtol=1e-12)
