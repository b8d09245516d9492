"""From the gates of a door, each a few steps, to the circuit that is simulated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from qmlmat.backends.register.generators import Generator, Step
from qmlmat.backends.register.layout import Layout
from qmlmat.backends.register.simulator import RegisterCircuit
from qmlmat.errors import CapabilityError, InputError


@dataclass
class Assembly:
    """Steps of a circuit's gates, in the order they act, before its electrons are counted."""

    n_angles: int = 0
    """Number of the circuit's angles so far."""
    steps: list[tuple[Step, int, str]] = field(default_factory=list)
    """Each step, the circuit's angle that sets it (-1 for none), and its gate's name."""

    def add(self, steps: Iterable[Step], n_angles: int, label: str) -> None:
        """Append a gate that has some new angles of the circuit.

        Args:
            steps: What the gate is made of, first acting first.
            n_angles: Number of the gate's angles.
            label: What the gate is called in messages, with its wires.
        """
        first = self.n_angles
        self.steps += [(step, first + step.which if n_angles else -1, label) for step in steps]
        self.n_angles += n_angles

    def circuit(self, layout: Layout, occupied: Sequence[int], what: str) -> RegisterCircuit:
        """Return the circuit that starts with some wires occupied.

        Args:
            layout: The wires and the electrons on them.
            occupied: The wires.
            what: Who asks, for messages.

        Raises:
            CapabilityError: If a gate moves an electron from one spin to the other.
            InputError: If another number of wires is occupied than the layout has electrons.
        """
        _check_start(layout, occupied, what)
        checked: set[Generator] = set()
        for step, _, label in self.steps:
            if step.generator not in checked and layout.parts(step.generator) is None:
                raise CapabilityError(
                    f"{what}: {label} moves electrons between alpha and beta, with "
                    f'spin_order="{layout.spin_order}". Use spin_order=None, which conserves the '
                    "number of all electrons only."
                )
            checked.add(step.generator)
        return RegisterCircuit(
            layout,
            tuple(occupied),
            tuple(step.generator for step, _, _ in self.steps),
            np.array([source for _, source, _ in self.steps], dtype=np.int64),
            np.array([step.rate for step, _, _ in self.steps], dtype=np.float64),
            np.array([step.offset for step, _, _ in self.steps], dtype=np.float64),
        )


def _check_start(layout: Layout, occupied: Sequence[int], what: str) -> None:
    """Raise unless as many wires are occupied as the layout has electrons."""
    found, wanted = layout.electrons(occupied), layout.nelec
    if found != wanted:
        is_total = layout.spin_order is None
        raise InputError(
            f"{what}: the circuit starts with the wires {list(occupied)} occupied, "
            f"{sum(found) if is_total else found} electrons{'' if is_total else ' by spin'}, but "
            f"nelec says {sum(wanted) if is_total else wanted}. Prepare as many, or leave nelec "
            "out."
        )
