"""The tables of ADAPT-VQE, on the smallest cases. Times are never judged."""

from __future__ import annotations

import warnings

import pytest

import qmlmat as qm
from benchmarks import adapt


def test_the_tables_hold_what_growth_gave(monkeypatch):
    """Counts, slopes and errors of H4; every pool has a row."""
    rows = adapt.molecules(["H4 1.0"])
    assert [row.what for row in rows] == ["0.0001", "1e-05"]
    for row, tolerance in zip(rows, adapt.TOLERANCES, strict=True):
        assert row.slope <= tolerance
        assert 0 <= row.error + 1e-9 < tolerance
        assert row.n_params <= row.n_gates <= 2 * row.n_params
    beside = adapt.pools("H4 1.0", 1e-3)
    assert [row.what for row in beside] == list(adapt.POOLS)
    assert beside[-1].status == "gradient_trough"
    text = "\n".join(adapt.lines(beside))
    assert all(label in text for label in adapt.POOLS)


@pytest.mark.slow
def test_the_curve_of_nitrogen_shows_what_the_penalty_is_for(capsys):
    """The quick run: from Hartree-Fock without a penalty, 3.0 Å ends at high spin."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qm.QmlmatWarning)
        assert adapt.main(["--quick"]) == 0
        rows = {(row.case, row.what): row for row in adapt.nitrogen([3.0])}
    assert "no penalty, from Hartree-Fock" in capsys.readouterr().out
    assert rows["N2 3.0", "no penalty, from Hartree-Fock"].spin_square > 1
    assert rows["N2 3.0", "penalty 0.05, from Hartree-Fock"].spin_square < 1e-3
