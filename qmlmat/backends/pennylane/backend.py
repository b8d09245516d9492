"""Requests answered by PennyLane's devices."""

import pennylane  # noqa: F401
