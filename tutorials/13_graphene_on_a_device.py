# %% [markdown]
# # What is left of graphene's bands on a noisy device?
#
# One pi orbital on each of two sites makes the bands of graphene and of hexagonal boron nitride: a
# matrix of two rows at each k, one qubit. The smallest Boltzmann machine that there is, one
# visible unit, one hidden unit, and an ancilla to weigh their product, is a circuit of three
# qubits with four two-qubit gates. S. H. Sureshbabu, M. Sajjan, S. Oh and S. Kais, J. Chem. Inf.
# Model. 61, 2667 (2021), ran it on devices of IBM. Here a simulator has the noise of one, manila,
# on one day.
#
# Beside it: a circuit that prepares the states themselves (SSVQE on the same qubit), measured on
# the same device.

# %%
import os
import time

# Small matrices: threads would wait for each other. Before numpy is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import matplotlib.pyplot as plt
import numpy as np

import qmlmat as qm

# The tests run this script with fewer points; you get all of them.
QUICK = os.environ.get("QMLMAT_QUICK") == "1"
SHOTS = 8192

# %% [markdown]
# ## 1. Sheets, solvers, devices
#
# Parameters and angles are found by simulation (`exact_search=True`), so that each k costs a job
# or two. What is measured on the device is the machine's distribution, or the energies of the
# circuit.


# %%
def manila(n_qubits, *, readout):
    mitigation = qm.Mitigation(readout=readout)
    return qm.QiskitBackend.on_fake(
        "manila", n_qubits=n_qubits, seed=13, shots=SHOTS, mitigation=mitigation
    )


machine = qm.RBM(n_hidden=1, sampler=qm.GibbsCircuit(), exact_search=True)
circuit = qm.SSVQE(qm.Ansatz("hea_efficient_su2", depth=1), exact_search=True)
WAYS = {
    "machine, no noise": (machine, qm.StatevectorBackend(shots=SHOTS)),
    "machine, manila": (machine, manila(3, readout=False)),
    "machine, manila, readout": (machine, manila(3, readout=True)),
    "SSVQE, manila": (circuit, manila(1, readout=False)),
    "SSVQE, manila, readout": (circuit, manila(1, readout=True)),
}
SHEETS = {"graphene": qm.graphene(), "h-BN": qm.hexagonal_boron_nitride()}
if QUICK:
    del SHEETS["graphene"]
N_POINTS = 4 if QUICK else 16

# %%
scans = {}
for sheet, model in SHEETS.items():
    path = qm.k_path(model, "GKMG", n_points=N_POINTS)
    for way, (solver, backend) in WAYS.items():
        begin = time.perf_counter()
        surface = qm.BandSurface(model, solver, seed=13, backend=backend)
        scans[sheet, way] = qm.scan(surface, path)
        print(f"{sheet}, {way}: {time.perf_counter() - begin:.0f} s")


# %%
def errors(sheet, way):
    """Return measured minus exact bands, shape (n_points, 2) (meV)."""
    scan = scans[sheet, way]
    exact = SHEETS[sheet].bands([point.k for point in scan.path.points])
    return 1e3 * (scan.energies - exact)


print("root mean square errors and error bars, meV: valence, conduction band")
for sheet in SHEETS:
    for way in WAYS:
        off = np.sqrt(np.mean(errors(sheet, way) ** 2, axis=0))
        bars = 1e3 * np.sqrt(np.mean(scans[sheet, way].stderr ** 2, axis=0))
        print(
            f"{sheet:9s} {way:26s} {off[0]:6.1f} (bar {bars[0]:.1f}), "
            f"{off[1]:6.1f} (bar {bars[1]:.1f})"
        )

# %%
figure, axes = plt.subplots(
    2,
    len(SHEETS),
    figsize=(11, 7),
    sharex="col",
    height_ratios=(2, 1.2),
    squeeze=False,
    layout="constrained",
)
styles = {
    "machine, manila": ("tab:grey", "s"),
    "machine, manila, readout": ("tab:blue", "o"),
    "SSVQE, manila, readout": ("tab:red", "D"),
}
for column, (sheet, model) in enumerate(SHEETS.items()):
    above, below = axes[:, column]
    fine = qm.k_path(model, "GKMG", n_points=31 if QUICK else 181)
    levels = model.bands([point.k for point in fine.points])
    above.plot(fine.along(), levels, "-", color="black", linewidth=1, label=["exact", None])
    for shift, (way, (colour, marker)) in enumerate(styles.items()):
        scan = scans[sheet, way]
        x = scan.path.along() + 0.025 * (shift - 1)
        for band in range(2):
            style = {"fmt": marker, "color": colour, "markersize": 4, "capsize": 2}
            style["fillstyle"] = ("full", "none")[band]
            bars = scan.stderr[:, band]
            label = way if band == 0 else None
            above.errorbar(x, scan.energies[:, band], yerr=bars, label=label, **style)
            below.errorbar(x, errors(sheet, way)[:, band], yerr=1e3 * bars, **style)
    path = scans[sheet, "machine, manila"].path
    ticks = {path.along()[k]: point.label for k, point in enumerate(path.points) if point.label}
    below.set_xticks(list(ticks), [label.replace("G", "Γ") for label in ticks.values()])
    below.axhline(0, color="black", linewidth=0.8)
    below.set_yscale("symlog", linthresh=10)
    above.set(title=f"{sheet}, {SHOTS:,} shots")
    for one in (above, below):
        for place in ticks:
            one.axvline(place, color="0.88", linewidth=0.8, zorder=0)
axes[0, 0].set(ylabel="energy (eV)")
axes[1, 0].set(ylabel="error (meV)\nfilled: valence, open: conduction")
axes[0, -1].legend(frameon=False, fontsize=8, loc="center right")
figure.savefig("13_graphene_on_a_device.png", dpi=150)

# %% [markdown]
# ## 2. Why the machine seems so much better
#
# On the same device, with as many shots, the machine's bands are off by 0.5 to 3 meV (root mean
# square) and the circuit's by 100 to 320. That is no merit of the Gibbs circuit. The machine's
# phases never leave the laptop: the device measures two frequencies, `|amplitude|²`, and the
# energy is then computed from a normalised vector. What is wrong with the frequencies enters the
# energy to second order, and no state that is read out this way can leave the spectrum. SSVQE
# measures energies and couplings themselves, and every wrong shot counts to first order. Its
# errors are the price of not having to know the state. At the corner of graphene the matrix is
# zero, and everybody is right.
#
# Readout correction takes four to five tenths off the errors of the circuit, with larger error
# bars. The machine's errors are then those of its shots; without the correction its valence band
# lies too high and its conduction band too low where frequencies are wrong, by more than the bars,
# which know of shots alone.
#
# For one qubit, then, a noisy device gives bands in good agreement with the exact ones, because
# nearly all of the calculation is classical. For many qubits the frequencies are a table of `2**n`
# numbers.

# %%
for sheet in SHEETS:
    clean = np.abs(errors(sheet, "machine, no noise")).max()
    print(f"{sheet}: largest error without noise {clean:.1f} meV of bands up to 18 eV apart")
    assert clean < 50
exact = SHEETS["h-BN"].at("K").levels
corner = [point.label for point in path.points].index("K")
gap = np.diff(scans["h-BN", "machine, manila, readout"].energies[corner])[0]
print(f"gap of h-BN at K on the device {gap:.3f} eV, exact {np.diff(exact)[0]:.3f}")
assert abs(gap - 4.74) < 0.1
