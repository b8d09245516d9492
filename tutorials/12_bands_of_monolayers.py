# %% [markdown]
# # Which state of a crystal do you want? Bands of MoS₂ and WS₂ by filtration
#
# A monolayer of molybdenum or tungsten disulphide has three bands around its gap, made of three d
# orbitals of the metal (G.-B. Liu et al., Phys. Rev. B 88, 085433 (2013)). At each k that is a
# complex matrix of three rows, or two qubits with one state to spare. Here a Boltzmann machine
# finds its states one above the other, then by their symmetry, then by their energy, after M.
# Sajjan, S. H. Sureshbabu and S. Kais, J. Am. Chem. Soc. 143, 18426 (2021).
#
# A laptop diagonalises such a matrix in microseconds. So there is no gain in speed here, and no
# claim of one: what can be seen is what the method does, beside an answer that is known to all
# digits.

# %%
import os
import time

# Small matrices: threads would wait for each other. Before numpy is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.systems import orbital_angular_momentum

# The tests run this script with fewer points; you get all of them.
QUICK = os.environ.get("QMLMAT_QUICK") == "1"

# %% [markdown]
# ## 1. Bands
#
# Spin-orbit coupling keeps the two spins apart, so the six bands are two blocks of three. A scan
# goes from k to k, each begins at the parameters of its neighbour.

# %%
MATERIALS = ["WS2"] if QUICK else ["MoS2", "WS2"]
N_POINTS = 4 if QUICK else 25
machine = qm.RBM(n_starts=1 if QUICK else 6)
models = {name: qm.monolayer(name, model="tnn", soc=True) for name in MATERIALS}
scans, edges = {}, {}
for name, model in models.items():
    path = qm.k_path(model, "GKMG", n_points=N_POINTS)
    begin = time.perf_counter()
    scans[name] = qm.scan(qm.BandSurface(model, machine, seed=1), path)
    middle = time.perf_counter()
    for spin in ("up", "down"):
        model.bands([point.k for point in path.points if point.spin == spin], spin=spin)
    end = time.perf_counter()
    edges[name] = qm.band_edges(scans[name])
    print(qm.bands_table(scans[name]))
    print(
        f"{name}: gap {edges[name].gap:.4f} eV, valence maximum at {edges[name].valence.place}, "
        f"conduction minimum at {edges[name].conduction.place}; spins of the valence band at K "
        f"{edges[name].valence_splittings['K']:.4f} eV apart\n"
        f"largest difference from plain diagonalisation {edges[name].errors.max():.0e} eV; "
        f"{middle - begin:.0f} s, plain diagonalisation {1e3 * (end - middle):.1f} ms"
    )

# %%
figure, axes = plt.subplots(
    1, len(models), figsize=(5.5 * len(models), 5), sharey=True, squeeze=False, layout="constrained"
)
for one, (name, model) in zip(axes[0], models.items(), strict=True):
    fine = qm.k_path(model, "GKMG", n_points=31 if QUICK else 181)
    path = scans[name].path
    for spin, colour, marker, size in (("up", "tab:blue", "o", 5), ("down", "tab:red", "s", 3)):
        at = [k for k, point in enumerate(fine.points) if point.spin == spin]
        levels = model.bands([fine.points[k].k for k in at], spin=spin)
        one.plot(fine.along()[at], levels, "-", color="0.6", linewidth=0.9)
        at = [k for k, point in enumerate(path.points) if point.spin == spin]
        style = {"linestyle": "none", "marker": marker, "markersize": size, "color": colour}
        lines = one.plot(path.along()[at], scans[name].energies[at], **style)
        lines[0].set_label(f"Boltzmann machine, spin {spin}")
    ticks = {path.along()[k]: point.label for k, point in enumerate(path.points) if point.label}
    one.set_xticks(list(ticks), [label.replace("G", "Γ") for label in ticks.values()])
    for place in ticks:
        one.axvline(place, color="0.85", linewidth=0.8, zorder=0)
    one.axhspan(edges[name].valence.energy, edges[name].conduction.energy, color="0.93", zorder=0)
    one.set(title=f"{name}, gap {edges[name].gap:.3f} eV", xlim=(0, path.along()[-1]))
axes[0, 0].set(ylabel="energy (eV)")
axes[0, 0].plot([], [], color="0.6", label="plain diagonalisation")
axes[0, 0].legend(frameon=False, fontsize=8, loc="upper center")
figure.savefig("12_bands_of_monolayers.png", dpi=150)

# %% [markdown]
# ## 2. A state by its symmetry
#
# At K the orbital angular momentum L_z is conserved. `Filtration` adds a penalty to the energy
# that is zero for one eigenvalue and lifts every other state above the spectrum: the minimum is
# then the state that was asked for, wherever it lies.

# %%
sheet = qm.monolayer("MoS2", model="tnn")
corner = sheet.at("K")
momentum = orbital_angular_momentum()
print(f"levels at K {corner.levels.round(4)} eV")
filtered = {}
for value in (2.0, 0.0, -2.0):
    only = qm.Filtration(rbm=machine, symmetries=(qm.Symmetry(momentum, value, "L_z"),))
    filtered[value] = qm.solve(corner, only, seed=1)
    weights = dict(zip(corner.orbitals, np.abs(filtered[value].states[0]) ** 2, strict=True))
    print(
        f"L_z = {value:+.0f}: {filtered[value].energy:.4f} eV, "
        + ", ".join(f"{orbital} {weight:.2f}" for orbital, weight in weights.items())
    )

# %% [markdown]
# The valence band has L_z = +2 at K (and -2 at the opposite corner K1), the conduction band is
# d_z2 alone. This is why circularly polarised light tells the two valleys apart.
#
# **The penalty matters.** What is added is `mu <(L_z - value)²>`, the mean of a square. The square
# of the mean, `mu (<L_z> - value)²`, looks the same and is not: a superposition of +2 and -2 has
# the mean 0, too. So it lets states pass that are no eigenstates, and their energy is too low:


# %%
def wrong_minimum(weight, n_tries=12):
    """Return the energy where <H> + weight <L_z>² is lowest, and the residual there (eV)."""

    def state(x):
        vector = x[:3] + 1j * x[3:]
        return vector / np.linalg.norm(vector)

    def loss(x):
        v = state(x)
        return np.vdot(v, corner.matrix @ v).real + weight * np.vdot(v, momentum @ v).real ** 2

    rng = np.random.default_rng(12)
    found = min((minimize(loss, rng.normal(size=6)) for _ in range(n_tries)), key=lambda r: r.fun)
    v = state(found.x)
    energy = np.vdot(v, corner.matrix @ v).real
    return energy, np.linalg.norm(corner.matrix @ v - energy * v)


for weight in (10.0, 100.0):
    energy, residual = wrong_minimum(weight)
    print(f"square of the mean, mu = {weight:3.0f} eV: {energy:.4f} eV, residual {residual:.2f} eV")
print(f"mean of the square: {filtered[0.0].energy:.4f} eV, exact {corner.levels[1]:.4f} eV")

# %% [markdown]
# **Where it is illegal.** At M, L_z does not commute with the Hamiltonian. No state has one of its
# eigenvalues, and the penalty would distort the answer without a word. So it is refused:

# %%
try:
    qm.solve(sheet.at("M"), qm.Filtration(symmetries=(qm.Symmetry(momentum, 2.0, "L_z"),)))
except InputError as error:
    refusal = str(error)
    print(refusal)

# %% [markdown]
# ## 3. A state by its energy
#
# `near=` minimises `<(H - near)²>` instead, which needs no symmetry and finds a state inside of
# the spectrum. The spectrum is squared with it, so neighbours come closer and the search takes
# longer.

# %%
near = qm.solve(sheet.at("M"), qm.Filtration(rbm=machine, near=2.3), seed=1)
print(
    f"nearest to 2.3 eV at M: {near.energy:.6f} eV, residual {near.residuals[0]:.0e} eV, "
    f"{near.status}; levels {sheet.at('M').levels.round(4)}"
)

# %% [markdown]
# ## 4. The same states by circuits
#
# The Hamiltonian is the same for every solver. `VQD` and `SSVQE` take a template of qubit gates:

# %%
ansatz = qm.Ansatz("hea_efficient_su2", depth=2)
differences = {"VQD": [], "SSVQE": [], "RBM": []}
solvers = {"VQD": qm.VQD(ansatz), "SSVQE": qm.SSVQE(ansatz), "RBM": machine}
places = ["K"] if QUICK else ["G", "K", "M", (0.2, -0.1)]
for place in places:
    h = models["WS2"].at(place, spin="up")
    for name, solver in solvers.items():
        begin = time.perf_counter()
        states = qm.solve(h, solver, n_states=3, seed=1)
        differences[name].append(np.abs(states.energies - h.levels).max())
        print(
            f"{place!s:12s} {name:6s} largest error {differences[name][-1]:.0e} eV, "
            f"{time.perf_counter() - begin:.1f} s"
        )

# %% [markdown]
# Three things to take home:
#
# - States are asked for by what they are: the k-th, the one with a symmetry, the one near an
#   energy.
# - A filter is only as good as its symmetry: legal on points and lines of the zone, not
#   everywhere.
# - For three bands all this is exact, circuits find the states sooner than the network, and plain
#   diagonalisation is quicker than both by orders of magnitude. Which models there are, and from
#   where, is in `docs/bands.md`.

# %%
known = {"MoS2": (1.5849, 0.146), "WS2": (1.5952, 0.422)}  # gap, spin splitting at K (eV)
for name, (gap, splitting) in known.items():
    if name in edges:
        assert edges[name].errors.max() < 2e-4
        assert abs(edges[name].gap - gap) < 1e-3 or QUICK
        assert abs(edges[name].valence_splittings["K"] - splitting) < 1e-4
levels = dict(zip((2.0, 0.0, -2.0), corner.levels, strict=True))
largest = max(abs(filtered[value].energy - level) for value, level in levels.items())
print(f"largest error of a filtered state: {largest:.0e} eV")
assert largest < 1e-6
assert "does not commute" in refusal
assert max(map(max, differences.values())) < 1e-3
