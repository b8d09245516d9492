"""Simulators in this process behind the interface of providers: rehearsal without a network."""
