"""Times one uccsd energy and full gradient on hydrogen chains, beside two yardsticks.

Linear chains, 0.8 Å, STO-3G, full sector; one thread. The yardsticks are one PySCF sigma build
(the floor: a gradient needs at least one) and PennyLane's lightning.qubit with adjoint
differentiation: the same Hamiltonian and the same number of excitation gates on the same
orbitals, without the fermionic signs, which would not make it faster. All run alternately in
this process; medians are printed with their spread, and written as JSON where --json names a
file.

    python benchmarks/sector_gradient.py --atoms 4 6
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402 (threads are set first)
import torch  # noqa: E402
from pyscf import fci, lib  # noqa: E402

import qmlmat as qm  # noqa: E402
from qmlmat.provenance import versions  # noqa: E402

LIGHTNING_LARGEST = 6
"""Longest chain given to lightning.qubit: H8 takes more than a second per gradient."""


@dataclass(frozen=True)
class Row:
    """One line of the table: medians (s) of alternating runs, and their extremes."""

    atoms: int
    dimension: int
    generators: int
    gradient: tuple[float, float, float]
    sigma: tuple[float, float, float]
    lightning: tuple[float, float, float] | None


def summary(times: list[float]) -> tuple[float, float, float]:
    """Return minimum, median and maximum."""
    return min(times), statistics.median(times), max(times)


def lightning_gradient(
    n_qubits: int, circuit: qm.Circuit, hamiltonian: qm.MolecularHamiltonian
) -> Callable[[], object] | None:
    """Return one energy and adjoint gradient on lightning.qubit; ``None`` where it is missing."""
    try:
        import pennylane as qml  # noqa: PLC0415
    except ImportError:
        return None
    # PennyLane wants physicists' order a†_p a†_q a_r a_s and alternating spins.
    two_body = np.swapaxes(hamiltonian.two_body, 1, 3).swapaxes(2, 3)
    constant = np.array([hamiltonian.core_energy])
    fermionic = qml.qchem.fermionic_observable(constant, hamiltonian.one_body, two_body)
    coefficients, words = qml.jordan_wigner(fermionic).simplify().terms()
    observable = qml.Hamiltonian(np.array([float(np.real(c)) for c in coefficients]), words)
    device = qml.device("lightning.qubit", wires=n_qubits)
    norb = hamiltonian.norb

    def wires(moves: tuple[tuple[int, int], ...], spin: int) -> list[tuple[int, int]]:
        return [(2 * i + spin, 2 * a + spin) for i, a in moves]

    @qml.qnode(device, diff_method="adjoint")
    def energy(params: object) -> object:
        occupied = [2 * p + s for s in (0, 1) for p in range(hamiltonian.nelec[s])]
        qml.BasisState(np.isin(np.arange(2 * norb), occupied).astype(int), wires=range(n_qubits))
        for gate, angle in zip(circuit.gates, params, strict=True):
            moves = wires(gate.excitation.alpha, 0) + wires(gate.excitation.beta, 1)
            sources, targets = [m[0] for m in moves], [m[1] for m in moves]
            rotation = qml.SingleExcitation if len(moves) == 1 else qml.DoubleExcitation
            rotation(2 * angle, wires=sources + targets)
        return qml.expval(observable)

    value_and_gradient = qml.grad(energy)
    params = qml.numpy.full(circuit.n_params, 0.01, requires_grad=True)
    return lambda: value_and_gradient(params)


def measure(atoms: int, runs: int) -> Row:
    """Return the timings of one chain."""
    chain = qm.Molecule.from_xyz("; ".join(f"H 0 0 {0.8 * k}" for k in range(atoms)))
    hamiltonian = qm.molecular_hamiltonian(chain)
    circuit = qm.VQE("uccsd").circuit(hamiltonian)
    reference = qm.Reference.hartree_fock(hamiltonian.norb, hamiltonian.nelec)
    evaluator = qm.SectorBackend().prepare(
        qm.Request(preparation=qm.Preparation(circuit, reference), observables=(hamiltonian,))
    )
    params = np.full(circuit.n_params, 0.01)
    state = np.random.default_rng(0).normal(size=hamiltonian.shape)
    absorbed = fci.direct_spin1.absorb_h1e(
        hamiltonian.one_body, hamiltonian.two_body, hamiltonian.norb, hamiltonian.nelec, 0.5
    )
    links = [
        fci.cistring.gen_linkstr_index_trilidx(range(hamiltonian.norb), n)
        for n in hamiltonian.nelec
    ]
    jobs: dict[str, Callable[[], object]] = {
        "gradient": lambda: evaluator.value_and_gradient(params),
        "sigma": lambda: fci.direct_spin1.contract_2e(
            absorbed, state, hamiltonian.norb, hamiltonian.nelec, links
        ),
    }
    if atoms <= LIGHTNING_LARGEST:
        lightning = lightning_gradient(circuit.n_qubits, circuit, hamiltonian)
        if lightning is not None:
            jobs["lightning"] = lightning
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for run in range(runs + 1):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            if run:  # the first round warms up
                times[name].append(time.perf_counter() - start)
    return Row(
        atoms=atoms,
        dimension=hamiltonian.dimension,
        generators=len(circuit.gates),
        gradient=summary(times["gradient"]),
        sigma=summary(times["sigma"]),
        lightning=summary(times["lightning"]) if "lightning" in times else None,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--atoms", type=int, nargs="+", default=[4, 6, 8, 10])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    lib.num_threads(1)
    print("Median (minimum-maximum) ms; one thread. Ratios are of the medians.")
    print(f"{'':4}{'dim':>7}{'gen':>5}  {'energy + gradient':24}{'/ sigma':>8}{'lightning /':>12}")
    rows = []
    for atoms in options.atoms:
        row = measure(atoms, options.runs)
        rows.append(row)
        low, median, high = (1e3 * value for value in row.gradient)
        peer = "missing" if atoms <= LIGHTNING_LARGEST else "not run"
        if row.lightning is not None:
            peer = f"{row.lightning[1] / row.gradient[1]:.0f}"
        print(
            f"H{atoms:<3}{row.dimension:7}{row.generators:5}  "
            f"{f'{median:.2f} ({low:.2f}-{high:.2f})':24}"
            f"{row.gradient[1] / row.sigma[1]:8.1f}{peer:>12}"
        )
    if options.json:
        record = {"versions": versions(), "rows": [asdict(row) for row in rows]}
        options.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
