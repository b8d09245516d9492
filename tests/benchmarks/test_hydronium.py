"""The benchmark of hydronium, on a surrogate."""

import json

import numpy as np
from hydronium import hydronium

from benchmarks.learning import hydronium as benchmark


def test_without_the_data_it_says_where_they_come_from(capsys, tmp_path):
    """And gives no number."""
    for arguments in ([], ["--data", str(tmp_path / "absent.npz")]):
        assert benchmark.main(arguments) == 0
        assert "QM-22" in capsys.readouterr().out


def test_every_kernel_has_its_errors_at_every_size(capsys, tmp_path):
    """A few points of the surrogate, a few steps."""
    data = hydronium(100)
    path, out = tmp_path / "surrogate.npz", tmp_path / "out.json"
    np.savez(
        path,
        symbols=np.array(data.symbols),
        positions_angstrom=data.positions,
        energies_hartree=data.energies[:, 0],
    )
    assert benchmark.main(["--quick", "--data", str(path), "--json", str(out)]) == 0
    rows = json.loads(out.read_text("utf-8"))
    assert len(rows) == 2 * len(benchmark.ARMS)
    assert all(value > 0 for row in rows for value in row["rmse"])
    assert "quantum, entangled" in capsys.readouterr().out
