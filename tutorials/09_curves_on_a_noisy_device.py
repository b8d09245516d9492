# %% [markdown]
# # What is left of a curve on a noisy device?
#
# Here are the curves of H₂ and LiH as a device with noise would measure them, and what simple
# mitigation makes of them. No device time is needed: a *fake device* is a snapshot of a real one,
# its links, gates and errors on one day, and we simulate it.
#
# Three corrections, none of which costs more than a few further circuits:
#
# - **readout**: two circuits tell how often each qubit is read wrong, and the counts are corrected;
# - **symmetry**: bit strings with the wrong number of electrons are thrown away;
# - **reference**: the same circuit at zero angles should give the Hartree-Fock energy, which we
#   know. What it is off by is subtracted.

# %%
import dataclasses
import os

# Small matrices: threads would wait for each other. Before numpy is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import matplotlib.pyplot as plt
import numpy as np

import qmlmat as qm

# The tests run this script with fewer points; you get all of them.
QUICK = os.environ.get("QMLMAT_QUICK") == "1"

# %% [markdown]
# ## 1. Device and molecules
#
# Fewer qubits, fewer gates, fewer errors: the parity mapping without the two qubits that only
# repeat the numbers of electrons leaves two for H₂ and four for LiH (two electrons in three
# orbitals). The device is cut down to as many of its qubits, linked and with small errors.

# %%
MOLECULES = {
    "H₂": ("H", None, [0.5, 0.735, 1.2] if QUICK else [0.5, 0.6, 0.735, 0.9, 1.2, 1.5, 2.0]),
    "LiH": (
        "Li",
        qm.ActiveSpace(indices=(1, 2, 5)),
        [1.6] if QUICK else [1.2, 1.4, 1.6, 1.8, 2.0, 2.4],
    ),
}
SHOTS = {"H₂": 50_000, "LiH": 10_000} if QUICK else {"H₂": 200_000, "LiH": 50_000}
MITIGATION = qm.Mitigation(readout=True, symmetry=True, reference=True)


def hamiltonian(name, length):
    atom, space, _ = MOLECULES[name]
    molecule = qm.Molecule.from_xyz(f"{atom} 0 0 0; H 0 0 {length}")
    return qm.molecular_hamiltonian(molecule, space)


# %% [markdown]
# ## 2. The curves
#
# The angles are found by simulation (`exact_search=True`), the device measures the energies. All
# points of a molecule are the same circuit at other angles, so a backend transpiles it once; the
# two backends share what they have transpiled.

# %%
solver = qm.VQE("uccsd", screening=qm.Screening(), exact_search=True)
curves = {}
for name, (_, _, lengths) in MOLECULES.items():
    rows = {"raw": [], "mitigated": []}
    exact = []
    for length in lengths:
        h = hamiltonian(name, length)
        if length == lengths[0]:
            mapping = h.qubit_mapping("parity", reduced=True)
            raw = qm.QiskitBackend.on_fake(
                "fez", n_qubits=mapping.n_qubits, seed=9, mapping=mapping, shots=SHOTS[name]
            )
            mitigated = dataclasses.replace(raw, mitigation=MITIGATION)
        exact.append(qm.solve(h, qm.Exact()).energy)
        for kind, backend in (("raw", raw), ("mitigated", mitigated)):
            solution = qm.solve(h, solver, backend=backend)
            rows[kind].append((solution.energy, solution.stderr[0]))
    curves[name] = {kind: np.array(values).T for kind, values in rows.items()}
    curves[name]["exact"] = np.array(exact)
    print(f"{name}: both together {raw.usage}")

# %%
print("errors, mHa")
for name, (_, _, lengths) in MOLECULES.items():
    for k, length in enumerate(lengths):
        cells = []
        for kind in ("raw", "mitigated"):
            energy, bar = curves[name][kind][:, k]
            cells.append(f"{1e3 * (energy - curves[name]['exact'][k]):7.1f} ± {1e3 * bar:.1f}")
        print(f"{name:4s}{length:6.3f} Å  raw {cells[0]}   mitigated {cells[1]}")

# %% [markdown]
# Raw, LiH is off by hundreds of millihartree: its circuit has some ninety two-qubit gates, each
# wrong in a fraction of a percent of cases. The correlation energy that the circuit is there for is
# twenty: Hartree-Fock on paper would be ten times better than the device.
#
# What makes the difference is that the errors hardly depend on the angles. The same gates spoil the
# reference state, too, by nearly as much, and there we know the answer.

# %%
figure, axes = plt.subplots(
    2, 2, figsize=(11, 7), sharex="col", height_ratios=(2, 1), layout="constrained"
)
styles = {"raw": ("tab:grey", "s"), "mitigated": ("tab:red", "o")}
for column, (name, (_, _, lengths)) in enumerate(MOLECULES.items()):
    above, below = axes[:, column]
    curve = curves[name]
    fine = np.linspace(lengths[0], lengths[-1], 3 if QUICK else 31)
    between = [qm.solve(hamiltonian(name, length), qm.Exact()).energy for length in fine]
    above.plot(fine, between, "-", color="black", linewidth=1, label="exact")
    for kind, (colour, marker) in styles.items():
        energies, bars = curve[kind]
        above.errorbar(
            lengths, energies, yerr=bars, fmt=marker, color=colour, markersize=5, label=kind
        )
        below.errorbar(
            lengths,
            1e3 * (energies - curve["exact"]),
            yerr=1e3 * bars,
            fmt=marker,
            color=colour,
            markersize=5,
            capsize=3,
        )
    below.axhspan(-1.594, 1.594, color="0.85", label="chemical accuracy")
    below.set_yscale("symlog", linthresh=10)
    below.set(ylim=(-10, 1000), xlabel="bond length (Å)")
    above.set(title=f"{name} on fake fez, {SHOTS[name]:,} shots")
    above.legend(frameon=False)
    for one in (above, below):
        one.grid(alpha=0.3)
axes[0, 0].set(ylabel="energy (hartree)")
axes[1, 0].set(ylabel="error (mHa)")
axes[1, 0].legend(*below.get_legend_handles_labels(), frameon=False, loc="upper right")
figure.savefig("09_curves_on_a_noisy_device.png", dpi=150)

# %% [markdown]
# Two things to take home:
#
# - Corrections that know the molecule are worth most: electrons are conserved, and Hartree-Fock is
#   known.
# - What is left is more than the error bar says. It counts shots, and what noise does to the
#   correlation itself remains.
#
# How much each of them does alone, on two devices, is in `docs/devices.md`.


# %%
def typical(name, kind):
    """Median absolute error along the curve (mHa)."""
    return 1e3 * np.median(np.abs(curves[name][kind][0] - curves[name]["exact"]))


for name in MOLECULES:
    print(f"{name}: {typical(name, 'raw'):.1f} mHa raw, {typical(name, 'mitigated'):.1f} mitigated")
    assert typical(name, "mitigated") < typical(name, "raw") / 3
assert typical("LiH", "raw") > 50
