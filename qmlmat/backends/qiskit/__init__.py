"""Qiskit's doors: circuits, operators, V2 primitives, fake devices."""
