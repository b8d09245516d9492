"""Observables on qubits: every mapping measures what acts on determinants."""

from itertools import combinations

import numpy as np
import pytest
from molecules import HYDROGEN, LITHIUM_HYDRIDE, WATER, hamiltonian

import qmlmat as qm
from qmlmat.errors import CapabilityError, InputError
from qmlmat.operators.mappings import NAMES, qubit_mapping
from qmlmat.systems import SpinDistance, SpinSquare, WeightedSum
from qmlmat.systems.observables import QubitObservable

CHOICES = [(name, *choice) for name in NAMES for choice in ((0, 0), (1, 0), (0, 1), (1, 1))]


@pytest.fixture(scope="module")
def problem():
    """LiH, (2e, 3o): sigma orbitals only."""
    molecule = qm.Molecule.from_xyz(LITHIUM_HYDRIDE)
    return qm.molecular_hamiltonian(molecule, qm.ActiveSpace(indices=(1, 2, 5)))


def determinants(sector):
    """The occupations of a sector in the order of its states."""
    spins = [
        sorted(
            ("".join("01"[p in chosen] for p in range(sector.norb)) for chosen in places),
            key=lambda bits: int(bits[::-1], 2),
        )
        for places in (list(combinations(range(sector.norb), n)) for n in sector.nelec)
    ]
    return [alpha + beta for alpha in spins[0] for beta in spins[1]]


def kept(mapping, bits):
    """Whether a determinant has the parities a mapping leaves out."""
    try:
        mapping.encode(bits)
    except InputError:
        return False
    return True


def both_matrices(observable, sector, mapping):
    """An observable's matrix on the determinants that a mapping keeps: ours, and on qubits."""
    bits = determinants(sector)
    places = [k for k, one in enumerate(bits) if kept(mapping, one)]
    units = np.eye(sector.dimension).reshape(-1, *sector.shape)
    expected = np.array([observable.matvec(unit).ravel() for unit in units])
    wires = [int(mapping.encode(bits[k]), 2) for k in places]
    matrix = observable.pauli_sum(mapping).matrix().toarray()
    assert len(places) >= 2
    return matrix[np.ix_(wires, wires)], expected[np.ix_(places, places)]


@pytest.mark.parametrize(("name", "reduced", "tapered"), CHOICES)
def test_qubits_measure_what_acts_on_determinants(problem, name, reduced, tapered):
    """Energy, spin and sums of both, in every mapping, with and without fixed parities."""
    mapping = problem.qubit_mapping(name, reduced=bool(reduced), tapered=bool(tapered))
    spin, distance = SpinSquare(3, (1, 1)), SpinDistance(3, (1, 1), 2)
    total = WeightedSum(terms=((1.0, problem), (0.3, spin), (-0.2, distance)), constant=0.7)
    for observable in (problem, spin, distance, total):
        assert isinstance(observable, QubitObservable)
        ours, expected = both_matrices(observable, problem.sector, mapping)
        np.testing.assert_allclose(ours, expected, atol=1e-11)  # float64, sums of 100 words


def test_mappings_by_name_are_the_whole_ones(problem):
    """A name stands for as many qubits as spin orbitals."""
    for name in NAMES:
        ours, whole = problem.pauli_sum(name), problem.pauli_sum(qubit_mapping(name, 3))
        assert dict(ours.words()) == dict(whole.words())


def test_tapered_hydrogen_needs_one_qubit():
    """Both parities and the irrep leave one qubit of four."""
    problem = hamiltonian(HYDROGEN)
    assert problem.qubit_mapping(tapered=True).n_qubits == 1
    tapered = problem.pauli_sum(problem.qubit_mapping(tapered=True))
    ground = np.linalg.eigvalsh(tapered.matrix().toarray())[0]
    assert ground == pytest.approx(-1.13730604, abs=1e-8)  # PySCF, full CI


def test_another_determinant_chooses_another_irrep():
    """Tapered for B1 states of water, the lowest energy is the lowest B1 state's."""
    molecule = qm.Molecule.from_xyz(WATER)
    problem = qm.molecular_hamiltonian(molecule, qm.ActiveSpace(4, 4))
    excited = "10101100"  # second orbital to third, alpha
    mapping = problem.qubit_mapping(tapered=True, occupation=excited)
    lowest = np.linalg.eigvalsh(problem.pauli_sum(mapping).matrix().toarray())
    ground = problem.qubit_mapping(tapered=True)
    assert mapping.fixed != ground.fixed
    energies = problem.spectrum(10).energies
    assert np.abs(energies - lowest[0]).min() < 1e-9
    assert lowest[0] > energies[0] + 0.1


def test_a_determinant_of_other_electrons_is_refused(problem):
    """The sector fixes the electrons of each spin."""
    with pytest.raises(InputError, match="Use a determinant of its sector"):
        problem.qubit_mapping(tapered=True, occupation="110000")


def test_terms_without_words_are_named(problem):
    """What only acts on determinants cannot be measured on qubits."""

    class Bare:
        norb, nelec = 3, (1, 1)

        def matvec(self, state):
            return state

    with pytest.raises(CapabilityError, match=r"Bare has no pauli_sum.* on determinants"):
        WeightedSum(terms=((1.0, problem), (1.0, Bare()))).pauli_sum()
