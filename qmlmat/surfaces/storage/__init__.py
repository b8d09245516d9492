"""How a scan is kept: the store, its rows, its lock, and what earlier layouts looked like."""
