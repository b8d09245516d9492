"""A device of IBM, behind the interface of every provider."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from qmlmat.backends.qubits.jobs import Batch, CountJob
from qmlmat.errors import MissingExtraError, UnavailableError
from qmlmat.hardware.adapters.base import (
    DeviceFacts,
    Payload,
    RemoteJob,
    Resources,
    Snapshot,
    Spent,
)
from qmlmat.hardware.config import rates
from qmlmat.hardware.config.target import IbmTarget
from qmlmat.hardware.executions import Overhead, estimator_executions, sampler_executions
from qmlmat.hardware.task import Answer, Task

if TYPE_CHECKING:
    from qmlmat.hardware.adapters.ibm.compiling import Compiler
    from qmlmat.hardware.adapters.ibm.content import Content
    from qmlmat.hardware.adapters.ibm.wire import Wire

_PAGE: Final = 50
"""Jobs asked for at once."""


def tag_of(key: str) -> str:
    """Return the tag by which a job is found again."""
    return f"qmlmat.{key[:32]}"


class IbmAdapter:
    """A device of IBM: a sampler for our estimation, or the client's estimator.

    Nothing is asked of the network before the first call. A batch or session is found again by a
    tag of the run, also by another process.
    """

    def __init__(self, target: IbmTarget, *, timeout_s: float = 60.0) -> None:
        """Make the adapter.

        Args:
            target: The device, and how it is used.
            timeout_s: How long an answer is waited for (s).
        """
        self._target = target
        self._timeout_s = timeout_s

    def __repr__(self) -> str:
        return f"IbmAdapter({self._target.name})"

    @property
    def name(self) -> str:
        """Provider and device."""
        return f"ibm {self._target.device}"

    @cached_property
    def _wire(self) -> Wire:
        try:
            from qmlmat.hardware.adapters.ibm.wire import Wire as Kind  # noqa: PLC0415 - optional
        except ImportError as error:
            raise MissingExtraError(
                'Devices of IBM need qiskit-ibm-runtime. Type: pip install "qmlmat[ibm]"'
            ) from error
        return Kind(self._target, self._timeout_s)

    @cached_property
    def _compiler(self) -> Compiler:
        device = self._wire.device
        from qmlmat.hardware.adapters.ibm.compiling import (  # noqa: PLC0415 - optional
            Compiler as Kind,
        )

        return Kind(target=self._target, device=device)

    def capabilities(self) -> DeviceFacts:
        """Return what the device is and can do; see ``Adapter.capabilities``."""
        wire = self._wire
        with wire.asking("the device's state"):
            status, usage = wire.device.status(), wire.service.usage()
        modes = ("job", "batch") if self._target.plan == "open" else ("job", "batch", "session")
        waiting = f"{status.pending_jobs} jobs wait for the device."
        notes = (waiting,) if status.status_msg == "active" else (waiting, status.status_msg)
        return DeviceFacts(
            name=wire.device.name,
            n_qubits=wire.device.num_qubits,
            primitives=("sampler", "estimator"),
            modes=modes,
            mid_circuit=True,
            is_online=bool(status.operational),
            seconds_left=usage.get("usage_remaining_seconds"),
            notes=notes,
        )

    def snapshot(self) -> Snapshot:
        """Return the calibration now."""
        wire = self._wire
        with wire.asking("the calibration"):
            properties = wire.device.properties(refresh=True)
        readout = {q: properties.readout_error(q) for q in range(len(properties.qubits))}
        links: dict[tuple[int, int], float] = {}
        for gate in properties.gates:
            errors = [one.value for one in gate.parameters if one.name == "gate_error"]
            if len(gate.qubits) == 2 and errors:
                first, second = gate.qubits
                links[first, second] = min(errors[0], links.get((first, second), 1.0))
        return Snapshot(
            device=wire.device.name,
            taken=time.time(),
            calibrated=properties.last_update_date.timestamp(),
            readout_errors=readout,
            two_qubit_errors=links,
        )

    def compile(self, task: Task, *, layout: Sequence[int] | None = None) -> Payload:
        """Return what will be sent; see ``Adapter.compile``.

        Raises:
            CapabilityError: If the device cannot run a program, or programs do not fit together.
            InputError: If the layout has too few qubits.
        """
        return self._compiler.compile(task, layout)

    def estimate(self, task: Task) -> Resources:
        """Return what a task takes, by the closed formulas; no network."""
        from qmlmat.hardware.adapters.ibm.options import seconds  # noqa: PLC0415 - pydantic

        counts = [one for one in task.measured if isinstance(one, CountJob)]
        batches = [one for one in task.measured if isinstance(one, Batch)]
        n_executions = sampler_executions(counts)
        if batches:
            n_executions += estimator_executions(batches, Overhead.of(self._target.resilience))
        time_s = seconds(self._target, n_executions)
        return Resources(
            n_executions=n_executions,
            n_circuits=task.n_circuits,
            seconds=time_s,
            usd=self._usd(time_s),
        )

    def _usd(self, time_s: float) -> float:
        price = rates(self._target)
        return price.usd_per_task + price.usd_per_second * max(time_s, price.least_seconds)

    def submit(self, payload: Payload, key: str) -> str:
        """Send a job that carries the key, by one POST, and return its name at IBM."""
        wire = self._wire
        from qmlmat.hardware.adapters.ibm.content import Content as Kind  # noqa: PLC0415 - optional

        content = Kind.from_bytes(payload.content)
        pubs = content.pubs()
        with wire.sending():
            primitive = self._primitive(wire, content)
            primitive.options.environment.job_tags = [tag_of(key), content.run]
            return str(primitive.run(pubs).job_id())

    def _primitive(self, wire: Wire, content: Content) -> Any:  # noqa: ANN401 (IBM's)
        """Return the client's primitive, in the batch or session of the run."""
        mode: Any = wire.device
        if content.mode != "job":
            mode = wire.opened(content.mode, content.run, self._target.mode.max_time_s)
        if content.primitive == "sampler":
            from qiskit_ibm_runtime.executor_sampler import Sampler  # noqa: PLC0415 - optional

            return Sampler(mode, options=dict(content.options))
        from qiskit_ibm_runtime.executor_estimator import Estimator  # noqa: PLC0415 - optional

        return Estimator(mode, options=dict(content.options))

    def find(self, key: str) -> list[RemoteJob]:
        """Return every job that carries the key, the oldest first."""
        wire = self._wire
        from qmlmat.hardware.adapters.ibm.results import remote_job  # noqa: PLC0415 - optional

        found: list[RemoteJob] = []
        with wire.asking("looking for a job"):
            while True:
                page = wire.client.jobs_get(limit=_PAGE, skip=len(found), job_tags=[tag_of(key)])
                found += map(remote_job, page["jobs"])
                if not page["jobs"] or len(found) >= page["count"]:
                    return found[::-1]

    def status(self, remote_id: str) -> RemoteJob:
        """Return how far a job is."""
        wire = self._wire
        from qmlmat.hardware.adapters.ibm.results import remote_job  # noqa: PLC0415 - optional

        with wire.asking(f"the state of job {remote_id}"):
            return remote_job(wire.client.job_get(remote_id))

    def fetch_raw(self, remote_id: str) -> bytes:
        """Return a finished job's result as IBM sends it.

        Raises:
            UnavailableError: If there is none yet, or it did not come whole.
        """
        wire = self._wire
        with wire.asking(f"the result of job {remote_id}"):
            raw = str(wire.client.job_results(remote_id)).encode()
        if not raw:
            raise UnavailableError(f"ibm: job {remote_id} has no result yet. Ask again later.")
        return raw

    def decode(self, raw: bytes, payload: Payload) -> list[Answer]:
        """Return the answers of the payload's programs; no network.

        Raises:
            CorruptResultError: If the result cannot be read.
            MeasurementError: If it is nonsense.
            MissingExtraError: If ``qiskit-ibm-runtime`` is not installed.
        """
        try:
            from qmlmat.hardware.adapters.ibm.results import decode  # noqa: PLC0415 - optional
        except ImportError as error:
            raise MissingExtraError(
                'Results of IBM need qiskit-ibm-runtime. Type: pip install "qmlmat[ibm]"'
            ) from error
        from qmlmat.hardware.adapters.ibm.content import Content as Kind  # noqa: PLC0415 - optional

        return decode(raw, Kind.from_bytes(payload.content))

    def usage(self, remote_id: str) -> Spent:
        """Return what a job took.

        Raises:
            UnavailableError: If IBM has not counted it yet.
        """
        wire = self._wire
        with wire.asking(f"the usage of job {remote_id}"):
            told = wire.client.job_metadata(remote_id).get("usage", {})
        time_s = told.get("qpu_charge_time_seconds")
        if told.get("status", "pending") == "pending" or time_s is None:
            raise UnavailableError(f"ibm: job {remote_id} is not counted yet. Ask again later.")
        return Spent(seconds=float(time_s), usd=self._usd(float(time_s)) if time_s else 0.0)

    def cancel(self, remote_id: str) -> None:
        """Ask that a job be stopped; one that has ended is left as it is."""
        self._wire.cancel(remote_id)
