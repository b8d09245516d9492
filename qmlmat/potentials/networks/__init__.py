"""Networks from features to outputs: quantum and classical, and what makes energies of outputs."""
