"""The table ``[resilience]``: error mitigation by IBM's own client."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from qmlmat.hardware.config.tables import Table

DEFAULT_ZNE_FACTORS: Final = (1.0, 3.0, 5.0)
"""Noise factors that the client takes where none are named."""


class Resilience(Table):
    """Mitigation of ``primitive = "estimator"``; what is left out follows from the level."""

    level: Literal[0, 1, 2] = Field(
        default=1, description="0: none; 1: readout (TREX); 2: readout and noise extrapolation."
    )
    measure_mitigation: bool | None = Field(
        default=None, description="Whether readout is mitigated (TREX)."
    )
    zne_mitigation: bool | None = Field(
        default=None, description="Whether expectations are extrapolated to zero noise."
    )
    zne_factors: Annotated[tuple[float, ...], Field(strict=False)] | None = Field(
        default=None, description="Noise factors, 1 first; [1, 3, 5] where left out."
    )
    dynamical_decoupling: Literal["XX", "XpXm", "XY4"] | None = Field(
        default=None, description="Pulses on idle qubits; none where left out."
    )
    twirl_gates: bool | None = Field(
        default=None, description="Whether two-qubit gates are twirled."
    )
    twirl_measure: bool | None = Field(default=None, description="Whether readout is twirled.")
    num_randomizations: int | None = Field(
        default=None, ge=1, description="Random circuits of each, where something is twirled."
    )

    @model_validator(mode="after")
    def _check_factors(self) -> Self:
        factors = self.zne_factors
        if factors is None:
            return self
        if not self.extrapolates:
            raise ValueError(
                "zne_factors without extrapolation do nothing: add zne_mitigation = true, or leave "
                "them out"
            )
        if len(factors) < 3 or factors[0] != 1 or list(factors) != sorted(set(factors)):
            raise ValueError(
                "zne_factors are rising numbers from 1, at least 3 of them, more than the client's "
                "fits have free numbers: write [1, 3, 5]"
            )
        return self

    @property
    def extrapolates(self) -> bool:
        """Whether expectations are extrapolated to zero noise."""
        return self.level == 2 if self.zne_mitigation is None else self.zne_mitigation

    @property
    def corrects_readout(self) -> bool:
        """Whether readout is mitigated, by a calibration circuit of its own."""
        return self.level >= 1 if self.measure_mitigation is None else self.measure_mitigation

    @property
    def factors(self) -> tuple[float, ...]:
        """The noise factors measured at."""
        if not self.extrapolates:
            return (1.0,)
        return self.zne_factors or DEFAULT_ZNE_FACTORS
