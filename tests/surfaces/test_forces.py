"""Forces of a solver's surface: derivatives of its energies, or a reason."""

import dataclasses

import numpy as np
import pytest

from qmlmat.errors import CapabilityError, QmlmatWarning
from qmlmat.solvers import ADAPTVQE, VQE, Exact
from qmlmat.surfaces import Distance, Geometry, SolverSurface, line, load_scan, scan
from qmlmat.systems import ActiveSpace, Molecule
from qmlmat.units import BOHR_IN_ANGSTROM

LITHIUM_HYDRIDE = Molecule.from_xyz("Li 0 0 0; H 0 0 1.7")
WATER = Molecule.from_xyz("O 0 0 0; H 0.75 0 0.6; H -0.8 0 0.55")
FROZEN = ActiveSpace(freeze_core=True)
STEP = 2e-3  # bohr


def _at(molecule, shift=(0, 2, 0.0)):
    atom, axis, by = shift
    positions = np.array(molecule.positions)
    positions[atom, axis] += by
    return Geometry(molecule.symbols, positions)


@pytest.mark.parametrize("solver", [Exact(), VQE("uccsd")])
@pytest.mark.parametrize("space", [ActiveSpace(), FROZEN])
@pytest.mark.parametrize("molecule", [LITHIUM_HYDRIDE, WATER], ids=["LiH", "H2O"])
def test_forces_are_minus_the_slope_of_the_surfaces_own_energies(molecule, space, solver):
    """STO-3G, every orbital or a frozen core, at default tolerances: 1e-6 hartree per bohr."""
    surface = SolverSurface(molecule, space, solver, forces=True)
    middle = surface.evaluate(_at(molecule))
    assert middle.forces.shape == (len(molecule.symbols), 3)
    energies = [
        surface.evaluate(_at(molecule, (1, 2, k * STEP * BOHR_IN_ANGSTROM))).energies[0]
        for k in (2, 1, -1, -2)
    ]
    slope = (8 * (energies[1] - energies[2]) - energies[0] + energies[3]) / (12 * STEP)
    assert middle.forces[1, 2] * BOHR_IN_ANGSTROM == pytest.approx(-slope, abs=1e-6)
    assert not any("No forces" in note for note in middle.notes)


def test_forces_of_an_adaptive_circuit_are_those_of_the_circuit_it_grew():
    """The angles of the grown circuit are stationary, and the circuit is the same nearby."""
    solver = ADAPTVQE("uccsd", gradient_tolerance=1e-5)
    surface = SolverSurface(LITHIUM_HYDRIDE, FROZEN, solver, forces=True)
    middle = surface.evaluate(_at(LITHIUM_HYDRIDE))
    ends = [surface.evaluate(_at(LITHIUM_HYDRIDE, (1, 2, by))).energies[0] for by in (1e-3, -1e-3)]
    assert middle.forces[1, 2] == pytest.approx((ends[1] - ends[0]) / 2e-3, abs=1e-5)


def test_forces_of_several_states_are_the_ground_states():
    """Excited states beside it change nothing."""
    alone = SolverSurface(WATER, FROZEN, Exact(), forces=True).evaluate(_at(WATER))
    several = SolverSurface(WATER, FROZEN, Exact(), n_states=3, forces=True).evaluate(_at(WATER))
    assert several.forces == pytest.approx(alone.forces, abs=1e-6)


@pytest.mark.parametrize(
    ("solver", "reason"),
    [
        (VQE("uccsd", max_iterations=1), "iteration_limit"),
        (VQE("uccsd", gradient_tolerance=1e-2), "Tighten gradient_tolerance"),
    ],
)
def test_a_search_that_is_not_at_its_minimum_has_energies_and_no_forces(solver, reason):
    """The reason is a note of the point, and a warning."""
    surface = SolverSurface(WATER, FROZEN, solver, forces=True)
    with pytest.warns(QmlmatWarning, match="No forces"):
        result = surface.evaluate(_at(WATER))
    assert result.forces is None
    assert np.isfinite(result.energies).all()
    assert any(note.startswith("No forces") and reason in note for note in result.notes)


def test_degenerate_ground_states_have_no_forces_of_their_own():
    """The 2P ground level of boron."""
    boron = Molecule(("B",), [[0, 0, 0]], spin=1)
    surface = SolverSurface(boron, ActiveSpace(), Exact(), n_states=3, forces=True)
    with pytest.warns(QmlmatWarning, match="one of 3 degenerate ones"):
        assert surface.evaluate(_at(boron)).forces is None


def test_a_circuit_in_orbitals_that_follow_a_parent_has_no_forces():
    """Its energy depends on how orbitals were turned there; canonical ones have no such past."""
    surface = SolverSurface(WATER, FROZEN, VQE("puccd"), forces=True)
    parent = surface.evaluate(_at(WATER))
    child = _at(WATER, (1, 2, 0.2))
    with pytest.warns(QmlmatWarning, match='orbitals="canonical"'):
        assert surface.evaluate(child, guess=parent).forces is None
    canonical = dataclasses.replace(surface, orbitals="canonical")
    assert canonical.evaluate(child, guess=parent).forces is not None
    exact = dataclasses.replace(surface, solver=Exact())
    assert exact.evaluate(child, guess=parent).forces is not None


def test_orbitals_without_a_known_response_are_refused_at_once():
    """Before any calculation is made."""
    with pytest.raises(CapabilityError, match="AVAS"):
        SolverSurface(WATER, ActiveSpace(avas=("O 2p",)), Exact(), forces=True)
    with pytest.raises(CapabilityError, match="counts, indices or freeze_core"):
        SolverSurface(WATER, ActiveSpace(4, 4, natural=True), Exact(), forces=True)


def test_asking_for_nothing_more_is_no_other_surface():
    """Stores of scans without forces keep their hash."""
    plain = SolverSurface(WATER, FROZEN, Exact())
    assert "forces" not in plain.inputs()
    assert dataclasses.replace(plain, forces=True).inputs()["forces"] is True


def test_a_scan_stores_its_forces(tmp_path):
    """They come back to the last bit."""
    surface = SolverSurface(LITHIUM_HYDRIDE, FROZEN, Exact(), forces=True)
    path = line(LITHIUM_HYDRIDE, Distance(0, 1), [1.6, 1.7])
    found = scan(surface, path, store=tmp_path / "lih.db")
    again = load_scan(tmp_path / "lih.db")
    for one, other in zip(found.results, again.results, strict=True):
        np.testing.assert_array_equal(one.forces, other.forces)
        assert np.abs(one.forces).max() > 1e-3
