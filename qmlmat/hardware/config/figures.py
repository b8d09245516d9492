"""What providers charge and what they limit: dated figures from files, each with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import Field, ValidationError

from qmlmat._validation import describe_errors
from qmlmat.errors import BudgetError, ConfigError, nearest
from qmlmat.hardware.config.loading import read_config, target_folders
from qmlmat.hardware.config.tables import Prices, Table
from qmlmat.hardware.config.target import MODELS, IbmTarget, Target

Entry = TypeVar("Entry", bound=Table)
"""The model of a file's entries."""

DEFAULT: Final = "default"
"""Key of the entry for devices that have none of their own."""


class LimitEntry(Table):
    """An entry of ``limits.toml``."""

    max_executions_per_job: int | None = Field(default=None, ge=1)
    max_programs_per_job: int | None = Field(default=None, ge=1)
    max_shots_per_program: int | None = Field(default=None, ge=1)
    max_payload_bytes: int | None = Field(default=None, ge=1)
    min_submit_interval_s: float = Field(default=0.0, ge=0)
    overhead_s: float = Field(default=0.0, ge=0)
    rep_delay_s: float = Field(default=0.0, ge=0)
    circuit_s: float = Field(default=0.0, ge=0)
    source: str = Field(min_length=1)
    date: str = Field(pattern=r"^\d{4}-\d{2}(-\d{2})?$")


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What a device costs; the parts add up."""

    usd_per_task: float
    """For each job (US dollars)."""
    usd_per_shot: float
    """For each repetition (US dollars)."""
    usd_per_second: float
    """For each second billed (US dollars)."""
    least_seconds: float
    """Least time that is billed for a job (s)."""
    source: str
    """Where the figures were read."""
    date: str
    """When, ``YYYY-MM`` or ``YYYY-MM-DD``."""

    @property
    def usd_per_minute(self) -> float:
        """The price of a second, for a minute (US dollars)."""
        return 60 * self.usd_per_second

    @property
    def is_free(self) -> bool:
        """Whether nothing is charged."""
        return not (self.usd_per_task or self.usd_per_shot or self.usd_per_second)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a provider takes in one job, and how long one takes."""

    max_executions_per_job: int | None
    """Circuit executions; ``None``: no limit is known, here and below."""
    max_programs_per_job: int | None
    """Circuits with their points."""
    max_shots_per_program: int | None
    """Repetitions of one circuit at one point."""
    max_payload_bytes: int | None
    """Size of what is sent."""
    min_submit_interval_s: float
    """Time between two jobs (s)."""
    overhead_s: float
    """Time billed for a job without circuits (s)."""
    rep_delay_s: float
    """Wait between two executions (s)."""
    circuit_s: float
    """Time of one execution, reset and readout among it (s)."""
    source: str
    """Where the figures were read."""
    date: str
    """When, ``YYYY-MM`` or ``YYYY-MM-DD``."""


def rates(target: Target) -> Rates:
    """Return what a target's device costs: its own ``[prices]``, else those of ``prices.toml``.

    Raises:
        BudgetError: If no price is known; nothing must be sent then.
        ConfigError: If a file of prices breaks a rule.
    """
    own = target.prices
    if own is None and target.provider == "local":
        own = Prices(source="this machine", date="2026-11")
    if own is None:
        plan = target.plan if isinstance(target, IbmTarget) else target.device
        own = _entry("prices", target, (plan,), Prices)
    if own is None:
        raise BudgetError(
            f"rates({target.name}): no price of {target.provider}'s {target.device} is known. Read "
            "your contract and add the table [prices] to the target: usd_per_shot, usd_per_task or "
            "usd_per_second, with source and date."
        )
    return Rates(**own.model_dump())


def limits(target: Target) -> Limits:
    """Return the limits of a target's device: those the target names, else of ``limits.toml``.

    Raises:
        ConfigError: If a file of limits breaks a rule, or has no entry for the provider.
    """
    entry = _entry("limits", target, (target.device, DEFAULT), LimitEntry)
    if entry is None:
        raise ConfigError(
            f"limits({target.name}): limits.toml has no entry [{target.provider}.{DEFAULT}]. Add "
            "it, or take your own file out of the folder."
        )
    chosen: dict[str, Any] = entry.model_dump()
    chosen |= target.limits.model_dump(exclude_none=True)
    if target.retry.min_submit_interval_s is not None:
        chosen["min_submit_interval_s"] = target.retry.min_submit_interval_s
    for key in ("max_executions_per_job", "max_programs_per_job"):
        wanted = getattr(target.mode, key)
        if wanted is not None:  # a target may ask for less than a provider's limit, never for more
            chosen[key] = wanted if chosen[key] is None else min(wanted, chosen[key])
    return Limits(**chosen)


def _entry(file: str, target: Target, keys: tuple[str, ...], model: type[Entry]) -> Entry | None:
    """Return the entry of the first file that has one, the user's own folder first."""
    for folder in target_folders():
        path = folder / f"{file}.toml"
        if path.is_file():
            entries = _entries(path, target.provider)
            for key in keys:
                if key in entries:
                    return _checked(entries[key], model, f"{path}: [{target.provider}.{key}]")
    return None


def _entries(path: Path, provider: str) -> Mapping[str, Any]:
    """Return a provider's entries in a file of figures."""
    values = read_config(path)
    for key, entries in values.items():
        if key not in MODELS or not isinstance(entries, dict):
            raise ConfigError(
                f'{path}: "{key}" is no table of a provider, such as [{provider}.name]. '
                f"{nearest(key, MODELS)}"
            )
    found: Mapping[str, Any] = values.get(provider, {})
    return found


def _checked(values: object, model: type[Entry], name: str) -> Entry:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError("\n".join(describe_errors(error, model, name))) from None
