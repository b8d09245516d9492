"""The verb that trains a model: ``fit(model, data)``."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from qmlmat.errors import InputError
from qmlmat.potentials.base import Potential
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.training.checkpoint import EVERY, Checkpoint, checkpoint_inputs
from qmlmat.potentials.training.descent import Descent
from qmlmat.potentials.training.errors import Errors, errors_of
from qmlmat.potentials.training.progress import FitProgress, Watch
from qmlmat.potentials.training.result import FIT_ADVICE, Fit
from qmlmat.potentials.training.settings import Training
from qmlmat.surfaces import Scan

FEWEST_POINTS: Final = 2
"""Points without which there is no scale of energies."""

TROUBLED: Final = ("not_finite", "stalled")
"""Statuses whose advice is a note, too."""


def fit(  # noqa: PLR0913 (what is trained on what, how, and who is told)
    model: Potential,
    data: SurfaceData | Scan,
    *,
    training: Training | None = None,
    validation: SurfaceData | None = None,
    seed: int = 0,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: Callable[[FitProgress], None] | None = None,
) -> Fit:
    """Return a trained model and the record of its training.

    The model is trained in place: scales and domain are taken from the training data, Adam and then
    L-BFGS lower its objective, the weights of the lowest validation loss are kept (of the lowest
    loss where there is none), and the model is conditioned on the training data. Ctrl-C passes
    through: the model then has the best weights so far, and the checkpoint all that was done.

    Args:
        model: Any potential; training goes on from the weights it has.
        data: What it learns from; of a scan the points that are finished.
        training: The recipe.
        validation: Points that say when to stop, instead of a part of ``data``. A model that needs
            none is only tested on them.
        seed: Seed of the draw of the validation points.
        checkpoint: A file that is written every 25 steps and when training stops, however it
            stops. Where it exists, training goes on from it, to the same weights bit by bit;
            ``n_lbfgs``, ``patience`` and ``gradient_tolerance`` may have changed.
        progress: Called with how far the training is, at the start and after each step.

    Raises:
        GeometryError: If the data are of other atoms.
        InputError: If there are too few points or states, no forces where forces count, or the
            loss is not finite at the start.
        StoreMismatchError: If the checkpoint is of another training.
        StoreError: If the checkpoint cannot be read or written.
    """
    training = training or Training()
    data = SurfaceData.from_scan(data) if isinstance(data, Scan) else data
    model.check_data(data)
    train, held_out = _parts(model, data, training, validation, seed)
    model.prepare(train)
    stopping = None
    if held_out is not None and model.holds_out:
        stopping = model.objective(held_out, training.loss)
    params = [p for p in model.parameters() if p.requires_grad]
    descent = Descent(params, model.objective(train, training.loss), stopping, training)
    kept = None
    if checkpoint is not None:
        kept = Checkpoint(checkpoint, checkpoint_inputs(model, train, held_out, training))
    watch = Watch(descent, progress)
    _descend(descent, kept, watch)
    model.condition(train)
    return Fit(
        model=model,
        status=descent.status,
        history=tuple(descent.history),
        best=descent.best,
        train_errors=_known_errors(model, train),
        validation_errors=None if held_out is None else errors_of(model, held_out),
        training=training,
        seed=seed,
        data_hash=data.content_hash(),
        n_points=len(data),
        n_evaluations=descent.slope.n_evaluations,
        wall_time=watch.elapsed,
        notes=(FIT_ADVICE[descent.status],) if descent.status in TROUBLED else (),
    )


def _descend(descent: Descent, kept: Checkpoint | None, watch: Watch) -> None:
    """Take all steps, write the checkpoint, and leave the model with the best weights."""
    if kept is not None:
        watch.before = kept.restore(descent)
    descent.check_start()
    last = descent.snapshot()
    if kept is not None:
        kept.write(last, watch.elapsed)  # a wrong place is found out before the work
    try:
        watch.report()
        for step in descent.steps():
            if kept is not None:
                last = descent.snapshot()
                if step.step % EVERY == 0:
                    kept.write(last, watch.elapsed)
            watch.report()
    finally:
        # After Ctrl-C in the middle of a step: the state behind the last one that was finished.
        descent.take_best()
        if kept is not None:
            kept.write(last, watch.elapsed)


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
