"""Gates beside PennyLane's and ffsim's: the smallest size, one seed."""

import pytest

from benchmarks import gates


def test_ours_are_never_more_two_qubit_gates_than_the_others():
    """H2 and LiH, one seed, all qubits linked."""
    found = gates.rows(["H2", "LiH (2e,3o)"], ["all-to-all"], seeds=1, layers=(1,))
    assert {row.program for row in found} >= {"qmlmat", "ffsim", "PennyLane UCCSD"}
    assert gates.worse(found) == []
    text = "\n".join(gates.lines(found))
    assert "nowhere more" in text
    assert "kUpCCGSD" in text


def test_a_circuit_with_more_gates_is_named():
    """And where."""
    rows = [
        gates.Row("H2", "uccsd", program, "fez", 3, count, 1)
        for program, count in (("qmlmat", 9), ("PennyLane UCCSD", 8))
    ]
    assert gates.worse(rows) == ["H2, uccsd, fez: ours 9, PennyLane UCCSD 8"]


@pytest.mark.parametrize("target", ["all-to-all"])
def test_both_programs_write_the_same_number_of_parameters(target):
    """UCCSD has the same excitations in both."""
    found = {e.program: e for e in gates.entries(3, (1, 1), ()) if e.circuit == "uccsd"}
    assert found["qmlmat"].n_params == found["PennyLane UCCSD"].n_params
