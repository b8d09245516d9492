"""Devices made by hand, with errors that are known exactly."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.base import QubitBackend
from qmlmat.backends.qubits.jobs import CountDoor, CountJob, ExpectationDoor, Measured
from qmlmat.backends.statevector import SampledDoor


@dataclass(frozen=True, kw_only=True)
class BrokenBackend(QubitBackend):
    """A backend whose counts pass through a function."""

    breaks: object = None
    """Takes outcomes ``(shots,)``, the job and a generator; returns outcomes."""
    seen: list = field(default_factory=list, compare=False)
    """Jobs so far."""

    @property
    def device_name(self) -> str:
        """What it is called."""
        return "broken"

    @property
    def counts_bits(self) -> bool:
        """It counts."""
        return True

    def door(self, shots: int | None, seed: int | None) -> ExpectationDoor:
        """Expectations from the broken counts."""
        assert shots is not None
        return self.sampled(seed)

    def count_door(self, seed: int | None) -> CountDoor:
        """The broken counts."""
        return BrokenDoor(SampledDoor(self.usage, np.random.default_rng(seed)), self)


@dataclass(frozen=True, eq=False)
class BrokenDoor:
    """Counts drawn exactly, then changed."""

    inner: SampledDoor
    backend: BrokenBackend

    def counts(self, jobs: list[CountJob]) -> list[Histogram]:
        """Return the changed counts of every job."""
        self.backend.seen.extend(jobs)
        return [
            self._broken(job, one) for job, one in zip(jobs, self.inner.counts(jobs), strict=True)
        ]

    def _broken(self, job: CountJob, histogram: Histogram) -> Histogram:
        rows, outcomes = [], []
        for row in range(histogram.n_rows):
            drawn = np.repeat(histogram.outcomes, histogram.counts[row])
            changed = self.backend.breaks(drawn, job, self.inner.rng)
            rows.append(np.full(len(changed), row))
            outcomes.append(changed)
        every, places = np.concatenate(outcomes), np.concatenate(rows)
        ones = np.ones(len(every), dtype=np.int64)
        return Histogram.from_samples(histogram.n_bits, histogram.n_rows, places, every, ones)

    def bit_qubits(self, circuit) -> tuple[int, ...]:
        """Bit w is qubit w, as it is read there."""
        return self.inner.bit_qubits(circuit)


def reads_wrong(rates):
    """Flips of bits with known probabilities ``p(1|0)``, ``p(0|1)`` of each qubit."""
    table = np.asarray(rates)

    def breaks(outcomes, job, rng):
        found = outcomes.copy()
        reads = [gate for gate in job.circuit.gates if gate.name == "measure"]
        for gate in reads:
            is_one = (outcomes >> np.uint64(gate.bit)) & np.uint64(1)
            chance = table[gate.wires[0], is_one.astype(int)]
            flips = (rng.random(len(outcomes)) < chance).astype(np.uint64)
            found ^= flips << np.uint64(gate.bit)
        return found

    return breaks


@dataclass(frozen=True, eq=False)
class ShiftedDoor:
    """An exact door whose every expectation is too high by a constant."""

    inner: ExpectationDoor
    error: float

    def least_shots(self, batches) -> int:
        """One."""
        return self.inner.least_shots(batches)

    def expectations(self, batches) -> list[Measured]:
        """Expectations and a constant."""
        return [
            Measured(one.values + self.error, one.variances, one.n_shots)
            for one in self.inner.expectations(batches)
        ]
