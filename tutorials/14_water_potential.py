# %% [markdown]
# # Can four qubits learn water, well enough for its vibrations and for molecular dynamics?
#
# A solver gives energies and forces one geometry at a time. Molecular dynamics asks for ten
# thousand of them. So we compute a few, let a shallow quantum neural network learn them, and let
# ASE move the atoms on what was learnt: from our own scan to a power spectrum.
#
# Four qubits are simulated in microseconds, and a classical network of the same size learns water
# as well. There is no advantage here, and no claim of one; see how good it gets, and how to tell.

# %%
import os
import time

# Small matrices: threads would wait for each other. Before numpy is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import matplotlib.pyplot as plt
import numpy as np
import torch
from ase import Atoms, units
from ase.md.velocitydistribution import Stationary, ZeroRotation, thermalize_momenta
from ase.md.verlet import VelocityVerlet
from ase.optimize import BFGS
from ase.vibrations import Vibrations

import qmlmat as qm
from qmlmat.ansatz.encoding import Encoding
from qmlmat.plugins.ase import SurfaceError
from qmlmat.potentials.base import Loss
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import Distances, Symmetrised
from qmlmat.potentials.networks.quantum import QuantumNetwork
from qmlmat.potentials.regression import NetworkPotential
from qmlmat.potentials.training import Training, errors_of, fit

torch.set_num_threads(1)

# The tests run this script with fewer points and steps; you get all of them.
QUICK = os.environ.get("QMLMAT_QUICK") == "1"

# %% [markdown]
# ## 1. The scan
#
# Full CI of all valence electrons in STO-3G, with analytic forces, at random geometries near the
# minimum. Everything below is about this surface: whether STO-3G is water in nature is another
# question (its bonds are 0.07 Å too long).

# %%
water = qm.Molecule.from_zmatrix("O\nH 1 1.03\nH 1 1.03 2 97")
solver = qm.SolverSurface(water, qm.ActiveSpace(freeze_core=True), qm.Exact(), forces=True)

rng = np.random.default_rng(0)
points = []
for _ in range(40 if QUICK else 230):
    first, second = rng.normal(1.03, 0.05, 2)
    angle = np.deg2rad(rng.normal(97, 7))
    rows = [[0, 0, 0], [first, 0, 0], [second * np.cos(angle), second * np.sin(angle), 0]]
    points.append(qm.Geometry(water.symbols, np.array(rows)))

scan = qm.scan(solver, qm.frames(points), store="water.db")
data = SurfaceData.from_scan(scan)
data = data.subset(data.energies[:, 0] < data.energies[:, 0].min() + 0.0168)
train, test = data.split(28 if QUICK else 150, seed=0)
print(f"{data}: {len(train)} to learn from, {len(test)} to be tested on")

# %% [markdown]
# ## 2. The model
#
# The *descriptor* turns positions into three numbers that know neither place, axes, nor which
# hydrogen is which. They enter a circuit of four qubits, again in each of its four layers; a linear
# map of four expectations is the energy. Forces are its exact derivatives, and they are learnt
# with the energies: a geometry of water has one energy, but nine components of forces.

# %%
descriptor = Symmetrised(Distances(water.symbols))
print("features:", ", ".join(descriptor.names))
encoded = Encoding("reupload_dense", layers=4).circuit(4, descriptor.n_features)


def untrained():
    """The same network each time."""
    return NetworkPotential(descriptor, QuantumNetwork(encoded, seed=0))


n_adam, n_lbfgs = (60, 120) if QUICK else (300, 1000)
fits = {}
for name, weight in {"energies only": 0.0, "energies and forces": 1.0}.items():
    settings = Training(
        n_adam=n_adam, n_lbfgs=n_lbfgs, loss=Loss(force_weight=weight), validation_fraction=0.0
    )
    fits[name] = fit(untrained(), train, training=settings)

# %% [markdown]
# ## 3. How wrong is it?
#
# At points that took no part in the training. What the training points say is no measure of it:
# learnt from energies only, the network of 105 weights is right where it was told to be, and
# off where points are rare.

# %%
errors = {}
for name, found in fits.items():
    errors[name] = errors_of(found.model, test)
    print(
        f"{name}: {found.model.n_weights} weights, training points "
        f"{errors_of(found.model, train).rmse_cm1:.2f} cm-1, test points "
        f"{errors[name].rmse_cm1:.2f} cm-1, forces {1e3 * errors[name].force_rmse:.2f} mHa/Å"
    )
model = fits["energies and forces"].model

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
true = 1e3 * (test.energies[:, 0] - data.energies.min())
for (name, found), colour in zip(fits.items(), ("tab:orange", "tab:blue"), strict=True):
    energies, forces = found.model.energies_and_forces(found.model.as_tensor(test.positions))
    wrong = 219474.63 * (energies[:, 0].numpy() - test.energies[:, 0])
    axes[0].plot(true, wrong, "o", markersize=4, color=colour, label=name)
    gone = 1e3 * (forces.numpy() - test.forces).ravel()
    axes[1].plot(1e3 * test.forces.ravel(), gone, "o", markersize=3, color=colour, label=name)
axes[0].set_xlabel("energy above the minimum (mHa)")
axes[0].set_ylabel("error (cm-1)")
axes[1].set_xlabel("force (mHa/Å)")
axes[1].set_ylabel("error (mHa/Å)")
axes[0].legend()
plt.show()
assert errors["energies and forces"].rmse < errors["energies only"].rmse

# %% [markdown]
# ## 4. Vibrations
#
# `qm.SurfaceCalculator` makes an ASE calculator of any surface. So solver and model go through the
# very same lines: relax, displace every atom a little, diagonalise.


# %%
def vibrations(surface):
    """The minimum, and the three harmonic wavenumbers there."""
    atoms = Atoms(water.symbols, water.positions, calculator=qm.SurfaceCalculator(surface))
    BFGS(atoms, logfile=None).run(fmax=1e-4, steps=100)
    kind = type(surface).__name__
    found = Vibrations(atoms, name=f"vibrations_{kind}", delta=0.005)
    found.run()
    return atoms, np.sort(found.get_frequencies().real)[-3:]


minimum, exact = vibrations(solver)
atoms, learnt = vibrations(model)
for name, reference, value in zip(("bend", "symmetric", "asymmetric"), exact, learnt, strict=True):
    print(f"{name}: full CI {reference:.1f} cm-1, learnt {value:.1f} cm-1")
print(
    f"bond: full CI {minimum.get_distance(0, 1):.4f} Å, learnt {atoms.get_distance(0, 1):.4f} Å; "
    f"angle {minimum.get_angle(1, 0, 2):.2f} and {atoms.get_angle(1, 0, 2):.2f} degrees"
)

# %% [markdown]
# ## 5. Molecular dynamics
#
# Velocity Verlet without a thermostat. The total energy must stay: a force that is not the exact
# derivative of the energy would show here. And the model knows where it was trained: outside of
# it the calculator stops, and what was run until then is kept.

# %%
STEP = 0.25  # fs
n_steps = 400 if QUICK else 12000
rng = np.random.default_rng(0)
thermalize_momenta(atoms, 600.0, rng=rng)  # half of it becomes potential energy: 300 K
Stationary(atoms)
ZeroRotation(atoms)

run = VelocityVerlet(atoms, STEP * units.fs)
total, velocities = [], []
run.attach(lambda: total.append(atoms.get_total_energy()))
run.attach(lambda: velocities.append(atoms.get_velocities()))
begin = time.perf_counter()
run.run(n_steps)
taken = time.perf_counter() - begin
total, velocities = np.array(total), np.array(velocities)
drift = np.polyfit(np.arange(n_steps + 1), total, 1)[0] * n_steps / len(atoms)
print(
    f"{1e-3 * STEP * n_steps:.2f} ps, {n_steps / taken:.0f} steps per second: drift "
    f"{drift:.1e} eV per atom, fluctuation {total.std() / len(atoms):.1e}"
)

# Far too hot: where does it leave what it has learnt?
hot = atoms.copy()
hot.calc = qm.SurfaceCalculator(model)
hot.set_velocities(20 * atoms.get_velocities())
try:
    VelocityVerlet(hot, STEP * units.fs).run(1000)
except SurfaceError as error:
    print(f"stopped, as it should be: {error.point.notes[0]}")
else:
    raise AssertionError("20 times the velocities must lead out of the training data")

# %% [markdown]
# ## 6. The power spectrum
#
# Which vibrations are in the motion? The Fourier transform of the velocities has a peak at each.
# Dynamics is not harmonic: bonds get softer as they stretch, so peaks lie somewhat below the
# harmonic lines. (Velocity Verlet itself shifts a peak, by a known amount, which is taken out.)

# %%
window = np.hanning(len(velocities))[:, None, None]
size = 4 * len(velocities)
amplitudes = np.fft.rfft(velocities * window, n=size, axis=0)
power = (np.abs(amplitudes) ** 2 * atoms.get_masses()[:, None]).sum(axis=(1, 2))
wavenumbers = np.sin(np.pi * np.fft.rfftfreq(size)) / (np.pi * STEP) * 33356.40952

figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
shown = (wavenumbers > 1500) & (wavenumbers < 4300)
axes.semilogy(wavenumbers[shown], power[shown] / power[shown].max(), label="learnt, in motion")
for index, line in enumerate(exact):
    label = "full CI, harmonic" if index == 0 else None
    axes.axvline(line, color="black", linestyle="--", linewidth=1, label=label)
axes.set_ylim(1e-8, 3)
axes.set_xlabel("wavenumber (cm-1)")
axes.set_ylabel("power of the velocities")
axes.legend(loc="upper center")
plt.show()

# %% [markdown]
# ## The number
#
# The learnt vibrations beside those of the surface they were learnt from, and the drift.

# %%
largest = np.abs(learnt - exact).max()
print(f"largest difference of a vibration from full CI's own: {largest:.1f} cm-1")
assert largest < (400 if QUICK else 20)
assert abs(drift) < 1e-4
