"""State vectors as plain values: what curves of several states are followed by."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from qmlmat.typing import StateArray

LARGEST_STORED: Final = 16 * 2**20
"""Size of a point's states up to which they are kept (bytes): two states of twelve electrons in
twelve orbitals. A store of a hundred such points has 2 GB."""

NOT_KEPT_NOTE: Final = (
    "The states are too large to be kept ({size:.0f} MB; {limit:.0f} MB at most): curves are in "
    "the order of energy, and not followed through crossings. Take fewer states or a smaller "
    "active space to have them followed."
)
"""What is said where they are not kept."""

_REAL, _COMPLEX = "<f8", "<c16"


def is_kept(states: Sequence[StateArray]) -> bool:
    """Return whether the states of a point are stored: several, and not too large."""
    return len(states) > 1 and _size(states) <= LARGEST_STORED


def not_kept_notes(states: Sequence[StateArray] | None) -> tuple[str, ...]:
    """Return what to say where several states are too large to be kept."""
    if states is None or len(states) < 2 or is_kept(states):
        return ()
    size, limit = _size(states) / 1e6, LARGEST_STORED / 1e6
    return (NOT_KEPT_NOTE.format(size=size, limit=limit),)


def packed_states(states: Sequence[StateArray] | None) -> dict[str, Any] | None:
    """Return states as plain values, to the last bit; ``None`` where they are not kept.

    Little-endian numbers, compressed (zlib), in base64.
    """
    if states is None or not is_kept(states):
        return None
    stack = np.stack([np.asarray(state) for state in states])
    kind = _COMPLEX if np.iscomplexobj(stack) else _REAL
    data = zlib.compress(np.ascontiguousarray(stack, dtype=kind).tobytes(), level=1)
    return {"shape": list(stack.shape), "dtype": kind, "zlib": base64.b64encode(data).decode()}


def unpacked_states(values: Mapping[str, Any] | None) -> tuple[StateArray, ...] | None:
    """Return the states of ``packed_states``; read-only."""
    if values is None:
        return None
    data = zlib.decompress(base64.b64decode(values["zlib"]))
    stack = np.frombuffer(data, dtype=values["dtype"]).reshape(values["shape"])
    native = stack.astype(stack.dtype.newbyteorder("="), copy=False)
    native.flags.writeable = False
    return tuple(native)


def _size(states: Sequence[StateArray]) -> int:
    return sum(np.asarray(state).nbytes for state in states)
