"""Optimisation under shots: where it ends, what it says, which optimisers it takes."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from molecules import HYDROGEN, hamiltonian

import qmlmat as qm
from qmlmat.ansatz import Circuit
from qmlmat.backends import Preparation, Reference, Request, SectorBackend
from qmlmat.backends.requests import ValueAndGradient
from qmlmat.backends.statevector import StatevectorBackend
from qmlmat.errors import InputError, QmlmatWarning
from qmlmat.operators.pauli import PauliSum
from qmlmat.solvers.base import Solution
from qmlmat.solvers.noisy import SHOT_OPTIMIZER, ShotLoss, minimize_noisy, optimizer_under_shots
from qmlmat.solvers.optim_base import Landscape
from qmlmat.solvers.optim_lbfgs import PreconditionedLBFGS
from qmlmat.solvers.optim_rotosolve import Rotosolve
from qmlmat.solvers.optim_spsa import SPSA

EXACT = -1.1373060357534
"""H2 at 0.735 Å, STO-3G: qm.Exact()."""
SHOTS = 20_000
UNLIKELY = 4.0  # standard errors; seeds are fixed


def sampled(shots=SHOTS):
    """H2 on two qubits, and a backend that samples."""
    h2 = hamiltonian(HYDROGEN)
    return h2, StatevectorBackend(shots=shots, mapping=h2.qubit_mapping("parity", reduced=True))


@pytest.mark.parametrize(
    "optimizer",
    [partial(torch.optim.Adam, lr=0.05), partial(SPSA, lr=1.0), Rotosolve],
    ids=["Adam", "SPSA", "Rotosolve"],
)
def test_the_search_ends_where_shots_tell_no_more(optimizer):
    """At the noise's limit, within a few standard errors of the exact energy of H2."""
    h2, backend = sampled()
    found = qm.solve(
        h2, qm.VQE("uccsd", optimizer=optimizer, initial="zero"), backend=backend, seed=4
    )
    assert found.status == "noise_limit"
    assert found.is_converged
    assert abs(found.energy - EXACT) < UNLIKELY * found.stderr[0] + 5e-4
    assert 0 < found.stderr[0] < 2e-2
    assert found.history[0].n_evaluations < found.history[-1].n_evaluations
    # the state itself, not the luck of its measurement
    again = SectorBackend().state(
        Preparation(found.circuit, Reference.hartree_fock(2, (1, 1)), found.params)
    )
    assert np.vdot(again, h2.matvec(again)).real - EXACT < 2e-3


def test_the_same_seed_gives_the_same_search():
    """Angles and energies alike; another seed others."""
    h2, backend = sampled(2000)
    found = [qm.solve(h2, qm.VQE("uccsd"), backend=backend, seed=s) for s in (1, 1, 2)]
    assert np.array_equal(found[0].params, found[1].params)
    assert found[0].energy == found[1].energy
    assert found[0].energy != found[2].energy


def test_the_default_optimiser_is_replaced_with_a_note():
    """Its line search compares energies digit by digit; Adam searches instead."""
    h2, backend = sampled(2000)
    found = qm.solve(h2, qm.VQE("uccsd"), backend=backend, seed=1)
    assert any("Adam" in note for note in found.notes)
    factory, notes = optimizer_under_shots(PreconditionedLBFGS)
    assert factory is SHOT_OPTIMIZER
    assert len(notes) == 1


@pytest.mark.parametrize("inner", [PreconditionedLBFGS, torch.optim.LBFGS])
def test_optimisers_that_need_exact_energies_are_refused_with_the_remedy(inner):
    """Where they were chosen with settings, they are not replaced silently."""
    h2, backend = sampled(2000)
    with pytest.raises(InputError, match="SPSA or Rotosolve"):
        qm.solve(h2, qm.VQE("uccsd", optimizer=partial(inner, history_size=4)), backend=backend)
    assert optimizer_under_shots(SPSA) == (SPSA, ())


def test_an_exact_search_leaves_the_measurement_to_the_device():
    """Converged angles, one job, an error bar."""
    h2, backend = sampled(50_000)
    found = qm.solve(h2, qm.VQE("uccsd", exact_search=True), backend=backend, seed=3)
    right = qm.solve(h2, qm.VQE("uccsd"))
    assert found.status == "converged"
    assert np.array_equal(found.params, right.params)
    assert backend.usage.n_jobs == 1
    assert abs(found.energy - right.energy) < UNLIKELY * found.stderr[0]
    assert not any("Adam" in note for note in found.notes)


@pytest.mark.parametrize("optimizer", [SHOT_OPTIMIZER, Rotosolve, SPSA], ids=["Adam", "R", "S"])
def test_a_circuit_without_angles_has_converged(optimizer):
    """Nothing to search: one measurement, no step."""
    h2, backend = sampled(1000)
    preparation = Preparation(Circuit(2, (1, 1), (), 0), Reference.hartree_fock(2, (1, 1)))
    request = Request(preparation=preparation, observables=(h2,))
    loss = ShotLoss(
        lambda shots: backend.prepare(replace(request, shots=shots), seed=1), np.ones(1), 1000
    )
    found = minimize_noisy(
        loss,
        np.zeros(0),
        optimizer=optimizer,
        gradient_tolerance=1e-6,
        max_iterations=5,
        landscape=Landscape(seed=1, harmonics=()),
    )
    assert found.status == "converged"
    assert found.params.shape == (0,)


class Drowned:
    """An evaluator whose gradient is noise alone."""

    least_shots = 1

    def __init__(self):
        self.n_calls = 0

    def value_and_gradient(self, params):  # noqa: ARG002 - the protocol's
        self.n_calls += 1
        return ValueAndGradient(
            values=np.zeros(1),
            gradient=np.full((1, 2), 1e-3),
            variances=np.ones(1),
            gradient_variances=np.ones((1, 2)),
        )


@pytest.mark.parametrize("quiet_steps", [1, 3, 9])
def test_a_drowned_gradient_ends_the_search_after_as_many_steps_as_it_is_told(quiet_steps):
    """At full shots; the doublings before count as none."""
    evaluator = Drowned()
    loss = ShotLoss(lambda _: evaluator, np.ones(1), 1600, quiet_steps=quiet_steps)
    found = minimize_noisy(
        loss,
        np.zeros(2),
        optimizer=SHOT_OPTIMIZER,
        gradient_tolerance=1e-6,
        max_iterations=50,
        landscape=Landscape(seed=1, harmonics=()),
    )
    assert found.status == "noise_limit"
    assert loss.shots == 1600  # from 100, by four doublings
    assert evaluator.n_calls == 4 + quiet_steps
    assert ShotLoss(lambda _: evaluator, np.ones(1), 1600).quiet_steps == 3


def test_a_measured_energy_far_below_exact_warns():
    """A device whose errors lower every expectation: not believed silently."""
    h2, backend = sampled(20_000)

    class Lowered(type(h2)):
        def pauli_sum(self, mapping="jordan_wigner"):
            one = super().pauli_sum(mapping)
            return one + PauliSum.identity(one.n_qubits, -0.5)

    values = {n: getattr(h2, n) for n in ("one_body", "two_body", "core_energy", "nelec")}
    with pytest.warns(QmlmatWarning, match="below the exact one"):
        found = qm.solve(
            Lowered(**values), qm.VQE("uccsd", exact_search=True), backend=backend, seed=1
        )
    assert any("standard errors" in note for note in found.notes)


def test_error_bars_are_stored_and_read_back():
    """Standard errors, covariance, gaps and their errors, every digit."""
    table = np.array([[4.0, 1.0, 0.5], [1.0, 9.0, 2.0], [0.5, 2.0, 16.0]]) * 1e-6
    one = Solution(
        energies=np.array([-1.0, -0.7, -0.2]),
        unit="hartree",
        status="noise_limit",
        stderr=np.sqrt(table.diagonal()),
        covariance=table,
    )
    again = Solution.from_dict(one.to_dict())
    for name in ("stderr", "covariance", "gaps", "gap_stderr"):
        assert np.array_equal(getattr(again, name), getattr(one, name))
    assert np.allclose(one.gap_stderr**2, [0.0, 11e-6, 19e-6])
    assert np.allclose(one.gaps, [0.0, 0.3, 0.8])
    apart = replace(one, covariance=None)
    assert np.allclose(apart.gap_stderr[1:] ** 2, [13e-6, 20e-6])
    assert replace(one, stderr=None).gap_stderr is None
    old = {k: v for k, v in one.to_dict().items() if k != "covariance"}  # of an earlier version
    assert Solution.from_dict(old).covariance is None
