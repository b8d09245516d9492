# %% [markdown]
# # What does water's stretching surface look like, and can I trust it?
#
# A curve follows one bond. A molecule has more: water can stretch both of its bonds together, or
# one against the other. Here we compute the energy over both motions at once, look at it, find
# its minimum, and hand the surface on to other programs, which then tell us the same numbers.
#
# On the way: what makes a surface *hold*. Every point starts from a neighbour that is fixed
# beforehand, its orbitals are lined up with that neighbour's, and each finished point is on disk
# before the next begins.

# %%
import os

# Small matrices: threads would wait for each other. Before numpy is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import ase.io
import matplotlib.pyplot as plt
import numpy as np
import xarray
from pyscf import fci
from pyscf.tools import fcidump

import qmlmat as qm

# The tests run this script with fewer points; you get all of them.
QUICK = os.environ.get("QMLMAT_QUICK") == "1"

# %% [markdown]
# ## The molecule and the grid
#
# Water as a Z-matrix. The two motions are the *symmetric* stretch, the mean of both bond
# lengths, and the *asymmetric* one, half their difference; the angle stays.

# %%
water = qm.Molecule.from_zmatrix(
    """
    O
    H 1 r
    H 1 r 2 a

    r = 0.9572
    a = 104.52
    """,
    basis="sto-3g",
)
first, second = qm.Distance(0, 1), qm.Distance(0, 2)

n_mean, n_half = (6, 5) if QUICK else (12, 11)
grid = qm.grid(
    water,
    [
        (qm.symmetric(first, second), np.linspace(0.85, 1.4, n_mean)),
        (qm.asymmetric(first, second), np.linspace(-0.2, 0.2, n_half)),
    ],
)
root = grid.coordinates[grid.root]
print(f"{len(grid)} points; the first is computed at {root[0]:.3f}, {root[1]:.3f} Å")

# %% [markdown]
# The grid says which point starts from which: a spine along the first axis, and from each of its
# points a tooth along the second. That tree is part of the path, not a matter of timing, so two
# workers give what one gives: `qm.scan(..., workers=2)`, in a script below `if __name__ ==
# "__main__":`.

# %%
surface = qm.SolverSurface(
    water, qm.ActiveSpace(freeze_core=True), qm.VQE("uccsd"), classical=("mp2", "ccsd")
)
scan = qm.scan(surface, grid, store="water.db", title="Water, STO-3G, frozen core")
print(f"converged everywhere: {scan.is_converged}")

# %% [markdown]
# Stop it half-way and run it again: it goes on where it was. What is in the store is not
# computed again.

# %%
stored = qm.load_scan("water.db")
assert np.array_equal(stored.energies, scan.energies)

# %% [markdown]
# ## Can I trust it?
#
# Beside each point stands the exact energy of the same active space. The error of `uccsd` is
# small all over, and it is *even*: the non-parallelity, the largest minus the smallest error, is
# what distorts a surface. MP2 and CCSD in the same space show what that is worth.

# %%
print(qm.error_table(scan))

# %% [markdown]
# Were the orbitals followed safely? Each point knows how much its active space overlaps with its
# parent's: 1 is the same space, and below 0.71 the point would be flagged. Nothing is near that.

# %%
overlaps = [result.overlap for result in scan.results if result.overlap is not None]
print(f"smallest overlap of neighbouring active spaces: {min(overlaps):.4f}")

# %% [markdown]
# ## The picture
#
# `plot_scan` draws a grid as a map: energy above the minimum, and the error beside it.

# %%
qm.plot_scan(scan, "water.png")
plt.figure(figsize=(9, 5.5))
plt.imshow(plt.imread("water.png"))
plt.axis("off")
plt.show()

# %% [markdown]
# ## The minimum
#
# `stationary_points` interpolates the grid and finds where its slope vanishes.

# %%
axes = [grid.grid_values(axis) for axis in range(2)]


def lowest(energies):
    """The minimum of a grid of energies."""
    points = qm.stationary_points(axes, energies)
    return next(point for point in points if point.kind == "minimum")


minima = {"uccsd": lowest(scan.energies[:, 0]), "exact": lowest(scan.references)}
for name, point in minima.items():
    mean, half = point.coordinates
    print(f"{name}: mean bond length {mean:.4f} Å, half the difference {half:.4f} Å")

# %% [markdown]
# By symmetry both bonds are equally long at the minimum, and it comes out so. The curvatures
# along the two motions are those of the molecule's two stretching vibrations (but for the
# angle's share).
#
# ## Handing it on
#
# NetCDF for analysis, extended XYZ for training potentials, FCIDUMP for other quantum-chemistry
# programs. (On the command line: `qmlmat export water.db --format netcdf`.)

# %%
qm.export_scan(scan, "water.nc")
qm.export_scan(scan, "water.xyz", "extxyz")
qm.export_scan(scan, "fcidumps", "fcidump")

dataset = xarray.open_dataset("water.nc")
print(dataset.sizes)

# %% [markdown]
# A grid comes back as a grid, with names and units. A cut along the symmetric stretch is one
# line:

# %%
energies = dataset["energy"].isel(state=0)
mean_name, half_name = energies.dims
cut = energies.sel({half_name: 0.0}, method="nearest")

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
above = 1e3 * (energies - energies.min())
contours = left.contourf(above[half_name], above[mean_name], above, levels=14)
left.set_xlabel("half the difference (Å)")
left.set_ylabel("mean bond length (Å)")
figure.colorbar(contours, ax=left, label="energy above the minimum (mHa)")
right.plot(cut[mean_name], cut, marker="o")
right.set_xlabel("mean bond length (Å)")
right.set_ylabel("energy (hartree)")
plt.show()

# %% [markdown]
# ## The same numbers everywhere
#
# NetCDF and the scan agree to the last bit. ASE reads the energies in eV. And PySCF, given
# nothing but the integrals of one point, finds the exact energy that stood beside it.

# %%
assert np.array_equal(energies.to_numpy().ravel(), scan.energies[:, 0])

frames = ase.io.read("water.xyz", index=":")
hartree = 27.211386245988
difference = max(
    abs(atoms.get_potential_energy() / hartree - energy)
    for atoms, energy in zip(frames, scan.energies[:, 0], strict=True)
)
print(f"ASE's energies: {len(frames)} frames, largest difference {difference:.1e} hartree")
assert difference < 1e-8

point = len(grid) - 1
integrals = fcidump.read(f"fcidumps/point_{point:03d}.fcidump", verbose=False)
n_electrons, norb = integrals["NELEC"], integrals["NORB"]
exact, _ = fci.direct_spin1.kernel(
    integrals["H1"], integrals["H2"], norb, n_electrons, ecore=integrals["ECORE"], tol=1e-12
)
print(f"full CI by PySCF at the last point: {exact:.8f} hartree, ours {scan.references[point]:.8f}")
assert abs(exact - scan.references[point]) < 1e-8
