"""Surfaces that are learnt: descriptors, networks, kernels, and how they are trained."""
