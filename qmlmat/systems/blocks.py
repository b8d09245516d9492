"""Exact states by spin and irrep: the Hamiltonian in blocks that symmetry keeps apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from qmlmat.errors import InputError, nearest
from qmlmat.operators.sector import Sector
from qmlmat.operators.spin_basis import check_spin, sector_spins, spin_basis
from qmlmat.systems.hamiltonian import MolecularHamiltonian
from qmlmat.systems.point_group import LAMBDA_NAMES, ODD, PointGroup, determinant_labels
from qmlmat.systems.spectrum import Spectrum, lowest_states
from qmlmat.systems.symmetry import orbital_parities
from qmlmat.typing import FloatArray, IntArray, StateArray

DENSE_FUNCTIONS: Final = 1000
"""Configuration state functions of a block up to which its whole matrix is diagonalised."""

DIGITS: Final = 8
"""Decimals up to which energies of a degenerate level agree (hartree)."""

IMPURE: Final = 1e-2
"""Weight outside one irrep from which a state of a circuit counts as without irrep."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """All configuration state functions of one spin and one irrep of the Abelian group."""

    spin: int
    """``2 S``."""
    label: int
    """The irrep, as in ``orbital_labels``."""
    functions: Any
    """The functions as columns, sparse, shape ``(dimension, n_functions)``."""
    configurations: IntArray
    """Number of the configuration of each function, counted from 0, shape ``(n_functions,)``."""

    @property
    def size(self) -> int:
        """Number of functions."""
        return int(self.functions.shape[1])

    def image(self, hamiltonian: MolecularHamiltonian, vector: FloatArray) -> FloatArray:
        """Return the Hamiltonian applied to a vector of the block, shape ``(size,)``."""
        state = (self.functions @ vector).reshape(hamiltonian.shape)
        image: FloatArray = self.functions.T @ hamiltonian.matvec(state).ravel()
        return image

    def states(self, hamiltonian: MolecularHamiltonian, n_states: int) -> Spectrum:
        """Return the lowest states of the block, dense up to ``DENSE_FUNCTIONS`` functions.

        Raises:
            InputError: If the block has fewer.
        """
        squares = self.functions.power(2)
        found = lowest_states(
            lambda vector: self.image(hamiltonian, vector),
            squares.T @ hamiltonian.diagonal().ravel(),
            n_states,
            dense_limit=DENSE_FUNCTIONS,
        )
        states = []
        for vector in found.states:
            state = (self.functions @ vector).reshape(hamiltonian.shape)
            states.append(_readonly(state * np.sign(state.flat[np.abs(state).argmax()])))
        return Spectrum(energies=found.energies, states=tuple(states), residuals=found.residuals)


def orbital_labels(hamiltonian: MolecularHamiltonian) -> IntArray:
    """Return each orbital's irrep: of the point group, else of the integrals' sign symmetries."""
    group = hamiltonian.point_group
    return orbital_parities(hamiltonian) if group is None else group.orbitals


def symmetry_blocks(
    hamiltonian: MolecularHamiltonian,
    *,
    multiplicity: int | None = None,
    irrep: str | None = None,
) -> tuple[Block, ...]:
    """Return the blocks of a Hamiltonian's sector, by spin and irrep.

    Args:
        hamiltonian: The Hamiltonian.
        multiplicity: Of these states only, ``2s + 1``; ``None``: every multiplicity.
        irrep: Of these only; ``None``: every irrep.

    Raises:
        InputError: If no state of the sector has the multiplicity, or the molecule has no such
            irrep.
    """
    sector, labels = hamiltonian.sector, orbital_labels(hamiltonian)
    if multiplicity is not None:
        check_spin(sector, multiplicity - 1, what=f"multiplicity={multiplicity}")
    wanted = None if irrep is None else abelian_labels(hamiltonian.point_group, irrep)
    spins = sector_spins(sector) if multiplicity is None else (multiplicity - 1,)
    found = []
    for spin in spins:
        basis = spin_basis(sector.norb, sector.nelec, spin)
        of_functions = basis.labels(labels)
        shells = np.stack([basis.closed, basis.open_shells])
        for label in np.unique(of_functions):
            if wanted is not None and label not in wanted:
                continue
            columns = np.flatnonzero(of_functions == label)
            _, configurations = np.unique(shells[:, columns], axis=1, return_inverse=True)
            found.append(
                Block(
                    spin=spin,
                    label=int(label),
                    functions=basis.functions[:, columns],
                    configurations=configurations.ravel(),
                )
            )
    return tuple(found)


def abelian_labels(group: PointGroup | None, irrep: str) -> tuple[int, ...]:
    """Return the irreps of the Abelian group that hold states of an irrep.

    Raises:
        InputError: If the molecule has no point group, or it has no such irrep.
    """
    if group is None:
        raise InputError(
            f'irrep="{irrep}": the orbitals have no point group. Leave irrep out, or use a '
            "geometry with symmetry."
        )
    if irrep in group.names:
        return (group.names.index(irrep),)
    found = tuple(k for k, name in enumerate(group.names) if irrep in _linear_names(group, name))
    if not found:
        known = list(group.names)
        for name in group.names:
            known += [n for n in _linear_names(group, name)[:2] if n not in known]
        raise InputError(f'irrep="{irrep}": no irrep of {group.name}. {nearest(irrep, known)}')
    return found


def is_linear_irrep(group: PointGroup | None, irrep: str | None) -> bool:
    """Return whether an irrep is one of a linear molecule's own, such as ``"Delta_g"``.

    An irrep of the Abelian group holds states of several of them.
    """
    return irrep is not None and group is not None and irrep not in group.names


def _linear_names(group: PointGroup, abelian: str) -> list[str]:
    """Return the irreps of a linear molecule that have a part in one of the Abelian group."""
    if group.angular is None:
        return []
    parity = f"_{abelian[-1]}" if abelian[-1] in "gu" else ""
    odd = abelian in ODD
    names = [f"{name}{parity}" for name in LAMBDA_NAMES[1 if odd else 2 :: 2]]
    if odd:
        return names
    sign = "+" if abelian in {"A1", "Ag", "B1u"} else "-"
    return [f"Sigma{parity}{sign}", *names]


@dataclass(frozen=True, kw_only=True, eq=False)
class SymmetrySpectrum(Spectrum):
    """The lowest eigenpairs with their spins and irreps."""

    spins: tuple[int, ...]
    """``2 S`` of each state."""
    irreps: tuple[str, ...] | None
    """Name of each state's irrep; ``None`` where the molecule has none."""


def symmetry_states(
    hamiltonian: MolecularHamiltonian,
    n_states: int,
    *,
    multiplicity: int | None = None,
    irrep: str | None = None,
) -> SymmetrySpectrum:
    """Return the exact lowest states of given multiplicity and irrep, each of a pure one.

    Blocks of one spin and one irrep are diagonalised one by one: dense where they are small, else
    by Davidson with surplus roots and checked residuals. States that meet in energy but differ in
    symmetry stay apart.

    Args:
        hamiltonian: The Hamiltonian.
        n_states: Number of states; degenerate ones count one by one.
        multiplicity: ``2s + 1``; ``None``: any.
        irrep: Name; ``None``: any.

    Raises:
        InputError: If there are not that many, or no such multiplicity or irrep.
    """
    group = hamiltonian.point_group
    blocks = symmetry_blocks(hamiltonian, multiplicity=multiplicity, irrep=irrep)
    check_number(n_states, sum(block.size for block in blocks), multiplicity, irrep)
    rows = []
    for block in blocks:
        for energy, state, residual in _of_irrep(hamiltonian, block, n_states, irrep):
            rows.append((energy, state, residual, block))
    # Where a degenerate level is cut, always the same component is taken, not one by rounding.
    rows.sort(key=lambda row: (round(row[0], DIGITS), row[3].spin, row[3].label))
    check_number(n_states, len(rows), multiplicity, irrep)
    rows = sorted(rows[:n_states], key=lambda row: row[0])
    names = None
    if group is not None:
        names = tuple(group.state_irrep(b.label, v, hamiltonian.nelec) for _, v, _, b in rows)
    return SymmetrySpectrum(
        energies=np.array([row[0] for row in rows]),
        states=tuple(row[1] for row in rows),
        residuals=np.array([row[2] for row in rows]),
        spins=tuple(block.spin for *_, block in rows),
        irreps=names,
    )


def check_number(n_states: int, n_known: int, multiplicity: int | None, irrep: str | None) -> None:
    """Raise unless there are enough states.

    Raises:
        InputError: If there are not.
    """
    if n_states <= n_known:
        return
    if n_known == 0:
        raise InputError(
            f'irrep="{irrep}": the sector has no state of it'
            f"{'' if multiplicity is None else f' with multiplicity {multiplicity}'}. Use another "
            "irrep, or a larger active space."
        )
    which = "" if multiplicity is None else f" of multiplicity {multiplicity}"
    which += "" if irrep is None else f" and irrep {irrep}"
    raise InputError(
        f"n_states={n_states}: the sector has {n_known} states{which}. Use n_states from 1 to "
        f"{n_known}, another multiplicity or irrep, or a larger active space."
    )


def _of_irrep(
    hamiltonian: MolecularHamiltonian, block: Block, n_states: int, irrep: str | None
) -> Iterator[tuple[float, StateArray, float]]:
    """Yield the lowest states of a block that have the irrep of a linear molecule asked for."""
    group = hamiltonian.point_group
    is_finer = is_linear_irrep(group, irrep)
    n_roots = min(n_states, block.size)
    while True:
        found = block.states(hamiltonian, n_roots)
        rows = list(zip(found.energies.tolist(), found.states, found.residuals, strict=True))
        if is_finer:
            assert group is not None
            nelec = hamiltonian.nelec
            rows = [r for r in rows if group.state_irrep(block.label, r[1], nelec) == irrep]
        if len(rows) >= n_states or n_roots == block.size:
            yield from rows[:n_states]
            return
        n_roots = min(2 * n_roots, block.size)


def state_irreps(
    hamiltonian: MolecularHamiltonian, states: tuple[StateArray, ...]
) -> tuple[str, ...] | None:
    """Return the name of each state's irrep, ``""`` where it mixes irreps.

    ``None`` where the molecule has none.
    """
    group = hamiltonian.point_group
    if group is None:
        return None
    labels = determinant_labels(hamiltonian.sector, group.orbitals).ravel()
    names = []
    for state in states:
        weights = np.bincount(labels, np.abs(state.ravel()) ** 2, minlength=len(group.names))
        label = int(weights.argmax())
        pure = weights[label] > (1 - IMPURE) * weights.sum()
        name = group.names[label] if pure else ""
        if pure and group.angular is not None:
            name = group.state_irrep(label, state, hamiltonian.nelec)
        names.append(name)
    return tuple(names)


def dominant_configurations(states: tuple[StateArray, ...], sector: Sector) -> tuple[str, ...]:
    """Return the one or two configurations that weigh most in each state, in words.

    A configuration is the occupation of each orbital: ``"2200 (0.97), 2020 (0.01)"``.
    """
    alpha, beta = sector.alpha_strings[:, None], sector.beta_strings
    shells = np.stack([(alpha & beta).ravel(), (alpha ^ beta).ravel()])
    distinct, places = np.unique(shells, axis=1, return_inverse=True)
    texts = []
    for state in states:
        weights = np.bincount(places.ravel(), np.abs(state.ravel()) ** 2)
        largest = [k for k in np.argsort(-weights)[:2] if weights[k] >= 0.05]
        parts = [f"{_occupations(distinct[:, k], sector.norb)} ({weights[k]:.2f})" for k in largest]
        texts.append(", ".join(parts))
    return tuple(texts)


def _occupations(shells: IntArray, norb: int) -> str:
    closed, single = map(int, shells)
    return "".join(str(2 * (closed >> p & 1) + (single >> p & 1)) for p in range(norb))


def _readonly(state: StateArray) -> StateArray:
    array = np.ascontiguousarray(state)
    array.flags.writeable = False
    return array
