"""Excitations out of the Hartree-Fock determinant, adapted to spin and irrep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from qmlmat.errors import InputError
from qmlmat.operators.sector import Sector, moved_strings
from qmlmat.systems import MolecularHamiltonian
from qmlmat.systems.blocks import Block, symmetry_blocks
from qmlmat.typing import FloatArray, IntArray, StateArray

Rank = Literal["S", "SD", "SDT", "all"]
"""Which excitations: singles, doubles, triples; ``"all"``: every rank."""

RANKS: Final = {"S": 1, "SD": 2, "SDT": 3, "all": 64}
"""Electrons moved at most."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Manifold:
    """Excited configuration state functions of one spin and irrep, and the operators they are.

    Function ``i`` is ``G_i |HF>`` with ``G_i`` a combination of excitations: over a closed shell,
    which every rotation of spin leaves alone, ``G_i`` has the spin and irrep of its function.
    """

    hamiltonian: MolecularHamiltonian
    """The Hamiltonian."""
    block: Block
    """Spin and irrep, with the functions of every rank."""
    functions: Any
    """The functions as columns, sparse, shape ``(dimension, n_functions)``."""
    holds_ground: bool
    """Whether the Hartree-Fock determinant is of the same spin and irrep."""

    @property
    def size(self) -> int:
        """Number of functions, the Hartree-Fock determinant not among them."""
        return int(self.functions.shape[1])

    def vectors(self) -> StateArray:
        """Return the functions as states, ``(n_functions, n_alpha_strings, n_beta_strings)``."""
        dense: StateArray = self.functions.toarray().T.reshape(-1, *self.hamiltonian.shape)
        return dense

    def applied(self, state: StateArray, *, adjoint: bool = False) -> StateArray:
        """Return ``G_i`` applied to a state, for every function; shape as of ``vectors``.

        Args:
            state: Sector vector, shape ``(n_alpha_strings, n_beta_strings)``.
            adjoint: Apply ``G_i†`` instead.
        """
        sector, places = self.hamiltonian.sector, np.unique(self.functions.indices)
        images = np.array(
            [_excited(sector, *divmod(int(k), sector.shape[1]), state, adjoint) for k in places]
        ).reshape(len(places), -1)
        weights = self.functions[places].T
        found: StateArray = np.asarray(weights @ images).reshape(-1, *sector.shape)
        return found


def manifolds(
    hamiltonian: MolecularHamiltonian,
    rank: Rank,
    *,
    multiplicity: int | None = None,
    irrep: str | None = None,
) -> Iterator[Manifold]:
    """Yield the excited functions of each spin and irrep, up to a rank.

    Args:
        hamiltonian: The Hamiltonian.
        rank: Which excitations.
        multiplicity: Of these states only; ``None``: every multiplicity.
        irrep: Of these only; ``None``: every irrep.

    Raises:
        InputError: If no state has the multiplicity or irrep.
    """
    sector = hamiltonian.sector
    levels = excitation_levels(sector).ravel()
    for block in symmetry_blocks(hamiltonian, multiplicity=multiplicity, irrep=irrep):
        functions = block.functions
        # All determinants of a configuration are in its functions: the rank is their highest.
        highest = np.array(
            [
                levels[functions.indices[begin:end]].max()
                for begin, end in zip(functions.indptr[:-1], functions.indptr[1:], strict=True)
            ]
        )
        holds = bool((highest == 0).any())
        chosen = np.flatnonzero((highest > 0) & (highest <= RANKS[rank]))
        if chosen.size or holds:
            yield Manifold(
                hamiltonian=hamiltonian,
                block=block,
                functions=functions[:, chosen],
                holds_ground=holds,
            )


def excitation_levels(sector: Sector) -> IntArray:
    """Return how many electrons each determinant has moved from the Hartree-Fock one."""

    def moved(strings: IntArray, n: int) -> IntArray:
        counts: IntArray = np.bitwise_count(strings & ~np.int64((1 << n) - 1)).astype(np.int64)
        return counts

    n_alpha, n_beta = sector.nelec
    levels: IntArray = moved(sector.alpha_strings, n_alpha)[:, None] + moved(
        sector.beta_strings, n_beta
    )
    return levels


def check_closed_shell(name: str, hamiltonian: MolecularHamiltonian) -> None:
    """Raise unless the Hartree-Fock determinant is a closed shell.

    Raises:
        InputError: If it has unpaired electrons.
    """
    n_alpha, n_beta = hamiltonian.nelec
    if n_alpha != n_beta:
        raise InputError(
            f"{name}: nelec={hamiltonian.nelec} has unpaired electrons, and excitation operators "
            'over an open shell have no definite spin. Use EOM("q-sc-EOM"), or SSVQE().'
        )


def _excited(sector: Sector, row: int, column: int, state: StateArray, adjoint: bool) -> StateArray:
    """Return the excitation that makes a determinant of Hartree-Fock's, applied to a state."""
    parts, sign = [], 1.0
    strings = (sector.alpha_strings, sector.beta_strings)
    for own, place, n in zip(strings, (row, column), sector.nelec, strict=True):
        filled = (1 << n) - 1
        target = int(own[place])
        holes = [p for p in range(sector.norb) if filled >> p & 1 and not target >> p & 1]
        particles = [p for p in range(sector.norb) if target >> p & 1 and not filled >> p & 1]
        moves = list(zip(holes, particles, strict=True))
        sign *= float(moved_strings(np.array(filled), moves)[1])
        parts.append(_places(own, moves))
    (a_from, a_to, a_sign), (b_from, b_to, b_sign) = parts
    if adjoint:
        a_from, a_to, b_from, b_to = a_to, a_from, b_to, b_from
    image = np.zeros_like(state)
    image[np.ix_(a_to, b_to)] = sign * np.outer(a_sign, b_sign) * state[np.ix_(a_from, b_from)]
    return image


def _places(
    strings: IntArray, moves: list[tuple[int, int]]
) -> tuple[IntArray, IntArray, FloatArray]:
    """Return which strings can move, where they go, and the signs."""
    holes = sum(1 << i for i, _ in moves)
    particles = sum(1 << a for _, a in moves)
    can = np.flatnonzero(((strings & holes) == holes) & ((strings & particles) == 0))
    moved, signs = moved_strings(strings[can], moves)
    return can, np.searchsorted(strings, moved), signs
