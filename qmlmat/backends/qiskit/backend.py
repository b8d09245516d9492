"""Requests answered by Qiskit's V2 primitives."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives import (
    BaseEstimatorV2,
    BaseSamplerV2,
    StatevectorEstimator,
    StatevectorSampler,
)
from qiskit.providers import BackendV2
from qiskit.transpiler import generate_preset_pass_manager

from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qiskit.circuits import to_qiskit
from qmlmat.backends.qiskit.devices import NoisySampler, best_qubits, fake_device, restricted
from qmlmat.backends.qiskit.operators import to_sparse_pauli_op
from qmlmat.backends.qubits.base import QubitBackend
from qmlmat.backends.qubits.jobs import (
    Batch,
    CountDoor,
    CountJob,
    ExpectationDoor,
    Measured,
    Usage,
)
from qmlmat.errors import CapabilityError, InputError, MeasurementError, QmlmatWarning
from qmlmat.typing import FloatArray

SIMULATED_BASIS: Final = ("x", "y", "z", "h", "s", "sdg", "sx", "rx", "ry", "rz", "p", "cx", "cz")
"""Gates for primitives that name no device: every simulator has them."""


@dataclass(frozen=True, kw_only=True)
class QiskitBackend(QubitBackend):
    """Circuits on any Qiskit V2 primitive: an estimator, or a sampler with our own estimation.

    Each circuit is transpiled once; all points, shifts and references of a call are array-valued
    PUBs of one job. Mitigation is ours with a sampler, and the primitive's own with an estimator.
    Randomness is the primitive's: seed it there, with a numpy ``Generator`` (a whole number would
    draw the same in every job).

    Example:
        >>> import qmlmat as qm
        >>> from qiskit.primitives import StatevectorEstimator
        >>> h2 = qm.molecular_hamiltonian(qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735"))
        >>> backend = qm.QiskitBackend(primitive=StatevectorEstimator())
        >>> round(qm.solve(h2, qm.VQE("uccsd"), backend=backend).energy, 6)
        -1.137306
    """

    primitive: Any
    """A ``BaseEstimatorV2`` or ``BaseSamplerV2``."""
    device: Any = None
    """The ``BackendV2`` that circuits are transpiled for; ``None``: the primitive's own where it
    has one, else a plain gate set without connectivity."""
    optimization_level: int = 3
    """Of the transpiler, 0 to 3."""
    seed_transpiler: int = 7
    """Seed of the transpiler: the same circuit always gives the same one."""
    transpiled: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    """Circuits made ready so far."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.primitive, BaseEstimatorV2 | BaseSamplerV2):
            raise InputError(
                f"QiskitBackend(primitive={type(self.primitive).__name__}): not a V2 primitive. "
                "Use qiskit.primitives.StatevectorEstimator(), or BackendSamplerV2(backend=...)."
            )
        self._check_seed()
        if not (self.target_device is None or isinstance(self.target_device, BackendV2)):
            raise InputError(
                f"QiskitBackend(device={self.device!r}): not a BackendV2. Use "
                'fake_device("manila"), or AerSimulator.from_backend(...).'
            )

    def _check_seed(self) -> None:
        """Refuse primitives that draw the same at every point, warn of those that do in every job.

        Raises:
            InputError: If error bars would be wrong.
        """
        seed = _seed_of(self.primitive)
        if not isinstance(seed, int | np.integer):
            return
        if isinstance(self.primitive, StatevectorSampler):
            raise InputError(
                f"QiskitBackend(primitive=StatevectorSampler(seed={seed})): it draws the same "
                "shots at every point, and differences and error bars are then wrong. Use "
                f"seed=np.random.default_rng({seed})."
            )
        warnings.warn(
            f"QiskitBackend(primitive={type(self.primitive).__name__} with seed {seed}): it draws "
            "the same shots in every job, so errors repeat from step to step and from point to "
            f"point. Use NoisySampler(device, seed={seed}), or no seed.",
            QmlmatWarning,
            stacklevel=4,
        )

    @classmethod
    def on_fake(
        cls,
        name: str,
        *,
        n_qubits: int,
        seed: int | None = None,
        **settings: Any,  # noqa: ANN401 (the fields)
    ) -> QiskitBackend:
        """Return a sampler with the noise of a fake device, restricted to its best linked qubits.

        Args:
            name: The device, e.g. ``"manila"``.
            n_qubits: How many qubits circuits take: ``mapping.n_qubits``.
            seed: Seed of the shots.
            settings: Fields of the backend; ``shots`` among them.

        Raises:
            InputError: If there is no such device, or it has too few linked qubits.
            MissingExtraError: If ``qiskit-ibm-runtime`` is not installed.

        Example:
            >>> import qmlmat as qm
            >>> h2 = qm.molecular_hamiltonian(qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735"))
            >>> two = h2.qubit_mapping("parity", reduced=True)
            >>> device = qm.QiskitBackend.on_fake(
            ...     "manila", n_qubits=2, seed=1, mapping=two, shots=4000
            ... )
            >>> found = qm.solve(h2, qm.VQE("uccsd", exact_search=True), backend=device)
            >>> bool(found.error > 0.01)  # hartree: noise raises the energy
            True
        """
        device = fake_device(name)
        part = restricted(device, best_qubits(device, n_qubits))
        return cls(primitive=NoisySampler(part, seed=seed), device=part, **settings)

    @classmethod
    def ideal(cls, *, seed: int | None = None, **settings: Any) -> QiskitBackend:  # noqa: ANN401
        """Return Qiskit's reference primitives: exact without shots, else a sampler.

        Args:
            seed: Seed of the shots.
            settings: Fields of the backend.
        """
        if settings.get("shots") is None:
            return cls(primitive=StatevectorEstimator(), **settings)
        return cls(primitive=StatevectorSampler(seed=np.random.default_rng(seed)), **settings)

    @property
    def target_device(self) -> Any:  # noqa: ANN401 (Qiskit's)
        """The device that circuits are transpiled for."""
        if self.device is not None:
            return self.device
        return getattr(self.primitive, "backend", getattr(self.primitive, "_backend", None))

    @property
    def device_name(self) -> str:
        """What primitive and device are called, in records."""
        device = self.target_device
        kind = f"{type(self.primitive).__module__}.{type(self.primitive).__qualname__}"
        return kind if device is None else f"{kind} on {device.name}"

    @property
    def counts_bits(self) -> bool:
        """Whether the primitive is a sampler."""
        return isinstance(self.primitive, BaseSamplerV2)

    def door(self, shots: int | None, seed: int | None) -> ExpectationDoor:
        """Return what measures expectations; see ``QubitBackend.door``."""
        if not self.counts_bits:
            return _EstimatorDoor(self)
        if shots is None:
            raise CapabilityError(
                "QiskitBackend(primitive=<sampler>, shots=None): a sampler needs shots. Set "
                "shots=4096, or use StatevectorEstimator()."
            )
        return self.sampled(seed)

    def count_door(self, seed: int | None) -> CountDoor:
        """Return what counts bit strings; see ``QubitBackend.count_door``."""
        return _SamplerDoor(self) if self.counts_bits else super().count_door(seed)

    def ready(self, circuit: QubitCircuit, *, is_physical: bool = False) -> QuantumCircuit:
        """Return a circuit as the device runs it, transpiled at first use.

        Args:
            circuit: The circuit.
            is_physical: Whether its wires are the device's own qubits.

        Raises:
            InputError: If the device has too few qubits.
        """
        key = (circuit, is_physical)
        if key not in self.transpiled:
            self.transpiled[key] = self._transpile(circuit, is_physical=is_physical)
            self.usage.n_transpiled += 1
        return self.transpiled[key]

    def _transpile(self, circuit: QubitCircuit, *, is_physical: bool) -> QuantumCircuit:
        device = self.target_device
        plain = to_qiskit(circuit)
        known = getattr(device, "num_qubits", None)
        if known is not None and known < circuit.n_qubits:
            raise InputError(
                f"QiskitBackend: the circuit has {circuit.n_qubits} qubits, the device "
                f"{known}. Use a larger device, or a reduced or tapered mapping."
            )
        basis = _plain_basis(device)
        if basis:
            manager = generate_preset_pass_manager(
                optimization_level=0 if is_physical else min(self.optimization_level, 1),
                basis_gates=basis,
                seed_transpiler=self.seed_transpiler,
            )
            return manager.run(plain)
        manager = generate_preset_pass_manager(
            optimization_level=0 if is_physical else self.optimization_level,
            backend=device,
            initial_layout=list(range(circuit.n_qubits)) if is_physical else None,
            seed_transpiler=self.seed_transpiler,
        )
        return manager.run(plain)

    def folded(self, circuit: QubitCircuit, factor: int) -> QuantumCircuit:
        """Return a transpiled circuit folded, in the device's own gates and on the same qubits."""
        key = (circuit, factor)
        if factor == 1:
            return self.ready(circuit)
        if key not in self.transpiled:
            self.transpiled[key] = self._fold(self.ready(circuit), factor)
        return self.transpiled[key]

    def _fold(self, measured: QuantumCircuit, factor: int) -> QuantumCircuit:
        there, reads = measured.copy_empty_like(), []
        for instruction in measured.data:
            if instruction.operation.name == "measure":
                reads.append(instruction)
            elif instruction.operation.name != "barrier":
                there.append(instruction)
        back = there.inverse()
        whole = there.copy()
        for _ in range((factor - 1) // 2):
            for part in (back, there):
                whole.barrier()
                whole.compose(part, inplace=True)
        device = self.target_device
        # Inverses such as sxdg in the device's gates, nothing else.
        basis = _plain_basis(device)
        manager = generate_preset_pass_manager(
            optimization_level=0,
            backend=None if basis else device,
            basis_gates=basis or None,
            initial_layout=None if basis else list(range(whole.num_qubits)),
            seed_transpiler=self.seed_transpiler,
        )
        whole = manager.run(whole)
        whole.barrier()
        for instruction in reads:
            whole.append(instruction)
        return whole


def _seed_of(primitive: Any) -> Any:  # noqa: ANN401 (Qiskit's)
    """Return the seed a primitive was made with; Qiskit has no public name for it."""
    options = getattr(primitive, "options", None)
    own = getattr(primitive, "seed", getattr(primitive, "_seed", None))
    return getattr(options, "seed_simulator", None) if own is None else own


@dataclass(frozen=True, eq=False)
class _EstimatorDoor:
    """Expectations of an estimator."""

    backend: QiskitBackend

    @property
    def usage(self) -> Usage:
        return self.backend.usage

    def least_shots(self, batches: Sequence[Batch]) -> int:  # noqa: ARG002 (the door's own affair)
        """Return 1: expectations are asked for as they are."""
        return 1

    def expectations(self, batches: Sequence[Batch]) -> list[Measured]:
        """Return the expectations of every batch, one PUB each, in one job."""
        pubs = []
        for batch in batches:
            circuit = self.backend.ready(batch.circuit)
            operators = [to_sparse_pauli_op(one) for one in batch.sums]
            if circuit.layout is not None:
                operators = [operator.apply_layout(circuit.layout) for operator in operators]
            precision = 0.0 if batch.shots is None else batch.shots**-0.5
            pubs += [
                (circuit, operators, values[:, None, :], precision)
                for values in _bound(circuit, batch.angles)
            ]
        points = sum(len(batch.angles) for batch in batches)
        self.usage.add(
            n_circuits=points, n_shots=sum(len(b.angles) * (b.shots or 0) for b in batches)
        )
        try:
            answers = iter(self.backend.primitive.run(pubs).result())
        except (ValueError, ZeroDivisionError) as error:
            if all(batch.shots is not None for batch in batches):
                raise
            raise CapabilityError(
                f"QiskitBackend({type(self.backend.primitive).__name__}, shots=None): this "
                f"estimator gives no exact expectations ({error}). Set shots=4096."
            ) from error
        found = []
        for batch in batches:
            n_pubs = len(_bound(self.backend.ready(batch.circuit), batch.angles))
            found.append(self._checked(batch, [next(answers).data for _ in range(n_pubs)]))
        return found

    @staticmethod
    def _checked(batch: Batch, parts: list[Any]) -> Measured:
        shape = (len(batch.angles), len(batch.sums))
        values, errors = (
            np.concatenate([np.ravel(getattr(one, name)) for one in parts])
            .astype(np.float64)
            .reshape(shape)
            for name in ("evs", "stds")
        )
        if not (np.isfinite(values).all() and np.isfinite(errors).all()):
            raise MeasurementError(
                "QiskitBackend: the estimator returned expectations without a finite error. Use "
                "more shots, or another extrapolation of its resilience options."
            )
        is_diagonal = np.array([not one.x.any() for one in batch.sums])
        if batch.shots is not None and (errors[:, ~is_diagonal] == 0).any():
            raise MeasurementError(
                "QiskitBackend: the estimator returned an error of exactly zero for an observable "
                "that is not diagonal: its counts are missing. Simulate only the qubits that are "
                "used (restricted(device, qubits))."
            )
        if batch.shots is None and errors.any():
            raise CapabilityError(
                "QiskitBackend(shots=None): this estimator samples. Set shots=4096."
            )
        n_shots = None if batch.shots is None else batch.shots * len(batch.angles)
        return Measured(values, errors**2, n_shots)


@dataclass(frozen=True, eq=False)
class _SamplerDoor:
    """Counts of a sampler."""

    backend: QiskitBackend

    def counts(self, jobs: Sequence[CountJob]) -> list[Histogram]:
        """Return the counts of every job, one PUB each, in one job."""
        pubs = []
        for job in jobs:
            circuit = self._ready(job)
            pubs += [(circuit, values, job.shots) for values in _bound(circuit, job.angles)]
        self.backend.usage.add(
            n_circuits=sum(len(job.angles) for job in jobs),
            n_shots=sum(len(job.angles) * job.shots for job in jobs),
        )
        answers = iter(self.backend.primitive.run(pubs).result())
        found = []
        for job in jobs:
            n_pubs = len(_bound(self._ready(job), job.angles))
            found.append(_histogram(job, [next(answers).data for _ in range(n_pubs)]))
        return found

    def _ready(self, job: CountJob) -> QuantumCircuit:
        if job.is_physical:
            return self.backend.ready(job.circuit, is_physical=True)
        return self.backend.folded(job.circuit, job.fold)

    def bit_qubits(self, circuit: QubitCircuit) -> tuple[int, ...]:
        """Return the device's qubit that each bit is read from."""
        ready = self.backend.ready(circuit)
        found = {}
        for instruction in ready.data:
            if instruction.operation.name == "measure":
                bit = ready.find_bit(instruction.clbits[0]).index
                found[bit] = ready.find_bit(instruction.qubits[0]).index
        return tuple(found[bit] for bit in range(circuit.n_bits))


def _plain_basis(device: Any) -> list[str]:  # noqa: ANN401 (Qiskit's)
    """Return the gates for a simulator without connectivity; none where a device has its own.

    Never those of a bare ``AerSimulator``: it names gates, such as ``rzx``, whose free angles it
    then does not bind, and 30 qubits to which circuits would be padded.
    """
    if device is None:
        return list(SIMULATED_BASIS)
    if getattr(device, "coupling_map", None) is not None:
        return []
    known = [name for name in SIMULATED_BASIS if name in device.operation_names]
    return known if {"rz", "sx"} <= set(known) and {"cx", "cz"} & set(known) else []


def _bound(circuit: QuantumCircuit, angles: FloatArray) -> list[FloatArray]:
    """Return the angles of the parameters that the transpiled circuit still has, for each PUB.

    All points are one PUB; of a circuit without free angles each is one, since an array of no
    angles is taken for one point by some primitives.
    """
    places = [parameter.index for parameter in circuit.parameters]
    return [angles[:, places]] if places else [np.zeros((1, 0))] * len(angles)


def _histogram(job: CountJob, parts: list[Any]) -> Histogram:
    """Return a sampler's bits as counts; Qiskit's bit w is our bit w."""
    n_points = len(job.angles)
    arrays = [np.asarray(bits.array, dtype=np.uint64) for part in parts for bits in part.values()]
    # each (..., shots, bytes), highest byte first
    raw = np.concatenate([one.reshape(-1, *one.shape[-2:]) for one in arrays])
    raw = raw.reshape(n_points, -1, raw.shape[-1])
    places = 8 * np.arange(raw.shape[-1] - 1, -1, -1, dtype=np.uint64)
    outcomes = (raw << places).sum(axis=2, dtype=np.uint64)
    rows = np.repeat(np.arange(n_points), outcomes.shape[1])
    return Histogram.from_samples(
        job.circuit.n_bits,
        n_points,
        rows,
        outcomes.reshape(-1),
        np.ones(rows.size, dtype=np.int64),
    )
