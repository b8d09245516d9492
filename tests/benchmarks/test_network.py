"""The table of the quantum neural network, on few inputs. Times are never judged."""

from __future__ import annotations

import json

from benchmarks import network


def test_both_programs_compute_the_same_numbers(tmp_path):
    """Values, forces, and gradients by the weights of losses without and with forces."""
    assert network.main(["--quick", "--json", str(tmp_path / "rows.json")]) == 0
    rows = json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))["rows"]
    compared = [row for row in rows if row["theirs"]]
    *broadcast, lightning = compared
    assert len(broadcast) == len(network.TASKS)
    for row in broadcast:
        assert row["difference"] < 1e-12, row["what"]  # float64
    assert lightning["difference"] < 1e-5  # lightning.qubit through PyTorch: float32
