"""How often circuits are run for a job, and how long that takes: closed formulas, no network.

With IBM's client-side estimator a job takes ``N = S (F sum_k B_k P_k + T)`` executions: S shots of
each configuration, F noise factors, B bases and P points of each batch, and T = 1 where a circuit
of its own calibrates the readout.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from qmlmat.backends.qubits.jobs import Batch, CountJob
from qmlmat.errors import CapabilityError
from qmlmat.operators.pauli import PauliSum

if TYPE_CHECKING:
    from qmlmat.hardware.config.resilience import Resilience

LEAST_SHOTS: Final = 64
"""Least shots of a random circuit, where the client chooses."""
MOST_RANDOM: Final = 32
"""Most random circuits, where the client chooses."""
SURPLUS: Final = 0.02
"""Share of executions that may be added so that circuits of different shots fit into one job."""
_MOST_REPEATS: Final = 256


@dataclass(frozen=True, kw_only=True)
class Overhead:
    """What error mitigation by IBM's client adds."""

    n_factors: int = 1
    """Noise factors that everything is measured at."""
    calibrates: bool = False
    """Whether a circuit of its own calibrates the readout."""
    twirls: bool = False
    """Whether each circuit is run as several random ones."""
    n_randomizations: int | None = None
    """How many random ones; ``None``: the client chooses."""

    @classmethod
    def of(cls, resilience: Resilience | None) -> Overhead:
        """Return what a target's table ``[resilience]`` adds; without one, level 1."""
        if resilience is None:
            return cls(calibrates=True, twirls=True)
        gates, reads = resilience.twirl_gates, resilience.twirl_measure
        return cls(
            n_factors=len(resilience.factors),
            calibrates=resilience.corrects_readout,
            twirls=(
                (resilience.level == 2 if gates is None else gates)
                or (resilience.level >= 1 if reads is None else reads)
                or resilience.corrects_readout
            ),
            n_randomizations=resilience.num_randomizations,
        )

    def shots(self, wanted: int) -> int:
        """Return the shots of each configuration: random circuits all have the same number."""
        if not self.twirls:
            return wanted
        if self.n_randomizations is not None:
            return self.n_randomizations * math.ceil(wanted / self.n_randomizations)
        each = max(LEAST_SHOTS, math.ceil(wanted / MOST_RANDOM))
        return each * math.ceil(wanted / each)


def sampler_executions(jobs: Sequence[CountJob]) -> int:
    """Return the circuit executions of one job of IBM's that counts bits: points times shots.

    A circuit that needs more shots than another of its job is repeated, in whole numbers.
    """
    unit = shared_shots(jobs)
    return sum(len(job.angles) * repeats(job.shots, unit) * unit for job in jobs)


def repeats(shots: int, unit: int) -> int:
    """Return how often a circuit is repeated to have at least so many shots."""
    return -(-shots // unit)


def shared_shots(jobs: Sequence[CountJob]) -> int:
    """Return the shots of every circuit of a job of IBM's, which has one number for all.

    The largest with which repeated circuits take hardly more than was asked; where there is none,
    the one with which they take least.

    Args:
        jobs: What is counted; shots may differ.
    """
    points: dict[int, int] = {}
    for job in jobs:
        points[job.shots] = points.get(job.shots, 0) + len(job.angles)
    if len(points) < 2:
        return next(iter(points), 1)
    shots, weights = (np.array(one) for one in (list(points), list(points.values())))
    units = np.unique(-(-shots[:, None] // np.arange(1, _MOST_REPEATS + 1)))
    total = (weights[:, None] * -(-shots[:, None] // units)).sum(axis=0) * units
    fits = units[total <= (1 + SURPLUS) * (weights @ shots)]
    return int(fits[-1] if fits.size else units[np.argmin(total)])


def estimator_executions(batches: Sequence[Batch], overhead: Overhead) -> int:
    """Return the circuit executions of one job of IBM's client-side estimator.

    Args:
        batches: What is measured, all with the same shots.
        overhead: What mitigation adds.

    Raises:
        CapabilityError: If the batches have no shots, or not all the same.
    """
    shots = common_shots(batches)
    configurations = sum(len(one.angles) * qubit_wise_bases(one.sums) for one in batches)
    return executions(shots, configurations, overhead)


def executions(shots: int, n_configurations: int, overhead: Overhead) -> int:
    """Return ``S (F C + T)``, with ``C`` points in bases of all batches together."""
    each = overhead.shots(shots)
    return each * (overhead.n_factors * n_configurations + overhead.calibrates)


def common_shots(batches: Sequence[Batch]) -> int:
    """Return the shots that batches have in common.

    Raises:
        CapabilityError: If one has none, or they differ.
    """
    found = {one.shots for one in batches}
    shots = next(iter(found), None)
    if len(found) != 1 or shots is None:
        raise CapabilityError(
            f"ibm: batches with shots {sorted(str(one) for one in found)} in one job: its "
            "estimator has one number of shots. Give all the same, or put them into tasks of "
            "their own."
        )
    return shots


def qubit_wise_bases(sums: Sequence[PauliSum]) -> int:
    """Return in how many bases IBM's client measures sums: its words grouped qubit by qubit."""
    from qmlmat.backends.qiskit.operators import (  # noqa: PLC0415 - Qiskit is loaded when needed
        count_bases,
        to_sparse_pauli_op,
    )

    return count_bases([to_sparse_pauli_op(one) for one in sums])


def job_seconds(
    n_executions: int, *, overhead_s: float, rep_delay_s: float, circuit_s: float
) -> float:
    """Return the time that is billed for a job (s): ``overhead + N (delay + circuit)``.

    Args:
        n_executions: Circuit executions.
        overhead_s: Time of a job without circuits (s).
        rep_delay_s: Wait between two executions (s).
        circuit_s: Time of one execution, reset and readout among it (s).
    """
    return overhead_s + n_executions * (rep_delay_s + circuit_s)
