# %% [markdown]
# # Which state is which, along a curve?
#
# Ask a solver for four states at every bond length and you get four energies, the lowest first.
# Join the seconds with the seconds and the thirds with the thirds, and the curves have corners:
# where two states cross, the second becomes the third. Nothing happened to the molecule there. The
# states have only changed their places in a list.
#
# Here we follow states by what they are: by the overlap of their wavefunctions from point to point.
# First N₂, where two kinds of excited singlets cross, then LiH, where two states of one symmetry
# do not: they avoid each other.

# %%
import os

# Small matrices: threads would wait for each other. Before numpy is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import matplotlib.pyplot as plt
import numpy as np

import qmlmat as qm
from qmlmat.units import hartree_to_ev

# The tests run this script with fewer points; you get all of them.
QUICK = os.environ.get("QMLMAT_QUICK") == "1"

# %% [markdown]
# ## 1. N₂: two kinds of excited singlets
#
# One solver, one line. `SSVQE` optimises a single circuit for six states together: the ground state
# and five excited singlets, ten electrons in eight orbitals. The surface follows the orbitals from
# point to point, and the states with them.

# %%
solver = qm.SSVQE(multiplicity=1, layers=4, gradient_tolerance=1e-4)
nitrogen = qm.Molecule.from_xyz("N 0 0 0; N 0 0 1.1", basis="cc-pvdz")
n_states = 4 if QUICK else 6
lengths = [1.1, 1.2, 1.3] if QUICK else np.round(np.arange(1.0, 1.61, 0.05), 2)
surface = qm.SolverSurface(nitrogen, qm.ActiveSpace(10, 8), solver, n_states=n_states)
n2 = qm.scan(surface, qm.stretch(nitrogen, (0, 1), lengths))
print(qm.scan_table(n2, width=110))

# %% [markdown]
# `energies` are in the order of energy at each point. `followed` says to which curve each state
# belongs: watch the numbers change places. Curves 1 and 2 are the two components of a Π state. They
# are degenerate, and any mixture of the two is as good as they are, so they are followed as a pair;
# so are 4 and 5, of a Δ state.

# %%
for length, numbers in zip(n2.path.along(), n2.followed, strict=True):
    print(f"{length:.2f} Å: {numbers}")

# %%
for one in qm.crossings(n2):
    print(f"curves {one.rising} and {one.falling} cross at {one.coordinate:.3f} Å")
crossing = qm.crossings(n2)[0]

# %% [markdown]
# ## 2. LiH: two states that do not cross
#
# Stretch LiH, and its ground state turns from ions into atoms; an excited state of the same
# symmetry does the reverse. States of one symmetry repel each other: they come close, and part.

# %%
hydride = qm.Molecule.from_xyz("Li 0 0 0; H 0 0 1.6")
lengths = [2.4, 2.7, 3.0, 3.3, 3.6] if QUICK else np.round(np.arange(1.2, 4.51, 0.1), 2)
surface = qm.SolverSurface(hydride, qm.ActiveSpace(), qm.SSVQE(multiplicity=1), n_states=4)
lih = qm.scan(surface, qm.stretch(hydride, (0, 1), lengths))
closest = qm.minimum_gap(lih, 0, 1)
gap = hartree_to_ev(closest.gap)
print(f"smallest gap at a point: {closest.grid_coordinate:.2f} Å")
print(f"between the points: {gap:.4f} eV at {closest.coordinate:.3f} Å")
print(f"crossings: {qm.crossings(lih)}")

# %% [markdown]
# Between points the square of the gap is interpolated: for two states that repel each other it is a
# parabola, which the gap itself is not.
#
# ## 3. In the order of energy, and followed
#
# On the left each colour is a place in the list, and the coloured lines have a corner where two
# states cross. On the right each is one state. Below, how far both molecules' states are from the
# exact ones of the same symmetry.

# %%
figure, ((left, right), (gaps, below)) = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
r = n2.path.along()
excited = hartree_to_ev(1.0) * (n2.energies[:, 1:] - n2.energies.min())
followed = hartree_to_ev(1.0) * (n2.followed_energies[:, 1:] - n2.energies.min())
for k in range(n_states - 1):
    left.plot(r, excited[:, k], "o-", ms=4, label=f"state {k + 1} in the list")
names = {0: "1 ¹Πg, two states", 2: "1 ¹Σu⁻", 3: "1 ¹Δu, two states"}
for k, name in names.items():
    if k < n_states - 1:
        right.plot(r, followed[:, k], "o-", ms=4, label=name)
right.axvline(crossing.coordinate, color="black", linewidth=0.8, linestyle=":")
left.set(title="N₂ in the order of energy", ylabel="energy above the minimum (eV)")
right.set(title="N₂ followed by overlap")
for axes in (left, right):
    axes.set(xlabel="N–N bond length (Å)")

x = lih.path.along()
gaps.plot(x, hartree_to_ev(1.0) * lih.gaps(0, 1), "o-", ms=4, label="S₀ to S₁")
gaps.plot(closest.coordinate, gap, "k+", ms=12, label=f"{gap:.3f} eV at {closest.coordinate:.3f} Å")
gaps.set(title="LiH: the gap that does not close", xlabel="Li–H bond length (Å)", ylabel="gap (eV)")

n2_error, lih_error = (1e3 * np.nanmax(np.abs(s.state_errors), axis=1) for s in (n2, lih))
below.plot(r, n2_error, "s-", ms=4, label="N₂")
below.plot(x, lih_error, "o-", ms=4, label="LiH")
below.axhline(1.594, color="black", linewidth=0.8, linestyle=":", label="chemical accuracy")
below.set(title="Largest error of any state", xlabel="bond length (Å)", ylabel="error (mHa)")
below.set(yscale="log")
for axes in (left, right, gaps, below):
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9)
figure.savefig("05_excited_curves.png", dpi=150)

# %% [markdown]
# The figure that the package draws has the same curves with the names of the states, the crossing
# ringed, and the errors below:

# %%
qm.plot_scan(n2, "05_n2_states.png")

# %% [markdown]
# Two things to take home:
#
# - A curve is a state, not a place in a list. Where curves cross, follow them.
# - Following needs every state on the way. One that comes down from above the computed ones begins
#   a new curve, and a note says so: with four states, `1 ¹Δu` would come in at 1.4 Å.
#
# The numbers below are those of the exact solver: `qm.Exact(multiplicity=1)` in place of `SSVQE`
# gives the same curves.

# %%
assert abs(crossing.coordinate - 1.258) < (1e-2 if QUICK else 2e-3)
assert (len(crossing.rising), len(crossing.falling)) == (2, 1)  # a pair crosses a single state
assert abs(gap - 2.0194) < 2e-3
assert abs(closest.coordinate - 2.975) < 0.02
assert n2_error.max() < 1.0
assert lih_error.max() < 0.1
