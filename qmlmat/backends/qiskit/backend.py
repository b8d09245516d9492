"""Requests answered by Qiskit's V2 primitives."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives import (
    BaseEstimatorV2,
    BaseSamplerV2,
    StatevectorEstimator,
    StatevectorSampler,
)
from qiskit.providers import BackendV2

from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.backends.qiskit.devices import NoisySampler, best_qubits, fake_device, restricted
from qmlmat.backends.qiskit.doors import EstimatorDoor, SamplerDoor
from qmlmat.backends.qiskit.transpiling import Transpiler
from qmlmat.backends.qubits.base import QubitBackend
from qmlmat.backends.qubits.jobs import (
    CountDoor,
    ExpectationDoor,
)
from qmlmat.errors import CapabilityError, InputError, QmlmatWarning


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
            return EstimatorDoor(self.primitive, self.transpiler, self.usage)
        if shots is None:
            raise CapabilityError(
                "QiskitBackend(primitive=<sampler>, shots=None): a sampler needs shots. Set "
                "shots=4096, or use StatevectorEstimator()."
            )
        return self.sampled(seed)

    def count_door(self, seed: int | None) -> CountDoor:
        """Return what counts bit strings; see ``QubitBackend.count_door``."""
        if not self.counts_bits:
            return super().count_door(seed)
        return SamplerDoor(self.primitive, self.transpiler, self.usage)

    @property
    def transpiler(self) -> Transpiler:
        """What makes circuits ready for the device."""
        return Transpiler(
            device=self.target_device,
            optimization_level=self.optimization_level,
            seed=self.seed_transpiler,
            cache=self.transpiled,
            usage=self.usage,
        )

    def ready(self, circuit: QubitCircuit) -> QuantumCircuit:
        """Return a circuit as the device runs it, transpiled at first use.

        Raises:
            InputError: If the device has too few qubits.
        """
        return self.transpiler.ready(circuit)


def _seed_of(primitive: Any) -> Any:  # noqa: ANN401 (Qiskit's)
    """Return the seed a primitive was made with; Qiskit has no public name for it."""
    options = getattr(primitive, "options", None)
    own = getattr(primitive, "seed", getattr(primitive, "_seed", None))
    return getattr(options, "seed_simulator", None) if own is None else own
