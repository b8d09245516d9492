"""Qubit circuits as OpenQASM 3 text, and back.

Parameters are inputs, ``input float[64] theta_0;``, and angles linear expressions of one of them.
"""

from __future__ import annotations

import ast
import keyword
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.ansatz.qubit_gates import GATE_KINDS
from qmlmat.errors import InputError, nearest

_SAME: Final = {"CX": "cx", "phase": "p", "cphase": "cp", "u1": "p"}
_PARTS_OF_PI: Final = (1, 2, 4, 8)
_COMMENT: Final = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_CONSTANTS: Final = frozenset({"pi", "tau", "euler", "π", "τ", "ℇ"})
_NAME: Final = r"[^\W\d]\w*"
_SIZED: Final = r"(?:\s*\[\s*(\d+)\s*\]\s*|\s+)"
_OPERAND: Final = rf"{_NAME}(?:\s*\[\s*\d+\s*\])?"
_STATEMENT: Final = {
    "version": re.compile(r"OPENQASM\s+3(?:\.\d+)?"),
    "include": re.compile(r'include\s+"stdgates\.inc"'),
    "input": re.compile(rf"input\s+(?:float|angle){_SIZED}({_NAME})"),
    "register": re.compile(rf"(qubit|bit){_SIZED}({_NAME})"),
    "measure": re.compile(rf"({_OPERAND})\s*=\s*measure\s+({_OPERAND})"),
    "skip": re.compile(rf"(?:barrier|id)\b\s*({_OPERAND}(?:\s*,\s*{_OPERAND})*)?"),
    "gate": re.compile(rf"({_NAME})\s*(?:\((.*)\))?\s*({_OPERAND}(?:\s*,\s*{_OPERAND})*)?"),
}


def to_qasm(circuit: QubitCircuit) -> str:
    """Return a circuit as OpenQASM 3: wires are ``q[0]``, ``q[1]``, ..., bits ``c[0]``, ....

    Args:
        circuit: The circuit. Its parameters become ``input float[64] theta_0;`` and so on.

    Example:
        >>> ry = QubitGate("ry", (0,), Angle(0.0, 0, 0.5))
        >>> print(to_qasm(QubitCircuit(1, (ry,), 1)))
        OPENQASM 3.0;
        include "stdgates.inc";
        input float[64] theta_0;
        qubit[1] q;
        ry(0.5*theta_0) q[0];
        <BLANKLINE>
    """
    lines = ["OPENQASM 3.0;", 'include "stdgates.inc";']
    lines += [f"input float[64] theta_{k};" for k in range(circuit.n_params)]
    if circuit.n_qubits:
        lines.append(f"qubit[{circuit.n_qubits}] q;")
    if circuit.n_bits:
        lines.append(f"bit[{circuit.n_bits}] c;")
    for gate in circuit.gates:
        wires = ", ".join(f"q[{wire}]" for wire in gate.wires)
        if gate.name == "measure":
            lines.append(f"c[{gate.bit}] = measure {wires};")
        else:
            angle = "" if gate.angle is None else f"({_written(gate.angle)})"
            lines.append(f"{gate.name}{angle} {wires}".rstrip() + ";")
    return "\n".join(lines) + "\n"


def from_qasm(text: str) -> QubitCircuit:
    """Return the circuit of an OpenQASM 3 text.

    Read are the gates of ``GATE_KINDS`` without modifiers, measurements, resets, and angles that
    are linear in one input, with ``pi``, ``+ - * /`` and parentheses. Inputs are numbered, and
    registers joined, in the order in which they are declared. Barriers and ``id`` are left out.

    Args:
        text: The file's content.

    Raises:
        InputError: If a statement is none of these; the message has its line number.
    """
    reader = _Reader()
    if not isinstance(text, str):
        raise InputError(
            f"from_qasm: {type(text).__name__} instead of text. Give a file's content: "
            "from_qasm(Path(name).read_text())."
        )
    for line, statement in _statements(text):
        try:
            reader.read(statement)
        except InputError as error:
            raise InputError(f"from_qasm, line {line}: {error}") from error
    return QubitCircuit(reader.sizes["qubit"], tuple(reader.gates), len(reader.inputs))


@dataclass
class _Reader:
    """What has been read so far."""

    inputs: list[str] = field(default_factory=list)
    """Names of the parameters."""
    registers: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    """For each register whether of qubits or bits, its first wire or bit, and its size."""
    sizes: dict[str, int] = field(default_factory=lambda: {"qubit": 0, "bit": 0})
    """Number of qubits and of bits."""
    gates: list[QubitGate] = field(default_factory=list)
    """The gates."""

    def read(self, statement: str) -> None:
        for kind, pattern in _STATEMENT.items():
            match = pattern.fullmatch(statement)
            if match is None:
                continue
            if kind == "input":
                self._input(match[2])
            elif kind == "register":
                self._register(match[1], match[3], int(match[2] or 1))
            elif kind == "measure":
                self._measure(match[1], match[2])
            elif kind == "gate":
                self._gate(match[1], match[2], match[3])
            elif kind == "skip" and match[1]:
                for operand in match[1].split(","):
                    self._places(operand, "qubit")
            return
        raise InputError(
            f'"{statement}" is not read. Use declarations of input float[64], qubit and bit, gates '
            "without modifiers, measure and reset."
        )

    def _input(self, written: str) -> None:
        name = unicodedata.normalize("NFKC", written)  # as Python reads names in expressions
        self._declared(name)
        if keyword.iskeyword(name):
            raise InputError(f'an input is named "{name}". Use another name, e.g. theta_0.')
        self.inputs.append(name)

    def _declared(self, name: str) -> None:
        if name in self.registers or name in self.inputs or name in _CONSTANTS:
            raise InputError(f'"{name}" is declared already. Use another name.')

    def _register(self, kind: str, name: str, size: int) -> None:
        self._declared(name)
        self.registers[name] = (kind, self.sizes[kind], size)
        self.sizes[kind] += size

    def _places(self, operand: str, kind: str) -> list[int]:
        """Return the wires or bits that an operand names: one, or a whole register's."""
        name, _, index = operand.replace(" ", "").rstrip("]").partition("[")
        known = [key for key, (what, _, _) in self.registers.items() if what == kind]
        if name not in known:
            raise InputError(f'"{name}" is no register of {kind}s. {nearest(name, known)}')
        _, first, size = self.registers[name]
        if not index:
            return list(range(first, first + size))
        if int(index) >= size:
            raise InputError(f"{operand}: {name} has {size} {kind}s. Use {name}[0] and up.")
        return [first + int(index)]

    def _measure(self, bits: str, qubits: str) -> None:
        places, wires = self._places(bits, "bit"), self._places(qubits, "qubit")
        if len(places) != len(wires):
            raise InputError(
                f"{bits} = measure {qubits}: {len(places)} bits for {len(wires)} qubits. Use "
                "registers of one size."
            )
        self.gates += [
            QubitGate("measure", (w,), bit=b) for w, b in zip(wires, places, strict=True)
        ]

    def _gate(self, written: str, angle: str | None, operands: str | None) -> None:
        name = _SAME.get(written, written)
        if name == "measure":
            raise InputError("a measurement without a bit. Write it like c[0] = measure q[0];.")
        if name not in GATE_KINDS:
            raise InputError(f'"{written}" is no known gate. {nearest(written, GATE_KINDS)}')
        kind = GATE_KINDS[name]
        if kind.has_angle != (angle is not None):
            takes = "one angle" if kind.has_angle else "no angle"
            raise InputError(f'"{written}" takes {takes}. Write it like {_example(name)}.')
        value = None if angle is None else _read_angle(angle, self.inputs)
        places = [self._places(part, "qubit") for part in operands.split(",")] if operands else []
        if len(places) != kind.n_wires:
            raise InputError(
                f'"{written}" takes {kind.n_wires} qubits, not {len(places)}. Write it like '
                f"{_example(name)}."
            )
        if kind.n_wires == 2 and any(len(part) != 1 for part in places):
            raise InputError(f'"{written}" on a whole register. Name single qubits, e.g. q[0].')
        combinations = (
            [(w,) for w in places[0]]
            if kind.n_wires == 1
            else [tuple(wire for part in places for wire in part)]
        )
        for wires in combinations:
            if len(set(wires)) != len(wires):
                raise InputError(f'"{written}" on one qubit twice. Use different qubits.')
            self.gates.append(QubitGate(name, wires, value))


def _example(name: str) -> str:
    kind = GATE_KINDS[name]
    wires = ", ".join(f"q[{k}]" for k in range(kind.n_wires))
    return f"{name}{'(pi/2)' if kind.has_angle else ''} {wires}".rstrip() + ";"


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield the statements, without comments, each with the number of its first line."""
    plain = _COMMENT.sub(lambda match: " " + "\n" * match[0].count("\n"), text)
    line = 1
    *closed, rest = plain.split(";")
    for part in closed:
        if part.strip():
            yield line + _blank_lines(part), " ".join(part.split())
        line += part.count("\n")
    if rest.strip():
        raise InputError(
            f'from_qasm, line {line + _blank_lines(rest)}: "{" ".join(rest.split())[:40]}" does '
            "not end with a semicolon. Add it."
        )


def _blank_lines(part: str) -> int:
    """Return the number of line ends before the first character."""
    return part[: len(part) - len(part.lstrip())].count("\n")


def _written(angle: Angle) -> str:
    if angle.param is None:
        return _number(angle.offset)
    name = f"theta_{angle.param}"
    text = name if angle.scale == 1.0 else f"{_number(angle.scale)}*{name}"
    text = f"-{name}" if angle.scale == -1.0 else text
    if angle.offset:
        sign = "-" if angle.offset < 0 else "+"
        text += f" {sign} {_number(abs(angle.offset))}"
    return text


def _number(value: float) -> str:
    for part in _PARTS_OF_PI:
        if abs(value) == math.pi / part:
            return ("-" if value < 0 else "") + ("pi" if part == 1 else f"pi/{part}")
    return repr(float(value))


def _read_angle(text: str, inputs: list[str]) -> Angle:
    try:
        constant, slopes = _linear(ast.parse(text.strip(), mode="eval").body, inputs)
    except SyntaxError:
        raise InputError(f'"{text}" is no expression. Write e.g. 0.5*theta_0 + pi/2.') from None
    except ZeroDivisionError:
        raise InputError(f'"{text}" divides by zero. Give a finite angle.') from None
    except (OverflowError, RecursionError, MemoryError):
        raise InputError(f'"{text[:40]}" is too large. Give a short, finite angle.') from None
    if not all(map(math.isfinite, [constant, *slopes.values()])):
        raise InputError(f'"{text}" is not finite. Give a finite angle.')
    used = {name: slope for name, slope in slopes.items() if slope}
    if len(used) > 1:
        raise InputError(f'"{text}" has two parameters. Use one in each angle.')
    for name, slope in used.items():
        return Angle(constant, inputs.index(name), slope)
    return Angle(constant)


def _linear(node: ast.expr, inputs: list[str]) -> tuple[float, dict[str, float]]:
    """Return the constant and the slopes of an expression."""
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number), {}
        case ast.Name(id="pi" | "π"):
            return math.pi, {}
        case ast.Name(id="tau" | "τ"):
            return 2.0 * math.pi, {}
        case ast.Name(id=name) if name in inputs:
            return 0.0, {name: 1.0}
        case ast.UnaryOp(op=ast.UAdd() | ast.USub() as sign, operand=operand):
            return _times(_linear(operand, inputs), -1.0 if isinstance(sign, ast.USub) else 1.0)
        case ast.BinOp():
            return _combined(node, inputs)
    raise InputError(
        f'"{ast.unparse(node)}" is not allowed in an angle. Use numbers, pi, the declared inputs '
        f"({', '.join(inputs) or 'none'}), + - * / and parentheses."
    )


def _combined(node: ast.BinOp, inputs: list[str]) -> tuple[float, dict[str, float]]:
    left, right = _linear(node.left, inputs), _linear(node.right, inputs)
    if isinstance(node.op, ast.Add | ast.Sub):
        other = _times(right, -1.0 if isinstance(node.op, ast.Sub) else 1.0)
        names = [*left[1], *(name for name in other[1] if name not in left[1])]
        slopes = {name: left[1].get(name, 0.0) + other[1].get(name, 0.0) for name in names}
        return left[0] + other[0], slopes
    if isinstance(node.op, ast.Mult) and not (left[1] and right[1]):
        return _times(left, right[0]) if left[1] else _times(right, left[0])
    if isinstance(node.op, ast.Div) and not right[1]:
        constant, slopes = left
        if _is_integer(node) and constant % right[0]:
            raise InputError(
                f'"{ast.unparse(node)}" is a quotient of integers, which OpenQASM rounds to an '
                "integer. Write a decimal point, e.g. 1.0/2."
            )
        return constant / right[0], {name: slope / right[0] for name, slope in slopes.items()}
    raise InputError(f'"{ast.unparse(node)}" is not linear in a parameter. Use + - * /.')


def _is_integer(node: ast.expr) -> bool:
    """Whether an expression has nothing but integers."""
    leaves = [part for part in ast.walk(node) if isinstance(part, ast.Constant | ast.Name)]
    return all(isinstance(part, ast.Constant) and isinstance(part.value, int) for part in leaves)


def _times(linear: tuple[float, dict[str, float]], factor: float) -> tuple[float, dict[str, float]]:
    constant, slopes = linear
    return factor * constant, {name: factor * slope for name, slope in slopes.items()}
