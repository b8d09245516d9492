"""Conditioned circuits on H4 and LiH: the parts that take seconds."""

from benchmarks.learning import conditioned
from benchmarks.learning.conditioned_h4 import (
    FIVE,
    Setting,
    circuit_rows,
    continuation_rows,
    h4_problem,
)
from benchmarks.learning.conditioned_runs import QUICK


def test_a_read_out_is_better_than_its_circuit_and_exact_vectors_are_better_still():
    """Forty steps of training, eleven geometries."""
    problem = h4_problem(QUICK, FIVE, "canonical", 1)
    direct, read = circuit_rows(problem, Setting(layers=1, hidden=4), QUICK, "H4")
    (continued,) = continuation_rows(problem, 1)
    assert continued.mae[0] < read.mae[0] < direct.mae[0]
    text = "\n".join(conditioned.error_lines("H4", [direct, read, continued]))
    assert "| H4, read-out | S0 |" in text
