"""The CSV table, read back by Python's own reader."""

import csv

import numpy as np
import pytest
from bands import MOS2, bands_of
from scans import hydrogen, troubled, water

from qmlmat.errors import InputError
from qmlmat.surfaces import export_scan


def _read(file):
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_number_comes_back_to_the_last_digit(tmp_path):
    """One row a point, units in the names of the columns."""
    scan = hydrogen()
    rows = _read(export_scan(scan, tmp_path / "h2.csv").file)
    for name, values in {
        "r(H0-H1) (angstrom)": scan.path.along(),
        "energy_0 (hartree)": scan.energies[:, 0],
        "reference (hartree)": scan.references,
        "error (hartree)": scan.errors,
        "hartree_fock (hartree)": scan.column("hartree_fock"),
        "wall_time (s)": [result.wall_time for result in scan.results],
        "spin_square_0": [result.solution.spin_squares[0] for result in scan.results],
    }.items():
        np.testing.assert_array_equal([float(row[name]) for row in rows], values)
    assert [int(row["n_params"]) for row in rows] == [3] * 4
    assert [row["point"] for row in rows] == ["0", "1", "2", "3"]
    root = scan.path.root
    assert rows[root]["overlap"] == ""
    assert all(0.9 < float(row["overlap"]) <= 1.0 for row in rows if row is not rows[root])


def test_what_is_not_known_is_empty_and_the_status_says_why(tmp_path):
    """A failed point and one that was not reached keep their rows."""
    rows = _read(export_scan(troubled(), tmp_path / "h2.csv").file)
    assert [row["status"] for row in rows] == [
        "failed: no field", "iteration_limit", "converged", "not computed",
    ]  # fmt: skip
    assert [row["energy_0 (hartree)"] == "" for row in rows] == [True, False, False, True]


def test_a_grid_has_a_column_for_each_coordinate(tmp_path):
    """In the order of the path, the last axis fastest."""
    scan = water()
    rows = _read(export_scan(scan, tmp_path / "water.csv").file)
    found = [[float(row[f"r(O0-H{k}) (angstrom)"]) for k in (1, 2)] for row in rows]
    np.testing.assert_array_equal(found, scan.path.coordinates)


def test_bands_are_rows_with_k_and_label(tmp_path):
    """Where a point is in reciprocal space, beside its length along the path."""
    rows = _read(export_scan(bands_of("MoS2", soc=True), tmp_path / "bands.csv").file)
    corner = next(row for row in rows if row["label"] == "K" and row["spin"] == "-0.5")
    assert [float(corner[name]) for name in ("k1", "k2", "k3")] == pytest.approx(
        MOS2.special_points["K"]
    )
    assert float(corner["energy_0 (eV)"]) == pytest.approx(-0.1359, abs=1e-4)


@pytest.mark.parametrize("name", ["bands.nc", "bands.xyz"])
def test_bands_are_not_written_as_molecules(tmp_path, name):
    """A format of atoms has no place for k."""
    with pytest.raises(InputError, match="Use the format csv"):
        export_scan(bands_of("MoS2"), tmp_path / name)
