"""What a machine's visible units stand for: qubits, and which of their configurations exist."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from qmlmat.errors import InputError
from qmlmat.operators.mappings import QubitMapping
from qmlmat.operators.pauli import PauliSum, reversed_bits
from qmlmat.operators.sector import Sector
from qmlmat.solvers.base import AnyHamiltonian
from qmlmat.systems import MatrixHamiltonian, MolecularHamiltonian, QubitModel
from qmlmat.typing import BoolArray, FloatArray, MaskArray, StateArray

MAX_ENUMERATED: Final = 1 << 16
"""Most configurations that are enumerated."""


REAL: Final = 1e-6
"""Norm of a state's imaginary part below which it is what the search left over."""


@dataclass(frozen=True, eq=False)
class Space(ABC):
    """Abstract: configurations of qubits as masks, bit w of a mask being wire w."""

    terms: PauliSum
    """The Hamiltonian on these qubits (its unit)."""

    @property
    def n_qubits(self) -> int:
        """Number of qubits, of visible units."""
        return self.terms.n_qubits

    def spins(self, masks: MaskArray) -> FloatArray:
        """Return visible units, shape ``(n_configurations, n_qubits)``: +1 for bit 0, -1 for 1."""
        places = np.arange(self.n_qubits, dtype=np.uint64)
        ones = (masks[:, None] >> places) & np.uint64(1)
        units: FloatArray = (1.0 - 2.0 * ones).astype(np.float64)
        return units

    def check_enumerable(self) -> None:
        """Raise unless the configurations are few enough to be enumerated.

        Raises:
            InputError: If they are not.
        """
        if self.size > MAX_ENUMERATED:
            raise InputError(
                f"RBM(sampler=None): {self.size} configurations, at most {MAX_ENUMERATED} are "
                "enumerated. Use sampler=Metropolis(), or a smaller space."
            )

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of configurations, an upper bound where symmetry removes some."""

    @cached_property
    @abstractmethod
    def masks(self) -> MaskArray:
        """All configurations, sorted, shape ``(n_configurations,)``."""

    @abstractmethod
    def is_allowed(self, masks: MaskArray) -> BoolArray:
        """Return which masks are configurations of this space."""

    @abstractmethod
    def starts(self, n: int, rng: np.random.Generator) -> MaskArray:
        """Return configurations for Markov chains to begin with, shape ``(n,)``."""

    @abstractmethod
    def state(self, masks: MaskArray, amplitudes: StateArray) -> StateArray:
        """Return normalised amplitudes as a state in the Hamiltonian's own shape."""


@dataclass(frozen=True, eq=False)
class ModelSpace(Space):
    """All bit strings of the qubits of a Pauli sum or a padded matrix."""

    dimension: int
    """States of the Hamiltonian; those beyond it are padding."""

    @property
    def size(self) -> int:
        """Number of configurations."""
        return 1 << self.n_qubits

    @cached_property
    def masks(self) -> MaskArray:
        """All configurations, sorted, shape ``(2**n_qubits,)``."""
        return np.arange(self.size, dtype=np.uint64)

    def is_allowed(self, masks: MaskArray) -> BoolArray:
        """Return ones: every bit string is a configuration."""
        return np.ones(len(masks), dtype=bool)

    def starts(self, n: int, rng: np.random.Generator) -> MaskArray:
        """Return random bit strings."""
        return rng.integers(0, self.size, n, dtype=np.uint64)

    def state(self, masks: MaskArray, amplitudes: StateArray) -> StateArray:
        """Return a vector, shape ``(dimension,)``; what is on padding is cut off."""
        whole = np.zeros(self.size, dtype=np.complex128)
        whole[reversed_bits(masks, self.n_qubits).astype(np.int64)] = amplitudes
        return normalised(whole[: self.dimension])


@dataclass(frozen=True, eq=False)
class ElectronSpace(Space):
    """Determinants of fixed electrons under a mapping: no configuration has other electrons."""

    mapping: QubitMapping
    """Where occupations stand."""
    sector: Sector
    """Orbitals and electrons."""

    @property
    def size(self) -> int:
        """Number of determinants; where parities are fixed some of them are not there."""
        return self.sector.dimension

    @cached_property
    def _determinants(self) -> tuple[MaskArray, MaskArray]:
        """Masks of qubits, sorted, and the flat index of each determinant in the sector."""
        sector = self.sector
        alpha, beta = (s.astype(np.uint64) for s in (sector.alpha_strings, sector.beta_strings))
        modes = (alpha[:, None] | (beta << np.uint64(sector.norb))).ravel()
        index = np.arange(len(modes))
        kept = np.ones(len(modes), dtype=bool)
        for mask, value in self.mapping.fixed:
            kept &= _parity(modes, mask) == value
        modes, index = modes[kept], index[kept]
        masks = np.zeros_like(modes)
        for j, mask in enumerate(self.mapping.bits):
            masks |= _parity(modes, mask).astype(np.uint64) << np.uint64(j)
        order = np.argsort(masks)
        return masks[order], index[order].astype(np.uint64)

    @cached_property
    def masks(self) -> MaskArray:
        """Masks of all determinants, sorted, shape ``(n_configurations,)``."""
        return self._determinants[0]

    def is_allowed(self, masks: MaskArray) -> BoolArray:
        """Return which masks have the sector's electrons of each spin."""
        norb = self.sector.norb
        occupied = [
            _parity(masks, mask).astype(np.int64) ^ constant
            for mask, constant in self.mapping.occupations
        ]
        halves = (np.array(occupied[:norb]), np.array(occupied[norb:]))
        n_alpha, n_beta = (half.sum(axis=0) for half in halves)
        found: BoolArray = (n_alpha == self.sector.nelec[0]) & (n_beta == self.sector.nelec[1])
        return found

    def starts(self, n: int, rng: np.random.Generator) -> MaskArray:  # noqa: ARG002
        """Return the Hartree-Fock determinant for every chain."""
        bits = self.mapping.encode(self.sector.hartree_fock_bits())
        return np.full(n, sum(1 << w for w, bit in enumerate(bits) if bit == "1"), np.uint64)

    def state(self, masks: MaskArray, amplitudes: StateArray) -> StateArray:
        """Return a sector array, shape ``(n_alpha_strings, n_beta_strings)``."""
        known, index = self._determinants
        flat = np.zeros(self.sector.dimension, dtype=amplitudes.dtype)
        flat[index[np.searchsorted(known, masks)].astype(np.int64)] = amplitudes
        return normalised(flat).reshape(self.sector.shape)


def normalised(vector: StateArray) -> StateArray:
    """Return a vector of norm 1 whose largest entry is positive, real where it is up to a phase.

    Args:
        vector: Not zero, shape ``(dimension,)``.
    """
    largest = vector[np.abs(vector).argmax()]
    turned: StateArray = vector * (np.conj(largest) / np.abs(largest) / np.linalg.norm(vector))
    if np.iscomplexobj(turned) and np.linalg.norm(turned.imag) < REAL:
        turned = turned.real / np.linalg.norm(turned.real)
    return turned


def space_of(hamiltonian: AnyHamiltonian, *, mapping: str, reduced: bool, tapered: bool) -> Space:
    """Return the configurations of a Hamiltonian.

    Args:
        hamiltonian: A molecule's, a Pauli sum's or a matrix's.
        mapping: Name of the mapping of a molecule's spin orbitals.
        reduced: Whether the parities of alpha and beta electrons take no qubits.
        tapered: Whether no parity that the molecule keeps takes a qubit.
    """
    if isinstance(hamiltonian, MolecularHamiltonian):
        chosen = hamiltonian.qubit_mapping(mapping, reduced=reduced, tapered=tapered)
        return ElectronSpace(hamiltonian.pauli_sum(chosen), chosen, hamiltonian.sector)
    return _model_space(hamiltonian)


def _model_space(hamiltonian: QubitModel) -> Space:
    return ModelSpace(hamiltonian.pauli_sum(), hamiltonian.dimension)


def check_padding_is_far(hamiltonian: AnyHamiltonian, near: float) -> None:
    """Raise where a level of padding is not farther from an energy than all true levels.

    Args:
        hamiltonian: What may be padded.
        near: The energy that states are looked for at (the Hamiltonian's unit).

    Raises:
        InputError: With the least padding that is.
    """
    if not isinstance(hamiltonian, MatrixHamiltonian):
        return
    padding, lowest = hamiltonian.padding, float(hamiltonian.levels[0])
    assert padding is not None
    if hamiltonian.dimension < 1 << hamiltonian.n_qubits and 2 * near - lowest >= padding:
        raise InputError(
            f"Filtration(near={near}): the states that padding adds, at {padding:.6g} "
            f"{hamiltonian.unit}, are nearer to it than some true ones and would be found. The "
            f"spectrum reaches up to {hamiltonian.levels[-1]:.6g}: look there, or make the "
            f"Hamiltonian with padding above {2 * near - lowest:.6g}."
        )


def _parity(masks: MaskArray, mask: int) -> MaskArray:
    found: MaskArray = np.bitwise_count(masks & np.uint64(mask)) & np.uint8(1)
    return found
