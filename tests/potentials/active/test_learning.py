"""Active learning: asks where it is least sure, counts every call, and resumes as if unbroken."""

import numpy as np
import pytest
from learnt import Nearest, Polynomial, hydrogen_data, morse

import qmlmat as qm
from qmlmat.errors import InputError, StoreMismatchError
from qmlmat.potentials.active import active_learning
from qmlmat.potentials.active.result import Call
from qmlmat.potentials.committee import Committee
from qmlmat.potentials.comparison import classical_gaussian_arms
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import MorseVariables
from qmlmat.potentials.networks.perceptron import Perceptron
from qmlmat.potentials.regression import NetworkPotential
from qmlmat.potentials.training import Training, fit

H2 = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.74")
CURVE = qm.stretch(H2, lengths=np.linspace(0.5, 3.0, 26))
DESCRIPTOR = MorseVariables(("H", "H"))
GAUSSIAN = classical_gaussian_arms(DESCRIPTOR)[0].make
FEW_STEPS = Training(n_adam=5, n_lbfgs=0, validation_fraction=0.0)
QUICK = Training(n_adam=0, n_lbfgs=1, validation_fraction=0.0)
TEST = hydrogen_data(50, seed=9)


class Counting:
    """A Morse curve that counts its calls, and fails beyond a length."""

    def __init__(self, *, fails_beyond=np.inf, breaks_at=None, unit="hartree"):
        self.lengths, self.fails_beyond, self.breaks_at = [], fails_beyond, breaks_at
        self.unit = unit

    def evaluate(self, point, *, guess=None):
        assert guess is None
        if len(self.lengths) == self.breaks_at:
            raise KeyboardInterrupt
        length = point.distance(0, 1)
        self.lengths.append(length)
        if length > self.fails_beyond:
            return qm.PointResult(energies=np.array([np.nan]), status="failed: no convergence")
        return qm.PointResult(energies=np.array([morse(length)]), unit=self.unit)

    def inputs(self):
        return {"surface": "morse"}


def _learn(surface=None, **changes):
    plan = {"budget": 7, "n_start": 3, "test": TEST, "training": QUICK, "seed": 1}
    surface, model = surface or Counting(), changes.pop("model", lambda _: Nearest())
    return active_learning(surface, CURVE, model, **{**plan, **changes})


def _chosen(found):
    return [call.candidate for call in found.calls]


def test_calls_are_counted_exactly_and_no_geometry_is_asked_twice():
    """Seven calls are seven evaluations."""
    surface = Counting()
    found = _learn(surface)
    assert found.n_calls == len(surface.lengths) == 7
    assert found.status == "budget"
    assert len(set(surface.lengths)) == 7
    np.testing.assert_allclose([g.distance(0, 1) for g in found.geometries], surface.lengths)
    assert len(found.data) == 7


def test_the_next_geometry_is_where_a_gaussian_process_is_least_sure():
    """Trained again on the first points, the process names the same candidate."""
    found = _learn(model=GAUSSIAN, budget=4, training=FEW_STEPS)
    model = fit(GAUSSIAN(1), found.data.subset(range(3)), training=FEW_STEPS, seed=1).model
    free = [i for i in range(26) if i not in _chosen(found)[:3]]
    positions = np.array([CURVE.geometries[i].positions for i in free])
    errors = model.stderr(model.as_tensor(positions)).detach()[:, 0]
    assert _chosen(found)[3] == free[int(errors.argmax())]
    assert found.steps[0].largest_stderr == pytest.approx(float(errors.max()))


def test_a_committee_asks_where_its_members_differ():
    """Networks know no standard errors of their own."""

    def network(seed):
        return NetworkPotential(DESCRIPTOR, Perceptron(1, (3,), seed=seed))

    found = active_learning(
        Counting(), CURVE, network, budget=5, n_start=3, strategy="committee", training=QUICK
    )
    assert isinstance(found.model, Committee)
    assert found.n_calls == 5
    assert all(step.largest_stderr > 0 for step in found.steps)
    with pytest.raises(InputError, match='strategy="committee"'):
        active_learning(Counting(), CURVE, network, budget=5, training=QUICK)


@pytest.mark.parametrize("strategy", ["grid", "random", "sobol"])
def test_strategies_without_a_model_choose_the_same_whatever_the_model(strategy):
    """Only the errors differ."""
    found = _learn(strategy=strategy)
    cubic = active_learning(
        Counting(),
        CURVE,
        lambda _: Polynomial(),
        budget=7,
        strategy=strategy,
        seed=1,
        training=QUICK,
    )
    assert _chosen(found) == _chosen(cubic)
    assert found.steps[-1].errors.n_points == 50


def test_a_grid_is_learnt_at_its_end_alone():
    """Before, it is no grid."""
    found = _learn(strategy="grid", budget=6)
    assert sorted(_chosen(found)) == [0, 5, 10, 15, 20, 25]
    assert [step.n_calls for step in found.steps] == [6]


def test_failed_calls_are_recorded_counted_and_avoided():
    """They are not asked again, and no point comes of them."""
    surface = Counting(fails_beyond=2.0)
    found = _learn(surface, budget=10)
    failed = [call for call in found.calls if call.failed]
    assert failed
    assert found.n_calls == len(surface.lengths) == 10
    assert len(set(surface.lengths)) == 10
    assert len(found.data) == 10 - len(failed)
    assert found.data.positions[:, 1, 2].max() <= 2.0


@pytest.mark.parametrize("status", ["iteration_limit", "stalled"])
def test_energies_that_did_not_converge_are_failed_calls(status):
    """They would be learnt as if they were right; the status says why there are none."""
    forces = np.zeros((2, 3))
    call = Call.of(3, qm.PointResult(energies=np.array([-1.0]), forces=forces, status=status))
    assert call.failed
    assert (call.energies, call.forces) == (None, None)
    assert status in call.status
    assert not Call.of(3, qm.PointResult(energies=np.array([-1.0]), status="noise_limit")).failed


def test_it_stops_when_it_is_sure_enough():
    """The last step's largest standard error is below the tolerance, none before."""
    whole = _learn(budget=20)
    tolerance = whole.steps[5].largest_stderr * 1.01
    found = _learn(budget=20, tolerance=tolerance)
    assert found.status == "tolerance"
    assert found.steps[-1].largest_stderr < tolerance
    assert all(step.largest_stderr >= tolerance for step in found.steps[:-1])
    assert _chosen(found) == _chosen(whole)[: found.n_calls]


def test_points_that_are_there_already_cost_no_call():
    """An existing scan is the start; its geometries are not asked again."""
    known = CURVE.geometries[::5]
    start = SurfaceData(
        symbols=("H", "H"),
        positions=np.array([g.positions for g in known]),
        energies=np.array([morse(g.distance(0, 1)) for g in known]),
    )
    found = _learn(start=start, n_start=0, budget=3)
    assert found.n_calls == 3
    assert len(found.data) == len(known) + 3
    assert not set(_chosen(found)) & set(range(0, 26, 5))
    assert found.steps[0].n_points == len(known)


@pytest.mark.parametrize("broken_after", [1, 3, 5])
def test_interrupted_and_resumed_it_makes_the_same_choices(tmp_path, broken_after):
    """Stored calls are not made again."""
    store = tmp_path / "calls.jsonl"
    with pytest.raises(KeyboardInterrupt):
        _learn(Counting(breaks_at=broken_after), store=store)
    surface = Counting()
    resumed = _learn(surface, store=store)
    whole = _learn()
    assert len(surface.lengths) == 7 - broken_after
    assert _chosen(resumed) == _chosen(whole)
    assert [s.n_calls for s in resumed.steps] == [s.n_calls for s in whole.steps]
    for one, other in zip(resumed.steps, whole.steps, strict=True):
        assert one.errors.rmse == pytest.approx(other.errors.rmse, rel=1e-6)


def test_a_finished_store_gives_the_result_without_a_call(tmp_path):
    """And a larger budget goes on from it."""
    store = tmp_path / "calls.jsonl"
    first = _learn(store=store, budget=5)
    surface = Counting()
    again = _learn(surface, store=store, budget=5)
    assert not surface.lengths
    assert _chosen(again) == _chosen(first)
    np.testing.assert_allclose(
        again.model(again.model.as_tensor(TEST.positions)).detach(),
        first.model(first.model.as_tensor(TEST.positions)).detach(),
        atol=1e-9,
    )
    more = _learn(surface, store=store, budget=7)
    assert len(surface.lengths) == 2
    assert _chosen(more) == _chosen(_learn(budget=7))


def test_a_store_of_other_choices_is_refused(tmp_path):
    """Calls of two strategies are two stores."""
    store = tmp_path / "calls.jsonl"
    _learn(store=store, budget=3)
    with pytest.raises(StoreMismatchError, match=r"strategy.*name another file"):
        _learn(store=store, strategy="sobol")


def test_energies_in_electronvolts_become_hartree():
    """As models have them."""
    found = _learn(Counting(unit="eV"), budget=3)
    length = found.geometries[0].distance(0, 1)
    assert found.data.energies[0, 0] == pytest.approx(qm.units.ev_to_hartree(morse(length)))


def test_calls_to_reach_an_error_ask_that_it_stays_reached():
    """One lucky step is not enough."""
    found = _learn(budget=9)
    errors = [step.errors.rmse for step in found.steps]
    limit = sorted(errors)[len(errors) // 2]
    n_calls = found.calls_to_reach(limit)
    later = [e for step, e in zip(found.steps, errors, strict=True) if step.n_calls >= n_calls]
    assert max(later) <= limit
    assert found.calls_to_reach(0.0) is None


def test_a_surface_that_always_fails_leaves_nothing_to_learn():
    """The message says how many calls failed."""
    with pytest.raises(InputError, match=r"5 of 5 calls failed.*Raise the budget"):
        _learn(Counting(fails_beyond=0.0), budget=5)


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"strategy": "varience"}, 'Did you mean "variance"'),
        ({"budget": 0}, "budget of 1 or more"),
        ({"n_start": -1}, "0 or more"),
        ({"tolerance": 0.0}, "above 0"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(changes, remedy):
    """Named with what would do."""
    with pytest.raises(InputError, match=remedy):
        _learn(**changes)


def test_progress_is_told_after_each_call():
    """With what was known before it."""
    seen = []
    _learn(budget=5, on_call=seen.append)
    assert [progress.n_calls for progress in seen] == [1, 2, 3, 4, 5]
    assert seen[0].step is None
    assert seen[-1].step.largest_stderr > 0


def test_states_of_a_call_are_kept_by_energy():
    """A surface that follows states through a crossing gives them in another order."""
    call = Call.of(0, qm.PointResult(energies=np.array([-0.3, -0.5])))
    assert call.energies.tolist() == [-0.5, -0.3]
