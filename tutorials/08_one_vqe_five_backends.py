# %% [markdown]
# # One VQE, five backends: what changes?
#
# A variational calculation is a circuit, a Hamiltonian and a search. Where the circuit runs is
# another matter. Here the same `solve` runs on five backends, from the exact simulator to a device
# with noise: what stays the same, what gets an error bar, and what does it cost?
#
# Then the search itself goes where the noise is: with shots at every step, an optimiser never sees
# an energy, only an estimate of one.

# %%
import functools
import os

# Small matrices: threads would wait for each other. Before numpy is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import matplotlib.pyplot as plt
import numpy as np
import pennylane as qml
import torch
from qiskit.primitives import StatevectorEstimator

import qmlmat as qm

# The tests run this script with fewer points; you get all of them.
QUICK = os.environ.get("QMLMAT_QUICK") == "1"

# %% [markdown]
# ## 1. The problem
#
# Hydrogen, four spin orbitals. Two of the four qubits only say that there is one electron of each
# spin, which we know: in the parity mapping they are left out.

# %%
hydrogen = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735")
h2 = qm.molecular_hamiltonian(hydrogen)
mapping = h2.qubit_mapping("parity", reduced=True)
print(mapping.name, mapping.n_qubits, "qubits")
print(h2.pauli_sum(mapping).n_terms, "words")

# %% [markdown]
# ## 2. Five places to run it
#
# The first knows electrons, not qubits: excitations act on the amplitudes of the determinants with
# the right numbers of electrons. The others run gates. The last one is a snapshot of a device of
# IBM, of which we simulate the two best qubits, with gate and readout errors, by a sampler: it
# counts bit strings, and nothing else.

# %%
backends = {
    "sector": qm.SectorBackend(),
    "statevector": qm.StatevectorBackend(mapping=mapping),
    "PennyLane": qm.PennyLaneBackend(device=qml.device("default.qubit"), mapping=mapping),
    "Qiskit estimator": qm.QiskitBackend(primitive=StatevectorEstimator(), mapping=mapping),
    "Qiskit, noisy device": qm.QiskitBackend.on_fake(
        "manila", n_qubits=2, seed=8, mapping=mapping, shots=20_000
    ),
}

# %% [markdown]
# The same solver for all of them. `Screening()` drops the two excitations that symmetry forbids;
# one is left. On the device the angle is not searched: `exact_search=True` finds it by simulation,
# and the device measures the result alone.

# %%
solver = qm.VQE("uccsd", screening=qm.Screening())
measured = qm.VQE("uccsd", screening=qm.Screening(), exact_search=True)

print(f"{'backend':22s}{'energy':>13s}{'error bar':>11s}{'jobs':>7s}{'circuits':>10s}{'shots':>8s}")
found = {}
for name, backend in backends.items():
    solution = qm.solve(h2, measured if "noisy" in name else solver, backend=backend)
    found[name] = solution
    bar = "exact" if solution.stderr is None else f"{solution.stderr[0]:.5f}"
    usage = getattr(backend, "usage", None)
    spent = f"{usage.n_jobs:7d}{usage.n_circuits:10d}{usage.n_shots:8d}" if usage else ""
    print(f"{name:22s}{solution.energy:13.8f}{bar:>11s}{spent}")

exact = qm.solve(h2, qm.Exact()).energy
print(f"{'exact':22s}{exact:13.8f}")

# %% [markdown]
# Four of them agree to the last digit. They run the same circuit, and a job is a step of the
# search: everything that one step needs, the energy and the shifted angles of its gradient, goes
# out together.
#
# The fifth is not wrong by its error bar. An error bar says how far the mean of these shots may be
# from the mean of infinitely many on this device, and the device has noise. What to do about that
# is the subject of tutorial 09.

# %%
gap = found["Qiskit, noisy device"].energy - exact
bar = found["Qiskit, noisy device"].stderr[0]
print(f"the device is off by {1e3 * gap:.0f} mHa, its error bar is {1e3 * bar:.1f} mHa")

# %% [markdown]
# ## 3. Searching under shots
#
# Without noise, but with shots: the same circuit family on LiH, three orbitals around the gap. A
# line search that compares energies digit by digit has no business here, and `solve` does not use
# one. Adam follows measured gradients, by the shift rule; SPSA needs two energies a step,
# whatever the number of angles. Both begin at zero: the Hartree-Fock determinant.

# %%
if QUICK:
    problem, steps = h2, {"Adam": 20, "SPSA": 40}
else:
    hydride = qm.Molecule.from_xyz("Li 0 0 0; H 0 0 1.595")
    problem = qm.molecular_hamiltonian(hydride, qm.ActiveSpace(indices=(1, 2, 5)))
    steps = {"Adam": 60, "SPSA": 400}
small = problem.qubit_mapping("parity", reduced=True)
lowest = qm.solve(problem, solver).energy
searches = {
    "Adam": functools.partial(torch.optim.Adam, lr=0.05),
    "SPSA": qm.SPSA,
}
shots = 10_000
histories, ends = {}, {}
for name, optimizer in searches.items():
    backend = qm.StatevectorBackend(mapping=small, shots=shots)
    search = qm.VQE(
        "uccsd",
        screening=qm.Screening(),
        optimizer=optimizer,
        initial="zero",
        max_iterations=steps[name],
    )
    with_shots = qm.solve(problem, search, backend=backend, seed=3)
    histories[name] = with_shots.history
    # What the angles are worth, without shots:
    at_the_end = qm.Request(
        preparation=qm.Preparation(
            with_shots.circuit,
            qm.Reference.hartree_fock(problem.norb, problem.nelec),
            with_shots.params,
        ),
        observables=(problem,),
    )
    (true,) = qm.SectorBackend().run([at_the_end])
    ends[name] = 1e3 * (true.values[0] - lowest)
    print(
        f"{name}: {with_shots.status}, {with_shots.energy:.4f} ± {with_shots.stderr[0]:.4f}, "
        f"angles {ends[name]:.2f} mHa above the minimum, {backend.usage.n_jobs} jobs, "
        f"{backend.usage.n_circuits} circuits, {backend.usage.n_shots / 1e6:.1f} million shots"
    )

# %% [markdown]
# The angles are better than the energies by which they were found: near a minimum an error of the
# angles costs its square. So search with few shots, and measure the result with many.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
names = list(found)
errors = [1e3 * (found[name].energy - exact) for name in names]
bars = [0.0 if s.stderr is None else 1e3 * s.stderr[0] for s in found.values()]
left.errorbar(errors, range(len(names)), xerr=bars, fmt="o", capsize=4)
left.set_yticks(range(len(names)), names)
left.invert_yaxis()
left.axvline(0, color="black", linewidth=0.8)
left.set(xlabel="error (mHa)", title="H₂: one circuit, five backends")

for (name, history), marker in zip(histories.items(), "os", strict=True):
    right.plot(
        [step.n_evaluations for step in history],
        [1e3 * (step.energy - lowest) for step in history],
        marker + "-",
        markersize=4,
        linewidth=1,
        label=f"{name}, ends {ends[name]:.1f} mHa above",
    )
right.axhline(0, color="black", linewidth=0.8)
right.set(
    xlabel="evaluations (Adam: with gradient)",
    ylabel="measured energy above the minimum (mHa)",
    title=f"{'H₂' if QUICK else 'LiH (2e,3o)'}: the search under shots",
)
right.legend(frameon=False)
for axes in (left, right):
    axes.grid(alpha=0.3)
figure.savefig("08_one_vqe_five_backends.png", dpi=150)

# %% [markdown]
# Two things to take home:
#
# - A backend is a setting. The circuit, the solver and the result are the same objects on all.
# - An error bar counts shots. It does not know of noise.

# %%
energies = np.array([found[name].energy for name in names[:4]])
assert np.abs(energies - exact).max() < 1e-8
assert gap > 10 * bar  # noise, not shots
assert ends["Adam"] < 2.0
assert ends["SPSA"] < (10.0 if QUICK else 6.0)
