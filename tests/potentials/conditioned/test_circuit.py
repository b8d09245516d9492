"""Geometry-conditioned circuits: variational, batched, differentiable, independent of the frame."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from qmlmat import Molecule, Reference
from qmlmat.ansatz import Ansatz
from qmlmat.backends import SectorBackend
from qmlmat.errors import CapabilityError, GeometryError, InputError
from qmlmat.potentials.base import Loss
from qmlmat.potentials.conditioned import ConditionedCircuit, HamiltonianSource, LogRatio
from qmlmat.potentials.descriptors import Distances
from qmlmat.potentials.storage import load_potential, save_potential
from qmlmat.potentials.training import Training, fit
from qmlmat.surfaces import Geometry, KPoint

H4 = ("H",) * 4
LENGTHS = (0.8, 1.4, 2.0)


def rectangle(length, other=1.23):
    """Four hydrogen atoms (Å)."""
    return Geometry(H4, [[0, 0, 0], [0, 0, other], [length, 0, 0], [length, 0, other]])


SKEW = np.array([[0, 0, 0], [0.05, 0.1, 1.23], [1.6, 0, 0.15], [1.6, 0, 1.23]])
"""Four hydrogen atoms without any symmetry but their plane (Å)."""


@pytest.fixture(scope="module")
def source():
    return HamiltonianSource(Molecule(H4, rectangle(1.5).positions))


def circuit(source, *, n_states=1, seed=0, features=None, **settings):
    """A circuit whose angles are not small."""
    features = features or LogRatio(H4, (0, 2), 1.23)
    model = ConditionedCircuit(
        source, Ansatz("kupccgsd", k=1), features, n_states=n_states, seed=seed, **settings
    )
    with torch.no_grad():
        for numbers in model.parameters():
            numbers.mul_(2.0)
    return model


def tensor(*geometries):
    return torch.from_numpy(np.array([point.positions for point in geometries]))


def test_energies_are_upper_bounds_on_the_exact_ones_state_for_state(source):
    """MacDonald's theorem, for the singlets that the references can reach."""
    model = circuit(source, n_states=3)
    for length in LENGTHS:
        found = model.evaluate(rectangle(length))
        exact = source.at(rectangle(length)).hamiltonian.spectrum(3).energies
        assert (found.energies >= exact - 1e-10).all()
        assert found.reference == pytest.approx(exact[0], abs=1e-9)


def test_spin_is_that_of_the_references(source):
    """Generators of kupccgsd conserve <S^2>."""
    found = circuit(source, n_states=3).evaluate(rectangle(1.1))
    assert found.solution.spin_squares == pytest.approx([0, 0, 0], abs=1e-10)


def test_a_batch_is_its_points_one_by_one(source):
    """Energies and the training loss alike."""
    model, points = circuit(source, n_states=2), [rectangle(length) for length in LENGTHS]
    together = model.energies(tensor(*points)).detach()
    alone = torch.cat([model.energies(tensor(point)) for point in points]).detach()
    assert torch.allclose(together, alone, rtol=0.0, atol=1e-12)  # float64
    loss = model.objective(model.training_points(points), Loss())().item()
    losses = [model.objective(model.training_points([p]), Loss())().item() for p in points]
    assert loss == pytest.approx(np.mean(losses), abs=1e-12)


def test_the_loss_is_the_weighted_energy_of_the_dense_states(source):
    """Against the states themselves, one matrix-vector product at a time."""
    model = circuit(source, n_states=3, weights=(3.0, 2.0, 1.0))
    points = [rectangle(length) for length in LENGTHS]
    loss = model.objective(model.training_points(points), Loss())().item()
    total = 0.0
    for states in model.states(tensor(*points)):
        for reference, weight in zip(model.references, (1 / 2, 1 / 3, 1 / 6), strict=True):
            alone = ConditionedCircuit(
                source, model.ansatz, model.features, references=[reference], encoder=model.encoder
            )
            place = Geometry(H4, states.problem.orbitals.positions)
            total += weight * alone.evaluate(place).energies[0] / len(points)
    assert loss == pytest.approx(total, abs=1e-11)


def test_the_gradient_by_the_weights_is_the_central_difference(source):
    """Through the network, the circuit and three references."""
    model = circuit(source, n_states=3)
    loss = model.objective(model.training_points([rectangle(0.9), rectangle(1.6)]), Loss())
    loss().backward()
    step = 1e-5
    for numbers in model.parameters():
        place = tuple(0 for _ in numbers.shape)
        with torch.no_grad():
            values = []
            for shift in (step, -2 * step):
                numbers[place] += shift
                values.append(loss().item())
            numbers[place] += step
        difference = (values[0] - values[1]) / (2 * step)
        assert numbers.grad[place].item() == pytest.approx(difference, abs=1e-8)


@pytest.mark.parametrize("state", [0, 1])
def test_forces_are_the_negative_slopes_of_the_energy(source, state):
    """The nuclei move the integrals, the orbitals and, through the network, the angles."""
    features = Distances(H4)
    model = circuit(source, n_states=2, features=features)
    forces = model.forces(torch.from_numpy(SKEW)[None], state=state)[0].numpy()
    step = 1e-3
    for atom, axis in ((1, 1), (2, 0), (3, 2)):
        values = []
        for sign in (1, -1):
            moved = SKEW.copy()
            moved[atom, axis] += sign * step
            values.append(model.evaluate(Geometry(H4, moved)).energies[state])
        slope = (values[0] - values[1]) / (2 * step)
        assert forces[atom, axis] == pytest.approx(-slope, abs=2e-6)
    assert np.abs(forces.sum(axis=0)).max() < 1e-7


def test_a_surface_gives_forces_states_and_hartree_fock(source):
    """All that a scan and the ASE calculator ask for."""
    model = circuit(source)
    model.prepare(model.training_points([rectangle(length) for length in LENGTHS]))
    found = model.evaluate(rectangle(1.0))
    assert found.status == "converged"
    assert found.forces.shape == (4, 3)
    assert found.solution.states[0].shape == (6, 6)
    assert found.columns["hartree_fock"] > found.reference
    far = model.evaluate(rectangle(2.6))
    assert far.status == "outside_domain"
    assert "Outside of the training data" in far.notes[-1]


def test_the_exact_energy_is_known_in_small_sectors_and_never_sought_for_forces(
    source, monkeypatch
):
    """Dynamics would pay for it at every step; the states are prepared once, too."""
    model, solved, prepared = circuit(source, n_states=2), [], []
    kind, state = type(source.at(rectangle(1.0)).hamiltonian), SectorBackend.state
    spectrum = kind.spectrum
    monkeypatch.setattr(
        kind, "spectrum", lambda self, *a: (solved.append(1), spectrum(self, *a))[1]
    )
    monkeypatch.setattr(
        SectorBackend, "state", lambda self, *a: (prepared.append(1), state(self, *a))[1]
    )
    found, forces = model.answer(rectangle(1.0).positions, state=1)
    assert len(prepared) == 1
    np.testing.assert_allclose(forces, model.forces(tensor(rectangle(1.0)), state=1)[0], atol=1e-12)
    assert (found.reference, solved) == (None, [])
    assert model.evaluate(rectangle(1.0)).reference is not None
    assert len(solved) == 1
    limit = "qmlmat.potentials.conditioned.states.EXACT_DIMENSION"
    monkeypatch.setattr(limit, 35)  # four electrons in four orbitals: 36
    assert model.evaluate(rectangle(1.0)).reference is None
    with pytest.raises(InputError, match="Use 0 to 1"):
        model.answer(rectangle(1.0).positions, state=2)


def test_where_the_response_of_orbitals_is_not_known_a_note_says_why_there_are_no_forces(source):
    """Orbitals turned onto those of another geometry are no longer Hartree-Fock's own."""
    fixed = HamiltonianSource(source.molecule, orbitals="fixed", anchors=[rectangle(1.5)])
    model = circuit(fixed)
    found = model.evaluate(Geometry(H4, SKEW))
    assert found.forces is None
    assert "No forces: " in found.notes[-2]
    with pytest.raises(CapabilityError, match="orbitals"):
        model.forces(torch.from_numpy(SKEW)[None])


def test_the_energy_does_not_depend_on_the_frame_or_the_order_of_equal_atoms(source):
    """Gauge-fixed orbitals turn with the molecule; the descriptor is invariant."""
    features = _SortedDistances(H4)
    model = circuit(source, features=features)
    energy = model.evaluate(Geometry(H4, SKEW)).energies[0]
    turn = Rotation.from_rotvec([0.3, -1.1, 0.4]).as_matrix()
    for other in (SKEW @ turn.T, np.add(SKEW, [0.5, -2.0, 1.0]), SKEW[[2, 0, 3, 1]]):
        assert model.evaluate(Geometry(H4, other)).energies[0] == pytest.approx(energy, abs=1e-10)


class _SortedDistances(Distances):
    """Distances in ascending order: the plainest descriptor that knows no order of equal atoms."""

    def features(self, positions):
        return super().features(positions).sort(dim=-1).values


def test_training_lowers_the_loss_to_the_ground_state():
    """H2 has one double excitation: the circuit is exact, at all training points at once."""
    molecule = Molecule.from_xyz("H 0 0 0; H 0 0 0.74")
    source = HamiltonianSource(molecule)
    points = [Geometry(("H", "H"), [[0, 0, 0], [0, 0, r]]) for r in (0.6, 1.0, 1.6)]
    model = ConditionedCircuit(source, "kupccgsd", LogRatio("HH", (0, 1), 0.74), seed=1)
    result = fit(model, model.training_points(points), training=Training(n_adam=0, n_lbfgs=60))
    assert result.model is model
    for point in points:
        found = model.evaluate(point)
        assert found.energies[0] == pytest.approx(found.reference, abs=1e-6)


def test_a_model_is_built_again_from_its_configuration(source):
    """Plain values and weights give the same energies to the last bit; anchors are among them."""
    anchored = HamiltonianSource(
        source.molecule, orbitals="fixed", anchors=[rectangle(1.5), rectangle(0.9)]
    )
    model = circuit(anchored, n_states=2, seed=3)
    again = ConditionedCircuit.from_config(model.config())
    again.load_state_dict(model.state_dict())
    point = rectangle(1.1)
    assert np.array_equal(again.evaluate(point).energies, model.evaluate(point).energies)
    assert again.inputs() == model.inputs()


def test_a_saved_model_gives_the_same_energies(source, tmp_path):
    """Weights and domain are in the file; Hamiltonians are computed anew."""
    model = circuit(source, n_states=2, seed=3)
    model.prepare(model.training_points([rectangle(length) for length in LENGTHS]))
    again = load_potential(save_potential(model, tmp_path / "h4"))
    found, expected = again.evaluate(rectangle(1.1)), model.evaluate(rectangle(1.1))
    assert np.array_equal(found.energies, expected.energies)
    assert found.status == expected.status == "converged"


def test_a_network_in_single_precision_drives_the_same_circuit(source):
    """Angles are good to 1e-7, energies with them."""
    model = circuit(source, seed=3)
    expected = model.evaluate(rectangle(1.1)).energies
    point = model.training_points([rectangle(1.1)])
    model.to(torch.float32)
    assert model.evaluate(rectangle(1.1)).energies == pytest.approx(expected, abs=1e-5)
    loss = model.objective(point, Loss())
    loss().backward()
    assert loss().item() == pytest.approx(expected[0], abs=1e-5)


def test_it_says_that_it_looks_at_the_hamiltonian(source):
    """Comparisons with models that know labels only must say so."""
    assert circuit(source).information == "hamiltonian"


def test_an_encoder_of_ones_own_takes_the_place_of_the_network(source):
    """Here the angles are linear in the features."""
    features = LogRatio(H4, (0, 2), 1.23)
    n_angles = Ansatz("kupccgsd", k=1).circuit(4, (2, 2)).n_params
    linear = torch.nn.Linear(2, n_angles, bias=False, dtype=torch.float64)
    model = ConditionedCircuit(source, "kupccgsd", features, encoder=linear)
    assert model.n_weights == 2 * n_angles


def test_what_is_no_geometry_of_the_molecule_is_refused(source):
    """Other atoms, a k, not a number, too few references, a part that no file holds."""
    model = circuit(source)
    with pytest.raises(GeometryError, match="same atoms in the same order"):
        model.evaluate(Geometry(("H", "H"), [[0, 0, 0], [0, 0, 1]]))
    with pytest.raises(InputError, match="needs the geometry of a molecule"):
        model.evaluate(KPoint((0.0, 0.0, 0.0)))
    with pytest.raises(InputError, match="NaN or infinite"):
        model.angles(torch.full((1, 4, 3), torch.nan, dtype=torch.float64))
    with pytest.raises(InputError, match="one for each state"):
        circuit(source, n_states=2, references=[Reference.hartree_fock(4, (2, 2))])
    with pytest.raises(InputError, match="Give references="):
        circuit(source, n_states=4)
    with pytest.raises(InputError, match="have 12 outputs"):
        circuit(source, encoder=torch.nn.Linear(2, 5).double()).evaluate(rectangle(1.0))
    own = circuit(source, encoder=torch.nn.Bilinear(2, 2, 12).double())
    with pytest.raises(CapabilityError, match="save other parts with torch yourself"):
        own.config()
