"""Boltzmann machines as wave functions: the network, its energies, and what samples it."""
