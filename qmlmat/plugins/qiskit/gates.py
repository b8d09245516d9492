"""Qiskit's gates that conserve electrons, as steps of the register; qubit w is wire w."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
from qiskit.circuit import Instruction, ParameterExpression
from qiskit.circuit.library import (
    DiagonalGate,
    GlobalPhaseGate,
    PauliEvolutionGate,
    PhaseGate,
    RZGate,
    RZZGate,
    SdgGate,
    SGate,
    SwapGate,
    TdgGate,
    TGate,
    U1Gate,
    XXPlusYYGate,
    ZGate,
    get_standard_gate_name_mapping,
    iSwapGate,
)
from qiskit.quantum_info import SparsePauliOp

from qmlmat.backends.register.generators import (
    NEGLIGIBLE,
    Phase,
    Step,
    Transfer,
    controlled_steps,
    diagonal_steps,
    inverse_steps,
    string_rates,
)
from qmlmat.plugins.qiskit.excitation import ExcitationGate
from qmlmat.typing import FloatArray

_ROUNDING: Final = 1e-14  # float64: a multiple of pi / 2 is one to this


class GateSteps(NamedTuple):
    """A gate on some wires."""

    steps: tuple[Step, ...]
    """What it is made of, first acting first."""
    angles: tuple[ParameterExpression, ...] = ()
    """Its angles that are not numbers; ``Step.which`` counts them."""


Rule = Callable[[Sequence[Any], Sequence[int]], GateSteps]
"""From a gate's parameters and wires to its steps."""


def native_steps(operation: Instruction, wires: Sequence[int]) -> GateSteps | None:
    """Return a gate's steps; ``None`` if this is none of the gates known by a rule.

    Args:
        operation: Qiskit's gate.
        wires: Its wires, in the order of its qubits.
    """
    if isinstance(operation, ExcitationGate):
        step = operation.step(tuple(wires))
        return _folded((step,), operation.params)
    if isinstance(operation, PauliEvolutionGate):
        return _evolution(operation, wires)
    rule = _RULES.get(getattr(operation, "base_class", None))
    return None if rule is None else rule(operation.params, wires)


def is_elementary(operation: Instruction) -> bool:
    """Return whether an instruction is one of Qiskit's own that others are made of."""
    known = _ELEMENTARY.get(operation.name)
    return known is not None and getattr(operation, "base_class", None) is known


def controlled(gate: GateSteps, controls: Sequence[int], state: int) -> GateSteps:
    """Return a gate under controls.

    Args:
        gate: The gate; it touches none of the controls.
        controls: Wires that control it.
        state: Qiskit's ``ctrl_state``: the first control's value is the lowest bit.
    """
    values = [bool(state >> k & 1) for k in range(len(controls))]
    return gate._replace(steps=controlled_steps(gate.steps, controls, values))


def inverse(gate: GateSteps) -> GateSteps:
    """Return a gate's inverse."""
    return gate._replace(steps=inverse_steps(gate.steps))


def _folded(steps: Sequence[Step], params: Sequence[Any]) -> GateSteps:
    """Return steps whose angles that are numbers have become offsets."""
    free = [k for k, p in enumerate(params) if isinstance(p, ParameterExpression)]
    found = []
    for step in steps:
        if step.which in free:
            found.append(step._replace(which=free.index(step.which)))
            continue
        offset = step.offset + (step.rate * float(params[step.which]) if params else 0.0)
        if abs(offset) > NEGLIGIBLE:
            found.append(Step(step.generator, 0.0, offset))
    return GateSteps(tuple(found), tuple(params[k] for k in free))


def _diagonal(rates: Sequence[float]) -> Rule:
    """Return the rule of a gate of one angle; states are numbered with the last wire lowest."""

    def rule(params: Sequence[Any], wires: Sequence[int]) -> GateSteps:
        return _folded(diagonal_steps(wires, np.array(rates)), params)

    return rule


def _fixed(angle: float) -> Rule:
    """Return the rule of a phase of one occupied wire."""

    def rule(_: Sequence[Any], wires: Sequence[int]) -> GateSteps:
        return GateSteps((Step(Phase((wires[0],)), 0.0, angle),))

    return rule


def _swap(_: Sequence[Any], wires: Sequence[int]) -> GateSteps:
    """Return an exchange, which gives states with one electron a factor of i, and its undoing."""
    one = np.array([0.0, -math.pi / 2, -math.pi / 2, 0.0])
    undone = diagonal_steps(wires, np.zeros(4), one)
    return GateSteps((_exchange(wires, 0.0, math.pi / 2), *undone))


def _iswap(_: Sequence[Any], wires: Sequence[int]) -> GateSteps:
    return GateSteps((_exchange(wires, 0.0, math.pi / 2),))


def _exchange(wires: Sequence[int], rate: float, offset: float = 0.0) -> Step:
    return Step(Transfer((wires[0],), (wires[1],), symmetric=True), rate, offset)


def _xx_plus_yy(params: Sequence[Any], wires: Sequence[int]) -> GateSteps:
    """Return a rotation by ``theta / 2`` between two phases ``beta`` of the second wire.

    From an electron on the first wire it makes ``-i sin(theta / 2) exp(i beta)`` of one on the
    second. Where that is real, or ``beta`` a multiple of pi, one step does it.
    """
    _, beta = params
    if not isinstance(beta, ParameterExpression):
        cosine, sine = math.cos(beta), math.sin(beta)
        if abs(cosine) < _ROUNDING:
            turned = Transfer((wires[0],), (wires[1],))
            return _folded((Step(turned, math.copysign(0.5, sine)),), params)
        if abs(sine) < _ROUNDING:
            return _folded((_exchange(wires, math.copysign(0.5, -cosine)),), params)
    phase = Phase((wires[1],))
    before, after = Step(phase, -1.0, which=1), Step(phase, 1.0, which=1)
    return _folded((before, _exchange(wires, -0.5), after), params)


def _any_diagonal(params: Sequence[Any], wires: Sequence[int]) -> GateSteps:
    """Return a diagonal gate from its entries."""
    phases: FloatArray = np.angle(np.array(params, dtype=np.complex128))
    return GateSteps(diagonal_steps(wires[::-1], np.zeros(len(phases)), phases))


def _evolution(operation: PauliEvolutionGate, wires: Sequence[int]) -> GateSteps | None:
    """Return an evolution under words of Z alone; ``None`` for others."""
    parts = operation.operator
    operators = parts if isinstance(parts, list) else [parts]
    if not all(isinstance(o, SparsePauliOp) and not o.paulis.x.any() for o in operators):
        return None
    steps: list[Step] = []
    for operator in operators:
        for z, weight in zip(operator.paulis.z, operator.coeffs, strict=True):
            if isinstance(weight, ParameterExpression) or complex(weight).imag:
                return None
            chosen = [wire for wire, turned in zip(wires, z, strict=True) if turned]
            steps += diagonal_steps(chosen, -complex(weight).real * string_rates(len(chosen)))
    return _folded(steps, [operation.time])


_RULES: Final[Mapping[type | None, Rule]] = MappingProxyType(
    {
        GlobalPhaseGate: _diagonal((1.0,)),
        PhaseGate: _diagonal((0.0, 1.0)),
        U1Gate: _diagonal((0.0, 1.0)),
        RZGate: _diagonal((-0.5, 0.5)),
        RZZGate: _diagonal((-0.5, 0.5, 0.5, -0.5)),
        ZGate: _fixed(math.pi),
        SGate: _fixed(math.pi / 2),
        SdgGate: _fixed(-math.pi / 2),
        TGate: _fixed(math.pi / 4),
        TdgGate: _fixed(-math.pi / 4),
        SwapGate: _swap,
        iSwapGate: _iswap,
        XXPlusYYGate: _xx_plus_yy,
        DiagonalGate: _any_diagonal,
    }
)
"""What is known of each class of gates; gates with controls follow from those without."""

_ELEMENTARY: Final[Mapping[str, type]] = MappingProxyType(
    {name: gate.base_class for name, gate in get_standard_gate_name_mapping().items()}
)
"""Qiskit's standard instructions by name."""
