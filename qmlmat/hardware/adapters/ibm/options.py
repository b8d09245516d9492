"""A target's tables as options of the client's primitives: plain values, checked by the client."""

from __future__ import annotations

import math
from typing import Any

from qmlmat.hardware.config import limits
from qmlmat.hardware.config.resilience import Resilience
from qmlmat.hardware.config.target import IbmTarget
from qmlmat.hardware.executions import job_seconds


def sampler_options(target: IbmTarget, shots: int, n_executions: int) -> dict[str, Any]:
    """Return the sampler's options: counts as they are, mitigation is ours.

    Args:
        target: The target.
        shots: Repetitions of each circuit at each point.
        n_executions: Circuit executions of the job.
    """
    return {"default_shots": shots, "max_execution_time": longest(target, n_executions)}


def estimator_options(target: IbmTarget, shots: int, n_executions: int) -> dict[str, Any]:
    """Return the estimator's options; arguments as of ``sampler_options``."""
    table = target.resilience or Resilience()
    twirling = {
        "enable_gates": table.twirl_gates,
        "enable_measure": table.twirl_measure,
        "num_randomizations": table.num_randomizations,
    }
    mitigation: dict[str, Any] = {
        "measure_mitigation": table.measure_mitigation,
        "zne_mitigation": table.zne_mitigation,
    }
    if table.zne_factors is not None:
        mitigation["zne"] = {"noise_factors": list(table.zne_factors)}
    found: dict[str, Any] = {
        "default_shots": shots,
        "resilience_level": table.level,
        "resilience": {k: v for k, v in mitigation.items() if v is not None},
        "twirling": {k: v for k, v in twirling.items() if v is not None},
        "max_execution_time": longest(target, n_executions),
    }
    if table.dynamical_decoupling is not None:
        found["dynamical_decoupling"] = {
            "enable": True,
            "sequence_type": table.dynamical_decoupling,
        }
    return found


def seconds(target: IbmTarget, n_executions: int) -> float:
    """Return the time that a job is expected to take on the processor (s)."""
    known = limits(target)
    return job_seconds(
        n_executions,
        overhead_s=known.overhead_s,
        rep_delay_s=known.rep_delay_s,
        circuit_s=known.circuit_s,
    )


def longest(target: IbmTarget, n_executions: int) -> int:
    """Return when IBM ends a job at the latest (s): always sent, so that no job costs more.

    Args:
        target: The target; its own ``max_execution_time_s`` is never exceeded.
        n_executions: Circuit executions of the job.
    """
    expected = math.ceil(target.budget.safety_factor * seconds(target, n_executions))
    most = target.mode.max_execution_time_s
    return expected if most is None else min(expected, most)
