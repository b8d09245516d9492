"""Fermionic sectors and, later, Pauli sums: numpy, scipy and numba only."""
