"""The error table: one row for each method."""

from dataclasses import replace

from rich.console import Console
from scans import hydrogen, water

from qmlmat.report import error_table


def _text(*scans):
    console = Console(width=120, force_terminal=False)
    with console.capture() as captured:
        console.print(error_table(*scans))
    return captured.get()


def test_solver_and_hartree_fock_have_a_row_each():
    """With the unit in the heading, and where the largest error is."""
    text = _text(hydrogen())
    assert "errors against exact (mHa)" in text
    rows = {line.split("  ")[0].strip(): line.split() for line in text.splitlines()}
    assert rows["VQE uccsd"][-6] == "0.0000"
    assert rows["Hartree–Fock"][1:5] == ["4", "51.6340", "1.2", "Å"]


def test_of_two_scans_the_classical_methods_have_one_row_where_they_agree():
    """Two solvers on the same curve are compared with the same Hartree-Fock."""
    other = replace(
        hydrogen(), title="other", inputs={"surface": {"solver": {"solver": "adaptvqe"}}}
    )
    text = _text(hydrogen(), other)
    assert text.count("Hartree–Fock") == 1
    assert "adaptvqe" in text
    assert "other" in text


def test_a_method_that_cannot_be_compared_is_named():
    """NEVPT2 is left out, and the reader is told why."""
    results = tuple(
        replace(result, columns={**result.columns, "nevpt2": -2.0}) for result in hydrogen().results
    )
    assert "NEVPT2: left out" in _text(replace(hydrogen(), results=results))


def test_nothing_to_compare_is_said():
    """A surface without reference has an empty table."""
    assert "nothing to compare with" in _text(water())
