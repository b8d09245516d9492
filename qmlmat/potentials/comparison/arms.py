"""The arms of a comparison: a name, and how its untrained model is made from a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qmlmat.potentials.base import Potential


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One kind of model that takes part."""

    name: str
    """What tables and figures call it."""

    make: Callable[[int], Potential]
    """Returns a new untrained model of a seed."""
