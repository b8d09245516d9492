# %% [markdown]
# # How many shots, and what do they cost?
#
# A device answers with counts, and counts scatter. Twice the accuracy takes four times the shots,
# and on a cloud device every shot is paid, in seconds or in dollars. So before anything is sent
# there are three questions: how large will the error bars be, what does that cost, and is there a
# cheaper way to the same bars? A measurement plan answers all of them on a laptop, without an
# account and without a network.
#
# Needed: `pip install "qmlmat[ibm,braket]"`, for the providers' formulas and for the noise of one
# of their devices.

# %%
import os

# Small circuits: threads would wait for each other. Before numpy is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np

import qmlmat as qm
from qmlmat.errors import BudgetError

# The tests run this script with fewer points; you get all of them.
QUICK = os.environ.get("QMLMAT_QUICK") == "1"

# %% [markdown]
# ## 1. What is measured
#
# The bond of LiH, two electrons in two orbitals. The angles are found by simulation; a device is
# only asked for the energies of the final circuits.

# %%
molecule = qm.Molecule.from_xyz("Li 0 0 0; H 0 0 1.6")
space = qm.ActiveSpace(2, 2)
lengths = np.linspace(1.3, 2.5, 3 if QUICK else 7)
path = qm.stretch(molecule, (0, 1), lengths)
scan = qm.scan(qm.SolverSurface(molecule, space, qm.VQE("uccsd")), path)
reduced = qm.molecular_hamiltonian(molecule, space).qubit_mapping("parity", reduced=True)
open_plan = qm.load_target("ibm_open")
plan = qm.MeasurementPlan.from_requests(scan.requests(), open_plan, mapping=reduced, shots=4096)
cost = plan.cost
print(
    f"{len(plan.requests)} energies: {cost.n_circuits} circuits, {cost.n_executions:,} executions, "
    f"{len(cost.jobs)} job, {cost.seconds:.0f} s on IBM's open plan; prices: {cost.source}"
)

# %% [markdown]
# `shots` are of one state, all its bases together. The plan shares them out by how much each basis
# is expected to scatter. Two of the circuits calibrate the readout (20,000 shots each, for all
# points together), and one is the *sentinel*: a state whose energy is known, measured in every job.
#
# ## 2. Error against cost
#
# `qm.expected_errors` simulates the plan without noise and reads off the error bars. Words of the
# Hamiltonian that commute qubit by qubit are measured together without further gates; words that
# commute at all need a few, and then there are fewer bases. Beside LiH, one point of water with 4
# electrons in 4 orbitals, where there are more words to group.


# %%
def worst(plan):
    """Return the largest error bar (mHa)."""
    return 1e3 * max(qm.expected_errors(plan))


water = qm.Molecule.from_xyz("O 0 0 0; H 0.757 0.587 0; H -0.757 0.587 0")
valence = qm.molecular_hamiltonian(water, qm.ActiveSpace(4, 4))
found = qm.solve(valence, qm.VQE("uccsd"))
energy = qm.Measurement(lambda backend: qm.measure_solution(valence, found, backend))
what = {
    "LiH": (scan.requests(), reduced),
    "water": (energy.requests(), valence.qubit_mapping("parity", reduced=True)),
}
grid = [4096, 65536] if QUICK else [1024, 4096, 16384, 65536, 262144, 1048576]
garnet = qm.load_target("braket_garnet")
seconds, errors = {}, {}
for name, (requests, mapping) in what.items():
    for grouping in ("qubit_wise", "commuting"):
        plans = [
            qm.MeasurementPlan.from_requests(
                requests, open_plan, mapping=mapping, grouping=grouping, shots=shots
            )
            for shots in grid
        ]
        seconds[name, grouping] = [one.cost.seconds for one in plans]
        errors[name, grouping] = [worst(one) for one in plans]
        dollars = qm.MeasurementPlan.from_requests(
            requests, garnet, mapping=mapping, grouping=grouping, shots=4096
        ).cost.usd
        at = grid.index(4096)
        print(
            f"{name:5} {grouping:10} {plans[0].cost.n_circuits:3d} circuits; with 4096 shots "
            f"{errors[name, grouping][at]:5.2f} mHa, {seconds[name, grouping][at]:.0f} s at IBM, "
            f"{dollars:.0f} USD on IQM Garnet"
        )

# %% [markdown]
# The number of circuits hardly matters: shots are what is paid for, and the first ten seconds are
# the calibration. What groups bring is less scatter for the same shots, since one measurement says
# something about more words: for water half the bar, or a quarter of the shots.
#
# ## 3. Shots for an error, shots for a budget
#
# Either can be asked for. For an error each point gets the shots that it needs, and stretched
# bonds need more; a common number would waste them where the bond is short.

# %%
chosen = qm.choose_shots(plan, 1.6e-3)
print("shots for 1.6 mHa:", dict(zip(lengths.round(2).tolist(), chosen.shots, strict=True)))
most = qm.affordable_shots(plan)
print(
    f"the budget of {open_plan.name}, {open_plan.budget.max_qpu_seconds:.0f} s, allows {most:,} "
    f"shots of each state: {worst(plan.with_shots(most)):.2f} mHa"
)
try:
    qm.choose_shots(plan, 0.2e-3)
except BudgetError as error:
    refusal = str(error)
    print(refusal)

# %% [markdown]
# A plan over its budget is refused before anything is sent, and the refusal says what fits.
#
# ## 4. What mitigation costs, and what it brings
#
# Error bars know nothing of a device's noise. Mitigation takes part of it off and is paid for with
# larger bars, with more circuits, or both. Your own target is a file; here the same fake device
# (a snapshot of `ibm_fez`, simulated on this machine) under several tables `[mitigation]`.

# %%
TARGET = """
schema_version = 1
name = "{name}"
title = "A fake device, mitigated in its own way"
provider = "local"
device = "fake_fez"
[budget]
max_usd = 0
max_jobs = 100
max_shots = 100_000_000
[sampling]
shots = 20_000
[mitigation]
{mitigation}
"""
tables = {
    "none": "",
    "readout": "readout = true",
    "symmetry": "symmetry = true",
    "both": "readout = true\nsymmetry = true",
    "both_reference": "readout = true\nsymmetry = true\nreference = true",
}
if not QUICK:
    tables["both_extrapolation"] = "readout = true\nsymmetry = true\nnoise_factors = [1, 3]"
folder = TemporaryDirectory()
ledger = qm.Ledger.open(Path(folder.name) / "ledger")
bars, bias, scatter = {}, {}, {}
for name, table in tables.items():
    file = Path(folder.name) / f"{name}.toml"
    file.write_text(TARGET.format(name=name, mitigation=table))
    each = qm.MeasurementPlan.from_requests(scan.requests(), qm.load_target(file), mapping=reduced)
    run = qm.PlanRun.start(each, ledger, name=name)
    run.submission.wait()
    result = run.result()
    measured = scan.measured(result.answers, flags=result.flags)
    off = 1e3 * (measured.energies - scan.energies)[:, 0]
    bars[name] = 1e3 * float(np.mean(measured.stderr))
    bias[name], scatter[name] = float(off.mean()), off
    print(
        f"{name:15} {each.cost.n_executions:9,} executions, bars {bars[name]:.2f} mHa, off by "
        f"{bias[name]:+6.2f} mHa; the sentinel by {1e3 * result.jobs[0].shift:+.1f} mHa"
    )

# %% [markdown]
# With these shots noise, not scatter, is the larger error. Readout and symmetry cost little and
# bring little here, where gates err more than the readout; what takes the rest off is the reference
# or extrapolation, for twice the executions and half as large bars again. The sentinel is measured
# raw, so it shows the readout as it is, whatever the mitigation.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
colours, lines = {"LiH": "C0", "water": "C1"}, {"qubit_wise": "--o", "commuting": "-s"}
for (name, grouping), errors_of in errors.items():
    left.loglog(
        seconds[name, grouping],
        errors_of,
        lines[grouping],
        color=colours[name],
        ms=4,
        label=f"{name}, {grouping.replace('_', '-')}",
    )
left.axvline(open_plan.budget.max_qpu_seconds, color="0.5", lw=1)
left.annotate(
    "budget of ibm_open",
    (open_plan.budget.max_qpu_seconds, left.get_ylim()[0]),
    (4, 6),
    textcoords="offset points",
    fontsize=8,
    color="0.4",
)
left.axhline(1.6, color="0.8", lw=1, zorder=0)
left.annotate("1.6 mHa", (left.get_xlim()[0], 1.6), (4, 3), textcoords="offset points", fontsize=8)
left.set(xlabel="time on the processor (s)", ylabel="largest error bar (mHa)")
left.set_xticks([10, 20, 50, 100, 200, 500, 1000], ["10", "20", "50", "100", "200", "500", "1000"])
left.set_yticks([0.2, 0.5, 1, 2, 5, 10, 20], ["0.2", "0.5", "1", "2", "5", "10", "20"])
left.minorticks_off()
left.legend(frameon=False, fontsize=8, loc="upper right")
at = np.arange(len(tables))
right.errorbar(
    at, list(bias.values()), list(bars.values()), fmt="s", color="tab:red", capsize=4, zorder=3
)
for place, name in zip(at, tables, strict=True):
    right.plot(np.full(len(lengths), place) + 0.15, scatter[name], ".", color="0.6")
right.axhline(0, color="0.3", lw=0.8)
right.set_xticks(at, [name.replace("_", " +\n") for name in tables], fontsize=8)
right.set(ylabel="measured - simulator (mHa)", xlabel="mitigation, 20,000 shots a state, fake fez")
right.plot([], [], ".", color="0.6", label="each bond length")
right.plot([], [], "s", color="tab:red", label="their mean, with the bar of one")
right.legend(frameon=False, fontsize=8)
figure.savefig("20_shots_for_a_budget.png", dpi=150)

# %% [markdown]
# ## 5. Are the bars right?
#
# The same plan, repeated on an ideal simulator: another name is another run, measured anew. The
# scatter of the repetitions is compared with the bars that were expected before.

# %%
ideal = qm.MeasurementPlan.from_requests(
    scan.requests(), qm.load_target("local_aer"), mapping=reduced, shots=4096
)
expected = np.array(qm.expected_errors(ideal))
repeated = []
for number in range(6 if QUICK else 40):
    run = qm.PlanRun.start(ideal, ledger, name=f"again {number}")
    run.submission.wait()
    repeated.append(scan.measured(run.result().answers).energies[:, 0] - scan.energies[:, 0])
ledger.close()
folder.cleanup()
ratio = float(np.sqrt(np.mean((np.array(repeated) / expected) ** 2)))
print(
    f"{len(repeated)} repetitions of {len(lengths)} energies: they scatter {ratio:.2f} times as "
    "much as expected"
)

# %% [markdown]
# Three things to take home:
#
# - Shots are what is paid for. Fewer qubits and larger groups make better use of each.
# - Ask for an error or for a budget, and let the plan choose; never guess.
# - Bars hold what counts scatter, not what the device does wrong. Mitigate, and look at the
#   sentinel.
#
# `docs/hardware.md` has the formulas; the tutorials 18 and 19 send such plans off.

# %%
assert abs(ratio - 1) < (0.45 if QUICK else 0.15)
assert "The budget allows" in refusal
assert errors["water", "commuting"][0] < 0.7 * errors["water", "qubit_wise"][0]
assert chosen.shots[-1] > chosen.shots[0]
assert abs(bias["both_reference"]) < abs(bias["none"])
