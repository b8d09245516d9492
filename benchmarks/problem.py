"""The benchmark's molecules as files, so that all programs work on the same orbitals.

Imported in environments without qmlmat: numpy only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

SPACING = 0.8
"""Distance of neighbours in the hydrogen chains (Å)."""
ANGLE = 0.1
"""Half width of the parameters' uniform distribution (radians)."""
LAYERS = 2
"""Layers of the cluster-Jastrow circuit."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One hydrogen chain: integrals, generators in the order they act, and parameters."""

    atoms: int
    """Number of hydrogen atoms."""
    one_body: np.ndarray
    """``h[p, q]``, shape ``(norb, norb)`` (hartree)."""
    two_body: np.ndarray
    """``(pq|rs)``, chemists' order, shape ``(norb, norb, norb, norb)`` (hartree)."""
    core_energy: float
    """Nuclear repulsion (hartree)."""
    nelec: tuple[int, int]
    """Electrons by spin."""
    hartree_fock: float
    """Energy of the reference determinant (hartree)."""
    excitations: np.ndarray
    """Moves ``(from, to)`` of each generator, shape ``(n, spin, 2, 2)``; -1 where there is none."""

    @property
    def norb(self) -> int:
        """Number of spatial orbitals."""
        return int(self.one_body.shape[0])

    def params(self, n_params: int) -> np.ndarray:
        """Return the parameters energies are compared at, shape ``(n_params,)`` (radians)."""
        return np.random.default_rng(self.atoms).uniform(-ANGLE, ANGLE, n_params)

    def vectors(self, n_params: int) -> Iterator[np.ndarray]:
        """Yield parameters for one run after another, never twice the same in a row."""
        return cycle([self.params(n_params), -self.params(n_params)])

    def moves(self) -> list[tuple[list[tuple[int, int]], list[tuple[int, int]]]]:
        """Return each generator's moves ``(from, to)``, alpha and beta."""
        return [
            tuple([(int(i), int(a)) for i, a in spin if i >= 0] for spin in generator)  # type: ignore[misc]
            for generator in self.excitations
        ]

    def save(self, path: Path) -> None:
        """Write the chain to a NumPy archive."""
        np.savez(path, **{name: getattr(self, name) for name in self.__dataclass_fields__})


@dataclass(frozen=True)
class Jastrow:
    """Two spin-balanced layers ``W(U) exp(i J) W(U)†``, with the couplings of a square lattice."""

    rotations: np.ndarray
    """Unitary matrices U, shape ``(layers, norb, norb)``."""
    coulomb: np.ndarray
    """Symmetric J of equal and of opposite spins, ``(layers, 2, norb, norb)`` (radians)."""
    same_spin: list[tuple[int, int]]
    """Pairs of orbitals that J couples within a spin."""
    mixed_spin: list[tuple[int, int]]
    """Pairs that it couples between the spins."""


def random_jastrow(problem: Problem) -> Jastrow:
    """Return the local cluster-Jastrow circuit that ffsim and qmlmat both get."""
    norb, rng = problem.norb, np.random.default_rng(problem.atoms)
    same = [(p, p + 1) for p in range(norb - 1)]
    mixed = [(p, p) for p in range(0, norb, 4)]
    mask = np.zeros((2, norb, norb))
    for spins, pairs in enumerate((same, mixed)):
        for p, q in pairs:
            mask[spins, p, q] = mask[spins, q, p] = 1.0
    shape = (LAYERS, norb, norb)
    rotations, _ = np.linalg.qr(rng.normal(size=shape) + 1j * rng.normal(size=shape))
    coulomb = rng.uniform(-1.0, 1.0, (LAYERS, 2, norb, norb))
    return Jastrow(rotations, (coulomb + coulomb.swapaxes(2, 3)) * mask, same, mixed)


def load_problem(path: str | Path) -> Problem:
    """Return the chain in a NumPy archive."""
    with np.load(path) as archive:
        fields: dict[str, Any] = {name: archive[name] for name in archive.files}
    return Problem(
        atoms=int(fields["atoms"]),
        one_body=fields["one_body"],
        two_body=fields["two_body"],
        core_energy=float(fields["core_energy"]),
        nelec=(int(fields["nelec"][0]), int(fields["nelec"][1])),
        hartree_fock=float(fields["hartree_fock"]),
        excitations=fields["excitations"],
    )


def digest(gradient: np.ndarray) -> float:
    """Return one number that changes with any entry of a gradient, for comparing programs."""
    return float(np.asarray(gradient).ravel() @ np.linspace(1.0, 2.0, np.size(gradient)))
