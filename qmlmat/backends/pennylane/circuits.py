"""Qubit circuits as PennyLane's tapes, and back."""

import pennylane  # noqa: F401
