"""Requests to estimates: exact sectors now, devices and hardware behind the same interface."""

from qmlmat.backends.base import Backend, Capabilities, Evaluator, StateBackend
from qmlmat.backends.gradients import expectation
from qmlmat.backends.measurement import Measurement
from qmlmat.backends.requests import (
    Counts,
    Estimate,
    Preparation,
    Reference,
    Request,
    ValueAndGradient,
)
from qmlmat.backends.sector import SectorBackend
from qmlmat.backends.statevector import StatevectorBackend

__all__ = [
    "Backend",
    "Capabilities",
    "Counts",
    "Estimate",
    "Evaluator",
    "Measurement",
    "Preparation",
    "Reference",
    "Request",
    "SectorBackend",
    "StateBackend",
    "StatevectorBackend",
    "ValueAndGradient",
    "expectation",
]
