"""What backends on qubits have in common: settings, requests, one submission for all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np

from qmlmat.backends.base import Capabilities
from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.estimation import SampledEstimator
from qmlmat.backends.qubits.evaluator import QubitEvaluator
from qmlmat.backends.qubits.jobs import (
    Batch,
    CountDoor,
    CountJob,
    ExpectationDoor,
    Measured,
    Usage,
)
from qmlmat.backends.qubits.lowered import frame_of, mapping_of, reference_circuit, untied
from qmlmat.backends.qubits.mitigation import Mitigation
from qmlmat.backends.requests import Counts, Estimate, Request, check_params, given_params
from qmlmat.errors import CapabilityError, InputError
from qmlmat.operators.grouping import GroupingMethod
from qmlmat.operators.mappings import QubitMapping
from qmlmat.operators.tapering import symmetry_masks


@dataclass(frozen=True, kw_only=True)
class QubitBackend(ABC):
    """Abstract: runs circuits gate by gate on qubits, exactly or by shots.

    Gradients are by shift rules. One call of an evaluator is one submission, and so is ``run`` of
    many requests.
    """

    mapping: str | QubitMapping = "jordan_wigner"
    """Where occupations stand: a name, or ``hamiltonian.qubit_mapping(...)`` for fewer qubits."""
    shots: int | None = None
    """Repetitions for the observables of one state where a request names none; ``None``: exact."""
    mitigation: Mitigation = field(default_factory=Mitigation)
    """Which errors of a device are mitigated, where it counts bit strings."""
    grouping: GroupingMethod = "commuting"
    """Which words are measured together: all that commute, or ``"qubit_wise"`` those that do on
    each qubit, whose measurement takes no two-qubit gates."""
    usage: Usage = field(default_factory=Usage, compare=False, repr=False)
    """Jobs, circuits and shots so far."""

    def __post_init__(self) -> None:
        name = type(self).__name__
        if self.shots is not None and (type(self.shots) is not int or self.shots < 1):
            raise InputError(
                f"{name}(shots={self.shots!r}): a whole number of at least 1, or None for exact "
                "expectations."
            )

    @property
    def capabilities(self) -> Capabilities:
        """Expectations and their gradients, exact without shots; no states."""
        return Capabilities(
            exact=self.shots is None, gradient=True, state=False, counts=self.counts_bits
        )

    def inputs(self) -> dict[str, Any]:
        """Return what determines the answers, as plain values."""
        mapping = self.mapping
        return {
            "backend": type(self).__name__,
            "mapping": mapping if isinstance(mapping, str) else asdict(mapping),
            "shots": self.shots,
            "mitigation": asdict(self.mitigation),
            "grouping": self.grouping,
            "device": self.device_name,
        }

    @property
    @abstractmethod
    def device_name(self) -> str:
        """What the device is called, in records."""

    @property
    @abstractmethod
    def counts_bits(self) -> bool:
        """Whether the device counts bit strings."""

    @abstractmethod
    def door(self, shots: int | None, seed: int | None) -> ExpectationDoor:
        """Return what measures expectations.

        Args:
            shots: Repetitions; ``None`` for exact ones.
            seed: Seed of everything random that is ours.

        Raises:
            CapabilityError: If the device cannot do that.
        """

    def count_door(self, seed: int | None) -> CountDoor:
        """Return what counts bit strings.

        Args:
            seed: Seed of everything random that is ours.

        Raises:
            CapabilityError: If the device cannot do that.
        """
        raise CapabilityError(
            f"{type(self).__name__}: this device gives expectations, not counts (seed {seed}). Use "
            "a sampler, or StatevectorBackend(shots=...)."
        )

    def mitigation_of(self, request: Request) -> Mitigation:  # noqa: ARG002 (backends may ask)
        """Return what is mitigated of a request: by default everything, whether it can be or not.

        Args:
            request: What is measured.
        """
        return self.mitigation

    def sampled(self, seed: int | None) -> SampledEstimator:
        """Return expectations from this device's counts."""
        return SampledEstimator(self.count_door(seed), self.mitigation, self.grouping)

    def prepare(self, request: Request, *, seed: int | None = None) -> QubitEvaluator:
        """Return an evaluator of the request's expectations.

        Args:
            request: What is measured.
            seed: Seed of the shots, where they are ours.

        Raises:
            CapabilityError: If the request asks for counts, or the device cannot do what it asks.
            InputError: If circuit, references, observables and mapping do not fit.
        """
        shots = self.shots if request.shots is None else request.shots
        evaluator = self._evaluator(request, shots, seed)
        _ = evaluator.circuits, evaluator.sums  # what does not fit is said here
        return evaluator

    def _evaluator(self, request: Request, shots: int | None, seed: int | None) -> QubitEvaluator:
        if request.observables is None:
            raise CapabilityError(
                f"{type(self).__name__}.prepare: counts have no derivatives. Use run([request])."
            )
        mitigation = self.mitigation_of(request)
        keeps = mitigation.symmetry and shots is not None
        return QubitEvaluator(
            request,
            self.mapping,
            self.door(shots, seed),
            shots,
            corrects_reference=mitigation.reference,
            symmetry_words=symmetry_masks if keeps else None,
        )

    def run(
        self, requests: Sequence[Request], *, seed: int | None = None
    ) -> list[Estimate | Counts]:
        """Return the answers in the order of the requests; expectations are one submission.

        Raises:
            CapabilityError: If the device cannot do what is asked.
            InputError: If something does not fit, or parameters are missing.
        """
        asked = self.planned(requests, seed=seed)
        measured: list[Measured] = []
        if asked.batches:
            measured = self.door(asked.batches[0].shots, seed).expectations(asked.batches)
        counted = self.count_door(seed).counts(asked.jobs) if asked.jobs else []
        return asked.finish(measured, counted)

    def planned(self, requests: Sequence[Request], *, seed: int | None = None) -> Planned:
        """Return what requests ask a device for, and what makes their answers of its own.

        Args:
            requests: What is measured, with parameters.
            seed: Seed of the shots, where they are ours.

        Raises:
            CapabilityError: If the device cannot do what is asked.
            InputError: If something does not fit, or parameters are missing.
        """
        batches: list[Batch] = []
        jobs: list[CountJob] = []
        finishes: list[Callable[[Sequence[Measured], Sequence[Histogram]], Estimate | Counts]] = []
        for request in requests:
            if request.observables is None:
                finishes.append(partial(_counts_of, place=len(jobs)))
                jobs.append(self._count_job(request))
                continue
            params = given_params(request.preparation, f"{type(self).__name__}.run")
            own, finish = self.prepare(request, seed=seed).planned(params)
            part = slice(len(batches), len(batches) + len(own))
            finishes.append(partial(_estimate_of, part=part, finish=finish))
            batches += own
        if len({batch.shots is None for batch in batches}) > 1:
            raise InputError("run: exact and sampled requests together. Run them apart.")
        return Planned(
            batches, jobs, lambda measured, counted: [one(measured, counted) for one in finishes]
        )

    def _count_job(self, request: Request) -> CountJob:
        """Return what counts one prepared state.

        Every qubit at the end, or the bits that a circuit of qubit gates measures itself.
        """
        shots = self.shots if request.shots is None else request.shots
        preparation = request.preparation
        if shots is None:
            raise InputError(
                f"{type(self).__name__}.run(observables=None): counts need shots. Set "
                "Request(shots=...)."
            )
        mapping = mapping_of(preparation, self.mapping)
        ansatz = untied(preparation.circuit, mapping)
        n_qubits, n_params = ansatz.circuit.n_qubits, preparation.circuit.n_params
        given = np.zeros(0) if preparation.params is None else preparation.params
        params = check_params(given, n_params, what="run")
        if params.ndim > 1 or len(preparation.references) > 1:
            raise InputError(
                "run(observables=None): counts are of one state. Give one request each."
            )
        frame = frame_of(preparation, mapping)
        start = reference_circuit(preparation.references[0], frame, n_qubits)
        circuit = start.then(ansatz.circuit)
        circuit = circuit if circuit.n_bits else circuit.measured()
        return CountJob(circuit, ansatz.angles(params)[None], shots)


@dataclass(frozen=True, eq=False)
class Planned:
    """What requests ask a device for."""

    batches: list[Batch]
    """Expectations."""
    jobs: list[CountJob]
    """Counts."""
    finish: Callable[[Sequence[Measured], Sequence[Histogram]], list[Estimate | Counts]]
    """From the device's answers to those of the requests, in their order."""

    @property
    def n_qubits(self) -> int:
        """Qubits of the widest circuit."""
        circuits = [one.circuit for one in self.batches] + [one.circuit for one in self.jobs]
        return max((one.n_qubits for one in circuits), default=0)


def _counts_of(
    measured: Sequence[Measured],  # noqa: ARG001 (one signature for both kinds)
    counted: Sequence[Histogram],
    *,
    place: int,
) -> Counts:
    found = counted[place]
    return Counts(counts=found.to_dict(0), n_shots=int(found.counts.sum()))


def _estimate_of(
    measured: Sequence[Measured],
    counted: Sequence[Histogram],  # noqa: ARG001 (one signature for both kinds)
    *,
    part: slice,
    finish: Callable[[Sequence[Measured]], Estimate],
) -> Estimate:
    return finish(measured[part])
