# %% [markdown]
# # Which geometry should the expensive solver compute next?
#
# Each point of a surface costs a run of the solver: minutes of simulation, or a queue at a quantum
# computer. A Gaussian process knows where it is unsure. So let it choose: train it on what is
# there, compute the point with the largest error bar, and repeat. How many runs does this save
# over points that are chosen beforehand?
#
# The curve is the dissociation of LiH, from the steep wall at 0.8 Å through the crossing of the
# ionic and the covalent state near 3 Å to 4.6 Å.

# %%
import os

# Small matrices: threads would wait for each other. Before numpy is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import torch

import qmlmat as qm

torch.set_num_threads(1)

# The tests run this script with fewer points; you get all of them.
QUICK = os.environ.get("QMLMAT_QUICK") == "1"

# %% [markdown]
# ## 1. The answer, to compare with
#
# LiH in STO-3G is small enough to compute everywhere, so we can know every error. Every second
# point is a candidate; those between are the test set, which has no part in any choice. The surface
# below looks energies up and counts how often it is asked. Yours would be
# `qm.SolverSurface(molecule, space, qm.VQE("uccsd"), backend=...)`, and nothing else would change.

# %%
hydride = qm.Molecule.from_xyz("Li 0 0 0; H 0 0 1.6")
lengths = np.linspace(0.8, 4.6, 39 if QUICK else 77)
exact = qm.scan(
    qm.SolverSurface(hydride, qm.ActiveSpace(), qm.Exact()), qm.stretch(hydride, lengths=lengths)
)
everywhere = qm.SurfaceData.from_scan(exact)
test = everywhere.subset(range(1, len(lengths), 2))
candidates = qm.stretch(hydride, lengths=lengths[::2])
known = {round(r, 6): float(e) for r, e in zip(lengths, exact.energies[:, 0], strict=True)}
calls = []


def looked_up(positions):
    """Return the energy (hartree), and count the call."""
    calls.append(1)
    return known[round(float(np.linalg.norm(positions[1] - positions[0])), 6)]


surface = qm.FunctionSurface(looked_up, name="LiH, STO-3G, full CI")

# %% [markdown]
# ## 2. Let the model choose
#
# Three calls spread over the curve, then each where the standard error is largest. The process sees
# the Morse variable of the bond length; its kernel is a rational quadratic.

# %%
descriptor = qm.MorseVariables(("Li", "H"))
recipe = qm.Training(n_adam=0, n_lbfgs=25 if QUICK else 60)


def process(seed):
    """Return an untrained Gaussian process."""
    kernel = qm.RationalQuadratic(descriptor.feature_permutations())
    return qm.GaussianProcess(descriptor, kernel, seed=seed)


def learn(strategy, budget, *, seed=0, path=candidates):
    """Return what one strategy learns, its calls counted."""
    calls.clear()
    found = qm.active_learning(
        surface,
        path,
        process,
        budget=budget,
        strategy=strategy,
        n_start=3,
        test=test,
        training=recipe,
        seed=seed,
    )
    assert len(calls) == found.n_calls
    return found


BUDGET = 8 if QUICK else 12
chosen = learn("variance", BUDGET)
for number, (geometry, call) in enumerate(
    zip(chosen.geometries, chosen.calls, strict=True), start=1
):
    print(f"call {number:2d}: {geometry.distance(0, 1):.3f} Å, {call.energies[0]:.5f} hartree")

# %% [markdown]
# ## 3. The rivals
#
# - A regular grid in the bond length: what most curves are computed on.
# - A regular grid in the Morse variable `exp(-r / 1.06 Å)`, which is closer where the energy is
#   steep: what somebody does who knows the molecule.
# - A Sobol sequence, which fills the curve evenly without a plan of how long.
#
# A grid of each size is a calculation of its own, as its points are not those of a smaller one.

# %%
morse_values = np.exp(-candidates.coordinates / descriptor.length)
in_morse = dataclasses.replace(candidates, coordinates=morse_values)
sizes = [4, 8] if QUICK else [4, 6, 8, 10, 12]
SEEDS = range(1 if QUICK else 3)


def errors(run):
    """Return numbers of calls, and errors on the test set (mHa)."""
    return [step.n_calls for step in run.steps], [1e3 * step.errors.rmse for step in run.steps]


curves = {
    "grid in r": (sizes, [errors(learn("grid", n))[1][-1] for n in sizes]),
    "grid in Morse variable": (
        sizes,
        [errors(learn("grid", n, path=in_morse))[1][-1] for n in sizes],
    ),
}
for name, strategy in (("Sobol", "sobol"), ("largest error bar", "variance")):
    runs = [errors(learn(strategy, BUDGET, seed=seed)) for seed in SEEDS]
    curves[name] = (runs[0][0], np.median([values for _, values in runs], axis=0))
for name, (numbers, values) in curves.items():
    print(f"{name:24} {', '.join(f'{n}: {v:.3g}' for n, v in zip(numbers, values, strict=True))}")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
left.plot(lengths, exact.energies[:, 0], "-", color="black", linewidth=1, label="exact")
early = qm.active_learning(
    surface, candidates, process, budget=5, n_start=3, training=recipe, seed=0
).model
positions = torch.tensor(everywhere.positions)
with torch.no_grad():
    mean, bar = early(positions)[:, 0].numpy(), early.stderr(positions)[:, 0].numpy()
left.plot(lengths, mean, "--", color="tab:blue", label="after 5 calls")
left.fill_between(lengths, mean - 2 * bar, mean + 2 * bar, color="tab:blue", alpha=0.2)
for number, geometry in enumerate(chosen.geometries, start=1):
    r = geometry.distance(0, 1)
    left.plot(r, known[round(r, 6)], "o", color="tab:red", ms=4)
    left.annotate(str(number), (r, known[round(r, 6)]), (0, 6), textcoords="offset points")
left.set(xlabel="Li–H (Å)", ylabel="energy (hartree)", title="the order of the calls")
left.set_ylim(exact.energies.min() - 0.03, exact.energies.max() + 0.03)
for (name, (numbers, values)), style in zip(curves.items(), ("s:", "^:", "D-.", "o-"), strict=True):
    right.semilogy(numbers, values, style, ms=5, label=name)
right.axhline(1.594, color="0.6", linewidth=0.8)
right.annotate("chemical accuracy", (0.02, 1.75), xycoords=("axes fraction", "data"), color="0.4")
right.set(xlabel="calls of the solver", ylabel="RMSE on the test set (mHa)")
for axes in (left, right):
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
figure.savefig("17_active_learning.png", dpi=150)

# %% [markdown]
# ## 4. When to stop
#
# Without a test set the error bars have to do: stop when the largest one falls below what you need.
# A store keeps every call as it arrives; killed and started again, the run makes the same choices
# and repeats no call. A call that fails is recorded, counted, and not tried again.

# %%
TOLERANCE = 1e-3  # hartree
kept = qm.active_learning(
    surface,
    candidates,
    process,
    budget=20,
    n_start=3,
    tolerance=TOLERANCE,
    training=recipe,
    store="17_calls.jsonl",
)
calls.clear()
again = qm.active_learning(
    surface,
    candidates,
    process,
    budget=20,
    n_start=3,
    tolerance=TOLERANCE,
    training=recipe,
    store="17_calls.jsonl",
)
with torch.no_grad():
    wrong = (kept.model(torch.tensor(test.positions))[:, 0].numpy() - test.energies[:, 0]) * 1e3
rmse = float(np.sqrt(np.mean(wrong**2)))
print(
    f"stopped ({kept.status}) after {kept.n_calls} calls; RMSE {rmse:.3f} mHa, "
    f"largest error {np.abs(wrong).max():.3f} mHa; resumed with {len(calls)} further calls"
)

# %% [markdown]
# ## 5. What was saved
#
# - Against evenly spaced points, the habit: nearly half. Seven calls give what twelve of a grid
#   do not, and at twelve calls the error is fifty times smaller.
# - Against a grid that somebody spaced who knows the molecule: little, one or two calls. Most of
#   what the error bars found out is that the wall needs more points than the tail; nobody had to
#   know it.
# - An error bar is one standard deviation, under the kernel's own assumptions: stopped at 1 mHa,
#   the largest error was 1.3 mHa. It says where to compute, and is no bound.
#
# In more dimensions a good spacing is harder to guess: `benchmarks/learning/active.py` does the
# same for water.

# %%
at = {name: dict(zip(numbers, values, strict=True)) for name, (numbers, values) in curves.items()}
last = sizes[-1]
print(
    f"with {last} calls: {at['largest error bar'][last]:.3f} mHa where the error bar was largest, "
    f"{at['grid in r'][last]:.3f} on a grid in r, "
    f"{at['grid in Morse variable'][last]:.3f} on one in the Morse variable"
)
assert at["largest error bar"][last] < at["grid in r"][last] / (2 if QUICK else 10)
assert not calls
assert kept.status == "tolerance"
assert [call.candidate for call in kept.calls] == [call.candidate for call in again.calls]
assert rmse < (5.0 if QUICK else 1.0)
if not QUICK:
    assert at["largest error bar"][7] < at["grid in r"][12]
