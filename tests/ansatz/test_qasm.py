"""OpenQASM 3: what we write we read, hand-written files too, and errors name the line."""

import math
from pathlib import Path

import numpy as np
import pytest
from dense_qubits import dense_state
from hypothesis import given, settings
from qubit_circuits import qubit_circuits

from qmlmat.ansatz.qasm import from_qasm, to_qasm
from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.errors import InputError

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\ninput float[64] a;\ninput float b;\nqubit[2] q;\n'


@settings(max_examples=100, deadline=None)
@given(qubit_circuits())
def test_what_is_written_is_read_to_the_last_digit(circuit):
    """Gates, wires and angles, parts of pi included."""
    assert from_qasm(to_qasm(circuit)) == circuit


def test_measurements_and_resets_are_written_and_read():
    """Every qubit at the end, and one in between."""
    gates = (QubitGate("h", (0,)), QubitGate("measure", (0,), bit=0), QubitGate("reset", (0,)))
    circuit = QubitCircuit(2, gates).measured()
    text = to_qasm(circuit)
    assert "bit[2] c;" in text
    assert from_qasm(text).gates == circuit.gates


def test_a_hand_written_file_is_read():
    """Comments, several registers, whole registers, other names of gates, arithmetic."""
    text = """
    OPENQASM 3;  // a comment; with a semicolon
    include "stdgates.inc";
    /* two
       lines */
    input angle x;
    qubit[2] left;
    qubit right;
    bit[2] found;
    h left;
    barrier left, right;
    ry(-(x - pi) / 2 + 2*pi/4) left[1];
    cphase(τ / 8) left[0], right;
    CX left[0],
       right;
    gphase(0.25);
    found = measure left;
    """
    circuit = from_qasm(text)
    assert (circuit.n_qubits, circuit.n_params, circuit.n_bits) == (3, 1, 2)
    assert [(g.name, g.wires) for g in circuit.gates[:6]] == [
        ("h", (0,)),
        ("h", (1,)),
        ("ry", (1,)),
        ("cp", (0, 2)),
        ("cx", (0, 2)),
        ("gphase", ()),
    ]
    assert circuit.gates[2].angle == Angle(math.pi, 0, -0.5)
    assert [(g.wires, g.bit) for g in circuit.gates[6:]] == [((0,), 0), ((1,), 1)]


def test_a_parameter_that_cancels_is_none():
    """Angles are added up before they are refused."""
    circuit = from_qasm(HEAD + "rx(a - b - a + b + 1) q[0];")
    assert circuit.gates[0].angle == Angle(1.0)
    assert np.isclose(abs(dense_state(circuit, [5.0, 6.0])[0]), math.cos(0.5))


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("rx(a*b) q[0];", "not linear"),
        ("rx(a+b) q[0];", "one in each angle"),
        ("rx(1/a) q[0];", "not linear"),
        ("rx(sin(a)) q[0];", "pi, the declared inputs"),
        ("rx(c) q[0];", r"declared inputs \(a, b\)"),
        ("rx(1/0) q[0];", "divides by zero"),
        ("rx(2 3) q[0];", "no expression"),
        ("rx q[0];", r"takes one angle. Write it like rx\(pi/2\)"),
        ("h(0.1) q[0];", "takes no angle"),
        ("hh q[0];", 'Did you mean "h"'),
        ("cx q[0];", r"takes 2 qubits, not 1. Write it like cx q\[0\], q\[1\]"),
        ("cx q, q;", "Name single qubits"),
        ("cx q[1], q[1];", "different qubits"),
        ("x q[2];", "q has 2 qubits"),
        ("x r[0];", "Did you mean|Known: q"),
        ("ctrl @ x q[0], q[1];", "without modifiers"),
        ("for int i in [0:1] { x q[i]; }", "without modifiers"),
        ("qubit[3] q;", "declared already"),
        ("bit[1] c; c = measure q;", "registers of one size"),
        ("rx(1/2*pi) q[0];", "integers, which OpenQASM rounds.*decimal point"),
        ("rx(1e999) q[0];", "finite angle"),
        (f"rx({'9' * 400}) q[0];", "finite angle"),
        (f"rx({'(' * 400}1{')' * 400}) q[0];", "no expression|finite angle"),
        ("measure q[0];", r"c\[0\] = measure q\[0\]"),
        ("barrier q[0], r;", "no register of qubits"),
        ("id q[7];", "q has 2 qubits"),
        ("input float[64] lambda;", "Use another name"),
        ("input float[64] π;", "declared already"),
        ("x q[0]", "semicolon"),
    ],
)
def test_what_is_not_read_is_refused_with_its_line(line, remedy):
    """The sixth line of the file, and what to write instead."""
    with pytest.raises(InputError, match=rf"line 6: .*(?:{remedy})"):
        from_qasm(HEAD + line)


def test_comments_end_where_the_grammar_says():
    """An address in a block is no comment of its own; a block opened in a line comment is none."""
    circuit = from_qasm(HEAD + "/* see https://a.b */ x q[0]; // here /* and there\ny q[1]; // */")
    assert [gate.name for gate in circuit.gates] == ["x", "y"]


def test_names_and_spaces_are_those_of_the_grammar():
    """Greek letters, as Qiskit writes them, and no space after a bracket."""
    text = (
        "OPENQASM 3;input float[64]θ;input float ϕ;qubit [ 2 ]q;bit[2]c;rx(θ/2)q[0];rz(-ϕ)q[ 1 ];"
    )
    circuit = from_qasm(text + "c=measure q;")
    assert [gate.angle for gate in circuit.gates[:2]] == [Angle(0.0, 0, 0.5), Angle(-0.0, 1, -1.0)]
    assert [gate.bit for gate in circuit.gates[2:]] == [0, 1]


def test_quotients_of_integers_are_those_of_openqasm():
    """Exact ones are read; with pi or a decimal point nothing is rounded."""
    circuit = from_qasm(HEAD + "rx(4/2) q[0]; rx(1.0/2) q[0]; rx(pi/2) q[0]; rx(a*(3/3)) q[0];")
    assert [gate.angle.offset for gate in circuit.gates] == [2.0, 0.5, math.pi / 2, 0.0]


@pytest.mark.parametrize("given", [None, b"OPENQASM 3;", Path("circuit.qasm")])
def test_a_file_is_given_by_its_content(given):
    """A path or bytes are told what to pass."""
    with pytest.raises(InputError, match=r"from_qasm\(Path\(name\).read_text\(\)\)"):
        from_qasm(given)
