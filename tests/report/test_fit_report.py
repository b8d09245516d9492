"""Figure and tables of a training: what they show, and what they refuse."""

import numpy as np
import pytest
from learning import Pairs, morse_water

from qmlmat.errors import InputError
from qmlmat.potentials.training import Training, fit
from qmlmat.report import draw_fit, errors_table, plot_fit
from qmlmat.report.fit_table import predictions_table


@pytest.fixture(scope="module")
def found():
    """A short training."""
    return fit(Pairs(), morse_water(12), training=Training(n_adam=4, n_lbfgs=4))


def test_the_figure_shows_the_error_of_every_point_and_the_loss_of_every_step(found):
    """Two panels: points in mHa, and the history with the step that was kept."""
    data = morse_water(5, seed=1)
    errors, history = draw_fit(found, {"test": data}).axes
    wrong = found.model(found.model.as_tensor(data.positions)).detach().numpy() - data.energies
    np.testing.assert_allclose(errors.lines[0].get_ydata(), 1e3 * wrong.ravel())
    losses = [step.loss for step in found.history]
    np.testing.assert_array_equal(history.lines[0].get_ydata(), losses)


def test_a_figure_without_points_is_refused(found, tmp_path):
    """There is nothing to compare with."""
    with pytest.raises(InputError, match="give points with known energies"):
        plot_fit(found, {}, tmp_path / "fit.png")


def test_the_table_has_errors_in_both_units(found):
    """Units of mHa and of 1/cm stand beside each other."""
    text = str(errors_table({"train": found.train_errors}))
    assert f"{1e3 * found.train_errors.rmse:.3g}" in text
    assert (
        f"{found.train_errors.mae_cm1:.0f}" in text or f"{found.train_errors.mae_cm1:.3g}" in text
    )


def test_predictions_show_standard_deviations_where_they_are_known():
    """One column more, and a mark outside of the training data."""
    text = str(predictions_table([[-1.0]], [[2e-3]], [True], unit="hartree"))
    assert "± E0" in text
    assert "outside" in text
    assert "±" not in str(predictions_table([[-1.0]], [None], [False], unit="hartree"))
