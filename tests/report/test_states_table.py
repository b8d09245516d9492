"""The states of a solution as a table: one row for each level, no column without knowledge."""

from dataclasses import replace

import numpy as np
import pytest

import qmlmat as qm


@pytest.fixture(scope="module")
def lithium_hydride():
    """Four singlets, of which two are a pair."""
    h = qm.molecular_hamiltonian(qm.Molecule.from_xyz("Li 0 0 0; H 0 0 1.6"))
    return qm.solve(h, qm.Exact(multiplicity=1), n_states=4)


def test_degenerate_states_share_a_row(lithium_hydride):
    """The pair of Pi states is one level, with its number of states."""
    text = str(qm.states_table(lithium_hydride))
    rows = [line.split() for line in text.splitlines() if "(0." in line]
    assert [row[0] for row in rows] == ["0", "1", "2-3"]
    assert [row[5] for row in rows] == ["Sigma+", "Sigma+", "Pi"]
    assert all(row[6] == "0.000" for row in rows)
    assert float(rows[2][2]) == pytest.approx(27.2114 * (rows_energy(rows, 2)), abs=2e-3)


def rows_energy(rows, k):
    """Return a row's energy above the first (hartree)."""
    return float(rows[k][1]) - float(rows[0][1])


def test_what_is_not_known_has_no_column(lithium_hydride):
    """Without irreps, errors and configurations the table is narrower, and does not fail."""
    bare = replace(
        lithium_hydride, irreps=None, reference_energies=None, configurations=None, residuals=None
    )
    text = str(qm.states_table(bare))
    for heading in ("irrep", "error", "configurations", "residual"):
        assert heading not in text
    assert "2s+1" in text


def test_states_that_mix_spins_and_irreps_are_said_to(lithium_hydride):
    """No multiplicity, no irrep, and no error: the words, and an empty cell."""
    mixed = replace(
        lithium_hydride,
        spin_squares=np.full(4, 0.9),
        irreps=("", "", "", ""),
        reference_energies=np.full(4, np.nan),
    )
    first = next(line for line in str(qm.states_table(mixed)).splitlines() if "(0." in line)
    assert first.count("mixed") == 2
    assert "nan" not in first
