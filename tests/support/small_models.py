"""Small Hamiltonians without electrons: random matrices, two sites of a honeycomb, spins."""

import numpy as np

import qmlmat as qm


def random_matrix(size, seed):
    """A Hermitian matrix with complex entries."""
    parts = np.random.default_rng(seed).standard_normal((2, size, size))
    whole = parts[0] + 1j * parts[1]
    return 0.5 * (whole + whole.conj().T)


def two_site_band(k, difference=1.0, hopping=-2.7):
    """Two sites of a honeycomb lattice at one k (eV)."""
    phases = hopping * (1 + np.exp(2j * np.pi * k[0]) + np.exp(2j * np.pi * k[1]))
    half = 0.5 * difference
    matrix = [[half, phases], [np.conj(phases), -half]]
    return qm.BlochHamiltonian(matrix=matrix, k=(*k, 0.0), orbitals=("A", "B"))


def ising(n_qubits=3, field=0.7):
    """A ring of spins in a transverse field."""
    words = {}
    for site in range(n_qubits):
        letters = ["I"] * n_qubits
        letters[site] = "X"
        words["".join(letters)] = -field
        letters[site] = letters[(site + 1) % n_qubits] = "Z"
        words["".join(letters)] = -1.0
    return qm.QubitHamiltonian(terms=qm.PauliSum.from_words(words), unit="eV")
