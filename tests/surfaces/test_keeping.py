"""Measured points have a store of their own, which other commands read."""

from dataclasses import replace

import numpy as np
import pytest
from scans import hydrogen, water

import qmlmat as qm
from qmlmat.errors import InputError, StoreError, StoreMismatchError
from qmlmat.surfaces.keeping import save_measured
from qmlmat.surfaces.surface import FINISHED

DEVICE = {"run": "h2", "plan": "0" * 64, "target": {"name": "fez"}}


def measured(points=None, flags=None, n_missing=0):
    scan = hydrogen()
    requests = scan.requests(points=points)
    answers = qm.StatevectorBackend(shots=2000).run(requests, seed=1)
    answers[len(answers) - n_missing :] = [None] * n_missing
    return scan.measured(answers, points=points, flags=flags)


def test_a_store_gives_back_what_was_measured(tmp_path):
    """Energies, bars and status; inputs are the source's and the device."""
    found = measured()
    kept = save_measured(found, tmp_path / "m.db", device=DEVICE)
    np.testing.assert_array_equal(kept.energies, found.energies)
    np.testing.assert_array_equal(kept.stderr, found.stderr)
    assert kept.inputs["surface"] == hydrogen().inputs["surface"]
    assert kept.inputs["measured"]["run"] == "h2"
    assert qm.load_scan(tmp_path / "m.db").is_complete
    assert [one.name for one in tmp_path.iterdir()] == ["m.db"]


def test_points_that_are_chosen_or_answered_are_kept_alone(tmp_path):
    """More answers later replace the store."""
    kept = save_measured(measured(points=[1, 3], n_missing=1), tmp_path / "m.db", device=DEVICE)
    assert [one is None for one in kept.results] == [True, False, True, True]
    kept = save_measured(measured(points=[1, 3]), tmp_path / "m.db", device=DEVICE)
    assert [one is None for one in kept.results] == [True, False, True, False]


def test_flagged_points_are_not_finished(tmp_path):
    """Their phrases are in the status; the others stay as they are."""
    found = measured(flags=[(), ("drifted",), (), ()])
    assert found.results[1].status == "flagged: drifted"
    assert [status in FINISHED for status in found.statuses] == [True, False, True, True]
    assert not save_measured(found, tmp_path / "m.db", device=DEVICE).is_converged


def test_a_scan_with_a_return_sweep_is_complete_when_measured(tmp_path):
    """How the source went back and forth is no part of the measured scan."""
    found = measured()
    swept = replace(found, inputs={**found.inputs, "return_sweep": True})
    assert save_measured(swept, tmp_path / "m.db", device=DEVICE).is_complete


def test_nothing_else_is_replaced(tmp_path):
    """Not a store of another measurement, nor a file that is none."""
    save_measured(measured(), tmp_path / "m.db", device=DEVICE)
    with pytest.raises(StoreMismatchError, match="--out FILE"):
        save_measured(measured(), tmp_path / "m.db", device=DEVICE | {"run": "other"})
    (tmp_path / "x.db").write_text("mine")
    with pytest.raises(StoreError):
        save_measured(measured(), tmp_path / "x.db", device=DEVICE)
    assert (tmp_path / "x.db").read_text() == "mine"


def test_points_outside_and_points_without_solutions_are_refused():
    """The message says which there are, and that others can be named."""
    with pytest.raises(InputError, match="Use 0 to 3"):
        hydrogen().requests(points=[4])
    scan = replace(hydrogen(), results=(None, *hydrogen().results[1:]))
    with pytest.raises(InputError, match="points="):
        scan.requests()
    assert len(scan.requests(points=[1, 2])) == 2
    with pytest.raises(InputError, match="3 answers to 2"):
        scan.measured([None] * 3, points=[1, 2])
    with pytest.raises(Exception, match="SolverSurface"):
        water().requests(points=[0])
