"""The table of layered circuits, on two points. Times are never judged."""

from __future__ import annotations

import json

import pytest

from benchmarks import layers


def test_the_table_holds_every_solver_and_length(tmp_path, capsys):
    """Parameters, spin and errors of the quick run; none below exact."""
    assert layers.main(["--quick", "--json", str(tmp_path / "layers.json")]) == 0
    rows = {row["solver"]: row for row in json.loads((tmp_path / "layers.json").read_text())}
    assert list(rows) == list(layers.QUICK)
    assert rows["uccsd"]["n_params"] == [315, 315]
    assert rows["tups, depth 1"]["n_params"] == [21, 21]
    assert rows["uccsd"]["errors"][1] == pytest.approx(1.194, abs=0.001)
    assert all(error > -1e-6 for row in rows.values() for error in row["errors"])
    assert max(rows["tups, depth 1"]["spin_squares"]) < 1e-10  # conserved, not penalised
    printed = capsys.readouterr().out
    assert all(name in printed for name in layers.QUICK)
    assert "1.10" in printed
