"""From energies on a grid to what is measured: constants, levels, stationary points."""
