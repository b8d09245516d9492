"""The table of layered circuits, in its quick mode. Times are never judged."""

from __future__ import annotations

import json

import numpy as np

import qmlmat as qm
from benchmarks import layers


def test_the_quick_table_has_errors_by_number_of_parameters(capsys, tmp_path):
    """One length, few layers; no energy below the exact one; the same seed, the same table."""
    file = tmp_path / "layers.json"
    assert layers.main(["--quick", "--seed", "3", "--json", str(file)]) == 0
    text = capsys.readouterr().out
    rows = {row["circuit"]: row for row in json.loads(file.read_text())}
    assert list(rows) == list(layers.QUICK)
    assert all(name in text for name in layers.QUICK)
    assert [row["n_params"] for row in rows.values()] == [315, 21, 42, 56]
    for name, row in rows.items():
        assert row["lengths"] == list(layers.QUICK_LENGTHS)
        assert -1e-5 < row["errors"][0] < 300
        assert name == "uccsd" or abs(row["spin_squares"][0]) < 1e-10
    again = layers.curves(
        {"tups, depth 2": layers.QUICK["tups, depth 2"]},
        layers.QUICK_LENGTHS,
        layers.Effort(n_starts=layers.QUICK_STARTS, max_steps=layers.QUICK_STEPS, seed=3),
    )
    assert again[0].errors == rows["tups, depth 2"]["errors"]


def test_a_sweep_carries_solutions_to_and_fro_and_keeps_the_lowest():
    """H4 in place of N2: what was found at one length is tried at the others."""
    problems = {
        length: qm.molecular_hamiltonian(
            qm.Molecule.from_xyz("; ".join(f"H 0 0 {k * length}" for k in range(4)))
        )
        for length in (1.0, 1.2)
    }
    search = layers.Search(
        qm.Ansatz("tups", depth=2), problems, layers.Effort(n_starts=2, max_steps=60)
    )
    search.start(1.0)
    first = search.best[1.0].energy
    search.random_starts(1.0)
    search.sweep([1.0, 1.2])
    search.sweep([1.2, 1.0])
    assert set(search.best) == {1.0, 1.2}
    assert search.best[1.0].energy <= first
    before = search.evaluations
    search.sweep([1.0, 1.2][:1])
    assert search.evaluations == before
    row = layers.Curve(circuit="tups", n_params=18, lengths=[1.0, 1.2], errors=[2.0, 5.0])
    assert np.isclose(row.spread, 3.0)
