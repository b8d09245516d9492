"""The error of all checks."""

from __future__ import annotations

from qmlmat.errors import QmlmatError


class ConformanceError(QmlmatError, AssertionError):
    """Something does not do what everything of its kind must."""
