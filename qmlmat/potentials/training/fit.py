"""The verb that trains a model: ``fit(model, data)``."""

from __future__ import annotations

import time

from qmlmat.errors import InputError
from qmlmat.potentials.base import Potential
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.training.descent import Descent
from qmlmat.potentials.training.errors import Errors, errors_of
from qmlmat.potentials.training.result import Fit
from qmlmat.potentials.training.settings import Training

FEWEST_POINTS = 2
"""Points without which there is no scale of energies."""


def fit(
    model: Potential,
    data: SurfaceData,
    *,
    training: Training | None = None,
    validation: SurfaceData | None = None,
    seed: int = 0,
) -> Fit:
    """Return a trained model and the record of its training.

    The model is trained in place: scales and domain are taken from the training data, Adam and then
    L-BFGS lower its objective, the weights of the lowest validation loss are kept (of the lowest
    loss where there is none), and the model is conditioned on the training data.

    Args:
        model: Any potential; training goes on from the weights it has.
        data: What it learns from.
        training: The recipe.
        validation: Points that say when to stop, instead of a part of ``data``. A model that needs
            none is only tested on them.
        seed: Seed of the draw of the validation points.

    Raises:
        GeometryError: If the data are of other atoms.
        InputError: If there are too few points or states, or no forces where forces count.
    """
    start = time.perf_counter()
    training = training or Training()
    model.check_data(data)
    train, held_out = _parts(model, data, training, validation, seed)
    model.prepare(train)
    params = [p for p in model.parameters() if p.requires_grad]
    stopping = None
    if held_out is not None and model.holds_out:
        stopping = model.objective(held_out, training.loss)
    descent = Descent(params, model.objective(train, training.loss), stopping, training)
    for _ in descent.steps():
        pass
    descent.take_best()
    model.condition(train)
    return Fit(
        model=model,
        status=descent.status,
        history=tuple(descent.history),
        best=descent.best,
        train_errors=_known_errors(model, train),
        validation_errors=None if held_out is None else errors_of(model, held_out),
        n_evaluations=descent.slope.n_evaluations,
        wall_time=time.perf_counter() - start,
    )


def _parts(
    model: Potential,
    data: SurfaceData,
    training: Training,
    validation: SurfaceData | None,
    seed: int,
) -> tuple[SurfaceData, SurfaceData | None]:
    """Return the points to train on, and those that are set aside."""
    if validation is not None:
        model.check_data(validation)
        return data, validation
    n_aside = round(training.validation_fraction * len(data)) if model.holds_out else 0
    if len(data) - n_aside < FEWEST_POINTS and model.information == "labels":
        raise InputError(
            f"fit({data!r}, validation_fraction={training.validation_fraction}): "
            f"{len(data) - n_aside} points to train on. Give at least {FEWEST_POINTS}, or set less "
            "aside."
        )
    if n_aside == 0:
        return data, None
    return data.split(len(data) - n_aside, seed=seed)


def _known_errors(model: Potential, data: SurfaceData) -> Errors | None:
    """Errors against labels, where the model is trained on labels."""
    return errors_of(model, data) if model.information == "labels" else None
