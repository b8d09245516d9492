"""Slow, obvious twins of the fast paths: plain loops over bit strings, dense matrices."""

from __future__ import annotations

import itertools
import math

import brute_force
import numpy as np
import scipy.linalg
import scipy.sparse

from qmlmat.ansatz import NumberProduct
from qmlmat.operators.sector import Sector


def determinants(norb: int, nelec: tuple[int, int]) -> list[tuple[int, ...]]:
    """All occupation tuples of a sector (alpha then beta), in the order of a flattened vector."""

    def strings(n: int) -> list[tuple[int, ...]]:
        rows = [
            tuple(1 if p in chosen else 0 for p in range(norb))
            for chosen in itertools.combinations(range(norb), n)
        ]
        return sorted(rows, key=lambda row: sum(bit << p for p, bit in enumerate(row)))

    return [a + b for a in strings(nelec[0]) for b in strings(nelec[1])]


def ladder_factors(excitation, norb):
    """The factors of ``prod_alpha a†_a a_i prod_beta a†_b a_j`` on spin orbitals."""
    factors = []
    for moves, offset in ((excitation.alpha, 0), (excitation.beta, norb)):
        for i, a in moves:
            factors += [("+", a + offset), ("-", i + offset)]
    return factors


def flipped_bits(determinant, excitation):
    """Where a qubit excitation sends a tuple of occupations: no signs; ``None`` if nowhere."""
    norb = len(determinant) // 2
    bits = list(determinant)
    for moves, offset in ((excitation.alpha, 0), (excitation.beta, norb)):
        for i, a in moves:
            if (bits[offset + i], bits[offset + a]) != (1, 0):
                return None
            bits[offset + i], bits[offset + a] = 0, 1
    return tuple(bits)


def qubit_excitation(excitation, norb, nelec):
    """The sparse matrix of a qubit excitation ``T`` in the sector: ones, and nothing else."""
    basis = determinants(norb, nelec)
    place = {bits: k for k, bits in enumerate(basis)}
    images = [(flipped_bits(bits, excitation), column) for column, bits in enumerate(basis)]
    found = [(place[image], column) for image, column in images if image is not None]
    rows, columns = zip(*found, strict=True) if found else ((), ())
    return scipy.sparse.coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(basis),) * 2)


def generator_matrix(generator, norb, nelec):
    """The dense matrix of ``T - T†``, or of ``i N``, in the sector."""
    if isinstance(generator, NumberProduct):
        named = [*generator.alpha, *(norb + p for p in generator.beta)]
        return 1j * np.diag([math.prod(d[p] for p in named) for d in determinants(norb, nelec)])
    if generator.qubit:
        excite = qubit_excitation(generator, norb, nelec).toarray()
        return excite - excite.T
    term = (1.0, ladder_factors(generator, norb))
    excite = brute_force.matrix(Sector(norb, nelec), [term])
    return excite - excite.T


def sparse_generator(generator, norb, nelec):
    """The matrix of ``T - T†``, or of ``i N``, in the sector, for larger sectors."""
    basis = brute_force.determinants(Sector(norb, nelec))
    if isinstance(generator, NumberProduct):
        mask = sum(1 << p for p in generator.alpha) | sum(1 << norb + p for p in generator.beta)
        return scipy.sparse.diags_array([1j * (bits & mask == mask) for bits in basis])
    if generator.qubit:
        excite = qubit_excitation(generator, norb, nelec).tocsr()
        return excite - excite.T
    place = {bits: k for k, bits in enumerate(basis)}
    factors = ladder_factors(generator, norb)
    rows, columns, signs = [], [], []
    for column, bits in enumerate(basis):
        sign, image = brute_force.string_of(bits, factors)
        if sign:
            rows.append(place[image])
            columns.append(column)
            signs.append(float(sign))
    excite = scipy.sparse.coo_array((signs, (rows, columns)), shape=(len(basis),) * 2).tocsr()
    return excite - excite.T


def circuit_matrix(circuit, params):
    """The dense unitary of a circuit: a product of matrix exponentials."""
    size = len(determinants(circuit.norb, circuit.nelec))
    unitary = np.eye(size)
    for gate in circuit.gates:
        generator = generator_matrix(gate.generator, circuit.norb, circuit.nelec)
        unitary = scipy.linalg.expm(gate.scale * params[gate.param] * generator) @ unitary
    return unitary


def tangents(circuit, params, start):
    """The state and its derivatives by the parameters, columns of a dense matrix."""
    ket, derivatives = start.astype(complex), np.zeros((len(start), circuit.n_params), complex)
    for gate in circuit.gates:
        generator = gate.scale * generator_matrix(gate.generator, circuit.norb, circuit.nelec)
        unitary = scipy.linalg.expm(params[gate.param] * generator)
        ket, derivatives = unitary @ ket, unitary @ derivatives
        derivatives[:, gate.param] += generator @ ket
    return ket, derivatives


class DenseObservable:
    """An observable given by its matrix on the flattened sector."""

    def __init__(self, matrix, norb, nelec) -> None:
        self.matrix, self.norb, self.nelec = matrix, norb, nelec

    def matvec(self, state):
        return (self.matrix @ state.ravel()).reshape(state.shape)


class DiagonalObservable:
    """An observable that is diagonal in the determinants."""

    def __init__(self, diagonal, norb, nelec) -> None:
        self.diagonal, self.norb, self.nelec = diagonal, norb, nelec

    def matvec(self, state):
        return self.diagonal * state


def random_observable(norb, nelec, rng):
    """A random Hermitian observable: its imaginary part counts only in complex states."""
    size = len(determinants(norb, nelec))
    matrix = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    return DenseObservable(matrix + matrix.conj().T, norb, nelec)
