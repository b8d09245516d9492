"""Cluster-Jastrow circuits: orbital rotations around diagonal Coulomb evolutions.

One layer is ``W(U) exp(i J) W(U)†`` with an orbital rotation ``W(U)`` and

    J = 1/2 sum_p J_pp (n_pa + n_pb) + sum_(p<q) J_pq (n_pa n_qa + n_pb n_qb)
        + sum_(p<=q) K_pq (n_pa n_qb + n_qa n_pb) / (1 + delta_pq)

(a, b: spin), the spin-balanced unitary cluster Jastrow ansatz. Its local form, LUCJ, keeps only
the pairs of orbitals that a device can couple. ``W(U)`` is a network of Givens rotations between
neighbouring orbitals and of phases; every gate has one angle.

References:
    Y. Matsuzawa, Y. Kurashige, J. Chem. Theory Comput. 16, 944 (2020);
    M. Motta et al., Chem. Sci. 14, 11213 (2023).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement, product
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from qmlmat.ansatz.circuit import Circuit, Gate
from qmlmat.ansatz.excitation import Excitation, NumberProduct
from qmlmat.errors import InputError, nearest
from qmlmat.typing import FloatArray

OrbitalPair = tuple[int, int]
"""Two orbitals ``(p, q)`` with ``p <= q``."""

LOCAL_STEPS: Final = {"square": 1, "heavy_hex": 4}
"""How far apart the orbitals are whose two spins a device couples, as ffsim has it."""


def jastrow_circuit(
    norb: int,
    nelec: tuple[int, int],
    *,
    n_reps: int = 1,
    same_spin: Sequence[OrbitalPair] | None = None,
    mixed_spin: Sequence[OrbitalPair] | None = None,
) -> Circuit:
    """Return the circuit of ``n_reps`` cluster-Jastrow layers, first layer acting first.

    Its parameters are, for each layer, the ``norb**2`` angles of the orbital rotation in the order
    of ``orbital_rotation_params``, the ``J`` of the same-spin pairs, and the ``K`` of the mixed
    pairs.

    Args:
        norb: Number of spatial orbitals.
        nelec: Electrons by spin.
        n_reps: Number of layers.
        same_spin: Pairs ``p <= q`` coupled by ``J``; all by default. ``(p, p)`` is a phase.
        mixed_spin: Pairs ``p <= q`` coupled by ``K``; all by default.

    Raises:
        InputError: If ``n_reps`` is below 1, or a pair repeats, descends or leaves the orbitals.

    Example:
        >>> jastrow_circuit(4, (2, 2), mixed_spin=[(0, 0), (2, 2)], same_spin=[(0, 1)]).n_params
        19
    """
    if n_reps < 1:
        raise InputError(f"jastrow_circuit(n_reps={n_reps}): needs a layer. Use n_reps >= 1.")
    same, mixed = (
        _checked_pairs(norb, pairs, name)
        for pairs, name in ((same_spin, "same_spin"), (mixed_spin, "mixed_spin"))
    )
    gates: list[Gate] = []
    n_params = 0
    for _ in range(n_reps):
        rotation = list(_rotation_gates(norb, n_params))
        gates += [Gate(g.generator, g.param, -g.scale) for g in reversed(rotation)]
        gates += _coulomb_gates(same, mixed, n_params + norb**2)
        gates += rotation
        n_params += norb**2 + len(same) + len(mixed)
    return Circuit(norb, nelec, tuple(gates), n_params, "lucj")


def local_pairs(norb: int, pairs: str) -> tuple[list[OrbitalPair] | None, list[OrbitalPair] | None]:
    """Return the same-spin and the mixed pairs that a device couples; ``None`` stands for all.

    ``"square"``: same-spin ``(p, p + 1)``, mixed ``(p, p)``; two lines of qubits, one for each
    spin, with a link from every orbital to its other spin. ``"heavy_hex"``: as ``"square"``, with
    the mixed ``(p, p)`` of every fourth orbital only.

    Args:
        norb: Number of spatial orbitals.
        pairs: ``"all"``, ``"square"`` or ``"heavy_hex"``.

    Raises:
        InputError: If ``pairs`` is none of these.

    References:
        M. Motta et al., Chem. Sci. 14, 11213 (2023), doi:10.1039/D3SC02516K.
    """
    if pairs == "all":
        return None, None
    if pairs not in LOCAL_STEPS:
        raise InputError(f'pairs="{pairs}": not known. {nearest(pairs, ["all", *LOCAL_STEPS])}')
    same = [(p, p + 1) for p in range(norb - 1)]
    return same, [(p, p) for p in range(0, norb, LOCAL_STEPS[pairs])]


def jastrow_params(
    orbital_rotations: ArrayLike,
    same_spin: ArrayLike,
    mixed_spin: ArrayLike,
    *,
    same_pairs: Sequence[OrbitalPair] | None = None,
    mixed_pairs: Sequence[OrbitalPair] | None = None,
) -> FloatArray:
    """Return the parameters of ``jastrow_circuit`` that stand for given matrices.

    Args:
        orbital_rotations: Unitary matrices ``U``, shape ``(n_reps, norb, norb)``:
            ``a†_p -> sum_q U[q, p] a†_q``.
        same_spin: Symmetric matrices ``J``, shape ``(n_reps, norb, norb)``.
        mixed_spin: Symmetric matrices ``K``, shape ``(n_reps, norb, norb)``.
        same_pairs: The circuit's same-spin pairs; all by default.
        mixed_pairs: The circuit's mixed pairs; all by default.

    Returns:
        Shape ``(n_params,)`` (radians).

    Raises:
        InputError: If a matrix is not unitary or symmetric, a shape or a pair is wrong.
    """
    rotations = np.asarray(orbital_rotations)
    norb = rotations.shape[-1]
    same, mixed = (
        _checked_pairs(norb, pairs, name)
        for pairs, name in ((same_pairs, "same_pairs"), (mixed_pairs, "mixed_pairs"))
    )
    couplings = [np.asarray(matrices) for matrices in (same_spin, mixed_spin)]
    for name, matrices in zip(("same_spin", "mixed_spin"), couplings, strict=True):
        if rotations.ndim != 3 or not len(rotations) or matrices.shape != rotations.shape:
            raise InputError(
                f"jastrow_params: orbital_rotations of shape {rotations.shape}, {name} of shape "
                f"{matrices.shape}. Use (n_reps, norb, norb) for both, with at least one layer."
            )
        if np.iscomplexobj(matrices) or not np.allclose(matrices, matrices.transpose(0, 2, 1)):
            raise InputError(f"jastrow_params({name}): use real symmetric matrices.")
    layers = zip(rotations, *couplings, strict=True)
    return np.concatenate(
        [
            np.concatenate(
                [
                    orbital_rotation_params(unitary),
                    [j[pair] for pair in same],
                    [k[pair] for pair in mixed],
                ]
            )
            for unitary, j, k in layers
        ]
    )


def factorized_params(
    t2: ArrayLike,
    *,
    n_reps: int = 1,
    same_pairs: Sequence[OrbitalPair] | None = None,
    mixed_pairs: Sequence[OrbitalPair] | None = None,
) -> FloatArray:
    """Return the parameters of ``jastrow_circuit`` whose layers factorise doubles amplitudes.

    With ``t[ia, jb] = sum_m w_m y_m y_m^T``, the Hermitian matrices ``(y exp(-i s pi/4) + h.c.) /
    sqrt(2) = U diag(e) U†`` for ``s = 1, -1`` give layers with the orbital rotation ``U`` and the
    couplings ``J_pq = K_pq = s w_m e_p e_q``: their generators add up to the doubles. Those of the
    largest ``|w_m|`` are taken; couplings of pairs that are not there are dropped.

    Args:
        t2: ``t[i, j, a, b]`` of a closed shell, alpha ``i -> a`` and beta ``j -> b``, shape
            ``(n_occupied, n_occupied, n_virtual, n_virtual)``.
        n_reps: Number of layers; those that nothing is left for do nothing.
        same_pairs: The circuit's same-spin pairs; all by default.
        mixed_pairs: The circuit's mixed pairs; all by default.

    Returns:
        Shape ``(n_params,)`` (radians).

    References:
        Y. Matsuzawa, Y. Kurashige, J. Chem. Theory Comput. 16, 944 (2020);
        M. Motta et al., Chem. Sci. 14, 11213 (2023).
    """
    doubles = np.asarray(t2)
    n_occupied, n_virtual = doubles.shape[0], doubles.shape[2]
    norb, n_moves = n_occupied + n_virtual, n_occupied * n_virtual
    weights, vectors = np.linalg.eigh(doubles.transpose(0, 2, 1, 3).reshape(n_moves, n_moves))
    rotations = np.tile(np.eye(norb, dtype=np.complex128), (n_reps, 1, 1))
    couplings = np.zeros((n_reps, norb, norb))
    largest = np.argsort(-np.abs(weights), kind="stable")
    for layer, (m, sign) in zip(range(n_reps), product(largest, (1, -1)), strict=False):
        move = np.zeros((norb, norb), dtype=np.complex128)
        move[n_occupied:, :n_occupied] = vectors[:, m].reshape(n_occupied, n_virtual).T
        move *= np.exp(-0.25j * np.pi * sign) / np.sqrt(2)
        values, rotations[layer] = np.linalg.eigh(move + move.conj().T)
        couplings[layer] = sign * weights[m] * np.outer(values, values)
    return jastrow_params(
        rotations, couplings, couplings, same_pairs=same_pairs, mixed_pairs=mixed_pairs
    )


def orbital_rotation_params(unitary: ArrayLike) -> FloatArray:
    """Return the angles of the network of phases and Givens rotations that equals a unitary.

    First the phase of each orbital, then a rotation angle and a phase for each rotation between
    neighbours, in the order in which they act.

    Args:
        unitary: The matrix ``U``, shape ``(norb, norb)``: ``a†_p -> sum_q U[q, p] a†_q``.

    Returns:
        Shape ``(norb**2,)`` (radians).

    Raises:
        InputError: If the matrix is not unitary to 1e-8.

    References:
        M. Reck, A. Zeilinger, H. J. Bernstein, P. Bertani, Phys. Rev. Lett. 73, 58 (1994).
    """
    rest = np.array(unitary, dtype=np.complex128)
    norb = rest.shape[0]
    if rest.shape != (norb, norb) or not np.allclose(
        rest @ rest.conj().T, np.eye(norb), rtol=0.0, atol=1e-8
    ):
        raise InputError(
            f"orbital_rotation_params(unitary): shape {rest.shape}, not a unitary matrix. Use a "
            "square matrix with U U† = 1."
        )
    angles = []
    # Undoing the network from its last rotation turns U into the diagonal of phases.
    for upper, column in reversed(list(_network(norb))):
        x, y = rest[upper, column], rest[upper + 1, column]
        phase = np.angle(y) - np.angle(x)
        angle = np.arctan2(abs(y), abs(x))
        cosine, sine, turn = np.cos(angle), np.sin(angle), np.exp(-1j * phase)
        first, second = rest[upper].copy(), turn * rest[upper + 1]
        rest[upper], rest[upper + 1] = (
            cosine * first + sine * second,
            cosine * second - sine * first,
        )
        angles.append((angle, phase))
    phases: FloatArray = np.angle(rest.diagonal())
    return np.concatenate([phases, np.array(angles[::-1]).ravel()])


def _network(norb: int) -> Iterator[tuple[int, int]]:
    """Yield each rotation's upper orbital, first acting first, and the column it clears."""
    for column in range(norb - 2, -1, -1):
        for upper in range(column, norb - 1):
            yield upper, column


def _rotation_gates(norb: int, first_param: int) -> Iterator[Gate]:
    """Yield the gates of ``W(U)``; the spins commute, so all of alpha comes before beta."""
    for spin in (0, 1):
        for p in range(norb):
            yield Gate(_number((p,), spin), first_param + p)
        for k, (upper, _) in enumerate(_network(norb)):
            moves = ((upper, upper + 1),)
            excitation = Excitation(beta=moves) if spin else Excitation(alpha=moves)
            yield Gate(excitation, first_param + norb + 2 * k)
            yield Gate(_number((upper + 1,), spin), first_param + norb + 2 * k + 1)


def _coulomb_gates(
    same: Sequence[OrbitalPair], mixed: Sequence[OrbitalPair], first_param: int
) -> Iterator[Gate]:
    """Yield the gates of ``exp(i J)``, sorted so that those on the same rows are neighbours."""
    for spin in (0, 1):
        for k, (p, q) in enumerate(same, start=first_param):
            if p == q:  # n_p n_p is n_p
                yield Gate(_number((p,), spin), k, 0.5)
            else:
                yield Gate(_number((p, q), spin), k)
    ordered = {}
    for k, (p, q) in enumerate(mixed, start=first_param + len(same)):
        ordered[p, q] = ordered[q, p] = k
    for (p, q), k in sorted(ordered.items()):
        yield Gate(NumberProduct((p,), (q,)), k)


def _number(orbitals: tuple[int, ...], spin: int) -> NumberProduct:
    return NumberProduct(beta=orbitals) if spin else NumberProduct(alpha=orbitals)


def _checked_pairs(
    norb: int, pairs: Sequence[OrbitalPair] | None, name: str
) -> tuple[OrbitalPair, ...]:
    if pairs is None:
        return tuple(combinations_with_replacement(range(norb), 2))
    chosen = tuple((int(p), int(q)) for p, q in pairs)
    wrong = [pair for pair in chosen if not 0 <= pair[0] <= pair[1] < norb]
    if wrong or len(set(chosen)) < len(chosen):
        raise InputError(
            f"{name}={list(pairs)}: pairs of orbitals (p, q) with 0 <= p <= q < {norb}, each once. "
            f"{f'Change {wrong[0]}.' if wrong else 'Remove the repeated one.'}"
        )
    return chosen
