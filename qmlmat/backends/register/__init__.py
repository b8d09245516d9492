"""Registers of qubits in which electrons are conserved: only one sector of the states is kept.

What the doors for users of PennyLane and Qiskit stand on. Here amplitudes are those of qubits: no
signs of fermions, whatever the order of the wires.
"""
