"""The gates of ffsim, an independent program for fermions, are taken as they are."""

from __future__ import annotations

import ffsim
import ffsim.qiskit as gates
import numpy as np
import pytest
from problems import random_hamiltonian
from qiskit import QuantumCircuit
from qiskit.primitives import StatevectorEstimator

from qmlmat.backends.qiskit.operators import to_sparse_pauli_op
from qmlmat.operators.jordan_wigner import molecular_pauli_sum
from qmlmat.plugins.qiskit import SectorEstimator

NORB, NELEC = 3, (2, 1)
ATOL = 1e-10  # exact simulators, float64
RNG = np.random.default_rng(0)


def _ucj():
    n_reps, shape = 2, (2, 2, NORB, NORB)
    symmetric = RNG.normal(size=shape)
    rotations = np.stack([ffsim.random.random_unitary(NORB, seed=k) for k in range(n_reps)])
    last = ffsim.random.random_unitary(NORB, seed=9)
    coulomb = symmetric + symmetric.transpose(0, 1, 3, 2)
    return ffsim.UCJOpSpinBalanced(coulomb, rotations, final_orbital_rotation=last)


def _pairs():
    return [(0, 1), (1, 2)]


def _gates():
    """Gates by name, on all spin orbitals."""
    unitary = ffsim.random.random_unitary(NORB, seed=1)
    orthogonal = ffsim.random.random_orthogonal(NORB, seed=2)
    symmetric = ffsim.random.random_real_symmetric_matrix(NORB, seed=3)
    givens = ffsim.GivensAnsatzOp(
        NORB, [(0, 1), (1, 2)], RNG.normal(size=2), RNG.normal(size=2), RNG.normal(size=NORB)
    )
    numbers = ffsim.NumNumAnsatzOpSpinBalanced(
        NORB, (_pairs(), _pairs()), (RNG.normal(size=2), RNG.normal(size=2))
    )
    return {
        "rotation": gates.OrbitalRotationJW(NORB, unitary),
        "real rotation": gates.OrbitalRotationJW(NORB, (orthogonal, unitary)),
        "coulomb": gates.DiagCoulombEvolutionJW(NORB, symmetric, 0.3),
        "coulomb by z": gates.DiagCoulombEvolutionJW(NORB, symmetric, 0.3, z_representation=True),
        "numbers": gates.NumOpSumEvolutionJW(NORB, RNG.normal(size=NORB), 0.7),
        "ucj": gates.UCJOpSpinBalancedJW(_ucj()),
        "givens": gates.GivensAnsatzOpJW(givens),
        "number pairs": gates.NumNumAnsatzOpSpinBalancedJW(numbers),
    }


GATES = _gates()


def checked(circuit: QuantumCircuit) -> None:
    """Compare a molecule's energy and some occupations."""
    hamiltonian = random_hamiltonian(np.random.default_rng(5), NORB, NELEC)
    words = molecular_pauli_sum(hamiltonian.one_body, hamiltonian.two_body)
    pub = (circuit, [to_sparse_pauli_op(words), "IIIIZZ", "ZIIZII"])
    (theirs,) = StatevectorEstimator().run([pub]).result()
    for order in (None, "blocked"):
        (ours,) = SectorEstimator(spin_order=order, nelec=NELEC).run([pub]).result()
        np.testing.assert_allclose(ours.data.evs, theirs.data.evs, atol=ATOL)


@pytest.mark.parametrize("name", sorted(GATES))
def test_gates_of_ffsim_are_taken_as_they_are(name):
    """After Hartree-Fock and a rotation, so that every phase is seen in the next rotation."""
    circuit = QuantumCircuit(2 * NORB)
    circuit.append(gates.PrepareHartreeFockJW(NORB, NELEC), range(2 * NORB))
    for gate in (GATES["rotation"], GATES[name], GATES["rotation"].inverse()):
        circuit.append(gate, range(2 * NORB))
    checked(circuit)


def test_slater_determinants_of_ffsim_are_taken_as_they_are():
    """X gates and Givens rotations."""
    circuit = QuantumCircuit(2 * NORB)
    rotation = ffsim.random.random_unitary(NORB, seed=4)
    occupied = ([0, 2], [1])
    circuit.append(
        gates.PrepareSlaterDeterminantJW(NORB, occupied, orbital_rotation=rotation),
        range(2 * NORB),
    )
    circuit.append(GATES["coulomb"], range(2 * NORB))
    circuit.append(GATES["rotation"], range(2 * NORB))
    checked(circuit)
