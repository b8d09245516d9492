# %% [markdown]
# # Can I use my own optimiser, or a neural network that produces the parameters?
#
# Yes, both, and neither needs a change in the package. To PyTorch the energy of a circuit is one
# more differentiable function. So whatever PyTorch calls an optimiser can move the angles, and
# whatever PyTorch can differentiate can produce them. We do three things:
#
# 1. write an optimiser of a dozen lines, and race it against those that come with the package;
# 2. train a small network that takes a bond length and returns the angles of a whole circuit,
#    without ever showing it an exact energy;
# 3. start ordinary VQE searches from what the network says.
#
# You need some PyTorch. The first tutorial explains what a circuit and its energy are.

# %%
import os
from functools import partial
from itertools import pairwise

# Small matrices: threads would wait for each other. Before numpy is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import matplotlib.pyplot as plt
import numpy as np
import torch

import qmlmat as qm
from qmlmat.solvers import Traits

# The tests run this script with fewer points and steps; you get all of them.
QUICK = os.environ.get("QMLMAT_QUICK") == "1"


def molecule(atoms: str, active: qm.ActiveSpace) -> qm.MolecularHamiltonian:
    """The Hamiltonian of some atoms (positions in ångström) in the smallest basis."""
    return qm.molecular_hamiltonian(qm.Molecule.from_xyz(atoms, basis="sto-3g"), active)


# %% [markdown]
# ## 1. An optimiser of your own
#
# An optimiser is a class derived from `torch.optim.Optimizer` with a method `step(closure)`. The
# closure computes the loss and its gradient where the parameters are now. Ours is the gradient
# method of Barzilai and Borwein (doi:10.1093/imanum/8.1.141): steepest descent in which the
# length of a step comes from the step before, $s$, and the change $y$ of the gradient along it:
# $s \cdot y / y \cdot y$, an inverse curvature. There is no line search, so a step costs one
# evaluation, and only the first length is left to choose.


# %%
class BarzilaiBorwein(torch.optim.Optimizer):
    """Gradient descent whose steps have the length that the last one found right."""

    def __init__(self, params, lr=0.1, curvature=None):
        super().__init__(params, {"lr": lr})
        self.curvature = 1.0 if curvature is None else torch.as_tensor(curvature)

    @torch.no_grad()
    def step(self, closure):
        with torch.enable_grad():
            loss = closure()
        (x,) = self.param_groups[0]["params"]
        length, memory = self.param_groups[0]["lr"], self.state[x]
        if memory:
            s, y = x - memory["x"], x.grad - memory["gradient"]
            if s @ y > 0:
                length = (s @ y) / (y @ (y / self.curvature))
        memory.update(x=x.clone(), gradient=x.grad.clone())
        x.sub_(length * x.grad / self.curvature)
        return loss


# %% [markdown]
# Nothing in it knows about circuits. We hand the *class* to the solver, which makes the optimiser
# as soon as there are angles to optimise. Settings are fixed with `functools.partial`, as in
# `partial(torch.optim.Adam, lr=0.02)`.
#
# ### What `traits` are for
#
# A solver knows more than slopes, and an optimiser may ask for it. If the class has an attribute
# `traits`, the solver reads there which arguments of the constructor it should fill in:
#
# | `needs` | what arrives |
# | --- | --- |
# | `"curvature"` | rough second derivatives from orbital energies, one per angle |
# | `"metric"` | a function from angles to their Fubini-Study metric |
# | `"harmonics"` | the frequencies of the energy along each angle |
# | `"seed"` | the seed given to `qm.solve` |
#
# Only what is named is computed. Two more traits say how an optimiser wants to be judged:
# `check_every`, the steps between two looks at the exact gradient, for one that takes no gradients
# itself, and `may_stand_still`, for one whose steps sometimes change nothing.
#
# The `curvature` in the constructor above is there to be asked for. With it the method works in
# units in which all angles bend the energy about equally, and its first step has the length 1.


# %%
class ScaledBarzilaiBorwein(BarzilaiBorwein):
    traits = Traits(needs=("curvature",))

    def __init__(self, params, curvature):
        super().__init__(params, lr=1.0, curvature=curvature)


# %% [markdown]
# ### The race
#
# Lithium hydride near its equilibrium has two valence electrons, for which `uccsd` is exact. So
# the error can go all the way down to rounding. The solvers stop when the largest derivative is
# below 1e-6 hartree per radian.

# %%
lithium_hydride = molecule("Li 0 0 0; H 0 0 1.6", qm.ActiveSpace(freeze_core=True))
contestants = {
    "ours": BarzilaiBorwein,
    "ours, with curvatures": ScaledBarzilaiBorwein,
    "PreconditionedLBFGS": qm.PreconditionedLBFGS,
    "torch.optim.LBFGS": torch.optim.LBFGS,
    "torch.optim.Adam": partial(torch.optim.Adam, lr=0.02),
    "NaturalGradient": qm.NaturalGradient,
    "Rotosolve": qm.Rotosolve,
}
race = {
    name: qm.solve(lithium_hydride, qm.VQE("uccsd", optimizer=optimizer))
    for name, optimizer in contestants.items()
}
exact = qm.solve(lithium_hydride, qm.Exact()).energy

print(f"{'':24s}energy (hartree)  error (hartree)  evaluations")
for name, found in race.items():
    evaluations = found.history[-1].n_evaluations
    print(f"{name:24s}{found.energy:16.9f}  {found.error:15.1e}  {evaluations:11d}")

# %%
FLOOR = 1e-10  # mHa, where rounding begins
figure, axes = plt.subplots(figsize=(7.2, 4.4), layout="constrained")
for name, found in race.items():
    errors = [max(1e3 * (step.energy - exact), FLOOR) for step in found.history]
    steps = [step.n_evaluations for step in found.history]
    style = {"lw": 2.4, "zorder": 3} if name.startswith("ours") else {"lw": 1.2}
    axes.loglog(steps, errors, "o-", ms=3, label=name, **style)
axes.set(
    xlabel="evaluations of the energy",
    ylabel="energy above exact (mHa)",
    title="LiH, 1.6 Å, uccsd: 24 angles",
)
axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
figure.savefig("optimisers.png", dpi=120)

# %% [markdown]
# A dozen lines need only a few evaluations more than `PreconditionedLBFGS`, the default, once they
# are told the curvatures, and a tenth of Adam's either way. Count with care: for `Rotosolve` an
# evaluation is an energy without its gradient, for `NaturalGradient` there is a metric to compute
# at each step, and Adam was made for noisy gradients, of which there are none here.
#
# ## 2. A network that produces the angles
#
# So far the optimiser moved the angles themselves. Now they are the output of a network whose
# input is the geometry, and the optimiser moves the network's weights. This is Meta-VQE (A.
# Cervera-Lierta, J. S. Kottmann, A. Aspuru-Guzik, PRX Quantum 2, 020329 (2021)): a circuit is
# trained at a few geometries at once and then used at all those between them.
#
# The molecule is a chain of four hydrogen atoms, all distances equal. At long distance it is a
# notoriously hard case. The circuit is `kupccgsd` with two layers; it is exact for four electrons
# in four orbitals, if one finds the right angles.

# %%
ansatz = qm.Ansatz("kupccgsd", k=2)


def chain(length: float) -> qm.MolecularHamiltonian:
    """Four hydrogen atoms in a row, ``length`` ångström apart."""
    atoms = "; ".join(f"H 0 0 {n * length}" for n in range(4))
    return molecule(atoms, qm.ActiveSpace())


SHORTEST, LONGEST = 0.6, 2.0  # Å
trained_at = np.linspace(SHORTEST, LONGEST, 6)
unseen = np.linspace(0.65, 1.95, 7 if QUICK else 27)  # none of them among the six

# %% [markdown]
# ### First look at the orbitals
#
# A network can only interpolate what is continuous. The angles refer to the molecule's orbitals,
# whose signs are arbitrary and whose order is that of their energies. The package fixes both at
# each geometry by itself, but does not follow them from one geometry to the next. Where a sign or
# the order changes, some angles jump, and no smooth function of the length can be right on both
# sides. The integrals jump at the same place, so it is easy to find out beforehand: walk along the
# path in small steps and see how much the two-electron integrals change.


# %%
def hydride(length: float) -> qm.MolecularHamiltonian:
    """LiH, to compare."""
    return molecule(f"Li 0 0 0; H 0 0 {length}", qm.ActiveSpace(freeze_core=True))


def jumps(make, lengths):
    """The largest change of an integral in each step (hartree)."""
    integrals = [make(length).two_body for length in lengths]
    return np.array([np.abs(b - a).max() for a, b in pairwise(integrals)])


fine = np.linspace(SHORTEST, LONGEST, 15 if QUICK else 57)
wide = np.linspace(1.0, 3.0, 21 if QUICK else 81)
chain_jumps, hydride_jumps = jumps(chain, fine), jumps(hydride, wide)

figure, axes = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
axes.semilogy(fine[1:], chain_jumps, "o-", ms=3, label="H₄ chain")
axes.semilogy(wide[1:], hydride_jumps, "s-", ms=3, label="LiH")
axes.set(
    xlabel="distance of neighbours (Å)",
    ylabel="largest change of\nan integral (hartree)",
    title="Can a network follow these orbitals?",
)
axes.legend(frameon=False)
figure.savefig("orbital_jumps.png", dpi=120)

# %% [markdown]
# The chain's integrals change a little in each step, so the network will have an easy task. LiH
# has two jumps, near 1.8 and 2.2 Å, where a sign changes; there one would have to train one network
# for each piece. This is why the molecule here is the chain.
#
# ### The network
#
# One hidden layer of a few tanh units. The last layer begins small, so that the first angles are
# near zero and the first state is near Hartree-Fock. Circuits want `float64`.


# %%
class AnglesOfLength(torch.nn.Module):
    """Lengths (Å), shape ``(n,)``, to angles, shape ``(n, n_params)`` (radians)."""

    def __init__(self, n_params, n_hidden=8):
        super().__init__()
        self.hidden = torch.nn.Linear(1, n_hidden, dtype=torch.float64)
        self.last = torch.nn.Linear(n_hidden, n_params, dtype=torch.float64)
        with torch.no_grad():
            self.last.weight.mul_(0.3)
            self.last.bias.mul_(0.3)

    def forward(self, lengths):
        inputs = (2 * lengths - SHORTEST - LONGEST) / (LONGEST - SHORTEST)  # -1 to 1
        return self.last(torch.tanh(self.hidden(inputs[:, None])))


# %% [markdown]
# ### The loss
#
# One circuit, six Hamiltonians, six rows of angles: with `pairing="each"` row *i* meets Hamiltonian
# *i*, and `qm.expectation` returns the six energies as a tensor that PyTorch can differentiate. The
# loss is their mean. By the variational principle lower is better at every length; nothing else
# needs to be known, no exact energy and no result of another calculation.

# %%
backend = qm.SectorBackend()
circuit = ansatz.circuit(norb=4, nelec=(2, 2))
preparation = qm.Preparation(circuit, qm.Reference.hartree_fock(circuit.norb, circuit.nelec))


def energies_at(lengths):
    """A function from angles, shape ``(n, n_params)``, to the energies at ``n`` lengths."""
    hamiltonians = tuple(chain(length) for length in lengths)
    request = qm.Request(preparation=preparation, observables=hamiltonians, pairing="each")
    return partial(qm.expectation, backend.prepare(request))


training_energies, training_lengths = energies_at(trained_at), torch.tensor(trained_at)


def train(optimizer_class, n_steps, seed=0):
    """A network trained from scratch, and the loss at each evaluation (hartree)."""
    torch.manual_seed(seed)
    network = AnglesOfLength(circuit.n_params)
    optimizer = optimizer_class(network.parameters())
    losses = []

    def closure():
        optimizer.zero_grad()
        loss = training_energies(network(training_lengths)).mean()
        loss.backward()
        losses.append(loss.item())
        return loss

    for _ in range(n_steps):
        optimizer.step(closure)
    return network, losses


# %% [markdown]
# The optimisers are those of part 1. They neither know nor care that the tensors they move are
# weights now and not angles.

# %%
network, losses = train(qm.PreconditionedLBFGS, 400 if QUICK else 600)
_, adam_losses = train(partial(torch.optim.Adam, lr=0.02), 300 if QUICK else 1200)
n_weights = sum(weights.numel() for weights in network.parameters())
print(f"{n_weights} weights, {circuit.n_params} angles, {len(losses)} evaluations of the loss")

# %%
exact_trained = np.array([qm.solve(chain(length), qm.Exact()).energy for length in trained_at])
figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
for name, values in (("PreconditionedLBFGS", losses), ("torch.optim.Adam", adam_losses)):
    axes.loglog(np.arange(1, len(values) + 1), 1e3 * (values - exact_trained.mean()), label=name)
axes.set(
    xlabel="evaluations of the loss (six energies each)",
    ylabel="mean energy\nabove exact (mHa)",
    title=f"Training {n_weights} weights",
)
axes.legend(frameon=False)
figure.savefig("training.png", dpi=120)

# %% [markdown]
# ### The curve
#
# Now the lengths it has never seen. Beside the network stand Hartree-Fock, the exact energy, and a
# VQE with the same circuit that is optimised at each length on its own, from MP2 amplitudes.

# %%
hamiltonians = [chain(length) for length in unseen]
hartree_fock = np.array([hamiltonian.mean_field_energy for hamiltonian in hamiltonians])
exact_energies = np.array([qm.solve(h, qm.Exact()).energy for h in hamiltonians])
separate = [qm.solve(hamiltonian, qm.VQE(ansatz)) for hamiltonian in hamiltonians]
separate_energies = np.array([solution.energy for solution in separate])

with torch.no_grad():
    angles = network(torch.tensor(unseen))
    network_energies = energies_at(unseen)(angles).numpy()
    trained_energies = training_energies(network(training_lengths)).numpy()

# %%
NOTHING = 1e-6  # mHa; smaller errors are drawn here
figure, (upper, lower) = plt.subplots(
    2, 1, sharex=True, figsize=(6.8, 6.4), height_ratios=(3, 2), layout="constrained"
)
upper.plot(unseen, hartree_fock, "--", color="gray", label="Hartree-Fock")
order = np.argsort(np.concatenate([unseen, trained_at]))
everywhere = np.concatenate([unseen, trained_at])[order]
exact_everywhere = np.concatenate([exact_energies, exact_trained])[order]
upper.plot(everywhere, exact_everywhere, color="black", label="exact")
upper.plot(unseen, separate_energies, "x", color="C1", label="VQE, each length by itself")
upper.plot(unseen, network_energies, "o", ms=4, color="C0", label="network, unseen lengths")
upper.plot(trained_at, trained_energies, "s", ms=8, mfc="none", color="C3", label="trained at")
upper.set(ylabel="energy (hartree)", title="A chain of four hydrogen atoms")
upper.legend(frameon=False)
for values, style in (
    (hartree_fock, {"ls": "--", "color": "gray"}),
    (separate_energies, {"ls": "", "marker": "x", "color": "C1"}),
    (network_energies, {"ls": "", "marker": "o", "ms": 4, "color": "C0"}),
):
    lower.semilogy(unseen, np.maximum(1e3 * (values - exact_energies), NOTHING), **style)
above = 1e3 * (trained_energies - exact_trained)
lower.semilogy(trained_at, above, "s", ms=8, mfc="none", color="C3")
lower.axhline(1.6, color="black", ls=":", lw=1)
lower.annotate("chemical accuracy", (LONGEST, 1.6), (0, 3), textcoords="offset points", ha="right")
ticks = {NOTHING: "≤ 10⁻⁶", 1e-4: "10⁻⁴", 1e-2: "10⁻²", 1.0: "1", 100.0: "100"}
lower.set_yticks(list(ticks), labels=list(ticks.values()))
lower.minorticks_off()
lower.set(xlabel="distance of neighbours (Å)", ylabel="above exact (mHa)", ylim=(3e-7, 3e3))
figure.savefig("curve.png", dpi=120)

# %%
worst = {
    name: 1e3 * np.abs(values - exact_energies).max()
    for name, values in (
        ("Hartree-Fock", hartree_fock),
        ("VQE, each length by itself", separate_energies),
        ("network, unseen lengths", network_energies),
    )
}
for name, value in worst.items():
    print(f"{name:28s}largest error {value:9.3f} mHa")

# %% [markdown]
# The network is right everywhere, at lengths it has never seen, about as well as at the six. And it
# beats the searches that ought to be better, since they were free to choose the angles for one
# length only: at long distances these end in a local minimum, tens of millihartree too high. A look
# at some of the angles shows why.

# %%
moving = np.argsort(np.ptp(angles.numpy(), axis=0))[-4:]  # the four angles that change most
alone = np.array([solution.params for solution in separate])
figure, panels = plt.subplots(2, 2, sharex=True, figsize=(7.2, 4.8), layout="constrained")
for number, panel in zip(sorted(moving), panels.flat, strict=True):
    panel.plot(unseen, angles[:, number], "o-", ms=4, label="network")
    panel.plot(unseen, alone[:, number], "x", label="VQE, each length by itself")
    panel.set_title(f"angle {number}", fontsize="medium")
figure.supxlabel("distance of neighbours (Å)")
figure.supylabel("angle (rad)")
figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
figure.savefig("angles.png", dpi=120)

# %% [markdown]
# `kupccgsd` has many sets of angles for one state, and local minima besides. A search by itself
# falls into whichever is near. The network has to find *one* family that is good at all lengths
# and changes smoothly, and being trained at easy and hard lengths at once, it is led past the bad
# minimum. That is a welcome side effect here, not a theorem: other molecules may be less lucky.
#
# ## 3. The network's word as a start
#
# What the network says is good, not converged. A VQE that starts from it is, and `guess` takes
# plain angles as well as an earlier solution. Beside it we put the other thing one can do, which
# needs no network: walk along the curve and start each search where the one before ended.

# %%
solver = qm.VQE(ansatz)
from_network = [
    qm.solve(hamiltonian, solver, guess=start)
    for hamiltonian, start in zip(hamiltonians, angles.numpy(), strict=True)
]
walk = [separate[0]]
for hamiltonian in hamiltonians[1:]:
    walk.append(qm.solve(hamiltonian, solver, guess=walk[-1]))

starts = {"MP2": separate, "neighbour": walk, "network": from_network}
effort = {
    name: np.array([found.history[-1].n_evaluations for found in results])
    for name, results in starts.items()
}
print("start      mean evaluations  largest error (mHa)  converged")
for name, results in starts.items():
    largest = 1e3 * max(found.error for found in results)
    n_converged = sum(found.is_converged for found in results)
    print(
        f"{name:10s} {effort[name].mean():16.0f}  {largest:19.6f}  {n_converged:4d}/{len(results)}"
    )
print(f"training: {len(losses)} evaluations at {len(trained_at)} lengths")

# %%
figure, axes = plt.subplots(figsize=(6.8, 3.8), layout="constrained")
for (name, results), marker, color in zip(starts.items(), "x^o", ("C1", "C2", "C0"), strict=True):
    axes.plot(unseen, effort[name], marker + "-", ms=5, lw=1, color=color, label=f"from {name}")
    lost = [found.error > 1.6e-3 for found in results]
    axes.plot(unseen[lost], effort[name][lost], "o", ms=12, mfc="none", color="C3")
axes.plot([], [], "o", ms=12, mfc="none", color="C3", label="ended in a local minimum")
axes.set(
    xlabel="distance of neighbours (Å)",
    ylabel="evaluations until converged",
    ylim=(0, None),
)
figure.legend(loc="outside upper center", ncols=2, frameon=False)
figure.savefig("starts.png", dpi=120)

# %% [markdown]
# From the network's angles a search needs about a third of the evaluations that it needs from MP2
# amplitudes, and it ends in the right minimum. A neighbour's angles are nearly as good, and cost
# nothing: for one curve, walk along it, which is what `qm.scan` does. Look at the bill, too: each
# evaluation of the loss took six energies, and all of them together more than all these searches.
# A network pays where it is asked often or in no particular order, as along a trajectory, where its
# hundredths of a millihartree are good enough without any search, or where it is the smooth
# function that one wants.
#
# ## The numbers to compare
#
# Every optimiser has to find the exact energy of LiH. Of the network we ask chemical accuracy
# (1.6 mHa, 1 kcal/mol) at all lengths it was not trained at, and more at full size; never an energy
# below the exact one; and of the searches that start from it, the exact energies in fewer
# evaluations than from MP2.

# %%
CHEMICAL_ACCURACY = 1.6  # mHa
for name, found in race.items():
    assert found.is_converged, name
    assert abs(found.energy - exact) < 1e-9, name
assert race["ours"].history[-1].n_evaluations < 50
assert race["ours, with curvatures"].history[-1].n_evaluations < 30

assert chain_jumps.max() < 0.1 < hydride_jumps.max()
assert (network_energies > exact_energies - 1e-9).all()
assert worst["network, unseen lengths"] < (CHEMICAL_ACCURACY if QUICK else 0.5)
assert worst["Hartree-Fock"] > 100

assert all(found.is_converged and abs(found.error) < 1e-8 for found in from_network)
assert effort["network"].sum() < effort["MP2"].sum()
print(f"LiH:   {race['ours'].energy:.9f} hartree, exact {exact:.9f}")
print(
    f"chain: at most {worst['network, unseen lengths']:.3f} mHa above exact between the six lengths"
)
