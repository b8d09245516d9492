"""What mitigation is worth on fake devices: ``python -m benchmarks.noise [--quick]``.

H2 and LiH (2e,3o), angles from exact search, energies measured under the noise of two devices of
IBM: raw, with each technique alone, and with several. Printed is the median error of 20 repetitions
and half the range of their middle 68 %, beside the error bar the backend gives, and what was spent.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from qiskit_aer import AerSimulator

import qmlmat as qm
from benchmarks.dealt import DealtSampler
from qmlmat.backends.qiskit.devices import best_qubits
from qmlmat.backends.qubits.jobs import Usage
from qmlmat.operators.mappings import QubitMapping
from qmlmat.systems import MolecularHamiltonian

SYSTEMS: dict[str, tuple[str, qm.ActiveSpace | None]] = {
    "H2": ("H 0 0 0; H 0 0 0.735", None),
    "LiH (2e,3o)": ("Li 0 0 0; H 0 0 1.595", qm.ActiveSpace(indices=(1, 2, 5))),
}
"""STO-3G; bond lengths in Å."""

MAPPINGS: dict[str, Callable[[MolecularHamiltonian], QubitMapping]] = {
    "Jordan-Wigner": lambda h: h.qubit_mapping(),
    "parity, reduced": lambda h: h.qubit_mapping("parity", reduced=True),
    "tapered": lambda h: h.qubit_mapping(tapered=True),
}

CASES = (
    ("H2", "Jordan-Wigner", "fez"),
    ("H2", "parity, reduced", "fez"),
    ("H2", "parity, reduced", "manila"),
    ("H2", "tapered", "manila"),
    ("LiH (2e,3o)", "parity, reduced", "fez"),
    ("LiH (2e,3o)", "parity, reduced", "manila"),
)
"""Molecule, mapping, device."""

TECHNIQUES = {
    "raw": qm.Mitigation(),
    "readout": qm.Mitigation(readout=True),
    "symmetry": qm.Mitigation(symmetry=True),
    "reference": qm.Mitigation(reference=True),
    "readout + ZNE": qm.Mitigation(readout=True, noise_factors=(1, 3)),
    "stack": qm.Mitigation(readout=True, symmetry=True, reference=True),
    "stack + ZNE": qm.Mitigation(readout=True, symmetry=True, reference=True, noise_factors=(1, 3)),
}
"""ZNE: linear extrapolation from noise factors 1 and 3."""

SHOTS = 40_000
"""For one energy; each noise factor, and the reference, take as many."""
REPETITIONS = 20
GAIN = 4.0
"""Least factor by which the stack's median error must be below the raw one."""


@dataclass(frozen=True)
class Row:
    """One technique on one device."""

    system: str
    """The molecule and its active space."""
    mapping: str
    """Where occupations stand."""
    device: str
    """Whose noise."""
    n_qubits: int
    """Qubits used."""
    two_qubit_gates: int
    """Of the transpiled circuit that has most."""
    technique: str
    """What was mitigated."""
    error: float
    """Median error against the noiseless energy of the same circuit (millihartree)."""
    spread: float
    """Half the range of the middle 68 % of the errors (millihartree)."""
    uncertainty: float
    """Standard error of the median (millihartree)."""
    error_bar: float
    """Median standard error given (millihartree)."""
    n_bases: int
    """Bases of measurement of one state."""
    n_circuits: int
    """Circuits of one energy, those of readout calibration included."""
    n_shots: int
    """Shots of one energy."""


@dataclass(frozen=True)
class Case:
    """A molecule, its angles, and the device that measures it."""

    system: str
    """Name of the molecule."""
    hamiltonian: MolecularHamiltonian
    """What is measured."""
    solution: qm.Solution
    """Circuit and angles, found exactly."""
    mapping: QubitMapping
    """Where occupations stand."""
    device: Any
    """The device's best qubits."""


def case(system: str, mapping: str, device: str) -> Case:
    """Return a case ready to be measured."""
    xyz, space = SYSTEMS[system]
    hamiltonian = qm.molecular_hamiltonian(qm.Molecule.from_xyz(xyz), space)
    chosen = MAPPINGS[mapping](hamiltonian)
    whole = qm.fake_device(device)
    found = qm.solve(hamiltonian, qm.VQE("uccsd", screening=qm.Screening()))
    part = qm.restricted(whole, best_qubits(whole, chosen.n_qubits))
    return Case(system, hamiltonian, found, chosen, part)


def errors(
    one: Case, technique: str, n_repetitions: int, transpiled: dict[Any, Any], shots: int = SHOTS
) -> tuple[np.ndarray, np.ndarray, Usage, int]:
    """Return errors and error bars (millihartree), what one energy took, and its bases.

    Args:
        one: What is measured, and where.
        technique: A key of ``TECHNIQUES``.
        n_repetitions: How often.
        transpiled: Circuits made ready so far, shared by all techniques.
        shots: For one energy.
    """
    simulator = AerSimulator.from_backend(one.device, max_parallel_threads=1)
    seed = 1 + list(TECHNIQUES).index(technique)
    sampler = DealtSampler(simulator, n_repetitions, seed=seed)
    hamiltonian, solution = one.hamiltonian, one.solution
    reference = qm.Reference.hartree_fock(hamiltonian.norb, hamiltonian.nelec)
    request = qm.Request(
        preparation=qm.Preparation(solution.circuit, reference), observables=(hamiltonian,)
    )
    values, bars = [], []
    for _ in range(n_repetitions):
        backend = qm.QiskitBackend(
            primitive=sampler,
            device=one.device,
            mapping=one.mapping,
            shots=shots,
            mitigation=TECHNIQUES[technique],
            transpiled=transpiled,
        )
        evaluator = backend.prepare(request)
        answer = evaluator(solution.params)
        values.append(1e3 * (answer.values[0] - solution.energy))
        bars.append(1e3 * np.sqrt(answer.variances[0]))
    return np.array(values), np.array(bars), backend.usage, evaluator.least_shots


def rows(
    cases: Sequence[tuple[str, str, str]],
    n_repetitions: int,
    shots: int = SHOTS,
    *,
    techniques: Sequence[str] = tuple(TECHNIQUES),
    say: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Return techniques on every case."""
    found = []
    for system, mapping, device in cases:
        one = case(system, mapping, device)
        transpiled: dict[Any, Any] = {}
        for technique in techniques:
            say(f"{system}, {mapping}, {device}: {technique}")
            values, bars, usage, n_bases = errors(one, technique, n_repetitions, transpiled, shots)
            low, middle, high = np.quantile(values, (0.16, 0.5, 0.84))
            gates = max(_two_qubit_gates(c) for key, c in transpiled.items() if key[1] is False)
            found.append(
                Row(
                    system=system,
                    mapping=mapping,
                    device=device,
                    n_qubits=one.mapping.n_qubits,
                    two_qubit_gates=gates,
                    technique=technique,
                    error=float(middle),
                    spread=float(high - low) / 2,
                    uncertainty=1.25 * float(high - low) / 2 / np.sqrt(n_repetitions),
                    error_bar=float(np.median(bars)),
                    n_bases=n_bases,
                    n_circuits=usage.n_circuits,
                    n_shots=usage.n_shots,
                )
            )
    return found


def _two_qubit_gates(circuit: Any) -> int:  # noqa: ANN401 (Qiskit's)
    return sum(len(i.qubits) == 2 for i in circuit.data if i.operation.name != "barrier")


def gains(found: Sequence[Row]) -> dict[tuple[str, str, str], float]:
    """Return by which factor the stack's median error is below the raw one, case by case.

    An error that the repetitions cannot tell from zero counts as their standard error.
    """
    cells = {(r.system, r.mapping, r.device, r.technique): r for r in found}
    keys = dict.fromkeys((r.system, r.mapping, r.device) for r in found)
    left = {
        key: max(abs(cells[*key, "stack"].error), cells[*key, "stack"].uncertainty) for key in keys
    }
    return {key: abs(cells[*key, "raw"].error) / left[key] for key in keys}


def table(found: Sequence[Row]) -> list[str]:
    """Return errors by technique and case as text, then what one energy takes."""
    keys = list(dict.fromkeys((r.system, r.mapping, r.device) for r in found))
    cells = {(r.system, r.mapping, r.device, r.technique): r for r in found}
    techniques = list(dict.fromkeys(r.technique for r in found))
    text = ["median error, mHa, spread of the repetitions (middle 68 %), error bar given", ""]
    for k, heads in enumerate(zip(*keys, strict=True)):
        text.append(f"{('molecule', 'mapping', 'device')[k]:15s}" + _cells(heads))
    sizes = [cells[*key, "raw"] for key in keys]
    text.append(
        f"{'qubits, gates':15s}" + _cells(f"{r.n_qubits}, {r.two_qubit_gates}" for r in sizes)
    )
    for name in techniques:
        row = [cells[*key, name] for key in keys]
        body = _cells(f"{r.error:.1f} ± {r.spread:.1f} ({r.error_bar:.1f})" for r in row)
        text.append(f"{name:15s}{body}")
    factors = gains(found)
    text.append(f"{'raw / stack':15s}" + _cells(f"{factors[key]:.0f}" for key in keys))
    text += ["", "one energy: circuits (bases), thousands of shots"]
    for name in techniques:
        row = [cells[*key, name] for key in keys]
        body = _cells(f"{r.n_circuits} ({r.n_bases}), {r.n_shots / 1e3:.0f}" for r in row)
        text.append(f"{name:15s}{body}")
    return text


def _cells(words: Any) -> str:  # noqa: ANN401 (strings, in any iterable)
    return "".join(f"{word:>21s}" for word in words)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 1 where the stack is less than 4 times better than nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.noise", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="H2 on manila, 5 repetitions")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows there")
    options = parser.parse_args(arguments)
    qm.set_num_threads(1)
    start = time.perf_counter()
    found = rows(
        CASES[2:3] if options.quick else CASES,
        5 if options.quick else REPETITIONS,
        say=lambda what: sys.stderr.write(f"[{time.strftime('%H:%M:%S')}] {what}\n") and None,
    )
    print("\n".join(table(found)))
    seconds = time.perf_counter() - start
    print(f"\n{seconds:.0f} s ({time.process_time():.0f} s of one core)")
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in found], indent=1))
    return int(min(gains(found).values()) < GAIN)


if __name__ == "__main__":
    sys.exit(main())
