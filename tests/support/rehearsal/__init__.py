"""Rehearsal servers: providers' interfaces on this machine, with noise, latency and faults."""
