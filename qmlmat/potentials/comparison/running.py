"""The comparison itself: every arm on every training set, then one look at the test set."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from qmlmat._heard import heard
from qmlmat.errors import GeometryError, InputError, StoreMismatchError
from qmlmat.potentials.base import Potential
from qmlmat.potentials.comparison.arms import Arm
from qmlmat.potentials.comparison.result import Comparison
from qmlmat.potentials.comparison.runs import Run
from qmlmat.potentials.comparison.splits import Splits, make_splits
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.records import RecordFile, settings_hash
from qmlmat.potentials.regression import known_forces
from qmlmat.potentials.training import Training, fit
from qmlmat.potentials.training.errors import predicted
from qmlmat.surfaces.surface import FAILED, SLIPS
from qmlmat.typing import FloatArray

OPENED: Final = "opened"
"""Kind of the record that errors on the test set have been looked at."""


@dataclass(frozen=True, kw_only=True)
class ComparisonProgress:
    """How far a running comparison is; handed to ``on_run`` after each training."""

    done: int
    """Number of finished trainings, those read from the store included."""

    total: int
    """Number of trainings."""

    run: Run
    """The training just finished."""

    elapsed: float
    """Time since the comparison began (s)."""

    remaining: float | None
    """Estimated time to the end (s); ``None`` where all trainings so far were in the store."""


def compare(  # noqa: PLR0913 (what is compared, on which splits, with which budget, and where)
    data: SurfaceData,
    arms: Sequence[Arm],
    *,
    sizes: Sequence[int],
    seeds: Sequence[int],
    test: SurfaceData | int,
    training: Training | None = None,
    store: str | os.PathLike[str] | None = None,
    on_run: Callable[[ComparisonProgress], None] | None = None,
) -> Comparison:
    """Return what each arm learns from the same points with the same budget.

    A seed is one order of the training points, whose beginnings are the training sets, and one
    start of each model. Models see geometries of the test set after their training; its energies
    are looked at once, when everything is trained.

    Args:
        data: Points to train on, and to test on where ``test`` is a number.
        arms: What is compared; the first one is set beside the others.
        sizes: Numbers of training points.
        seeds: One series of trainings for each; five or more for a spread that says something.
        test: The test set, or how many points of ``data`` are put aside for it.
        training: The budget and recipe, the same for every arm.
        store: File of finished trainings, which are not done again, failed ones apart; ``None``:
            none is kept.
        on_run: Called after each training.

    Raises:
        GeometryError: If an arm or the test set is of other atoms than the data.
        InputError: If points, sizes, seeds or arms cannot be used, arms have different numbers of
            states, or forces count and there are none or an arm cannot learn them.
        StoreMismatchError: If the store is of other data, splits, settings or models.

    References:
        J. Bowles, S. Ahmed, M. Schuld, arXiv:2403.07059.
    """
    sizes, seeds, settings = sorted(sizes), list(seeds), training or Training()
    _check_arms(arms)
    splits = make_splits(data, sizes=sizes, seeds=seeds, test=test)
    models = {arm.name: arm.make(seeds[0]) for arm in arms}
    _check_data(list(models.values()), splits, settings)
    _check_losses(models, settings)
    book = _Book(splits, settings, store)
    runs: list[Run] = []
    plan, start = list(_plan(arms, sizes, seeds)), time.perf_counter()
    for arm, size, seed in plan:
        runs.append(book.run(arm, size, seed))
        if on_run is not None:
            elapsed, left = time.perf_counter() - start, len(plan) - len(runs)
            progress = ComparisonProgress(
                done=len(runs),
                total=len(plan),
                run=runs[-1],
                elapsed=elapsed,
                remaining=elapsed / book.n_trained * left if book.n_trained else None,
            )
            on_run(progress)
    book.open_test_set()
    return Comparison(
        arms=tuple(arm.name for arm in arms),
        sizes=tuple(sizes),
        seeds=tuple(seeds),
        splits=splits,
        runs=tuple(runs),
    )


def _check_arms(arms: Sequence[Arm]) -> None:
    names = [arm.name for arm in arms]
    if not names or len(set(names)) < len(names):
        raise InputError(f"compare(arms={names}): give one or more, each with a name of its own.")


def _check_data(models: Sequence[Potential], splits: Splits, training: Training) -> None:
    """Refuse before any work what would fail in every training of an arm."""
    for model in models:
        model.check_data(splits.pool)
    if splits.test.symbols != splits.pool.symbols:
        raise GeometryError(
            f"compare(test of {splits.test.symbols}): the data are of {splits.pool.symbols}. Give "
            "a test set of the same atoms in the same order."
        )
    numbers = [model.n_states for model in models]
    if len(set(numbers)) > 1:
        raise InputError(
            f"compare: the arms have {numbers} states. Make all of them with the same n_states."
        )
    if training.loss.force_weight:
        known_forces(splits.pool, training.loss)


def _check_losses(models: Mapping[str, Potential], training: Training) -> None:
    for name, model in models.items():
        try:
            model.check_loss(training.loss)
        except InputError as error:
            raise InputError(
                f'compare: the arm "{name}" cannot be trained like that: {error} Or leave this arm '
                "out."
            ) from error


def _plan(
    arms: Sequence[Arm], sizes: Sequence[int], seeds: Sequence[int]
) -> Iterator[tuple[Arm, int, int]]:
    """Yield trainings, small ones first, so that an interrupted comparison has whole columns."""
    for size in sizes:
        for seed in seeds:
            for arm in arms:
                yield arm, size, seed


class _Book:
    """Carries out trainings, or finds them in the store."""

    def __init__(
        self, splits: Splits, training: Training, store: str | os.PathLike[str] | None
    ) -> None:
        self.splits, self.training = splits, training
        self.file = None if store is None else RecordFile(store, "comparison", self._inputs())
        records = [] if self.file is None else self.file.records
        known = (Run.from_dict(record["run"]) for record in records if "run" in record)
        self.known = {run.key: run for run in known}
        self.n_trained = 0
        self.opened = any(OPENED in record for record in records)

    def _inputs(self) -> dict[str, Any]:
        """Return what all trainings depend on; arms, sizes and seeds may be added later."""
        return {
            "pool": self.splits.pool.content_hash(),
            "test": self.splits.test.content_hash(),
            "training": self.training.inputs(),
        }

    def run(self, arm: Arm, size: int, seed: int) -> Run:
        """Return one training."""
        model = arm.make(seed)
        model_hash = settings_hash(model)
        known = self.known.get((arm.name, size, seed))
        if known is not None:
            self._check_model(known, model_hash)
            if not known.failed:
                return known
        run = _trained(arm.name, model, self.splits, size=size, seed=seed, training=self.training)
        self.n_trained += 1
        run = replace(run, model_hash=model_hash, late=self.opened)
        if self.file is not None:
            self.file.append({"run": run.to_dict()})
        return run

    def _check_model(self, known: Run, model_hash: str) -> None:
        if known.model_hash != model_hash:
            assert self.file is not None
            raise StoreMismatchError(
                f'"{self.file.file}": the arm "{known.arm}" was another model when it was trained '
                "with this store. Give the changed arm a name of its own, or name another file."
            )

    def open_test_set(self) -> None:
        """Record that the errors are known from now on."""
        if self.file is not None and not self.opened:
            self.file.append({OPENED: self.splits.content_hash()})


def _trained(
    name: str, model: Potential, splits: Splits, *, size: int, seed: int, training: Training
) -> Run:
    start = time.perf_counter()
    blank = Run(
        arm=name,
        size=size,
        seed=seed,
        status=FAILED,
        model_hash="",
        information=model.information,
        n_weights=model.n_weights,
    )
    try:
        with heard() as said:
            found = fit(model, splits.training(size, seed), training=training, seed=seed)
            predictions = _predictions(model, splits.test)
    except SLIPS[:5]:
        raise  # a mistake in somebody's code, which no other training would be spared
    except Exception as error:  # noqa: BLE001 - whatever a training ends with is a result
        why = " ".join(f"{FAILED}: {type(error).__name__}: {error}".split())
        return replace(blank, status=why, wall_time=time.perf_counter() - start)
    if not np.isfinite(predictions).all():
        why = f"{FAILED}: a prediction is not finite"
        return replace(blank, status=why, wall_time=found.wall_time)
    return replace(
        blank,
        status=found.status,
        predictions=predictions,
        n_evaluations=found.n_evaluations,
        wall_time=found.wall_time,
        notes=tuple(dict.fromkeys([*found.notes, *said])),
    )


def _predictions(model: Potential, test: SurfaceData) -> FloatArray:
    """Return energies at the test set's geometries; its labels stay out of sight."""
    nothing = np.zeros((len(test), 1))
    blank = SurfaceData(symbols=test.symbols, positions=test.positions, energies=nothing)
    return predicted(model, blank, forces=False)[0]
