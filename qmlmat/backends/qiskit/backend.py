"""Requests answered by Qiskit's V2 primitives."""

import qiskit  # noqa: F401
