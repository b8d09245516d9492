"""The errors a user can meet: each names the call, the value, the rule and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class QmlmatError(Exception):
    """Base of every error raised on purpose by this package."""


class InputError(QmlmatError, ValueError):
    """A value that cannot be used: wrong type, range, shape or name."""


class GeometryError(InputError):
    """Positions that describe no molecule: NaN, overlapping atoms, unknown elements."""


class BasisError(InputError):
    """A basis set or effective core potential that is not known for an element."""


class ActiveSpaceError(InputError):
    """An active space that the molecule's orbitals or electrons cannot fill."""


class TemplateError(InputError):
    """An ansatz template that cannot be read or lowered to a circuit."""


class ConfigError(InputError):
    """An input file with an unknown key or an unusable value."""


class CapabilityError(QmlmatError, TypeError):
    """A backend was asked for something it cannot do."""


class MeanFieldError(QmlmatError, RuntimeError):
    """The self-consistent field did not converge, also after the rescue."""


class MeasurementError(QmlmatError, RuntimeError):
    """A device's answer cannot be used: counts are missing, or nothing passes post-selection."""


class VariationalError(QmlmatError, RuntimeError):
    """An exact-backend energy fell below the exact ground state: something is wrong.

    The offending result is kept in ``solution`` so that nothing computed is lost.
    """

    solution: Any
    """The ``Solution`` that broke the variational principle."""

    def __init__(self, message: str, solution: object = None) -> None:
        super().__init__(message)
        self.solution = solution


class StoreError(QmlmatError, RuntimeError):
    """A scan's store cannot be read, written, or belongs to other inputs."""


class StoreMismatchError(StoreError):
    """A store that holds the scan of other inputs; the differing inputs are named."""


class HardwareError(QmlmatError, RuntimeError):
    """Something about a cloud device, a submission or its record."""


class BudgetError(HardwareError):
    """A plan that costs more than its budget, or is over a limit; nothing was sent."""


class CredentialError(HardwareError):
    """A credential is missing or refused; the message names where it is looked for, never it."""


class RejectedError(HardwareError):
    """A provider refused a job: nothing was accepted, nothing will be billed."""

    retry_after: float | None
    """When to try again (s); ``None``: not before something is changed."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnclearError(HardwareError):
    """A job was sent and no answer came: it may have been accepted."""


class UnavailableError(HardwareError):
    """A provider did not answer a question; asking again does no harm."""


class CorruptResultError(HardwareError):
    """A result or a stored file that cannot be read; what came is kept."""


class LedgerError(HardwareError):
    """A ledger cannot be read, written, or belongs to something else."""


class MissingExtraError(QmlmatError, ImportError):
    """An optional package is absent; the message says what to type."""


class QmlmatWarning(UserWarning):
    """Base of the warnings of this package: results stand, but read the message."""


class PointWarning(QmlmatWarning):
    """What one point of a scan warned of, with its place; the point's notes say it, too."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint naming the known words closest to ``name``, or all of them.

    Args:
        name: The word that was not recognised.
        known: The words that would have been.

    Example:
        >>> nearest("uccds", ["uccsd", "uccgsd"])
        'Did you mean "uccsd"?'
    """
    words = sorted(known)
    close = difflib.get_close_matches(name, words, n=1, cutoff=0.5)
    if close:
        return f'Did you mean "{close[0]}"?'
    return "Known: " + ", ".join(words) + "." if words else "None are known."
