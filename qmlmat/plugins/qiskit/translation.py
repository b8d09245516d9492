"""From Qiskit's circuits to circuits of the register, read once and kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NoReturn

from qiskit import QuantumCircuit
from qiskit.circuit import (
    AnnotatedOperation,
    ControlledGate,
    ControlModifier,
    Instruction,
    InverseModifier,
    ParameterExpression,
)
from qiskit.circuit.library import GlobalPhaseGate, XGate

from qmlmat.backends.register.assembly import Assembly
from qmlmat.backends.register.layout import SpinOrder, layout_for
from qmlmat.backends.register.simulator import RegisterCircuit
from qmlmat.errors import CapabilityError
from qmlmat.plugins.qiskit.angles import AngleTable
from qmlmat.plugins.qiskit.gates import (
    GateSteps,
    controlled,
    inverse,
    is_elementary,
    native_steps,
)

_NO_GATES: Final = frozenset(
    {"measure", "reset", "if_else", "for_loop", "while_loop", "switch_case", "box", "store"}
)
_IDLE: Final = frozenset({"barrier", "id", "delay"})
_REMEDY: Final = (
    "Use gates that conserve the number of electrons, such as XXPlusYYGate, SwapGate, RZGate, "
    "CPhaseGate or qmlmat.plugins.qiskit.ExcitationGate, and X gates that come before all others; "
    "or run the circuit on Qiskit's Statevector{kind}."
)


@dataclass(frozen=True, eq=False)
class Translation:
    """A circuit of Qiskit's that a register can run."""

    circuit: RegisterCircuit
    """Its gates."""
    angles: AngleTable
    """Its angles by its parameters."""
    measured: tuple[tuple[int, int], ...]
    """Classical bits that are written at the end, and the wires they read."""


def translate(
    what: str,
    circuit: QuantumCircuit,
    nelec: tuple[int, int] | None,
    spin_order: SpinOrder | None,
) -> Translation:
    """Return a circuit for the register.

    Args:
        what: Who asks, ``"SectorEstimator"`` or ``"SectorSampler"``.
        circuit: Qiskit's circuit; X gates before all others prepare its determinant.
        nelec: Electrons by spin; ``None`` reads them from the X gates.
        spin_order: Where the spin orbitals stand.

    Raises:
        CapabilityError: If a gate does not conserve the electrons, or is no gate.
        InputError: If the electrons or the number of qubits do not fit.
    """
    reader = _Reader(what)
    reader.read(circuit)
    occupied = sorted(reader.occupied)
    layout = layout_for(what, circuit.num_qubits, nelec, spin_order, occupied)
    return Translation(
        reader.assembly.circuit(layout, occupied, what),
        AngleTable.of(reader.angles, list(circuit.parameters)),
        tuple(sorted(reader.measured.items())),
    )


@dataclass(frozen=True)
class _Element:
    """A gate that is not taken apart further."""

    name: str
    """What it is called in messages."""
    wires: tuple[int, ...]
    """The wires it acts on."""
    gate: GateSteps | None
    """What it does; ``None`` for X."""


@dataclass
class _Reader:
    """Reads a circuit gate by gate."""

    what: str
    assembly: Assembly = field(default_factory=Assembly)
    angles: list[ParameterExpression] = field(default_factory=list)
    occupied: set[int] = field(default_factory=set)
    touched: set[int] = field(default_factory=set)
    measured: dict[int, int] = field(default_factory=dict)
    read_out: set[int] = field(default_factory=set)

    def read(self, circuit: QuantumCircuit) -> None:
        """Take in a circuit."""
        for item in circuit.data:
            wires = tuple(circuit.find_bit(qubit).index for qubit in item.qubits)
            operation = item.operation
            if operation.name == "measure":
                self.measured[circuit.find_bit(item.clbits[0]).index] = wires[0]
                self.read_out.add(wires[0])
            elif operation.name not in _IDLE:
                self._check_unmeasured(operation, wires)
                for element in self._elements(operation, wires, ()):
                    self._add(element)
        for element in self._global_phase(circuit):
            self._add(element)

    def _check_unmeasured(self, operation: Instruction, wires: Sequence[int]) -> None:
        late = set(wires) & self.read_out
        if late:
            raise CapabilityError(
                f"{self.what}: {operation.name} on qubits {tuple(wires)} comes after a measurement "
                f"of qubit {min(late)}. Measure at the end only."
            )

    def _add(self, element: _Element) -> None:
        if element.gate is None:
            self._flip(element)
            return
        label = f"{element.name} on qubits {element.wires}"
        self.assembly.add(element.gate.steps, len(element.gate.angles), label)
        self.angles += element.gate.angles
        self.touched.update(element.wires)

    def _flip(self, element: _Element) -> None:
        (wire,) = element.wires
        if wire in self.touched:
            raise CapabilityError(
                f"{self.what}: {element.name} on qubit {wire} comes after other gates there, and "
                f"would change the number of electrons. {self._remedy}"
            )
        self.occupied ^= {wire}

    def _elements(
        self, operation: Instruction, wires: tuple[int, ...], path: tuple[str, ...]
    ) -> Iterator[_Element]:
        """Yield what an instruction is made of."""
        name = _named(operation.name, path)
        known = native_steps(operation, wires)
        inner = (*path, operation.name)
        if known is not None:
            yield _Element(name, wires, known)
        elif getattr(operation, "base_class", None) is XGate:
            yield _Element(name, wires, None)
        elif operation.name in _IDLE:
            return
        elif isinstance(operation, ControlledGate):
            yield from self._controlled(
                operation.base_gate, wires, operation.ctrl_state, name, inner
            )
        elif isinstance(operation, AnnotatedOperation):
            yield from self._annotated(operation, wires, name, inner)
        elif not is_elementary(operation) and getattr(operation, "definition", None) is not None:
            yield from self._defined(_current(self.what, operation), wires, inner)
        else:
            self._refuse(name, wires)

    def _defined(
        self, definition: QuantumCircuit, wires: tuple[int, ...], path: tuple[str, ...]
    ) -> Iterator[_Element]:
        for item in definition.data:
            inner = tuple(wires[definition.find_bit(qubit).index] for qubit in item.qubits)
            yield from self._elements(item.operation, inner, path)
        yield from self._global_phase(definition)

    def _global_phase(self, circuit: QuantumCircuit) -> Iterator[_Element]:
        phase = circuit.global_phase
        if isinstance(phase, ParameterExpression) or phase:
            yield from self._elements(GlobalPhaseGate(phase), (), ())

    def _controlled(
        self,
        base: Instruction,
        wires: tuple[int, ...],
        state: int,
        name: str,
        path: tuple[str, ...],
    ) -> Iterator[_Element]:
        n_controls = len(wires) - base.num_qubits
        controls, rest = wires[:n_controls], wires[n_controls:]
        for gate in self._unitary(base, rest, name, wires, path):
            yield _Element(name, wires, controlled(gate, controls, state))

    def _annotated(
        self,
        operation: AnnotatedOperation,
        wires: tuple[int, ...],
        name: str,
        path: tuple[str, ...],
    ) -> Iterator[_Element]:
        base = operation.base_op
        n_controls = len(wires) - base.num_qubits
        controls, rest = list(wires[:n_controls]), wires[n_controls:]
        gates = list(self._unitary(base, rest, name, wires, path))
        for modifier in operation.modifiers:  # the last one's controls come first
            if isinstance(modifier, InverseModifier):
                gates = [inverse(gate) for gate in reversed(gates)]
            elif isinstance(modifier, ControlModifier):
                first = len(controls) - modifier.num_ctrl_qubits
                own, controls = controls[first:], controls[:first]
                gates = [controlled(gate, own, modifier.ctrl_state) for gate in gates]
            else:
                self._refuse(name, wires)
        for gate in gates:
            yield _Element(name, wires, gate)

    def _unitary(
        self,
        base: Instruction,
        rest: tuple[int, ...],
        name: str,
        wires: tuple[int, ...],
        path: tuple[str, ...],
    ) -> Iterator[GateSteps]:
        """Yield the steps of a gate without its controls; it may hold no X."""
        if is_elementary(base) and base.name not in _IDLE and native_steps(base, rest) is None:
            self._refuse(name, wires)  # cx, not the x in it
        for element in self._elements(base, rest, path):
            if element.gate is None:
                self._refuse(element.name, element.wires)
            yield element.gate

    def _refuse(self, name: str, wires: Sequence[int]) -> NoReturn:
        where = f"{self.what}: {name} on qubits {tuple(wires)}"
        if name.split(" ", maxsplit=1)[0] in _NO_GATES:
            raise CapabilityError(
                f"{where} is no gate. Measure at the end of the circuit itself, and use neither "
                f"resets nor control flow; or run it on Aer."
            )
        raise CapabilityError(
            f"{where} is not known to conserve the number of electrons. {self._remedy}"
        )

    @property
    def _remedy(self) -> str:
        return _REMEDY.format(kind=self.what.removeprefix("Sector"))


def _named(name: str, path: Sequence[str]) -> str:
    return name + "".join(f' in "{outer}"' for outer in reversed(path))


def _current(what: str, operation: Instruction) -> QuantumCircuit:
    """Return a gate's definition at its present parameters.

    Of a gate under controls Qiskit assigns the parameters, and leaves its definition as it was.

    Raises:
        CapabilityError: If it is not clear which parameter of the definition is which.
    """
    definition = operation.definition
    known = {
        parameter
        for value in operation.params
        if isinstance(value, ParameterExpression)
        for parameter in value.parameters
    }
    free = list(definition.parameters)
    if known.issuperset(free):
        return definition
    if len(free) != len(operation.params):
        raise CapabilityError(
            f"{what}: {operation.name} was given the parameters {operation.params}, its definition "
            f"has {free}. Assign them before the gate is controlled, or use "
            "control(annotated=True)."
        )
    return definition.assign_parameters(dict(zip(free, operation.params, strict=True)))
