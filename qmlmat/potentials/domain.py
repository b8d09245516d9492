"""Where a model was trained: the ranges of interatomic distances of its data."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import Final

import torch
from torch import Tensor

TOLERANCE: Final = 0.02
"""How far a distance may lie outside of its range (Å): less than models change noticeably."""


class Domain(torch.nn.Module):
    """Ranges of the distances of each pair of elements, sorted, so that equal atoms may swap.

    The k-th shortest distance of a pair of elements has a range of its own. Inside of all ranges
    there may still be regions without data; outside of one, a model extrapolates.
    """

    def __init__(self, symbols: tuple[str, ...]) -> None:
        super().__init__()
        groups: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
        for i, j in combinations(range(len(symbols)), 2):
            first, second = sorted((symbols[i], symbols[j]))
            groups[first, second].append((i, j))
        first, second = torch.tensor([pair for pairs in groups.values() for pair in pairs]).T
        self._first: Tensor
        self._second: Tensor
        self.register_buffer("_first", first, persistent=False)
        self.register_buffer("_second", second, persistent=False)
        self._sizes = [len(pairs) for pairs in groups.values()]
        self.names = tuple(
            f"{a}-{b}" + (f" ({k + 1})" if len(pairs) > 1 else "")
            for (a, b), pairs in groups.items()
            for k in range(len(pairs))
        )
        """What each range is of, shape ``(n_pairs,)``; (1) is the shortest."""
        self.low: Tensor
        self.high: Tensor
        self.register_buffer("low", torch.full((len(self.names),), torch.inf, dtype=torch.float64))
        self.register_buffer(
            "high", torch.full((len(self.names),), -torch.inf, dtype=torch.float64)
        )

    def distances(self, positions: Tensor) -> Tensor:
        """Return the sorted distances, shape ``(n_points, n_pairs)`` (Å).

        Args:
            positions: Shape ``(n_points, n_atoms, 3)`` (Å).
        """
        apart = positions[:, self._first] - positions[:, self._second]
        lengths = torch.linalg.vector_norm(apart, dim=-1)
        parts = [part.sort(dim=-1).values for part in lengths.split(self._sizes, dim=-1)]
        return torch.cat(parts, dim=-1)

    def prepare(self, positions: Tensor) -> None:
        """Take the ranges of training geometries, shape ``(n_points, n_atoms, 3)`` (Å)."""
        found = self.distances(positions.detach())
        self.low.copy_(found.min(dim=0).values)
        self.high.copy_(found.max(dim=0).values)

    def outside(self, positions: Tensor) -> Tensor:
        """Return how far each geometry lies outside of its worst range, 0 inside (Å).

        Args:
            positions: Shape ``(n_points, n_atoms, 3)`` (Å).
        """
        found = self.distances(positions.detach())
        excess = torch.maximum(self.low - found, found - self.high)
        return excess.max(dim=-1).values.clamp(min=0.0)

    def describe(self, position: Tensor) -> str:
        """Return which distance of a geometry ``(n_atoms, 3)`` is outside, in words, or nothing."""
        found = self.distances(position.detach()[None])[0]
        excess = torch.maximum(self.low - found, found - self.high)
        worst = int(excess.argmax())
        if excess[worst] <= TOLERANCE:
            return ""
        return (
            f"the distance {self.names[worst]} is {found[worst]:.3f} Å; the model was trained from "
            f"{self.low[worst]:.3f} to {self.high[worst]:.3f} Å"
        )

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Return the range of each distance (Å), for tables."""
        rows = zip(self.names, self.low.tolist(), self.high.tolist(), strict=True)
        return {name: (low, high) for name, low, high in rows}
