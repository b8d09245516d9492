# %% [markdown]
# # A PennyLane program, one line changed: what does it buy?
#
# This is a calculation as PennyLane's own demonstrations do it: its molecules, its Hartree-Fock,
# its templates and optimisers. It runs on `lightning.qubit`, PennyLane's fast simulator. Then one
# line is changed, the device, and nothing else.
#
# `lightning.qubit` keeps all `2**n` amplitudes of `n` wires. A molecule has a fixed number of
# electrons of each spin, and gates such as `DoubleExcitation` never change it, so that most
# amplitudes stay zero. `qmlmat.sector` keeps the others only.

# %%
import os
import time

# Small matrices: threads would wait for each other. Before numpy is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import matplotlib.pyplot as plt
import numpy as np
import pennylane as qml
import torch
from pennylane import numpy as pnp

import qmlmat as qm

# The tests run this script with fewer points; you get all of them.
QUICK = os.environ.get("QMLMAT_QUICK") == "1"

# %% [markdown]
# ## 1. Hydrogen, by PennyLane
#
# `method="dhf"` is PennyLane's own Hartree-Fock. Its spin orbitals alternate: wire 0 is alpha and
# wire 1 beta of the first orbital, wires 2 and 3 those of the second.

# %%
hydrogen = qml.qchem.Molecule(["H", "H"], np.array([[0, 0, 0], [0, 0, 0.74]]), unit="angstrom")
hamiltonian, n_wires = qml.qchem.molecular_hamiltonian(hydrogen, method="dhf")
start = qml.qchem.hf_state(2, n_wires)


def lowest_energy(device):
    @qml.qnode(device)
    def energy(angle):
        qml.BasisState(start, wires=range(n_wires))
        qml.DoubleExcitation(angle, wires=[0, 1, 2, 3])
        return qml.expval(hamiltonian)

    optimizer = qml.GradientDescentOptimizer(stepsize=0.4)
    angle = pnp.array(0.0, requires_grad=True)
    for _ in range(40):
        angle = optimizer.step(energy, angle)
    return float(energy(angle))


# %% [markdown]
# The device is the one line. `spin_order="interleaved"` says that alpha and beta alternate, as they
# do in `qml.qchem`: the device then keeps both numbers of electrons, not only their sum.

# %%
theirs = lowest_energy(qml.device("lightning.qubit", wires=n_wires))
ours = lowest_energy(qml.device("qmlmat.sector", wires=n_wires, spin_order="interleaved"))
print(f"lightning.qubit {theirs:.10f}, qmlmat.sector {ours:.10f} hartree")

# %% [markdown]
# ## 2. How much faster?
#
# Lithium hydride with all its electrons and orbitals: 12 wires. `AllSinglesDoubles` has one angle
# for each of 92 excitations. One energy with its whole gradient, on both devices in turns:


# %%
def molecule(length):
    """Return PennyLane's Hamiltonian and the number of electrons."""
    symbols, n_electrons = (["H", "H"], 2) if QUICK else (["Li", "H"], 4)
    places = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, length]])
    made = qml.qchem.Molecule(symbols, places, unit="angstrom")
    return qml.qchem.molecular_hamiltonian(made, method="dhf")[0], n_electrons


NAME = "H2" if QUICK else "LiH"
DEVICES = {
    "lightning.qubit": lambda n: qml.device("lightning.qubit", wires=n),
    "qmlmat.sector": lambda n: qml.device("qmlmat.sector", wires=n, spin_order="interleaved"),
}


def energy_function(hamiltonian, n_electrons, device, singles, doubles):
    n_wires = len(hamiltonian.wires)
    start = qml.qchem.hf_state(n_electrons, n_wires)

    @qml.qnode(DEVICES[device](n_wires))
    def energy(angles):
        qml.AllSinglesDoubles(angles, range(n_wires), start, singles, doubles)
        return qml.expval(hamiltonian)

    return energy


hamiltonian, n_electrons = molecule(1.6)
singles, doubles = qml.qchem.excitations(n_electrons, len(hamiltonian.wires))
n_angles = len(singles) + len(doubles)
rng = np.random.default_rng(10)
points = [pnp.array(0.1 * rng.normal(size=n_angles), requires_grad=True) for _ in range(4)]
gradients = {
    name: qml.grad(energy_function(hamiltonian, n_electrons, name, singles, doubles))
    for name in DEVICES
}
seconds = {name: [] for name in DEVICES}
differences = []
for point in points:
    slopes = {}
    for name, gradient in gradients.items():
        begin = time.perf_counter()
        slopes[name] = gradient(point)
        seconds[name].append(time.perf_counter() - begin)
    differences.append(np.abs(slopes["lightning.qubit"] - slopes["qmlmat.sector"]).max())

best = {name: min(times[1:]) for name, times in seconds.items()}
ratio = best["lightning.qubit"] / best["qmlmat.sector"]
for name, time_ in best.items():
    print(f"{NAME}, {n_angles} angles, {name}: {1e3 * time_:.1f} ms")
print(f"{ratio:.0f} times as fast; largest difference of a slope {max(differences):.0e} hartree")

# %% [markdown]
# What is left is nearly all PennyLane's: it makes a Python object for each gate of each call. What
# `lightning.qubit` does beside that grows with `2**n`, and so does the ratio: `docs/pennylane.md`
# has a table.
#
# ## 3. Which gates matter?
#
# Most of the 92 do nothing, by symmetry. PennyLane's demonstration of adaptive circuits keeps the
# excitations whose energy has a slope: first doubles, at Hartree-Fock; then singles, with the
# doubles at their minimum. The search is by PyTorch here. A QNode takes the framework of its
# arguments.


# %%
def minimum(energy, n_angles):
    """Return the lowest energy and its angles, by L-BFGS."""
    angles = torch.zeros(n_angles, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [angles],
        max_iter=200,
        tolerance_grad=1e-6,
        tolerance_change=1e-12,
        line_search_fn="strong_wolfe",
    )

    def closure():
        optimizer.zero_grad()
        value = energy(angles)
        value.backward()
        return value

    optimizer.step(closure)
    return float(energy(angles).detach()), angles.detach()


def with_slope(hamiltonian, n_electrons, threshold=1e-5):
    """Return the singles and doubles that change the energy."""
    singles, doubles = qml.qchem.excitations(n_electrons, len(hamiltonian.wires))
    node = energy_function(hamiltonian, n_electrons, "qmlmat.sector", [], doubles)
    slopes = qml.grad(node)(pnp.zeros(len(doubles), requires_grad=True))
    doubles = [d for d, slope in zip(doubles, slopes, strict=True) if abs(slope) > threshold]
    node = energy_function(hamiltonian, n_electrons, "qmlmat.sector", [], doubles)
    _, angles = minimum(node, len(doubles))

    node = energy_function(hamiltonian, n_electrons, "qmlmat.sector", singles, doubles)
    at = np.concatenate([np.zeros(len(singles)), angles.numpy()])
    slopes = qml.grad(node)(pnp.array(at, requires_grad=True))[: len(singles)]
    return [s for s, slope in zip(singles, slopes, strict=True) if abs(slope) > threshold], doubles


few_singles, few_doubles = with_slope(hamiltonian, n_electrons)
print(f"{len(few_singles)} of {len(singles)} singles, {len(few_doubles)} of {len(doubles)} doubles")

# %% [markdown]
# ## 4. The curve
#
# Now along the bond: all gates, and those with a slope at each length. The exact energies are
# another program's: PySCF's integrals, diagonalised by `qm.Exact`.

# %%
lengths = [0.6, 0.9] if QUICK else [1.0, 1.3, 1.6, 2.0, 2.5, 3.2]
curves = {"Hartree-Fock": [], "all gates": [], "gates with a slope": [], "exact": []}
begin = time.perf_counter()
chemistry = 0.0
n_gates = []
for length in lengths:
    begin_molecule = time.perf_counter()
    hamiltonian, n_electrons = molecule(length)
    chemistry += time.perf_counter() - begin_molecule
    singles, doubles = qml.qchem.excitations(n_electrons, len(hamiltonian.wires))
    everything = energy_function(hamiltonian, n_electrons, "qmlmat.sector", singles, doubles)
    curves["Hartree-Fock"].append(float(everything(np.zeros(n_angles))))
    curves["all gates"].append(minimum(everything, n_angles)[0])
    chosen = with_slope(hamiltonian, n_electrons)
    n_gates.append(sum(map(len, chosen)))
    few = energy_function(hamiltonian, n_electrons, "qmlmat.sector", *chosen)
    curves["gates with a slope"].append(minimum(few, n_gates[-1])[0])
    atoms = qm.Molecule.from_xyz(f"{'H' if QUICK else 'Li'} 0 0 0; H 0 0 {length}", basis="sto-3g")
    curves["exact"].append(qm.solve(qm.molecular_hamiltonian(atoms), qm.Exact()).energy)
    print(
        f"{length:.1f} Å  {curves['all gates'][-1]:.8f} with {n_angles} gates, "
        f"{curves['gates with a slope'][-1]:.8f} with {n_gates[-1]}, "
        f"exact {curves['exact'][-1]:.8f} hartree"
    )
print(f"{time.perf_counter() - begin:.0f} s, {chemistry:.0f} of them for PennyLane's integrals")
curves = {name: np.array(values) for name, values in curves.items()}

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
styles = {
    "Hartree-Fock": {"color": "tab:grey", "linestyle": "--"},
    "all gates": {"color": "tab:blue", "marker": "o", "markersize": 10, "fillstyle": "none"},
    "gates with a slope": {"color": "tab:red", "marker": "x"},
}
left.plot(lengths, curves["exact"], "-", color="black", linewidth=1, label="exact")
for name, style in styles.items():
    left.plot(lengths, curves[name], **{"linestyle": "none", **style}, label=name)
    right.semilogy(lengths, 1e3 * np.abs(curves[name] - curves["exact"]), **style)
right.axhline(1.594, color="0.6", linewidth=0.8)
right.annotate("chemical accuracy", (lengths[0], 1.7), color="0.4", fontsize=9)
left.set(xlabel="bond length (Å)", ylabel="energy (hartree)", title=f"{NAME}, STO-3G")
right.set(xlabel="bond length (Å)", ylabel="error (mHa)", title="error against exact")
for axes in (left, right):
    axes.grid(alpha=0.3)
left.legend(frameon=False)
figure.savefig("10_pennylane_device.png", dpi=150)

# %% [markdown]
# Two things to take home:
#
# - The device is a setting of a PennyLane program. Templates, gradients, optimisers and numbers
#   stay.
# - What it skips are amplitudes that are zero: the answer is the same to the last digits. A gate
#   that would fill them, such as `qml.RX`, is refused by name.

# %%
errors = np.abs(curves["all gates"] - curves["exact"])
print(f"largest error of all gates: {1e3 * errors.max():.4f} mHa")
assert abs(ours - theirs) < 1e-10
assert max(differences) < 1e-10
assert errors.max() < 1e-4
assert np.abs(curves["gates with a slope"] - curves["exact"]).max() < 1.6e-3
