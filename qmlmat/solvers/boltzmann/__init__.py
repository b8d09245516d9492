"""Restricted Boltzmann machines as states, and what samples them."""
