"""Solutions measured as they are: exactly they agree with the search, by shots within errors."""

import functools
from dataclasses import replace

import numpy as np
import pytest
from molecules import HYDROGEN, LITHIUM_HYDRIDE, hamiltonian
from small_models import ising, two_site_band

import qmlmat as qm
from qmlmat.backends.measurement import Measurement
from qmlmat.backends.statevector import StatevectorBackend
from qmlmat.errors import CapabilityError, InputError

SHOTS = 20_000


def h2() -> qm.MolecularHamiltonian:
    return hamiltonian(HYDROGEN)


MODEL = "hea_efficient_su2"
SOLVED = {
    "vqe": (h2, qm.VQE("uccsd"), 1),
    "vqd": (h2, qm.VQD("uccgsd"), 3),
    "ssvqe": (h2, qm.SSVQE("uccgsd"), 2),
    "eom": (h2, qm.EOM(), 3),
    "model vqe": (ising, qm.VQE(MODEL), 1),
    "model vqd": (functools.partial(ising, 2), qm.VQD(MODEL), 3),
    "model ssvqe": (functools.partial(two_site_band, (0.1, 0.3)), qm.SSVQE(MODEL), 2),
}


@functools.cache
def solution(name: str):
    """A Hamiltonian, what a solver found of it, and the equation of motion where there is one."""
    make, solver, n_states = SOLVED[name]
    several = {} if n_states == 1 else {"n_states": n_states}
    found = qm.solve(make(), solver, seed=1, **several)
    return make(), found, solver if name == "eom" else None


@pytest.mark.parametrize("name", SOLVED)
def test_measured_exactly_it_is_what_was_found(name):
    """The circuits and angles of a solution say its energies again."""
    h, found, eom = solution(name)
    measured = qm.measure_solution(h, found, StatevectorBackend(), eom=eom)
    np.testing.assert_allclose(measured.energies, found.energies, atol=1e-7)
    assert measured.unit == found.unit
    assert measured.circuit is found.circuit
    assert measured.reference_energy == found.reference_energy


@pytest.mark.parametrize("name", SOLVED)
def test_measured_by_shots_it_is_right_within_its_errors(name):
    """Five error bars hold every energy; of a state without scatter in any basis it is zero."""
    h, found, eom = solution(name)
    measured = qm.measure_solution(h, found, StatevectorBackend(shots=SHOTS), eom=eom, seed=3)
    assert measured.n_states == found.n_states
    assert measured.stderr[0] > 0
    assert (np.abs(measured.energies - found.energies) < 5 * measured.stderr + 1e-7).all()


@pytest.mark.parametrize("name", SOLVED)
def test_a_job_may_lie_between(name):
    """What is asked does not depend on what measures: one call, and the same from its answers."""
    h, found, eom = solution(name)
    halves = Measurement(lambda backend: qm.measure_solution(h, found, backend, eom=eom))
    requests = [replace(one, shots=2000) for one in halves.requests()]
    answers = StatevectorBackend(shots=2000).run(requests, seed=1)
    one, two = halves.result(answers), halves.result(answers)
    assert (one.energies == two.energies).all()
    assert one.stderr is not None
    assert len(one.energies) == found.n_states


def test_states_found_apart_keep_their_names_when_noise_swaps_them():
    """Irreps, spins, angles and energies of one state stay together in the order measured."""
    h, found, _ = solution("vqd")

    class Swapping:
        """Measures exactly, but finds the states the other way round."""

        shots = None
        capabilities = replace(StatevectorBackend().capabilities, exact=False)

        def run(self, requests, *, seed=None):  # noqa: ARG002 (as all backends)
            answers = StatevectorBackend().run(requests)
            return [replace(one, values=-one.values) for one in answers]

    names = tuple(f"state {k}" for k in range(found.n_states))
    measured = qm.measure_solution(h, replace(found, irreps=names), Swapping())
    np.testing.assert_allclose(measured.energies, -found.energies[::-1], atol=1e-7)
    assert measured.irreps == names[::-1]
    assert (measured.params == found.params[::-1]).all()
    np.testing.assert_allclose(measured.spin_squares, found.spin_squares[::-1])


def test_solutions_without_a_circuit_are_refused():
    """A device has nothing to run."""
    h2 = hamiltonian(HYDROGEN)
    exact = qm.solve(h2, qm.Exact())
    with pytest.raises(CapabilityError, match=r"solver of circuits such as VQE"):
        qm.measure_solution(h2, exact, StatevectorBackend())


def test_an_equation_of_motion_must_be_named():
    """Its excited states are no circuit's alone."""
    h, found, _ = solution("eom")
    with pytest.raises(CapabilityError, match=r"eom=\.\.\."):
        qm.measure_solution(h, found, StatevectorBackend())


def test_solutions_of_another_molecule_are_refused():
    """The circuit is on other orbitals."""
    with pytest.raises(InputError, match="Hamiltonian that was solved"):
        qm.measure_solution(hamiltonian(LITHIUM_HYDRIDE), solution("vqe")[1], StatevectorBackend())


def test_models_refuse_circuits_of_electrons():
    """A model has no orbitals."""
    with pytest.raises(InputError, match="Hamiltonian that was solved"):
        qm.measure_solution(ising(), solution("vqe")[1], StatevectorBackend())
