"""The benchmarks of re-uploading circuits run from nothing, at their smallest size."""

import pytest

from benchmarks.learning import devices, intersection, water
from benchmarks.learning.data import water_path


def test_geometries_of_water_are_those_of_the_box():
    """The same ones every time, inside of the ranges."""
    path = water_path(8)
    assert (path.coordinates.min(axis=0) >= [0.75, 0.75, 70.0]).all()
    assert (path.coordinates.max(axis=0) <= [1.8, 1.8, 150.0]).all()
    assert (path.coordinates == water_path(8).coordinates).all()


@pytest.mark.slow
def test_tables_of_water_are_printed(tmp_path, capsys):
    """Every arm on energies, on forces, of three states; then the same model on devices."""
    water.main(["--quick", "--folder", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    for arm in (*water.ARMS, "sum over atoms, circuits", "3 x 3 matrix, one circuit"):
        assert any(line.startswith(arm) for line in lines)
    devices.main(["--quick", "--folder", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    assert [line[:5] for line in lines[1:]] == [name[:5] for name in devices.backends(0)]
    exact = [float(line.split()[-4]) for line in lines if ", exact" in line]
    assert len(exact) == 2  # PennyLane and Qiskit
    assert max(exact) < 1e-6  # mHa


@pytest.mark.slow
def test_the_intersection_s_table_and_map_are_printed(tmp_path, capsys):
    """Three arms and a row of the map for each alpha."""
    intersection.main(["--quick", "--folder", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines[1:4]] == [
        "matrix, circuit",
        "matrix, perceptron",
        "two circuits, apart",
    ]
    assert [line.split()[0] for line in lines[-3:]] == ["100", "130", "160"]
