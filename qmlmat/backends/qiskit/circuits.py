"""Qubit circuits as Qiskit's, and back."""

import qiskit  # noqa: F401
