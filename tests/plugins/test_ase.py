"""Our surfaces in ASE: values and units, what is asked of a surface, and what is refused."""

import warnings

import ase.io
import numpy as np
import pytest
import torch
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError
from written_potentials import (
    DEPTH,
    GAP,
    LENGTH,
    LONGER,
    STIFFNESS,
    WIDTH,
    TwoCurves,
    stretched,
)

import qmlmat as qm
from qmlmat.errors import CapabilityError, GeometryError, InputError, QmlmatWarning
from qmlmat.plugins.ase import SurfaceCalculator, SurfaceError
from qmlmat.potentials.conditioned import ConditionedCircuit, HamiltonianSource, LogRatio
from qmlmat.units import HARTREE_IN_EV


class Recorded:
    """A surface that notes where it was asked, and from which guess."""

    def __init__(self, status="converged", n_states=1):
        self.status, self.n_states, self.asked = status, n_states, []

    def evaluate(self, point, *, guess=None):
        self.asked.append(guess)
        energy = 0.5 * (point.distance(0, 1) - 1.0) ** 2
        return qm.PointResult(energies=energy + np.arange(self.n_states), status=self.status)

    def inputs(self):
        return {}


# ------------------------------------------------------------------------------ values, in eV


@pytest.mark.parametrize("state", [0, 1])
def test_energies_and_forces_of_a_model_are_the_closed_forms_in_ev(state):
    """Both states of Morse and harmonic curves, hartree to eV, forces along the bond."""
    length = 0.9
    atoms, axis = stretched(length, surface=TwoCurves(), state=state)
    decay = np.exp(-WIDTH * (length - LENGTH))
    energies = [DEPTH * (1 - decay) ** 2, GAP + 0.5 * STIFFNESS * (length - LONGER) ** 2]
    slopes = [2 * DEPTH * WIDTH * decay * (1 - decay), STIFFNESS * (length - LONGER)]
    expected = HARTREE_IN_EV * energies[state]
    assert atoms.get_potential_energy() == pytest.approx(expected, abs=1e-12)
    assert atoms.get_potential_energy(force_consistent=True) == atoms.get_potential_energy()
    pull = HARTREE_IN_EV * slopes[state] * axis
    np.testing.assert_allclose(atoms.get_forces(), [pull, -pull], atol=1e-11)
    both = atoms.calc.get_property("state_energies", atoms)
    np.testing.assert_allclose(both, HARTREE_IN_EV * np.array(energies), atol=1e-12)
    assert atoms.calc.results["energy_stderr"] == pytest.approx(0.5 * expected, abs=1e-12)


def test_a_model_in_single_precision_gives_what_it_gives_in_double():
    """float32 inside; ASE gets float64 arrays, right to single precision."""
    double, _ = stretched(0.9, surface=TwoCurves())
    single, _ = stretched(0.9, surface=TwoCurves().to(torch.float32))
    assert single.get_forces().dtype == np.float64
    np.testing.assert_allclose(single.get_forces(), double.get_forces(), atol=1e-4)


def test_a_surface_in_ev_stays_in_ev():
    """A function's own unit is kept; its forces by differences."""
    spring = qm.FunctionSurface(lambda x: 2.0 * (np.linalg.norm(x[1] - x[0]) - 1.0) ** 2, "eV")
    atoms, axis = stretched(1.3, surface=spring, difference=1e-3)
    assert atoms.get_potential_energy() == pytest.approx(0.18, abs=1e-12)
    np.testing.assert_allclose(atoms.get_forces(), [1.2 * axis, -1.2 * axis], atol=1e-6)
    assert "energy_stderr" not in atoms.calc.results
    with pytest.raises(PropertyNotImplementedError):
        atoms.calc.get_property("energy_stderr", atoms)


def test_forces_of_a_solver_are_differences_of_its_energies():
    """Full CI of H2: analytic forces beside central differences, ground and excited state."""
    molecule = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.8")
    solved = qm.SolverSurface(molecule, qm.ActiveSpace(), qm.Exact(), forces=True)
    atoms, _ = stretched(0.8, surface=solved)
    plain = qm.SolverSurface(molecule, qm.ActiveSpace(), qm.Exact(), n_states=2)
    by_steps, _ = stretched(0.8, surface=plain, difference=1e-3)
    np.testing.assert_allclose(atoms.get_forces(), by_steps.get_forces(), atol=1e-4)
    above, axis = stretched(0.8, surface=plain, state=1, difference=1e-3)
    ahead, _ = stretched(0.801, surface=plain, state=1)
    behind, _ = stretched(0.799, surface=plain, state=1)
    slope = (ahead.get_potential_energy() - behind.get_potential_energy()) / 0.002
    np.testing.assert_allclose(above.get_forces()[0], slope * axis, atol=1e-4)


# ------------------------------------------------------------------------------- what is asked


def test_nothing_is_computed_twice():
    """Energies, forces and states of one geometry are one evaluation; a moved atom is another."""
    surface = Recorded()
    atoms, _ = stretched(1.2, surface=surface, difference=1e-3)
    for _ in range(3):
        atoms.get_potential_energy()
        atoms.get_forces()
    assert len(surface.asked) == 1 + 12
    atoms.set_cell([9, 9, 9])
    atoms.set_masses([1, 2])
    atoms.get_potential_energy()
    assert len(surface.asked) == 1 + 12
    atoms.positions[0, 0] += 0.01
    atoms.get_potential_energy()
    assert len(surface.asked) == 2 + 12


def test_a_solver_starts_from_the_last_point_until_reset():
    """The guess is the point before, of differences the point in their middle."""
    surface = Recorded()
    atoms, _ = stretched(1.2, surface=surface, difference=1e-3)
    atoms.get_potential_energy()
    first = atoms.calc.point
    atoms.get_forces()
    assert surface.asked[0] is None
    assert all(guess is first for guess in surface.asked[1:])
    atoms.positions[1] *= 1.01
    atoms.get_potential_energy()
    assert surface.asked[-1] is first
    atoms.calc.reset()
    atoms.get_potential_energy()
    assert surface.asked[-1] is None


def test_results_are_written_and_read_by_ase(tmp_path):
    """Trajectories, extended XYZ and databases hold energy and forces."""
    from ase.db import connect

    atoms, _ = stretched(0.9, surface=TwoCurves())
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    for name in ("frames.traj", "frames.extxyz"):
        atoms.write(tmp_path / name)
        read = ase.io.read(tmp_path / name)
        assert read.get_potential_energy() == pytest.approx(energy, abs=1e-7)
        np.testing.assert_allclose(read.get_forces(), forces, atol=1e-7)
    with connect(tmp_path / "frames.db") as database:
        database.write(atoms)
    assert database.get(id=1).energy == pytest.approx(energy)
    properties = atoms.get_properties(["energy", "forces"])
    assert properties["energy"] == pytest.approx(energy)


def test_it_is_a_public_name():
    """Loaded on first use, so that the package does not load ASE."""
    assert qm.SurfaceCalculator is SurfaceCalculator


# ------------------------------------------------------------------------------ stops, refusals


def test_outside_of_the_domain_one_warning_each_time_is_enough_to_go_on():
    """A warning as the domain is left, none for further steps outside, one at the next time."""
    atoms, axis = stretched(LENGTH, surface=TwoCurves().known_between(0.6, 0.9), outside="warn")
    heard = []
    for length in (0.8, 1.0, 1.1, 0.8, 1.2):
        atoms.positions[1] = length * axis
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            atoms.get_potential_energy()
        heard.append([str(w.message) for w in caught])
    assert [len(h) for h in heard] == [0, 1, 0, 0, 1]
    assert "trained from 0.600 to 0.900" in heard[1][0]


def test_a_solver_that_did_not_converge_stops_or_warns():
    """Its status is told."""
    atoms, _ = stretched(1.2, surface=Recorded("iteration_limit"))
    with pytest.raises(SurfaceError, match=r'"iteration_limit".*more iterations'):
        atoms.get_potential_energy()
    atoms.calc = SurfaceCalculator(Recorded("iteration_limit"), outside="warn")
    with pytest.warns(QmlmatWarning, match="iteration_limit"):
        assert atoms.get_potential_energy() == pytest.approx(0.02 * HARTREE_IN_EV)


def test_a_point_without_energy_always_stops():
    """Also with ``outside="warn"``: there is nothing to go on with; the next geometry may do."""
    surface = qm.FunctionSurface(lambda x: np.sqrt(x[1, 2] - 1.0), "eV")
    atoms = Atoms("H2", [[0, 0, 0], [0, 0, 0.5]])
    atoms.calc = SurfaceCalculator(surface, outside="warn")
    with np.errstate(invalid="ignore"), pytest.raises(SurfaceError, match="Take shorter steps"):
        atoms.get_potential_energy()
    atoms.positions[1, 2] = 2.0
    assert atoms.get_potential_energy() == pytest.approx(1.0)


def test_forces_that_are_not_there_are_refused_with_what_to_do():
    """ASE's own error; energies alone are given."""
    surface = Recorded(n_states=2)
    for state in (0, 1):
        atoms, _ = stretched(1.2, surface=surface, state=state)
        assert atoms.get_potential_energy() == pytest.approx((0.02 + state) * HARTREE_IN_EV)
        with pytest.raises(PropertyNotImplementedError, match="difference=1e-3"):
            atoms.get_forces()


@pytest.mark.parametrize("symbols", ["HF", "H3"])
def test_other_atoms_than_the_model_has_are_refused(symbols):
    """Another element, another number."""
    atoms = Atoms(symbols, np.eye(3)[: len(Atoms(symbols))])
    atoms.calc = SurfaceCalculator(TwoCurves())
    with pytest.raises(GeometryError, match="same atoms in the same order"):
        atoms.get_potential_energy()


def test_other_atoms_than_the_solver_has_are_refused():
    """Also for surfaces that look by themselves, and after atoms have changed."""
    surface = qm.SolverSurface(
        qm.Molecule.from_xyz("Li 0 0 0; H 0 0 1.6"), qm.ActiveSpace(2, 2), qm.Exact()
    )
    atoms = Atoms("HLi", [[0, 0, 0], [0, 0, 1.6]], calculator=SurfaceCalculator(surface))
    with pytest.raises(GeometryError, match="same molecule"):
        atoms.get_potential_energy()
    model, _ = stretched(0.9, surface=TwoCurves())
    model.get_potential_energy()
    model.set_chemical_symbols(["H", "F"])
    for _ in range(2):
        with pytest.raises(GeometryError, match="same atoms in the same order"):
            model.get_potential_energy()


def test_periodic_boundaries_are_refused():
    """The molecule is alone in space."""
    atoms, _ = stretched(0.9, surface=TwoCurves())
    atoms.set_cell([5, 5, 5])
    atoms.pbc = (True, False, False)
    with pytest.raises(GeometryError, match=r"atoms\.pbc = False"):
        atoms.get_potential_energy()


def test_a_state_that_is_not_there_is_refused():
    """Of models and of other surfaces."""
    for surface in (TwoCurves(), Recorded(n_states=2)):
        atoms, _ = stretched(0.9, surface=surface, state=2)
        with pytest.raises(InputError, match=r"Use (0 to 1|at most 1)"):
            atoms.get_potential_energy()


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"state": -1}, "count from 0"),
        ({"outside": "ignore"}, '"stop" or "warn"'),
        ({"difference": 0.0}, "Use 1e-3"),
        ({"difference": np.inf}, "Use 1e-3"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, remedy):
    """At once, not at the first step."""
    with pytest.raises(InputError, match=remedy):
        SurfaceCalculator(TwoCurves(), **settings)


def test_a_calculation_without_atoms_is_refused():
    """As ASE's calculators may be called by hand."""
    with pytest.raises(InputError, match="Give atoms"):
        SurfaceCalculator(TwoCurves()).calculate()


def test_a_circuit_without_forces_still_gives_energies(monkeypatch):
    """Where the orbitals' response is not known; the reason is told when forces are asked for."""
    molecule = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.8")
    features = LogRatio("HH", (0, 1), 0.8)
    model = ConditionedCircuit(HamiltonianSource(molecule), "kupccgsd", features)
    model.domain.low.fill_(0.4)
    model.domain.high.fill_(1.6)

    def unknown(*_, **__):
        raise CapabilityError("the response is not known")

    monkeypatch.setattr("qmlmat.potentials.conditioned.states.energy_gradient", unknown)
    atoms, _ = stretched(0.8, surface=model)
    expected = model.evaluate(qm.Geometry(("H", "H"), atoms.positions)).energies[0]
    assert atoms.get_potential_energy() == pytest.approx(HARTREE_IN_EV * expected, abs=1e-9)
    with pytest.raises(PropertyNotImplementedError, match="the response is not known"):
        atoms.get_forces()
