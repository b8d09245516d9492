"""The table of Qiskit's primitives, on the smallest case. Times are never judged."""

from __future__ import annotations

from benchmarks import primitives


def test_the_quick_table_has_a_row_for_each_primitive(capsys):
    """Energies agree, or it raises."""
    assert primitives.main(["--quick"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = ("SectorEstimator", "SectorEstimator, no order", "StatevectorEstimator", "Aer")
    assert len(lines) == 1 + len(names)
    for line, name in zip(lines[1:], names, strict=True):
        assert name in line
