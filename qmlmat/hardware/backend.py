"""A backend whose answers are in a ledger: any solver goes on where it was, and pays once."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from itertools import count
from typing import Any

from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.base import QubitBackend
from qmlmat.backends.qubits.estimation import SampledEstimator
from qmlmat.backends.qubits.jobs import Batch, CountDoor, CountJob, ExpectationDoor, Measured
from qmlmat.backends.qubits.mitigation import Mitigation
from qmlmat.backends.requests import Request
from qmlmat.errors import CapabilityError, HardwareError, LedgerError, QmlmatWarning
from qmlmat.hardware.adapters.base import Adapter
from qmlmat.hardware.adapters.registry import make_adapter
from qmlmat.hardware.asking import Wires, fitting, learn_wires
from qmlmat.hardware.bundling import bundled
from qmlmat.hardware.config import Target
from qmlmat.hardware.guards import examine
from qmlmat.hardware.jobs import job_pieces, job_tasks
from qmlmat.hardware.ledger.ledger import Ledger
from qmlmat.hardware.runs import retry_rules
from qmlmat.hardware.sentinel import sentinel_of_batch, sentinel_of_counts
from qmlmat.hardware.splitting import assembled
from qmlmat.hardware.submission import Progress, Submission
from qmlmat.hardware.task import Answer, Program, Sentinel, Task


@dataclass(frozen=True)
class LedgerBackend(QubitBackend):
    """A target's device behind a ledger: the n-th call of a run is answered from it, or sent.

    A solver that is started again, by another process or after a kill, asks the same questions in
    the same order: those that are answered cost nothing, and the first that is not is waited for.
    So everything before a call must be deterministic: seed the solver. ``open`` makes one with the
    shots and the mitigation that the target names.

    Example:
        >>> import qmlmat as qm
        >>> from tempfile import TemporaryDirectory
        >>> h2 = qm.molecular_hamiltonian(qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735"))
        >>> found = qm.solve(h2, qm.VQE("uccsd"))
        >>> with TemporaryDirectory() as folder, qm.Ledger.open(folder) as ledger:
        ...     device = qm.LedgerBackend.open(
        ...         qm.load_target("local_aer"),
        ...         ledger,
        ...         run="h2",
        ...         mapping=h2.qubit_mapping("parity", reduced=True),
        ...     )
        ...     measured = qm.measure_solution(h2, found, device)
        >>> bool(abs(measured.energy - found.energy) < 5 * measured.stderr[0])
        True
    """

    target: Target
    """Where circuits run."""
    ledger: Ledger
    """Where everything is written down."""
    _: KW_ONLY
    name: str
    """Name of the run in the ledger: another name measures, and pays, again."""
    adapter: Adapter
    """The provider's door."""
    watch: Callable[[Progress], None] | None = None
    """Told after every look at the jobs."""
    steps: Iterator[int] = field(default_factory=count, compare=False, repr=False)
    """Numbers of the calls to come."""
    interrupted: list[int] = field(default_factory=list, compare=False, repr=False)
    """The call that did not come to its end, if there is one."""

    @classmethod
    def open(
        cls,
        target: Target,
        ledger: Ledger,
        *,
        run: str,
        adapter: Adapter | None = None,
        **settings: Any,  # noqa: ANN401 (the fields)
    ) -> LedgerBackend:
        """Return the backend of a run, begun where it is not.

        Args:
            target: Where circuits run.
            ledger: Where everything is written down.
            run: Name of the run.
            adapter: The provider's door; made from the target by default.
            settings: Fields of the backend; shots and mitigation are the target's by default.

        Raises:
            LedgerError: If a run of this name is a plan's, or has other settings.
        """
        door = make_adapter(target, folder=ledger.folder) if adapter is None else adapter
        given = {
            "shots": target.sampling.shots,
            "mitigation": Mitigation(**target.mitigation.model_dump()),
            **settings,
        }
        found = cls(target, ledger, name=run, adapter=door, **given)
        inputs = {k: v for k, v in found.inputs().items() if k != "device"}
        ledger.begin(run, {"driver": inputs}, target.fingerprint(), target.budget)
        ledger.keep_target(run, target.model_dump(mode="json", exclude_none=True))
        return found

    @property
    def device_name(self) -> str:
        """Provider and device, in records."""
        return self.adapter.name

    @property
    def counts_bits(self) -> bool:
        """Whether bit strings are counted."""
        return self.target.primitive == "sampler"

    def door(self, shots: int | None, seed: int | None) -> ExpectationDoor:  # noqa: ARG002 (as all)
        """Return what measures expectations; see ``QubitBackend.door``."""
        if shots is None:
            raise CapabilityError(
                f"LedgerBackend({self.target.name}, shots=None): a device needs shots. Set "
                "shots=8192, or [sampling] shots in the target."
            )
        return _LedgerDoor(self)

    def count_door(self, seed: int | None) -> CountDoor:  # noqa: ARG002 (the device's own chance)
        """Return what counts bit strings; see ``QubitBackend.count_door``."""
        if not self.counts_bits:
            raise CapabilityError(
                f'{self.target.name}: primitive = "estimator" gives expectations, not counts. Use '
                'a target with primitive = "sampler".'
            )
        return _LedgerDoor(self)

    def mitigation_of(self, request: Request) -> Mitigation:
        """Return what can be mitigated of a request; see ``fitting``."""
        return fitting(self.mitigation, request)

    def measured(
        self, programs: Sequence[Program], sentinel: Sentinel | None, wires: Wires
    ) -> list[Answer]:
        """Return the answers of the next call: from the ledger, or from the device.

        Args:
            programs: What is measured.
            sentinel: What is measured beside it in every job.
            wires: Learns where bits are read.

        Raises:
            BudgetError: If they do not fit into what is left of the budget; nothing was sent.
            LedgerError: If the run asked something else here before.
            HardwareError: If a job failed.
        """
        if self.interrupted:
            raise LedgerError(
                f'run "{self.name}": call {self.interrupted[0] + 1} was interrupted, and those '
                "after it would be others. Open the backend anew and start again "
                "(LedgerBackend.open): what is answered is not paid again."
            )
        step = next(self.steps)
        try:
            return self._measured(programs, sentinel, wires, step)
        except BaseException:
            self.interrupted.append(step)
            raise

    def _measured(
        self, programs: Sequence[Program], sentinel: Sentinel | None, wires: Wires, step: int
    ) -> list[Answer]:
        bundle = bundled(programs)
        pieces = job_pieces(bundle.sent, sentinel, self.target)
        where = (self.name, step)
        tasks = job_tasks(bundle.sent, sentinel, pieces, self.target, where)
        answers = self._answered(tasks)
        for task, own in zip(tasks, pieces, strict=True):
            payload = self.ledger.payload(self.ledger.record(task.key()))
            sent = [bundle.sent[piece.program] for piece in own]
            learn_wires(wires, sent, payload.bit_qubits[: len(sent)])
        own_answers = [found[: len(own)] for found, own in zip(answers, pieces, strict=True)]
        whole = bundle.unbundled(assembled(bundle.sent, pieces, own_answers))
        return [one for one in whole if one is not None]

    @cached_property
    def _submission(self) -> Submission:
        """What drives the run: one for all calls, since it remembers answers it has read."""
        return Submission(self.ledger, self.name, self.adapter, retry=retry_rules(self.target))

    def _answered(self, tasks: Sequence[Task]) -> list[list[Answer]]:
        """Return the answers of tasks, waited for."""
        keys = [task.key() for task in tasks]
        step = tasks[0].step
        known = {one.key for one in self.ledger.tasks(self.name) if one.step == step}
        if known - set(keys):
            raise LedgerError(
                f'run "{self.name}": call {step + 1} asked something else when it was first made. '
                "Start with the same inputs and seed, or give the run another name."
            )
        self.ledger.add(self.name, tasks)
        self._submission.wait(watch=self.watch)
        found = self._submission.answers()
        for key in keys:
            if key not in found:
                record = self.ledger.record(key)
                raise HardwareError(
                    f'run "{self.name}", call {step + 1}: the job is {record.state} '
                    f"({record.message}). Nothing answered is lost: see to the cause and start "
                    "again, with [retry] resubmit_failed = true where it shall be sent again."
                )
        self._warn(tasks, found)
        return [found[key] for key in keys]

    def _warn(self, tasks: Sequence[Task], found: dict[str, list[Answer]]) -> None:
        """Warn of what is wrong with jobs."""
        for task in tasks:
            record = self.ledger.record(task.key())
            layout = self.ledger.payload(record).layout
            snapshot = self.ledger.calibration(record)
            report = examine(task, found[task.key()], layout, snapshot, self.target)
            for flag in report.flags:
                warnings.warn(
                    f'run "{self.name}", call {task.step + 1}, job {task.part + 1}: {flag}.',
                    QmlmatWarning,
                    stacklevel=2,
                )


@dataclass(eq=False)
class _LedgerDoor:
    """The device as a door of counts, and of expectations by them or by the provider."""

    backend: LedgerBackend
    """Whose device."""
    wires: Wires = field(default_factory=Wires)
    """Where bits are read."""
    sentinel: Sentinel | None = None
    """What is measured beside the next call."""

    def __post_init__(self) -> None:
        backend = self.backend
        n_wires = len(backend.target.layout.initial_layout or ())
        self._estimator = SampledEstimator(
            self, backend.mitigation, backend.grouping, n_wires=n_wires
        )

    def counts(self, jobs: Sequence[CountJob]) -> list[Histogram]:
        """Return the counts of every job, by one call."""
        sentinel = self.sentinel or sentinel_of_counts(jobs[0])
        answers = self.backend.measured(tuple(jobs), sentinel, self.wires)
        self.backend.usage.add(
            n_circuits=sum(len(job.angles) for job in jobs),
            n_shots=sum(len(job.angles) * job.shots for job in jobs),
        )
        return [one for one in answers if isinstance(one, Histogram)]

    def bit_qubits(self, circuit: Any) -> tuple[int, ...]:  # noqa: ANN401 (see CountDoor)
        """Return the wires that a circuit's bits are read from."""
        return self.wires.bit_qubits(circuit)

    def expectations(self, batches: Sequence[Batch]) -> list[Measured]:
        """Return the expectations of every batch, by one call."""
        if self.backend.counts_bits:
            self.sentinel = sentinel_of_batch(batches[0])
            return self._estimator.expectations(batches)
        sentinel = sentinel_of_batch(batches[0], expectations=True)
        programs = tuple(replace(one, symmetry=None) for one in batches)
        answers = self.backend.measured(programs, sentinel, self.wires)
        self.backend.usage.add(
            n_circuits=sum(len(one.angles) for one in batches),
            n_shots=sum(len(one.angles) * (one.shots or 0) for one in batches),
        )
        return [one for one in answers if isinstance(one, Measured)]

    def least_shots(self, batches: Sequence[Batch]) -> int:
        """Return the fewest shots with which every batch can be measured."""
        return self._estimator.least_shots(batches) if self.backend.counts_bits else 1
