"""The coordinate of a swap: how far a distance is from where two orbitals change places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from qmlmat.errors import InputError
from qmlmat.potentials.descriptors import Descriptor


class LogRatio(Descriptor):
    """``ln(r / r0)`` and ``|ln(r / r0)|`` of one distance.

    Canonical orbitals change places where levels cross, at ``r0``, and the angles of a circuit with
    them: on both sides they are smooth functions of ``|ln(r / r0)|``. It has a cusp at ``r0``,
    where its derivative is taken as zero.

    Args:
        symbols: Element symbols, one per atom.
        atoms: The two atoms of the distance.
        length: ``r0`` (Å).

    Raises:
        InputError: If the atoms are not two of the molecule's, or the length is not positive.
    """

    def __init__(self, symbols: Sequence[str], atoms: tuple[int, int], length: float) -> None:
        super().__init__(symbols)
        pair = tuple(int(atom) for atom in atoms)
        if len(set(pair)) != 2 or not all(0 <= atom < len(self.symbols) for atom in pair):
            raise InputError(
                f"LogRatio(atoms={tuple(atoms)}): name two different atoms of "
                f"{len(self.symbols)}, counted from 0."
            )
        if not 0 < length < float("inf"):
            raise InputError(f"LogRatio(length={length}): use a positive length (Å).")
        self.atoms = pair
        self.length = float(length)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the two features."""
        i, j = self.atoms
        ratio = f"ln(r({self.symbols[i]}{i}-{self.symbols[j]}{j})/{self.length:g})"
        return ratio, f"|{ratio}|"

    def settings(self) -> dict[str, Any]:
        """Return atoms and length."""
        return {"atoms": list(self.atoms), "length": self.length}

    @classmethod
    def from_settings(cls, symbols: Sequence[str], settings: Mapping[str, Any]) -> LogRatio:
        """Return the descriptor of ``settings()``."""
        first, second = settings["atoms"]
        return cls(symbols, (first, second), settings["length"])

    def features(self, positions: torch.Tensor) -> torch.Tensor:
        """Return both numbers, shape ``(n_points, 2)``."""
        i, j = self.atoms
        ratio = torch.log((positions[:, i] - positions[:, j]).norm(dim=-1) / self.length)
        return torch.stack([ratio, ratio.abs()], dim=-1)

    def feature_order(self, order: Sequence[int]) -> tuple[int, ...] | None:
        """Return the same places where the two atoms stay the two atoms; else ``None``."""
        same = {order[atom] for atom in self.atoms} == set(self.atoms)
        return (0, 1) if same else None
