"""A sampler that simulates each circuit once and deals its shots out to many repetitions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from qiskit.primitives import (
    BaseSamplerV2,
    DataBin,
    PrimitiveJob,
    PrimitiveResult,
    SamplerPubResult,
)
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import SamplerV2


class DealtSampler(BaseSamplerV2):  # type: ignore[misc] # Qiskit is untyped to mypy
    """Shots of a simulator, drawn for all repetitions at once.

    A noisy circuit takes far longer to simulate than to sample. The first job that holds a circuit
    at some angles draws ``n_repetitions`` times its shots; this job and the next ones get a share
    each, so that repetitions are independent.
    """

    def __init__(self, simulator: AerSimulator, n_repetitions: int, *, seed: int) -> None:
        self.simulator, self.n_repetitions = simulator, n_repetitions
        self._rng = np.random.default_rng(seed)
        self._shares: dict[tuple[int, bytes, int], list[Any]] = {}

    def run(
        self, pubs: Iterable[Any], *, shots: int | None = None
    ) -> PrimitiveJob[PrimitiveResult[SamplerPubResult]]:
        """Return the job that answers the PUBs."""
        coerced = [SamplerPub.coerce(pub, shots) for pub in pubs]
        job = PrimitiveJob(lambda: PrimitiveResult([self._dealt(pub) for pub in coerced]))
        job._submit()
        return job

    def _dealt(self, pub: SamplerPub) -> SamplerPubResult:
        values = pub.parameter_values.as_array(pub.circuit.parameters)
        key = (id(pub.circuit), values.tobytes(), pub.shots)
        if not self._shares.get(key):
            self._shares[key] = self._drawn(pub)
        name, bits = self._shares[key].pop()
        return SamplerPubResult(DataBin(shape=pub.shape, **{name: bits}))

    def _drawn(self, pub: SamplerPub) -> list[tuple[str, Any]]:
        """Return the shots of all repetitions."""
        seed = int(self._rng.integers(2**31))
        total = pub.shots * self.n_repetitions
        inner = SamplerV2.from_backend(self.simulator, seed=seed)
        (answer,) = inner.run([(pub.circuit, pub.parameter_values, total)]).result()
        ((name, bits),) = answer.data.items()
        parts = np.arange(total).reshape(self.n_repetitions, pub.shots)
        return [(name, bits.slice_shots(part)) for part in parts]
