"""A target: where circuits are sent, what that may cost, and how answers are made good.

One model for each provider, told apart by the key ``provider``.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, RootModel, model_validator

from qmlmat.hardware.config.access import Access, BraketAccess, IbmAccess, IonqAccess
from qmlmat.hardware.config.resilience import Resilience
from qmlmat.hardware.config.tables import (
    Bounds,
    Budget,
    Calibration,
    IbmMode,
    Layout,
    MitigationTable,
    Mode,
    Noise,
    Prices,
    Retry,
    Sampling,
    Table,
)

_ARN: Final = re.compile(
    r"arn:aws:braket:([a-z0-9-]*)::device/(qpu|quantum-simulator)/[\w-]+/[\w-]+"
)


class Target(Table):
    """A checked file of ``hardware_configs/``."""

    schema_version: Literal[1] = Field(description="Version of this format.")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Name; also the file's name.")
    title: str = Field(min_length=1, description="One line for listings.")
    provider: str = Field(description="Whose device it is.")
    device: str = Field(description="The device, as its provider calls it.")
    primitive: str = Field(default="sampler", description='"sampler": counts.')
    access: Access | None = Field(default=None, description="How the provider is reached.")
    budget: Budget = Field(description="What a run may take.")
    sampling: Sampling = Field(description="How often circuits are repeated.")
    layout: Layout = Field(default=Layout(), description="How circuits are made ready.")
    mitigation: MitigationTable = Field(
        default=MitigationTable(), description="Our own mitigation, of counts."
    )
    mode: Mode = Field(default=Mode(), description="How tasks are cut into jobs and sent.")
    retry: Retry = Field(default=Retry(), description="What is done about failures.")
    calibration: Calibration = Field(
        default=Calibration(), description="What a calibration should be: other jobs are flagged."
    )
    prices: Prices | None = Field(default=None, description="What the account pays.")
    limits: Bounds = Field(default=Bounds(), description="The provider's limits.")

    def fingerprint(self) -> dict[str, Any]:
        """Return what determines an answer: no layout, credential, budget or price."""
        keys = {"provider", "device", "primitive", "mitigation", "resilience", "noise"}
        return self.model_dump(mode="json", include=keys)


class LocalRetry(Retry):
    """What is done about failures on this machine, where nobody is bothered by questions."""

    poll_s: float = Field(
        default=0.1,
        gt=0,
        description="Time until a job is asked for again (s); it doubles up to ten times it.",
    )


class LocalTarget(Target):
    """A simulator in this process, with its jobs in a folder."""

    provider: Literal["local"] = Field(description="This machine.")
    device: str = Field(
        description='"aer", "braket_sv": ideal; "braket_dm": with [noise]; "fake_<name>": a '
        "snapshot of a device of IBM."
    )
    primitive: Literal["sampler", "estimator"] = Field(
        default="sampler", description='"sampler": counts; "estimator": IBM\'s client, on "fake_".'
    )
    resilience: Resilience | None = Field(
        default=None, description='Mitigation by IBM\'s client, with primitive = "estimator".'
    )
    noise: Noise | None = Field(default=None, description='Noise of device = "braket_dm".')
    retry: LocalRetry = Field(default=LocalRetry(), description="What is done about failures.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not re.fullmatch(r"aer|braket_sv|braket_dm|fake_[a-z0-9]+", self.device):
            raise ValueError(
                f'device = "{self.device}" is no simulator of this machine: use "aer", '
                '"braket_sv", "braket_dm", or "fake_" and the name of a device of IBM, as '
                '"fake_manila"'
            )
        if self.access is not None:
            raise ValueError(
                "the table [access] is of a cloud provider, and this machine needs no credential: "
                "leave it out"
            )
        if (self.noise is not None) != (self.device == "braket_dm"):
            raise ValueError(
                'the table [noise] belongs to device = "braket_dm", which needs it: '
                + ("add it" if self.noise is None else "leave it out")
            )
        if self.primitive == "estimator" and not self.device.startswith("fake_"):
            raise ValueError(
                f'primitive = "estimator" is IBM\'s, and "{self.device}" is not IBM\'s: use '
                '"sampler", or a device such as "fake_manila"'
            )
        if self.layout.initial_layout is not None and not self.device.startswith("fake_"):
            raise ValueError(
                f'[layout] initial_layout: every qubit of "{self.device}" is like every other: '
                "leave it out"
            )
        _check_estimator(self.primitive, self.mitigation, self.resilience)
        return self


class IbmLayout(Layout):
    """How circuits are made ready for a device of IBM."""

    fractional_gates: bool = Field(
        default=False, description="Whether gates of any angle (rx, rzz) are used."
    )


class IbmBudget(Budget):
    """What a run may take at IBM, where time is billed."""

    max_qpu_seconds: float = Field(gt=0, description="Time on the processor (s).")


class IbmTarget(Target):
    """A device of IBM."""

    provider: Literal["ibm"] = Field(description="IBM.")
    device: str = Field(description='The device, as "ibm_fez"; "qmlmat hw check" lists them.')
    plan: Literal["open", "payg", "flex", "premium"] = Field(
        description="The account's plan; the open one is free and has no sessions."
    )
    primitive: Literal["sampler", "estimator"] = Field(
        default="sampler",
        description='"sampler": counts, our mitigation; "estimator": expectations, IBM\'s.',
    )
    access: IbmAccess = Field(default=IbmAccess(), description="How IBM is reached.")
    budget: IbmBudget = Field(description="What a run may take.")
    layout: IbmLayout = Field(default=IbmLayout(), description="How circuits are made ready.")
    resilience: Resilience | None = Field(
        default=None, description='Mitigation by IBM\'s client, with primitive = "estimator".'
    )
    mode: IbmMode = Field(default=IbmMode(), description="How tasks are cut into jobs and sent.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.device == "least_busy":
            raise ValueError(
                'device = "least_busy" may be another one after a restart, and results of two '
                'devices must not be mixed: name one, such as "ibm_fez"'
            )
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.device):
            raise ValueError('device is the name of a device of IBM: write one such as "ibm_fez"')
        if self.plan == "open" and self.mode.kind == "session":
            raise ValueError(
                '[mode] kind = "session": the open plan has no sessions. Use "job" or "batch"'
            )
        _check_estimator(self.primitive, self.mitigation, self.resilience)
        return self


def _check_estimator(
    primitive: str, mitigation: MitigationTable, resilience: Resilience | None
) -> None:
    if primitive == "sampler" and resilience is not None:
        raise ValueError(
            'the table [resilience] is for primitive = "estimator": leave it out, or change '
            "primitive; for counts there is [mitigation]"
        )
    if primitive == "estimator" and mitigation.is_on:
        raise ValueError(
            'the table [mitigation] is for counts, and primitive = "estimator" returns none: use '
            '[resilience], or primitive = "sampler"'
        )


class BraketTarget(Target):
    """A device of Amazon Braket."""

    provider: Literal["braket"] = Field(description="Amazon Braket.")
    device: str = Field(description="The device's ARN.")
    primitive: Literal["sampler"] = Field(default="sampler", description="Counts.")
    access: BraketAccess = Field(default=BraketAccess(), description="How Braket is reached.")

    @property
    def is_simulator(self) -> bool:
        """Whether the device is one of Amazon's simulators."""
        return "/quantum-simulator/" in self.device

    @model_validator(mode="after")
    def _check(self) -> Self:
        match = _ARN.fullmatch(self.device)
        if match is None:
            raise ValueError(
                "device is the ARN of a device: write one such as "
                '"arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet"'
            )
        region = match[1]
        if region and self.access.region not in {None, region}:
            raise ValueError(
                f'[access] region = "{self.access.region}": the device is in {region}. Leave '
                "region out"
            )
        if not self.is_simulator:
            _check_hardware(self.mitigation, self.budget, "Braket")
        return self


class IonqTarget(Target):
    """A device of IonQ."""

    provider: Literal["ionq"] = Field(description="IonQ.")
    device: str = Field(description='"simulator", or e.g. "qpu.forte-1".')
    primitive: Literal["sampler"] = Field(default="sampler", description="Counts.")
    access: IonqAccess = Field(default=IonqAccess(), description="How IonQ is reached.")

    @property
    def is_simulator(self) -> bool:
        """Whether the device is IonQ's simulator."""
        return self.device == "simulator"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not re.fullmatch(r"simulator|qpu\.[a-z0-9-]+", self.device):
            raise ValueError(
                f'device = "{self.device}" is none of IonQ: use "simulator", or e.g. "qpu.forte-1"'
            )
        if not self.is_simulator:
            _check_hardware(self.mitigation, self.budget, "IonQ")
        return self


def _check_hardware(mitigation: MitigationTable, budget: Budget, whose: str) -> None:
    if mitigation.noise_factors:
        raise ValueError(
            f"[mitigation] noise_factors: {whose}'s compiler undoes folding, and the answer would "
            "only look extrapolated. Leave them out; readout, symmetry and reference work"
        )
    if budget.max_qpu_seconds is not None:
        raise ValueError(
            f"[budget] max_qpu_seconds: {whose} bills jobs and shots here, not time, so it would "
            "never hold anything back. Leave it out, and set max_usd"
        )


AnyTarget = Annotated[
    LocalTarget | IbmTarget | BraketTarget | IonqTarget, Field(discriminator="provider")
]
"""A target of any provider."""

MODELS: Final[dict[str, type[Target]]] = {
    "local": LocalTarget,
    "ibm": IbmTarget,
    "braket": BraketTarget,
    "ionq": IonqTarget,
}
"""The model of each provider's targets."""


class TargetDocument(RootModel[AnyTarget]):
    """A hardware configuration: where circuits are sent, and what that may cost."""
