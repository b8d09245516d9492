"""Comparisons: one look at the test set, the same splits, resumed = uninterrupted."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from learnt import Polynomial, hydrogen_data

from qmlmat.errors import GeometryError, InputError, StoreMismatchError
from qmlmat.potentials.base import Loss
from qmlmat.potentials.committee import Committee
from qmlmat.potentials.comparison import Arm, classical_gaussian_arms, compare
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import MorseVariables
from qmlmat.potentials.training import Training

ARMS = (
    Arm(name="cubic", make=lambda _: Polynomial(3)),
    Arm(name="line", make=lambda _: Polynomial(1)),
)
BUDGET = Training(n_adam=0, n_lbfgs=1, validation_fraction=0.0)
PLAN = {"sizes": [6, 12], "seeds": [0, 1, 2], "test": 20, "training": BUDGET}


def _compare(arms=ARMS, **changes):
    return compare(hydrogen_data(60), arms, **{**PLAN, **changes})


def test_errors_are_those_of_a_least_squares_fit_on_the_recorded_splits():
    """Numpy fits the same polynomial to the same points."""
    found = _compare()
    train, test = found.splits.training(12, 1), found.splits.test
    x, y = train.positions[:, 1, 2], train.energies[:, 0]
    wrong = np.polyval(np.polyfit(x, y, 3), test.positions[:, 1, 2]) - test.energies[:, 0]
    errors = found.errors["cubic", 12, 1]
    assert errors.rmse == pytest.approx(np.sqrt(np.mean(wrong**2)), rel=1e-8)
    assert errors.mae == pytest.approx(np.abs(wrong).mean(), rel=1e-8)
    assert errors.largest == pytest.approx(np.abs(wrong).max(), rel=1e-8)
    assert (errors.n_points, errors.rmse_of_states) == (20, pytest.approx((errors.rmse,)))


def test_the_table_has_medians_and_quartiles_of_every_arm_and_size():
    """Against numpy's percentiles of the runs."""
    found = _compare()
    assert [(row.arm, row.size) for row in found.table()] == [
        ("cubic", 6),
        ("cubic", 12),
        ("line", 6),
        ("line", 12),
    ]
    errors = [found.errors["line", 6, seed].rmse for seed in (0, 1, 2)]
    row = found.row("line", 6)
    wanted = np.percentile(errors, [25, 50, 75])
    np.testing.assert_allclose([row.rmse.low, row.rmse.median, row.rmse.high], wanted)
    assert row.n_weights == 2


def test_energies_of_the_test_set_are_looked_at_after_all_trainings():
    """A data set that says who reads its energies is read when every model is trained."""

    class Watched(SurfaceData):
        """Says that its energies were read."""

    test = hydrogen_data(20, seed=5)
    watched = Watched(symbols=test.symbols, positions=test.positions, energies=test.energies)
    looks, values = [], watched.energies
    Watched.energies = property(lambda _: (looks.append(1), values)[1])
    found = _compare(test=watched)
    assert len(found.runs) == 12
    assert not looks
    assert found.errors
    assert looks


def test_models_never_see_the_energies_of_the_test_set():
    """What a prediction is made from holds zeros in their place."""
    seen = []

    class Nosy(Polynomial):
        def check_data(self, data):
            seen.append(data.energies.copy())
            super().check_data(data)

    found = _compare([Arm(name="nosy", make=lambda _: Nosy())])
    labels = set(found.splits.test.energies[:, 0].tolist())
    assert all(not labels & set(values[:, 0].tolist()) for values in seen)


def test_a_training_set_that_is_all_there_is_is_said():
    """Its seeds are orders of the same points."""
    assert not any("all there are" in sentence for sentence in _compare().summary())
    whole = _compare(sizes=[6, 40], seeds=[0])
    assert any("With 40 points, all there are" in sentence for sentence in whole.summary())


def test_a_failed_training_is_reported_and_not_dropped():
    """Its row says how many failed; its reason is kept."""

    class Fails(Polynomial):
        def condition(self, data):  # noqa: ARG002
            raise RuntimeError("the matrix is singular")

    found = _compare([*ARMS, Arm(name="fails", make=lambda _: Fails())])
    row = found.row("fails", 12)
    assert (row.n_failed, row.n_runs, row.rmse) == (3, 3, None)
    run = next(run for run in found.runs if run.arm == "fails")
    assert run.status == "failed: RuntimeError: the matrix is singular"
    assert any("fails: every training" in sentence for sentence in found.summary())
    assert "6 of 18 runs failed" in repr(found)


def test_an_arm_that_cannot_learn_forces_is_refused_before_any_training():
    """Gaussian processes learn energies alone; the arm is named, and what to do."""
    trained = []

    class Watched(Polynomial):
        def condition(self, data):
            trained.append(data)

    process = classical_gaussian_arms(MorseVariables(("H", "H")))[0]
    arms = [Arm(name="watched", make=lambda _: Watched()), process]
    training = replace(BUDGET, loss=Loss(force_weight=1.0))
    data = replace(hydrogen_data(60), forces=np.zeros((60, 2, 3)))
    with pytest.raises(InputError, match=r'the arm "GP RQ" .* Or leave this arm out'):
        compare(data, arms, **{**PLAN, "training": training})
    assert not trained
    members = [process.make(0), process.make(1)]
    with pytest.raises(InputError, match="Use force_weight=0"):
        Committee(members).check_loss(training.loss)


def test_a_stored_failure_is_tried_again(tmp_path):
    """Its cause may be gone; what worked is not trained again."""
    broken, store = [True], tmp_path / "runs.jsonl"

    class Sometimes(Polynomial):
        def condition(self, data):
            if broken and len(data) == 12:
                raise RuntimeError("no memory")
            super().condition(data)

    arms = [Arm(name="sometimes", make=lambda _: Sometimes())]
    assert sum(run.failed for run in _compare(arms, store=store).runs) == 3
    broken.clear()
    again = _compare(arms, store=store)
    assert [run.late for run in again.runs] == [False] * 3 + [True] * 3
    assert not any(run.failed for run in again.runs)
    assert _compare(arms, store=store).table() == again.table()


def test_a_prediction_that_is_not_finite_is_a_failure():
    """It would be a median otherwise."""

    class Infinite(Polynomial):
        def energies(self, positions):
            found = super().energies(positions)
            return found / torch.zeros_like(found) if len(found) == 20 else found

    found = _compare([Arm(name="infinite", make=lambda _: Infinite())])
    assert all("not finite" in run.status for run in found.runs)


def test_a_mistake_in_the_code_of_an_arm_is_raised():
    """It would fail at every seed; and it is not a property of the model."""
    with pytest.raises(NameError):
        _compare([Arm(name="broken", make=lambda _: nothing)])  # noqa: F821


def test_what_is_stored_is_not_trained_again(tmp_path):
    """Interrupted after five trainings and called again: the same comparison."""
    store, done = tmp_path / "runs.jsonl", []

    def stop(progress):
        done.append(progress.run.key)
        if len(done) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _compare(store=store, on_run=stop)
    again = []
    resumed = _compare(_counting(again), store=store)
    # Made, to be compared with the stored ones; and once each, to be looked at before any work.
    assert len(again) == len(resumed.runs) + len(ARMS)
    whole = _compare()
    for one, other in zip(resumed.runs, whole.runs, strict=True):
        assert one.key == other.key
        np.testing.assert_allclose(one.predictions, other.predictions, rtol=0, atol=1e-12)
    assert not any(run.late for run in resumed.runs)


def _counting(made):
    def wrapped(arm):
        def make(seed):
            made.append((arm.name, seed))
            return arm.make(seed)

        return replace(arm, make=make)

    return tuple(wrapped(arm) for arm in ARMS)


def test_an_arm_added_after_the_test_set_was_opened_is_marked(tmp_path):
    """Whoever adds it has seen the errors of the others."""
    store = tmp_path / "runs.jsonl"
    assert not any(run.late for run in _compare(ARMS[:1], store=store).runs)
    more = _compare(ARMS, store=store)
    assert {run.arm for run in more.runs if run.late} == {"line"}
    assert any("line: trained after" in sentence for sentence in more.summary())


def test_a_store_of_other_data_or_settings_is_refused(tmp_path):
    """Numbers of two comparisons are never mixed."""
    store = tmp_path / "runs.jsonl"
    _compare(store=store)
    with pytest.raises(StoreMismatchError, match=r"test.*name another file"):
        _compare(store=store, test=21)
    with pytest.raises(StoreMismatchError, match="n_lbfgs"):
        _compare(store=store, training=replace(BUDGET, n_lbfgs=2))


def test_an_arm_that_changed_under_its_name_is_refused(tmp_path):
    """Its stored runs are of another model."""
    from qmlmat.potentials.comparison import network_arms
    from qmlmat.potentials.descriptors import Distances

    store = tmp_path / "runs.jsonl"
    few, many = (
        Arm(name="MLP", make=network_arms(Distances(("H", "H")), n_qubits=n)[3].make)
        for n in (1, 2)
    )
    plan = {"store": store, "sizes": [6], "seeds": [0]}
    _compare([few], **plan)
    with pytest.raises(StoreMismatchError, match="a name of its own"):
        _compare([many], **plan)


def test_arms_need_names_of_their_own_and_the_same_states():
    """One table has one row for each."""
    with pytest.raises(InputError, match="a name of its own"):
        _compare([ARMS[0], ARMS[0]])
    with pytest.raises(InputError, match="name of its own"):
        _compare([])
    data = hydrogen_data(60)
    two = replace(data, energies=np.hstack([data.energies, data.energies + 0.1]))
    arms = [ARMS[0], Arm(name="two", make=lambda _: Polynomial(2, n_states=2))]
    with pytest.raises(InputError, match="same n_states"):
        compare(two, arms, **PLAN)


def test_an_unknown_row_is_refused():
    """With the nearest name."""
    with pytest.raises(InputError, match='Did you mean "cubic"'):
        _compare().row("cubik", 6)


@pytest.mark.parametrize(
    ("changes", "error", "remedy"),
    [
        (
            {"training": Training(loss=Loss(force_weight=1.0))},
            InputError,
            r"Use force_weight=0, or compute them",
        ),
        (
            {"test": replace(hydrogen_data(5), symbols=("H", "D"))},
            GeometryError,
            r"Give a test set of the same atoms",
        ),
        (
            {"arms": [*ARMS, Arm(name="other", make=lambda _: Polynomial(symbols=("H", "F")))]},
            GeometryError,
            r"Give the atoms in the same order",
        ),
        (
            {"arms": [Arm(name="two", make=lambda _: Polynomial(n_states=2))]},
            InputError,
            r"Use n_states=1",
        ),
    ],
)
def test_what_would_fail_in_every_training_is_refused_before_the_first(
    tmp_path, changes, error, remedy
):
    """No forces, other atoms, too few states: no store is left with failures in it."""
    with pytest.raises(error, match=remedy):
        _compare(store=tmp_path / "runs.jsonl", **changes)
    assert not list(tmp_path.iterdir())


def test_a_test_set_with_fewer_states_is_refused_rather_than_repeated():
    """One column of labels against two of predictions."""
    data = hydrogen_data(60)
    pair = replace(data, energies=data.energies + np.array([0.0, 0.3]))
    arms = [Arm(name="two", make=lambda _: Polynomial(n_states=2))]
    found = compare(pair, arms, **{**PLAN, "test": hydrogen_data(20, seed=5)})
    with pytest.raises(InputError, match="Give a test set with as many states"):
        found.table()
