"""Pauli sums as PennyLane's operators, and back."""

import pennylane  # noqa: F401
