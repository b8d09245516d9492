"""Surfaces on rehearsed devices with the vendors' own clients: killed, resumed, covered."""

import json

import numpy as np
import pytest
from rehearsal.client import rehearsed
from rehearsed_surfaces import (
    brisk,
    command,
    finished,
    hydrogen_scan,
    killed_when,
    lithium_hydride_scan,
)

import qmlmat as qm
from qmlmat.backends.requests import Estimate, Reference
from qmlmat.solvers.boltzmann.gibbs import sample_gibbs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

TARGETS = {"ibm": ("ibm_open", "fez"), "braket": ("braket_garnet", "garnet")}
SCANS = {"H2": (hydrogen_scan, 8192, 30), "LiH": (lithium_hydride_scan, 4096, 10)}
"""Scan, shots of a state, and how many times more the device's true value is measured with."""


def _scan_of(answers, scan):
    found = []
    for one in answers["answers"]:
        moved = one["calibration"]
        found.append(
            Estimate(
                values=np.array(one["values"]),
                variances=np.array(one["variances"]),
                n_shots=None,
                calibration=None if moved is None else np.array(moved),
            )
        )
    return scan.measured(found)


@pytest.mark.parametrize("vendor", TARGETS)
@pytest.mark.parametrize("molecule", SCANS)
def test_a_killed_surface_is_resumed_paid_once_and_covered(
    vendor, molecule, tmp_path, record_property
):
    """Killed after its first job was accepted and after its first result; each job sent once."""
    name, device = TARGETS[vendor]
    make, shots, more = SCANS[molecule]
    scan, mapping = make(tmp_path / "scan.db")
    target = brisk(qm.load_target(name), max_usd=1e6)
    plan = qm.MeasurementPlan.from_requests(scan.requests(), target, mapping=mapping, shots=shots)
    plan.save(tmp_path / "plan.json")
    plan.with_shots(more * shots).save(tmp_path / "exact.json")
    ledger = tmp_path / "ledger"
    with rehearsed(vendor, tmp_path / "server", device=device) as server:
        words = command("submit", tmp_path / "plan.json", ledger, "first")
        raw = ledger / "raw"
        assert killed_when(words, server, server.jobs)
        killed_when(words, server, lambda: raw.is_dir() and any(raw.iterdir()))
        answers = finished(words, server)
        jobs = server.jobs()
        posts = {k: n for k, n in server.counts()["requests"].items() if k.startswith("POST")}
        again = finished(words, server)
        assert len(server.jobs()) == len(jobs)
        true = finished(command("submit", tmp_path / "exact.json", ledger, "exact"), server)
    assert again == answers
    measured, right = _scan_of(answers, scan), _scan_of(true, scan)
    error = np.hypot(measured.stderr, right.stderr)
    off = np.abs(measured.energies - right.energies) / error
    print(f"\n{molecule} on {name}: {plan.cost.n_circuits} circuits in {len(jobs)} jobs, {posts}")
    print(f"true - simulator: {_milli(right.energies - scan.energies)} mHa")
    print(f"measured - true: {_milli(measured.energies - right.energies)} mHa")
    print(f"error bars: {_milli(measured.stderr)} mHa, covered {np.mean(off < 1):.2f}")
    assert len(jobs) <= 20
    assert (off < 4).all()
    assert np.mean(off < 1) > 0.4  # 0.68 of independent points
    with qm.Ledger.open(ledger) as opened:
        assert opened.totals("first").states == {"done": len(plan.cost.jobs)}


def _milli(table):
    return json.dumps((1e3 * table).round(1).T.tolist())


def test_a_search_killed_five_times_goes_the_same_way(tmp_path):
    """Rotosolve on IBM's client: the trajectory of an uninterrupted one, no call paid twice."""
    words = command("search", "ibm_open", tmp_path / "ledger", "roto")
    with rehearsed("ibm", tmp_path / "killed", device="fez") as server:
        for n_jobs in (1, 3, 5, 7, 9):
            assert killed_when(words, server, lambda n=n_jobs: len(server.jobs()) >= n)
        killed = finished(words, server)
        jobs = server.jobs()
    assert len(jobs) == killed["calls"]
    assert len({job["key"] for job in jobs}) == len(jobs)
    with rehearsed("ibm", tmp_path / "whole", device="fez") as server:
        whole = finished(command("search", "ibm_open", tmp_path / "other", "roto"), server)
    assert killed == whole
    print(f"\nRotosolve, killed five times: {len(jobs)} calls, each sent once; {killed['steps']}")


@pytest.fixture(scope="module")
def ibm(tmp_path_factory):
    """A rehearsed device of IBM, for this process."""
    with (
        rehearsed("ibm", tmp_path_factory.mktemp("ibm"), device="fez") as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in server.environment().items():
            patch.setenv(name, value)
        yield server


def _measured(plan, ledger, run):
    found = qm.PlanRun.start(plan, ledger, name=run)
    found.submission.wait()
    result = found.result()
    assert result.is_complete
    assert not any(result.flags)
    return result.answers


def test_ten_predictions_of_a_trained_network(ibm, tmp_path):
    """One job; bars of the shots, and what noise adds stays below 20 mHa of a curve 300 deep."""
    molecule = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.74")
    surface = qm.SolverSurface(molecule, qm.ActiveSpace(), qm.Exact())
    data = qm.scan(surface, qm.stretch(molecule, (0, 1), np.linspace(0.5, 2.0, 12)))
    training = qm.Training(n_adam=100, n_lbfgs=100)
    model = qm.fit(qm.QNNPotential(molecule), data, training=training, seed=1).model
    where = qm.stretch(molecule, (0, 1), np.linspace(0.6, 1.9, 10))
    positions = np.array([point.positions for point in where.geometries])
    asked = qm.Measurement(lambda backend: qm.measured_energies(model, positions, backend))
    target = brisk(qm.load_target("ibm_open"))
    plan = qm.MeasurementPlan.from_requests(asked.requests(), target, shots=8192)
    before = len(ibm.jobs())
    with qm.Ledger.open(tmp_path) as ledger:
        found = asked.result(_measured(plan, ledger, "network"))
    own = qm.measured_energies(model, positions, qm.StatevectorBackend())
    off = found.energies[:, 0] - own.energies[:, 0]
    print(f"\nQNN: {len(ibm.jobs()) - before} job, {plan.cost.n_circuits} circuits")
    print(f"measured - model: {_milli(off)} mHa, bars {_milli(found.stderr[:, 0])}")
    assert len(ibm.jobs()) - before == 1
    assert (np.abs(off) < 5 * found.stderr[:, 0] + 0.02).all()


def test_a_gibbs_circuit_of_a_boltzmann_machine(ibm, tmp_path):
    """Four units, measured in mid-circuit: one job, and the distribution within noise."""
    a, b, w = [0.4, -0.2], [0.1, 0.3], [[0.5, -0.4], [0.2, 0.6]]
    right = sample_gibbs(a, b, w, backend=qm.StatevectorBackend(shots=400_000), seed=2)
    with qm.Ledger.open(tmp_path) as ledger:
        device = qm.LedgerBackend.open(
            brisk(qm.load_target("ibm_open")), ledger, run="gibbs", shots=20_000
        )
        found = sample_gibbs(a, b, w, backend=device, seed=1)
        assert len(ledger.tasks("gibbs")) == 1
    print(f"\nGibbs: accepted {found.acceptance:.3f} ({right.acceptance:.3f} without noise)")
    print(f"visible {found.visible().round(3)}, without noise {right.visible().round(3)}")
    assert np.abs(found.visible() - right.visible()).max() < 0.05


def test_boron_nitride_at_three_points_of_its_zone(ibm, tmp_path):
    """Both bands at Gamma, K and M from VQD's circuits: one job, covered by the error bars."""
    model = qm.hexagonal_boron_nitride()
    surface = qm.BandSurface(model, qm.VQD(qm.Ansatz("hea_efficient_su2", depth=1)), seed=1)
    scan = qm.scan(surface, qm.k_path(model, "GKM", n_points=3))
    target = brisk(qm.load_target("ibm_open"))
    plan = qm.MeasurementPlan.from_requests(scan.requests(model=model), target, shots=20_000)
    before = len(ibm.jobs())
    with qm.Ledger.open(tmp_path) as ledger:
        found = scan.measured(_measured(plan, ledger, "bands"), model=model)
    print(f"\nh-BN: {len(ibm.jobs()) - before} job, {plan.cost.n_circuits} circuits")
    print(f"simulator {scan.energies.round(3).tolist()} eV")
    print(f"measured  {found.energies.round(3).tolist()} +- {found.stderr.round(3).tolist()} eV")
    assert len(ibm.jobs()) - before == 1
    assert (np.abs(found.energies - scan.energies) < 4 * found.stderr + 0.1).all()


def test_a_gradient_is_one_job(ibm, tmp_path):
    """Three parameters: one POST for value and gradient, where qiskit.remote makes 14."""
    h2 = qm.molecular_hamiltonian(qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735"))
    mapping = h2.qubit_mapping("parity", reduced=True)
    found = qm.solve(h2, qm.VQE("uccsd"))
    before = len(ibm.jobs())
    with qm.Ledger.open(tmp_path) as ledger:
        device = qm.LedgerBackend.open(
            brisk(qm.load_target("ibm_open")), ledger, run="slope", shots=4096, mapping=mapping
        )
        reference = Reference.hartree_fock(h2.norb, h2.nelec)
        request = qm.Request(
            preparation=qm.Preparation(found.circuit, reference), observables=(h2,)
        )
        slope = device.prepare(request).value_and_gradient(found.params + 0.3)
    exact = qm.SectorBackend().prepare(request).value_and_gradient(found.params + 0.3)
    off = np.abs(slope.gradient - exact.gradient) / np.sqrt(slope.gradient_variances)
    print(f"\ngradient: {len(ibm.jobs()) - before} POST, {device.usage.n_circuits} circuits")
    assert len(ibm.jobs()) - before == 1
    assert (off < 6).all()
