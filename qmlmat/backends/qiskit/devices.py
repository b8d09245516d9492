"""Fake and simulated devices, restricted to the qubits that are used."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from qiskit.primitives import BaseSamplerV2, PrimitiveJob, PrimitiveResult
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.providers import BackendV2, Options
from qiskit.transpiler import InstructionProperties, Target
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import SamplerV2

from qmlmat.errors import InputError, MissingExtraError, nearest

_CLASS: Final = re.compile(r"Fake([A-Z][A-Za-z]*?)(?:Backend|V2)?")


def fake_device(name: str) -> BackendV2:
    """Return a snapshot of a device of IBM: its links, gates and errors on one day.

    Args:
        name: As in ``"manila"``, ``"fake_manila"`` or ``"FakeManilaV2"``.

    Raises:
        InputError: If there is none of this name.
        MissingExtraError: If ``qiskit-ibm-runtime`` is not installed.
    """
    known = _fake_devices()
    key = re.sub(r"^fake|(v2|backend)$", "", str(name).lower().replace("_", "").replace(" ", ""))
    if key not in known:
        raise InputError(f'fake_device("{name}"): no such device. {nearest(key, known)}')
    return known[key]()


def restricted(device: BackendV2, qubits: Sequence[int]) -> BackendV2:
    """Return a device that has only some of a device's qubits, with their gates and errors.

    Qubit k of the result is ``qubits[k]``; ``AerSimulator.from_backend`` simulates only these.

    Args:
        device: The device.
        qubits: Different qubits of it, in the wanted order.

    Raises:
        InputError: If a qubit is there twice, or is not the device's.
    """
    chosen = [int(qubit) for qubit in qubits]
    outside = chosen != list(qubits) or any(not 0 <= q < device.num_qubits for q in chosen)
    if not chosen or outside or len(set(chosen)) < len(chosen):
        raise InputError(
            f"restricted(qubits={chosen}): {device.name} has the qubits 0 to "
            f"{device.num_qubits - 1}. Name some of them, each once."
        )
    return _Restricted(device, chosen)


class NoisySampler(BaseSamplerV2):  # type: ignore[misc] # Qiskit is untyped to mypy
    """A V2 sampler that simulates a device with its noise, every circuit with draws of its own.

    Aer's sampler with a seed draws the same in every job, so that errors would repeat from step to
    step of a search and from point to point of a curve. Within a job it begins anew with that seed
    for each number of shots: bases of measurement would err together, and error bars be wrong.
    """

    def __init__(self, device: BackendV2 | None, *, seed: int | None = None) -> None:
        """Make the sampler of a device.

        Args:
            device: The device; restrict it first, since every qubit of it is simulated. ``None``:
                without noise.
            seed: Seed of the shots.
        """
        self._simulator = AerSimulator() if device is None else AerSimulator.from_backend(device)
        self._rng = np.random.default_rng(seed)

    def run(self, pubs: Any, *, shots: int | None = None) -> Any:  # noqa: ANN401 (Qiskit's)
        """Return the job that samples the circuits; see ``BaseSamplerV2.run``."""
        coerced = [SamplerPub.coerce(pub, shots) for pub in pubs]
        job = PrimitiveJob(self._sampled, coerced)
        job._submit()
        return job

    def _sampled(self, pubs: Sequence[SamplerPub]) -> PrimitiveResult[Any]:
        """Return the results, each number of shots with a seed of its own."""
        found: dict[int, Any] = {}
        for shots in dict.fromkeys(pub.shots for pub in pubs):
            seed = int(self._rng.integers(2**31))
            here = [k for k, pub in enumerate(pubs) if pub.shots == shots]
            sampler = SamplerV2.from_backend(self._simulator, seed=seed)
            answers = sampler.run([pubs[k] for k in here]).result()
            found |= dict(zip(here, answers, strict=True))
        return PrimitiveResult([found[k] for k in range(len(pubs))], metadata={"version": 2})


def best_qubits(device: BackendV2, n_qubits: int) -> list[int]:
    """Return linked qubits of a device with small errors, in ascending order.

    From every qubit a set is grown, each time by the neighbour whose readout error and best link
    into the set add up to the least; the set with the smallest sum is taken.

    Args:
        device: The device.
        n_qubits: How many qubits.

    Raises:
        InputError: If the device has no so many linked qubits.
    """
    if not isinstance(n_qubits, int | np.integer):
        raise InputError(f"best_qubits(n_qubits={n_qubits!r}): use a whole number.")
    readout, links = _readout_errors(device), _link_errors(device)
    best: tuple[float, list[int]] = (math.inf, [])
    for first in range(device.num_qubits):
        grown, total = [first], readout[first]
        while len(grown) < n_qubits:
            steps = [
                (error + readout[other], other)
                for qubit in grown
                for other, error in links[qubit].items()
                if other not in grown
            ]
            cost, other = min(steps, default=(math.inf, -1))
            total += cost
            if not total < best[0]:
                break
            grown.append(other)
        if total < best[0]:
            best = (total, sorted(grown))
    if not best[1] or n_qubits < 1:
        raise InputError(
            f"best_qubits(n_qubits={n_qubits}): {device.name} has {device.num_qubits} qubits, and "
            "no so many working ones are linked. Use a larger device, or fewer qubits."
        )
    return best[1]


class _Restricted(BackendV2):  # type: ignore[misc] # Qiskit is untyped to mypy
    """Some of a device's qubits."""

    def __init__(self, device: BackendV2, qubits: Sequence[int]) -> None:
        super().__init__(
            name=f"{device.name}, qubits {', '.join(map(str, qubits))}",
            description=device.description,
            backend_version=device.backend_version,
        )
        self._target = _restricted_target(device.target, qubits)

    @property
    def target(self) -> Target:
        """Its gates and their errors."""
        return self._target

    @property
    def max_circuits(self) -> int | None:
        """As many circuits in a job as are given."""
        return None

    @classmethod
    def _default_options(cls) -> Options:
        return Options(shots=1024)

    def run(self, run_input: Any, **options: Any) -> Any:  # noqa: ANN401 - Qiskit's interface
        """Return the job that simulates circuits with the device's noise."""
        settings = {"shots": self.options.shots} | options
        return AerSimulator.from_backend(self).run(run_input, **settings)


def _restricted_target(target: Target, qubits: Sequence[int]) -> Target:
    place = {qubit: k for k, qubit in enumerate(qubits)}
    properties = target.qubit_properties
    found = Target(
        description=target.description,
        num_qubits=len(qubits),
        dt=target.dt,
        granularity=target.granularity,
        min_length=target.min_length,
        pulse_alignment=target.pulse_alignment,
        acquire_alignment=target.acquire_alignment,
        qubit_properties=None if properties is None else [properties[q] for q in qubits],
    )
    for name in target.operation_names:
        operation, entries = target.operation_from_name(name), target[name]
        if entries is None or None in entries:  # of all qubits alike, as control flow is
            found.add_instruction(operation, name=name)
            continue
        kept: dict[tuple[int, ...], InstructionProperties | None] = {
            tuple(place[q] for q in where): entry
            for where, entry in entries.items()
            if all(q in place for q in where)
        }
        if kept:
            found.add_instruction(operation, kept, name=name)
    return found


def _fake_devices() -> Mapping[str, type[BackendV2]]:
    try:
        from qiskit_ibm_runtime import fake_provider  # noqa: PLC0415 - an optional package
    except ImportError as error:
        raise MissingExtraError(
            'Fake devices come with qiskit-ibm-runtime. Type: pip install "qmlmat[ibm]"'
        ) from error
    found = {}
    for name in dir(fake_provider):
        match = _CLASS.fullmatch(name)
        kind = getattr(fake_provider, name)
        if match and isinstance(kind, type) and issubclass(kind, BackendV2):
            found[match[1].lower()] = kind
    return found


def _readout_errors(device: BackendV2) -> list[float]:
    entries = device.target["measure"] if "measure" in device.target.operation_names else {}
    errors = []
    for qubit in range(device.num_qubits):
        entry = (entries or {}).get((qubit,))
        errors.append(float(getattr(entry, "error", None) or 0.0))
    return errors


def _link_errors(device: BackendV2) -> list[dict[int, float]]:
    """Return for each qubit its neighbours and the smaller error of a gate, without broken ones."""
    found: list[dict[int, float]] = [{} for _ in range(device.num_qubits)]
    for name in device.target.operation_names:
        for where, entry in (device.target[name] or {}).items():
            if where is None or len(where) != 2:
                continue
            error = float(getattr(entry, "error", None) or 0.0)
            if error < 1.0:  # 1 stands for a broken link
                for one, other in (where, where[::-1]):
                    found[one][other] = min(error, found[one].get(other, 1.0))
    return found
