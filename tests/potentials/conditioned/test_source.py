"""Hamiltonians at any geometry, in orbitals of one gauge."""

import numpy as np
import pytest

from qmlmat import ActiveSpace, Molecule, SolverSurface
from qmlmat.errors import GeometryError, InputError
from qmlmat.potentials.conditioned import HamiltonianSource
from qmlmat.solvers import Exact
from qmlmat.surfaces import Geometry

H4 = ("H",) * 4


def rectangle(length, other=1.23):
    """Four hydrogen atoms (Å)."""
    return Geometry(H4, [[0, 0, 0], [0, 0, other], [length, 0, 0], [length, 0, other]])


ANCHORS = [rectangle(1.5), rectangle(1.0)]


def source(gauge, **settings):
    molecule = Molecule(H4, rectangle(1.5).positions)
    return HamiltonianSource(molecule, orbitals=gauge, anchors=ANCHORS, **settings)


@pytest.mark.parametrize("gauge", ["canonical", "tracked", "fixed"])
def test_no_gauge_changes_the_exact_energies(gauge):
    """All orbitals are active: turning them is a change of basis."""
    found = source(gauge).at(rectangle(0.9)).hamiltonian.spectrum(3).energies
    exact = source("canonical").at(rectangle(0.9)).hamiltonian.spectrum(3).energies
    assert found == pytest.approx(exact, abs=1e-9)


def test_the_lowest_determinant_is_hartree_fock_unless_orbitals_are_fixed_across_a_swap():
    """The occupied orbital along the longer side becomes an empty one at the square."""
    for gauge, swapped in (("canonical", False), ("tracked", False), ("fixed", True)):
        problem = source(
            gauge,
        ).at(rectangle(1.0))
        gap = problem.hamiltonian.mean_field_energy - problem.mean_field.energy
        assert (gap > 1e-2) == swapped


def test_tracked_orbitals_are_those_of_a_solver_surface_that_comes_from_the_anchor():
    """The same following, and the same canonical choice where nothing is followed."""
    surface = SolverSurface(Molecule(H4, rectangle(1.5).positions), ActiveSpace(), Exact())
    parent = surface.evaluate(ANCHORS[0])
    child = surface.evaluate(rectangle(1.7), guess=parent)
    found = source("tracked").at(rectangle(1.7)).orbitals
    assert np.allclose(found.active, child.orbitals.active, atol=1e-8)


@pytest.mark.parametrize("gauge", ["tracked", "fixed"])
def test_the_answer_does_not_depend_on_what_was_asked_before(gauge):
    """Orbitals follow the anchors alone."""
    one, other = source(gauge), source(gauge)
    other.at(rectangle(0.7))
    first, second = (s.at(rectangle(1.3)).hamiltonian.one_body for s in (one, other))
    assert np.array_equal(first, second)


def test_a_geometry_is_solved_once():
    """Training asks for the same Hamiltonians again and again."""
    canonical = source("canonical")
    assert canonical.at(rectangle(1.1)) is canonical.at(rectangle(1.1))


def test_a_source_is_built_again_from_its_configuration():
    """Active space and anchors, too."""
    given = source("fixed", active_space=ActiveSpace(2, 2))
    again = HamiltonianSource.from_config(given.config())
    assert again.config() == given.config()
    point = rectangle(0.9)
    assert np.array_equal(
        again.at(point).hamiltonian.one_body, given.at(point).hamiltonian.one_body
    )


def test_wrong_gauges_anchors_and_atoms_are_refused():
    """Each with what to do."""
    molecule = Molecule(H4, rectangle(1.5).positions)
    with pytest.raises(InputError, match='"canonical"'):
        HamiltonianSource(molecule, orbitals="canonicle")
    with pytest.raises(InputError, match="Give anchors="):
        HamiltonianSource(molecule, orbitals="tracked")
    with pytest.raises(GeometryError, match="same atoms in the same order"):
        HamiltonianSource(molecule, orbitals="fixed", anchors=[Geometry(("H",), [[0, 0, 0]])])
