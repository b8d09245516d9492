"""Mitigation on a fake device: one molecule, few repetitions."""

from benchmarks import noise


def test_the_stack_is_far_below_the_raw_error_on_a_noisy_device():
    """H2 on two qubits, three repetitions."""
    found = noise.rows(noise.CASES[2:3], 3, 20_000, techniques=("raw", "stack"))
    assert [row.technique for row in found] == ["raw", "stack"]
    (gain,) = noise.gains(found).values()
    assert gain > noise.GAIN
    text = "\n".join(noise.table(found))
    assert "raw / stack" in text
