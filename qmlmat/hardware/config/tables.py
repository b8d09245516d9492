"""The tables of a hardware configuration that every provider shares.

The file's keys are these models' fields; ``hardware_configs/target.schema.json`` is generated from
them.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Wires = Annotated[tuple[int, ...], Field(strict=False)]
"""A list of whole numbers: TOML has no tuples."""


class Table(BaseModel):
    """A table: no keys but its own, values are not converted, nothing is printed of its input."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        defer_build=True,  # the command line loads these models for every command
    )


class Budget(Table):
    """What a run may take. Nothing is sent that could take more."""

    max_qpu_seconds: float | None = Field(
        default=None, gt=0, description="Time on the processor (s), where time is billed."
    )
    max_usd: float = Field(ge=0, description="Price (US dollars); 0 where nothing is billed.")
    max_jobs: int = Field(ge=1, description="Number of jobs.")
    max_shots: int = Field(ge=1, description="Repetitions of all circuits together.")
    safety_factor: float = Field(
        default=1.2, ge=1, description="Factor by which an estimate of time is reserved."
    )


class Sampling(Table):
    """How often circuits are repeated: give one of the two."""

    shots: int | None = Field(
        default=None, ge=1, description="Repetitions for each state, all its bases together."
    )
    target_error: float | None = Field(
        default=None, gt=0, description="Standard error of an energy (hartree) to choose shots by."
    )

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.shots is None) == (self.target_error is None):
            raise ValueError(
                "shots and target_error both say how often to measure: give exactly one of them"
            )
        return self


class Layout(Table):
    """How circuits are made ready for the device."""

    optimization_level: int = Field(
        default=3, ge=0, le=3, description="Of Qiskit's transpiler, 0 to 3."
    )
    seed_transpiler: int = Field(default=7, ge=0, description="Seed of Qiskit's transpiler.")
    initial_layout: Wires | None = Field(
        default=None, description="The device's qubits, by wire; chosen by us where left out."
    )

    @model_validator(mode="after")
    def _check_qubits(self) -> Self:
        qubits = self.initial_layout
        if qubits is not None and (not qubits or min(qubits) < 0 or len(set(qubits)) < len(qubits)):
            raise ValueError("initial_layout names qubits from 0 on, each once: correct the list")
        return self


class MitigationTable(Table):
    """Our own mitigation, of counts; the keys of ``qmlmat.backends.qubits.Mitigation``."""

    readout: bool = Field(default=False, description="Invert each qubit's readout errors.")
    calibration_shots: int = Field(
        default=20_000, ge=1, description="Repetitions of each of its two circuits."
    )
    symmetry: bool = Field(
        default=False, description="Keep only the right numbers of electrons and parities."
    )
    noise_factors: Wires = Field(
        default=(), description="Odd factors, 1 first, by which circuits are folded; [] for none."
    )
    extrapolation: Literal["linear", "quadratic", "exponential"] = Field(
        default="linear", description="What is fitted over the factors."
    )
    reference: bool = Field(default=False, description="Subtract the error found at zero angles.")

    @model_validator(mode="after")
    def _check_factors(self) -> Self:
        factors = self.noise_factors
        needed = 3 if self.extrapolation == "quadratic" else 2
        rising = list(factors) == sorted(set(factors)) and all(f % 2 == 1 for f in factors)
        if factors and not (factors[0] == 1 and rising and len(factors) >= needed):
            raise ValueError(
                f"noise_factors are rising odd numbers from 1, at least {needed} of them for "
                f'"{self.extrapolation}": write [1, 3, 5]'
            )
        if factors and not self.readout:
            raise ValueError(
                "noise_factors without readout take readout errors for truth: add readout = true"
            )
        return self

    @property
    def is_on(self) -> bool:
        """Whether anything is mitigated."""
        return self.readout or self.symmetry or self.reference or bool(self.noise_factors)


class Noise(Table):
    """Noise of the local density-matrix simulator: depolarising gates, flipped bits."""

    one_qubit: float = Field(
        default=0.0, ge=0, le=0.75, description="Depolarising probability after a one-qubit gate."
    )
    two_qubit: float = Field(
        default=0.0, ge=0, le=0.9375, description="Likewise after a two-qubit gate."
    )
    readout: float = Field(
        default=0.0, ge=0, lt=0.5, description="Probability that a bit is read wrong."
    )


class Mode(Table):
    """How tasks are cut into jobs and sent."""

    kind: Literal["job"] = Field(default="job", description="One job after the other.")
    max_programs_per_job: int | None = Field(
        default=None, ge=1, description="Circuits with their points in a job, below our limit."
    )
    max_executions_per_job: int | None = Field(
        default=None, ge=1, description="Circuit executions in a job, below our limit."
    )


class IbmMode(Mode):
    """How tasks are cut into jobs and sent to IBM."""

    kind: Literal["job", "batch", "session"] = Field(  # type: ignore[assignment] # it knows more
        default="job", description="Single jobs, one batch of them, or a session."
    )
    max_time_s: int | None = Field(
        default=None, ge=1, description="When a batch or session ends by itself (s)."
    )
    max_execution_time_s: int | None = Field(
        default=None, ge=1, le=10_800, description="Most time of one job (s); IBM ends it at 3 h."
    )

    @model_validator(mode="after")
    def _check_time(self) -> Self:
        if self.kind == "job" and self.max_time_s is not None:
            raise ValueError(
                'max_time_s is of a batch or session: leave it out, or write kind = "batch"'
            )
        return self


class Retry(Table):
    """What is done about failures."""

    attempts: int = Field(
        default=5, ge=1, description="How often a question or a refused job is tried."
    )
    backoff_s: float = Field(
        default=2.0, gt=0, description="Wait before the second try (s); it doubles each time."
    )
    poll_s: float = Field(
        default=30.0,
        gt=0,
        description="Time until a job is asked for again (s); it doubles up to ten times it.",
    )
    min_submit_interval_s: float | None = Field(
        default=None, ge=0, description="Time between two jobs (s), where not the provider's own."
    )
    ambiguous_grace_s: float = Field(
        default=60.0, ge=0, description="Time until a job that is not found counts as absent (s)."
    )
    resubmit_failed: bool = Field(
        default=False, description="Whether a job that failed at the provider is sent again."
    )


class Calibration(Table):
    """What a device's calibration should be: jobs on others are flagged; by default anything."""

    max_age_h: float | None = Field(default=None, gt=0, description="Its age (h).")
    max_two_qubit_error: float | None = Field(
        default=None, gt=0, le=1, description="Error of the two-qubit gates that are used."
    )
    max_readout_error: float | None = Field(
        default=None, gt=0, le=1, description="Readout error of the qubits that are used."
    )


class Prices(Table):
    """What the account pays, in place of the figures in ``prices.toml``."""

    usd_per_task: float = Field(default=0.0, ge=0, description="For each job (US dollars).")
    usd_per_shot: float = Field(default=0.0, ge=0, description="For each repetition.")
    usd_per_second: float = Field(default=0.0, ge=0, description="For each second billed.")
    least_seconds: float = Field(default=0.0, ge=0, description="Least time billed for a job (s).")
    source: str = Field(min_length=1, description="Where the figures were read.")
    date: str = Field(pattern=r"^\d{4}-\d{2}(-\d{2})?$", description="When, as 2026-11-28.")


class Bounds(Table):
    """A provider's limits, in place of the figures in ``limits.toml``."""

    max_shots_per_program: int | None = Field(
        default=None, ge=1, description="Most repetitions of a circuit."
    )
    max_payload_bytes: int | None = Field(
        default=None, ge=1, description="Largest job as it is sent."
    )
    overhead_s: float | None = Field(default=None, ge=0, description="Time of an empty job (s).")
    rep_delay_s: float | None = Field(
        default=None, ge=0, description="Wait between two executions (s)."
    )
    circuit_s: float | None = Field(default=None, ge=0, description="Time of one execution (s).")
