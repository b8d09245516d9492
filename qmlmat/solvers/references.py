"""References of several states: roots of a small selected CI, of pure spin and irrep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from qmlmat.backends import Reference
from qmlmat.errors import InputError
from qmlmat.operators.sector import Sector
from qmlmat.solvers.variational import reference_of
from qmlmat.systems import MolecularHamiltonian
from qmlmat.systems.blocks import Block, is_linear_irrep, symmetry_blocks
from qmlmat.typing import FloatArray, IntArray, StateArray

N_CONFIGURATIONS: Final = 5
"""Configurations for each reference: short sums that a circuit can prepare. With many the
references are nearly the states, and the circuit has nothing to do."""

N_SEARCHED: Final = 24
"""Configurations of a block among which those of the references are found."""

EXTRA_ROOTS: Final = 4
"""Further roots of a block in which states of one irrep of a linear molecule are sought."""

SMALLEST_GAP: Final = 0.1
"""Smallest denominator of the second-order estimates (hartree)."""

DIGITS: Final = 4
"""Decimals up to which estimates of a degenerate level agree (hartree)."""

ALIKE: Final = 1e-6
"""Difference of energies and couplings up to which configurations count as partners by symmetry,
and enter together (hartree)."""


@dataclass(frozen=True, kw_only=True)
class ChosenReference:
    """A reference, with what is known of the state it stands for."""

    reference: Reference
    """The sum of determinants."""
    spin: int
    """``2 S``."""
    label: int
    """Irrep in the Abelian group."""
    energy: float
    """Energy of the selected CI's root, with the second-order estimate of what it lacks
    (hartree)."""
    state: StateArray = field(compare=False, repr=False)
    """The same as a sector vector, ``(n_alpha_strings, n_beta_strings)``."""


def choose_references(
    hamiltonian: MolecularHamiltonian,
    n_states: int,
    *,
    multiplicity: int | None = None,
    irrep: str | None = None,
    n_configurations: int = N_CONFIGURATIONS,
) -> tuple[ChosenReference, ...]:
    """Return references for the lowest states, ascending by estimated energy.

    In each block of one spin and one irrep a configuration interaction grows from the lowest
    configurations, by those that couple most strongly to its roots, up to ``N_SEARCHED``. Energies
    to second order in what was left out say which blocks have the lowest states. The references
    are the roots in the configurations that weigh most there, a few for each root. All
    determinants of a configuration enter together, so each root is a spin eigenfunction.

    Args:
        hamiltonian: The Hamiltonian.
        n_states: How many; fewer where the sector has no more.
        multiplicity: ``2s + 1`` of all states; ``None``: any.
        irrep: Irrep of all states; ``None``: any.
        n_configurations: Configurations for each root of a block, at most half of the block's.

    Raises:
        InputError: If no state has the multiplicity or irrep.

    References:
        B. Huron, J. P. Malrieu, P. Rancurel, J. Chem. Phys. 58, 5745 (1973),
        doi:10.1063/1.1679199 (CIPSI).
    """
    blocks = symmetry_blocks(hamiltonian, multiplicity=multiplicity, irrep=irrep)
    diagonal = hamiltonian.diagonal().ravel()
    finer = irrep if is_linear_irrep(hamiltonian.point_group, irrep) else None
    candidates = [_SelectedCI(hamiltonian, block, diagonal, finer) for block in blocks]
    levels = [
        (energy, k)
        for k, candidate in enumerate(candidates)
        for energy in candidate.estimates(n_states)
    ]
    # Of a degenerate level that is cut always the same component is taken.
    levels = sorted(levels, key=lambda level: (round(level[0], DIGITS), level[1]))[:n_states]
    found = [
        chosen
        for k, candidate in enumerate(candidates)
        if (energies := [energy for energy, owner in levels if owner == k])
        for chosen in candidate.references(energies, n_configurations)
    ]
    return tuple(sorted(found, key=lambda chosen: chosen.energy))


def given_references(
    hamiltonian: MolecularHamiltonian, references: Sequence[Reference]
) -> tuple[StateArray, ...]:
    """Return a user's references as sector vectors.

    Raises:
        InputError: If one is of another sector, or two are not orthogonal.
    """
    sector = hamiltonian.sector
    states = tuple(
        reference_state(reference_of(hamiltonian, reference), sector) for reference in references
    )
    table = np.array(states).reshape(len(states), -1)
    overlap = np.abs(table.conj() @ table.T - np.eye(len(states)))
    if overlap.max(initial=0.0) > 1e-10:
        raise InputError(
            f"references: two of them overlap by {overlap.max():.2e}. One circuit keeps the "
            "overlaps of what it acts on: give orthogonal references."
        )
    return states


def reference_state(reference: Reference, sector: Sector) -> StateArray:
    """Return a reference as a sector vector, shape ``(n_alpha_strings, n_beta_strings)``.

    Raises:
        InputError: If a determinant is of another sector.
    """
    state = np.zeros(sector.shape, dtype=np.float64 if reference.is_real else np.complex128)
    for bits, amplitude in reference.terms:
        state[sector.index(bits)] = amplitude
    return state


def state_reference(state: StateArray, sector: Sector) -> Reference:
    """Return a sector vector of few determinants as a reference."""
    rows, columns = np.nonzero(state)
    halves = [
        ["".join("1" if s >> p & 1 else "0" for p in range(sector.norb)) for s in strings]
        for strings in (sector.alpha_strings[rows], sector.beta_strings[columns])
    ]
    amplitudes = state[rows, columns] / np.linalg.norm(state)
    terms = zip(*halves, amplitudes.tolist(), strict=True)
    return Reference(tuple((alpha + beta, amplitude) for alpha, beta, amplitude in terms))


class _SelectedCI:
    """A selected CI in one block, whose configurations enter as wholes."""

    def __init__(
        self,
        hamiltonian: MolecularHamiltonian,
        block: Block,
        diagonal: FloatArray,
        irrep: str | None,
    ) -> None:
        self._hamiltonian, self._block, self._irrep = hamiltonian, block, irrep
        self._levels = np.asarray(block.functions.power(2).T @ diagonal)
        n = int(block.configurations.max()) + 1
        lowest = np.full(n, np.inf)
        np.minimum.at(lowest, block.configurations, self._levels)
        self._energies = lowest
        self._images: dict[int, FloatArray] = {}
        self._weights = np.zeros((0, n))

    def estimates(self, n_states: int) -> FloatArray:
        """Return the energies of the lowest roots, second order included, ascending (hartree)."""
        n_roots = min(n_states + (EXTRA_ROOTS if self._irrep else 0), self._block.size)
        chosen = _lowest(self._energies, N_SEARCHED // 2)
        while True:
            functions = np.flatnonzero(np.isin(self._block.configurations, chosen))
            energies, vectors = self._diagonalised(functions)
            energies, vectors = energies[:n_roots], vectors[:, :n_roots]
            gains = self._outside(functions, energies, vectors)
            more = self._next(gains, chosen, max(n_roots - len(functions), 0))
            if not more.size:
                break
            chosen = np.concatenate([chosen, more])
        fitting = [k for k in range(n_roots) if self._fits(functions, vectors[:, k])][:n_states]
        self._weights = np.zeros((len(fitting), len(self._energies)))
        for weight, k in zip(self._weights, fitting, strict=True):
            np.add.at(weight, self._block.configurations[functions], vectors[:, k] ** 2)
        estimates: FloatArray = (energies - gains.sum(axis=1))[fitting]
        return estimates

    def _fits(self, functions: IntArray, vector: FloatArray) -> bool:
        """Return whether a root has the irrep of a linear molecule that is asked for."""
        group = self._hamiltonian.point_group
        if self._irrep is None or group is None:
            return True
        state = (self._block.functions[:, functions] @ vector).reshape(self._hamiltonian.shape)
        name = group.state_irrep(self._block.label, state, self._hamiltonian.nelec)
        return name == self._irrep

    def references(self, energies: Sequence[float], n_configurations: int) -> list[ChosenReference]:
        """Return the roots in the configurations that weigh most in the roots estimated.

        Args:
            energies: Estimates of the lowest roots, one for each reference.
            n_configurations: Configurations taken for each root.
        """
        # Never the whole block, whose roots are the exact states.
        most = (len(self._energies) + 1) // 2
        weights = self._weights[: len(energies)]
        best = [np.argsort(-w, kind="stable")[:n_configurations] for w in weights]
        some = np.unique(np.concatenate(best))
        if len(some) > most:
            some = np.argsort(-weights.max(axis=0), kind="stable")[:most]
        while True:
            functions = np.flatnonzero(np.isin(self._block.configurations, some))
            if len(functions) >= len(energies):
                break
            rest = np.setdiff1d(np.arange(len(self._energies)), some)
            some = np.append(some, rest[np.argmax(weights.max(axis=0)[rest])])
        _, vectors = self._diagonalised(functions)
        fitting = [vector for vector in vectors.T if self._fits(functions, vector)]
        return [
            self._reference(functions, vector, energy)
            for vector, energy in zip(fitting, energies, strict=False)
        ]

    def _diagonalised(self, functions: IntArray) -> tuple[FloatArray, FloatArray]:
        for k in functions:
            if k not in self._images:
                unit = np.zeros(self._block.size)
                unit[k] = 1.0
                self._images[k] = self._block.image(self._hamiltonian, unit)
        matrix = np.array([self._images[k][functions] for k in functions])
        energies, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
        return energies, vectors

    def _outside(
        self, functions: IntArray, energies: FloatArray, vectors: FloatArray
    ) -> FloatArray:
        """Return by how much each function outside lowers each root, to second order.

        Shape ``(n_roots, size)`` (hartree).
        """
        coupling = (np.array([self._images[k] for k in functions]).T @ vectors).T
        coupling[:, functions] = 0.0
        gaps = np.maximum(self._levels - energies[:, None], SMALLEST_GAP)
        gains: FloatArray = coupling**2 / gaps
        return gains

    def _next(self, gains: FloatArray, chosen: IntArray, n_needed: int) -> IntArray:
        """Return the configurations that enter next: a few at a time, partners together."""
        room = max(N_SEARCHED - len(chosen), n_needed)
        weight = np.zeros(len(self._energies))
        np.add.at(weight, self._block.configurations, gains.max(axis=0))
        left = np.setdiff1d(np.arange(len(weight)), chosen)
        if room <= 0 or not left.size:
            return np.zeros(0, dtype=np.int64)
        best = left[_lowest(-weight[left], max(room // 2, 1))]
        return best if n_needed else best[weight[best] > ALIKE**2]

    def _reference(self, functions: IntArray, vector: FloatArray, energy: float) -> ChosenReference:
        sector = self._hamiltonian.sector
        state = (self._block.functions[:, functions] @ vector).reshape(sector.shape)
        state[np.abs(state) < 1e-12] = 0.0
        state = state / np.linalg.norm(state) * np.sign(state.flat[np.abs(state).argmax()])
        return ChosenReference(
            reference=state_reference(state, sector),
            spin=self._block.spin,
            label=self._block.label,
            energy=float(energy),
            state=state,
        )


def _lowest(values: FloatArray, n: int) -> IntArray:
    """Return where the ``n`` lowest values are, and all that equal the last of them."""
    if n >= len(values):
        return np.arange(len(values))
    limit = np.partition(values, n - 1)[n - 1] + ALIKE
    return np.flatnonzero(values <= limit)
