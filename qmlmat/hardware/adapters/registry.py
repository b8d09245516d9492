"""The adapter of a target: each provider's module is loaded when it is asked for."""

from __future__ import annotations

from pathlib import Path

from qmlmat.errors import MissingExtraError
from qmlmat.hardware.adapters.base import Adapter
from qmlmat.hardware.config.target import (
    BraketTarget,
    IbmTarget,
    IonqTarget,
    LocalTarget,
    Target,
)


def make_adapter(target: Target, *, folder: Path) -> Adapter:
    """Return the adapter of a target's provider. Nothing is sent, no credential is looked up.

    Args:
        target: Where circuits go.
        folder: The run's ledger; local jobs are kept in its folder ``jobs``.

    Raises:
        MissingExtraError: If the provider's client is not installed.
    """
    try:
        return _made(target, folder)
    except ImportError as error:
        if isinstance(error, MissingExtraError):
            raise
        extra = "ibm" if target.provider == "local" else target.provider
        raise MissingExtraError(
            f"make_adapter({target.name}): the client of {target.provider} is not installed "
            f'({error.name}). Type: pip install "qmlmat[{extra}]"'
        ) from error


def _made(target: Target, folder: Path) -> Adapter:
    if isinstance(target, LocalTarget):
        return _local(target, folder)
    if isinstance(target, IbmTarget):
        from qmlmat.hardware.adapters.ibm.adapter import IbmAdapter  # noqa: PLC0415 (its client)

        return IbmAdapter(target)
    if isinstance(target, BraketTarget):
        from qmlmat.hardware.adapters.braket.adapter import (  # noqa: PLC0415 (its client)
            BraketAdapter,
        )

        return BraketAdapter(target)
    assert isinstance(target, IonqTarget)
    from qmlmat.hardware.adapters.ionq.adapter import IonqAdapter  # noqa: PLC0415 (its client)

    return IonqAdapter(target)


def _local(target: LocalTarget, folder: Path) -> Adapter:
    from qmlmat.hardware.adapters.local.adapter import local_adapter  # noqa: PLC0415 (numpy)

    if target.device.startswith("braket_"):
        from qmlmat.hardware.adapters.local.braket import BraketEngine  # noqa: PLC0415 (Braket)

        return local_adapter(target.device, BraketEngine(target.device, target.noise), folder)
    from qmlmat.hardware.adapters.local.aer import AerEngine  # noqa: PLC0415 (Qiskit)

    return local_adapter(target.device, AerEngine(target.device, target.layout), folder)
