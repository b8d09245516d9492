"""One door for each provider: its jobs, its words, its errors, behind one interface."""
