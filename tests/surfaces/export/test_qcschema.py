"""QCSchema, read back by MolSSI's own validator."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
from scans import hydrogen, troubled, water

from qmlmat.surfaces import export_scan
from qmlmat.units import BOHR_IN_ANGSTROM, HARTREE_IN_EV

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from qcelemental.models import AtomicResult, FailedOperation


def _read(file, model=AtomicResult):
    return model(**json.loads(file.read_text(encoding="utf-8")))


def test_every_point_is_a_valid_atomic_result_with_equal_numbers(tmp_path):
    """Energies in hartree, positions in bohr, the nuclei's repulsion as the point charges have."""
    scan = hydrogen()
    done = export_scan(scan, tmp_path / "h2", "qcschema")
    assert [file.name for file in done.files] == [
        *(f"point_00{k}.json" for k in range(4)), "points.csv",
    ]  # fmt: skip
    for index, file in enumerate(done.files[:4]):
        found = _read(file)
        assert found.success
        assert found.return_result == scan.energies[index, 0]
        assert found.properties.return_energy == scan.energies[index, 0]
        assert found.properties.scf_total_energy == scan.column("hartree_fock")[index]
        length = scan.path.along()[index]
        repulsion = BOHR_IN_ANGSTROM / length
        # PySCF's own bohr differs in the ninth digit
        assert found.properties.nuclear_repulsion_energy == pytest.approx(repulsion, rel=1e-8)
        assert (found.properties.calcinfo_nalpha, found.properties.calcinfo_nbeta) == (1, 1)
        assert found.properties.calcinfo_nbasis == 2
        assert found.molecule.measure([0, 1]) == pytest.approx(length / BOHR_IN_ANGSTROM, abs=1e-7)
        assert (found.molecule.molecular_charge, found.molecule.molecular_multiplicity) == (0, 1)
        assert (found.model.method, found.model.basis) == ("VQE uccsd", "sto-3g")
        assert found.provenance.creator == "qmlmat"
        extras = found.extras["qmlmat"]
        assert extras["coordinates"][0]["value"] == length
        assert extras["reference"] == scan.references[index]


def test_a_failed_point_is_a_failed_operation_and_one_not_converged_no_success(tmp_path):
    """The error says why; an energy that is there is given all the same."""
    done = export_scan(troubled(), tmp_path / "h2", "qcschema")
    assert done.notes == ("Left out, not computed: point 3.",)
    failed = _read(tmp_path / "h2" / "point_000.json", FailedOperation)
    assert failed.error.error_message == "no field"
    assert failed.input_data["model"]["basis"] == "sto-3g"
    stopped = _read(tmp_path / "h2" / "point_001.json")
    assert not stopped.success
    assert stopped.error.error_type == "convergence_error"
    assert "iteration_limit" in stopped.error.error_message
    assert stopped.return_result == troubled().energies[1, 0]


def test_a_function_has_a_name_and_no_basis(tmp_path):
    """Neither charge nor basis set are invented; eV become hartree."""
    scan = water(unit="eV")
    done = export_scan(scan, tmp_path / "water", "qcschema")
    found = [_read(file) for file in done.files[:-1]]
    assert {one.model.basis for one in found} == {None}
    assert found[0].model.method == "scans.well"
    energies = np.array([one.return_result for one in found]) * HARTREE_IN_EV
    assert energies == pytest.approx(scan.energies[:, 0], abs=1e-9)


def test_a_scan_without_inputs_can_be_exported(tmp_path):
    """Somebody's own surface may say nothing of itself."""
    scan = replace(hydrogen(), inputs={})
    assert _read(export_scan(scan, tmp_path / "h2", "qcschema").files[0]).model.method == "surface"
