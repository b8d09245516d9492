# %% [markdown]
# # How does a variational circuit get the energy of H₂?
#
# Hydrogen is the smallest molecule with a bond, and its smallest useful circuit has **one**
# parameter. So nothing needs to be hidden: we build the circuit by hand, look at its energy as a
# function of that one parameter, let an optimiser find the minimum, and then do the same at every
# bond length. At the end the circuit agrees with the exact answer everywhere, also where
# Hartree-Fock fails.
#
# You need no quantum computing to follow; a little quantum chemistry helps.

# %%
import os

import matplotlib.pyplot as plt
import numpy as np
import torch

import qmlmat as qm

# The tests run this script with fewer points; you get all of them.
QUICK = os.environ.get("QMLMAT_QUICK") == "1"

# %% [markdown]
# ## The molecule and its Hamiltonian
#
# Two hydrogen atoms 0.735 Å apart in the minimal basis STO-3G: two orbitals, the bonding σ and the
# antibonding σ*, and two electrons of opposite spin. Hartree-Fock puts both into σ.
#
# What the circuit needs to know of the molecule are the integrals over these orbitals. They are
# the `MolecularHamiltonian`.

# %%
molecule = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735", basis="sto-3g")
hamiltonian = qm.molecular_hamiltonian(molecule)

print("electrons by spin:   ", hamiltonian.nelec)
print("spatial orbitals:    ", hamiltonian.norb)
print("determinants:        ", hamiltonian.dimension)
print("Hartree-Fock energy: ", f"{hamiltonian.mean_field_energy:.8f} hartree")

# %% [markdown]
# One electron of each spin in two orbitals can be placed in four ways: four determinants. In this
# package a state is an array with one row per alpha placement and one column per beta placement,
# and the Hamiltonian is something that acts on such an array. Four states are few enough to write
# the matrix out.

# %%
basis_states = np.eye(4).reshape(4, 2, 2)
matrix = np.array([hamiltonian.matvec(state).ravel() for state in basis_states])
print(np.round(matrix, 4))

# %% [markdown]
# Only two of the four determinants talk to each other: both electrons in σ (the first) and both in
# σ* (the last). The other two have a different symmetry. So the ground state must be
#
# $$|\theta\rangle = \cos\theta\,|\sigma\bar\sigma\rangle
#   + \sin\theta\,|\sigma^*\bar\sigma^*\rangle,$$
#
# and one angle is all there is to find.
#
# ## A circuit by hand
#
# A circuit that makes this state moves *both* electrons together from orbital 0 to orbital 1. That
# is one double excitation $T$, and the gate is the rotation $e^{\theta (T - T^\dagger)}$, which
# keeps the number of electrons whatever the angle.

# %%
both_up = qm.Excitation(alpha=((0, 1),), beta=((0, 1),))
circuit = qm.Circuit(norb=2, nelec=(1, 1), gates=(qm.Gate(both_up, param=0),), n_params=1)

start = qm.Reference.hartree_fock(circuit.norb, circuit.nelec)
backend = qm.SectorBackend()
for angle in (0.0, 0.3, np.pi / 2):
    state = backend.state(qm.Preparation(circuit, start, np.array([angle])))
    print(f"theta = {angle:.2f}:  amplitudes", np.round(state.ravel(), 4) + 0.0)

# %% [markdown]
# ## The energy as a function of the parameter
#
# We *request* the expectation of the Hamiltonian in the circuit's state. Preparing the request
# does once whatever does not depend on the angle; the evaluator then takes any number of angles.

# %%
request = qm.Request(preparation=qm.Preparation(circuit, start), observables=(hamiltonian,))
evaluator = backend.prepare(request)

angles = np.linspace(-np.pi / 2, np.pi / 2, 41 if QUICK else 201)
energies = evaluator(angles[:, None]).values[:, 0]

# %% [markdown]
# Hartree-Fock sits at θ = 0. The minimum is a little to the side of it: a small admixture of σ*,
# with the sign that keeps the electrons apart. The distance between the two energies is the
# correlation energy.
#
# ## The gradient
#
# An optimiser wants slopes. The simulator computes all of them in one backward sweep through the
# circuit. Here we check it against the crudest alternative, a difference of two energies.

# %%
theta = np.array([0.4])
exact_slope = evaluator.value_and_gradient(theta).gradient[0, 0]
step = 1e-5
difference = evaluator(theta + step).values[0] - evaluator(theta - step).values[0]
print(f"adjoint gradient:   {exact_slope:.10f} hartree/rad")
print(f"central difference: {difference / (2 * step):.10f} hartree/rad")
assert abs(exact_slope - difference / (2 * step)) < 1e-8

# %% [markdown]
# ## The optimiser
#
# PyTorch sees the energy as a function it can differentiate, so every PyTorch optimiser works.
# Plain gradient descent shows what happens; the package itself uses L-BFGS, which needs far fewer
# steps.

# %%
params = torch.zeros(1, dtype=torch.float64, requires_grad=True)
optimizer = torch.optim.SGD([params], lr=0.15)
visited = []
for _ in range(30):
    optimizer.zero_grad()
    energy = qm.expectation(evaluator, params).sum()
    energy.backward()
    visited.append((params.item(), energy.item()))
    optimizer.step()

best_angle, best_energy = visited[-1]
print(f"after {len(visited)} steps: theta = {best_angle:.6f}, E = {best_energy:.8f} hartree")

# %%
figure, axes = plt.subplots(figsize=(6.4, 4))
axes.plot(angles, energies, label="energy of the circuit")
axes.plot(*zip(*visited, strict=True), "o", ms=4, label="steps of the optimiser")
axes.axhline(hamiltonian.mean_field_energy, color="gray", ls="--", lw=1, label="Hartree-Fock")
axes.set(xlabel="θ (rad)", ylabel="energy (hartree)", xlim=(-0.8, 0.8), ylim=(-1.15, -0.85))
axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
figure.savefig("h2_energy_of_theta.png", dpi=120, bbox_inches="tight")

# %% [markdown]
# ## The same in one line
#
# All of the above is what `solve` does with a `VQE`. The ansatz `uccsd` has the double excitation
# and two single ones. The exact solver diagonalises the matrix.

# %%
solution = qm.solve(hamiltonian, qm.VQE("uccsd"))
exact = qm.solve(hamiltonian, qm.Exact())
print(f"one gate by hand: {best_energy:.8f}")
print(f"VQE('uccsd'):     {solution.energy:.8f}  ({solution.status})")
print(f"exact:            {exact.energy:.8f} hartree")

# %% [markdown]
# ## The whole curve
#
# A *surface* turns geometries into energies, a *path* is a list of geometries, and a *scan*
# evaluates one along the other. Each point starts from its neighbour's parameters.

# %%
lengths = np.linspace(0.4, 3.0, 7 if QUICK else 27)
surface = qm.SolverSurface(molecule, qm.ActiveSpace(), qm.VQE("uccsd"))
curve = qm.scan(surface, qm.stretch(molecule, (0, 1), lengths))
assert curve.is_converged

# The first parameter of uccsd for two electrons is our θ: the double excitation comes first.
doubles = np.array([point.solution.params[0] for point in curve.results])

# %%
figure, (upper, lower) = plt.subplots(
    2, 1, sharex=True, figsize=(6.4, 5.6), height_ratios=(3, 1), layout="constrained"
)
x = curve.path.along()
upper.plot(x, curve.column("hartree_fock"), "--", color="gray", label="Hartree-Fock")
upper.plot(x, curve.references, color="black", label="exact")
upper.plot(x, curve.energies[:, 0], "o", label="VQE, uccsd")
upper.set(ylabel="energy (hartree)", ylim=(-1.2, -0.5))
upper.legend(frameon=False)
lower.plot(x, np.degrees(doubles), "o-")
lower.axhline(-45, color="gray", ls=":")
lower.set(xlabel="H-H distance (Å)", ylabel="θ (degrees)", ylim=(-50, 5))
figure.savefig("h2_curve.png", dpi=120, bbox_inches="tight")

# %% [markdown]
# Hartree-Fock keeps both electrons in the same orbital, so at long distance half of its wave
# function is H⁺ H⁻, and its energy is far too high. The circuit does not have this fault: as the
# bond breaks, θ turns towards −45°, where σ² and σ*² have equal weight and the ionic parts cancel.
# With two electrons this ansatz is exact at every distance; what is left of an error below is
# rounding and the optimiser's tolerance.

# %%
last = curve.results[-1]
atoms = 2 * -0.46658185  # two H atoms in STO-3G (hartree)
print(f"at {x[-1]:.1f} Å:  Hartree-Fock {last.columns['hartree_fock']:.4f},", end=" ")
print(f"VQE {last.energies[0]:.4f}, two separate atoms {atoms:.4f} hartree")
print(f"largest error on the curve: {np.abs(curve.errors).max():.1e} hartree")

# %% [markdown]
# ## The number to compare
#
# The exact energy of H₂ at 0.735 Å in STO-3G is −1.13730604 hartree (full configuration
# interaction). The hand-made circuit and the package both have to give it.

# %%
REFERENCE = -1.13730604  # hartree, full configuration interaction
for name, value in [("by hand", best_energy), ("VQE", solution.energy), ("exact", exact.energy)]:
    print(f"{name:8s} {value:.8f}  differs by {value - REFERENCE:+.1e} hartree")
    assert abs(value - REFERENCE) < 2e-8
assert np.abs(curve.errors).max() < 1e-8
assert abs(last.energies[0] - atoms) < 1e-3
assert abs(np.degrees(doubles[-1]) + 45) < 5
print("All agree with the reference.")
