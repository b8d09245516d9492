"""Training data: what fits together, and what contradicts itself."""

import numpy as np
import pytest

import qmlmat as qm
from qmlmat.errors import GeometryError, InputError, QmlmatWarning
from qmlmat.potentials.data import SurfaceData


def water(n_points=4, seed=0, **fields):
    """Random geometries of three atoms with made-up energies."""
    rng = np.random.default_rng(seed)
    base = np.array([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
    known = {
        "symbols": ("O", "H", "H"),
        "positions": base + 0.05 * rng.normal(size=(n_points, 3, 3)),
        "energies": np.sort(rng.normal(size=(n_points, 2)), axis=1),
    }
    return SurfaceData(**{**known, **fields})


def test_energies_of_one_state_may_be_a_row():
    """A column is made of it."""
    assert water(energies=np.arange(4.0)).energies.shape == (4, 1)


def test_numbers_cannot_be_written_over():
    """A hash of the data stays true."""
    data = water()
    with pytest.raises(ValueError, match="read-only"):
        data.energies[0, 0] = 1.0


def test_a_split_has_every_point_once_and_depends_on_the_seed_alone():
    """The same seed, the same parts."""
    data = water(20)
    first, second = data.split(5, seed=3)
    again, _ = data.split(5, seed=3)
    other, _ = data.split(5, seed=4)
    assert (len(first), len(second)) == (5, 15)
    together = np.sort(np.concatenate([first.energies, second.energies])[:, 0])
    np.testing.assert_array_equal(together, np.sort(data.energies[:, 0]))
    assert first.content_hash() == again.content_hash() != other.content_hash()


def test_forces_go_with_their_points():
    """A subset takes both."""
    data = water(forces=np.arange(36.0).reshape(4, 3, 3))
    np.testing.assert_array_equal(data.subset([2]).forces, data.forces[2:3])
    np.testing.assert_array_equal(data.subset(data.energies[:, 0] < 9).forces, data.forces)


def test_the_same_geometry_with_two_energies_is_refused_wherever_it_lies():
    """Turned and moved it is the same geometry."""
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    data = water()
    positions = np.concatenate([data.positions, data.positions[1:2] @ turn.T + 1.0])
    energies = np.concatenate([data.energies, data.energies[1:2] + 1e-3])
    with pytest.raises(InputError, match=r"points 1 and 4 are the same geometry"):
        water(positions=positions, energies=energies)
    water(positions=positions, energies=np.concatenate([data.energies, data.energies[1:2]]))


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"positions": np.zeros((4, 2, 3))}, GeometryError, r"give shape \(4, 3, 3\)"),
        ({"energies": np.zeros((3, 2))}, InputError, r"give shape \(4, 2\)"),
        ({"energies": np.full((4, 1), np.nan)}, InputError, "point 0 has a number that is not"),
        ({"positions": np.full((4, 3, 3), np.inf)}, GeometryError, "Leave the point out"),
        ({"forces": np.zeros((4, 2, 3))}, InputError, r"give shape \(4, 3, 3\)"),
        ({"forces": np.full((4, 3, 3), np.nan)}, InputError, "not finite"),
        ({"energies": np.full((4, 1), 1 + 1e-9j)}, InputError, "complex.*Give an array of real"),
        ({"energies": ["a", "b", "c", "d"]}, InputError, "Give an array of real numbers"),
    ],
)
def test_what_does_not_fit_is_refused(fields, error, message):
    """The message names the array and its shape."""
    with pytest.raises(error, match=message):
        water(**fields)


def test_atoms_that_overlap_are_refused():
    """No molecule; most often bohr or fractions of a cell were meant."""
    positions = np.array(water().positions)
    positions[2, 1] = positions[2, 0]
    with pytest.raises(GeometryError, match=r"point 2 atoms \d and \d .* Leave the point out"):
        water(positions=positions)


@pytest.mark.parametrize("n_first", [0, 4, 9])
def test_a_split_leaves_points_in_both_parts(n_first):
    """Nothing to train on, or nothing to test on."""
    with pytest.raises(InputError, match="Use 1 to 3"):
        water().split(n_first, seed=0)


def test_a_scan_gives_its_finished_points():
    """Failed points stay behind; eV becomes hartree."""

    def well(positions):
        length = np.linalg.norm(positions[1] - positions[0])
        if length > 1.4:
            raise RuntimeError("no convergence")
        return (length - 0.8) ** 2

    h2 = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.8")
    path = qm.stretch(h2, bond=(0, 1), lengths=[0.7, 0.8, 0.9, 1.5])
    scan = qm.scan(qm.FunctionSurface(well, "eV"), path)
    data = SurfaceData.from_scan(scan)
    assert len(data) == 3
    assert data.forces is None
    np.testing.assert_allclose(data.energies[:, 0] * 27.211386245981, [0.01, 0, 0.01], atol=1e-12)


class Stopping:
    """A line whose solver stops early beyond a length."""

    def __init__(self, longest):
        self.longest = longest

    def evaluate(self, point, *, guess=None):  # noqa: ARG002 - the protocol
        length = point.distance(0, 1)
        status = "converged" if length < self.longest else "iteration_limit"
        return qm.PointResult(energies=np.array([length]), status=status)

    def inputs(self):
        return {"surface": "stopping"}


def test_energies_that_did_not_converge_are_no_labels():
    """They are left out, and a warning counts them and names the status."""
    h2 = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.8")
    path = qm.stretch(h2, bond=(0, 1), lengths=[0.7, 0.8, 0.9, 1.5])
    with pytest.warns(QmlmatWarning, match=r'2 of 4 points .*"iteration_limit".* more steps'):
        data = SurfaceData.from_scan(qm.scan(Stopping(0.85), path))
    np.testing.assert_allclose(data.energies[:, 0], [0.7, 0.8])
    none = qm.scan(Stopping(0.0), path)
    with (
        pytest.warns(QmlmatWarning, match="4 of 4"),
        pytest.raises(InputError, match="Finish the scan first"),
    ):
        SurfaceData.from_scan(none)


def test_a_scan_without_energies_is_refused():
    """There is nothing to learn."""

    def broken(_):
        raise RuntimeError("no")

    path = qm.stretch(qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.8"), bond=(0, 1), lengths=[0.8, 0.9])
    scan = qm.scan(qm.FunctionSurface(broken), path)
    with pytest.raises(InputError, match="Finish the scan first"):
        SurfaceData.from_scan(scan)


def test_energies_that_do_not_ascend_are_refused():
    """Models give states by energy: labels in another order would be learnt as cusps."""
    positions = np.zeros((2, 2, 3))
    positions[:, 1, 2] = (0.7, 0.9)
    with pytest.raises(InputError, match=r"point 1 .*Give np\.sort\(energies, axis=1\)"):
        SurfaceData(symbols="HH", positions=positions, energies=[[-1.0, -0.5], [-0.6, -0.7]])


def test_states_that_a_surface_follows_are_put_in_order():
    """Two lines that cross: the lower one is the ground state on both sides."""

    class Crossing:
        def evaluate(self, point, *, guess=None):  # noqa: ARG002 - the protocol
            slope = point.distance(0, 1) - 0.8
            return qm.PointResult(energies=np.array([slope, -slope]))

        def inputs(self):
            return {"surface": "crossing"}

    h2 = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.8")
    path = qm.stretch(h2, bond=(0, 1), lengths=[0.7, 0.9])
    data = SurfaceData.from_scan(qm.scan(Crossing(), path))
    np.testing.assert_allclose(data.energies, [[-0.1, 0.1]] * 2, atol=1e-12)
