"""Surfaces: what they return, and that results survive their plain values."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmlmat.errors import GeometryError, InputError
from qmlmat.solvers import VQE, Exact
from qmlmat.surfaces import FunctionSurface, Geometry, PointResult, SolverSurface
from qmlmat.systems import ActiveSpace, Molecule, molecular_hamiltonian

H2 = Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.7414]])
floats = st.floats(allow_infinity=False)


def _at(length: float) -> Geometry:
    return Geometry(("H", "H"), np.array([[0, 0, 0], [0, 0, length]]))


@given(
    energies=st.lists(floats, min_size=1, max_size=4),
    reference=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    notes=st.lists(st.text(), max_size=2),
    wall_time=st.floats(0, 1e6),
)
def test_a_result_survives_json_to_the_last_bit(energies, reference, notes, wall_time):
    """to_dict, JSON and from_dict give every float64 back, NaN included."""
    result = PointResult(
        energies=np.array(energies),
        stderr=np.array(energies),
        forces=np.array([energies[:1] * 3]),
        reference=reference,
        columns={"hartree_fock": 0.1 + 0.2},
        notes=tuple(notes),
        wall_time=wall_time,
    )
    again = PointResult.from_dict(json.loads(json.dumps(result.to_dict(), allow_nan=False)))
    assert again.energies.tobytes() == result.energies.tobytes() or np.isnan(energies).any()
    np.testing.assert_array_equal(again.energies, result.energies)
    np.testing.assert_array_equal(again.forces, result.forces)
    assert (again.reference, again.notes) == (reference, tuple(notes))
    assert again.columns == result.columns
    assert again.wall_time == wall_time


def test_a_solver_surface_is_the_solver_at_the_points_geometry():
    """Exact at 1.2 Å is the spectrum of the Hamiltonian there, with Hartree-Fock beside it."""
    result = SolverSurface(H2, ActiveSpace(), Exact(), n_states=2).evaluate(_at(1.2))
    hamiltonian = molecular_hamiltonian(H2.with_positions(_at(1.2).positions))
    assert result.energies == pytest.approx(hamiltonian.spectrum(2).energies, abs=1e-10)
    assert result.columns["hartree_fock"] == pytest.approx(hamiltonian.mean_field_energy, abs=1e-9)
    assert result.reference == pytest.approx(result.energies[0], abs=1e-10)
    assert result.status == "converged"
    assert result.wall_time > 0


def test_a_guess_is_where_the_solver_starts():
    """The neighbour's parameters save iterations against a cold start."""
    surface = SolverSurface(H2, ActiveSpace(), VQE("uccsd", initial="zero"))
    cold = surface.evaluate(_at(1.0))
    warm = surface.evaluate(_at(1.0), guess=cold)
    assert len(warm.solution.history) < len(cold.solution.history)
    assert warm.energies == pytest.approx(cold.energies, abs=1e-9)


@pytest.mark.filterwarnings("ignore::qmlmat.errors.QmlmatWarning")
def test_the_seed_reaches_the_solver():
    """Random starts follow the surface's seed: the same one the same, another one another."""

    def start(seed):
        solver = VQE("uccsd", initial="random", max_iterations=1)
        return SolverSurface(H2, ActiveSpace(), solver, seed=seed).evaluate(_at(1.0)).solution

    assert start(1).history[0].energy == start(1).history[0].energy
    assert start(1).history[0].energy != start(2).history[0].energy


def test_a_surface_refuses_other_atoms():
    """The atoms of the point must be the molecule's."""
    point = Geometry(("He", "H"), np.array([[0, 0, 0], [0, 0, 1.0]]))
    with pytest.raises(GeometryError, match="path made from the same molecule"):
        SolverSurface(H2, ActiveSpace(), Exact()).evaluate(point)


def test_equal_settings_have_equal_inputs_and_different_ones_do_not():
    """inputs() holds what the energies depend on, and the geometry is not part of it."""
    surface = SolverSurface(H2, ActiveSpace(), VQE("uccsd"))
    moved = SolverSurface(H2.with_positions(_at(2.0).positions), ActiveSpace(), VQE("uccsd"))
    assert surface.inputs() == moved.inputs()
    others = [
        SolverSurface(H2, ActiveSpace(), Exact()),
        SolverSurface(H2, ActiveSpace(2, 2), VQE("uccsd")),
        SolverSurface(H2, ActiveSpace(), VQE("uccsd"), seed=1),
        SolverSurface(H2, ActiveSpace(), VQE("uccsd"), n_states=2),
        SolverSurface(H2, ActiveSpace(), VQE("uccgsd")),
    ]
    assert all(other.inputs() != surface.inputs() for other in others)


def test_a_function_is_a_surface():
    """Any function of the positions can be scanned."""
    surface = FunctionSurface(lambda x: [x[1, 2], 2.0], unit="eV", name="linear")
    result = surface.evaluate(_at(1.5))
    assert result.energies.tolist() == [1.5, 2.0]
    assert (result.unit, surface.inputs()) == ("eV", {"function": "linear", "unit": "eV"})


def test_a_function_is_known_by_its_own_name():
    """Without a name given, the function's with its module: two modules may each have one."""
    assert FunctionSurface(_at).inputs()["function"] == f"{__name__}._at"
    assert FunctionSurface(abs).inputs()["function"] == "builtins.abs"


@pytest.mark.parametrize("returned", [float("nan"), [1.0, float("inf")]])
def test_a_function_that_returns_nan_is_a_failed_point(returned):
    """One geometry beyond the function's reach costs one point, and no number is read from it."""
    result = FunctionSurface(lambda _: returned).evaluate(_at(1.0))
    assert result.failed
    assert "the function returned" in result.status
    assert np.isnan(result.energies).all()


@pytest.mark.parametrize("returned", [[], [[1.0]]])
def test_a_function_that_returns_no_energy_is_refused(returned):
    """No point could be right: the function is at fault."""
    with pytest.raises(InputError, match="Return one finite energy"):
        FunctionSurface(lambda _: returned).evaluate(_at(1.0))


def test_a_function_that_raises_at_a_geometry_fails_there():
    """Somebody's program that stops is a failed point, with its reason."""

    def stops(positions):
        raise ValueError("no convergence")

    found = FunctionSurface(stops, "eV").evaluate(_at(1.0))
    assert found.failed
    assert found.status == "failed: the function raised ValueError: no convergence"
    assert found.unit == "eV"


def test_a_slip_in_a_functions_code_is_shown():
    """It would fail everywhere: the traceback says where."""

    def slips(positions):
        return positions.no_such_thing

    with pytest.raises(AttributeError, match="no_such_thing"):
        FunctionSurface(slips).evaluate(_at(1.0))
