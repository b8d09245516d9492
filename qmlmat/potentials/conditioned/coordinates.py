"""The coordinate of a swap: how far a distance is from where two orbitals change places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from qmlmat.errors import InputError
from qmlmat.potentials.descriptors import Descriptor
from qmlmat.potentials.descriptors.base import finite


class LogRatio(Descriptor):
    """``ln(r / r0)`` and ``|ln(r / r0)|`` of one distance.

    Canonical orbitals change places where levels cross, at ``r0``, and the angles of a circuit with
    them: on both sides they are smooth functions of ``|ln(r / r0)|``. It has a cusp at ``r0``,
    where its derivative is taken as zero. With a ``width`` its place is taken by
    ``atan(width / |ln(r / r0)|)``: how strongly two configurations mix whose energies cross at
    ``r0`` and repel each other. That is nearly an angle of the circuit, so that the network has
    less to learn where no training geometry is close to ``r0``.

    Args:
        symbols: Element symbols, one per atom.
        atoms: The two atoms of the distance.
        length: ``r0`` (Å).
        width: Half width of the mixing, in ``ln r``; ``None``: the plain ``|ln|``.

    Raises:
        InputError: If the atoms are not two of the molecule's, or length or width not positive.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        atoms: tuple[int, int],
        length: float,
        *,
        width: float | None = None,
    ) -> None:
        super().__init__(symbols)
        pair = tuple(int(atom) for atom in atoms)
        if len(set(pair)) != 2 or not all(0 <= atom < len(self.symbols) for atom in pair):
            raise InputError(
                f"LogRatio(atoms={tuple(atoms)}): name two different atoms of "
                f"{len(self.symbols)}, counted from 0."
            )
        self.atoms = pair
        self.length = finite("LogRatio", "length", length, above=0.0)
        self.width = None if width is None else finite("LogRatio", "width", width, above=0.0)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the two features."""
        i, j = self.atoms
        ratio = f"ln(r({self.symbols[i]}{i}-{self.symbols[j]}{j})/{self.length:g})"
        return ratio, f"|{ratio}|" if self.width is None else f"atan({self.width:g}/|{ratio}|)"

    def settings(self) -> dict[str, Any]:
        """Return atoms, length and width."""
        return {"atoms": list(self.atoms), "length": self.length, "width": self.width}

    @classmethod
    def from_settings(cls, symbols: Sequence[str], settings: Mapping[str, Any]) -> LogRatio:
        """Return the descriptor of ``settings()``."""
        first, second = settings["atoms"]
        return cls(symbols, (first, second), settings["length"], width=settings["width"])

    def features(self, positions: torch.Tensor) -> torch.Tensor:
        """Return both numbers, shape ``(n_points, 2)``."""
        i, j = self.atoms
        ratio = torch.log((positions[:, i] - positions[:, j]).norm(dim=-1) / self.length)
        distance = ratio.abs()
        if self.width is not None:
            distance = torch.atan2(torch.full_like(distance, self.width), distance)
        return torch.stack([ratio, distance], dim=-1)

    def feature_order(self, order: Sequence[int]) -> tuple[int, ...] | None:
        """Return the same places where the two atoms stay the two atoms; else ``None``."""
        same = {order[atom] for atom in self.atoms} == set(self.atoms)
        return (0, 1) if same else None
