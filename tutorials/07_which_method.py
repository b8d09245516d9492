# %% [markdown]
# # Which method for excited states, and when?
#
# Every method here answers the same call, `solve(hamiltonian, solver, n_states=k)`. They differ in
# what they can see. A method that excites out of one determinant is quick and good as long as that
# determinant is most of the ground state; where bonds break it is not, and some states are simply
# not there. A method that optimises one circuit for several references has no such preference.
#
# We stretch a rectangle of four hydrogen atoms through the square, where the ground state is half
# one determinant and half another, and watch the errors. Then we look at the list of states of
# N2 at twice its bond length.

# %%
import os
import warnings

# Small matrices: threads would wait for each other. Before numpy is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import matplotlib.pyplot as plt
import numpy as np

import qmlmat as qm

# The tests run this script with fewer points; you get all of them.
QUICK = os.environ.get("QMLMAT_QUICK") == "1"

# %% [markdown]
# ## 1. The methods
#
# All singlets. `SSVQE` and `VQD` take their references from a small selected CI, a few
# configurations each; `EOM` and `QSE` start from the ground state that `uccsd` finds.

# %%
METHODS = {
    "SSVQE": qm.SSVQE(multiplicity=1),
    "VQD": qm.VQD(multiplicity=1),
    "q-sc-EOM": qm.EOM("q-sc-EOM", multiplicity=1),
    "qEOM": qm.EOM("qEOM", multiplicity=1),
    "QSE": qm.QSE(multiplicity=1),
}


def rectangle(width: float) -> qm.MolecularHamiltonian:
    """Four hydrogen atoms, 1.23 Å by a width (Å), in the smallest basis."""
    return qm.molecular_hamiltonian(
        qm.Molecule.from_xyz(f"H 0 0 0; H 0 0 1.23; H {width} 0 0; H {width} 0 1.23")
    )


# %% [markdown]
# ## 2. Through the square
#
# Three singlets at each width. Every solution carries the exact state that each of its states
# stands for, the n-th of its multiplicity and irrep, so `errors` compares like with like. `EOM` and
# `QSE` warn near the square, and are right to; we have read it and carry on.

# %%
WIDTHS = (1.0, 1.2, 1.5) if QUICK else np.round(np.arange(0.8, 2.01, 0.1), 2)

largest = {name: [] for name in METHODS}
weights = []
for width in WIDTHS:
    hamiltonian = rectangle(width)
    weights.append(qm.solve(hamiltonian, qm.Exact()).states[0][0, 0] ** 2)
    for name, solver in METHODS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", qm.QmlmatWarning)
            found = qm.solve(hamiltonian, solver, n_states=3)
        largest[name].append(1e3 * np.nanmax(np.abs(found.errors)))

print("largest error of three singlets, mHa")
print("width, Å" + "".join(f"{name:>10s}" for name in METHODS) + "   weight of the determinant")
for k, width in enumerate(WIDTHS):
    row = "".join(f"{largest[name][k]:10.3f}" for name in METHODS)
    print(f"{width:8.2f}{row}   {weights[k]:.2f}")

# %%
figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
for (name, errors), marker in zip(largest.items(), "osd^v", strict=True):
    axes.semilogy(WIDTHS, np.maximum(errors, 1e-4), marker=marker, markersize=5, label=name)
axes.axhline(1.594, color="0.6", linewidth=1, linestyle=":")
axes.text(WIDTHS[-1], 1.75, "chemical accuracy", ha="right", color="0.4", fontsize=9)
axes.axvline(1.23, color="0.85", linewidth=1, zorder=0)
axes.set(
    xlabel="width of the rectangle (Å); 1.23 is the square",
    ylabel="largest error (mHa)",
    title="Three singlets of H4",
)
axes.legend(frameon=False, ncols=5, loc="upper center", bbox_to_anchor=(0.5, -0.16), fontsize=9)
plt.show()

# The circuits that know several references stay below a twentieth of a millihartree throughout.
assert max(largest["SSVQE"]) < 0.05
assert max(largest["VQD"]) < 0.05
assert max(largest["q-sc-EOM"]) > 1

# %% [markdown]
# ## 3. What is not there
#
# At 2.0 Å the determinant weighs 0.4 in the ground state of N2. Excitations of one and two
# electrons out of it hold a quintet, tens of millihartree too high, but not the lowest septet,
# which has six unpaired electrons. The solution says so itself:

# %%
if QUICK:
    basis, space = "sto-3g", qm.ActiveSpace(6, 6)
else:
    basis, space = "cc-pvdz", qm.ActiveSpace(10, 8)
stretched = qm.molecular_hamiltonian(qm.Molecule.from_xyz("N 0 0 0; N 0 0 2.0", basis=basis), space)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", qm.QmlmatWarning)
    response = qm.solve(stretched, qm.EOM("q-sc-EOM"), n_states=6)
for multiplicity, irrep, error in zip(
    response.multiplicities, response.irreps, response.errors, strict=True
):
    print(f"  {multiplicity} {irrep:9s} {1e3 * error:8.2f} mHa too high")
for note in response.notes:
    print("-", note)
assert any("7 Sigma_u+" in note for note in response.notes)

# %% [markdown]
# Ask for a state by its symmetry and a method that can make it finds it:

# %%
for multiplicity, irrep in ((5, "Sigma_g+"), (7, "Sigma_u+")):
    found = qm.solve(stretched, qm.SSVQE(multiplicity=multiplicity, irrep=irrep))
    high = 1e3 * found.error
    print(f"  {multiplicity} {irrep}  {found.energy:.6f} hartree, {high:.3f} mHa too high")
    assert found.error < 1e-3

# %% [markdown]
# ## In short
#
# - surfaces, broken bonds, degenerate ground states: `SSVQE`, or `VQD` for the last digit;
# - one geometry near equilibrium, or shots: `EOM("q-sc-EOM")`;
# - a check of either: `Exact`, or `Krylov` where that is out of reach;
# - always: read `notes`, `multiplicities` and `residuals`.
