"""The table of optimisers, on one molecule. Times are never judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks import optimizers


def test_the_table_counts_what_was_asked_for(monkeypatch):
    """Energies, gradients and metrics by optimiser; the same seed, the same table."""
    monkeypatch.setattr(optimizers, "MOLECULES", {"LiH": "Li 0 0 0; H 0 0 1.595"})
    first, second = (optimizers.table(optimizers.QUICK, quick=True, seed=4) for _ in range(2))
    assert [replace(r, seconds=0) for r in first] == [replace(r, seconds=0) for r in second]
    rows = {row.optimizer: row for row in first}
    assert list(rows) == list(optimizers.QUICK)
    assert rows["PreconditionedLBFGS"].gradients <= rows["torch LBFGS"].gradients
    assert rows["NaturalGradient"].metrics == rows["NaturalGradient"].steps
    assert rows["Rotosolve"].values > 4 * 24 * rows["Rotosolve"].steps
    assert rows["SPSA"].values == 2 * rows["SPSA"].steps == 2 * optimizers.QUICK_STEPS
    assert min(row.above_minimum for row in first) == 0
    assert all(np.isfinite(row.above_exact) and row.above_exact > -1e-8 for row in first)
    text = "\n".join(optimizers.lines(first))
    assert all(name in text for name in optimizers.QUICK)
