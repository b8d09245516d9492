# %% [markdown]
# # What does the same curve cost elsewhere, and is it as good?
#
# Providers bill in different coins: IBM by the second of its processor, Amazon Braket by the shot
# and the task, its simulator by the second again. A measurement plan speaks all of them, so the
# prices of one curve can be put side by side before anybody has an account. Then the curve goes to
# IQM's Garnet, *rehearsed*: a server on this machine that speaks Braket's protocol, with noise
# behind it, asked by Amazon's own client.
#
# On Braket each circuit is placed on qubits by the provider, so the readout cannot be calibrated
# for us. What is left is symmetry: outcomes with the wrong number of electrons are thrown away. How
# much that helps depends on the mapping, and the sentinel, a state of known energy in every job,
# tells whether it is enough.
#
# Needed: `pip install "qmlmat[ibm,braket]"`, and a checkout of the repository: the server is in its
# tests.

# %%
import os

# Small circuits: threads would wait for each other. Before numpy is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import qmlmat as qm

ROOT = Path(qm.__file__).parents[1]
sys.path.append(str(ROOT / "tests" / "support"))
from rehearsal.client import rehearsed

# The tests run this script with fewer points; you get all of them.
QUICK = os.environ.get("QMLMAT_QUICK") == "1"

# %% [markdown]
# ## 1. One plan, four prices
#
# The bond of H2 on two qubits, with a thousand shots for each energy.

# %%
molecule = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.74")
surface = qm.SolverSurface(molecule, qm.ActiveSpace(), qm.VQE("uccsd"))
path = qm.stretch(molecule, (0, 1), np.linspace(0.5, 1.7, 2 if QUICK else 6))
scan = qm.scan(surface, path)
hamiltonian = qm.molecular_hamiltonian(molecule)
mappings = {
    "2 qubits": hamiltonian.qubit_mapping("parity", reduced=True),
    "4 qubits": hamiltonian.qubit_mapping("jordan_wigner"),
}
prices = {}
for name in ("ibm_open", "ibm_payg", "braket_sv1", "braket_garnet", "braket_forte"):
    plan = qm.MeasurementPlan.from_requests(
        scan.requests(), qm.load_target(name), mapping=mappings["2 qubits"], shots=1000
    )
    cost = plan.cost
    prices[name] = cost.usd
    seconds = "not billed" if cost.seconds is None else f"{cost.seconds:.0f} s"
    budget = "within" if cost.usd <= plan.target.budget.max_usd else "OVER"
    print(
        f"{name:14} {cost.n_circuits:3d} circuits, {cost.n_executions:6,} executions, time "
        f"{seconds:10} {cost.usd:8.2f} USD, {budget} its budget of {plan.target.budget.max_usd:g}"
    )

# %% [markdown]
# `ibm_open` calibrates the readout with 40,000 executions that cost nothing there but time, and
# `ibm_payg` leaves everything to IBM's estimator. SV1 has no noise, and is billed at least three
# seconds for each circuit. Forte's shots are dear: a plan like this is over its budget and would be
# refused. Where the figures are from, and when they were read, is in
# `hardware_configs/prices.toml`; look again before you pay.
#
# ## 2. On the rehearsed Garnet
#
# The target is the shipped one, told to ask more often, with symmetry and without it. The account
# is made up: Amazon's client wants one.

# %%
SHIPPED = (ROOT / "hardware_configs" / "braket_garnet.toml").read_text(encoding="utf-8")
RETRY = """
[retry]
poll_s = 0.3
min_submit_interval_s = 0
ambiguous_grace_s = 0.5
"""
targets = {}
for name, text in {"symmetry": SHIPPED, "raw": SHIPPED.replace("symmetry = true", "")}.items():
    Path(f"{name}.toml").write_text(text + RETRY, encoding="utf-8")
    targets[name] = qm.load_target(f"{name}.toml")
Path("account").write_text(
    "[default]\naws_access_key_id = rehearsal\naws_secret_access_key = rehearsal\n"
)
os.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(Path("account").resolve())

off, bars, spent, shifts = {}, {}, {}, {}
with (
    rehearsed("braket", Path("server"), device="garnet") as server,
    qm.Ledger.open("ledger") as ledger,
):
    os.environ.update(server.environment())
    for qubits, mapping in mappings.items():
        for name, target in targets.items():
            plan = qm.MeasurementPlan.from_requests(
                scan.requests(), target, mapping=mapping, shots=2000
            )
            run = qm.PlanRun.start(plan, ledger, name=f"{name} {qubits}")
            run.submission.wait()
            result = run.result()
            measured = scan.measured(result.answers, flags=result.flags)
            what = f"{qubits}, {name}"
            off[what] = 1e3 * (measured.energies - scan.energies)[:, 0]
            bars[what] = 1e3 * measured.stderr[:, 0]
            spent[what], shifts[what] = result.totals.spent, 1e3 * result.jobs[0].shift
            flags = sorted({flag for each in result.flags for flag in each}) or ["none"]
            print(
                f"{what:18} off by {off[what].mean():+6.1f} mHa in the mean, bars "
                f"{bars[what].mean():.1f}; sentinel {shifts[what]:+.1f} mHa; "
                f"{spent[what].usd:.2f} USD of {plan.cost.usd:.2f}; flags: {'; '.join(flags)}"
            )
    billed = server.counts()["shots"]

# %% [markdown]
# In four qubits most errors change the number of electrons, and are seen. In two, the electrons'
# parities are gone from the register, and fewer errors can be seen, but there are also fewer gates
# to err: two qubits measure better from the start.
#
# The sentinel is measured raw, whatever the mitigation: it shows what preparing and reading a
# state without a two-qubit gate costs. On a device that places circuits itself it is not known
# which qubits were read, so the sentinel's error is compared with the median readout error that
# the device reports: twice its effect counts as explained, and what is beyond is flagged.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
known = {name: price for name, price in prices.items() if price}
left.barh(list(known), list(known.values()), color="C0")
left.set_xscale("log")
for row, price in enumerate(known.values()):
    left.annotate(f"{price:.2f}", (price, row), (4, -3), textcoords="offset points", fontsize=9)
left.set_xlim(0.02, 20 * max(known.values()))
left.set(xlabel=f"USD for {len(path)} energies with 1,000 shots each")
styles = {"2 qubits, raw": "C0:o", "2 qubits, symmetry": "C0-s"}
styles |= {"4 qubits, raw": "C1:o", "4 qubits, symmetry": "C1-s"}
for what, style in styles.items():
    right.errorbar(
        path.along(),
        off[what],
        bars[what],
        color=style[:2],
        linestyle=style[2],
        marker=style[3],
        ms=4,
        capsize=3,
        label=what,
    )
right.axhline(0, color="0.3", lw=0.8)
right.set(xlabel="bond length (Å)", ylabel="measured - simulator (mHa)")
right.legend(frameon=False, fontsize=8)
figure.savefig("19_the_same_on_braket.png", dpi=150)

# %% [markdown]
# Three things to take home:
#
# - One plan has a price everywhere; compare before you choose.
# - Symmetry is mitigation for nothing but a few shots. It cannot see what keeps the electrons.
# - Fewer qubits and gates come first, mitigation second.

# %%
shots = sum(one.shots for one in spent.values())
print(f"shots billed: {shots:,} by the ledger, {billed:,} by the server")
assert shots == billed
garnet = spent["2 qubits, symmetry"]
n_tasks = (garnet.usd - 0.00145 * garnet.shots) / 0.30
print(f"{garnet.usd:.2f} USD = {n_tasks:.0f} quantum tasks x 0.30 + {garnet.shots:,} x 0.00145")
assert abs(n_tasks - round(n_tasks)) < 1e-6
assert abs(off["4 qubits, symmetry"].mean()) < 0.7 * abs(off["4 qubits, raw"].mean())
assert abs(off["2 qubits, symmetry"].mean()) < abs(off["4 qubits, symmetry"].mean())
