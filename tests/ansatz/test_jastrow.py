"""Cluster-Jastrow circuits against ffsim, which defines them by matrices."""

import ffsim
import numpy as np
import pytest

from qmlmat.ansatz import Circuit, Excitation, Gate, NumberProduct
from qmlmat.ansatz.jastrow import (
    factorized_params,
    jastrow_circuit,
    jastrow_params,
    orbital_rotation_params,
)
from qmlmat.backends import Preparation, Reference, SectorBackend
from qmlmat.errors import InputError

ROUNDING = 1e-10  # hundreds of complex rotations


def matrices(norb, n_reps, seed):
    rng = np.random.default_rng(seed)
    rotations = [ffsim.random.random_unitary(norb, seed=rng) for _ in range(n_reps)]
    coulomb = [
        [ffsim.random.random_real_symmetric_matrix(norb, seed=rng) for _ in range(2)]
        for _ in range(n_reps)
    ]
    return np.array(rotations), np.array(coulomb)


@pytest.mark.parametrize(
    ("norb", "nelec", "n_reps"),
    [
        (1, (1, 0), 1),
        (2, (1, 1), 1),
        (3, (2, 1), 2),
        (4, (2, 2), 2),
        (4, (4, 0), 1),
        (5, (3, 2), 1),
    ],
)
def test_states_agree_with_ffsim(norb, nelec, n_reps):
    """The whole state with its phase, every pair coupled."""
    rotations, coulomb = matrices(norb, n_reps, seed=norb)
    operator = ffsim.UCJOpSpinBalanced(diag_coulomb_mats=coulomb, orbital_rotations=rotations)
    start = ffsim.hartree_fock_state(norb, nelec)
    expected = ffsim.apply_unitary(start, operator, norb=norb, nelec=nelec)
    circuit = jastrow_circuit(norb, nelec, n_reps=n_reps)
    params = jastrow_params(rotations, coulomb[:, 0], coulomb[:, 1])
    state = SectorBackend().state(Preparation(circuit, Reference.hartree_fock(norb, nelec), params))
    assert state.ravel() == pytest.approx(expected, abs=ROUNDING)


def test_local_circuits_couple_only_the_pairs_named():
    """LUCJ: the same as the full circuit with all other couplings at zero."""
    norb, nelec = 4, (2, 2)
    same, mixed = [(0, 1), (2, 3), (1, 1)], [(0, 0), (1, 2)]
    rotations, coulomb = matrices(norb, 1, seed=3)
    mask = np.zeros((2, norb, norb))
    for spins, pairs in enumerate((same, mixed)):
        for p, q in pairs:
            mask[spins, p, q] = mask[spins, q, p] = 1
    local = jastrow_circuit(norb, nelec, same_spin=same, mixed_spin=mixed)
    params = jastrow_params(
        rotations, coulomb[:, 0], coulomb[:, 1], same_pairs=same, mixed_pairs=mixed
    )
    assert local.n_params == norb**2 + len(same) + len(mixed) == len(params)
    full = jastrow_params(rotations, coulomb[:, 0] * mask[0], coulomb[:, 1] * mask[1])
    backend, start = SectorBackend(), Reference.hartree_fock(norb, nelec)
    ours = backend.state(Preparation(local, start, params))
    other = backend.state(Preparation(jastrow_circuit(norb, nelec), start, full))
    assert ours == pytest.approx(other, abs=ROUNDING)


@pytest.mark.parametrize("norb", [1, 2, 3, 5])
def test_rotation_angles_reproduce_the_unitary(norb):
    """On one electron the network is the matrix itself, column by column."""
    unitary = ffsim.random.random_unitary(norb, seed=norb)
    circuit = jastrow_circuit(norb, (1, 0), same_spin=[], mixed_spin=[])
    half = len(circuit.gates) // 2  # the layer is W† W; its second half is W
    rotation = Circuit(norb, (1, 0), circuit.gates[half:], circuit.n_params)
    params = orbital_rotation_params(unitary)
    states = SectorBackend().apply(rotation, np.eye(norb)[:, :, None], params)
    assert pytest.approx(unitary, abs=ROUNDING) == states[..., 0].T


@pytest.mark.parametrize("n_reps", [1, 2, 3, 14])
def test_factorised_doubles_are_ffsims_start(n_reps):
    """`UCJOpSpinBalanced.from_t_amplitudes`, also with more layers than factors."""
    norb, nelec = 5, (2, 2)
    t2 = 0.1 * np.random.default_rng(n_reps).normal(size=(2, 2, 3, 3))
    t2 += t2.transpose(1, 0, 3, 2)
    operator = ffsim.UCJOpSpinBalanced.from_t_amplitudes(t2, n_reps=n_reps)
    start = ffsim.hartree_fock_state(norb, nelec)
    expected = ffsim.apply_unitary(start, operator, norb=norb, nelec=nelec)
    circuit = jastrow_circuit(norb, nelec, n_reps=n_reps)
    params = factorized_params(t2, n_reps=n_reps)
    state = SectorBackend().state(Preparation(circuit, Reference.hartree_fock(norb, nelec), params))
    assert state.ravel() == pytest.approx(expected, abs=ROUNDING)


def test_wrong_matrices_and_pairs_are_refused():
    with pytest.raises(InputError, match="U U† = 1"):
        orbital_rotation_params(np.ones((2, 2)))
    with pytest.raises(InputError, match="U U† = 1"):
        orbital_rotation_params(np.eye(3) * (1 + 4e-6))
    with pytest.raises(InputError, match=r"Change \(-1, 0\)"):
        jastrow_circuit(2, (1, 1), same_spin=[(-1, 0)])
    one, coupling = np.eye(2)[None], np.ones((1, 2, 2))
    for wrong in (coupling[0], np.ones((1, 3, 3)), np.ones((2, 2, 2))):
        with pytest.raises(InputError, match=r"Use \(n_reps, norb, norb\)"):
            jastrow_params(one, wrong, coupling)
    for wrong in (1j * coupling, np.triu(coupling)):
        with pytest.raises(InputError, match="real symmetric"):
            jastrow_params(one, coupling, wrong)
    with pytest.raises(InputError, match="n_reps >= 1"):
        jastrow_circuit(2, (1, 1), n_reps=0)
    with pytest.raises(InputError, match=r"Change \(1, 0\)"):
        jastrow_circuit(2, (1, 1), same_spin=[(1, 0)])
    with pytest.raises(InputError, match=r"Change \(0, 2\)"):
        jastrow_circuit(2, (1, 1), mixed_spin=[(0, 2)])
    with pytest.raises(InputError, match="repeated"):
        jastrow_circuit(2, (1, 1), mixed_spin=[(0, 1), (0, 1)])


def test_number_products_say_what_they_are():
    """Labels, spin flip, and products that are none."""
    number = NumberProduct((0, 2), (1,))
    assert str(number) == "n0 alpha n2 alpha n1 beta"
    assert number.spin_flipped() == NumberProduct((1,), (0, 2))
    for orbitals in ((0, 0), (-1,)):
        with pytest.raises(InputError, match="once"):
            NumberProduct(orbitals)
    with pytest.raises(InputError, match="at least one orbital"):
        NumberProduct()
    with pytest.raises(InputError, match="leaves the orbitals"):
        Circuit(2, (1, 1), (Gate(NumberProduct((2,)), 0),), 1)
    assert not Circuit(2, (1, 1), (Gate(NumberProduct((1,)), 0),), 1).is_real
    assert Circuit(2, (1, 1), (Gate(Excitation(((0, 1),)), 0),), 1).is_real
