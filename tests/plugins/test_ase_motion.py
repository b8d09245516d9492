"""What ASE does with our surfaces: relaxations, vibrations, reaction paths and dynamics."""

import ase.io
import numpy as np
import pytest
import torch
from ase import Atoms, units
from ase.calculators.calculator import CalculationFailed
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import thermalize_momenta
from ase.md.verlet import VelocityVerlet
from ase.mep import NEB
from ase.optimize import BFGS, FIRE
from ase.vibrations import Vibrations
from written_potentials import DEPTH, LENGTH, LONGER, WIDTH, TwoCurves, Written, stretched

from qmlmat.plugins.ase import SurfaceCalculator, SurfaceError
from qmlmat.units import HARTREE_IN_EV

BARRIER, APART = 0.02, 0.3  # a double well: hartree, Å


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


def drift(energies, times):
    """Return how far the straight line through energies has gone at the end."""
    return abs(np.polyfit(times, energies, 1)[0]) * (times[-1] - times[0])


def constant_energy(n_steps, step):
    """Return the drift and the fluctuation per atom (eV) of a vibrating, turning molecule."""
    atoms, _ = stretched(0.85, surface=TwoCurves())
    atoms.set_velocities([[0.01, 0, 0], [-0.01, 0.0, 0]])
    dynamics = VelocityVerlet(atoms, step * units.fs)
    energies = []
    dynamics.attach(lambda: energies.append(atoms.get_total_energy() / len(atoms)))
    dynamics.run(n_steps)
    return drift(np.array(energies), np.arange(len(energies))), np.ptp(energies)


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
    assert constant_energy(400, 0.5)[0] < 1e-4


@pytest.mark.slow
def test_energy_is_kept_over_five_picoseconds():
    """5 ps: less than 1e-4 eV per atom, by the line through the total energy."""
    gone, spread = constant_energy(20000, 0.25)
    assert gone < 1e-4
    assert spread < 0.02


def test_a_thermostat_reaches_its_temperature():
    """Langevin: the mean is within four standard errors, taken from blocks."""
    model = Tethers()
    atoms = Atoms("Ar24", model.sites.numpy(), calculator=SurfaceCalculator(model))
    rng = np.random.default_rng(5)
    thermalize_momenta(atoms, 300.0, rng=rng)
    dynamics = Langevin(
        atoms, 5 * units.fs, temperature_K=300.0, friction=0.02 / units.fs, fixcm=False, rng=rng
    )
    found = []
    dynamics.attach(lambda: found.append(atoms.get_temperature()))
    dynamics.run(300)
    blocks = np.array(found[1:]).reshape(10, -1).mean(axis=1)
    assert abs(blocks.mean() - 300.0) < 4 * blocks.std(ddof=1) / np.sqrt(len(blocks))
    assert blocks.std(ddof=1) / np.sqrt(len(blocks)) < 20.0


def test_dynamics_stop_where_the_model_was_not_trained_and_keep_what_was(tmp_path):
    """The trajectory until then is complete, inside of the domain, and can be gone on with."""
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
