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
# method of Barzilai and Borwein (IMA J. Numer. Anal. 8, 141 (1988)): steepest descent in which the
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
    return np.array([np.abs(b - a).max() for a, b in zip(integrals, integrals[1:], strict=False)])


fine = np.linspace(SHORTEST, LONGEST, 15 if QUICK else 57)
wide = np.linspace(1.0, 3.0, 21 if QUICK else 81)
chain_jumps, hydride_jumps = jumps(chain, fine), jumps(hydride, wide)

figure, axes = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
axes.semilogy(wide[1:], hydride_jumps, "s-", ms=3, color="C1", label="LiH")
axes.semilogy(fine[1:], chain_jumps, "o-", ms=3, color="C0", label="H₄ chain")
axes.set(
    xlabel="distance of neighbours (Å)",
    ylabel="largest change of\nan integral (hartree)",
    title="Can a network follow these orbitals?",
)
axes.legend(frameon=False)
figure.savefig("orbital_jumps.png", dpi=120)

# %% [markdown]
# The chain's integrals change a little in each step, so the network will have an easy task. LiH
# has two jumps, near 1.6 and 1.9 Å, and there one would have to train on one side of them
# only. This is why the molecule here is the chain.
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
network, losses = train(qm.PreconditionedLBFGS, 200 if QUICK else 600)
_, adam_losses = train(partial(torch.optim.Adam, lr=0.02), 300 if QUICK else 1200)
n_weights = sum(weights.numel() for weights in network.parameters())
print(f"{n_weights} weights, {circuit.n_params} angles, {len(losses)} evaluations of the loss")

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
exact_trained = np.array([qm.solve(chain(length), qm.Exact()).energy for length in trained_at])

# %%
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

# %%
figure, (upper, lower) = plt.subplots(
    2, 1, sharex=True, figsize=(6.8, 6.4), height_ratios=(3, 2), layout="constrained"
)
upper.plot(unseen, hartree_fock, "--", color="gray", label="Hartree-Fock")
upper.plot(unseen, exact_energies, color="black", label="exact")
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
    lower.semilogy(unseen, np.maximum(1e3 * (values - exact_energies), 1e-7), **style)
above = 1e3 * (trained_energies - exact_trained)
lower.semilogy(trained_at, above, "s", ms=8, mfc="none", color="C3")
lower.axhline(1.6, color="black", ls=":", lw=1)
lower.annotate("chemical accuracy", (LONGEST, 1.6), (0, 3), textcoords="offset points", ha="right")
lower.set(xlabel="distance of neighbours (Å)", ylabel="above exact (mHa)", ylim=(1e-7, 3e3))
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
