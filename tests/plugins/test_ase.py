"""Our surfaces in ASE: units, relaxations, vibrations, paths, dynamics, and what is refused."""

import warnings

import ase.io
import numpy as np
import pytest
import torch
from ase import Atoms, units
from ase.calculators.calculator import CalculationFailed, PropertyNotImplementedError
from ase.mep import NEB
from ase.optimize import BFGS, FIRE
from ase.vibrations import Vibrations

import qmlmat as qm
from qmlmat.errors import GeometryError, InputError, QmlmatWarning
from qmlmat.plugins.ase import SurfaceCalculator, SurfaceError
from qmlmat.potentials.base import Potential
from qmlmat.units import HARTREE_IN_EV

DEPTH, WIDTH, LENGTH = 0.17, 1.9, 0.75  # a Morse curve: hartree, 1/Å, Å
GAP, STIFFNESS, LONGER = 0.4, 0.9, 1.1  # a harmonic curve above it: hartree, hartree/Å², Å
BARRIER, APART = 0.02, 0.3  # a double well: hartree, Å


class Written(Potential):
    """A model whose energies are written down: nothing to train."""

    def objective(self, data, loss):
        raise NotImplementedError

    def config(self):
        return {}

    @classmethod
    def from_config(cls, config):  # noqa: ARG003
        return cls()

    def known_between(self, low, high):
        """Say that it was trained where every distance is in this range (Å)."""
        self.domain.low.fill_(low)
        self.domain.high.fill_(high)
        return self


class TwoCurves(Written):
    """H2: Morse in the ground state, harmonic in the excited one; half of each is its error."""

    def __init__(self):
        super().__init__(("H", "H"), 2)
        self.known_between(0.4, 1.6)

    def energies(self, positions):
        length = (positions[:, 1] - positions[:, 0]).norm(dim=-1)
        morse = DEPTH * (1 - torch.exp(-WIDTH * (length - LENGTH))) ** 2
        return torch.stack([morse, GAP + 0.5 * STIFFNESS * (length - LONGER) ** 2], dim=1)

    def stderr(self, positions):
        return 0.5 * self.energies(positions)


class Exchange(Written):
    """A proton between two neons: a quartic double well along the difference of its bonds."""

    def __init__(self):
        super().__init__(("Ne", "H", "Ne"))
        self.known_between(0.3, 4.0)

    def energies(self, positions):
        left = (positions[:, 1] - positions[:, 0]).norm(dim=-1)
        right = (positions[:, 2] - positions[:, 1]).norm(dim=-1)
        well = BARRIER * (((left - right) / (2 * APART)) ** 2 - 1) ** 2
        straight = (positions[:, 2] - positions[:, 0]).norm(dim=-1)
        return (well + (left + right - 2.4) ** 2 + (straight - 2.4) ** 2)[:, None]


class Tethers(Written):
    """Atoms held at sites by springs, each in three directions."""

    def __init__(self, n_atoms=24):
        super().__init__(("Ar",) * n_atoms)
        self.known_between(0.0, 1e3)
        self.sites = torch.arange(3.0 * n_atoms, dtype=torch.float64).reshape(n_atoms, 3)

    def energies(self, positions):
        return 0.05 * (positions - self.sites).square().sum(dim=(1, 2))[:, None]


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


def stretched(length, model="H2", **settings):
    """Return a hydrogen molecule along a slanted axis, with a calculator."""
    axis = np.array([2.0, 3.0, 6.0]) / 7.0
    atoms = Atoms(model, [np.zeros(3), length * axis])
    atoms.calc = SurfaceCalculator(**settings)
    return atoms, axis


def drift(energies, times):
    """Return how far the straight line through energies has gone at the end."""
    return abs(np.polyfit(times, energies, 1)[0]) * (times[-1] - times[0])


def constant_energy(n_steps, step):
    """Return the drift and the fluctuation per atom (eV) of a vibrating, turning molecule."""
    from ase.md.verlet import VelocityVerlet

    atoms, _ = stretched(0.85, surface=TwoCurves())
    atoms.set_velocities([[0.01, 0, 0], [-0.01, 0.0, 0]])
    dynamics = VelocityVerlet(atoms, step * units.fs)
    energies = []
    dynamics.attach(lambda: energies.append(atoms.get_total_energy() / len(atoms)))
    dynamics.run(n_steps)
    return drift(np.array(energies), np.arange(len(energies))), np.ptp(energies)


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


# ------------------------------------------------------------------------ what ASE does with it


@pytest.mark.parametrize("optimiser", [BFGS, FIRE])
def test_relaxing_finds_the_minimum(optimiser):
    """The bond becomes Morse's equilibrium length."""
    atoms, _ = stretched(0.95, surface=TwoCurves())
    assert optimiser(atoms, logfile=None).run(fmax=1e-5, steps=200)
    assert atoms.get_distance(0, 1) == pytest.approx(LENGTH, abs=1e-6)


def test_relaxing_in_an_excited_state_finds_its_own_minimum():
    """The excited state's bond is the longer one."""
    atoms, _ = stretched(0.8, surface=TwoCurves(), state=1)
    assert BFGS(atoms, logfile=None).run(fmax=1e-5, steps=200)
    assert atoms.get_distance(0, 1) == pytest.approx(LONGER, abs=1e-6)


def test_vibrations_are_those_of_the_curvature(tmp_path):
    """Morse: ``omega = a sqrt(2 D / mu)``; the other five are translations and rotations."""
    atoms, _ = stretched(LENGTH, surface=TwoCurves())
    vibrations = Vibrations(atoms, name=str(tmp_path / "vib"), delta=1e-3)
    vibrations.run()
    found = np.sort(np.abs(vibrations.get_frequencies()))
    mass = atoms.get_masses()[0] / 2
    exact = WIDTH * np.sqrt(2 * DEPTH * HARTREE_IN_EV / mass) / units.invcm * units._hbar
    exact *= units.J * 1e10 * np.sqrt(units._e / units._amu)
    assert found[-1] == pytest.approx(exact, rel=1e-4)
    assert found[:-1].max() < 1e-2 * exact


def test_the_barrier_of_a_double_well_is_found_by_a_nudged_band():
    """A proton between two atoms in a row: the highest image is the barrier between the wells."""
    ends = []
    for side in (1, -1):
        atoms = Atoms("NeHNe", [[0, 0, 0], [1.2 + side * APART, 0, 0], [2.4, 0, 0]])
        ends.append(atoms)
    images = [ends[0], *(ends[0].copy() for _ in range(3)), ends[1]]
    for image in images:
        image.calc = SurfaceCalculator(Exchange())
    band = NEB(images, climb=True, method="improvedtangent")
    band.interpolate()
    assert BFGS(band, logfile=None).run(fmax=1e-4, steps=100)
    barrier = max(i.get_potential_energy() for i in images) - images[0].get_potential_energy()
    assert barrier == pytest.approx(BARRIER * HARTREE_IN_EV, abs=1e-6)


def test_energy_is_kept_in_dynamics_without_a_thermostat():
    """0.2 ps of velocity Verlet: no drift."""
    assert constant_energy(800, 0.25)[0] < 1e-4


@pytest.mark.slow
def test_energy_is_kept_over_five_picoseconds():
    """5 ps: less than 1e-4 eV per atom, by the line through the total energy."""
    gone, spread = constant_energy(20000, 0.25)
    assert gone < 1e-4
    assert spread < 0.02


def test_a_thermostat_reaches_its_temperature():
    """Langevin: the mean is within four standard errors, taken from blocks."""
    from ase.md.langevin import Langevin
    from ase.md.velocitydistribution import thermalize_momenta

    model = Tethers()
    atoms = Atoms("Ar24", model.sites.numpy(), calculator=SurfaceCalculator(model))
    rng = np.random.default_rng(5)
    thermalize_momenta(atoms, 300.0, rng=rng)
    dynamics = Langevin(
        atoms, 2 * units.fs, temperature_K=300.0, friction=0.02 / units.fs, fixcm=False, rng=rng
    )
    found = []
    dynamics.attach(lambda: found.append(atoms.get_temperature()))
    dynamics.run(1000)
    blocks = np.array(found[1:]).reshape(10, -1).mean(axis=1)
    assert abs(blocks.mean() - 300.0) < 4 * blocks.std(ddof=1) / np.sqrt(len(blocks))
    assert blocks.std(ddof=1) / np.sqrt(len(blocks)) < 15.0


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


def test_dynamics_stop_where_the_model_was_not_trained_and_keep_what_was(tmp_path):
    """The trajectory until then is complete, inside of the domain, and can be gone on with."""
    from ase.md.verlet import VelocityVerlet

    atoms, axis = stretched(LENGTH, surface=TwoCurves().known_between(0.6, 0.9))
    atoms.set_velocities(np.outer([-0.8, 0.8], axis))
    file = str(tmp_path / "until.traj")
    dynamics = VelocityVerlet(atoms, 0.1 * units.fs, trajectory=file)
    with pytest.raises(SurfaceError, match="Add geometries like this one") as caught:
        dynamics.run(100)
    assert "H-H is 0.9" in str(caught.value)
    assert isinstance(caught.value, CalculationFailed)
    assert caught.value.point.status == "outside_domain"
    frames = ase.io.read(file, index=":")
    lengths = [frame.get_distance(0, 1) for frame in frames]
    assert len(frames) > 3
    assert max(lengths) < 0.92 < atoms.get_distance(0, 1)
    assert frames[-1].get_potential_energy() > frames[0].get_potential_energy()
    atoms.positions[:] = frames[-1].positions
    assert atoms.get_potential_energy() == pytest.approx(frames[-1].get_potential_energy())


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
