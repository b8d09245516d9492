"""The table of the statevector simulator, on few samples. Times are never judged."""

from __future__ import annotations

from benchmarks import statevector


def test_both_programs_compute_the_same_numbers():
    """Values and gradients of the network, and the gradient of a lowered uccsd."""
    value, both, one_by_one = statevector.network_rows(6, 1)
    assert value.difference < 1e-12  # float64
    assert both.difference < 1e-11  # a sum over samples
    single = statevector.cluster_row(2, (1, 1), 1)
    for row in (one_by_one, single):
        assert row.difference < 1e-5  # lightning.qubit through PyTorch: float32
        assert row.what in row.text()
