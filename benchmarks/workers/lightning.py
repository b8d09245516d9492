"""PennyLane's lightning.qubit with adjoint differentiation: as many gates, the same orbitals.

PennyLane's excitation gates carry no fermionic signs, which makes them no slower; its energies
therefore equal ours only without parameters. Qubits are in PennyLane's order, alternating spins.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmarks.problem import Problem
from benchmarks.workers.serve import Job, Maker, serve


def _connect() -> Mapping[str, Maker]:
    import pennylane as qml  # noqa: PLC0415 (a missing program is an answer)

    qml.device("lightning.qubit", wires=1)
    return {"uccsd": uccsd}


def uccsd(problem: Problem) -> Job:
    """Return one energy + adjoint gradient through a QNode."""
    import pennylane as qml  # noqa: PLC0415

    n_qubits = 2 * problem.norb
    observable = _observable(problem)
    occupied = [2 * p + spin for spin in (0, 1) for p in range(problem.nelec[spin])]
    start = np.isin(np.arange(n_qubits), occupied).astype(int)
    gates = []
    for moves in problem.moves():
        pairs = [(2 * i + s, 2 * a + s) for s in (0, 1) for i, a in moves[s]]
        rotation = qml.SingleExcitation if len(pairs) == 1 else qml.DoubleExcitation
        gates.append((rotation, [pair[0] for pair in pairs] + [pair[1] for pair in pairs]))

    def energy(params: object) -> object:
        qml.BasisState(start, wires=range(n_qubits))
        for (rotation, wires), angle in zip(gates, params, strict=True):  # type: ignore[call-overload]
            rotation(2 * angle, wires=wires)
        return qml.expval(observable)

    device = qml.device("lightning.qubit", wires=n_qubits)
    node = qml.QNode(energy, device, diff_method="adjoint")
    gradient = qml.grad(node)
    zero = float(node(qml.numpy.zeros(len(gates))))
    vectors = problem.vectors(len(gates))

    def run() -> object:
        return gradient(qml.numpy.array(next(vectors), requires_grad=True))

    return Job(run, {"gates": len(gates), "zero_energy": zero})


def _observable(problem: Problem) -> object:
    """Return the Jordan-Wigner Hamiltonian, from ``(ps|qr)`` for ``a†_p a†_q a_r a_s``."""
    import pennylane as qml  # noqa: PLC0415

    two_body = np.swapaxes(problem.two_body, 1, 3)
    constant = np.array([problem.core_energy])
    fermionic = qml.qchem.fermionic_observable(constant, problem.one_body, two_body)
    coefficients, words = qml.jordan_wigner(fermionic).simplify().terms()
    return qml.Hamiltonian(np.array([float(np.real(c)) for c in coefficients]), words)


if __name__ == "__main__":
    serve(("pennylane", "pennylane-lightning"), _connect)
