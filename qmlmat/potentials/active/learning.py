"""Active learning: the model says where the expensive solver is asked next."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

from qmlmat.errors import InputError, nearest
from qmlmat.potentials.active.candidates import candidates_of
from qmlmat.potentials.active.learner import FEWEST, Learner, Rules
from qmlmat.potentials.active.result import ActiveLearning, Call, Step, Stop, Strategy
from qmlmat.potentials.base import Potential
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.records import RecordFile
from qmlmat.potentials.training import Training
from qmlmat.surfaces import Geometry, Path, Surface
from qmlmat.surfaces.running.task import Task, perform


@dataclass(frozen=True, kw_only=True)
class ActiveProgress:
    """How far active learning is; handed to ``on_call`` after each call."""

    n_calls: int
    """Calls made, those read from the store included."""

    budget: int
    """Most calls."""

    call: Call
    """The call just made."""

    step: Step | None
    """What was known before it."""


def active_learning(  # noqa: PLR0913 (what is asked, where, for which model, and when to stop)
    surface: Surface,
    candidates: Path | Sequence[Geometry],
    model: Callable[[int], Potential],
    *,
    budget: int,
    strategy: Strategy = "variance",
    n_start: int = 4,
    tolerance: float | None = None,
    start: SurfaceData | None = None,
    test: SurfaceData | None = None,
    training: Training | None = None,
    seed: int = 0,
    store: str | os.PathLike[str] | None = None,
    on_call: Callable[[ActiveProgress], None] | None = None,
) -> ActiveLearning:
    """Return what a model learns of a surface from a limited number of calls.

    The first calls are spread over the candidates (a Sobol sequence along the coordinates of a
    path, random in a list). From then on a new model is trained after each call, and the next one
    is where its standard error is largest: of a model that knows it (``"variance"``), or of a
    committee of networks (``"committee"``). ``"grid"``, ``"sobol"`` and ``"random"`` choose
    without a model, to compare with; a grid is that of the whole budget and is learnt at the end.

    Every point is computed by itself, without a warm start: the result does not depend on the order
    and a resumed run is the uninterrupted one. Points that fail, or whose solver does not
    converge, are recorded, count as calls, and are not asked again.

    Args:
        surface: The expensive one.
        candidates: Where it may be asked: a path, e.g. ``grid(...)`` or ``sample(...)``, or
            geometries.
        model: Returns a new untrained model of a seed.
        budget: Most calls.
        strategy: How geometries are chosen.
        n_start: Calls before the model is asked.
        tolerance: Largest predicted standard error at which it stops (hartree); ``None``: the
            budget alone.
        start: Points that are there already; they cost no call.
        test: Points at which the error is measured after each call; it has no part in choices.
        training: The recipe of each training.
        seed: Seed of the first calls, of models and of trainings.
        store: File that keeps every call as it arrives, and from which the same call goes on;
            ``None``: none is kept.
        on_call: Called after each call.

    Raises:
        InputError: If a number or the strategy cannot be used, or the model knows no standard
            error where it is needed.
        StoreMismatchError: If the store is of other inputs.

    References:
        Q. Lin, Y. Zhang, B. Zhao, B. Jiang, J. Chem. Phys. 152, 154104 (2020),
        doi:10.1063/5.0004944; E. Uteva, R. S. Graham, R. D. Wilkinson, R. J. Wheatley, J. Chem.
        Phys. 149, 174114 (2018), doi:10.1063/1.5051772 (Gaussian processes).
    """
    pool = candidates_of(candidates)
    _check(budget, strategy, n_start, tolerance)
    rules = Rules(
        strategy=strategy,
        budget=min(budget, len(pool)),
        n_start=n_start,
        tolerance=tolerance,
        seed=seed,
        training=training or Training(),
    )
    learner = Learner(pool, model, rules, start=start, test=test)
    file = None
    if store is not None:
        file = RecordFile(store, "active_learning", learner.inputs(surface))
        learner.restore(file.records)
    return _run(surface, learner, file, on_call)


def _check(budget: int, strategy: str, n_start: int, tolerance: float | None) -> None:
    if strategy not in get_args(Strategy):
        raise InputError(
            f'active_learning(strategy="{strategy}"): not known. '
            f"{nearest(strategy, get_args(Strategy))}"
        )
    if budget < 1 or n_start < 0:
        raise InputError(
            f"active_learning(budget={budget}, n_start={n_start}): use a budget of 1 or more, and "
            "n_start of 0 or more."
        )
    if tolerance is not None and not tolerance > 0.0:
        raise InputError(f"active_learning(tolerance={tolerance}): use a number above 0 (hartree).")


def _run(
    surface: Surface,
    learner: Learner,
    file: RecordFile | None,
    on_call: Callable[[ActiveProgress], None] | None,
) -> ActiveLearning:
    """Call the surface until there is a reason to stop."""
    while True:
        if learner.needs_step():
            _learn(learner, file)
        choice, step = learner.next_candidate(), learner.last_step()
        if isinstance(choice, str):
            return _result(learner, choice, file)
        outcome = perform(surface, Task(point=learner.candidates.geometries[choice]))
        if outcome.error is not None:
            raise outcome.error
        assert outcome.result is not None
        call = Call.of(choice, outcome.result)
        learner.calls.append(call)
        if file is not None:
            file.append({"call": call.to_dict()})
        if on_call is not None:
            n_calls, budget = len(learner.calls), learner.rules.budget
            on_call(ActiveProgress(n_calls=n_calls, budget=budget, call=call, step=step))


def _learn(learner: Learner, file: RecordFile | None) -> None:
    step = learner.learn()
    if file is not None:
        file.append({"step": step.to_dict()})


def _result(learner: Learner, status: Stop, file: RecordFile | None) -> ActiveLearning:
    data = learner.data()
    if data is None or len(data) < FEWEST:
        failed = sum(call.failed for call in learner.calls)
        raise InputError(
            f"active_learning(budget={learner.rules.budget}): {failed} of {len(learner.calls)} "
            f"calls failed, and {FEWEST} points are needed. Raise the budget, or look at why the "
            "surface fails at these geometries."
        )
    if learner.last_step() is None:
        _learn(learner, file)
    if learner.model is None:  # all of it was in the store
        learner.model = learner.trained(data)
    return ActiveLearning(
        strategy=learner.rules.strategy,
        calls=tuple(learner.calls),
        geometries=tuple(learner.candidates.geometries[call.candidate] for call in learner.calls),
        steps=tuple(learner.steps),
        status=status,
        data=data,
        model=learner.model,
        notes=tuple(dict.fromkeys(learner.notes)),
    )
