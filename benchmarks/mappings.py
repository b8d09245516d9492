"""Hamiltonians on qubits: ``python -m benchmarks.mappings [--quick]``.

The Jordan-Wigner form of a chain of hydrogen atoms is made here and by ffsim from the same
integrals, compared word by word, and timed in turns. A table is of the qubits, words and groups of
small molecules, whole, with two-qubit reduction, and tapered by the symmetries found in the words.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import ffsim
import ffsim.qiskit
import numpy as np
from qiskit.quantum_info import SparsePauliOp

import qmlmat as qm
from qmlmat.backends.qiskit.operators import from_sparse_pauli_op
from qmlmat.operators.grouping import group_words
from qmlmat.operators.jordan_wigner import molecular_pauli_sum
from qmlmat.operators.mappings import QubitMapping
from qmlmat.operators.pauli import PauliSum
from qmlmat.operators.tapering import symmetry_masks
from qmlmat.systems import MolecularHamiltonian

Made = TypeVar("Made")

ANGLE = math.radians(104.45)
FROZEN = qm.ActiveSpace(freeze_core=True)
LITHIUM_HYDRIDE = "Li 0 0 0; H 0 0 1.595"
WATER = f"O 0 0 0; H 0.9584 0 0; H {0.9584 * math.cos(ANGLE)} {0.9584 * math.sin(ANGLE)} 0"
SYSTEMS: dict[str, tuple[str, qm.ActiveSpace | None]] = {
    "H2": ("H 0 0 0; H 0 0 0.735", None),
    "LiH (2e,3o)": (LITHIUM_HYDRIDE, qm.ActiveSpace(indices=(1, 2, 5))),
    "LiH (2e,5o)": (LITHIUM_HYDRIDE, FROZEN),
    "LiH (4e,6o)": (LITHIUM_HYDRIDE, None),
    "H2O (4e,4o)": (WATER, qm.ActiveSpace(4, 4)),
    "H2O (8e,6o)": (WATER, FROZEN),
    "BeH2 (6e,7o)": ("Be 0 0 0; H 0 0 1.3264; H 0 0 -1.3264", None),
    "N2 (14e,10o)": ("N 0 0 0; N 0 0 1.0977", None),
}
"""STO-3G; bond lengths in Å."""
QUICK = ("H2", "LiH (2e,3o)", "H2O (4e,4o)")
TOLERANCE = 1e-10
"""Largest difference of a coefficient (hartree)."""


@dataclass(frozen=True)
class Row:
    """A Hamiltonian in one mapping."""

    system: str
    """The molecule and its active space."""
    mapping: str
    """The mapping."""
    n_qubits: int
    """Number of qubits."""
    n_terms: int
    """Number of words, the identity included."""
    qubit_wise: int
    """Number of groups that need no two-qubit gates."""
    commuting: int
    """Number of groups of commuting words."""
    two_qubit: tuple[int, float]
    """Two-qubit gates to measure these groups: most, and on average."""


def hamiltonian(xyz: str, space: qm.ActiveSpace | None) -> MolecularHamiltonian:
    """Return a Hamiltonian in STO-3G."""
    return qm.molecular_hamiltonian(qm.Molecule.from_xyz(xyz, basis="sto-3g"), space)


def row(system: str, problem: MolecularHamiltonian, mapping: QubitMapping) -> Row:
    """Return the counts of one mapping."""
    pauli_sum = problem.pauli_sum(mapping)
    groups = group_words(pauli_sum, "commuting")
    gates = [group.n_two_qubit for group in groups]
    return Row(
        system,
        mapping.name,
        pauli_sum.n_qubits,
        pauli_sum.n_terms,
        len(group_words(pauli_sum, "qubit_wise")),
        len(groups),
        (max(gates), float(np.mean(gates))),
    )


def rows(systems: Sequence[str]) -> list[Row]:
    """Return the counts of every system, whole, reduced and tapered."""
    found = []
    for system in systems:
        problem = hamiltonian(*SYSTEMS[system])
        chosen = (
            problem.qubit_mapping(),
            problem.qubit_mapping("parity", reduced=True),
            problem.qubit_mapping(tapered=True),
        )
        found += [row(system, problem, mapping) for mapping in chosen]
        sys.stderr.write(f"[{time.strftime('%H:%M:%S')}] {system}\n")
    return found


def table(found: Sequence[Row]) -> list[str]:
    """Return the counts as text."""
    text = [
        f"{'STO-3G':14s}{'mapping':24s}{'qubits':>7s}{'words':>7s}{'qubit-wise':>12s}"
        f"{'commuting':>11s}{'CX max':>8s}{'mean':>6s}"
    ]
    text += [
        f"{r.system:14s}{r.mapping:24s}{r.n_qubits:7d}{r.n_terms:7d}{r.qubit_wise:12d}"
        f"{r.commuting:11d}{r.two_qubit[0]:8d}{r.two_qubit[1]:6.1f}"
        for r in found
    ]
    return text


def symmetries(systems: Sequence[str]) -> list[str]:
    """Return the parities of electrons that each system's words keep."""
    text = ["", "symmetries found in the words, parities of the electrons"]
    for system in systems:
        problem = hamiltonian(*SYSTEMS[system])
        found = symmetry_masks(problem.pauli_sum())
        names = "; ".join(named(found, problem))
        text.append(f"  {system}: {len(found)}: {names}")
    return text


def named(masks: Sequence[int], problem: MolecularHamiltonian) -> list[str]:
    """Return a basis of symmetries in words: spins first, then few irreps of both spins."""
    norb, group = problem.norb, problem.point_group
    irreps = [str(p) for p in range(norb)] if group is None else group.irreps
    low = (1 << norb) - 1
    span = {0}
    for mask in masks:
        span |= {other ^ mask for other in span}
    both = sorted((m for m in span if m & low == m >> norb), key=int.bit_count)
    chosen, reached = [], {0}
    for mask in [low, low << norb, *both, *masks]:
        if mask in span and mask not in reached:
            chosen.append(mask)
            reached |= {other ^ mask for other in reached}
    names = {low: "alpha", low << norb: "beta"}
    return [
        names.get(mask)
        or "in " + "+".join(dict.fromkeys(irreps[p] for p in range(norb) if mask >> p & 1))
        for mask in chosen
    ]


def chain(n_atoms: int, n_runs: int) -> list[str]:
    """Return the time of the Jordan-Wigner form of a hydrogen chain, beside ffsim's."""
    xyz = "; ".join(f"H 0 0 {0.8 * k}" for k in range(n_atoms))
    problem = hamiltonian(xyz, None)
    theirs = ffsim.MolecularHamiltonian(
        one_body_tensor=problem.one_body,
        two_body_tensor=problem.two_body,
        constant=problem.core_energy,
    )

    def ours() -> PauliSum:
        return molecular_pauli_sum(problem.one_body, problem.two_body, problem.core_energy)

    def ffsims() -> SparsePauliOp:
        return ffsim.qiskit.jordan_wigner(ffsim.fermion_operator(theirs), norb=problem.norb)

    ours()  # first call: numpy's own warming up
    seconds: dict[str, list[float]] = {"ours": [], "ffsim": []}
    for _ in range(n_runs):
        first, time_ours = timed(ours)
        second, time_theirs = timed(ffsims)
        seconds["ours"].append(time_ours)
        seconds["ffsim"].append(time_theirs)
    worst = largest_difference(first, from_sparse_pauli_op(second))
    assert worst <= TOLERANCE, worst
    best = {name: min(values) for name, values in seconds.items()}
    return [
        "",
        f"H{n_atoms} chain, 0.8 Å: {first.n_terms} words on {first.n_qubits} qubits, largest "
        f"difference {worst:.0e} hartree",
        f"  from integrals: {1e3 * best['ours']:.1f} ms; ffsim: {1e3 * best['ffsim']:.0f} ms; "
        f"ratio {best['ffsim'] / best['ours']:.0f}; best of {n_runs}, in turns",
    ]


def largest_difference(one: PauliSum, other: PauliSum) -> float:
    """Return the largest difference of a coefficient, word by word (hartree)."""
    ours, theirs = dict(one.words()), dict(other.words())
    return max(abs(ours.get(word, 0) - theirs.get(word, 0)) for word in ours | theirs)


def timed(make: Callable[[], Made]) -> tuple[Made, float]:
    """Return what a function gives, and the seconds it takes."""
    start = time.perf_counter()
    made = make()
    return made, time.perf_counter() - start


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mappings", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three systems, a chain of 4")
    options = parser.parse_args(arguments)
    qm.set_num_threads(1)
    systems = QUICK if options.quick else tuple(SYSTEMS)
    times = chain(4, 1) if options.quick else chain(12, 3)
    print("\n".join([*table(rows(systems)), *symmetries(systems), *times]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
