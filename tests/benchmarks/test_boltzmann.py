"""The tables of Boltzmann machines at their smallest size."""

import pytest

from benchmarks import boltzmann


@pytest.mark.parametrize(
    "name", ["seeds", "curves", pytest.param("sampled", marks=pytest.mark.slow)]
)
def test_a_table_of_machines_is_printed(name, capsys):
    """A heading, and rows with as many columns."""
    boltzmann.main([name, "--quick"])
    lines = capsys.readouterr().out.splitlines()
    widths = {line.count("|") for line in lines if line.startswith("|")}
    assert len(lines) > 4
    assert len(widths) == 1


@pytest.mark.slow
def test_a_table_of_bands_stays_within_the_aim(capsys):
    """Every monolayer, one point a leg: errors below 2e-4 eV."""
    boltzmann.main(["bands", "--quick"])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == 20
    for row in rows:
        errors = [float(word) for word in row.split("|")[3].split("/")]
        assert max(errors) < 2e-4
