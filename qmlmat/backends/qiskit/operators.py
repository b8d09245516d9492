"""Pauli sums as Qiskit's ``SparsePauliOp``, and back."""

import qiskit  # noqa: F401
