"""The molecule behind a scan is the one that was computed."""

from dataclasses import replace

import pytest
from scans import hydrogen, water

from qmlmat.errors import InputError
from qmlmat.surfaces.export.molecules import stored_molecule
from qmlmat.systems import Molecule

BASIS = "H    S\n      3.42525091   0.15432897\n      0.62391373   0.53532814\n"


def test_it_has_the_inputs_of_the_scan():
    """Charge, spin, basis set and elements."""
    found = stored_molecule(hydrogen())
    assert found.inputs() == hydrogen().inputs["surface"]["molecule"]


def test_a_function_has_none():
    """There is nothing to make it from."""
    assert stored_molecule(water()) is None


def test_a_basis_set_file_that_was_edited_is_refused(tmp_path):
    """Its integrals would not be those of the scan."""
    file = tmp_path / "own.nw"
    file.write_text(BASIS, encoding="utf-8")
    own = Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.74]], basis=str(file))
    scan = replace(hydrogen(), inputs={"surface": {"molecule": own.inputs()}})
    assert stored_molecule(scan).inputs() == own.inputs()
    file.write_text(BASIS.replace("0.6239", "0.6240"), encoding="utf-8")
    with pytest.raises(InputError, match="Restore the basis set's file"):
        stored_molecule(scan)
