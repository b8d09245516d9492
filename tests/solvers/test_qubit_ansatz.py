"""VQE with templates of qubit gates."""

from __future__ import annotations

import numpy as np
import pytest

import qmlmat as qm
from qmlmat.errors import CapabilityError, InputError
from qmlmat.solvers.qubit_ansatz import qubit_ansatz

H2 = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735")


@pytest.fixture(scope="module")
def h2():
    return qm.molecular_hamiltonian(H2)


@pytest.mark.parametrize("template", ["hea_ry_cz", "hea_efficient_su2"])
@pytest.mark.parametrize("how", [{"reduced": True}, {"tapered": True}])
def test_hardware_efficient_circuits_reach_the_exact_energy_of_h2(h2, template, how):
    """On one or two qubits a layer of rotations and entanglers holds the ground state."""
    backend = qm.StatevectorBackend(mapping=h2.qubit_mapping("parity", **how))
    found = qm.solve(h2, qm.VQE(template, gradient_tolerance=1e-5), backend=backend)
    assert found.error == pytest.approx(0.0, abs=2e-6)  # hartree
    assert found.spin_squares == pytest.approx([0.0], abs=1e-4)


@pytest.mark.parametrize("mapping", ["jordan_wigner", "parity", "bravyi_kitaev"])
def test_the_search_starts_near_the_hartree_fock_state(h2, mapping):
    """Without the random shifts the starting angles are the Hartree-Fock determinant exactly."""
    backend = qm.StatevectorBackend(mapping=mapping)
    for template in ("hea_ry_cz", "hea_efficient_su2"):
        found = qubit_ansatz(qm.Ansatz(template), h2, backend)
        rounded = np.round(found.start(0) / np.pi) * np.pi
        preparation = qm.Preparation(found.circuit, found.reference, rounded)
        (energy,) = backend.run([qm.Request(preparation=preparation, observables=(h2,))])
        assert energy.values[0] == pytest.approx(h2.mean_field_energy, abs=1e-10)


def test_a_qubit_circuit_is_stored_and_gone_on_with(h2):
    """The circuit of qubit gates comes back from plain values, and its angles are a guess."""
    backend = qm.StatevectorBackend(mapping=h2.qubit_mapping(tapered=True))
    found = qm.solve(h2, qm.VQE("hea_ry_cz"), backend=backend)
    again = qm.Solution.from_dict(found.to_dict())
    assert again.circuit == found.circuit
    resumed = qm.solve(h2, qm.VQE("hea_ry_cz"), backend=backend, guess=again)
    assert len(resumed.history) == 1
    assert not any("began" in note for note in resumed.notes)  # the guess is where it began


@pytest.mark.filterwarnings("ignore:.*mixes spins")  # after one step
def test_the_start_is_the_one_asked_for(h2):
    """Zero angles leave every qubit at 0; the default is near Hartree-Fock, and says so."""
    backend = qm.StatevectorBackend(mapping=h2.qubit_mapping("parity", reduced=True))
    zero = qm.solve(h2, qm.VQE("hea_ry_cz", initial="zero", max_iterations=1), backend=backend)
    vacuum = h2.pauli_sum(backend.mapping).matrix()[0, 0].real
    assert zero.history[0].energy == pytest.approx(vacuum, abs=1e-10)
    usual = qm.solve(h2, qm.VQE("hea_ry_cz"), backend=backend)
    assert abs(usual.history[0].energy - h2.mean_field_energy) < 0.1  # hartree
    assert any("began near Hartree-Fock" in note for note in usual.notes)


def test_what_does_not_go_with_qubit_gates_is_refused(h2):
    """Each refusal says what to do instead."""
    with pytest.raises(CapabilityError, match="StatevectorBackend"):
        qm.solve(h2, qm.VQE("hea_ry_cz"))
    backend = qm.StatevectorBackend()
    with pytest.raises(InputError, match="Leave them out"):
        qm.solve(h2, qm.VQE("hea_ry_cz", screening=qm.Screening()), backend=backend)
    other = qm.solve(h2, qm.VQE("uccsd"))
    with pytest.raises(InputError, match="same ansatz"):
        qm.solve(h2, qm.VQE("hea_ry_cz"), backend=backend, guess=other)


def test_a_state_of_other_electrons_below_the_exact_one_is_flagged():
    """Gates of qubits find the neutral molecule where the cation was asked for, and say so."""
    cation = qm.molecular_hamiltonian(
        qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735", charge=1, spin=1)
    )
    with pytest.warns(qm.QmlmatWarning, match="the state holds others"):
        found = qm.solve(
            cation, qm.VQE("hea_efficient_su2", n_starts=3), backend=qm.StatevectorBackend()
        )
    assert found.error < -0.1


def test_shots_find_the_angles_of_a_hardware_efficient_circuit(h2):
    """Adam under shots ends where the exact energy is within its error bar."""
    backend = qm.StatevectorBackend(mapping=h2.qubit_mapping(tapered=True), shots=20_000)
    found = qm.solve(h2, qm.VQE("hea_ry_cz"), backend=backend, seed=3)
    assert found.status == "noise_limit"
    assert abs(found.error) < 4 * found.stderr[0]
