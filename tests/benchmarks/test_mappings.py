"""The tables of mappings, on the smallest cases. Times are never judged."""

from __future__ import annotations

from benchmarks import mappings


def test_the_quick_tables_hold_the_counts(capsys):
    """Symmetries by name; the chain agrees with ffsim, or it raises."""
    assert mappings.main(["--quick"]) == 0
    text = capsys.readouterr().out
    assert "H2: 3: alpha; beta; in Ag" in text
    assert "H4 chain" in text


def test_two_qubit_reduction_keeps_the_groups_of_hydrogen():
    """Five words of two qubits: two groups either way."""
    found = {row.mapping: row for row in mappings.rows(["H2"])}
    reduced = found["reduced parity"]
    assert (reduced.n_qubits, reduced.n_terms) == (2, 5)
    assert (reduced.qubit_wise, reduced.commuting) == (2, 2)
