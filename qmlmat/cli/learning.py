"""What ``qmlmat fit`` and ``qmlmat predict`` do."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from qmlmat.cli.learning_input import load_fit_input
from qmlmat.cli.learning_output import (
    ErrorsOutput,
    FitOutput,
    PredictionOutput,
    PredictOutput,
)
from qmlmat.cli.screen import ExitCode, Screen
from qmlmat.errors import ConfigError, GeometryError, InputError, StoreError

if TYPE_CHECKING:
    from qmlmat.potentials.base import Potential
    from qmlmat.potentials.data import SurfaceData
    from qmlmat.potentials.training import Errors, Fit, FitProgress, Training
    from qmlmat.surfaces import Geometry

SHOWN: Final = 40
"""Geometries that are shown one by one; of more, the table has the first."""

MOST_LENGTHS: Final = 1_000_000
"""Lengths that a word may stand for: a slip of the finger is not to fill the memory."""


def fit(screen: Screen, file: Path, *, output: Path | None, plot: Path | None) -> ExitCode:
    """Train the model that an input file asks for, test it, write and draw it.

    Raises:
        ConfigError: If the input breaks a rule.
        InputError: If data or files cannot be used.
        StoreError: If a file is damaged or cannot be written.
    """
    from qmlmat.cli.learning_build import (  # noqa: PLC0415 - loads torch
        build_data,
        build_model,
        build_training,
        describe,
    )
    from qmlmat.potentials.storage import save_potential  # noqa: PLC0415
    from qmlmat.potentials.training import errors_of  # noqa: PLC0415
    from qmlmat.report import check_plot_file, errors_table, plot_fit  # noqa: PLC0415

    document = load_fit_input(file)
    name = output or file.with_suffix("")
    figure = check_plot_file(plot or file.with_suffix(".png"), call="plot_fit")
    _check_model_place(name)
    data, test = build_data(document.data, file.parent)
    model = build_model(document, data.symbols)
    kept = name.with_name(f"{name.name}.checkpoint")
    found = _trained(screen, model, data, build_training(document.training), kept)
    errors: dict[str, Errors | None] = {
        "train": found.train_errors,
        "validation": found.validation_errors,
        "test": None if test is None else errors_of(model, test),
    }
    card = save_potential(model, name, fit=found, test=test)
    kept.unlink(missing_ok=True)
    points = {"train": data} if test is None else {"train": data, "test": test}
    plot_fit(found, points, figure, title=document.title)
    heading = describe(document.model, model)
    result = _fit_output(found, errors, title=document.title or heading, card=card, plot=figure)
    screen.document(result)
    known = {points: value for points, value in errors.items() if value is not None}
    screen.say(errors_table(known, title=result.title))
    screen.say(f"Training: {result.status} after {result.n_steps} steps. {result.advice}")
    screen.say(*(f"Note: {note}" for note in result.notes if note != result.advice))
    screen.say(f"Model:  {card}", f"Figure: {figure}", f"Time:   {result.wall_time:.1f} s")
    return ExitCode.NOT_CONVERGED if found.status == "not_finite" else ExitCode.OK


def _check_model_place(name: Path) -> None:
    """Refuse to overwrite a file that is no model, before any work."""
    from qmlmat.potentials.storage import card_file, read_card  # noqa: PLC0415 - loads torch

    card = card_file(name)
    numbers = card.with_suffix(".safetensors")
    there = [place for place in (card, numbers) if place.exists()]
    if there:
        try:
            read_card(card)
        except (InputError, StoreError) as error:
            raise ConfigError(
                f'"{there[0]}" is there and is no model; it is left as it is. Choose another name: '
                "--output NAME"
            ) from error


def _trained(
    screen: Screen, model: Potential, data: SurfaceData, training: Training, kept: Path
) -> Fit:
    from qmlmat.potentials.training import fit as train  # noqa: PLC0415 - loads torch

    with screen.progress("training") as bar:

        def show(progress: FitProgress) -> None:
            screen.on_interrupt = (
                f"{progress.done} of {progress.total} steps are kept in {kept}; the same command "
                "goes on."
            )
            if bar is not None:
                bar.show(progress, f"steps, loss {progress.last.loss:.3g}")

        return train(model, data, training=training, checkpoint=kept, progress=show)


def _fit_output(
    found: Fit, errors: dict[str, Errors | None], *, title: str, card: Path, plot: Path
) -> FitOutput:
    from qmlmat.potentials.training import FIT_ADVICE  # noqa: PLC0415 - loads torch

    model = found.model
    return FitOutput(
        title=title,
        model=type(model).__name__,
        atoms=list(model.symbols),
        n_states=model.n_states,
        n_weights=model.n_weights,
        status=found.status,
        advice=FIT_ADVICE[found.status],
        n_steps=found.history[-1].step,
        n_evaluations=found.n_evaluations,
        loss=found.best.loss,
        errors={k: ErrorsOutput.from_errors(e) for k, e in errors.items() if e is not None},
        file=str(card),
        plot=str(plot),
        notes=list(found.notes),
        wall_time=found.wall_time,
    )


def predict(screen: Screen, model: Path, geometries: str, *, forces: bool) -> ExitCode:
    """Predict energies at geometries, and mark those outside of the training data.

    Raises:
        GeometryError: If a geometry is of other atoms.
        InputError: If a file cannot be used.
        StoreError: If a file is damaged.
    """
    from qmlmat.potentials.storage import card_file, load_potential  # noqa: PLC0415 - loads torch

    start = time.perf_counter()
    loaded = load_potential(model)
    results = [loaded.evaluate(point) for point in _geometries(geometries, loaded)]
    for number, result in enumerate(results):
        if result.failed:  # e.g. two atoms at one place
            raise GeometryError(
                f"GEOMETRIES, number {number}: {' '.join((f'{result.status}.', *result.notes))} "
                "Correct the geometry, or leave it out."
            )
    points = [PredictionOutput.from_result(result, forces=forces) for result in results]
    output = PredictOutput(
        model=str(card_file(model)),
        atoms=list(loaded.symbols),
        unit=loaded.unit,
        n_outside=sum(bool(point.outside) for point in points),
        points=points,
        wall_time=time.perf_counter() - start,
    )
    screen.document(output)
    _show(screen, output)
    return ExitCode.OK


def _geometries(words: str, model: Potential) -> list[Geometry]:
    if not words.startswith("r="):
        from qmlmat.potentials.data_files import load_geometries  # noqa: PLC0415 - loads torch

        return load_geometries(words)
    import numpy as np  # noqa: PLC0415

    from qmlmat.surfaces import Geometry  # noqa: PLC0415 - loads pyscf

    if len(model.symbols) != 2:
        raise ConfigError(
            f'GEOMETRIES "{words}": lengths say where two atoms are, the model has '
            f"{len(model.symbols)}. Give a file: .xyz, .extxyz, .npz, or the store of a scan."
        )
    return [
        Geometry(model.symbols, np.array([[0, 0, 0], [0, 0, r]], dtype=np.float64))
        for r in _lengths(words)
    ]


def _lengths(words: str) -> list[float]:
    """Return the lengths of ``r=0.7,0.9`` or ``r=0.5:3.0:26`` (Å)."""
    text = words.removeprefix("r=")
    try:
        if ":" not in text:
            return [_length(part) for part in text.split(",")]
        first, last, number = text.split(":")
        low, high, steps = _length(first), _length(last), int(number) - 1
        if not 1 <= steps < MOST_LENGTHS:
            raise ValueError(f"{number} of them")
        return [low + (high - low) * k / steps for k in range(steps + 1)]
    except ValueError as error:
        raise ConfigError(
            f'GEOMETRIES "{words}": not lengths ({error}). Write r=0.7,0.9 or r=0.5:3.0:26, first, '
            "last and number (Å)."
        ) from error


def _length(text: str) -> float:
    length = float(text)
    if not 0.0 < length < float("inf"):
        raise ValueError(f"{text} is no length")
    return length


def _show(screen: Screen, output: PredictOutput) -> None:
    from qmlmat.report.fit_table import predictions_table  # noqa: PLC0415 - loads rich's tables

    shown = output.points[:SHOWN]
    screen.say(
        predictions_table(
            [point.energies for point in shown],
            [point.stderr for point in shown],
            [bool(point.outside) for point in shown],
            unit=output.unit,
        )
    )
    if len(output.points) > len(shown):
        screen.say(f"... and {len(output.points) - len(shown)} more: --json prints all of them.")
    for number, point in enumerate(shown):
        if point.forces is not None:
            screen.say(f"Forces at {number} ({output.unit}/Å):")
            for atom, force in zip(output.atoms, point.forces, strict=True):
                screen.say(f"  {atom:2} {force[0]:14.8f} {force[1]:14.8f} {force[2]:14.8f}")
    screen.say(*(f"{n}: {point.outside}" for n, point in enumerate(shown) if point.outside))
    if output.n_outside:
        screen.hint(
            f"{output.n_outside} of {len(output.points)} geometries lie outside of the training "
            "data: nothing is known of the error there."
        )
