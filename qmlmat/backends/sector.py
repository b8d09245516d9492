"""The exact backend: state vectors of one ``(norb, nelec)`` sector, never of the full register."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from qmlmat.ansatz import Circuit
from qmlmat.ansatz.excitation import Move
from qmlmat.backends.base import Capabilities
from qmlmat.backends.requests import (
    Counts,
    Estimate,
    Preparation,
    Reference,
    Request,
    ValueAndGradient,
    check_params,
)
from qmlmat.backends.sector_kernels import backward, forward
from qmlmat.errors import CapabilityError, InputError
from qmlmat.operators.sector import Sector, occupation_strings
from qmlmat.typing import FloatArray, IntArray, Observable, StateArray


@dataclass(frozen=True)
class SectorBackend:
    """Exact simulation of circuits that conserve the electrons of each spin.

    States are PySCF CI vectors, shape ``(n_alpha_strings, n_beta_strings)``, real float64; a
    gate rotates pairs of determinants; derivatives come from one adjoint sweep whatever the
    number of parameters.
    """

    @property
    def capabilities(self) -> Capabilities:
        """Exact expectations, gradients and states; no shots."""
        return Capabilities(exact=True, gradient=True, state=True, counts=False)

    def prepare(self, request: Request) -> SectorEvaluator:
        """Return an evaluator of the request's expectations.

        Raises:
            CapabilityError: If the request asks for shots or counts.
            InputError: If an observable lives in another sector than the circuit.
        """
        if request.shots is not None or request.observables is None:
            raise CapabilityError(
                f"SectorBackend.prepare(shots={request.shots}): this backend is exact and gives "
                "expectations only. Leave shots=None and name the observables."
            )
        return SectorEvaluator(
            compile_circuit(request.preparation.circuit),
            request.preparation.reference,
            request.observables,
            paired=request.pairing == "each",
        )

    def run(
        self,
        requests: Sequence[Request],
        *,
        seed: int | None = None,  # noqa: ARG002 (the interface's; exact answers need none)
    ) -> list[Estimate | Counts]:
        """Return the exact expectations of each request.

        Raises:
            CapabilityError: If a request asks for shots or counts.
            InputError: If a request brings no parameters, or of the wrong shape.
        """
        answers: list[Estimate | Counts] = []
        for request in requests:
            evaluator = self.prepare(request)
            if request.preparation.params is None:
                raise InputError(
                    "SectorBackend.run: a request brings no params. Set Preparation.params, or "
                    "use prepare() and call the evaluator with them."
                )
            answers.append(evaluator(request.preparation.params))
        return answers

    def state(self, preparation: Preparation) -> StateArray:
        """Return the prepared state, shape ``(..., n_alpha_strings, n_beta_strings)``.

        Raises:
            InputError: If parameters are missing or of the wrong shape.
        """
        compiled = compile_circuit(preparation.circuit)
        start = reference_state(compiled.sector, preparation.reference)
        if preparation.params is None:
            raise InputError("SectorBackend.state: no params. Set Preparation.params (radians).")
        return self.apply(preparation.circuit, start, preparation.params)

    def apply(self, circuit: Circuit, state: StateArray, params: FloatArray) -> StateArray:
        """Return ``U(params)`` applied to a state, for each of a batch of parameters.

        Args:
            circuit: The circuit.
            state: Sector vector, shape ``(n_alpha_strings, n_beta_strings)``.
            params: Shape ``(..., n_params)`` (radians).

        Raises:
            InputError: If a shape is wrong.
        """
        compiled = compile_circuit(circuit)
        batch = check_params(params, circuit.n_params, what="SectorBackend.apply")
        if np.shape(state) != compiled.sector.shape:
            raise InputError(
                f"SectorBackend.apply: the state has shape {np.shape(state)}, the sector of the "
                f"circuit {compiled.sector.shape}. Use the circuit's norb and nelec."
            )
        flat = flatten_batch(batch)
        rotated = np.array([compiled.forward(state, row) for row in flat])
        return rotated.reshape(*batch.shape[:-1], *compiled.sector.shape)


@dataclass(frozen=True)
class CompiledCircuit:
    """A circuit's tables of determinant pairs."""

    sector: Sector
    """The determinants."""
    gates: tuple[IntArray, IntArray]
    """Table numbers of each gate's alpha and beta part, shape ``(n_gates,)`` each; -1: none."""
    tables: tuple[IntArray, IntArray, IntArray, FloatArray]
    """Offsets, source strings, target strings, signs of all tables."""
    param: IntArray
    """Each gate's parameter, shape ``(n_gates,)``."""
    scale: FloatArray
    """Each gate's factor from parameter to angle, shape ``(n_gates,)``."""
    n_params: int
    """Number of parameters."""

    def forward(self, state: StateArray, params: FloatArray) -> StateArray:
        """Return the circuit applied to a copy of ``state``."""
        result = np.array(state, dtype=np.float64, order="C")
        forward(result, self.gates, self.tables, self.scale * params[self.param])
        return result

    def gradient(self, ket: StateArray, bra: StateArray, params: FloatArray) -> FloatArray:
        """Return ``d<O>/d params``, shape ``(n_params,)``, where ``bra = O ket``.

        Args:
            ket: The circuit's final state; not changed.
            bra: ``O ket``; overwritten.
            params: The parameters that made ``ket`` (radians).
        """
        angles = self.scale * params[self.param]
        slopes = backward(ket.copy(), bra, self.gates, self.tables, angles)
        gradient = np.zeros(self.n_params)
        np.add.at(gradient, self.param, self.scale * slopes)  # gates may share a parameter
        return gradient


@dataclass(frozen=True)
class SectorEvaluator:
    """Expectations of fixed observables in the states of one circuit."""

    compiled: CompiledCircuit
    """The circuit's tables."""
    reference: Reference
    """The state the circuit acts on."""
    observables: tuple[Observable, ...]
    """What is measured."""
    paired: bool = False
    """Whether state i meets observable i only."""

    def __post_init__(self) -> None:
        sector = self.compiled.sector
        for observable in self.observables:
            if Sector(observable.norb, observable.nelec) != sector:
                raise InputError(
                    f"an observable on norb={observable.norb}, nelec={observable.nelec} cannot "
                    f"be measured in a circuit on norb={sector.norb}, nelec={sector.nelec}. "
                    "Build the circuit for the Hamiltonian's norb and nelec."
                )

    @property
    def n_params(self) -> int:
        """Number of parameters."""
        return self.compiled.n_params

    def __call__(self, params: FloatArray) -> Estimate:
        """Return exact expectations; see ``Estimate`` for the shapes.

        Raises:
            InputError: If the shape of ``params`` is wrong.
        """
        values = self._evaluate(params, gradient=False).values
        return Estimate(values=values, variances=np.zeros_like(values), n_shots=None)

    def value_and_gradient(self, params: FloatArray) -> ValueAndGradient:
        """Return exact expectations and adjoint gradients; see ``ValueAndGradient``.

        Raises:
            InputError: If the shape of ``params`` is wrong.
        """
        return self._evaluate(params, gradient=True)

    def _evaluate(self, params: FloatArray, *, gradient: bool) -> ValueAndGradient:
        batch = check_params(params, self.n_params, what="SectorEvaluator")
        flat = flatten_batch(batch)
        if self.paired and len(flat) != len(self.observables):
            raise InputError(
                f'Request(pairing="each"): {len(flat)} parameter vectors and '
                f"{len(self.observables)} observables. Give one vector for each observable."
            )
        start = reference_state(self.compiled.sector, self.reference)
        values, slopes = [], []
        for i, row in enumerate(flat):
            ket = self.compiled.forward(start, row)
            for observable in self.observables[i : i + 1] if self.paired else self.observables:
                bra = observable.matvec(ket)
                values.append(float(np.vdot(ket, bra)))
                if gradient:
                    slopes.append(self.compiled.gradient(ket, bra, row))
        shape = batch.shape[:-1] if self.paired else (*batch.shape[:-1], len(self.observables))
        return ValueAndGradient(
            values=np.array(values).reshape(shape),
            gradient=np.array(slopes).reshape(*shape, self.n_params if gradient else 0),
        )


def reference_state(sector: Sector, reference: Reference) -> StateArray:
    """Return the sector vector of a reference.

    Raises:
        InputError: If a determinant does not belong to the sector.
    """
    state = sector.zeros()
    for bits, amplitude in reference.terms:
        state[sector.index(bits)] += amplitude
    return state


def flatten_batch(params: FloatArray) -> FloatArray:
    """Return parameters of shape ``(..., n_params)`` as rows, also where ``n_params`` is 0."""
    return params.reshape(math.prod(params.shape[:-1]), params.shape[-1])


@lru_cache(maxsize=8)
def compile_circuit(circuit: Circuit) -> CompiledCircuit:
    """Return the circuit's tables; the last few circuits are remembered."""
    numbers: dict[tuple[int, tuple[Move, ...]], int] = {}
    parts: list[tuple[IntArray, IntArray, FloatArray]] = []

    def number(n_electrons: int, moves: tuple[Move, ...]) -> int:
        if not moves:
            return -1
        key = (n_electrons, moves)
        if key not in numbers:
            numbers[key] = len(parts)
            parts.append(string_pairs(circuit.norb, n_electrons, moves))
        return numbers[key]

    n_alpha, n_beta = circuit.nelec
    pairs = [
        (number(n_alpha, g.excitation.alpha), number(n_beta, g.excitation.beta))
        for g in circuit.gates
    ]
    columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    start = np.cumsum([0, *(len(part[0]) for part in parts)], dtype=np.int64)
    # An empty table in front gives concatenate something where a circuit has no gates.
    parts.insert(0, (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)))
    source, target, sign = (np.concatenate(column) for column in zip(*parts, strict=True))
    return CompiledCircuit(
        sector=Sector(circuit.norb, circuit.nelec),
        gates=(np.ascontiguousarray(columns[0]), np.ascontiguousarray(columns[1])),
        tables=(start, source, target, sign),
        param=np.array([g.param for g in circuit.gates], dtype=np.int64),
        scale=np.array([g.scale for g in circuit.gates], dtype=np.float64),
        n_params=circuit.n_params,
    )


def string_pairs(
    norb: int, n_electrons: int, moves: tuple[Move, ...]
) -> tuple[IntArray, IntArray, FloatArray]:
    """Return which strings of one spin an excitation connects, and with which sign.

    Args:
        norb: Number of orbitals.
        n_electrons: Electrons of this spin.
        moves: The moves ``prod a†_to a_from``.

    Returns:
        Source indices, target indices and signs with ``T|source> = sign |target>``, each of
        shape ``(n_pairs,)``.
    """
    strings = occupation_strings(norb, n_electrons)
    taken = sum(1 << i for i, _ in moves)
    made = sum(1 << a for _, a in moves)
    source = np.flatnonzero((strings & (taken | made)) == taken)
    current = strings[source]
    sign = np.ones(len(source))
    for i, a in moves:
        low, high = min(i, a), max(i, a)
        between = (1 << high) - (1 << (low + 1))
        sign *= 1.0 - 2.0 * (np.bitwise_count(current & between) % 2)
        current = current ^ ((1 << i) | (1 << a))
    target = np.searchsorted(strings, current).astype(np.int64)
    return source.astype(np.int64), target, sign
