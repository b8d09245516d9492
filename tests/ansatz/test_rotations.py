"""Merged orbital rotations: the same states with fewer gates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmlmat.ansatz import Ansatz, Circuit, Excitation, Gate, NumberProduct
from qmlmat.ansatz.lowering import lower
from qmlmat.ansatz.resources import circuit_resources
from qmlmat.ansatz.rotations import merged_rotations
from qmlmat.backends import Preparation, Reference, SectorBackend
from qmlmat.operators.mappings import qubit_mapping
from qmlmat.operators.sector import Sector

SIZES = ((2, (1, 1)), (3, (2, 1)), (4, (2, 2)), (4, (0, 3)), (5, (1, 4)), (3, (3, 0)))


def state(circuit, params, bits):
    return SectorBackend().state(Preparation(circuit, Reference.determinant(bits), params))


def two_qubit_gates(circuit):
    mapping = qubit_mapping("jordan_wigner", circuit.norb)
    return circuit_resources(lower(circuit, mapping)).two_qubit_gates


@settings(max_examples=30, deadline=None)
@given(
    size=st.sampled_from(SIZES),
    template=st.sampled_from(["lucj", "kupccgsd", "uccgsd"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_merging_keeps_the_state_and_saves_gates(size, template, seed):
    """On the reference alone, and on every determinant of the sector; never more gates."""
    norb, nelec = size
    circuit = Ansatz(template).circuit(norb, nelec)
    rng = np.random.default_rng(seed)
    params = rng.normal(size=circuit.n_params)
    hartree_fock = Sector(norb, nelec).hartree_fock_bits()
    merged, angles = merged_rotations(circuit, params, reference=hartree_fock)
    expected = state(circuit, params, hartree_fock)
    assert np.abs(state(merged, angles, hartree_fock) - expected).max() < 1e-12
    assert two_qubit_gates(merged) <= two_qubit_gates(circuit)
    other = "".join(str(b) for n in nelec for b in rng.permutation([1] * n + [0] * (norb - n)))
    for reference in (None, other):
        merged, angles = merged_rotations(circuit, params, reference=reference)
        error = state(merged, angles, other) - state(circuit, params, other)
        assert np.abs(error).max() < 1e-12


@pytest.mark.parametrize("n_reps", [1, 2, 3])
def test_layers_of_lucj_share_their_rotations(n_reps):
    """``W2† W1`` is one rotation; the first acts on a determinant: n (norb - n) instead of six."""
    circuit = Ansatz("lucj", n_reps=n_reps).circuit(4, (2, 2))
    params = np.random.default_rng(1).normal(size=circuit.n_params)
    merged, _ = merged_rotations(circuit, params, reference="11001100")
    singles = sum(isinstance(gate.generator, Excitation) for gate in merged.gates)
    assert singles == 2 * (4 + 6 * n_reps)


def test_what_does_nothing_is_left_out():
    """A rotation and its inverse; angles that are zero."""
    move = Excitation(((0, 1),))
    gates = (
        Gate(move, 0),
        Gate(NumberProduct((1,)), 1),
        Gate(NumberProduct((1,)), 1, -1.0),
        Gate(move, 0, -1.0),
        Gate(Excitation(((0, 1),), ((0, 1),)), 2),
    )
    merged, angles = merged_rotations(Circuit(2, (1, 1), gates, 3), [0.3, 0.7, 0.0])
    assert merged.gates == ()
    assert angles.shape == (0,)


def test_qubit_excitations_are_no_orbital_rotations():
    """Without the signs of fermions they do not merge: the state stays the same."""
    gates = (
        Gate(Excitation(alpha=((0, 2),), qubit=True), 0),
        Gate(Excitation(alpha=((1, 2),), qubit=True), 1),
        Gate(Excitation(alpha=((0, 1),), qubit=True), 2),
    )
    circuit = Circuit(3, (2, 0), gates, 3)
    params = np.array([0.4, -0.9, 1.3])
    merged, angles = merged_rotations(circuit, params)
    assert np.allclose(state(merged, angles, "110000"), state(circuit, params, "110000"))
