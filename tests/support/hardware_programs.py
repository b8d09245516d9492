"""Programs drawn at random, as plans are made of."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
from random_qubits import random_circuit, random_sum

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.jobs import Batch, CountJob, Measured

SEEDS = st.integers(0, 2**32 - 1)


def rotated(k: int, n_params: int = 1) -> QubitCircuit:
    """The k-th circuit of a few: one rotation, both qubits measured."""
    gates = [
        QubitGate("ry", (0,), Angle(0.1 * k, 0 if n_params else None)),
        QubitGate("cx", (0, 1)),
    ]
    return QubitCircuit(2, tuple(gates), n_params).measured()


def counts_of(programs, rng) -> list[Histogram]:
    """Answers of a device: as many shots as were asked for, outcomes at random."""
    found = []
    for one in programs:
        size = 1 << one.circuit.n_bits
        seen = np.sort(rng.permutation(size)[: rng.integers(1, size + 1)]).astype(np.uint64)
        shares = rng.dirichlet(np.ones(len(seen)), len(one.angles))
        counts = np.array([rng.multinomial(one.shots, p) for p in shares])
        found.append(Histogram(one.circuit.n_bits, seen, counts.reshape(len(one.angles), -1)))
    return found


def measured_of(programs, rng) -> list[Measured]:
    """Expectations of a device, at random."""
    shapes = [(len(one.angles), len(one.sums)) for one in programs]
    return [
        Measured(rng.normal(size=shape), rng.random(shape), (one.shots or 0) * shape[0])
        for one, shape in zip(programs, shapes, strict=True)
    ]


@st.composite
def count_jobs(draw, *, max_shots: int = 400) -> list[CountJob]:
    """A few programs over a few circuits, whose angles often agree, and calibration circuits."""
    rng = np.random.default_rng(draw(SEEDS))
    jobs = []
    for _ in range(draw(st.integers(1, 6))):
        k, n_params = int(rng.integers(2)), int(rng.integers(2))
        circuit = rotated(k, n_params)
        n_rows = int(rng.integers(1, 5))
        angles = rng.integers(0, 3, (n_rows, n_params)) * 0.5
        is_physical = bool(rng.random() < 0.2)
        jobs.append(
            CountJob(
                circuit,
                angles,
                int(rng.integers(1, max_shots)),
                int(rng.choice([1, 1, 3])),
                is_physical,
            )
        )
    return jobs


@st.composite
def batches(draw) -> list[Batch]:
    """A few circuits whose expectations the provider returns."""
    rng = np.random.default_rng(draw(SEEDS))
    shots = [int(n) for n in rng.integers(1, 300, 2)]
    found = []
    for _ in range(draw(st.integers(1, 5))):
        circuit = random_circuit(rng, 2, 4, 1)
        sums = tuple(random_sum(rng, 2) for _ in range(rng.integers(1, 3)))
        angles = rng.normal(size=(rng.integers(1, 5), 1))
        found.append(Batch(circuit, angles, sums, shots[int(rng.integers(2))]))
    return found
