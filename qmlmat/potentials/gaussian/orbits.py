"""What permutations of equal atoms exchange: features, angles of a circuit, factors of features."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

from qmlmat.ansatz.encoded_circuit import EncodedCircuit
from qmlmat.ansatz.qubit_circuit import QubitGate
from qmlmat.errors import InputError


def checked_permutations(call: str, permutations: Tensor) -> Tensor:
    """Return permutations after checking that they are a group.

    Args:
        call: Who asks, for messages.
        permutations: Index arrays, shape ``(n_permutations, n_features)``.

    Raises:
        InputError: If a row is no permutation, or products of rows are missing or doubled.
    """
    found = torch.as_tensor(permutations)
    remedy = "Use descriptor.feature_permutations(), or torch.arange(n_features)[None] for none."
    if found.ndim != 2 or not found.numel() or found.is_floating_point():
        raise InputError(
            f"{call}(permutations of shape {tuple(found.shape)}, {found.dtype}): give whole "
            f"numbers, shape (n_permutations, n_features). {remedy}"
        )
    rows = [tuple(row) for row in found.tolist()]
    known = set(rows)
    places = list(range(found.shape[1]))
    if any(sorted(row) != places for row in known):
        raise InputError(f"{call}(permutations): a row is no order of the features. {remedy}")
    products = {tuple(p[i] for i in q) for p in known for q in known}
    if len(known) < len(rows) or products != known:
        raise InputError(
            f"{call}(permutations): an average needs a group, every product of two rows being "
            f"a row that is there once. {remedy}"
        )
    return found.to(torch.int64)


def orbits_of_features(permutations: Tensor) -> Tensor:
    """Return which features permutations exchange: a number for each, from 0 without gaps.

    Args:
        permutations: Shape ``(n_permutations, n_features)``.

    Example:
        >>> orbits_of_features(torch.tensor([[0, 1, 2], [1, 0, 2]]))
        tensor([0, 0, 1])
    """
    return torch.tensor(_numbered([min(column) for column in permutations.T.tolist()]))


def orbits_of_pairs(permutations: Tensor) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Return the pairs of features that permutations exchange, orbit by orbit.

    Args:
        permutations: Shape ``(n_permutations, n_features)``.

    Example:
        >>> orbits_of_pairs(torch.tensor([[0, 1, 2], [1, 0, 2]]))
        (((0, 1),), ((0, 2), (1, 2)))
    """
    pairs = list(itertools.combinations(range(permutations.shape[1]), 2))
    moves = permutations.tolist()
    keys = [min(tuple(sorted((m[i], m[j]))) for m in moves) for i, j in pairs]
    found: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for key, pair in zip(keys, pairs, strict=True):
        found.setdefault(key, []).append(pair)
    return tuple(tuple(orbit) for orbit in found.values())


def orbits_of_circuit(
    encoded: EncodedCircuit, permutations: Tensor
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return which angles, and which factors of features in angles, permutations exchange.

    Feature ``j`` belongs to wire ``j``: a permutation of features is one of wires. Tied within
    orbits, the state of permuted features is the state with permuted wires, wherever the gates of
    a layer commute.

    Args:
        encoded: The circuit.
        permutations: Shape ``(n_permutations, n_features)``.

    Returns:
        A number for each angle, ``(n_params,)``, and for each entry of the pattern in row-major
        order, ``(n_scales,)``.

    Raises:
        InputError: If there are permutations, and not as many wires as features.
    """
    moves = permutations.tolist()
    n_wires = encoded.circuit.n_qubits
    if len(moves) == 1:
        return tuple(range(encoded.circuit.n_params)), tuple(range(encoded.n_scales))
    if n_wires != encoded.n_features:
        raise InputError(
            f"QuantumKernel({n_wires} qubits, {encoded.n_features} features): to permute features "
            "is to permute qubits. Use as many qubits as features, e.g. "
            f'Encoding("morse_kernel").circuit({encoded.n_features}, {encoded.n_features}).'
        )
    places = _places(encoded.circuit.gates, encoded.circuit.n_params)
    angles = [min(_moved(place, move) for move in moves) for place in places]
    factors = [
        min((_moved(places[k], move), move[j]) for move in moves)
        for k, j in zip(*encoded.pattern.nonzero(), strict=True)
    ]
    return tuple(_numbered(angles)), tuple(_numbered(factors))


def moves_of_amplitudes(permutations: Tensor, n_qubits: int) -> Tensor:
    """Return what permutations of qubits do to states, real parts before imaginary ones.

    Args:
        permutations: Shape ``(n_permutations, n_qubits)``, or the identity of any length.
        n_qubits: Number of qubits.

    Returns:
        Indices, shape ``(n_permutations, 2 * 2**n_qubits)``.
    """
    index = torch.arange(1 << n_qubits)
    if len(permutations) == 1:
        return torch.arange(2 << n_qubits)[None]
    moved = torch.zeros(len(permutations), len(index), dtype=torch.int64)
    for wire in range(n_qubits):  # wire 0 is the highest bit
        bits = index >> (n_qubits - 1 - wire) & 1
        moved += bits << (n_qubits - 1 - permutations[:, wire, None])
    return torch.cat([moved, moved + len(index)], dim=-1)


def _places(gates: Sequence[QubitGate], n_params: int) -> list[tuple[int, str, tuple[int, ...]]]:
    """Return for each angle which one it is of its kind on its wires, its gate, and the wires."""
    seen: dict[Hashable, int] = {}
    found: list[tuple[int, str, tuple[int, ...]]] = [(0, "", ())] * n_params
    for number, gate in enumerate(gates):
        if gate.angle is None or gate.angle.param is None:
            continue
        wires = gate.wires
        around = gates[max(number - 1, 0) : number + 2 : 2]
        if len(around) == 2 and around[0] == around[1] and around[0].name == "cx":
            wires = tuple(sorted(around[0].wires))  # a phase of two qubits, which may be exchanged
        earlier = seen.get((gate.name, wires), 0)
        seen[gate.name, wires] = earlier + 1
        found[gate.angle.param] = (earlier, gate.name, wires)
    return found


def _moved(
    place: tuple[int, str, tuple[int, ...]], move: Sequence[int]
) -> tuple[int, str, tuple[int, ...]]:
    earlier, name, wires = place
    moved = tuple(move[wire] for wire in wires)
    return earlier, name, tuple(sorted(moved)) if name == "rz" else moved


def _numbered(keys: Sequence[Hashable]) -> list[int]:
    """Return equal keys as equal numbers, from 0 in the order of their first appearance."""
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return [numbers[key] for key in keys]
