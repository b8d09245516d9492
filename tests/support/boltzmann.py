"""Boltzmann machines by enumeration, and the Gibbs circuit as it was first published."""

from __future__ import annotations

import math

import numpy as np
from dense_qubits import dense_outcomes

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
