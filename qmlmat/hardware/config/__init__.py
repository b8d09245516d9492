"""Targets: what ``hardware_configs/*.toml`` say, checked, with prices, limits and credentials."""

from qmlmat.hardware.config.credentials import credential
from qmlmat.hardware.config.figures import Limits, Rates, limits, rates
from qmlmat.hardware.config.loading import load_target, target_names
from qmlmat.hardware.config.target import Target

__all__ = [
    "Limits",
    "Rates",
    "Target",
    "credential",
    "limits",
    "load_target",
    "rates",
    "target_names",
]
