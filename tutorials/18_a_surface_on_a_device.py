# %% [markdown]
# # What if the process dies while the device is at work?
#
# A curve of H2 goes to a quantum computer of IBM: planned as one submission, its cost known before
# anything is sent, a budget that cannot be exceeded. Then the worst happens: the process that
# submitted it is killed, without warning, as soon as the job was accepted. Another process takes
# up the run, finds the job, and nothing is paid twice.
#
# The device is *rehearsed*: a server on this machine that speaks IBM's protocol, with the noise of
# `ibm_fez` (a snapshot) behind it. IBM's own client talks to it as it would to IBM. What is true of
# queues, rate limits and bills no rehearsal can show; all else here is what a real run does.
#
# Needed: `pip install "qmlmat[ibm]"`, and a checkout of the repository: the server is in its tests.

# %%
import os

# Small circuits: threads would wait for each other. Before numpy is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import signal
import subprocess
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import qmlmat as qm

sys.path.append(str(Path(qm.__file__).parents[1] / "tests" / "support"))
from rehearsal.client import rehearsed

# The tests run this script with fewer points and shots; you get all of them.
QUICK = os.environ.get("QMLMAT_QUICK") == "1"

# %% [markdown]
# ## 1. From a molecule to circuits
#
# The angles are found by simulation, point by point. What a device is asked for are the energies of
# the final circuits, on two qubits.

# %%
molecule = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.74")
surface = qm.SolverSurface(molecule, qm.ActiveSpace(), qm.VQE("uccsd"))
path = qm.stretch(molecule, (0, 1), np.linspace(0.4, 2.2, 3 if QUICK else 10))
scan = qm.scan(surface, path)
two_qubits = qm.molecular_hamiltonian(molecule).qubit_mapping("parity", reduced=True)

# %% [markdown]
# ## 2. A target with a budget
#
# A target is a file: which device, how it is reached, what may be spent. This one is the shipped
# `ibm_open`, which asks every 30 seconds; the rehearsal is quicker. The credential is named, never
# written down.

# %%
Path("rehearsed_fez.toml").write_text("""
schema_version = 1
name = "rehearsed_fez"
title = "ibm_fez, rehearsed on this machine"
provider = "ibm"
device = "ibm_fez"
plan = "open"

[access]
credential = "env:QISKIT_IBM_TOKEN"
instance = "env:QISKIT_IBM_INSTANCE"

[budget]
max_qpu_seconds = 60
max_usd = 0
max_jobs = 5
max_shots = 200_000

[sampling]
shots = 8192

[mitigation]
readout = true
symmetry = true

[retry]
poll_s = 0.3
min_submit_interval_s = 0
ambiguous_grace_s = 0.5
""")
target = qm.load_target("rehearsed_fez.toml")

# %% [markdown]
# ## 3. The plan, and what it takes
#
# All points together are one job. Nothing is sent yet, and no account is needed to know the price.

# %%
plan = qm.MeasurementPlan.from_requests(
    scan.requests(), target, mapping=two_qubits, shots=2000 if QUICK else None
)
cost = plan.cost
expected = 1e3 * max(qm.expected_errors(plan))
print(
    f"{len(plan.requests)} energies: {cost.n_circuits} circuits, {cost.n_executions:,} executions "
    f"in {len(cost.jobs)} job, {cost.seconds:.0f} s on the processor "
    f"({cost.reserved.seconds:.0f} s reserved of {target.budget.max_qpu_seconds:.0f}); "
    f"error bars up to {expected:.1f} mHa"
)
plan.save("plan.json")

# %% [markdown]
# ## 4. Submitted by a child that is killed
#
# The child writes everything into a ledger, a folder with a database, before it sends anything. We
# make it as bad as it gets: the server accepts the job, but the line drops before it says so, and
# at that moment the child is killed (SIGKILL, which no program can catch). Now there is a job that
# is paid for, and no process that knows its name.
#
# ## 5. Taken up by another one
#
# Here that is this process, which knows no more of the run than its name and where the ledger is.
# There it finds that something was being sent. It does not send again: it asks for jobs that carry
# the key, and adopts the one it finds. On the command line these are
# `qmlmat hw submit plan.json --run h2` and `qmlmat hw resume h2`.

# %%
SUBMIT = """
import qmlmat as qm
plan = qm.MeasurementPlan.load("plan.json")
with qm.Ledger.open("ledger") as ledger:
    qm.PlanRun.start(plan, ledger, name="h2").submission.wait()
"""


def states():
    """Return in which states the ledger has the run's jobs."""
    with qm.Ledger.open("ledger") as ledger:
        return dict(ledger.totals("h2").states)


with rehearsed("ibm", Path("server"), device="fez") as server:
    server.faults([{"on": "submit", "kind": "drop_after_accept"}])
    os.environ.update(server.environment())
    child = subprocess.Popen([sys.executable, "-c", SUBMIT], stderr=subprocess.DEVNULL)
    while not server.jobs():
        assert child.poll() is None, "the child ended before it sent anything"
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    print(f"killed, exit code {child.wait()}: in the ledger {states()}, on the server 1 job")
    with qm.Ledger.open("ledger") as ledger:
        qm.PlanRun.resume(ledger, "h2").submission.wait()
    jobs, counts = server.jobs(), server.counts()
posts = counts["requests"]["POST /api/v1/jobs"]
print(f"at the end: in the ledger {states()}, on the server {len(jobs)} job by {posts} POST")

# %% [markdown]
# ## 6. What was measured
#
# The answers are in the ledger: no network is needed to read them, today or in a year. Each carries
# what is wrong with it, if anything is: the sentinel, a state of known energy, was measured in the
# same job.

# %%
with qm.Ledger.open("ledger") as ledger:
    result = qm.PlanRun.resume(ledger, "h2").result()
measured = scan.measured(result.answers, flags=result.flags)
off = 1e3 * (measured.energies - scan.energies)[:, 0]
bars = 1e3 * measured.stderr[:, 0]
print("  Å      simulator   measured      difference (mHa)")
for length, energy, answer, by, bar in zip(
    path.along(), scan.energies[:, 0], measured.energies[:, 0], off, bars, strict=True
):
    print(f"{length:5.2f}  {energy:11.5f}  {answer:9.5f}  {by:+6.1f} ± {bar:.1f}")
spent = result.totals.spent
print(
    f"the sentinel is off by {1e3 * result.jobs[0].shift:+.1f} mHa; reserved "
    f"{cost.reserved.seconds:.0f} s, billed {spent.seconds:.1f} s by the ledger and "
    f"{counts['seconds']:.1f} s by the server"
)

# %%
fine = qm.stretch(molecule, (0, 1), np.linspace(0.4, 2.2, 10 if QUICK else 100))
exact = qm.scan(qm.SolverSurface(molecule, qm.ActiveSpace(), qm.Exact()), fine)
figure, (top, bottom) = plt.subplots(
    2, 1, figsize=(6.4, 6), sharex=True, height_ratios=(2, 1), layout="constrained"
)
top.plot(fine.along(), exact.energies[:, 0], color="0.6", label="exact")
top.plot(path.along(), scan.energies[:, 0], "o", mfc="none", color="C0", label="simulator")
style = {"fmt": "s", "ms": 4, "capsize": 3, "color": "tab:red"}
top.errorbar(
    path.along(), measured.energies[:, 0], measured.stderr[:, 0], label="rehearsed fez", **style
)
top.set(ylabel="energy (hartree)")
top.legend(frameon=False)
bottom.axhline(0, color="C0", lw=0.8)
bottom.errorbar(path.along(), off, bars, **style)
bottom.set(xlabel="bond length (Å)", ylabel="measured - simulator\n(mHa)")
figure.savefig("18_a_surface_on_a_device.png", dpi=150)

# %% [markdown]
# Three things to take home:
#
# - A surface is one submission: one job, one price, known before it is sent.
# - What counts is in the ledger. Processes may die; no job is lost, none is paid twice.
# - The bars are of the shots. What the device does wrong comes on top, and the sentinel shows part
#   of it.
#
# `docs/hardware.md` says what is guaranteed, and what is not.

# %%
assert len(jobs) == 1 == posts
assert abs(spent.seconds - counts["seconds"]) < 1e-6
assert result.is_complete
worst = float(np.abs(off / np.hypot(bars, 5.0)).max())
print(
    f"largest distance from the simulator: {np.abs(off).max():.1f} mHa, {worst:.1f} of what is due"
)
assert worst < 5  # the shots' own error beside 5 mHa of noise
