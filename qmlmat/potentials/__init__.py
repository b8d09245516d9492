"""Surfaces that are learnt: descriptors of a molecule, and models on top of them."""
