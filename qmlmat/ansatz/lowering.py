"""From fermionic circuits to qubit circuits, for every mapping by one rule, with few CNOTs.

A generator connects each basis state ``|b>`` that fulfils a few parity conditions with ``|b ^ x>``.
CNOTs bring the flip ``x`` onto one qubit, the target, and each condition onto one other qubit; what
is left is a rotation of the target under controls, and a sign. For Jordan-Wigner and a single this
takes 2 CNOTs, for a double 13, and the strings of Z between the orbitals twice their length more.

References:
    Y. S. Yordanov, D. R. M. Arvidsson-Shukur, C. H. W. Barnes, Phys. Rev. A 102, 062612 (2020),
    doi:10.1103/PhysRevA.102.062612 (the circuits for Jordan-Wigner).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise

from qmlmat.ansatz.circuit import Circuit, Gate
from qmlmat.ansatz.excitation import Excitation, NumberProduct
from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.errors import InputError
from qmlmat.operators.mappings import QubitMapping


def lower(circuit: Circuit, mapping: QubitMapping) -> QubitCircuit:
    """Return a fermionic circuit as elementary gates on a mapping's qubits.

    The result acts on encoded states: prepend the encoded reference. It equals the circuit exactly,
    global phase included.

    Args:
        circuit: The circuit.
        mapping: Where the occupations stand.

    Raises:
        InputError: If the mapping is of another size, or a generator changes a parity that the
            mapping leaves out.
    """
    if mapping.n_modes != circuit.n_qubits:
        raise InputError(
            f"lower: a circuit of {circuit.norb} orbitals, and a mapping of {mapping.n_modes} spin "
            f"orbitals. Use qubit_mapping(name, norb={circuit.norb})."
        )
    gates: list[QubitGate] = []
    for gate in circuit.gates:
        gates += lowered_gate(gate, circuit.norb, mapping)
    return QubitCircuit(mapping.n_qubits, tuple(gates), circuit.n_params, circuit.name)


def lowered_gate(gate: Gate, norb: int, mapping: QubitMapping) -> list[QubitGate]:
    """Return one gate of a fermionic circuit as elementary gates.

    Args:
        gate: The gate.
        norb: Number of spatial orbitals.
        mapping: Where the occupations stand.

    Raises:
        InputError: If the generator changes a parity that the mapping leaves out.
    """
    if isinstance(gate.generator, NumberProduct):
        return _phases(gate, gate.generator, norb, mapping)
    return _Rotation.of(gate.generator, norb, mapping).gates(gate.param, gate.scale)


@dataclass
class _Rotation:
    """An excitation while CNOTs bring it to one target: linear functionals of the qubits' bits."""

    flip: int
    """Mask of the qubits that flip."""
    first: tuple[int, int]
    """Parity (mask, constant) that is 1 on the source and flips."""
    conditions: list[tuple[int, int]]
    """Parities (mask, constant) that must be 0 and do not flip."""
    sign: tuple[int, int]
    """Parity that is 1 where the rotation turns the other way."""
    cnots: list[tuple[int, int]] = field(default_factory=list)
    """CNOTs so far, (control, target)."""

    @classmethod
    def of(cls, excitation: Excitation, norb: int, mapping: QubitMapping) -> _Rotation:
        moves = [(i, a) for i, a in excitation.alpha]
        moves += [(i + norb, a + norb) for i, a in excitation.beta]
        touched = [(i, 1) for i, _ in moves]
        touched += [(a, 0) for _, a in moves]
        modes = sum(1 << mode for mode, _ in touched)
        # Each parity below is 0 where its mode is occupied as in the source.
        parities = []
        for mode, occupied in touched:
            mask, constant = mapping.signs(1 << mode)
            parities.append((mask, constant ^ occupied))
        sign = (0, 0) if excitation.qubit else fermionic_sign(moves, mapping)
        first = parities[0]
        conditions = [(mask ^ first[0], c ^ first[1]) for mask, c in parities[1:]]
        return cls(mapping.flips(modes), (first[0], first[1] ^ 1), conditions, sign)

    def gates(self, param: int, scale: float) -> list[QubitGate]:
        """Return ``exp(scale * params[param] * G)``."""
        if not self.flip:  # cannot happen where occupations are told apart
            return []
        target = (self.first[0] & self.flip).bit_length() - 1
        for other in _bits(self.flip & ~(1 << target)):
            self._cnot(target, other)
        spread = list(self.cnots)
        controls = self._controls()
        if controls is None:
            return []  # the conditions exclude one another: the generator is zero
        # Where the source has the target at 1 the rotation turns the other way.
        turned = self.first[0] ^ (1 << target) ^ self.sign[0]
        constant = self.first[1] ^ 1 ^ self.sign[1]
        for control, value in controls:
            if turned >> control & 1:
                turned ^= 1 << control
                constant ^= value
        angle = Angle(0.0, param, -2.0 * scale if constant else 2.0 * scale)
        string = _bits(turned)
        ladder = [QubitGate("cx", pair) for pair in pairwise(string)]
        if string:
            ladder.append(QubitGate("cz", (string[-1], target)))
        clifford = [QubitGate("cx", pair) for pair in self.cnots]
        if (
            len(spread) == 1
            and spread == self.cnots
            and controls == [(spread[0][1], controls[0][1])]
        ):
            middle = _two_cnots(target, *controls[0], angle)
            return ladder_around(ladder, middle)
        core = controlled_rotation("ry", target, controls, angle)
        inside = ladder_around(ladder, core)
        return _merged(clifford, inside, list(reversed(clifford)))

    def _cnot(self, control: int, target: int) -> None:
        """Conjugate everything by a CNOT: the target's bit now holds the sum of both."""
        self.cnots.append((control, target))

        def moved(parity: tuple[int, int]) -> tuple[int, int]:
            mask, constant = parity
            return (mask ^ (1 << control) if mask >> target & 1 else mask), constant

        self.first, self.sign = moved(self.first), moved(self.sign)
        self.conditions = [moved(parity) for parity in self.conditions]
        if self.flip >> control & 1:
            self.flip ^= 1 << target

    def _controls(self) -> list[tuple[int, int]] | None:
        """Bring each condition onto one qubit; return (qubit, value); ``None``: unfulfillable."""
        found: list[tuple[int, int]] = []
        for k in range(len(self.conditions)):
            mask, constant = self.conditions[k]
            for qubit, value in found:
                if mask >> qubit & 1:
                    mask, constant = mask ^ (1 << qubit), constant ^ value
            if not mask:
                if constant:
                    return None
                continue
            *others, pivot = _bits(mask)
            for other in others:
                self._cnot(other, pivot)
            found.append((pivot, constant))
        return found


def fermionic_sign(moves: Sequence[tuple[int, int]], mapping: QubitMapping) -> tuple[int, int]:
    """Return the parity of ``prod a†_to a_from`` on its source, as a parity of qubits.

    Args:
        moves: Pairs of modes ``(from, to)``, all alpha and then all beta.
        mapping: Where the occupations stand.

    Returns:
        Mask of the qubits and a constant: the sign is -1 where their sum is odd.
    """
    occupied = {i for i, _ in moves}
    touched = occupied | {a for _, a in moves}
    modes = constant = 0
    current = set(occupied)  # of the touched modes
    for i, a in moves:
        between = range(min(i, a) + 1, max(i, a))
        constant ^= sum(mode in current for mode in between) & 1
        modes ^= sum(1 << mode for mode in between if mode not in touched)
        current = current - {i} | {a}
    mask, value = mapping.signs(modes)
    return mask, value ^ constant


def _two_cnots(target: int, control: int, value: int, angle: Angle) -> list[QubitGate]:
    """Return CX(t, c), RY(angle) of t where c is ``value``, CX(t, c), with two CNOTs.

    With the outer CNOTs the two words of the rotation, Y and YZ, become YX and XY, which one CNOT
    on either side turns into an X and a Z rotation.
    """
    half, quarter = angle.times(0.5), Angle(math.pi / 2)
    return [
        QubitGate("h", (target,)),
        QubitGate("sdg", (target,)),
        QubitGate("rx", (control,), quarter),
        QubitGate("cx", (target, control)),
        QubitGate("rx", (target,), -half),
        QubitGate("rz", (control,), -half if value else half),
        QubitGate("cx", (target, control)),
        QubitGate("s", (target,)),
        QubitGate("h", (target,)),
        QubitGate("rx", (control,), -quarter),
    ]


def controlled_rotation(
    name: str, target: int, controls: Sequence[tuple[int, int]], angle: Angle
) -> list[QubitGate]:
    """Return RY(angle) or RZ(angle) of the target where all controls have their values.

    ``2**n`` equal rotations, signs turned by CZs (CXs for RZ) in the order of a Gray code.

    Args:
        name: ``"ry"`` or ``"rz"``.
        target: The wire that turns.
        controls: Wires and the values they must have.
        angle: The angle.
    """
    n = len(controls)
    part = 1.0 / (1 << n)
    turn = "cz" if name == "ry" else "cx"
    gates = []
    pattern = 0  # which controls' signs stand on the target
    values = sum(value << k for k, (_, value) in enumerate(controls))
    for k in range(1 << n):
        turned = (pattern & values).bit_count() & 1
        factor = -part if turned else part
        gates.append(QubitGate(name, (target,), angle.times(factor)))
        if n:
            changed = min(((k + 1) & -(k + 1)).bit_length() - 1, n - 1)
            gates.append(QubitGate(turn, (controls[changed][0], target)))
            pattern ^= 1 << changed
    return gates


def ladder_around(ladder: Sequence[QubitGate], core: Sequence[QubitGate]) -> list[QubitGate]:
    """Return self-inverse gates, the core, and the gates undone."""
    return [*ladder, *core, *reversed(ladder)]


def _merged(
    before: list[QubitGate], core: list[QubitGate], after: list[QubitGate]
) -> list[QubitGate]:
    """Return the product, the last CZ of the core joined with a later CNOT of the same wires.

    ``CX CZ`` with the same control is a controlled -iY: one two-qubit gate instead of two.
    """
    last = max((k for k, g in enumerate(core) if g.name == "ry"), default=-1) + 1
    if last < len(core) and core[last].name == "cz":
        control, target = core[last].wires
        for k, gate in enumerate(after):
            if gate.wires == (target, control):
                joined = [
                    QubitGate("sdg", (target,)),
                    QubitGate("sdg", (control,)),
                    gate,
                    QubitGate("s", (control,)),
                ]
                after = [*after[:k], *joined, *after[k + 1 :]]
                return [*before, *core[:last], *core[last + 1 :], *after]
            if gate.wires[0] == control or gate.wires[1] in (control, target):
                break  # does not commute with the pair
    return [*before, *core, *after]


def _phases(
    gate: Gate, product: NumberProduct, norb: int, mapping: QubitMapping
) -> list[QubitGate]:
    """Return ``exp(i angle prod n)`` as phases of parities."""
    modes = [*product.alpha, *(p + norb for p in product.beta)]
    parities = [mapping.signs(1 << mode) for mode in modes]
    if len(modes) == 2:
        pair = [(mask.bit_count(), constant) for mask, constant in parities]
        if pair == [(1, 0), (1, 0)] and parities[0][0] != parities[1][0]:
            wires = tuple(mask.bit_length() - 1 for mask, _ in parities)
            return [QubitGate("cp", wires, Angle(0.0, gate.param, gate.scale))]
    weights: dict[int, float] = {}
    phase = 0.0  # of all states
    scale = gate.scale / (1 << (len(modes) - 1))
    for size in range(1, len(modes) + 1):
        for chosen in combinations(parities, size):
            mask = value = 0
            for one, constant in chosen:
                mask, value = mask ^ one, value ^ constant
            sign = scale if size % 2 else -scale
            if value:  # 1 - parity instead of parity
                phase += sign
                sign = -sign
            weights[mask] = weights.get(mask, 0.0) + sign
    weights.pop(0, None)
    gates = []
    for mask, weight in weights.items():
        if weight == 0.0:
            continue
        ladder = [QubitGate("cx", pair) for pair in pairwise(_bits(mask))]
        turned = QubitGate("p", (mask.bit_length() - 1,), Angle(0.0, gate.param, weight))
        gates += ladder_around(ladder, [turned])
    if phase:
        gates.append(QubitGate("gphase", (), Angle(0.0, gate.param, phase)))
    return gates


def _bits(mask: int) -> list[int]:
    return [j for j in range(mask.bit_length()) if mask >> j & 1]
