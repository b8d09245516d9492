"""The table of bands at the special points."""

from dataclasses import replace

from bands import bands_of, troubled

from qmlmat.report import bands_table, scan_table


def _cells(table, row):
    line = next(line for line in str(table).splitlines() if line.strip().startswith(row))
    return line.split()[1:]


def test_each_special_point_is_one_row():
    """With the energies of each band, and the gap."""
    table = bands_table(bands_of("MoS2"))
    assert table.row_count == 3
    assert _cells(table, "K") == ["-0.0629", "1.5950", "3.4497", "1.6579"]
    assert "MoS₂ (tnn, gga) · exact" in str(table)
    assert "error" not in str(table)
    assert "status" not in str(table)


def test_spins_are_columns():
    """Up and down beside each other, and how far they are apart in the valence band."""
    table = bands_table(bands_of("MoS2", soc=True))
    assert _cells(table, "K")[:3] == ["0.0101", "-0.1359", "1.5950"]
    assert _cells(table, "K")[-2:] == ["1.5849", "0.1460"]
    assert "band 1 ↑" in str(table)


def test_errors_and_statuses_are_columns_where_there_is_something_to_say():
    """Another solver than exact diagonalisation, and points that did not go well."""
    scan = troubled(bands_of("MoS2"))
    statuses = list(scan.results)
    corner = next(i for i, point in enumerate(scan.path.kpoints) if point.label == "K")
    statuses[corner] = replace(statuses[corner], status="stalled")
    table = bands_table(replace(scan, results=tuple(statuses)))
    assert _cells(table, "K")[-2:] == ["0.0600", "stalled"]
    assert "chain" in str(table)


def test_gaps_that_are_not_known_have_no_column():
    scan = bands_of("graphene")
    surface = {**scan.inputs["surface"], "n_occupied": None}
    assert "gap" not in str(bands_table(replace(scan, inputs={**scan.inputs, "surface": surface})))


def test_the_table_of_a_scan_takes_bands_too():
    """Every point, with its length and spin."""
    text = str(scan_table(bands_of("MoS2", soc=True)))
    assert "1/Å" in text
    assert "state 2" in text
