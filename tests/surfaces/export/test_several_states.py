"""Exports of several states, read back by other programs."""

import csv
import json

import ase.io
import numpy as np
import xarray
from excited import water

from qmlmat.surfaces import export_scan


def test_the_table_says_to_which_curve_each_state_belongs(tmp_path):
    """Energies ascend; the curves of the third and the fourth state change at the crossing."""
    file = export_scan(water(), tmp_path / "water.csv").file
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = [[float(row[f"energy_{k} (hartree)"]) for k in range(4)] for row in rows]
    np.testing.assert_array_equal(found, water().energies)
    assert [[int(row[f"curve_{k}"]) for k in (2, 3)] for row in rows] == [
        [3, 2], [3, 2], [2, 3], [2, 3],
    ]  # fmt: skip
    assert [rows[0][f"irrep_{k}"] for k in range(4)] == ["A1", "B1", "A1", "A2"]
    exact = [[float(row[f"reference_{k} (hartree)"]) for k in range(4)] for row in rows]
    np.testing.assert_allclose(exact, water().energies, atol=1e-8)


def test_a_data_set_has_states_and_curves(tmp_path):
    file = export_scan(water(), tmp_path / "water.nc").file
    with xarray.open_dataset(file, engine="h5netcdf") as found:
        np.testing.assert_array_equal(found["curve"], water().followed)
        np.testing.assert_array_equal(found["followed_energy"], water().followed_energies)
        assert found["curve_name"].values.tolist() == ["1 ¹A1", "1 ¹B1", "1 ¹A2", "2 ¹A1"]
        assert found["irrep"].values[0].tolist() == ["A1", "B1", "A1", "A2"]


def test_structures_and_documents_carry_the_curves(tmp_path):
    """ASE reads the frames; QCSchema has them among its extras."""
    frames = ase.io.read(export_scan(water(), tmp_path / "water.xyz").file, ":")
    np.testing.assert_array_equal([f.info["curves"] for f in frames], water().followed)
    assert frames[0].info["irreps"] == "A1 B1 A1 A2"
    export = export_scan(water(), tmp_path / "water", format="qcschema")
    first = json.loads(sorted(export.files)[0].read_text(encoding="utf-8"))
    assert first["extras"]["qmlmat"]["curves"] == [0, 1, 3, 2]
    assert first["extras"]["qmlmat"]["irreps"] == ["A1", "B1", "A1", "A2"]
