"""Qiskit's estimator and sampler, for circuits that conserve the number of electrons."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives import (
    BaseEstimatorV2,
    BaseSamplerV2,
    BitArray,
    DataBin,
    EstimatorPubLike,
    PrimitiveJob,
    PrimitiveResult,
    PubResult,
    SamplerPubLike,
    SamplerPubResult,
)
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import SparseObservable, SparsePauliOp

from qmlmat.backends.register.layout import SpinOrder
from qmlmat.backends.register.observables import Observable
from qmlmat.backends.register.simulator import RegisterCircuit, Simulation
from qmlmat.errors import CapabilityError
from qmlmat.plugins.qiskit.angles import AngleTable
from qmlmat.plugins.qiskit.memory import contents, make_memory, shortened
from qmlmat.typing import FloatArray, IntArray

_MAX_AMPLITUDES: Final = 2**22
"""Amplitudes of the states that are simulated together: 64 MB where they are complex."""


class SectorEstimator(BaseEstimatorV2):  # type: ignore[misc]
    """Expectation values in one sector of the electrons, as ``StatevectorEstimator`` gives them.

    A circuit starts with X gates on the occupied qubits; then gates follow that conserve the
    electrons. Results have the same fields, shapes and metadata as Qiskit's.
    """

    def __init__(
        self,
        *,
        nelec: tuple[int, int] | None = None,
        spin_order: SpinOrder | None = None,
        default_precision: float = 0.0,
        seed: np.random.Generator | int | None = None,
    ) -> None:
        """Make an estimator.

        Args:
            nelec: Electrons by spin; ``None``: as many as each circuit prepares.
            spin_order: ``"blocked"`` (all alpha qubits, then all beta, as in Qiskit's chemistry,
                ffsim and this package) or ``"interleaved"`` keep the electrons of each spin;
                ``None`` keeps the number of all electrons, in more states.
            default_precision: Standard deviation of the noise that is added; 0 for none.
            seed: Seed of the noise, or a generator.

        Raises:
            InputError: If ``nelec`` or ``spin_order`` cannot be used.
        """
        self._memory = make_memory("SectorEstimator", nelec, spin_order)
        self._default_precision, self._seed = default_precision, seed

    @property
    def default_precision(self) -> float:
        """Precision where a call and its PUB name none."""
        return self._default_precision

    @property
    def seed(self) -> np.random.Generator | int | None:
        """Seed of the noise, or a generator."""
        return self._seed

    def run(
        self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None
    ) -> PrimitiveJob[PrimitiveResult[PubResult]]:
        """Return a job for expectation values; see ``BaseEstimatorV2.run``.

        Its result raises ``CapabilityError`` and ``InputError`` for circuits and observables that
        do not conserve the electrons.

        Args:
            pubs: Tuples of circuit, observables and, if wanted, parameter values and precision.
            precision: Standard deviation of the noise that is added; 0 for none.
        """
        precision = self._default_precision if precision is None else precision
        job = PrimitiveJob(self._run, [self._coerced(pub, precision) for pub in pubs])
        job._submit()
        return job

    def _coerced(self, pub: EstimatorPubLike, precision: float) -> EstimatorPub:
        """Return Qiskit's PUB; it would write out every word of one operator in every call."""
        is_plain = isinstance(pub, tuple) and len(pub) > 1 and isinstance(pub[1], SparsePauliOp)
        if not is_plain or not all(pub[1].paulis.z.shape):
            return EstimatorPub.coerce(pub, precision)
        observables = self._memory.coerced(pub[1])
        checked = EstimatorPub.coerce((pub[0], "I" * pub[1].num_qubits, *pub[2:]), precision)
        return EstimatorPub(
            checked.circuit,
            observables,
            checked.parameter_values,
            checked.precision,
            validate=False,
        )

    def _run(self, pubs: list[EstimatorPub]) -> PrimitiveResult[PubResult]:
        return PrimitiveResult([self._run_pub(pub) for pub in pubs], metadata={"version": 2})

    def _run_pub(self, pub: EstimatorPub) -> PubResult:
        translation = self._memory.translation(pub.circuit)
        if translation.measured:
            raise CapabilityError(
                "SectorEstimator: the circuit measures its qubits. Use "
                "circuit.remove_final_measurements(inplace=False), or SectorSampler."
            )
        which, operators = _different(pub)

        circuit, measured = translation.circuit.narrowest(
            lambda layout: [self._memory.observable(layout, one) for one in operators]
        )
        for operator, observable in zip(operators, measured, strict=True):
            observable.check_conserves(f"SectorEstimator: the observable {shortened(operator)}")
        points = np.arange(pub.parameter_values.size).reshape(pub.parameter_values.shape)
        points, which = np.broadcast_arrays(points, which)
        evs = np.zeros(points.shape)
        for first, simulation in _simulations(circuit, translation.angles, pub):
            last = first + len(simulation.values)
            for k, observable in enumerate(measured):
                wanted = (which == k) & (points >= first) & (points < last)
                rows, place = np.unique(points[wanted] - first, return_inverse=True)
                if len(rows):
                    evs[wanted] = _means(simulation, observable, rows)[place]
        if pub.precision:
            evs = np.asarray(np.random.default_rng(self._seed).normal(evs, pub.precision))
        return PubResult(
            DataBin(evs=evs, stds=np.zeros_like(evs), shape=evs.shape),
            metadata={
                "target_precision": pub.precision,
                "circuit_metadata": pub.circuit.metadata,
            },
        )


class SectorSampler(BaseSamplerV2):  # type: ignore[misc]
    """Bits drawn from states of one sector of the electrons, as ``StatevectorSampler`` draws them.

    A circuit starts with X gates on the occupied qubits, gates follow that conserve the electrons,
    and then measurements of any qubits. Results have the same fields, shapes and metadata as
    Qiskit's.
    """

    def __init__(
        self,
        *,
        nelec: tuple[int, int] | None = None,
        spin_order: SpinOrder | None = None,
        default_shots: int = 1024,
        seed: np.random.Generator | int | None = None,
    ) -> None:
        """Make a sampler.

        Args:
            nelec: Electrons by spin; ``None``: as many as each circuit prepares.
            spin_order: As for ``SectorEstimator``.
            default_shots: Shots where a call and its PUB name none.
            seed: Seed of the draws of each PUB, or a generator.

        Raises:
            InputError: If ``nelec`` or ``spin_order`` cannot be used.
        """
        self._memory = make_memory("SectorSampler", nelec, spin_order)
        self._default_shots, self._seed = default_shots, seed

    @property
    def default_shots(self) -> int:
        """Shots where a call and its PUB name none."""
        return self._default_shots

    @property
    def seed(self) -> np.random.Generator | int | None:
        """Seed of the draws, or a generator."""
        return self._seed

    def run(
        self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None
    ) -> PrimitiveJob[PrimitiveResult[SamplerPubResult]]:
        """Return a job for samples; see ``BaseSamplerV2.run``.

        Its result raises ``CapabilityError`` and ``InputError`` for circuits that do not conserve
        the electrons.

        Args:
            pubs: Circuits, or tuples of circuit and, if wanted, parameter values and shots.
            shots: Shots of each circuit at each point.
        """
        shots = self._default_shots if shots is None else shots
        coerced = [SamplerPub.coerce(pub, shots) for pub in pubs]
        if any(not pub.circuit.cregs for pub in coerced):
            warnings.warn(
                "SectorSampler: a circuit has no classical register, and its result no bits. "
                "Measure with circuit.measure_all().",
                UserWarning,
                stacklevel=2,
            )
        job = PrimitiveJob(self._run, coerced)
        job._submit()
        return job

    def _run(self, pubs: list[SamplerPub]) -> PrimitiveResult[SamplerPubResult]:
        return PrimitiveResult([self._run_pub(pub) for pub in pubs], metadata={"version": 2})

    def _run_pub(self, pub: SamplerPub) -> SamplerPubResult:
        translation = self._memory.translation(pub.circuit)
        circuit, _ = translation.circuit.narrowest(lambda _: [])
        shifts = _register_shifts(pub.circuit, dict(translation.measured))
        found: dict[str, list[Any]] = {name: [] for name in shifts}
        rng = np.random.default_rng(self._seed)
        for _, simulation in _simulations(circuit, translation.angles, pub):
            for point in range(len(simulation.values)):
                states = circuit.layout.states[simulation.samples(pub.shots, point, rng)]
                for name, places in shifts.items():
                    found[name].append(_packed(states, places))
        bits = {}
        for name, places in shifts.items():
            shape = (*pub.shape, pub.shots, -(-len(places) // 8))
            array = np.asarray(found[name], dtype=np.uint8).reshape(shape)
            bits[name] = BitArray(array, len(places))
        return SamplerPubResult(
            DataBin(**bits, shape=pub.shape),
            metadata={"shots": pub.shots, "circuit_metadata": pub.circuit.metadata},
        )


def _different(pub: EstimatorPub) -> tuple[IntArray, list[SparseObservable]]:
    """Return which observable stands at each place, and the different ones."""
    operators = pub.observables.sparse_observables_array()
    which = np.zeros(operators.shape, dtype=np.int64)
    numbers: dict[Any, int] = {}
    found: list[SparseObservable] = []
    for place, operator in np.ndenumerate(operators):
        number = numbers.setdefault(contents(operator), len(numbers))
        if number == len(found):
            found.append(operator)
        which[place] = number
    return which, found


def _simulations(
    circuit: RegisterCircuit, table: AngleTable, pub: EstimatorPub | SamplerPub
) -> Iterator[tuple[int, Simulation]]:
    """Yield the first point's number and the simulation of some points, for all points in turn."""
    bindings = pub.parameter_values
    values: FloatArray = bindings.as_array(pub.circuit.parameters)
    values = values.reshape(bindings.size, pub.circuit.num_parameters)
    step = max(1, _MAX_AMPLITUDES // circuit.layout.sector.dimension)
    for first in range(0, len(values), step):
        yield first, Simulation(circuit, table.at(values[first : first + step]))


def _means(simulation: Simulation, observable: Observable, rows: IntArray) -> FloatArray:
    """Return an observable's expectations at some points, shape ``(n_rows,)``."""
    if len(rows) == len(simulation.values):
        return simulation.expectation(simulation.image(observable))
    states = simulation.amplitudes[rows]
    means: FloatArray = np.einsum("pd,pd->p", states.conj(), observable.apply(states)).real
    return means


def _register_shifts(
    circuit: QuantumCircuit, measured: dict[int, int]
) -> dict[str, list[int | None]]:
    """Return where each classical register's bits stand in a state's number, lowest bit first."""
    highest = circuit.num_qubits - 1  # a state's number has qubit 0 as its highest bit
    found: dict[str, list[int | None]] = {}
    for register in circuit.cregs:
        wires = (measured.get(circuit.find_bit(bit).index) for bit in register)
        found[register.name] = [None if wire is None else highest - wire for wire in wires]
    return found


def _packed(states: Any, places: list[int | None]) -> Any:  # noqa: ANN401
    """Return some bits of states as Qiskit packs them, shape ``(n_states, n_bytes)``."""
    bits = np.zeros((len(states), -(-len(places) // 8) * 8), dtype=np.uint8)
    for k, place in enumerate(places):
        if place is not None:
            bits[:, -1 - k] = states >> np.uint64(place) & np.uint64(1)
    return np.packbits(bits, axis=-1)
