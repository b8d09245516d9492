"""Extended XYZ, read back by ASE."""

import ase.io
import numpy as np
import pytest
from scans import hydrogen, troubled, water

from qmlmat.surfaces import export_scan
from qmlmat.units import HARTREE_IN_EV


@pytest.mark.parametrize("name", ["h2.extxyz", "h2.xyz"])
def test_ase_reads_energies_in_ev_and_positions(tmp_path, name):
    """In hartree they stand beside, with coordinates, status and reference."""
    scan = hydrogen()
    frames = ase.io.read(export_scan(scan, tmp_path / name).file, index=":")
    energies = np.array([atoms.get_potential_energy() for atoms in frames])
    assert energies == pytest.approx(scan.energies[:, 0] * HARTREE_IN_EV, abs=1e-8)
    for atoms, point, x in zip(frames, scan.path.points, scan.path.along(), strict=True):
        assert atoms.positions == pytest.approx(point.positions, abs=1e-8)
        assert atoms.info["coordinates"] == pytest.approx(x)
        assert atoms.info["status"] == "converged"
    in_hartree = [np.ravel(atoms.info["energies_hartree"])[0] for atoms in frames]
    assert in_hartree == pytest.approx(scan.energies[:, 0], abs=1e-8)
    references = [atoms.info["reference_hartree"] for atoms in frames]
    assert references == pytest.approx(scan.references, abs=1e-8)


def test_points_without_energies_are_left_out_and_that_is_said(tmp_path):
    """The frames keep the indices of their points; forces are in eV/Å."""
    done = export_scan(troubled(), tmp_path / "h2.extxyz")
    frames = ase.io.read(done.file, index=":")
    assert done.notes == ("Left out, without an energy: points 0, 3.",)
    assert [atoms.info["point"] for atoms in frames] == [1, 2]
    assert frames[0].get_forces() == pytest.approx(np.eye(3)[:2] * HARTREE_IN_EV)
    assert frames[0].info["status"] == "iteration_limit"


def test_energies_in_ev_stay_as_they_are(tmp_path):
    """A surface in eV is not converted twice."""
    scan = water(unit="eV")
    frames = ase.io.read(export_scan(scan, tmp_path / "water.extxyz").file, index=":")
    found = [atoms.get_potential_energy() for atoms in frames]
    assert found == pytest.approx(scan.energies[:, 0], abs=1e-8)
    assert frames[3].info["coordinates"] == pytest.approx(scan.path.coordinates[3])
    np.testing.assert_allclose(
        [float(atoms.info["energies_hartree"]) * HARTREE_IN_EV for atoms in frames], found
    )
