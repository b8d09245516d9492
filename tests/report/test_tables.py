"""Tables: each number in its column, each note once."""

from dataclasses import replace

import numpy as np
from rich.console import Console
from scans import hydrogen, water

from qmlmat.report import scan_notes, scan_table
from qmlmat.surfaces import PointResult, Scan, stretch
from qmlmat.systems import Molecule

H2 = Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.7414]])
PATH = stretch(H2, (0, 1), [0.6, 0.7, 0.8, 0.9])


def _scan(*results):
    return Scan(path=PATH, results=results)


def _good(**changes):
    values = {
        "energies": np.array([-1.125]),
        "reference": -1.126,
        "columns": {"hartree_fock": -1.1},
        "wall_time": 1.26,
    }
    return PointResult(**(values | changes))


def _lines(scan, width=120):
    console = Console(width=width, force_terminal=False)
    with console.capture() as captured:
        console.print(scan_table(scan))
    return captured.get().splitlines()


def test_a_row_shows_coordinate_energies_error_status_and_time():
    """Energies to six decimals, errors in mHa."""
    failed = PointResult(energies=np.array([np.nan]), status="failed: no", wall_time=0.5)
    stalled = _good(status="iteration_limit")
    lines = _lines(_scan(_good(), failed, stalled, None))
    rows = {line.split()[0]: line.split() for line in lines if line.strip()[:1] == "0"}
    assert rows["0.6000"] == [
        "0.6000", "-1.125000", "-1.126000", "-1.100000", "1.0000", "converged", "1.3",
    ]  # fmt: skip
    assert rows["0.7000"] == ["0.7000", "–", "–", "–", "–", "failed", "0.5"]
    assert rows["0.8000"][5:7] == ["iteration", "limit"]
    assert rows["0.9000"][5:7] == ["not", "computed"]


def test_the_table_fits_a_terminal_of_80_columns():
    """With Hartree-Fock beside the solver, nothing is folded or cut."""
    assert max(len(line.rstrip()) for line in _lines(_scan(*[_good()] * 4), width=80)) <= 80
    assert "…" not in "".join(_lines(_scan(*[_good()] * 4), width=80))


def test_a_narrow_table_leaves_out_columns_never_digits():
    """What matters less gives way: times first, the energy and its error never."""
    scan = _scan(*[_good()] * 4)
    wide, narrow = str(scan_table(scan)), str(scan_table(scan, width=60))
    assert "time" in wide
    assert "time" not in narrow
    assert "…" not in narrow
    assert max(map(len, narrow.splitlines()[1:])) <= 60
    for word in ("-1.125000", "1.0000", "converged"):
        assert word in narrow


def test_print_shows_a_table():
    """Without a console of rich's."""
    lines = str(scan_table(_scan(*[_good()] * 4))).splitlines()
    assert any("-1.125000" in line for line in lines)


def test_every_state_and_every_column_has_a_heading():
    """Excited states and further energies are columns of their own."""
    result = _good(energies=np.array([-1.0, -0.5]), columns={"ccsd": -1.0})
    text = "\n".join(_lines(_scan(*[result] * 4)))
    assert "state 1" in text
    assert "CCSD" in text


def test_equal_notes_are_one_line_with_their_points():
    """What concerns every point is said once; neighbours are a range."""
    everywhere, here = "orbitals were rotated", "the field was rescued"
    notes = [(everywhere, here), (everywhere,), (everywhere, here), (everywhere, here)]
    scan = _scan(*(_good(notes=one) for one in notes))
    assert scan_notes(scan) == (
        f"every point: {everywhere}",
        f"0.6, 0.8 to 0.9 Å: {here}",
    )


def test_notes_that_differ_in_their_numbers_are_one_line_with_the_range():
    """A drift that grows along the curve is one sentence, not one for each point."""
    notes = [("<S^2> = 0.0200 instead of 0.0000",), ("<S^2> = 0.1500 instead of 0.0000",)]
    scan = _scan(*(_good(notes=one) for one in notes), None, None)
    assert scan_notes(scan) == ("0.6 to 0.7 Å: <S^2> = 0.0200 to 0.1500 instead of 0.0000",)


def test_the_reason_of_a_failure_is_among_the_notes():
    """The table says "failed", the notes say why."""
    failed = PointResult(energies=np.array([np.nan]), status="failed: no convergence")
    assert scan_notes(_scan(_good(), failed, None, None)) == ("0.7 Å: failed: no convergence",)


def test_rounding_noise_has_no_sign():
    """An energy 1e-13 below the exact one is shown as zero error, not as "-0.0000"."""
    text = "\n".join(_lines(_scan(*[_good(energies=np.array([-1.126 - 1e-13]))] * 4)))
    assert "0.0000" in text
    assert "-0.0000" not in text


def test_what_is_known_of_the_circuit_and_the_orbitals_has_columns():
    """<S^2>, number of parameters, and the overlap with the parent's orbitals."""
    text = "\n".join(_lines(hydrogen()))
    for word in ("<S^2>", "params", "overlap"):
        assert word in text
    row = next(line.split() for line in text.splitlines() if line.strip().startswith("1.2000"))
    assert row[5:8] == ["0.000", "3", "1.000"]


def test_what_is_known_nowhere_has_no_column():
    """A function has neither reference nor circuit."""
    text = "\n".join(_lines(water()))
    for word in ("<S^2>", "params", "overlap", "exact", "error"):
        assert word not in text


def test_orbitals_that_could_not_be_followed_are_yellow():
    """Below 0.707 the number stands out."""
    console = Console(width=120, force_terminal=True, color_system="standard")
    with console.capture() as captured:
        console.print(scan_table(_scan(_good(overlap=0.4), *[_good(overlap=0.9)] * 3)))
    text = captured.get()
    assert "\x1b[33m" in text.split("0.400")[0][-12:]
    assert "\x1b[33m" not in text.split("0.900")[0][-12:]


def test_several_classical_methods_are_shown_as_errors():
    """The table stays within 120 columns, with no number cut; NEVPT2 is shown as an energy."""
    columns = {"hartree_fock": -1.1, "mp2": -1.12, "ccsd": -1.125, "ccsd(t)": -1.127}
    columns |= {"nevpt2": -1.2}
    results = [replace(r, columns=columns, reference=-1.126) for r in hydrogen().results]
    lines = _lines(replace(hydrogen(), results=tuple(results)))
    text = "\n".join(lines)
    assert "…" not in text
    assert max(len(line.rstrip()) for line in lines) <= 120
    for cell in ("-1.200000", "26.00", "6.00", "1.00", "-1.00"):
        assert cell in text
