"""Boltzmann machines by enumeration, their states, and the Gibbs circuit as first published."""

from __future__ import annotations

import math

import numpy as np
from dense_qubits import dense_outcomes

import qmlmat as qm
from qmlmat.ansatz.gibbs import gibbs_angles
from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate


def random_machine(n, m, seed, scale=1.0):
    """Biases and weights of both signs."""
    rng = np.random.default_rng(seed)
    return tuple(scale * rng.normal(size=shape) for shape in (n, m, (n, m)))


def spins(n):
    """Values of n units, shape ``(2**n, n)``; row: unit 0 the highest bit, bit 1 is -1."""
    return 1 - 2 * (np.arange(1 << n)[:, None] >> np.arange(n - 1, -1, -1) & 1)


def exact_joint(a, b, w, k=1.0):
    """``P(sigma, h)**(1 / k)``, normalised, shape ``(2**n, 2**m)``."""
    sigma, h = spins(len(a)), spins(len(b))
    logs = ((sigma @ a)[:, None] + h @ b + sigma @ w @ h.T) / k
    table = np.exp(logs - logs.max())
    return table / table.sum()


def kept_table(circuit, angles, n, m):
    """Chances of the values of units together with all ancillas 1, shape ``(2**n, 2**m)``."""
    table = np.zeros(1 << n + m)
    for outcome, chance in dense_outcomes(circuit, angles).items():
        if outcome >> n + m == (1 << n * m) - 1:
            place = int("".join(str(outcome >> w & 1) for w in range(n + m)), 2)
            table[place] += chance
    return table.reshape(1 << n, 1 << m)


def acceptance(a, b, w, k):
    """Share of shots kept, by enumeration: independent of the circuit."""
    sigma, h = spins(len(a)), spins(len(b))
    product = exact_joint(a, b, np.zeros_like(w), k)
    return float((product * np.exp((sigma @ w @ h.T - np.abs(w).sum()) / k)).sum())


def doubly_controlled_circuit(a, b, w, k):
    """The four values of each pair as doubly controlled rotations, 32 CX a pair; no parameters."""
    n, m = w.shape
    units = gibbs_angles(a, b, w, k)[: n + m]
    gates = [QubitGate("ry", (u,), Angle(float(angle))) for u, angle in enumerate(units)]
    for pair in range(n * m):
        i, j, ancilla = pair // m, n + pair % m, n + m + pair
        weight = w[i, pair % m]
        for bits in ((0, 0), (0, 1), (1, 0), (1, 1)):
            parity = 1 - 2 * (bits[0] ^ bits[1])
            angle = 2 * math.asin(math.exp((weight * parity - abs(weight)) / (2 * k)))
            flips = [QubitGate("x", (u,)) for u, bit in zip((i, j), bits, strict=True) if not bit]
            gates += [*flips, *_doubly_controlled(i, j, ancilla, angle), *flips]
        gates.append(QubitGate("measure", (ancilla,), bit=n + m + pair))
    gates += [QubitGate("measure", (u,), bit=u) for u in range(n + m)]
    return QubitCircuit(n + m + n * m, tuple(gates))


def _doubly_controlled(one, other, target, angle):
    half = Angle(angle / 2)
    return [
        QubitGate("cry", (other, target), half),
        QubitGate("cx", (one, other)),
        QubitGate("cry", (other, target), -half),
        QubitGate("cx", (one, other)),
        QubitGate("cry", (one, target), half),
    ]


# ------------------------------------------------------------- states of machines

NODES = ("none", "tanh", "complex_tanh")
MAPPINGS = [
    ("jordan_wigner", {}),
    ("parity", {}),
    ("bravyi_kitaev", {}),
    ("parity", {"reduced": True}),
    ("bravyi_kitaev", {"reduced": True}),
    ("jordan_wigner", {"tapered": True}),
    ("parity", {"tapered": True}),
]
"""Mapping names, with what needs no qubits."""
PARTS = {"none": 0, "tanh": 1, "complex_tanh": 2}


def random_params(n, m, node, seed, scale=0.7):
    """Parameters of a machine with a sign node, in the machine's own order."""
    n_params = n + m + n * m + (n + 1) * PARTS[node]
    return np.random.default_rng(seed).normal(scale=scale, size=n_params)


def brute_amplitudes(params, sigma, m):
    """Amplitudes by the sum over all hidden configurations, no closed form, ``(len(sigma),)``."""
    n = sigma.shape[1]
    a, b, w, *rest = np.split(np.asarray(params), np.cumsum([n, m, n * m]))
    h = spins(m)
    logs = (sigma @ a)[:, None] + h @ b + sigma @ w.reshape(n, m) @ h.T
    roots = np.sqrt(np.exp(logs).sum(axis=1))
    node = [part[0] + sigma @ part[1:] for part in rest[0].reshape(-1, n + 1)]
    if not node:
        return roots
    return roots * np.tanh(node[0] if len(node) == 1 else node[0] + 1j * node[1])


def unit_state(params, n, m):
    """The normalised state of a machine on n wires, wire 0 the highest bit, ``(2**n,)``."""
    values = brute_amplitudes(params, spins(n), m)
    return values / np.linalg.norm(values)


def central_differences(function, params, step=1e-5):
    """Derivatives of a function of the parameters, its values' axes behind them."""
    steps = step * np.eye(len(params))
    return np.array([(function(params + s) - function(params - s)) / (2 * step) for s in steps])


def random_hermitian(n_qubits, seed, *, is_complex=True):
    """A dense Hermitian matrix on qubits."""
    rng = np.random.default_rng(seed)
    shape = (1 << n_qubits, 1 << n_qubits)
    matrix = rng.normal(size=shape) + (1j * rng.normal(size=shape) if is_complex else 0)
    return 0.5 * (matrix + matrix.conj().T)


def lithium_hydride(length=1.595):
    """LiH with 1s frozen and both pi orbitals dropped: two electrons in three sigma orbitals."""
    molecule = qm.Molecule.from_xyz(f"Li 0 0 0; H 0 0 {length}")
    return qm.molecular_hamiltonian(molecule, qm.ActiveSpace(indices=(1, 2, 5)))
