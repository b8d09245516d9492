"""From requests to programs, and from their counts to answers, each request by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from qmlmat.ansatz import Circuit
from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.base import Planned, QubitBackend
from qmlmat.backends.qubits.estimation import SampledEstimator
from qmlmat.backends.qubits.jobs import CountDoor, CountJob, ExpectationDoor, Measured
from qmlmat.backends.qubits.mitigation import Mitigation
from qmlmat.backends.requests import Counts, Estimate, Request
from qmlmat.errors import CapabilityError, InputError, MeasurementError
from qmlmat.hardware.sentinel import sentinel_of_batch, sentinel_of_counts
from qmlmat.hardware.task import Answer, Program, Sentinel


@dataclass(frozen=True, eq=False)
class Wires:
    """Which wire of the layout each bit of a circuit is read from; counts nothing itself."""

    known: dict[QubitCircuit, tuple[int, ...]] = field(default_factory=dict)
    """What a device's compiled circuits say; other circuits are read from their own wires."""
    torn: set[QubitCircuit] = field(default_factory=set)
    """Circuits that two jobs read through different qubits."""

    def counts(self, jobs: Sequence[CountJob]) -> list[Histogram]:
        """Refuse: programs are planned first, and counted by a submission."""
        raise CapabilityError(
            f"{len(jobs)} circuits: a plan has no device. Submit it, or use LedgerBackend."
        )

    def bit_qubits(self, circuit: QubitCircuit) -> tuple[int, ...]:
        """Return the wires of the layout that the bits are read from.

        Raises:
            MeasurementError: If two jobs read them from different ones.
        """
        if circuit in self.torn:
            raise MeasurementError(
                "A circuit was made ready twice, and is read through other qubits in one job than "
                "in the next, so its counts cannot be put together. Measure it in a run of its own."
            )
        if circuit in self.known:
            return self.known[circuit]
        reads = {g.bit: g.wires[0] for g in circuit.gates if g.name == "measure"}
        return tuple(reads[bit] for bit in range(circuit.n_bits))


@dataclass(frozen=True, kw_only=True)
class PlannedBackend(QubitBackend):
    """Qubits of a target: says what requests ask of it, and measures nothing."""

    primitive: str = "sampler"
    """``"sampler"``: counts; ``"estimator"``: expectations of the provider."""
    n_wires: int = 0
    """Wires of the layout, where it is named; else that of the widest circuit."""
    wires: Wires = field(default_factory=Wires, compare=False, repr=False)
    """Where bits are read from."""

    @property
    def device_name(self) -> str:
        """What it is called."""
        return "a plan"

    @property
    def counts_bits(self) -> bool:
        """Whether bit strings are counted."""
        return self.primitive == "sampler"

    def door(self, shots: int | None, seed: int | None) -> ExpectationDoor:  # noqa: ARG002 (as all)
        """Return what groups words; see ``QubitBackend.door``."""
        return self.sampled(seed)

    def count_door(self, seed: int | None) -> CountDoor:  # noqa: ARG002 (nothing is random)
        """Return what knows the wires; see ``QubitBackend.count_door``."""
        return self.wires

    def mitigation_of(self, request: Request) -> Mitigation:
        """Return what can be mitigated of a request; see ``fitting``."""
        return fitting(self.mitigation, request)


def fitting(mitigation: Mitigation, request: Request) -> Mitigation:
    """Return what of a target's mitigation has a meaning for a request.

    A target is for every kind of circuit: of one without electrons no electrons can be kept, and
    its answer at zero angles is not known.
    """
    if isinstance(request.preparation.circuit, Circuit):
        return mitigation
    return replace(mitigation, symmetry=False, reference=False)


@dataclass(frozen=True, eq=False)
class Asked:
    """What requests ask of a device."""

    programs: tuple[Program, ...]
    """The programs of all requests, one after the other."""
    parts: tuple[slice, ...]
    """Which of them are each request's."""
    finishes: tuple[Callable[[Sequence[Answer]], Estimate | Counts], ...]
    """From the answers of a request's programs to its own."""
    sentinel: Sentinel | None
    """What is measured beside them."""
    wires: Wires
    """Filled with what a device's compiled circuits say, before answers are made."""

    def answered(
        self, answers: Sequence[Answer | None]
    ) -> tuple[list[Estimate | Counts | None], dict[int, str]]:
        """Return the answer of each request, and by number why one cannot be used.

        Args:
            answers: Of the programs, in order; a request that misses one has no answer.
        """
        found: list[Estimate | Counts | None] = []
        problems: dict[int, str] = {}
        for place, (part, finish) in enumerate(zip(self.parts, self.finishes, strict=True)):
            own = [one for one in answers[part] if one is not None]
            if len(own) < part.stop - part.start:
                found.append(None)
                continue
            try:
                found.append(finish(own))
            except (MeasurementError, InputError) as error:  # also a readout that is half wrong
                found.append(None)
                problems[place] = str(error)
        return found, problems


def asked(backend: PlannedBackend, requests: Sequence[Request]) -> Asked:
    """Return what requests ask of a device.

    Args:
        backend: Mapping, mitigation, grouping and shots.
        requests: What is measured, with parameters; those without shots get the backend's, shared
            by rows of equal parameters.

    Raises:
        CapabilityError: If counts are asked of an estimator.
        InputError: If requests do not fit, or there are too few shots.
    """
    programs: list[Program] = []
    parts, finishes = [], []
    sentinel: Sentinel | None = None
    each = [backend.planned([with_shots(one, backend.shots)]) for one in requests]
    n_wires = max([backend.n_wires, *(one.n_qubits for one in each)])
    for planned in each:
        own, finish, first = _one(backend, planned, n_wires)
        parts.append(slice(len(programs), len(programs) + len(own)))
        programs += own
        finishes.append(finish)
        sentinel = first if sentinel is None else sentinel
    return Asked(tuple(programs), tuple(parts), tuple(finishes), sentinel, backend.wires)


def with_shots(request: Request, shots: int | None) -> Request:
    """Return a request with its number of shots: a state's, shared by its equal rows."""
    if request.shots is not None or shots is None:
        return request
    return replace(request, shots=max(1, shots // n_equal_rows(request)))


def n_equal_rows(request: Request) -> int:
    """Return how many rows of parameters are the same: blocks of shots of one state."""
    params = request.preparation.params
    if params is None or params.ndim < 2:
        return 1
    if not params.shape[-1]:
        return int(np.prod(params.shape[:-1]))
    rows = params.reshape(-1, params.shape[-1])
    return int(np.unique(rows, axis=0, return_counts=True)[1].max())


def _one(
    backend: PlannedBackend, planned: Planned, n_wires: int
) -> tuple[list[Program], Callable[[Sequence[Answer]], Estimate | Counts], Sentinel | None]:
    """Return a request's programs, what makes its answer of theirs, and its sentinel."""
    if planned.jobs:
        if not backend.counts_bits:
            raise CapabilityError(
                'Request(observables=None): counts, and primitive = "estimator" gives '
                'expectations. Use a target with primitive = "sampler".'
            )
        (job,) = planned.jobs
        return (
            [job],
            lambda found: planned.finish([], _histograms(found))[0],
            sentinel_of_counts(job),
        )
    near = sentinel_of_batch(planned.batches[0], expectations=not backend.counts_bits)
    if not backend.counts_bits:
        return list(planned.batches), lambda found: planned.finish(_measured(found), [])[0], near
    estimator = SampledEstimator(
        backend.wires, backend.mitigation, backend.grouping, n_wires=n_wires
    )
    jobs, finish = estimator.planned(planned.batches)
    return list(jobs), lambda found: planned.finish(finish(_histograms(found)), [])[0], near


def _histograms(answers: Sequence[Answer]) -> list[Histogram]:
    return [one for one in answers if isinstance(one, Histogram)]


def _measured(answers: Sequence[Answer]) -> list[Measured]:
    return [one for one in answers if isinstance(one, Measured)]


def learn_wires(
    wires: Wires, programs: Sequence[Program], bit_qubits: Sequence[Sequence[int]]
) -> None:
    """Remember where a compiled job reads the bits of its circuits.

    Args:
        wires: What remembers.
        programs: What was compiled.
        bit_qubits: For each the wire of the layout of each bit.
    """
    for one, bits in zip(programs, bit_qubits, strict=True):
        if wires.known.setdefault(one.circuit, tuple(bits)) != tuple(bits):
            wires.torn.add(one.circuit)
