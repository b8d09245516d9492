"""A plan on its way: begun or taken up again, driven to its end, its answers with what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qmlmat.backends.requests import Counts, Estimate
from qmlmat.errors import LedgerError
from qmlmat.hardware.adapters.base import Adapter
from qmlmat.hardware.adapters.registry import make_adapter
from qmlmat.hardware.config import Target, limits
from qmlmat.hardware.cost import check_cost
from qmlmat.hardware.guards import JobReport, drifts, examine
from qmlmat.hardware.ledger.ledger import Ledger
from qmlmat.hardware.ledger.records import Totals
from qmlmat.hardware.plan import MeasurementPlan
from qmlmat.hardware.steps.work import RetryRules
from qmlmat.hardware.submission import Submission
from qmlmat.hardware.task import Answer


@dataclass(frozen=True, kw_only=True, eq=False)
class RunResult:
    """What a run measured."""

    answers: tuple[Estimate | Counts | None, ...]
    """The answer to each request; ``None`` where there is none that can be used, or none yet."""
    flags: tuple[tuple[str, ...], ...]
    """What is wrong with each answer, one phrase each: of the jobs it rests on, or why there is
    none."""
    jobs: tuple[JobReport | None, ...]
    """What is known of each job; ``None`` of one without an answer."""
    totals: Totals
    """What was reserved and spent."""

    @property
    def is_complete(self) -> bool:
        """Whether every request is answered."""
        return all(one is not None for one in self.answers)


class PlanRun:
    """A measurement plan on its way.

    Example:
        >>> run = PlanRun.start(plan, ledger, name="h2")  # doctest: +SKIP
        >>> run.submission.wait()  # doctest: +SKIP
        >>> run.result().answers  # doctest: +SKIP
    """

    def __init__(self, plan: MeasurementPlan, ledger: Ledger, name: str, adapter: Adapter) -> None:
        """Take up a run whose plan and tasks are in the ledger.

        Args:
            plan: What is measured.
            ledger: Where it is written down.
            name: Its name there.
            adapter: The provider's door.
        """
        self.plan = plan
        self.ledger = ledger
        self.name = name
        self.adapter = adapter
        self.submission = Submission(ledger, name, adapter, retry=retry_rules(plan.target))

    @classmethod
    def start(
        cls,
        plan: MeasurementPlan,
        ledger: Ledger,
        *,
        name: str,
        adapter: Adapter | None = None,
    ) -> PlanRun:
        """Return a run, begun where it is not: nothing is sent before ``submission`` is told to.

        Begun again under the same name it is the same run, and nothing is measured twice; layout,
        budget and credentials may have changed.

        Args:
            plan: What is measured.
            ledger: Where it is written down.
            name: Its name. Another name measures, and pays, again.
            adapter: The provider's door; made from the plan's target by default.

        Raises:
            BudgetError: If the plan is over its budget; the network was not used.
            LedgerError: If a run of this name measures something else.
        """
        plan = _cut_as_begun(plan, ledger, name)
        check_cost(plan.cost, plan.target, run=name)
        tree = plan.to_dict()
        target = tree.pop("target")
        ledger.begin(name, tree, plan.target.fingerprint(), plan.target.budget)
        ledger.keep_target(name, target)
        _add(ledger, name, plan)
        door = make_adapter(plan.target, folder=ledger.folder) if adapter is None else adapter
        return cls(plan, ledger, name, door)

    @classmethod
    def resume(cls, ledger: Ledger, name: str, *, adapter: Adapter | None = None) -> PlanRun:
        """Return a run that was begun, by this process or another.

        Args:
            ledger: Where it is written down.
            name: Its name.
            adapter: The provider's door; made from the run's target by default.

        Raises:
            LedgerError: If there is no such run, or a solver drives it.
        """
        record = ledger.run(name)
        if "requests" not in record.plan:
            raise LedgerError(
                f'run "{name}": it belongs to a solver, which has to ask again. Run the same '
                "script: what is answered is not measured again."
            )
        tree = dict(record.plan) | {"target": ledger.kept_target(name)}
        plan = MeasurementPlan.from_dict(tree, name=f'run "{name}"')
        _add(ledger, name, plan)  # a process killed between begin and add left none
        door = make_adapter(plan.target, folder=ledger.folder) if adapter is None else adapter
        return cls(plan, ledger, name, door)

    def result(self) -> RunResult:
        """Return what is measured so far, with what is wrong.

        Raises:
            CorruptResultError: If a stored result was damaged.
        """
        keys = [task.key() for task in self.plan.tasks(self.name)]
        found = self.submission.answers()
        records = {one.key: one for one in self.ledger.tasks(self.name)}
        reports: list[JobReport | None] = []
        bits: list[Sequence[Sequence[int]]] = []
        for key in keys:
            if key not in found:
                reports.append(None)
                bits.append(())
                continue
            record = records[key]
            payload = self.ledger.payload(record)
            bits.append(payload.bit_qubits)
            snapshot = self.ledger.calibration(record)
            task = self.ledger.task(key)
            reports.append(examine(task, found[key], payload.layout, snapshot, self.plan.target))
        reports = _with_drift(reports)
        answers, flags = self._answers([found.get(key) for key in keys], bits, reports)
        return RunResult(
            answers=tuple(answers),
            flags=tuple(flags),
            jobs=tuple(reports),
            totals=self.ledger.totals(self.name),
        )

    def _answers(
        self,
        found: Sequence[list[Answer] | None],
        bits: Sequence[Sequence[Sequence[int]]],
        reports: Sequence[JobReport | None],
    ) -> tuple[list[Estimate | Counts | None], list[tuple[str, ...]]]:
        """Return answers and flags of the requests whose jobs are all there."""
        plan = self.plan
        answers, problems = plan.answers(found, bits)
        flags: list[tuple[str, ...]] = []
        for place, jobs in enumerate(_jobs_of_requests(plan)):
            lines: dict[str, None] = {}
            if place in problems:
                lines[problems[place]] = None
            elif answers[place] is None:
                lines["not measured yet, or its job failed"] = None
            for job in jobs:
                report = reports[job]
                for flag in () if report is None else report.flags:
                    lines[f"job {job + 1}: {flag}"] = None
            flags.append(tuple(lines))
        return answers, flags


def _cut_as_begun(plan: MeasurementPlan, ledger: Ledger, name: str) -> MeasurementPlan:
    """Return a plan cut into jobs as its run was begun, whatever the limits are today."""
    begun = {one.name: one.plan for one in ledger.runs()}
    cut = begun.get(name, {}).get("cut")
    if cut is None:
        return plan.as_cut()
    stored = MeasurementPlan.from_dict(plan.to_dict() | {"cut": cut}, name=f'run "{name}"')
    return stored if stored.fits_cut else plan.as_cut()


def _add(ledger: Ledger, name: str, plan: MeasurementPlan) -> None:
    """Write a plan's jobs down where there are none yet."""
    tasks = plan.tasks(name)
    known = {one.key for one in ledger.tasks(name)}
    if known and known != {task.key() for task in tasks}:
        raise LedgerError(
            f'run "{name}": it was cut into {len(known)} other jobs than the {len(tasks)} of '
            "today, and all would be paid again. Set [mode] and [limits] as they were, or give the "
            "run another name."
        )
    ledger.add(name, tasks)


def retry_rules(target: Target) -> RetryRules:
    """Return a target's ``[retry]``, with the provider's pace where the file names none."""
    interval = limits(target).min_submit_interval_s
    return target.retry.model_copy(update={"min_submit_interval_s": interval})


def _with_drift(reports: Sequence[JobReport | None]) -> list[JobReport | None]:
    known = [k for k, one in enumerate(reports) if one is not None]
    said = drifts([one for one in reports if one is not None])
    found = list(reports)
    for place, text in said.items():
        own = reports[known[place]]
        assert own is not None
        found[known[place]] = replace(own, flags=(*own.flags, text))
    return found


def _jobs_of_requests(plan: MeasurementPlan) -> list[list[int]]:
    """Return for each request the numbers of the jobs that its answer rests on."""
    jobs_of_sent: dict[int, set[int]] = {}
    for job, pieces in enumerate(plan.pieces):
        for piece in pieces:
            jobs_of_sent.setdefault(piece.program, set()).add(job)
    found = []
    for part in plan.asked.parts:
        jobs: set[int] = set()
        for share in plan.bundle.shares[part]:
            sent = {share} if isinstance(share, int) else {one.sent for one in share}
            for one in sent:
                jobs |= jobs_of_sent[one]
        found.append(sorted(jobs))
    return found
