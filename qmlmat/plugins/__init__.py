"""Doors for users of other programs; each is imported by its own name."""
