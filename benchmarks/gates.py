"""Two-qubit gates beside PennyLane's and ffsim's: ``python -m benchmarks.gates [--quick]``.

Each program writes the circuit of its own, for the same orbitals, electrons and general angles, the
Hartree-Fock determinant included. All are transpiled by the same preset of Qiskit (level 3) to the
same gates: CX between any two qubits, and a device's own gates between its links. The best of
several seeds is printed, two-qubit gates first.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pennylane as qml
from qiskit import QuantumCircuit
from qiskit.transpiler import generate_preset_pass_manager

import qmlmat as qm
from qmlmat.ansatz.jastrow import local_pairs
from qmlmat.ansatz.lowering import lower
from qmlmat.ansatz.references import prepare_terms
from qmlmat.ansatz.rotations import merged_rotations
from qmlmat.backends import Reference
from qmlmat.backends.pennylane.circuits import from_pennylane
from qmlmat.backends.qiskit.circuits import to_qiskit
from qmlmat.backends.qiskit.devices import fake_device
from qmlmat.backends.qiskit.resources import counted
from qmlmat.operators.mappings import qubit_mapping

SIZES = {
    "H2": (2, (1, 1)),
    "LiH (2e,3o)": (3, (1, 1)),
    "H4": (4, (2, 2)),
    "H2O (4e,4o)": (4, (2, 2)),
}
"""Spatial orbitals and electrons by spin. Angles are general: nothing else of a molecule matters,
and H2O is as H4 and not run again."""

BASIS = ["cx", "rz", "sx", "x"]
"""Gates where all qubits are linked."""


@dataclass(frozen=True)
class Row:
    """One circuit of one program, transpiled to one target."""

    molecule: str
    circuit: str
    program: str
    target: str
    n_params: int
    two_qubit_gates: int
    two_qubit_depth: int


@dataclass(frozen=True)
class Entry:
    """A circuit as one program writes it."""

    circuit: str
    program: str
    n_params: int
    written: QuantumCircuit
    pre_init: Any = None
    """Passes the program recommends to run first."""


def ours(norb: int, nelec: tuple[int, int], name: str, **options: Any) -> Entry:  # noqa: ANN401
    """Return our circuit, orbital rotations merged."""
    circuit = qm.Ansatz(name, **options).circuit(norb, nelec)
    reference, mapping = Reference.hartree_fock(norb, nelec), qubit_mapping("jordan_wigner", norb)
    params = np.random.default_rng(1).normal(size=circuit.n_params)
    merged, angles = merged_rotations(circuit, params, reference=reference.terms[0][0])
    prepared = prepare_terms(reference.terms, mapping)
    choices = [
        to_qiskit(prepared.then(lower(one, mapping)), values)
        for one, values in ((circuit, params), (merged, angles))
    ]
    written = min(choices, key=lambda one: one.num_nonlocal_gates())
    label = "".join(f", {key}={value}" for key, value in options.items())
    return Entry(name + label, "qmlmat", circuit.n_params, written)


def pennylanes(norb: int, nelec: tuple[int, int]) -> Iterator[Entry]:
    """Yield PennyLane's templates, and its gates for the list of ``kupccgsd``."""
    rng, n_qubits, n_electrons = np.random.default_rng(1), 2 * norb, sum(nelec)
    state = qml.qchem.hf_state(n_electrons, n_qubits)
    singles, doubles = qml.qchem.excitations(n_electrons, n_qubits)
    s_wires, d_wires = qml.qchem.excitations_to_wires(singles, doubles)
    angles = rng.normal(size=len(singles) + len(doubles))
    uccsd = qml.UCCSD(angles, range(n_qubits), s_wires, d_wires, state)
    yield _pennylane("uccsd", "PennyLane UCCSD", angles.size, [uccsd], n_qubits)
    angles = rng.normal(size=qml.kUpCCGSD.shape(1, n_qubits, 0))
    template = qml.kUpCCGSD(angles, range(n_qubits), k=1, delta_sz=0, init_state=state)
    yield _pennylane("kupccgsd", "PennyLane kUpCCGSD", angles.size, [template], n_qubits)
    gates: list[Any] = [qml.BasisState(state, range(n_qubits))]
    circuit = qm.Ansatz("kupccgsd").circuit(norb, nelec)
    for gate in circuit.gates:  # PennyLane's order: alpha and beta of an orbital side by side
        (i, a), *_ = gate.generator.alpha or gate.generator.beta
        if gate.generator.alpha and gate.generator.beta:
            pairs = [2 * i, 2 * i + 1], [2 * a, 2 * a + 1]
            gates.append(qml.FermionicDoubleExcitation(rng.normal(), *pairs))
        else:
            spin = 0 if gate.generator.alpha else 1
            wires = range(2 * i + spin, 2 * a + spin + 1)
            gates.append(qml.FermionicSingleExcitation(rng.normal(), wires))
    yield _pennylane("kupccgsd", "PennyLane, our list", circuit.n_params, gates, n_qubits)


def _pennylane(
    circuit: str, program: str, n_params: int, gates: Sequence[Any], n_qubits: int
) -> Entry:
    return Entry(circuit, program, n_params, to_qiskit(from_pennylane(gates, n_qubits)))


def ffsims(norb: int, nelec: tuple[int, int], n_reps: int, pairs: str) -> Entry:
    """Return ffsim's circuit of as many layers and the same pairs."""
    import ffsim  # noqa: PLC0415 - of the extra "bench"

    operator = ffsim.random.random_ucj_op_spin_balanced(
        norb, n_reps=n_reps, interaction_pairs=local_pairs(norb, pairs), seed=1
    )
    written = QuantumCircuit(2 * norb)
    written.append(ffsim.qiskit.PrepareHartreeFockJW(norb, nelec), range(2 * norb))
    written.append(ffsim.qiskit.UCJOpSpinBalancedJW(operator), range(2 * norb))
    n_params = qm.Ansatz("lucj", n_reps=n_reps, pairs=pairs).circuit(norb, nelec).n_params
    name = f"lucj, n_reps={n_reps}, pairs={pairs}"
    return Entry(name, "ffsim", n_params, written, ffsim.qiskit.PRE_INIT)


def entries(norb: int, nelec: tuple[int, int], layers: Sequence[int]) -> Iterator[Entry]:
    """Yield the circuits of one size, ours before the others of its kind."""
    for name in ("uccsd", "kupccgsd"):
        yield ours(norb, nelec, name)
        yield from (one for one in pennylanes(norb, nelec) if one.circuit == name)
    for n_reps in layers:
        for pairs in ("all", "square", "heavy_hex"):
            yield ours(norb, nelec, "lucj", n_reps=n_reps, pairs=pairs)
            yield ffsims(norb, nelec, n_reps, pairs)


def transpiled(entry: Entry, target: str, seeds: int) -> tuple[int, int]:
    """Return the two-qubit gates and their depth, the best of some seeds."""
    where = {"basis_gates": BASIS} if target == "all-to-all" else {"backend": fake_device(target)}
    found = []
    for seed in range(seeds):
        manager = generate_preset_pass_manager(3, seed_transpiler=seed, **where)
        if entry.pre_init is not None:
            manager.pre_init = entry.pre_init
        resources = counted(manager.run(entry.written))
        found.append((resources.two_qubit_gates, resources.two_qubit_depth))
    return min(found)


def rows(
    molecules: Sequence[str],
    targets: Sequence[str],
    *,
    seeds: int,
    layers: Sequence[int] = (1, 2),
    say: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Return the counts of every circuit on every target that has the qubits."""
    found = []
    for molecule in molecules:
        norb, nelec = SIZES[molecule]
        for entry in entries(norb, nelec, layers):
            say(f"{molecule}: {entry.circuit}, {entry.program}")
            for target in targets:
                if target != "all-to-all" and fake_device(target).num_qubits < 2 * norb:
                    continue
                counts = transpiled(entry, target, seeds)
                found.append(
                    Row(molecule, entry.circuit, entry.program, target, entry.n_params, *counts)
                )
    return found


def worse(found: Sequence[Row]) -> list[str]:
    """Return where ours has more two-qubit gates than another program's circuit."""
    own = {
        (r.molecule, r.circuit, r.target): r.two_qubit_gates for r in found if r.program == "qmlmat"
    }
    return [
        f"{r.molecule}, {r.circuit}, {r.target}: ours {own[r.molecule, r.circuit, r.target]}, "
        f"{r.program} {r.two_qubit_gates}"
        for r in found
        if own[r.molecule, r.circuit, r.target] > r.two_qubit_gates
    ]


def lines(found: Sequence[Row]) -> list[str]:
    """Return the table: two-qubit gates / their depth, by target."""
    targets = list(dict.fromkeys(row.target for row in found))
    text = [
        f"{'two-qubit gates / depth':66s}{'params':>7s}" + "".join(f"{t:>14s}" for t in targets)
    ]
    cells = {(r.molecule, r.circuit, r.program, r.target): r for r in found}
    for key in dict.fromkeys((r.molecule, r.circuit, r.program) for r in found):
        here = {t: cells[*key, t] for t in targets if (*key, t) in cells}
        counts = [
            f"{here[t].two_qubit_gates} / {here[t].two_qubit_depth}" if t in here else ""
            for t in targets
        ]
        molecule, circuit, program = key
        n_params = next(iter(here.values())).n_params
        text.append(
            f"{molecule:13s}{circuit:33s}{program:20s}{n_params:7d}"
            + "".join(f"{count:>14s}" for count in counts)
        )
    bad = worse(found)
    return [*text, "", *(bad or ["nowhere more two-qubit gates than the others"])]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 where a circuit of ours has more two-qubit gates than another's."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gates", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="H2 and LiH, one seed, one layer")
    parser.add_argument("--seeds", type=int, default=5, help="seeds of the transpiler (default: 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows there")
    options = parser.parse_args(arguments)
    quick = options.quick
    found = rows(
        ("H2", "LiH (2e,3o)") if quick else ("H2", "LiH (2e,3o)", "H4"),
        ("all-to-all", "manila", "fez"),
        seeds=1 if quick else options.seeds,
        layers=(1,) if quick else (1, 2),
        say=lambda what: sys.stderr.write(f"[{time.strftime('%H:%M:%S')}] {what}\n") and None,
    )
    print("\n".join(lines(found)))
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in found], indent=1))
    return int(bool(worse(found)))


if __name__ == "__main__":
    sys.exit(main())
