"""Seeds of points: independent draws where there are any, the surface's own seed elsewhere."""

import numpy as np

import qmlmat as qm
from qmlmat.surfaces.seeds import point_seed

PATH = qm.k_path(qm.graphene(), n_points=13)
SAMPLED = qm.RBM(sampler=qm.Metropolis())
BACKEND = qm.StatevectorBackend(shots=100)


def seeds(seed, solver, backend=None):
    """Return the seed of every k but Gamma's second visit."""
    places = [[np.round(point.k, 9).tolist(), point.spin] for point in PATH.kpoints[:-1]]
    return [point_seed(seed, place, solver=solver, backend=backend) for place in places]


def test_a_sampled_point_has_draws_of_its_own():
    """Equal seeds at every k would make the noise one smooth curve."""
    for solver, backend in ((qm.VQD(), BACKEND), (SAMPLED, None), (SAMPLED, BACKEND)):
        found = seeds(7, solver, backend)
        assert len(set(found)) == len(PATH) - 1


def test_a_machine_that_draws_has_draws_of_its_own_without_a_seed_too():
    """It begins at seed 0 then, which must not be the same draws everywhere."""
    for solver in (SAMPLED, qm.Filtration(rbm=SAMPLED)):
        assert len(set(seeds(None, solver))) == len(PATH) - 1


def test_nothing_drawn_keeps_the_surfaces_seed():
    """Exact searches begin alike at every point; a device without a seed draws as it likes."""
    assert set(seeds(7, qm.RBM())) == {7}
    assert set(seeds(None, qm.RBM())) == {None}
    assert set(seeds(None, qm.VQD(), BACKEND)) == {None}
