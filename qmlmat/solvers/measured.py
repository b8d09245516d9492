"""Subspaces measured on devices: matrix elements by superposed references, errors by jackknife.

    Re <r_i|U† H U|r_j> = E[(r_i + r_j) / sqrt 2] - (M_ii + M_jj) / 2

and the imaginary part from ``(r_i + i r_j) / sqrt 2``. Every element is an expectation of ``H`` in
a state like any other; all of them are one request. Eigenvalues of a noisy matrix are pushed apart
by its noise: the jackknife over blocks of shots tells their error and their bias.

References:
    A. Asthana et al., Chem. Sci. 14, 2405 (2023), doi:10.1039/D2SC05371C (superposed references).
    B. Efron, C. Stein, Ann. Stat. 9, 586 (1981), doi:10.1214/aos/1176345462 (jackknife).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from qmlmat.ansatz import Circuit
from qmlmat.backends import Backend, Preparation, Reference, Request
from qmlmat.backends.requests import Estimate
from qmlmat.errors import InputError
from qmlmat.operators.pauli import PauliSum
from qmlmat.solvers.averages import Average
from qmlmat.solvers.base import AnyHamiltonian, Solution, Status
from qmlmat.solvers.variational import other_seed
from qmlmat.typing import FloatArray, Observable
from qmlmat.units import milli

N_BLOCKS: Final = 20
"""Blocks into which shots are split for the jackknife: its standard error is then good to 16 %."""

Matrix = NDArray[Any]
"""Hermitian matrices, one for each block, shape ``(n_blocks, n, n)``."""


@dataclass(frozen=True, kw_only=True)
class Jackknife:
    """Values estimated from blocks, with what the blocks say of their error and bias."""

    values: FloatArray
    """Estimates with the bias taken off, shape ``(n,)``."""
    covariance: FloatArray
    """Covariance of the estimates, shape ``(n, n)``."""
    bias: FloatArray
    """Bias that was taken off, shape ``(n,)``."""


def jackknife(blocks: Matrix, estimate: Callable[[Matrix], FloatArray]) -> Jackknife:
    """Return an estimate from the mean over blocks, its covariance and bias.

    With ``t`` the estimate from all blocks and ``t_k`` that from all but the k-th of ``n``:
    bias ``(n - 1) (mean t_k - t)``, covariance ``(n - 1) / n sum (t_k - mean) (t_k - mean)^T``.

    Args:
        blocks: Independent measurements of the same quantities, shape ``(n_blocks, ...)``.
        estimate: From quantities to ``(n,)`` numbers.
    """
    n_blocks = len(blocks)
    whole, total = estimate(blocks.mean(axis=0)), blocks.sum(axis=0)
    left = np.array([estimate((total - block) / (n_blocks - 1)) for block in blocks])
    bias = (n_blocks - 1) * (left.mean(axis=0) - whole)
    scatter = left - left.mean(axis=0)
    covariance = (n_blocks - 1) / n_blocks * scatter.T @ scatter
    return Jackknife(values=whole - bias, covariance=covariance, bias=bias)


@dataclass(frozen=True, kw_only=True, eq=False)
class MeasuredMatrix:
    """A Hermitian matrix as measured."""

    blocks: Matrix
    """One for each block of shots, shape ``(n_blocks, n, n)``; one block where exact."""
    calibration: Matrix | None = None
    """How it moves at other readout errors that the calibration allows, ``(n_draws, n, n)``."""

    def estimate(self, of: Callable[[Matrix], FloatArray]) -> Jackknife:
        """Return a function of the matrix, bias off, with the covariance of shots and calibration.

        Args:
            of: From a matrix to ``(n,)`` numbers.
        """
        if len(self.blocks) == 1:
            values = of(self.blocks[0])
            nothing = np.zeros((len(values), len(values)))
            return Jackknife(values=values, covariance=nothing, bias=np.zeros_like(values))
        found = jackknife(self.blocks, of)
        if self.calibration is None:
            return found
        mean = self.blocks.mean(axis=0)
        draws = np.array([of(mean + one) for one in self.calibration])
        common = np.cov(draws.T).reshape(found.covariance.shape)
        return replace(found, covariance=found.covariance + common)


def measured_matrix(
    observable: Observable | PauliSum,
    preparation: Preparation,
    backend: Backend,
    *,
    linked: Sequence[tuple[int, int]] | None = None,
    seed: int | None = None,
) -> MeasuredMatrix:
    """Return ``<r_i|U† O U|r_j>`` as measured, one matrix for each block of shots.

    Args:
        observable: The observable ``O``.
        preparation: The circuit ``U``, orthogonal references, and parameters ``(n_params,)``.
        backend: What measures.
        linked: Pairs ``(i, j)``, ``i < j``, whose element does not vanish by symmetry; all by
            default.
        seed: Seed of the shots, where they are ours.

    Raises:
        InputError: If there are fewer shots than blocks.
    """
    circuit, references = preparation.circuit, preparation.references
    size = len(references)
    pairs = list(combinations(range(size), 2)) if linked is None else list(linked)
    is_real = isinstance(circuit, Circuit) and circuit.is_real
    phases = (1.0,) if is_real and all(r.is_real for r in references) else (1.0, 1j)
    states = list(references)
    for phase in phases:
        states += [superposed(references[i], references[j], phase) for i, j in pairs]
    values, moved = _in_blocks(
        observable, replace(preparation, reference=tuple(states)), backend, seed
    )

    def matrices(rows: FloatArray) -> Matrix:
        return _matrices(rows, size, pairs, is_complex=len(phases) > 1)

    return MeasuredMatrix(
        blocks=matrices(values), calibration=None if moved is None else matrices(moved)
    )


def _matrices(
    values: FloatArray, size: int, pairs: Sequence[tuple[int, int]], *, is_complex: bool
) -> Matrix:
    """Return matrices from expectations in the references and in their superpositions."""
    diagonal = values[:, :size]
    found = np.zeros((len(values), size, size), dtype=np.complex128 if is_complex else float)
    found[:, range(size), range(size)] = diagonal
    for k, (i, j) in enumerate(pairs):
        middle = 0.5 * (diagonal[:, i] + diagonal[:, j])
        element = values[:, size + k] - middle
        if is_complex:
            # <r_i + i r_j| O |r_i + i r_j> / 2 = middle - Im M_ij
            element = element + 1j * (middle - values[:, size + len(pairs) + k])
        found[:, i, j], found[:, j, i] = element, np.conj(element)
    return found


def superposed(one: Reference, other: Reference, phase: complex) -> Reference:
    """Return ``(one + phase * other) / sqrt 2`` of orthogonal references."""
    total: dict[str, complex] = {}
    for reference, factor in ((one, 1.0), (other, phase)):
        for bits, amplitude in reference.terms:
            total[bits] = total.get(bits, 0.0) + factor * amplitude / np.sqrt(2)
    return Reference(
        tuple((bits, a if a.imag else a.real) for bits, a in total.items() if abs(a) > 1e-14)
    )


def _in_blocks(
    observable: Observable | PauliSum,
    preparation: Preparation,
    backend: Backend,
    seed: int | None,
) -> tuple[FloatArray, FloatArray | None]:
    """Return expectations in states, ``(n_blocks, n_states)``, by one submission.

    And how they move with the readout's calibration, ``(n_draws, n_states)``.
    """
    shots: int | None = getattr(backend, "shots", None)
    n_blocks = 1 if backend.capabilities.exact else N_BLOCKS
    if shots is not None and shots < n_blocks:
        raise InputError(
            f"shots={shots}: the errors of eigenvalues are told from {n_blocks} blocks of shots. "
            "Use thousands."
        )
    assert preparation.params is not None
    params = np.tile(preparation.params, (n_blocks, 1))
    request = Request(
        preparation=replace(preparation, params=params),
        observables=(observable,),
        shots=None if shots is None else shots // n_blocks,
        role="subspace",
    )
    (answer,) = backend.run([request], seed=other_seed(seed))
    assert isinstance(answer, Estimate)
    shape = (n_blocks, len(preparation.references))
    moved = answer.calibration
    if moved is not None:  # blocks share their calibration
        moved = moved.reshape(len(moved), *shape).mean(axis=1)
    return answer.values.reshape(shape), moved


@dataclass(frozen=True, kw_only=True, eq=False)
class MeasuredBlock:
    """Functions of one spin in the span of references."""

    spin: int
    """``2 S``."""
    functions: FloatArray
    """Orthonormal combinations of the references, shape ``(n_references, n_functions)``."""


def measured_levels(
    hamiltonian: AnyHamiltonian,
    matrix: MeasuredMatrix,
    blocks: Sequence[MeasuredBlock],
    n_states: int,
    *,
    status: Status,
) -> Solution:
    """Return the lowest eigenvalues of measured blocks, with error bars and without bias.

    Args:
        hamiltonian: Whose energies they are.
        matrix: That of the references, see ``measured_matrix``.
        blocks: Functions of each spin and irrep.
        n_states: How many are wanted.
        status: How the circuit was found.

    Raises:
        InputError: If there are fewer.
    """
    sizes = [block.functions.shape[1] for block in blocks]
    if sum(sizes) < n_states:
        raise InputError(
            f"solve(n_states={n_states}): the subspace holds {sum(sizes)} states of this kind. Ask "
            "for fewer, or take a larger subspace."
        )

    def levels(one: Matrix) -> FloatArray:
        parts = [b.functions.T @ one @ b.functions for b in blocks]
        return np.concatenate([np.linalg.eigvalsh(part) for part in parts])

    exact = len(matrix.blocks) == 1
    found = matrix.estimate(levels)
    order = np.argsort(found.values, kind="stable")[:n_states]
    spins = np.concatenate([np.full(size, b.spin) for size, b in zip(sizes, blocks, strict=True)])
    largest = float(np.abs(found.bias[order]).max())
    note = (
        f"Jackknife over {len(matrix.blocks)} blocks of shots: noise had moved the eigenvalues by "
        f"up to {1e3 * largest:.2f} {milli(hamiltonian.unit)}, which was taken off."
    )
    return Solution(
        energies=found.values[order],
        unit=hamiltonian.unit,
        status=status,
        stderr=None if exact else np.sqrt(found.covariance.diagonal()[order]),
        covariance=None if exact else found.covariance[np.ix_(order, order)],
        spin_squares=spins[order] / 2 * (spins[order] / 2 + 1),
        notes=() if exact else (note,),
    )


def measured_span(
    average: Average,
    preparation: Preparation,
    backend: Backend,
    *,
    status: Status,
    seed: int | None,
) -> Solution:
    """Return the states in the span of a circuit applied to all references, as measured.

    Args:
        average: Hamiltonian and references.
        preparation: Circuit, the same references, and the angles found.
        backend: What measures.
        status: How the search stopped.
        seed: Seed of the shots, where they are ours.
    """
    starts = average.starts
    kinds = [(start.spin, start.label) for start in starts]
    pairs = combinations(range(len(starts)), 2)
    matrix = measured_matrix(
        average.hamiltonian,
        replace(preparation, reference=average.references),
        backend,
        linked=[(i, j) for i, j in pairs if kinds[i] == kinds[j]],
        seed=seed,
    )
    unit = np.eye(len(starts))
    blocks = []
    for kind in dict.fromkeys(kinds):
        own = [k for k, other in enumerate(kinds) if other == kind]
        blocks.append(MeasuredBlock(spin=kind[0], functions=unit[:, own]))
    found = measured_levels(average.hamiltonian, matrix, blocks, len(starts), status=status)
    return replace(
        found,
        params=preparation.params,
        circuit=preparation.circuit,
        references=average.references if len(starts) > 1 else None,
    )
