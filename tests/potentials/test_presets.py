"""Models with everything chosen: what they are made of, and that they train."""

import numpy as np
import pytest
import torch

import qmlmat as qm
from qmlmat.errors import InputError, TemplateError
from qmlmat.potentials.descriptors import Distances, InternalCoordinates, Symmetrised
from qmlmat.potentials.presets import invariant_features

WATER = qm.Molecule.from_xyz("O 0 0 0; H 0.757 0.587 0; H -0.757 0.587 0")
MODELS = [qm.QNNPotential, qm.MLPPotential, qm.GPPotential, qm.QuantumKernelPotential]


@pytest.fixture(scope="module")
def data():
    """A harmonic water molecule, 12 points."""
    rng = np.random.default_rng(0)
    moved = WATER.positions + 0.05 * rng.normal(size=(12, 3, 3))
    bonds = np.linalg.norm(moved[:, 1:] - moved[:, :1], axis=-1)
    return qm.SurfaceData(
        symbols=WATER.symbols, positions=moved, energies=0.3 * ((bonds - 0.958) ** 2).sum(axis=1)
    )


@pytest.mark.parametrize("make", MODELS)
def test_molecule_symbols_and_descriptor_give_the_same_kind_of_model(make):
    """Only the elements of the molecule count."""
    by_molecule, by_symbols = make(WATER, n_states=2, seed=3), make(("O", "H", "H"), n_states=2)
    assert by_molecule.symbols == by_symbols.symbols == WATER.symbols
    assert by_molecule.n_weights == by_symbols.n_weights
    assert by_molecule.n_states == 2
    assert make(Distances(WATER.symbols)).symbols == WATER.symbols


@pytest.mark.parametrize("make", MODELS)
def test_each_is_trained_as_it_is_and_knows_no_order_of_the_hydrogens(make, data):
    """``fit`` needs nothing else; exchanging equal atoms changes no energy."""
    fit = qm.fit(make(WATER, seed=1), data, training=qm.Training(n_adam=2, n_lbfgs=2))
    positions = torch.from_numpy(data.positions[:3].copy())
    with torch.no_grad():
        before = fit.model.energies(positions)
        after = fit.model.energies(positions[:, [0, 2, 1]])
    np.testing.assert_allclose(before.numpy(), after.numpy(), atol=1e-12)


def test_networks_and_perceptron_have_about_as_many_weights():
    """The defaults can be compared: three features, 4 qubits, 4 layers, 19 hidden units."""
    qnn, mlp = qm.QNNPotential(WATER), qm.MLPPotential(WATER)
    assert abs(qnn.n_weights - mlp.n_weights) <= 0.1 * qnn.n_weights


def test_a_seed_is_a_start_and_a_frozen_circuit_trains_its_readout_alone():
    """Other seeds start elsewhere; what is left to train of a frozen one are 4 weights and 1."""
    first, second = (qm.QNNPotential(WATER, seed=seed).inputs()["state"] for seed in (0, 1))
    assert first != second
    assert qm.QNNPotential(WATER, frozen=True).n_weights == 5
    shallow = qm.QNNPotential(WATER, encoding=qm.Encoding("reupload_dense", layers=1))
    assert shallow.n_weights < qm.QNNPotential(WATER).n_weights


def test_features_of_a_network_are_made_invariant_where_they_are_not():
    """Distances of water are symmetrised, that of N2 stays."""
    assert isinstance(invariant_features(WATER), Symmetrised)
    assert not isinstance(invariant_features(("N", "N")), Symmetrised)


def test_a_scan_is_learnt_as_it_is():
    """Its finished points are the data."""
    n2 = qm.Molecule.from_xyz("N 0 0 0; N 0 0 1.1")
    surface = qm.FunctionSurface(lambda x: float((x[1, 2] - x[0, 2] - 1.1) ** 2), "hartree")
    path = qm.stretch(n2, (0, 1), np.linspace(0.9, 1.4, 8))
    found = qm.fit(qm.GPPotential(n2), qm.scan(surface, path))
    assert found.n_points == 8
    result = found.model.evaluate(path.geometries[3])
    assert result.energies[0] == pytest.approx((np.linspace(0.9, 1.4, 8)[3] - 1.1) ** 2, abs=1e-4)


def test_a_wrong_name_is_answered_with_the_nearest():
    """Kernels and circuits; features that permutations leave."""
    with pytest.raises(InputError, match="rbf"):
        qm.GPPotential(WATER, kernel="rb")
    with pytest.raises(TemplateError, match="reupload_dense"):
        qm.QNNPotential(WATER, encoding="reuploaddense")
    one_bond = InternalCoordinates(WATER.symbols, [qm.Distance(0, 1)])
    with pytest.raises(InputError, match="Distances"):
        qm.QNNPotential(one_bond)
