# %% [markdown]
# # Can a Boltzmann machine hold a molecule, and does it need a quantum computer?
#
# A restricted Boltzmann machine is a shallow network with one layer of hidden units. Let its
# visible units be the qubits of a molecule, take the square root of its Gibbs distribution as
# amplitudes, add one node for the signs, and minimise the energy. Here are the curves of H₂, LiH
# and H₂O that come out, beside the exact ones. Then the distribution is *sampled*, by Markov
# chains, by a circuit, and by a circuit with the noise of a device.
#
# The method is that of R. Xia and S. Kais, Nat. Commun. 9, 4195 (2018). Errors are against the
# exact energies of the same orbitals.

# %%
import dataclasses
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

# %% [markdown]
# ## 1. Three curves
#
# All configurations of the electrons are enumerated, so nothing is noisy. The search has local
# minima: each point begins at its neighbour's parameters and at random ones, and the lowest
# counts.
#
# H₂ has all its orbitals; LiH two electrons in its three orbitals along the bond; H₂O four in
# four. Parities that the molecule keeps take no qubits, which leaves one, four and four visible
# units.

# %%
STARTS = 2 if QUICK else 6
MACHINES = {
    "H₂": qm.RBM(n_hidden=2),
    "LiH": qm.RBM(n_hidden=4, n_starts=STARTS),
    "H₂O": qm.RBM(n_hidden=8, n_starts=STARTS),
}
SPACES = {
    "H₂": qm.ActiveSpace(),
    "LiH": qm.ActiveSpace(indices=(1, 2, 5)),
    "H₂O": qm.ActiveSpace(n_electrons=4, norb=4),
}
hydrogen = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735")
hydride = qm.Molecule.from_xyz("Li 0 0 0; H 0 0 1.6")
water = qm.Molecule.from_xyz("O 0 0 0; H 0.7575 0.5871 0; H -0.7575 0.5871 0")
both = qm.symmetric(qm.Distance(0, 1), qm.Distance(0, 2))


def steps(start, stop, n):
    """Return lengths of the full path, or the few of the quick one."""
    return np.linspace(start, stop, 2 if QUICK else n).tolist()


PATHS = {
    "H₂": qm.stretch(hydrogen, bond=(0, 1), lengths=steps(0.5, 2.5, 11)),
    "LiH": qm.stretch(hydride, bond=(0, 1), lengths=[1.6] if QUICK else steps(1.0, 3.0, 11)),
    "H₂O": qm.line(water, both, [0.96] if QUICK else steps(0.8, 1.4, 7)),
}
MOLECULES = {"H₂": hydrogen, "LiH": hydride, "H₂O": water}


def above_exact(curve):
    """Return the errors of Hartree-Fock along a curve (hartree)."""
    return curve.column("hartree_fock") - curve.references


curves = {}
for name, molecule in MOLECULES.items():
    begin = time.perf_counter()
    surface = qm.SolverSurface(molecule, SPACES[name], MACHINES[name], seed=1)
    curves[name] = qm.scan(surface, PATHS[name])
    print(
        f"{name}: {len(PATHS[name].points)} points in {time.perf_counter() - begin:.0f} s, "
        f"largest error {np.abs(curves[name].errors).max():.1e} hartree, "
        f"Hartree-Fock's {above_exact(curves[name]).max():.1e}"
    )

# %%
figure, axes = plt.subplots(
    2, 3, figsize=(11, 6), sharex="col", height_ratios=(2, 1), layout="constrained"
)
for column, (name, curve) in enumerate(curves.items()):
    above, below = axes[:, column]
    lengths = curve.path.along()
    above.plot(lengths, curve.references, "-", color="black", linewidth=1, label="exact")
    above.plot(lengths, curve.column("hartree_fock"), "--", color="tab:grey", label="Hartree-Fock")
    above.plot(lengths, curve.energies[:, 0], "o", color="tab:blue", label="Boltzmann machine")
    below.semilogy(lengths, np.maximum(np.abs(curve.errors), 1e-14), "o", color="tab:blue")
    below.semilogy(lengths, above_exact(curve), "--", color="tab:grey")
    below.axhline(1.6e-3, color="0.6", linewidth=0.8)
    above.set(title=name)
    below.set(xlabel="bond length (Å)", ylim=(3e-15, 1))
    for one in (above, below):
        one.grid(alpha=0.3)
axes[0, 0].set(ylabel="energy (hartree)")
axes[1, 0].set(ylabel="error (hartree)")
axes[1, 1].annotate("chemical accuracy", (2.05, 1e-4), color="0.4", fontsize=8)
axes[0, 0].legend(frameon=False)
figure.savefig("11_curves.png", dpi=150)

# %% [markdown]
# ## 2. Without the sign node
#
# The roots of a distribution are positive. The correlated ground state is not: the configurations
# that lower the energy come with the other sign. Without the third layer the machine can do little
# better than put everything on one configuration, and that is Hartree-Fock.

# %%
for name, molecule in list(MOLECULES.items())[: 1 if QUICK else 3]:
    h = qm.molecular_hamiltonian(molecule, SPACES[name])
    bare = qm.solve(h, dataclasses.replace(MACHINES[name], sign_node="none"), seed=1)
    reference = qm.run_mean_field(molecule).energy - bare.reference_energy
    print(f"{name} without a sign node: {bare.error:.2e} hartree, Hartree-Fock {reference:.2e}")

# %% [markdown]
# ## 3. The same curve, sampled
#
# Now H₂ on two qubits (parity mapping), the parameters of each machine found by enumeration
# (`exact_search=True`), and the energies measured, in four ways:
#
# - Markov chains visit configurations with the probability `|psi|²`;
# - a *Gibbs circuit* of two visible units, one hidden one and an ancilla for each pair is measured
#   8,192 times; kept are the shots whose ancillas read 1, and the roots of the frequencies are the
#   amplitudes. First without noise,
# - then as the five-qubit device manila would run it,
# - then with its readout errors measured and inverted.
#
# On a device one ancilla, measured and reset for each pair, would do (`reset=True`). Two of them
# make the simulation several times as fast.

# %%
machine = qm.RBM(
    n_hidden=1,
    sign_node="tanh",
    mapping="parity",
    reduced=True,
    tapered=False,
    exact_search=True,
)
gibbs = dataclasses.replace(machine, sampler=qm.GibbsCircuit(reset=False))
chains = dataclasses.replace(machine, sampler=qm.Metropolis(n_samples=8000))
SHOTS = 8192


def manila(*, readout):
    mitigation = qm.Mitigation(readout=readout)
    return qm.QiskitBackend.on_fake(
        "manila", n_qubits=5, seed=11, shots=SHOTS, mitigation=mitigation
    )


WAYS = {
    "Markov chains": (chains, None),
    "Gibbs circuit": (gibbs, qm.StatevectorBackend(shots=SHOTS)),
    "manila": (gibbs, manila(readout=False)),
    "manila, readout corrected": (gibbs, manila(readout=True)),
}
lengths = [0.735] if QUICK else [0.5, 0.6, 0.735, 0.9, 1.1, 1.3, 1.5, 1.75, 2.0, 2.25, 2.5]
sampled = {}
path = qm.stretch(hydrogen, bond=(0, 1), lengths=lengths)
for name, (solver, backend) in WAYS.items():
    begin = time.perf_counter()
    surface = qm.SolverSurface(hydrogen, SPACES["H₂"], solver, seed=11, backend=backend)
    sampled[name] = qm.scan(surface, path)
    errors, bars = 1e3 * sampled[name].errors.ravel(), 1e3 * sampled[name].stderr.ravel()
    print(
        f"{name}: root mean square error {np.sqrt(np.mean(errors**2)):.3f} mHa, "
        f"mean {errors.mean():+.3f}, error bar {bars.mean():.3f} "
        f"({time.perf_counter() - begin:.0f} s)"
    )

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
styles = {
    "Gibbs circuit": ("tab:blue", "o", -0.012),
    "manila": ("tab:grey", "s", 0.0),
    "manila, readout corrected": ("tab:red", "D", 0.012),
}
left.plot(
    path.along(), sampled["manila"].references, "-", color="black", linewidth=1, label="exact"
)
for name, (colour, marker, shift) in styles.items():
    curve = sampled[name]
    style = {"fmt": marker, "color": colour, "markersize": 5}
    left.errorbar(path.along(), curve.energies[:, 0], yerr=curve.stderr[:, 0], label=name, **style)
    right.errorbar(
        path.along() + shift,
        1e3 * curve.errors.ravel(),
        yerr=1e3 * curve.stderr[:, 0],
        capsize=3,
        label=name,
        **style,
    )
right.axhspan(-1.6, 1.6, color="0.9", zorder=0)
right.axhline(0, color="black", linewidth=0.8)
right.annotate("chemical accuracy", (0.98, 0.02), xycoords="axes fraction", ha="right", color="0.4")
left.set(xlabel="bond length (Å)", ylabel="energy (hartree)", title=f"H₂, {SHOTS:,} shots")
right.set(xlabel="bond length (Å)", ylabel="error (mHa)", title="error, with standard errors")
for axes in (left, right):
    axes.grid(alpha=0.3)
left.legend(frameon=False)
figure.savefig("11_boltzmann_machines.png", dpi=150)

# %% [markdown]
# ## 4. What noise does, and what the circuit is for
#
# Along this curve the energies from the noisy device are 3.4 mHa off (root mean square), nearly
# all too high, and 0.2 with readout corrected; without noise it is 0.1. The device is wrong in
# several percent of its shots: that so little comes of it has two reasons. Two of the four
# configurations have the wrong electrons and are left out, whatever the noise put there. And near
# its minimum an energy is second order in what is wrong with the amplitudes. So noise raises it,
# where the bars speak of shots alone.
#
# What does the circuit compute that we do not know? Nothing: the sum over the hidden units is a
# product of cosh, so each amplitude has a closed form. With it
# (`GibbsCircuit(amplitudes="closed_form")`, and in Markov chains always) local energies of an
# exact state are all the same, and the error bar vanishes however noisy the weights are:

# %%
h = qm.molecular_hamiltonian(hydrogen)
closed = dataclasses.replace(gibbs, sampler=qm.GibbsCircuit(reset=False, amplitudes="closed_form"))
exactly = qm.solve(h, closed, backend=WAYS["manila"][1], seed=11)
print(
    f"closed form of the amplitudes, weights from manila: {exactly.error:.1e} "
    f"± {exactly.stderr[0]:.0e} hartree"
)

# %% [markdown]
# What a quantum computer could do better is draw configurations where Markov chains are slow. The
# circuit pays for it with shots that are thrown away and with the power `k` that its counts are
# raised to: `docs/boltzmann.md`.

# %%
largest = {name: np.abs(curve.errors).max() for name, curve in curves.items()}
for name, limit in (("H₂", 1e-5), ("LiH", 2e-5), ("H₂O", 5e-4)):
    print(f"{name}: largest error {largest[name]:.1e} hartree")
    assert largest[name] < limit
ideal = sampled["Gibbs circuit"]
assert (np.abs(ideal.errors) < 5 * ideal.stderr[:, 0] + 3e-4).all()
assert abs(exactly.error) < 1e-6
