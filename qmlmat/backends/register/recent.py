"""What doors remember between calls."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import RLock
from typing import Any


class Recent:
    """Values by key, up to a total size: the least recently used ones are forgotten first.

    Several threads may ask. A copy, or what comes out of a pickle, is empty: keys that hold
    identities of objects mean nothing there.

    Args:
        capacity: Total size of what is kept; the last value is kept whatever its size.
    """

    def __init__(self, capacity: float) -> None:
        self.capacity = capacity
        self._kept: OrderedDict[Hashable, tuple[Any, float]] = OrderedDict()
        self._lock = RLock()

    def __len__(self) -> int:
        """Return how many values are kept."""
        return len(self._kept)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy needs."""
        return {"capacity": self.capacity}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Begin anew."""
        Recent.__init__(self, state["capacity"])

    def get(self, key: Hashable) -> Any:  # noqa: ANN401 (whatever was put there)
        """Return the value of a key, ``None`` without one."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def put(self, key: Hashable, value: Any, size: float = 1.0) -> None:  # noqa: ANN401
        """Keep a value."""
        with self._lock:
            self._kept[key] = value, size
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and sum(s for _, s in self._kept.values()) > self.capacity:
                self._kept.popitem(last=False)
