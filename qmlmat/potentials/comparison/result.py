"""What a comparison gives: every run, tables of medians, learning curves, and sentences."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from qmlmat.errors import InputError, nearest
from qmlmat.potentials.comparison.curves import LearningCurve, learning_curve
from qmlmat.potentials.comparison.rows import ComparisonRow, spread_of
from qmlmat.potentials.comparison.runs import Run, run_errors
from qmlmat.potentials.comparison.splits import Splits
from qmlmat.potentials.comparison.words import summary_sentences
from qmlmat.potentials.training.errors import Errors


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Arms that were trained on the same splits with the same budget."""

    arms: tuple[str, ...]
    """Names of the arms; the first one is compared with all others."""

    sizes: tuple[int, ...]
    """Sizes of training sets, ascending."""

    seeds: tuple[int, ...]
    """Seeds of training sets and starts."""

    splits: Splits
    """The sets."""

    runs: tuple[Run, ...]
    """Every training, failed ones included, by arm, size and seed."""

    def __repr__(self) -> str:
        """Return counts and failures; ``table()`` holds the rest."""
        failed = sum(run.failed for run in self.runs)
        return (
            f"Comparison({len(self.arms)} arms, sizes {list(self.sizes)}, {len(self.seeds)} seeds, "
            f"{len(self.splits.test)} test points, {failed} of {len(self.runs)} runs failed)"
        )

    @cached_property
    def errors(self) -> dict[tuple[str, int, int], Errors | None]:
        """Errors by arm, size and seed (hartree); ``None`` of failed runs."""
        energies = self.splits.test.energies
        return {run.key: run_errors(run, energies) for run in self.runs}

    def table(self) -> tuple[ComparisonRow, ...]:
        """Return one row for each arm and size."""
        return tuple(self.row(arm, size) for arm in self.arms for size in self.sizes)

    def row(self, arm: str, size: int) -> ComparisonRow:
        """Return medians over seeds of one arm at one size.

        Raises:
            InputError: If there is no such arm or size.
        """
        runs = [run for run in self.runs if (run.arm, run.size) == (arm, size)]
        if not runs:
            raise InputError(
                f'Comparison.row("{arm}", {size}): there are the sizes {list(self.sizes)}, and '
                f"{nearest(arm, self.arms)}"
            )
        found = [e for e in (self.errors[run.key] for run in runs) if e is not None]
        return ComparisonRow(
            arm=arm,
            size=size,
            n_runs=len(runs),
            n_failed=sum(run.failed for run in runs),
            n_exhausted=sum(run.status == "iteration_limit" for run in runs),
            n_late=sum(run.late for run in runs),
            information=runs[0].information,
            n_weights=runs[0].n_weights,
            rmse=spread_of([e.rmse for e in found]),
            mae=spread_of([e.mae for e in found]),
            largest=spread_of([e.largest for e in found]),
            wall_time=float(np.median([run.wall_time for run in runs])),
        )

    def curve(self, arm: str) -> LearningCurve:
        """Return how an arm's error falls with the number of training points.

        Raises:
            InputError: If there is no such arm.
        """
        rows = [self.row(arm, size) for size in self.sizes]
        series = [
            [None if (e := self.errors[arm, size, seed]) is None else e.rmse for size in self.sizes]
            for seed in self.seeds
        ]
        medians = [None if row.rmse is None else row.rmse.median for row in rows]
        return learning_curve(arm, self.sizes, medians, series)

    def summary(self) -> tuple[str, ...]:
        """Return what the table says in sentences, the first arm compared with every other."""
        curves = {arm: self.curve(arm) for arm in self.arms}
        sentences = summary_sentences(self.table(), curves, subject=self.arms[0])
        if self.sizes[-1] < len(self.splits.pool):
            return sentences
        return (
            *sentences,
            f"With {self.sizes[-1]} points, all there are to train on, seeds differ in the models' "
            "starts alone: the spread is smaller than that over training sets.",
        )
