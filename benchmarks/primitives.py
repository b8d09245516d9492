"""Our Qiskit primitives beside Qiskit's and Aer's: ``python -m benchmarks.primitives [--quick]``.

Energies of unitary coupled cluster circuits of hydrogen chains (Jordan-Wigner, all alpha qubits
first), by the same code against the V2 interface: one vector of angles in a call, and many in one.
Aer gets the circuit transpiled to its gates beforehand, which is not counted, and the others as it
is exported. Each is called in turns with new angles; the least times count.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from qiskit import QuantumCircuit, transpile
from qiskit.primitives import BaseEstimatorV2, StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import EstimatorV2

import qmlmat as qm
from qmlmat.backends.qiskit.operators import to_sparse_pauli_op
from qmlmat.plugins.qiskit import SectorEstimator, conserving_circuit
from qmlmat.typing import FloatArray

SPACING = 0.8
"""Distance of neighbours (Å)."""
N_POINTS = 100
"""Vectors of angles in one call."""
SLOW = 5.0
"""Time of one energy from which a peer is not asked for many (s)."""


@dataclass(frozen=True)
class Peer:
    """A primitive with the circuit that it takes."""

    name: str
    """What the table calls it."""
    estimator: BaseEstimatorV2
    """The primitive."""
    circuit: QuantumCircuit
    """The circuit."""

    def energies(self, operator: SparsePauliOp, angles: FloatArray) -> FloatArray:
        """Return the energies at some angles, shape ``angles.shape[:-1]`` (hartree)."""
        job = self.estimator.run([(self.circuit, operator, angles)], precision=0.0)
        return np.asarray(job.result()[0].data.evs)


def chain(n_atoms: int) -> tuple[QuantumCircuit, SparsePauliOp]:
    """Return the circuit and the Hamiltonian of a hydrogen chain (hartree)."""
    xyz = "; ".join(f"H 0 0 {SPACING * k}" for k in range(n_atoms))
    hamiltonian = qm.molecular_hamiltonian(qm.Molecule.from_xyz(xyz, basis="sto-3g"))
    circuit = qm.Ansatz("uccsd").circuit(hamiltonian.norb, hamiltonian.nelec)
    return conserving_circuit(circuit), to_sparse_pauli_op(hamiltonian.pauli_sum())


def peers(circuit: QuantumCircuit) -> list[Peer]:
    """Return ours and theirs, each with the circuit it takes."""
    elementary = transpile(circuit, AerSimulator(method="statevector"), optimization_level=1)
    return [
        Peer("SectorEstimator", SectorEstimator(spin_order="blocked"), circuit),
        Peer("SectorEstimator, no order", SectorEstimator(), circuit),
        Peer("StatevectorEstimator", StatevectorEstimator(), circuit),
        Peer("Aer EstimatorV2", EstimatorV2(), elementary),
    ]


@dataclass
class Times:
    """What one primitive took."""

    first: float = 0.0
    """The first call (s)."""
    one: float = float("inf")
    """A call with one vector of angles (s)."""
    many: float = float("nan")
    """A vector of a call with many (s)."""


def measure(n_atoms: int, *, n_calls: int, n_points: int) -> dict[str, Times]:
    """Return the times of each primitive.

    Raises:
        RuntimeError: If energies differ by more than 1e-9 hartree.
    """
    circuit, operator = chain(n_atoms)
    rng = np.random.default_rng(n_atoms)
    all_peers = peers(circuit)
    times = {peer.name: Times() for peer in all_peers}
    for call in range(n_calls + 1):
        angles = rng.normal(scale=0.1, size=circuit.num_parameters)
        energies = []
        for peer in all_peers:
            if times[peer.name].first > SLOW and call > 1:
                continue
            begin = time.perf_counter()
            energies.append(peer.energies(operator, angles))
            seconds = time.perf_counter() - begin
            if call:
                times[peer.name].one = min(times[peer.name].one, seconds)
            else:
                times[peer.name].first = seconds
        if np.ptp(energies) > 1e-9:
            raise RuntimeError(f"H{n_atoms}: energies {energies} differ")
    for peer in all_peers:
        own = times[peer.name]
        some = n_points if peer.name.startswith("Sector") else max(2, n_points // 20)
        if own.one < SLOW / some:
            angles = rng.normal(scale=0.1, size=(some, circuit.num_parameters))
            begin = time.perf_counter()
            peer.energies(operator, angles)
            own.many = (time.perf_counter() - begin) / some
    return times


def table(sizes: Sequence[int], *, n_calls: int = 10, n_points: int = N_POINTS) -> None:
    """Print the times of each primitive for some chains, and the ratios to ours."""
    heads = ("first ms", "one ms", "of many ms", "ratio", "many")
    print(f"{'':32s}" + "".join(f"{head:>11s}" for head in heads))
    for n_atoms in sizes:
        times = measure(n_atoms, n_calls=n_calls, n_points=n_points)
        ours = times["SectorEstimator"]
        for name, own in times.items():
            numbers = (1e3 * own.first, 1e3 * own.one, 1e3 * own.many)
            ratios = (own.one / ours.one, own.many / ours.many)
            cells = "".join(f"{number:>11.3g}" for number in (*numbers, *ratios))
            print(f"H{n_atoms:<3d}{name:28s}{cells}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="H2 only")
    quick = parser.parse_args(arguments).quick
    table((2,) if quick else (4, 6, 8), n_calls=2 if quick else 10, n_points=4 if quick else 100)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
