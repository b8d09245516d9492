"""The smallest things to measure on hardware: H2 on two qubits, targets, a clock that obeys."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Sequence
from pathlib import Path

import molecules
import numpy as np

import qmlmat as qm
from qmlmat.backends import Request
from qmlmat.backends.statevector import StatevectorBackend
from qmlmat.hardware.config.loading import parse_target
from qmlmat.hardware.config.target import Target
from qmlmat.hardware.task import Answer, Program

SHIPPED = Path(__file__).parents[2] / "hardware_configs"


class ObedientClock:
    """A clock on which waiting takes no time."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return 1.7e9 + self.time

    def elapsed(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@functools.cache
def hydrogen() -> qm.MolecularHamiltonian:
    """H2 at 0.735 Å."""
    return molecules.hamiltonian(molecules.HYDROGEN)


@functools.cache
def reduced():
    """H2's two-qubit mapping."""
    return hydrogen().qubit_mapping("parity", reduced=True)


@functools.cache
def solved(length: float = 0.735) -> tuple[qm.MolecularHamiltonian, qm.Solution]:
    """H2 and its ground state by uccsd."""
    h2 = molecules.hamiltonian(f"H 0 0 0; H 0 0 {length}")
    return h2, qm.solve(h2, qm.VQE("uccsd"))


def energy_requests(n: int = 1, *, first: float = 0.735) -> list[Request]:
    """The energies of H2 at some bond lengths, each by its own circuit's angles."""
    found = []
    for k in range(n):
        h2, solution = solved(round(first + 0.2 * k, 3))
        again = qm.Measurement(functools.partial(_measured, h2, solution))
        found += again.requests()
    return found


def _measured(h2, solution, backend):
    return qm.measure_solution(h2, solution, backend)


def target(name: str = "local_aer", **tables) -> Target:
    """A shipped target with some keys of its tables changed."""
    tree = tomllib.loads((SHIPPED / f"{name}.toml").read_text(encoding="utf-8"))
    for table, values in tables.items():
        if isinstance(values, dict):
            tree[table] = {**tree.get(table, {}), **values}
        else:
            tree[table] = values
    for table, values in list(tree.items()):
        if isinstance(values, dict):
            tree[table] = {key: value for key, value in values.items() if value is not None}
    return parse_target(tree, name=name)


def counted(programs: Sequence[Program], *, seed: int = 0) -> list[Answer]:
    """What an ideal device answers to programs of counts."""
    return list(StatevectorBackend(shots=1).count_door(seed).counts(list(programs)))


def identity_bits(programs: Sequence[Program]) -> tuple[tuple[int, ...], ...]:
    """Where bits are read where every wire stays where it is."""
    return tuple(tuple(range(one.circuit.n_qubits)) for one in programs)


def totals(answer) -> np.ndarray:
    """Repetitions of each row."""
    return answer.counts.sum(axis=1)
