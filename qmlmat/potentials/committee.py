"""Several models of the same data: their mean predicts, and their spread says how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from qmlmat.errors import InputError
from qmlmat.potentials.base import Loss, Objective, Potential
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.registry import built, described


class Committee(Potential):
    """The mean of several models, with their standard deviation as the error bar.

    The spread of networks that started from different seeds grows where data are missing. It is a
    lower bound of the error rather than the error: what all members get wrong alike is not in it.

    References:
        M. Gastegger, J. Behler, P. Marquetand, Chem. Sci. 8, 6924 (2017), doi:10.1039/c7sc02267k.
    """

    def __init__(self, members: Sequence[Potential]) -> None:
        """Make the committee.

        Args:
            members: Two models or more of the same atoms and number of states.

        Raises:
            InputError: If there are fewer, or they differ in atoms or states.
        """
        kinds = {(member.symbols, member.n_states) for member in members}
        if len(members) < 2 or len(kinds) > 1:
            raise InputError(
                f"Committee({len(members)} members of {len(kinds)} kinds): give two models or more "
                "of the same atoms and number of states, made with different seeds."
            )
        super().__init__(members[0].symbols, members[0].n_states)
        self.members = torch.nn.ModuleList(members)
        """The models."""
        known = {member.information for member in members}
        self.information = known.pop() if len(known) == 1 else "hamiltonian"
        self.holds_out = any(member.holds_out for member in members)
        # Trained ones may have set different points aside: together they have seen all.
        self.domain.low.copy_(torch.stack([m.domain.low for m in members]).amin(dim=0))
        self.domain.high.copy_(torch.stack([m.domain.high for m in members]).amax(dim=0))

    def _models(self) -> list[Potential]:
        return [member for member in self.members if isinstance(member, Potential)]

    def _all(self, positions: Tensor) -> Tensor:
        """Return every member's energies, shape ``(n_members, n_points, n_states)``."""
        return torch.stack([member.energies(positions) for member in self._models()])

    def energies(self, positions: Tensor) -> Tensor:
        """Return the members' mean, shape ``(n_points, n_states)`` (hartree)."""
        return self._all(positions).mean(dim=0)

    def stderr(self, positions: Tensor) -> Tensor:
        """Return the members' standard deviation, shape ``(n_points, n_states)`` (hartree)."""
        return self._all(positions).std(dim=0)

    def prepare(self, data: SurfaceData) -> None:
        """Prepare every member; see ``Potential.prepare``."""
        super().prepare(data)
        for member in self._models():
            member.prepare(data)

    def check_loss(self, loss: Loss) -> None:
        """Refuse what a member cannot learn; see ``Potential.check_loss``."""
        for member in self._models():
            member.check_loss(loss)

    def objective(self, data: SurfaceData, loss: Loss) -> Objective:
        """Return the mean of the members' objectives.

        Args:
            data: Training data.
            loss: What counts.
        """
        parts = [member.objective(data, loss) for member in self._models()]
        return lambda: torch.stack([part() for part in parts]).mean()

    def condition(self, data: SurfaceData) -> None:
        """Condition every member; see ``Potential.condition``."""
        for member in self._models():
            member.condition(data)

    def config(self) -> dict[str, Any]:
        """Return the members' settings; see ``Potential.config``."""
        return {"members": [described(member) for member in self.members]}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Committee:
        """Return the untrained committee that ``config`` describes."""
        return cls([built(member) for member in config["members"]])
