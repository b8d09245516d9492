"""Sectors, circuits and observables drawn at random, for every backend alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

import qmlmat as qm
from qmlmat.ansatz import Ansatz, Circuit
from qmlmat.backends import Reference
from qmlmat.operators.mappings import QubitMapping, qubit_mapping
from qmlmat.operators.sector import Sector
from qmlmat.systems import SpinSquare

TEMPLATES = ("uccsd", "uccgsd", "quccgsd", "kupccgsd", "puccd", "lucj", "tups", "givens")
NAMES = ("jordan_wigner", "parity", "bravyi_kitaev")
SECTORS = ((2, (1, 1)), (3, (2, 1)), (3, (2, 2)))
CLOSED = ((2, (1, 1)), (3, (1, 1)), (3, (2, 2)))
"""Sectors of equal numbers of electrons: pair templates have no others."""
N_MAPPINGS = 6


def sectors(template: str) -> st.SearchStrategy:
    """Small sectors that a template has."""
    return st.sampled_from(CLOSED if template == "puccd" else SECTORS)


def mappings(norb: int, nelec: tuple[int, int]) -> list[QubitMapping]:
    """Every mapping of a sector by name, with and without two-qubit reduction."""
    return [qubit_mapping(n, norb, reduced_for=r) for n in NAMES for r in (None, nelec)]


def random_hamiltonian(rng, norb: int, nelec: tuple[int, int]) -> qm.MolecularHamiltonian:
    """Integrals with all eight symmetries, of order one."""
    one = rng.normal(size=(norb, norb))
    pairs = rng.normal(size=(norb,) * 4)
    for axes in ((1, 0, 2, 3), (0, 1, 3, 2), (2, 3, 0, 1)):
        pairs = pairs + pairs.transpose(axes)
    return qm.MolecularHamiltonian(
        one_body=one + one.T, two_body=pairs / 8, core_energy=float(rng.normal()), nelec=nelec
    )


def random_references(rng, norb: int, nelec: tuple[int, int]) -> tuple[Reference, ...]:
    """A determinant, a real sum of two, and a complex one."""
    sector = Sector(norb, nelec)
    every = [sector.bits(a, b) for a in range(sector.shape[0]) for b in range(sector.shape[1])]
    one, two = (every[k] for k in rng.permutation(len(every))[:2])
    angle = rng.uniform(0.2, 1.3)
    return (
        Reference.determinant(one),
        Reference(((one, np.cos(angle)), (two, -np.sin(angle)))),
        Reference(((one, np.sqrt(0.5)), (two, 1j * np.sqrt(0.5)))),
    )


@dataclass(frozen=True)
class Problem:
    """What a request is made of."""

    circuit: Circuit
    """A template's circuit."""
    references: tuple[Reference, ...]
    """Three references."""
    observables: tuple
    """H and S^2."""
    params: NDArray[np.float64]
    """Two parameter vectors, shape ``(2, n_params)``."""


def problem(template: str, norb: int, nelec: tuple[int, int], seed: int) -> Problem:
    """A template's circuit in a sector, with everything else by seed."""
    rng = np.random.default_rng(seed)
    circuit = Ansatz(template).circuit(norb, nelec)
    return Problem(
        circuit,
        random_references(rng, norb, nelec),
        (random_hamiltonian(rng, norb, nelec), SpinSquare(norb, nelec)),
        rng.normal(size=(2, circuit.n_params)),
    )


@st.composite
def problems(draw, templates=TEMPLATES, sizes=None):
    """Problems of some templates in some small sectors."""
    template = draw(st.sampled_from(templates))
    norb, nelec = draw(sectors(template) if sizes is None else st.sampled_from(sizes))
    return problem(template, norb, nelec, draw(st.integers(0, 2**32 - 1)))


def encoded(state, circuit: Circuit, mapping: QubitMapping):
    """A sector's vector on a mapping's register, wire 0 the highest bit of the index."""
    sector = Sector(circuit.norb, circuit.nelec)
    found = np.zeros(1 << mapping.n_qubits, dtype=np.complex128)
    for a in range(sector.shape[0]):
        for b in range(sector.shape[1]):
            found[int(mapping.encode(sector.bits(a, b)), 2)] = state[a, b]
    return found
