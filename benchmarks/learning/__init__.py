"""Learnt surfaces on problems with published or computed yardsticks."""
