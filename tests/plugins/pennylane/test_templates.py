"""PennyLane's templates of quantum chemistry with its own Hamiltonians: energies of lightning."""

import numpy as np
import pennylane as qml
import pytest
from conserving_tapes import ORDERS

EXACT = 1e-10  # float64, energies below ten hartree


@pytest.fixture(scope="module")
def hydrogen():
    """H2 at 1.4 bohr, STO-3G: four wires, two electrons."""
    molecule = qml.qchem.Molecule(
        ["H", "H"], np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.4]]), basis_name="sto-3g"
    )
    return qml.qchem.molecular_hamiltonian(molecule, method="dhf")[0], 2, 4


@pytest.fixture(scope="module")
def lithium_hydride():
    """LiH at 3.0 bohr, STO-3G, two electrons in four orbitals: eight wires."""
    molecule = qml.qchem.Molecule(
        ["Li", "H"], np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 3.0]]), basis_name="sto-3g"
    )
    found = qml.qchem.molecular_hamiltonian(
        molecule, method="dhf", active_electrons=2, active_orbitals=4
    )
    return found[0], 2, 8


def all_singles_doubles(n_electrons, n_wires):
    """The template, and the shape of its weights."""
    singles, doubles = qml.qchem.excitations(n_electrons, n_wires)
    state = qml.qchem.hf_state(n_electrons, n_wires)

    def apply(weights):
        qml.AllSinglesDoubles(weights, range(n_wires), state, singles, doubles)

    return apply, (len(singles) + len(doubles),)


def uccsd(n_electrons, n_wires):
    """Fermionic excitations."""
    singles, doubles = qml.qchem.excitations(n_electrons, n_wires)
    single_wires, double_wires = qml.qchem.excitations_to_wires(singles, doubles)
    state = qml.qchem.hf_state(n_electrons, n_wires)

    def apply(weights):
        qml.UCCSD(weights, range(n_wires), single_wires, double_wires, state)

    return apply, (len(singles) + len(doubles),)


def k_up_ccgsd(n_electrons, n_wires):
    """Generalized singles and pair doubles, twice."""
    state = qml.qchem.hf_state(n_electrons, n_wires)

    def apply(weights):
        qml.kUpCCGSD(weights, wires=range(n_wires), k=2, delta_sz=0, init_state=state)

    return apply, qml.kUpCCGSD.shape(k=2, n_wires=n_wires, delta_sz=0)


def gate_fabric(n_electrons, n_wires, *, include_pi):
    """Orbital rotations and pair exchanges of neighbours."""
    state = qml.qchem.hf_state(n_electrons, n_wires)

    def apply(weights):
        qml.GateFabric(weights, wires=range(n_wires), init_state=state, include_pi=include_pi)

    return apply, qml.GateFabric.shape(n_layers=2, n_wires=n_wires)


def gate_fabric_with_pi(n_electrons, n_wires):
    return gate_fabric(n_electrons, n_wires, include_pi=True)


def gate_fabric_without_pi(n_electrons, n_wires):
    return gate_fabric(n_electrons, n_wires, include_pi=False)


CONSERVING = {
    "AllSinglesDoubles": all_singles_doubles,
    "UCCSD": uccsd,
    "kUpCCGSD": k_up_ccgsd,
    "GateFabric": gate_fabric_without_pi,
    "GateFabric, include_pi": gate_fabric_with_pi,
}


def energies_and_gradients(template, hamiltonian, n_electrons, n_wires, order):
    """Ours, then another device's: energies and gradients at one point."""
    apply, shape = template(n_electrons, n_wires)
    weights = np.random.default_rng(3).normal(size=shape)
    found = []
    # Adjoint gradients of OrbitalRotation are zero in lightning 0.45: its fabric's are shifted.
    is_fabric = template in (gate_fabric_with_pi, gate_fabric_without_pi)
    for device in (
        qml.device("qmlmat.sector", wires=n_wires, spin_order=order),
        qml.device("default.qubit" if is_fabric else "lightning.qubit", wires=n_wires),
    ):

        @qml.qnode(device, diff_method="adjoint")
        def energy(weights):
            apply(weights)
            return qml.expval(hamiltonian)

        gradient = qml.grad(energy)
        slope = gradient(qml.numpy.array(weights, requires_grad=True))
        found.append((gradient.forward, slope))
    return found


@pytest.mark.parametrize("name", CONSERVING)
@pytest.mark.parametrize("molecule", ["hydrogen", "lithium_hydride"])
def test_energies_and_gradients_of_a_template_are_those_of_lightning(name, molecule, request):
    """On interleaved wires, as ``qml.qchem`` has them; the Hamiltonian acts by its integrals."""
    problem = request.getfixturevalue(molecule)
    mine, theirs = energies_and_gradients(CONSERVING[name], *problem, "interleaved")
    assert abs(mine[0] - theirs[0]) < EXACT
    assert mine[1].shape == theirs[1].shape
    assert np.abs(mine[1] - theirs[1]).max() < EXACT
    assert np.abs(mine[1]).max() > 1e-3


@pytest.mark.parametrize("name", CONSERVING)
def test_without_a_spin_order_the_energies_are_the_same(name, lithium_hydride):
    """A larger sector, word by word."""
    mine, theirs = energies_and_gradients(CONSERVING[name], *lithium_hydride, None)
    assert abs(mine[0] - theirs[0]) < EXACT
    assert np.abs(mine[1] - theirs[1]).max() < EXACT


def test_a_molecules_hamiltonian_is_recognised(lithium_hydride):
    """No word is left over of what ``qml.qchem`` makes."""
    hamiltonian, _, n_wires = lithium_hydride
    device = qml.device("qmlmat.sector", wires=n_wires, spin_order="interleaved")

    @qml.qnode(device)
    def energy():
        qml.BasisState(qml.qchem.hf_state(2, n_wires), wires=range(n_wires))
        return qml.expval(hamiltonian)

    energy()
    (((_, observable), _),) = device._observables._known._kept.values()
    sigma, rest = observable._pieces
    assert sigma is not None
    assert rest is None


@pytest.mark.parametrize("name", ["number", "spin_z", "spin_squared"])
@pytest.mark.parametrize("order", ["interleaved", None])
def test_observables_of_qchem_are_those_of_lightning(name, order):
    """Electrons, the projection and the square of the spin."""
    observable = {
        "number": lambda: qml.qchem.particle_number(6),
        "spin_z": lambda: qml.qchem.spinz(6),
        "spin_squared": lambda: qml.qchem.spin2(2, 6),
    }[name]()
    found = []
    for device in (
        qml.device("qmlmat.sector", wires=6, spin_order=order),
        qml.device("lightning.qubit", wires=6),
    ):

        @qml.qnode(device)
        def mean():
            qml.BasisState(np.array([1, 1, 0, 0, 0, 0]), wires=range(6))
            qml.SingleExcitation(0.7, wires=[0, 2])
            qml.SingleExcitation(-0.4, wires=[1, 5])
            qml.DoubleExcitation(0.9, wires=[0, 1, 4, 5])
            return qml.expval(observable)

        found.append(mean())
    assert abs(found[0] - found[1]) < EXACT


@pytest.mark.parametrize("order", ORDERS)
def test_a_basis_rotation_is_that_of_lightning(order):
    """Givens rotations of all orbitals of a spin, real and complex; phases count."""
    rng = np.random.default_rng(5)
    wires = [0, 2, 4] if order == "interleaved" else [0, 1, 2]
    for matrix in (rng.normal(size=(3, 3)), rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3))):
        unitary = np.linalg.qr(matrix)[0]
        found = []
        for device in (
            qml.device("qmlmat.sector", wires=6, spin_order=order),
            qml.device("lightning.qubit", wires=6),
        ):

            @qml.qnode(device, diff_method=None)
            def state(unitary):
                qml.BasisState(np.array([1, 0, 1, 1, 0, 0]), wires=range(6))
                qml.BasisRotation(wires=wires, unitary_matrix=unitary)
                return qml.state()

            found.append(state(unitary))
        assert np.abs(found[0] - found[1]).max() < EXACT


def test_the_exact_ground_state_of_hydrogen_is_reached():
    """One double excitation is full CI: the lowest eigenvalue, by PennyLane's own optimizer."""
    molecule = qml.qchem.Molecule(
        ["H", "H"], np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.4]]), basis_name="sto-3g"
    )
    hamiltonian, _ = qml.qchem.molecular_hamiltonian(molecule, method="dhf")

    @qml.qnode(qml.device("qmlmat.sector", wires=4, spin_order="interleaved"))
    def energy(angle):
        qml.BasisState(np.array([1, 1, 0, 0]), wires=range(4))
        qml.DoubleExcitation(angle, wires=range(4))
        return qml.expval(hamiltonian)

    angle = qml.numpy.array(0.0, requires_grad=True)
    optimizer = qml.GradientDescentOptimizer(0.8)
    for _ in range(60):
        angle = optimizer.step(energy, angle)
    exact = np.linalg.eigvalsh(qml.matrix(hamiltonian, wire_order=range(4)))[0]
    assert abs(energy(angle) - exact) < 1e-9  # converged
