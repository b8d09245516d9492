"""Array aliases and the protocols that let the layers meet without importing each other."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from qmlmat.units import Unit

FloatArray: TypeAlias = NDArray[np.float64]
"""Real double-precision array."""

IntArray: TypeAlias = NDArray[np.int64]
"""Integer array."""

MaskArray: TypeAlias = NDArray[np.uint64]
"""Bit masks; bit w is wire w."""

BoolArray: TypeAlias = NDArray[np.bool_]
"""Mask."""

StateArray: TypeAlias = NDArray[Any]
"""A sector vector, shape ``(n_alpha_strings, n_beta_strings)``, PySCF's CI layout.

float64, or complex128 where a circuit or a reference has phases.
"""


@runtime_checkable
class Observable(Protocol):
    """A Hermitian operator on the determinants of one ``(norb, nelec)`` sector."""

    @property
    def norb(self) -> int:
        """Number of spatial orbitals."""
        ...

    @property
    def nelec(self) -> tuple[int, int]:
        """Electrons by spin, ``(n_alpha, n_beta)``."""
        ...

    def matvec(self, state: StateArray) -> StateArray:
        """Return the operator applied to ``state``, same shape; ``state`` is read-only.

        Several threads may call it at once, so it must not write to memory that calls share.
        """
        ...


@runtime_checkable
class Hamiltonian(Protocol):
    """What every solver needs of a Hermitian operator; see ``MolecularHamiltonian``."""

    @property
    def dimension(self) -> int:
        """Number of basis states."""
        ...

    @property
    def unit(self) -> Unit:
        """Energy unit of the eigenvalues."""
        ...

    def matvec(self, state: StateArray) -> StateArray:
        """Return ``H @ state`` in the shape of ``state``."""
        ...
