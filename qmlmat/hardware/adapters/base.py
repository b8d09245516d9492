"""What every provider's door answers, and the values that pass through it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from qmlmat.errors import CorruptResultError
from qmlmat.hardware.task import Answer, Task

JobState: TypeAlias = Literal["queued", "running", "done", "failed", "cancelled"]
"""What a provider says of a job."""


@dataclass(frozen=True, kw_only=True)
class DeviceFacts:
    """What a device is and can do; of a device in use, as it says itself."""

    name: str
    """As the provider calls it."""
    n_qubits: int
    """Number of qubits."""
    primitives: tuple[str, ...] = ("sampler",)
    """``"sampler"``: counts; ``"estimator"``: expectations."""
    modes: tuple[str, ...] = ("job",)
    """Ways to send jobs: ``"job"``, ``"batch"``, ``"session"``."""
    mid_circuit: bool = False
    """Whether qubits can be measured and reset before the end of a circuit."""
    is_simulator: bool = False
    """Whether it is a simulator."""
    is_online: bool = True
    """Whether it takes jobs now."""
    seconds_left: float | None = None
    """What is left of the account's own quota (s); ``None`` where the provider names none."""
    notes: tuple[str, ...] = ()
    """What a user should know before sending anything, one sentence each."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A device's calibration."""

    device: str
    """As the provider calls it."""
    taken: float
    """When it was asked for (s since 1970, UTC)."""
    calibrated: float | None = None
    """When the device was calibrated (s since 1970, UTC); ``None`` where it is not told."""
    readout_errors: Mapping[int, float] = field(default_factory=dict)
    """Mean readout error of each qubit."""
    two_qubit_errors: Mapping[tuple[int, int], float] = field(default_factory=dict)
    """Error of each link's two-qubit gate."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values from which ``from_dict`` gives the same snapshot."""
        return {
            "device": self.device,
            "taken": self.taken,
            "calibrated": self.calibrated,
            "readout_errors": [[q, e] for q, e in self.readout_errors.items()],
            "two_qubit_errors": [[a, b, e] for (a, b), e in self.two_qubit_errors.items()],
        }

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Snapshot:
        """Return the snapshot whose ``to_dict`` is ``tree``."""
        return cls(
            device=tree["device"],
            taken=tree["taken"],
            calibrated=tree["calibrated"],
            readout_errors=dict(tree["readout_errors"]),
            two_qubit_errors={(a, b): e for a, b, e in tree["two_qubit_errors"]},
        )


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a job takes, before it is sent."""

    n_executions: int
    """Circuit executions, those of mitigation among them."""
    n_circuits: int
    """Circuits with angles and a basis of measurement."""
    seconds: float | None = None
    """Time on the quantum processor (s); ``None`` where the provider does not bill time."""
    usd: float = 0.0
    """Price (US dollars)."""
    n_bytes: int | None = None
    """Size of what is sent; ``None`` before it is made."""


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What a job took, as the provider says."""

    seconds: float | None = None
    """Time billed (s); ``None`` where the provider does not bill time."""
    usd: float | None = None
    """Price (US dollars); ``None`` where the provider does not tell."""
    n_shots: int | None = None
    """Repetitions that were run; ``None`` where the provider does not tell."""


@dataclass(frozen=True, kw_only=True)
class RemoteJob:
    """A job as a provider knows it."""

    remote_id: str
    """Its name there."""
    state: JobState
    """How far it is."""
    message: str = ""
    """What the provider says, of a failure above all."""
    created: float | None = None
    """When it was accepted (s since 1970, UTC)."""
    is_whole: bool = True
    """Whether all of it was accepted; if not, the payload sent again with its key sends the rest,
    and bills nothing twice."""


@dataclass(frozen=True, kw_only=True)
class Payload:
    """What is sent for a task: made once, stored before it is sent, and sent again as it is."""

    content: bytes
    """All that is needed to send the job and to read its result; no secret is in it."""
    bit_qubits: tuple[tuple[int, ...], ...]
    """For each program the wire of the layout that each bit is read from."""
    layout: tuple[int, ...] = ()
    """The device's qubits, by wire; empty where the provider places circuits itself."""
    n_executions: int = 0
    """Circuit executions, as counted from the payload itself."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Further plain values for the reader: depth, two-qubit gates, seeds."""

    @property
    def sha256(self) -> str:
        """Hash of what is sent."""
        return hashlib.sha256(self.content).hexdigest()

    def to_bytes(self) -> bytes:
        """Return the payload as a file's content."""
        tree = {
            "content": base64.b64encode(self.content).decode("ascii"),
            "bit_qubits": self.bit_qubits,
            "layout": self.layout,
            "n_executions": self.n_executions,
            "facts": dict(self.facts),
            "sha256": self.sha256,
        }
        return json.dumps(tree, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, text: bytes) -> Payload:
        """Return the payload whose ``to_bytes`` is ``text``.

        Raises:
            CorruptResultError: If the text is damaged.
        """
        try:
            tree = json.loads(text)
            found = cls(
                content=base64.b64decode(tree["content"]),
                bit_qubits=tuple(tuple(bits) for bits in tree["bit_qubits"]),
                layout=tuple(tree["layout"]),
                n_executions=tree["n_executions"],
                facts=tree["facts"],
            )
            is_whole = found.sha256 == tree["sha256"]
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptResultError(_DAMAGED) from error
        if not is_whole:
            raise CorruptResultError(_DAMAGED)
        return found


_DAMAGED = (
    "Payload: the stored file is damaged, so it is not sent. Restore the ledger's folder from a "
    "copy, or start a run of another name."
)


@runtime_checkable
class Adapter(Protocol):
    """A provider's device. Only these calls reach the network, and none of them at construction.

    Errors: ``RejectedError`` where nothing was accepted; ``UnclearError`` where something may have
    been; ``UnavailableError`` where reading failed and can be tried again; ``CorruptResultError``
    where a result cannot be read. No text of an error holds a credential.
    """

    @property
    def name(self) -> str:
        """Provider and device, in records."""
        ...

    def capabilities(self) -> DeviceFacts:
        """Return what the device is and can do."""
        ...

    def snapshot(self) -> Snapshot | None:
        """Return the calibration now; ``None`` where there is none."""
        ...

    def compile(self, task: Task, *, layout: Sequence[int] | None = None) -> Payload:
        """Return what will be sent: transpiled once per circuit, checked against the device.

        Args:
            task: What is measured.
            layout: The device's qubits by wire, as an earlier task of the run has them; chosen
                by the adapter where ``None``.

        Raises:
            CapabilityError: If the device cannot run a program.
        """
        ...

    def estimate(self, task: Task) -> Resources:
        """Return what a task takes; no network."""
        ...

    def submit(self, payload: Payload, key: str) -> str:
        """Send a job that carries the key, and return its name at the provider."""
        ...

    def find(self, key: str) -> list[RemoteJob]:
        """Return every job that carries the key."""
        ...

    def status(self, remote_id: str) -> RemoteJob:
        """Return how far a job is."""
        ...

    def fetch_raw(self, remote_id: str) -> bytes:
        """Return a finished job's result as the provider sends it."""
        ...

    def decode(self, raw: bytes, payload: Payload) -> list[Answer]:
        """Return the answers of the payload's programs, in their order, the sentinel's last."""
        ...

    def usage(self, remote_id: str) -> Spent:
        """Return what a job took."""
        ...

    def cancel(self, remote_id: str) -> None:
        """Ask that a job be stopped; one that has ended is left as it is."""
        ...
