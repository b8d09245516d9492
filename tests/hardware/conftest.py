"""Tests that speak to a rehearsal server by a vendor's client take seconds each: they are slow."""

import pytest

SERVERS = {"server", "running"}
"""Fixtures that start one."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark them, before the marks are looked at."""
    for item in items:
        if SERVERS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
