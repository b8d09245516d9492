"""What is known after some calls, and which call follows from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch

from qmlmat._heard import heard
from qmlmat.errors import InputError
from qmlmat.potentials.active.candidates import (
    Candidates,
    grid_order,
    random_order,
    sobol_order,
)
from qmlmat.potentials.active.result import Call, Step, Stop, Strategy
from qmlmat.potentials.base import Potential
from qmlmat.potentials.committee import Committee
from qmlmat.potentials.data import SAME_GEOMETRY, SurfaceData
from qmlmat.potentials.records import settings_hash
from qmlmat.potentials.training import Training, errors_of, fit
from qmlmat.potentials.training.errors import CHUNK
from qmlmat.provenance import content_hash
from qmlmat.surfaces import Surface
from qmlmat.typing import FloatArray

COMMITTEE: Final = 4
"""Members of a committee: the spread of fewer is itself mostly chance."""

ADAPTIVE: Final = ("variance", "committee")
"""Strategies that ask the model."""

FEWEST: Final = 2
"""Points without which nothing is trained."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What decides about calls."""

    strategy: Strategy
    """How geometries are chosen."""

    budget: int
    """Most calls."""

    n_start: int
    """Calls before the model is asked."""

    tolerance: float | None
    """Standard error at which it stops (hartree)."""

    seed: int
    """Seed of the first calls, of models and of trainings."""

    training: Training
    """The recipe of each training."""

    @property
    def adaptive(self) -> bool:
        """Whether the model is asked."""
        return self.strategy in ADAPTIVE


class Learner:
    """What is known so far, and what follows from it: the same from the same calls."""

    def __init__(
        self,
        candidates: Candidates,
        make: Callable[[int], Potential],
        rules: Rules,
        *,
        start: SurfaceData | None,
        test: SurfaceData | None,
    ) -> None:
        self.candidates, self.make, self.rules = candidates, make, rules
        self.start, self.test = start, test
        self.calls: list[Call] = []
        self.steps: list[Step] = []
        self.notes: list[str] = []
        self.model: Potential | None = None
        self.order = self._order()

    def _order(self) -> list[int]:
        """Return candidates in the order in which they are called without a model."""
        pool, rules = self.candidates, self.rules
        if rules.strategy == "grid":
            return grid_order(pool, rules.budget)
        if rules.strategy == "random" or (rules.adaptive and pool.unit_box is None):
            return random_order(pool, rules.seed)
        return sobol_order(pool, rules.seed)

    def inputs(self, surface: Surface) -> dict[str, Any]:
        """Return what choices depend on; the budget and the tolerance may change later."""
        rules, sets = self.rules, {"start": self.start, "test": self.test}
        return {
            "surface": surface.inputs(),
            "candidates": content_hash(self.candidates.positions.tolist()),
            "model": settings_hash(self.make(rules.seed)),
            "strategy": rules.strategy,
            "n_start": rules.n_start,
            "seed": rules.seed,
            "training": rules.training.inputs(),
            **{name: None if one is None else one.content_hash() for name, one in sets.items()},
            **({"budget": rules.budget} if rules.strategy == "grid" else {}),
        }

    def restore(self, records: Sequence[dict[str, Any]]) -> None:
        """Take over what a store holds, as far as the budget goes."""
        for record in records:
            if "call" in record and len(self.calls) < self.rules.budget:
                self.calls.append(Call.from_dict(record["call"]))
            if "step" in record and record["step"]["n_calls"] <= len(self.calls):
                self.steps.append(Step.from_dict(record["step"]))

    # ------------------------------------------------------------------------------- the data

    def data(self) -> SurfaceData | None:
        """Return all points that have energies; ``None`` if there are none."""
        good = [call for call in self.calls if call.energies is not None]
        if not good:
            return self.start
        positions = self.candidates.positions[[call.candidate for call in good]]
        energies = np.array([call.energies for call in good])
        forces = [call.forces for call in good if call.forces is not None]
        slopes = np.array(forces) if len(forces) == len(good) else None
        if self.start is not None:
            n_states = min(energies.shape[1], self.start.n_states)
            positions = np.concatenate([self.start.positions, positions])
            energies = np.concatenate([self.start.energies[:, :n_states], energies[:, :n_states]])
            both = slopes is not None and self.start.forces is not None
            slopes = np.concatenate([self.start.forces, slopes]) if both else None
        symbols = self.candidates.geometries[0].symbols
        return SurfaceData(symbols=symbols, positions=positions, energies=energies, forces=slopes)

    def free(self) -> list[int]:
        """Return the candidates that were not called, and are not among the first points."""
        taken = {call.candidate for call in self.calls} | self._known()
        return [index for index in range(len(self.candidates)) if index not in taken]

    def _known(self) -> set[int]:
        if self.start is None:
            return set()
        apart = self.candidates.positions[:, None] - self.start.positions[None]
        same = np.abs(apart).max(axis=(2, 3)) < SAME_GEOMETRY
        return set(np.flatnonzero(same.any(axis=1)).tolist())

    # ------------------------------------------------------------------------------ what next

    def needs_step(self) -> bool:
        """Return whether a model is trained at this number of calls."""
        data, rules = self.data(), self.rules
        if data is None or len(data) < FEWEST or self.last_step() is not None:
            return False
        if len(self.calls) >= rules.budget or not self.free():
            return True
        if rules.strategy == "grid" or len(self.calls) < rules.n_start:
            return False
        return rules.adaptive or self.test is not None or rules.tolerance is not None

    def last_step(self) -> Step | None:
        """Return what was learnt after the latest call, if anything was."""
        if self.steps and self.steps[-1].n_calls == len(self.calls):
            return self.steps[-1]
        return None

    def next_candidate(self) -> int | Stop:
        """Return the candidate to be called next, or why there is none."""
        step, rules = self.last_step(), self.rules
        if len(self.calls) >= rules.budget:
            return "budget"
        free = set(self.free())
        planned = next((index for index in self.order if index in free), None)
        if planned is None:
            return "complete"
        if step is None or step.largest_stderr is None:
            return planned
        if rules.tolerance is not None and step.largest_stderr < rules.tolerance:
            return "tolerance"
        return step.choice if rules.adaptive and step.choice is not None else planned

    def learn(self) -> Step:
        """Train a new model on all points and return what it knows."""
        data = self.data()
        assert data is not None
        with heard() as said:
            self.model = self.trained(data)
            step = self._step(self.model, len(data))
        self.notes += said
        self.steps.append(step)
        return step

    def trained(self, data: SurfaceData) -> Potential:
        """Return a new model, or a committee of them, trained on data."""
        rules = self.rules
        if rules.strategy != "committee":
            return fit(self.make(rules.seed), data, training=rules.training, seed=rules.seed).model
        seeds = range(COMMITTEE * rules.seed, COMMITTEE * (rules.seed + 1))
        return Committee(
            [fit(self.make(s), data, training=rules.training, seed=s).model for s in seeds]
        )

    def _step(self, model: Potential, n_points: int) -> Step:
        free = self.free()
        sure = _standard_errors(model, self.candidates.positions[free]) if free else None
        if sure is None and free and self.rules.strategy == "variance":
            raise InputError(
                f'active_learning(strategy="variance"): {type(model).__name__} knows no standard '
                'errors. Use a GaussianProcess, or strategy="committee".'
            )
        worst = None if sure is None else int(sure.argmax())
        return Step(
            n_calls=len(self.calls),
            n_points=n_points,
            errors=None if self.test is None else errors_of(model, self.test),
            largest_stderr=None if sure is None or worst is None else float(sure[worst]),
            choice=None if worst is None else free[worst],
        )


def _standard_errors(model: Potential, positions: FloatArray) -> FloatArray | None:
    """Return the largest standard error of any state at each geometry (hartree), if known."""
    found = []
    with torch.no_grad():
        for begin in range(0, len(positions), CHUNK):
            errors = model.stderr(model.as_tensor(positions[begin : begin + CHUNK]))
            if errors is None:
                return None
            found.append(errors.max(dim=1).values.double().numpy())
    return np.concatenate(found)
