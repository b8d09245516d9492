"""Read-outs in spans of states of other geometries, of circuits and of exact states."""

import numpy as np
import pytest
import torch

from qmlmat import Molecule
from qmlmat.ansatz import Ansatz
from qmlmat.errors import GeometryError, InputError
from qmlmat.potentials.conditioned import (
    ConditionedCircuit,
    EigenvectorContinuation,
    HamiltonianSource,
    LogRatio,
    SubspaceReadout,
    shared_references,
)
from qmlmat.surfaces import Geometry
from qmlmat.systems.blocks import symmetry_states

H4 = ("H",) * 4
N_SINGLETS = 20
"""Of four electrons in four orbitals (Weyl's formula)."""


def rectangle(length, other=1.23):
    """Four hydrogen atoms (Å)."""
    return Geometry(H4, [[0, 0, 0], [0, 0, other], [length, 0, 0], [length, 0, other]])


TRAINING = [rectangle(length) for length in (0.8, 1.4, 2.0)]


@pytest.fixture(scope="module")
def source():
    return HamiltonianSource(Molecule(H4, rectangle(1.5).positions))


def circuit(source, n_states=1, **settings):
    features = LogRatio(H4, (0, 2), 1.23)
    return ConditionedCircuit(
        source, Ansatz("kupccgsd", k=2), features, n_states=n_states, seed=4, **settings
    )


def lowest_singlets(source, point, n_states):
    return symmetry_states(source.at(point).hamiltonian, n_states, multiplicity=1).energies


@pytest.mark.parametrize("n_states", [1, 3])
def test_the_readout_is_never_above_the_circuit_and_never_below_the_exact_states(source, n_states):
    """The circuit's own states are in the span; Rayleigh and Ritz do the rest."""
    model = circuit(source, n_states)
    readout = SubspaceReadout(model, TRAINING)
    for length in (0.6, 1.2, 1.7):
        point = rectangle(length)
        found = readout.evaluate(point).energies
        assert (found <= model.evaluate(point).energies + 1e-10).all()
        assert (found >= lowest_singlets(source, point, n_states) - 1e-10).all()


def test_states_of_the_complete_space_are_exact(source):
    """Fifteen geometries and three references give more vectors than there are singlets."""
    model = circuit(source, 3, hidden=8)
    with torch.no_grad():
        for numbers in model.parameters():
            numbers.mul_(6.0)  # angles that differ from geometry to geometry
    readout = SubspaceReadout(model, [rectangle(r) for r in np.linspace(0.6, 2.4, 15)])
    found = readout.read(rectangle(1.7))
    assert found.n_vectors == 48
    assert found.n_kept == found.n_space == N_SINGLETS
    assert found.is_nearly_complete
    exact = lowest_singlets(source, rectangle(1.7), 3)
    assert found.solution.energies == pytest.approx(exact, abs=1e-9)
    assert found.solution.spin_squares == pytest.approx([0, 0, 0], abs=1e-8)


def test_a_training_geometry_twice_in_the_span_is_dependent(source):
    """At a training geometry the span has its vector twice: one direction less is kept."""
    found = SubspaceReadout(circuit(source), TRAINING).read(TRAINING[0])
    assert found.n_vectors == 4
    assert found.n_kept == 3
    assert found.condition > 1e12


def test_eigenvector_continuation_is_exact_where_it_was_solved(source):
    """Its vectors are the exact states there, in the same orbitals."""
    found = EigenvectorContinuation(source, TRAINING, n_states=2, multiplicity=1)
    for point in TRAINING:
        exact = lowest_singlets(source, point, 2)
        assert found.evaluate(point).energies == pytest.approx(exact, abs=1e-9)
    between = found.evaluate(rectangle(1.1)).energies
    assert (between >= lowest_singlets(source, rectangle(1.1), 2) - 1e-10).all()


def test_a_span_that_is_nearly_complete_says_so():
    """Two electrons in two orbitals have two singlets of the ground state's irrep."""
    source = HamiltonianSource(Molecule.from_xyz("H 0 0 0; H 0 0 0.74"))
    points = [Geometry(("H", "H"), [[0, 0, 0], [0, 0, r]]) for r in (0.6, 1.0)]
    surface = EigenvectorContinuation(source, points, multiplicity=1)
    found = surface.evaluate(Geometry(("H", "H"), [[0, 0, 0], [0, 0, 0.8]]))
    assert found.energies[0] == pytest.approx(found.reference, abs=1e-9)
    assert "nearly all there is" in found.notes[-1]
    assert found.status == "converged"


def test_the_gauge_is_part_of_what_defines_the_surface(source):
    """Spans of vectors in other orbitals are other surfaces."""
    fixed = HamiltonianSource(source.molecule, orbitals="fixed", anchors=TRAINING)
    one, other = (EigenvectorContinuation(where, TRAINING) for where in (source, fixed))
    assert one.inputs() != other.inputs()
    assert SubspaceReadout(circuit(source), TRAINING).inputs() != one.inputs()


def test_shared_references_are_orthogonal_singlets_of_the_average_hamiltonian(source):
    """The same at all geometries, so that one network serves them."""
    references = shared_references(source, TRAINING, 3)
    model = circuit(source, 3, references=references)
    found = SubspaceReadout(model, TRAINING).read(rectangle(1.1))
    assert found.solution.spin_squares == pytest.approx([0, 0, 0], abs=1e-8)


def test_what_cannot_be_read_is_refused(source):
    """No geometries, other atoms, more states than dimensions."""
    model = circuit(source)
    with pytest.raises(InputError, match="give one at least"):
        SubspaceReadout(model, [])
    with pytest.raises(GeometryError, match="same atoms in the same order"):
        SubspaceReadout(model, [Geometry(("H",), [[0, 0, 0]])])
    some = EigenvectorContinuation(source, TRAINING[:1], n_states=1)
    some.n_states = 2
    with pytest.raises(InputError, match="give more geometries"):
        some.read(rectangle(1.1))
    with pytest.raises(InputError, match="Ask for as many at most"):
        shared_references(source, TRAINING, 21)
