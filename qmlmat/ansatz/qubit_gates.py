"""The gates of qubit circuits: names, wires, matrices, and how expectations depend on their angles.

The names are OpenQASM 3's. A gate has one angle or none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class GateKind:
    """What is known of a gate by its name."""

    n_wires: int
    """Number of wires."""
    frequencies: tuple[float, ...] = ()
    """Frequencies (per radian) at which an expectation depends on the angle; empty: no angle."""
    controls: int = 0
    """How many of the first wires control the rest."""
    base: str = ""
    """The gate that is controlled."""
    is_unitary: bool = True
    """Whether it is neither a measurement nor a reset."""

    @property
    def has_angle(self) -> bool:
        """Whether the gate takes an angle."""
        return bool(self.frequencies)


_ROTATION: Final = (1.0,)
_CONTROLLED: Final = (0.5, 1.0)

GATE_KINDS: Final[Mapping[str, GateKind]] = MappingProxyType(
    {name: GateKind(1) for name in ("x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx")}
    | {name: GateKind(1, _ROTATION) for name in ("rx", "ry", "rz", "p")}
    | {f"c{name}": GateKind(2, (), 1, name) for name in ("x", "y", "z", "h")}
    | {f"c{name}": GateKind(2, _CONTROLLED, 1, name) for name in ("rx", "ry", "rz")}
    | {
        "cp": GateKind(2, _ROTATION, 1, "p"),
        "swap": GateKind(2),
        "gphase": GateKind(0, _ROTATION),
        "barrier": GateKind(0),  # across all wires; compilers do not look past it
        "measure": GateKind(1, is_unitary=False),
        "reset": GateKind(1, is_unitary=False),
    }
)
"""Every gate by its name."""

_HALF: Final = math.sqrt(0.5)
_FIXED: Final[Mapping[str, NDArray[np.complex128]]] = MappingProxyType(
    {
        name: np.array(matrix, dtype=np.complex128)
        for name, matrix in {
            "x": [[0, 1], [1, 0]],
            "y": [[0, -1j], [1j, 0]],
            "z": [[1, 0], [0, -1]],
            "h": [[_HALF, _HALF], [_HALF, -_HALF]],
            "s": [[1, 0], [0, 1j]],
            "sdg": [[1, 0], [0, -1j]],
            "t": [[1, 0], [0, _HALF * (1 + 1j)]],
            "tdg": [[1, 0], [0, _HALF * (1 - 1j)]],
            "sx": [[0.5 + 0.5j, 0.5 - 0.5j], [0.5 - 0.5j, 0.5 + 0.5j]],
        }.items()
    }
)


def one_qubit_matrix(name: str, angle: float = 0.0) -> NDArray[np.complex128]:
    """Return the matrix of a one-qubit gate, shape ``(2, 2)``.

    Args:
        name: The gate.
        angle: Its angle (radians), where it has one.
    """
    if name in _FIXED:
        return _FIXED[name]
    cosine, sine = math.cos(angle / 2), math.sin(angle / 2)
    if name == "rx":
        return np.array([[cosine, -1j * sine], [-1j * sine, cosine]])
    if name == "ry":
        return np.array([[cosine, -sine], [sine, cosine]], dtype=np.complex128)
    if name == "rz":
        return np.array([[cosine - 1j * sine, 0], [0, cosine + 1j * sine]])
    assert name == "p", name
    return np.array([[1, 0], [0, complex(math.cos(angle), math.sin(angle))]])
