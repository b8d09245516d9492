"""Mitigation on a fake device: one molecule, few repetitions."""

from benchmarks import noise


def test_the_stack_is_far_below_the_raw_error_on_a_noisy_device():
    """H2 on two qubits; every technique has a row."""
    found = noise.rows(noise.CASES[2:3], 3, 10_000)
    assert [row.technique for row in found] == list(noise.TECHNIQUES)
    (gain,) = noise.gains(found).values()
    assert gain > noise.GAIN
    text = "\n".join(noise.table(found))
    assert "readout + ZNE" in text
    assert "raw / stack" in text
