"""What ``qmlmat hw`` is asked to measure, and how, as it was typed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from qmlmat.errors import ConfigError

DEFAULT_MAPPING: Final = "jordan_wigner"
"""Where occupations stand if nothing is said."""


@dataclass(frozen=True, kw_only=True)
class SourceChoice:
    """What is to be measured."""

    file: Path
    """Store of a scan, or name of a model."""
    geometries: Path | None = None
    """Geometries of a model."""
    points: str | None = None
    """Indices of points, with commas; ``None``: all."""
    mapping: str | None = None
    """Where occupations stand; ``None``: Jordan and Wigner's."""
    reduced: bool = False
    """Whether the electrons' parities take no qubits."""
    tapered: bool = False
    """Whether no parity that the Hamiltonian keeps takes a qubit."""


@dataclass(frozen=True, kw_only=True)
class PlanChoice:
    """How a source is measured."""

    source: SourceChoice
    """What is measured."""
    target: str
    """Where."""
    shots: int | None = None
    """Repetitions of each state; ``None``: the target's."""
    error: float | None = None
    """Standard error that is wanted instead (mHa, or meV)."""
    grouping: str | None = None
    """Which words are measured together; ``None``: those that commute."""


def no_mapping(choice: SourceChoice, what: str) -> str:
    """Return a mapping for circuits that need none.

    Args:
        choice: What was typed.
        what: What the circuits are of.

    Raises:
        ConfigError: If a mapping was asked for.
    """
    if choice.mapping is not None or choice.reduced or choice.tapered:
        raise ConfigError(
            f"{choice.file}: circuits of {what} stand on qubits already. Leave out --mapping, "
            "--reduced and --tapered."
        )
    return DEFAULT_MAPPING
