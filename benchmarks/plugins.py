"""Our device inside of PennyLane, beside others: ``python -m benchmarks.plugins [--quick]``.

Energy and gradient of unitary coupled cluster circuits of hydrogen chains, through the
same QNode code on lightning.qubit, on qmlmat.sector, and on null.qubit, which simulates nothing:
what it takes is PennyLane's own, and lightning.qubit's time over it the ratio that a device would
reach in no time, as long as gates are decomposed and the Hamiltonian is copied and checked word by
word, which qmlmat.sector does not do. Each is called in turns, with new angles every time; the
least times count, on the processor, all in one thread: a shared machine spoils them less. PennyLane
gives lightning.qubit's numbers to PyTorch as float32, so numbers are compared with those of
autograd.

Memory: what one energy with its gradient adds to the resident size of a fresh process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pennylane as qml
import torch
from pennylane.measurements import MeasurementProcess

import qmlmat as qm
from qmlmat.backends.pennylane.operators import to_pennylane
from qmlmat.operators.pauli import PauliSum
from qmlmat.operators.spin_order import in_blocks, with_bits
from qmlmat.typing import FloatArray

SPACING = 0.8
"""Distance of neighbours (Å)."""
DEVICES: dict[str, tuple[str, dict[str, str], str]] = {
    "lightning": ("lightning.qubit", {}, "best"),
    "null": ("null.qubit", {}, "device"),
    "ours": ("qmlmat.sector", {"spin_order": "interleaved"}, "best"),
    "ours, all": ("qmlmat.sector", {}, "best"),
}
"""PennyLane's device, its options, the QNode's ``diff_method``; by the names of the columns. The
last keeps all determinants with as many electrons, of any spin."""
LARGEST = {"templates": 10, "UCCSD": 8}
"""Atoms of the largest chain, by circuit."""
MOST_CALLS = 40
"""Calls of a device."""
N_DOUBLES = 50
"""Gates of the circuit whose memory is measured."""


def interleaved(words: PauliSum) -> PauliSum:
    """Return a molecule's Jordan-Wigner words on wires of alpha and beta by turns.

    Args:
        words: The same on all alpha and then all beta wires.
    """
    bits = np.arange(words.n_qubits)
    norb = words.n_qubits // 2
    # The reordering of the fermions is its own inverse.
    return with_bits(in_blocks(words), 2 * (bits % norb) + bits // norb)


@dataclass(frozen=True, eq=False)
class Chain:
    """A hydrogen chain as PennyLane wants it."""

    n_atoms: int
    """Number of atoms."""

    @cached_property
    def words(self) -> PauliSum:
        """The Hamiltonian, on wires of alpha and beta by turns (hartree)."""
        xyz = "; ".join(f"H 0 0 {SPACING * k}" for k in range(self.n_atoms))
        molecule = qm.Molecule.from_xyz(xyz, basis="sto-3g")
        return interleaved(qm.molecular_hamiltonian(molecule).pauli_sum())

    @cached_property
    def observable(self) -> qml.ops.LinearCombination:
        """The same as PennyLane's."""
        return to_pennylane(self.words)

    @property
    def n_wires(self) -> int:
        """Number of spin orbitals."""
        return 2 * self.n_atoms

    @cached_property
    def excitations(self) -> tuple[list[list[int]], list[list[int]]]:
        """Single and double excitations of the Hartree-Fock state."""
        return qml.qchem.excitations(self.n_atoms, self.n_wires)

    @property
    def n_gates(self) -> int:
        """Number of excitations, and of angles."""
        return sum(map(len, self.excitations))

    def prepare(self, kind: str, angles: object) -> None:
        """Queue a circuit: ``"templates"`` is AllSinglesDoubles, or ``"UCCSD"``."""
        start = qml.qchem.hf_state(self.n_atoms, self.n_wires)
        singles, doubles = self.excitations
        if kind == "UCCSD":
            sets = qml.qchem.excitations_to_wires(singles, doubles)
            qml.UCCSD(angles, range(self.n_wires), *sets, start)
        else:
            qml.AllSinglesDoubles(angles, range(self.n_wires), start, singles, doubles)

    def node(self, kind: str, device: str, interface: str) -> qml.QNode:
        """Return the energy as a function of the angles."""
        name, options, method = DEVICES[device]

        @qml.qnode(
            qml.device(name, wires=self.n_wires, **options),
            interface=interface,
            diff_method=method,
        )
        def node(angles: object) -> MeasurementProcess:
            self.prepare(kind, angles)
            return qml.expval(self.observable)

        return node


def energy_and_gradient(node: qml.QNode, interface: str, angles: FloatArray) -> FloatArray:
    """Return an energy and its gradient, one after the other (hartree)."""
    if interface == "torch":
        tensor = torch.tensor(angles, requires_grad=True)
        energy = node(tensor)
        energy.backward()
        return np.append(energy.detach().numpy(), tensor.grad.numpy())
    gradient = qml.grad(node)
    slopes = gradient(qml.numpy.array(angles, requires_grad=True))
    return np.append(gradient.forward, slopes)


@dataclass
class Timed:
    """The times of one device."""

    call: Callable[[FloatArray], FloatArray]
    """The energy and its gradient at some angles."""
    seconds: list[float] = field(default_factory=list)
    """Time of each call on the processor (s)."""

    def __call__(self, angles: FloatArray) -> FloatArray:
        """Call once more, and take the time."""
        start = time.process_time()
        found = self.call(angles)
        self.seconds.append(time.process_time() - start)
        return found

    @property
    def least(self) -> float:
        """Least time after a first call, where there were more (s)."""
        return min(self.seconds[1:] or self.seconds)

    def wants(self, budget: float) -> bool:
        """Return whether another call is within a budget (s)."""
        if len(self.seconds) == 1:
            return self.seconds[0] < 4 * budget
        return len(self.seconds) < MOST_CALLS and sum(self.seconds) + self.seconds[-1] < budget


@dataclass(frozen=True)
class Row:
    """One circuit of one chain through one interface."""

    chain: Chain
    """The chain."""
    kind: str
    """The circuit."""
    interface: str
    """The interface of the QNode."""
    times: dict[str, Timed]
    """The devices; lightning.qubit may be missing."""
    difference: float
    """Largest difference of energy and gradient to lightning.qubit's with autograd, NaN without."""
    inside: float
    """Share of our time that is spent inside of the device."""

    @property
    def ratio(self) -> float:
        """How many times as long lightning.qubit takes as we do."""
        return self._lightning / self.times["ours"].least

    @property
    def ceiling(self) -> float:
        """How many times as long it takes as PennyLane alone."""
        return self._lightning / self.times["null"].least

    @property
    def _lightning(self) -> float:
        return self.times["lightning"].least if "lightning" in self.times else float("nan")

    def text(self) -> str:
        """Return the row as it is printed."""
        least = {name: f"{1e3 * timed.least:.2f}" for name, timed in self.times.items()}
        cells = (
            f"H{self.chain.n_atoms}",
            self.kind,
            str(self.chain.n_gates),
            str(self.chain.words.n_terms),
            self.interface,
            least.get("lightning", "-"),
            least["null"],
            least["ours"],
            f"{1e3 * self.times['ours'].seconds[0]:.0f}",
            f"{self.inside:.0%}",
            least["ours, all"],
            f"{self.ratio:.1f}",
            f"{self.ceiling:.1f}",
            f"{self.times['null'].least / self.times['ours'].least:.0%}",
            f"{self.difference:.1e}",
        )
        return _aligned(["-" if cell == "nan" else cell for cell in cells])


HEADS = (
    ("", "circuit", "gates", "words", "interface", "lightning", "null", "ours", "first", "inside",
     "ours, all", "ratio", "ceiling", "ours", "difference"),
    ("", "", "", "", "", "ms", "ms", "ms", "ms", "of ours", "ms", "", "", "of it", "hartree"),
)  # fmt: skip
"""Names and units of the columns."""
WIDTHS = (4, 10, 6, 6, 10, 11, 9, 9, 8, 8, 10, 8, 8, 7, 11)


def _aligned(cells: Sequence[str]) -> str:
    return "".join(f"{cell:>{width}s}" for cell, width in zip(cells, WIDTHS, strict=True))


def pennylane_rows(
    chain: Chain, kind: str, *, expected: float, limit: float, budget: float
) -> list[Row]:
    """Return a circuit's times through autograd and PyTorch.

    Args:
        chain: The chain.
        kind: The circuit.
        expected: Estimated time of one gradient by lightning.qubit (s).
        limit: Largest such time with which it is run (s); it is run once where three would be
            longer, and that time stands for both interfaces.
        budget: Time of all calls of one device (s).
    """
    rng = np.random.default_rng(chain.n_atoms)
    fixed = rng.normal(scale=0.1, size=chain.n_gates)
    rows: list[Row] = []
    reference: FloatArray | None = None
    with_lightning = expected < limit
    for interface in ("autograd", "torch"):
        times: dict[str, Timed] = {}
        for device in DEVICES:
            if device != "lightning":
                node = chain.node(kind, device, interface)
                times[device] = Timed(_bound(node, interface))
                if device == "ours":
                    inside = _watched(node.device)
        if with_lightning and (not rows or 6 * expected < limit):
            times["lightning"] = Timed(_bound(chain.node(kind, "lightning", interface), interface))
        found = {name: timed(fixed) for name, timed in times.items()}
        reference = found.get("lightning") if reference is None else reference
        worst = float("nan")
        if reference is not None:
            worst = max(np.abs(found[n] - reference).max() for n in ("ours", "ours, all"))
        _in_turns(times, rng, chain.n_gates, budget)
        ours = times["ours"]
        share = inside[ours.seconds.index(ours.least)] / ours.least
        if rows and "lightning" in rows[0].times:
            times.setdefault("lightning", rows[0].times["lightning"])
        rows.append(Row(chain, kind, interface, times, float(worst), share))
    return rows


def _watched(device: qml.devices.Device) -> list[float]:
    """Return a list that gets the time of each energy with its gradient inside of a device (s)."""
    seconds: list[float] = []
    inner = device.execute_and_compute_derivatives

    def watched(*arguments: object) -> object:
        start = time.process_time()
        found = inner(*arguments)
        seconds.append(time.process_time() - start)
        return found

    device.execute_and_compute_derivatives = watched
    return seconds


def _bound(node: qml.QNode, interface: str) -> Callable[[FloatArray], FloatArray]:
    return lambda angles: energy_and_gradient(node, interface, angles)


def _in_turns(times: dict[str, Timed], rng: np.random.Generator, size: int, budget: float) -> None:
    """Call every device at new angles, in turns, as often as its budget allows."""
    while True:
        wanting = [timed for timed in times.values() if timed.wants(budget)]
        if not wanting:
            return
        angles = rng.normal(scale=0.1, size=size)
        for timed in wanting:
            timed(angles)


def pennylane_table(
    sizes: Sequence[int], kinds: Sequence[str], *, limit: float, budget: float
) -> list[Row]:
    """Print and return the rows of some chains, by circuit."""
    print("\n".join(map(_aligned, HEADS)), flush=True)
    rows: list[Row] = []
    for kind in kinds:
        expected = 0.0
        for n_atoms in sizes:
            chain = Chain(n_atoms)
            if kind == "UCCSD" and n_atoms > LARGEST[kind]:
                continue
            if rows and rows[-1].kind == kind and "lightning" in rows[-1].times:
                expected = _scaled(rows[-1], chain)
            longest = limit if kind == "templates" else limit / 2
            found = pennylane_rows(chain, kind, expected=expected, limit=longest, budget=budget)
            for row in found:
                print(row.text(), flush=True)
            if "lightning" not in found[0].times:
                print(f"     lightning.qubit not run: about {expected:.0f} s a gradient expected")
                expected *= 2.0**4
            elif found[1].times["lightning"] is found[0].times["lightning"]:
                calls = len(found[0].times["lightning"].seconds)
                print(f"     lightning.qubit with autograd only, calls: {calls}")
            rows += found
    return rows


def _scaled(row: Row, chain: Chain) -> float:
    """Return what lightning.qubit should take for a larger chain (s)."""
    more = max(chain.n_gates / row.chain.n_gates, chain.words.n_terms / row.chain.words.n_terms)
    return row.times["lightning"].least * more * 2.0 ** (chain.n_wires - row.chain.n_wires)


# ------------------- memory


def _pairs(n_atoms: int) -> list[list[int]]:
    """Return double excitations of pairs from occupied to empty orbitals."""
    half = n_atoms // 2
    pairs = [
        [2 * i, 2 * i + 1, 2 * a, 2 * a + 1] for i in range(half) for a in range(half, n_atoms)
    ]
    return (pairs * N_DOUBLES)[:N_DOUBLES]


def resident(key: str) -> float:
    """Return this process's resident size, ``"VmRSS"``, or its largest, ``"VmHWM"`` (bytes)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{key}:"):
            return 1024.0 * int(line.split()[1])
    raise OSError(f"/proc/self/status has no {key}: Linux only")


def measure_memory(device: str, n_atoms: int, *, is_word: bool) -> dict[str, float]:
    """Return time and memory of a first energy with its gradient in this process (s, MB)."""
    chain = Chain(n_atoms)
    observable = qml.Z(0) if is_word else chain.observable
    name, options, method = DEVICES[device]
    pairs, start = _pairs(n_atoms), qml.qchem.hf_state(n_atoms, chain.n_wires)
    energy_and_gradient(Chain(4).node("templates", device, "autograd"), "autograd", np.zeros(26))

    @qml.qnode(qml.device(name, wires=chain.n_wires, **options), diff_method=method)
    def node(angles: object) -> MeasurementProcess:
        qml.BasisState(start, wires=range(chain.n_wires))
        for k, wires in enumerate(pairs):
            qml.DoubleExcitation(angles[k], wires=wires)
        return qml.expval(observable)

    angles = np.random.default_rng(0).normal(scale=0.1, size=len(pairs))
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # sets the mark back
    before = resident("VmRSS")
    begin = time.process_time()
    found = energy_and_gradient(node, "autograd", angles)
    seconds = time.process_time() - begin
    return {"MB": (resident("VmHWM") - before) / 1e6, "s": seconds, "energy": float(found[0])}


def memory_lines(cases: Sequence[tuple[str, int, bool]]) -> list[str]:
    """Return the memory of one energy and gradient, each in a process of its own.

    Args:
        cases: Device, atoms, and whether one Pauli word stands for the Hamiltonian.
    """
    lines = [
        f"one energy and gradient, {N_DOUBLES} double excitations, first call",
        f"{'':8s}{'device':12s}{'observable':14s}{'MB':>8s}{'s':>9s}{'energy, hartree':>20s}",
    ]
    for device, n_atoms, is_word in cases:
        command = [sys.executable, "-m", "benchmarks.plugins", "--memory", device, str(n_atoms)]
        done = subprocess.run(
            command + ["--word"] * is_word, capture_output=True, text=True, check=False
        )
        what = f"{f'H{n_atoms}':8s}{device:12s}{'one word' if is_word else 'Hamiltonian':14s}"
        if done.returncode:
            lines.append(f"{what}failed: {done.stderr.strip().splitlines()[-1:]}")
            continue
        found = json.loads(done.stdout.splitlines()[-1])
        lines.append(f"{what}{found['MB']:8.1f}{found['s']:9.2f}{found['energy']:20.10f}")
    return lines


def tables(*, quick: bool, limit: float) -> None:
    """Print the tables of times and of memory."""
    sizes = (4,) if quick else (4, 6, 8, 10)
    pennylane_table(sizes, ("templates", "UCCSD"), limit=limit, budget=0.5 if quick else 6.0)
    cases = [("ours", 4, False)]
    if not quick:
        # A gradient of all words takes lightning.qubit minutes beyond eight atoms.
        cases = [("ours", 8, False), ("lightning", 8, False)]
        cases += [("ours", 10, False), ("lightning", 10, True)]
        cases += [("ours", 12, False), ("ours, all", 12, False), ("lightning", 12, True)]
    print("\n" + "\n".join(memory_lines(cases)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plugins", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the smallest chain")
    parser.add_argument(
        "--limit", type=float, default=240.0, help="longest gradient of another program (s)"
    )
    parser.add_argument("--memory", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--word", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    qm.set_num_threads(1)
    if options.memory:
        device, n_atoms = options.memory
        print(json.dumps(measure_memory(device, int(n_atoms), is_word=options.word)))
        return 0
    tables(quick=options.quick, limit=options.limit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
