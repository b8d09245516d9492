"""Checks that solvers and devices must pass, ours and those of others.

``check_solver`` asks of a solver, ``check_device`` of a PennyLane device, what its users rely on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qmlmat.testing.conformance import ConformanceError
from qmlmat.testing.solvers import check_solver

if TYPE_CHECKING:
    from qmlmat.testing.devices import check_device

__all__ = ["ConformanceError", "check_device", "check_solver"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever the name stands for)
    """Load what brings PennyLane on first use."""
    if name != "check_device":
        raise AttributeError(f"module 'qmlmat.testing' has no attribute '{name}'")
    from qmlmat.testing.devices import check_device  # noqa: PLC0415 (PennyLane takes seconds)

    return check_device
