"""Observables on a register: a molecule's Hamiltonian, other words, and the rest outside."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

import numpy as np

from qmlmat.backends.register.layout import Layout
from qmlmat.backends.register.molecular import MolecularForm, find_molecular_form
from qmlmat.backends.register.words import WordMatrix
from qmlmat.errors import CapabilityError, InputError
from qmlmat.operators.pauli import PauliSum
from qmlmat.operators.spin_order import with_bits
from qmlmat.typing import FloatArray, StateArray

LEAK: Final = 1e-10
"""Largest entry out of the sector that an observable may have."""


MAX_WIRES: Final = 62
"""Most wires of Pauli words: their masks are signed 64-bit integers, and leave the highest bits."""
KEPT: Final = 2.0**25
"""Numbers that all observables of a door may keep together: some 0.4 GB at most."""


@dataclass(frozen=True, eq=False)
class DeterminantProjector:
    """The projector on the states in which some wires have given occupations."""

    layout: Layout
    """The wires and the electrons on them."""
    wires: tuple[int, ...]
    """The wires."""
    number: int
    """Their occupations as a number; the first wire is the highest bit."""

    is_real: ClassVar[bool] = True
    """Whether real states stay real."""
    conserves: ClassVar[bool] = True
    """Whether it maps the sector to itself."""

    @property
    def size(self) -> float:
        """How many numbers it keeps."""
        return float(self.layout.sector.dimension)

    @cached_property
    def diagonal(self) -> FloatArray:
        """Eigenvalue of each determinant, shape ``(dimension,)``."""
        return np.asarray(self.layout.keys(self.wires) == self.number, dtype=np.float64)

    def check_conserves(self, what: str) -> None:
        """Do nothing: it conserves the electrons."""

    def apply(self, states: StateArray) -> StateArray:
        """Return the projector applied to states, shape ``(n_states, dimension)``."""
        projected: StateArray = states * self.diagonal
        return projected


@dataclass(frozen=True, eq=False)
class SectorObservable:
    """A Hermitian operator among the determinants of a layout."""

    layout: Layout
    """The determinants."""
    words: PauliSum
    """The operator on the layout's wires: bit w is wire w."""

    def __post_init__(self) -> None:
        if self.layout.n_wires > MAX_WIRES:
            raise CapabilityError(
                f"Pauli words on a register of {self.layout.n_wires} wires: at most {MAX_WIRES} "
                "are possible. Leave out wires that are not used, or measure probabilities."
            )

    @cached_property
    def masked(self) -> WordMatrix:
        """All words, with masks of alpha and then beta orbitals."""
        return WordMatrix(self.layout, with_bits(self.words, self.layout.bits))

    @cached_property
    def _pieces(self) -> tuple[MolecularForm | None, WordMatrix | None]:
        molecule, rest = find_molecular_form(self.layout, self.words)
        if molecule is None:
            return None, self.masked
        rest = with_bits(rest, self.layout.bits)
        return molecule, WordMatrix(self.layout, rest) if rest.n_terms else None

    @property
    def size(self) -> float:
        """How many numbers it keeps at most, once it was applied."""
        molecule, words = self._pieces
        own = float(self.layout.sector.dimension)
        if molecule is not None:
            own += self.layout.norb**4
        return own if words is None else own + words.size

    @cached_property
    def diagonal(self) -> FloatArray | None:
        """Eigenvalue of each determinant; ``None`` where determinants are no eigenstates."""
        if self.words.x.any():
            return None
        ones = np.ones((1, self.layout.sector.dimension))
        return np.asarray(self.apply(ones)[0].real, dtype=np.float64)

    @cached_property
    def is_real(self) -> bool:
        """Whether real states stay real."""
        words = self._pieces[1]
        return words is None or words.is_real

    @property
    def _leak(self) -> float:
        """Largest amplitude with which it changes the electrons' numbers."""
        words = self._pieces[1]
        return 0.0 if words is None else words.leak

    @property
    def conserves(self) -> bool:
        """Whether the operator maps the sector to itself."""
        return self._leak <= LEAK

    def check_conserves(self, what: str) -> None:
        """Raise unless the operator maps the sector to itself.

        Raises:
            InputError: If it does not.
        """
        if not self.conserves:
            raise InputError(
                f"{what} leaves the sector: it changes the number of electrons "
                f"(spin_order={self.layout.spin_order!r}), with amplitudes up to "
                f"{self._leak:.1e}. Measure an operator that conserves the electrons"
                + (
                    ", or use spin_order=None if it conserves the number of all electrons."
                    if self.layout.spin_order is not None
                    else "."
                )
            )

    def apply(self, states: StateArray) -> StateArray:
        """Return the operator applied to states, shape ``(n_states, dimension)``."""
        molecule, words = self._pieces
        if molecule is None:
            assert words is not None
            return words.apply(states)
        image = molecule.apply(states)
        return image if words is None else image + words.apply(states)


Observable = SectorObservable | DeterminantProjector
"""What doors measure."""
