"""Qubit circuits as Amazon Braket's: in a device's gates, with free or bound parameters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.errors import CapabilityError, InputError, MissingExtraError
from qmlmat.typing import FloatArray

_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {name: name for name in ("x", "y", "z", "h", "s", "t", "rx", "ry", "rz", "cy", "cz", "swap")}
    | {"sdg": "si", "tdg": "ti", "sx": "v", "p": "phaseshift", "cx": "cnot", "cp": "cphaseshift"}
    | {"gphase": "gphase", "barrier": "barrier"}
)
"""Braket's name of each of our gates that it has."""
_UNSEEN: Final = frozenset({"gphase", "barrier"})
"""What changes no outcome, and is left out where a device does not take it."""


def to_braket(
    circuit: QubitCircuit,
    params: ArrayLike | None = None,
    *,
    gates: Collection[str] | None = None,
) -> Any:  # noqa: ANN401 (braket.circuits.Circuit)
    """Return a circuit as Braket's ``Circuit``: wire w is qubit w; measurements in order of bits.

    Braket prints bit strings and orders state vectors with qubit 0 first, as we do. Every wire
    occurs in the circuit, so that Braket does not renumber them.

    Args:
        circuit: The circuit; each wire is measured at most once, after everything else on it.
        params: Parameters, shape ``(n_params,)`` (radians); without them they stay free, each a
            ``FreeParameter`` named ``theta_0``, ``theta_1``, ...
        gates: Braket's names of the gates that the device takes; the others are made of these.
            Without it all of Braket's are used.

    Raises:
        InputError: If there is another number of parameters, or they are not finite.
        CapabilityError: If the circuit measures or resets before its end, or the device lacks
            gates.
        MissingExtraError: If Braket's SDK is not installed.
    """
    try:
        from braket.circuits import Circuit, FreeParameter  # noqa: PLC0415 (an optional package)
    except ImportError as error:
        raise MissingExtraError(
            'to_braket: Braket\'s SDK is not installed. Type pip install "qmlmat[braket]".'
        ) from error
    _check_reads(circuit)
    values: Sequence[Any]
    if params is None:
        values = [FreeParameter(f"theta_{k}") for k in range(circuit.n_params)]
    else:
        values = _checked(circuit, params)
    found = Circuit()
    wires = range(circuit.n_qubits)
    for gate in expressed(circuit, gates).gates:
        _append(found, gate, values, wires)
    reads = [wire for _, wire in measured_bits(circuit)]
    for wire in sorted(set(wires) - {int(qubit) for qubit in found.qubits} - set(reads)):
        found.rz(wire, 0.0)
    for wire in reads:
        found.measure(wire)
    return found


def measured_bits(circuit: QubitCircuit) -> list[tuple[int, int]]:
    """Return the bits that are written and the wires they are read from, in the order of bits."""
    return sorted((g.bit, g.wires[0]) for g in circuit.gates if g.bit is not None)


def openqasm(
    circuit: QubitCircuit,
    params: ArrayLike | None = None,
    *,
    gates: Collection[str] | None = None,
) -> str:
    """Return a circuit as the OpenQASM 3 text that Braket's devices take.

    Args:
        circuit: The circuit.
        params: As for ``to_braket``; free ones are declared ``input float``.
        gates: As for ``to_braket``.
    """
    program = to_braket(circuit, params, gates=gates).to_ir("OPENQASM")
    return str(program.source)


def expressed(circuit: QubitCircuit, gates: Collection[str] | None = None) -> QubitCircuit:
    """Return a circuit in gates that Braket, or one of its devices, has; the same unitary.

    Args:
        circuit: The circuit; what it measures is left out.
        gates: Braket's names of the gates that may be used; ``None``: all.

    Raises:
        CapabilityError: If a gate cannot be made of those.
    """
    known = set(_NAMES.values()) if gates is None else set(gates)
    done: list[QubitGate] = []
    for gate in circuit.gates:
        if gate.name != "measure":
            done += _made(gate, known)
    return replace(circuit, gates=tuple(done))


def distinct_angles(circuit: QubitCircuit, angles: ArrayLike) -> tuple[QubitCircuit, FloatArray]:
    """Return a circuit whose free angles are its parameters as they are, and their values.

    Devices bind inputs to gates; what they do with arithmetic on inputs differs.

    Args:
        circuit: The circuit.
        angles: Its parameters, shape ``(n_points, n_params)`` (radians).

    Returns:
        The circuit with one parameter for each different free angle, and the values, shape
        ``(n_points, n_angles)`` (radians).
    """
    points = np.asarray(angles, dtype=np.float64)
    places: dict[Angle, int] = {}
    gates = []
    for gate in circuit.gates:
        if gate.angle is None or gate.angle.param is None:
            gates.append(gate)
        else:
            place = places.setdefault(gate.angle, len(places))
            gates.append(replace(gate, angle=Angle(param=place)))
    values = np.empty((len(points), len(places)))
    for angle, place in places.items():
        assert angle.param is not None
        values[:, place] = angle.offset + angle.scale * points[:, angle.param]
    return replace(circuit, gates=tuple(gates), n_params=len(places)), values


def _check_reads(circuit: QubitCircuit) -> None:
    read: set[int] = set()
    for gate in circuit.gates:
        if gate.name == "reset" or read & set(gate.wires):
            raise CapabilityError(
                f"to_braket({circuit.name!r}): the circuit measures or resets before its end, "
                "which Braket's devices do not. Measure every wire once, at the end."
            )
        if gate.name == "measure":
            read.add(gate.wires[0])


def _checked(circuit: QubitCircuit, params: ArrayLike) -> list[float]:
    numbers = np.asarray(params, dtype=np.float64)
    if numbers.shape != (circuit.n_params,) or not np.isfinite(numbers).all():
        raise InputError(
            f"to_braket: params of shape {numbers.shape}, the circuit has {circuit.n_params} "
            f"parameters. Give shape ({circuit.n_params},), finite numbers (radians), or none to "
            "leave them free."
        )
    found: list[float] = numbers.tolist()
    return found


def _append(found: Any, gate: QubitGate, values: Sequence[Any], wires: range) -> None:  # noqa: ANN401
    if gate.name == "barrier":
        found.barrier(list(wires))
    elif gate.angle is None:
        getattr(found, _NAMES[gate.name])(*gate.wires)
    else:
        angle = gate.angle.value(values)
        getattr(found, _NAMES[gate.name])(*gate.wires, angle)


def _made(gate: QubitGate, known: set[str]) -> list[QubitGate]:
    """Return a gate as gates that are known."""
    if _NAMES.get(gate.name) in known:
        return [gate]
    if gate.name in _UNSEEN:
        return []
    is_link = gate.name in {"cx", "cz"}  # each is made of the other
    parts = _parts(gate) if known & {"cnot", "cz"} or not is_link else []
    if not parts:
        raise CapabilityError(
            f"to_braket: the device has no {gate.name}, nor gates to make one "
            f"(it has {', '.join(sorted(known))}). Use another device."
        )
    return [done for part in parts for done in _made(part, known)]


def _parts(gate: QubitGate) -> list[QubitGate]:
    """Return a gate as simpler ones, first acting first, phases included."""
    name, wires, last = gate.name, gate.wires, gate.wires[-1:]
    angle = gate.angle or Angle()
    half = angle.times(0.5)
    turns = {"sx": "rx", "z": "rz", "s": "rz", "sdg": "rz", "t": "rz", "tdg": "rz"}
    if name in turns:
        size = {"sx": 0.5, "z": 1.0, "s": 0.5, "sdg": -0.5, "t": 0.25, "tdg": -0.25}[name] * np.pi
        return [QubitGate(turns[name], last, Angle(size)), _phase(Angle(size / 2))]
    if name in {"x", "y"}:
        return [QubitGate(f"r{name}", last, Angle(np.pi)), _phase(Angle(np.pi / 2))]
    if name == "h":
        around = QubitGate("ry", last, Angle(np.pi / 2))
        return [QubitGate("z", last), around]
    if name == "p":
        return [QubitGate("rz", last, angle), _phase(half)]
    if name == "swap":
        back = wires[::-1]
        return [QubitGate("cx", pair) for pair in (wires, back, wires)]
    return _controlled(name, wires, angle)


def _controlled(name: str, wires: tuple[int, ...], angle: Angle) -> list[QubitGate]:
    """Return a controlled gate as CX (CX itself as CZ) between gates of one qubit."""
    first, last, half = wires[:1], wires[-1:], angle.times(0.5)
    link = QubitGate("cx", wires)
    if name in {"crz", "cry"}:
        turn = name[1:]
        return [QubitGate(turn, last, half), link, QubitGate(turn, last, -half), link]
    if name == "cp":
        ends = [QubitGate("p", first, half), link, QubitGate("p", last, -half), link]
        return [*ends, QubitGate("p", last, half)]
    between = {
        "cx": (("h",), QubitGate("cz", wires), ("h",)),
        "cz": (("h",), link, ("h",)),
        "cy": (("sdg",), link, ("s",)),
        "ch": (("s", "h", "t"), link, ("tdg", "h", "sdg")),
        "crx": (("h",), QubitGate("crz", wires, angle), ("h",)),
    }
    before, middle, after = between.get(name, ((), None, ()))
    if middle is None:
        return []
    there, back = ([QubitGate(one, last) for one in side] for side in (before, after))
    return [*there, middle, *back]


def _phase(angle: Angle) -> QubitGate:
    return QubitGate("gphase", (), angle)
