"""Which geometries, and which of them starts from which."""
