"""What the tables of the input file have in common, and what the parts of the output do."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """A table of the input file: unknown keys are refused, values are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Output(BaseModel):
    """A part of the output."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
