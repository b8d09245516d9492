"""How far a training is, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from qmlmat.potentials.training.descent import Descent
from qmlmat.potentials.training.result import FitStep


@dataclass(frozen=True, kw_only=True)
class FitProgress:
    """How far a training is; handed to ``progress`` at the start and after each step."""

    done: int
    """Number of steps taken, those before an interruption included."""

    total: int
    """Most steps there will be."""

    last: FitStep
    """The last step."""

    best: FitStep
    """The step with the lowest validation loss, else the lowest loss."""

    elapsed: float
    """Time of the training, that before an interruption included (s)."""

    remaining: float | None
    """Estimated time to the last step (s); ``None`` before the first step of this run."""


class Watch:
    """Times a training and tells ``progress`` about it."""

    def __init__(self, descent: Descent, progress: Callable[[FitProgress], None] | None) -> None:
        self._descent, self._progress = descent, progress
        self._start = time.perf_counter()
        self._first: int | None = None
        self.before = 0.0
        """Time spent before an interruption (s)."""

    @property
    def elapsed(self) -> float:
        """Time of the training, that before an interruption included (s)."""
        return self.before + time.perf_counter() - self._start

    def report(self) -> None:
        """Tell ``progress`` where the training is now."""
        if self._progress is None:
            return
        done, total = self._descent.step, self._descent.n_steps
        self._first = done if self._first is None else self._first
        taken = done - self._first
        here = time.perf_counter() - self._start
        self._progress(
            FitProgress(
                done=done,
                total=total,
                last=self._descent.history[-1],
                best=self._descent.best,
                elapsed=self.elapsed,
                remaining=here / taken * (total - done) if taken else None,
            )
        )
