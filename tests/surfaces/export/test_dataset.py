"""Labelled arrays, read back by xarray."""

import json

import numpy as np
import pytest
import xarray as xr
from scans import hydrogen, troubled, water, water_grid

from qmlmat.provenance import content_hash
from qmlmat.surfaces import Axis, Path, export_scan, to_dataset


def _read(scan, tmp_path):
    return xr.open_dataset(export_scan(scan, tmp_path / "scan.nc").file, engine="h5netcdf")


def test_a_curve_comes_back_with_its_coordinate_as_dimension(tmp_path):
    """Every number to the last bit, every unit beside it."""
    scan = hydrogen()
    with _read(scan, tmp_path) as data:
        assert data.sizes == {"r_H0_H1": 4, "state": 1, "atom": 2, "xyz": 3}
        np.testing.assert_array_equal(data["r_H0_H1"], scan.path.along())
        np.testing.assert_array_equal(data["energy"], scan.energies)
        np.testing.assert_array_equal(data["reference"], scan.references)
        np.testing.assert_array_equal(data["hartree_fock"], scan.column("hartree_fock"))
        np.testing.assert_array_equal(
            data["positions"], [point.positions for point in scan.path.points]
        )
        units = {name: data[name].attrs["units"] for name in ("r_H0_H1", "energy", "positions")}
        assert units == {"r_H0_H1": "angstrom", "energy": "hartree", "positions": "angstrom"}
        assert data["r_H0_H1"].attrs["long_name"] == "r(H0-H1)"
        assert list(data["atom_symbol"].values) == ["H", "H"]
        assert list(data["n_params"].values) == [3] * 4


def test_the_attributes_say_where_the_numbers_come_from(tmp_path):
    """Title, inputs and their hash, version."""
    scan = hydrogen()
    with _read(scan, tmp_path) as data:
        assert data.attrs["title"] == "H2"
        assert content_hash(json.loads(data.attrs["inputs"])) == data.attrs["inputs_hash"]
        assert data.attrs["inputs_hash"] == content_hash(scan.inputs)
        assert data.attrs["qmlmat_version"]


def test_a_grid_has_a_dimension_for_each_axis(tmp_path):
    """An energy is found by its two bond lengths."""
    scan = water()
    with _read(scan, tmp_path) as data:
        assert data["energy"].dims == ("r_O0_H1", "r_O0_H2", "state")
        assert data["positions"].shape == (5, 4, 3, 3)
        for index, (a, b) in enumerate(scan.path.coordinates):
            found = data["energy"].sel(r_O0_H1=a, r_O0_H2=b, method="nearest")
            assert float(found[0]) == scan.energies[index, 0]


def test_points_that_are_no_grid_have_one_dimension(tmp_path):
    """Their coordinates lie along it."""
    scan = water(water_grid(shape=None))
    with _read(scan, tmp_path) as data:
        assert data["energy"].dims == ("point", "state")
        np.testing.assert_array_equal(data["r_O0_H2"], scan.path.along(1))
        assert data["r_O0_H2"].dims == ("point",)


def test_what_is_not_known_is_nan_and_forces_are_kept(tmp_path):
    """Statuses are words; points without forces have NaN."""
    scan = troubled()
    with _read(scan, tmp_path) as data:
        assert list(data["status"].values) == list(scan.statuses)
        np.testing.assert_array_equal(np.isnan(data["energy"][:, 0]), [True, False, False, True])
        np.testing.assert_array_equal(data["forces"][1], np.eye(3)[:2])
        assert np.isnan(data["forces"][2]).all()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("energy", "point"), ("energy_axis", "point_axis")),
        (("a/b", "a b"), ("a_b", "a_b_again1")),
        (("()", "hartree_fock"), ("coordinate", "hartree_fock")),
    ],
)
def test_names_of_axes_become_different_words(names, words):
    """None hides a variable or another axis."""
    values = water_grid().inputs() | {"axes": [[name, ""] for name in names]}
    data = to_dataset(water(Path.from_inputs(values)))
    assert data["energy"].dims[:2] == words
    assert [data[word].attrs["long_name"] for word in words] == list(names)
    assert Axis(names[0], "").name == names[0]
