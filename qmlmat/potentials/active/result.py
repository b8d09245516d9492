"""What active learning gives: every call of the solver in order, and what was learnt after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from qmlmat.potentials.base import Potential
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.training.errors import Errors
from qmlmat.surfaces import Geometry, PointResult
from qmlmat.surfaces.surface import FAILED, FINISHED
from qmlmat.typing import FloatArray
from qmlmat.units import HARTREE_IN_EV

Strategy = Literal["variance", "committee", "grid", "random", "sobol"]
"""How the next geometry is chosen."""

Stop = Literal["budget", "tolerance", "complete"]
"""Why no further call was made; complete: all candidates that the strategy chooses from were."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Call:
    """One call of the solver."""

    candidate: int
    """Index of the geometry among the candidates."""

    energies: FloatArray | None
    """Energies, ascending, shape ``(n_states,)`` (hartree); ``None`` where the call failed."""

    forces: FloatArray | None
    """Forces in the ground state, shape ``(n_atoms, 3)`` (hartree/Å), where the solver has them."""

    status: str
    """The solver's status; ``"failed: ..."`` where there are no energies."""

    wall_time: float
    """Time of the call (s)."""

    @property
    def failed(self) -> bool:
        """Whether there are no energies."""
        return self.status.startswith(FAILED)

    @classmethod
    def of(cls, candidate: int, result: PointResult) -> Call:
        """Return the call that gave a result; a solver that did not converge failed.

        Error bars are not used.
        """
        factor = 1.0 if result.unit == "hartree" else 1.0 / HARTREE_IN_EV
        status = result.status
        if not result.failed and status not in FINISHED:
            status = f"{FAILED}: the solver did not converge ({status})"
        good = status in FINISHED
        return cls(
            candidate=candidate,
            energies=np.sort(result.energies) * factor if good else None,
            forces=np.array(result.forces) * factor if good and result.forces is not None else None,
            status=status,
            wall_time=result.wall_time,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values from which ``from_dict`` gives the same call."""
        return {
            "candidate": self.candidate,
            "energies": None if self.energies is None else self.energies.tolist(),
            "forces": None if self.forces is None else self.forces.tolist(),
            "status": self.status,
            "wall_time": self.wall_time,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Call:
        """Return the call whose ``to_dict()`` is ``values``."""
        arrays = {
            name: None if values[name] is None else np.array(values[name], dtype=np.float64)
            for name in ("energies", "forces")
        }
        return cls(**{**values, **arrays})


@dataclass(frozen=True, kw_only=True)
class Step:
    """What was learnt after some calls."""

    n_calls: int
    """Number of calls before it, failed ones included."""

    n_points: int
    """Number of points the model was trained on."""

    errors: Errors | None
    """Errors on the test set; ``None`` without one."""

    largest_stderr: float | None
    """Largest predicted standard error at a geometry that is still free (hartree); ``None`` where
    the model does not know it, or none is free."""

    choice: int | None
    """The free candidate where it is largest."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values from which ``from_dict`` gives the same step."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**values, "errors": None if self.errors is None else self.errors.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Step:
        """Return the step whose ``to_dict()`` is ``values``."""
        errors = values["errors"]
        if errors is not None:
            states = tuple(errors["rmse_of_states"])
            errors = Errors(**{**errors, "rmse_of_states": states})
        return cls(**{**values, "errors": errors})


@dataclass(frozen=True, kw_only=True, eq=False)
class ActiveLearning:
    """The calls that were made, what was known after each, and the model at the end."""

    strategy: Strategy
    """How geometries were chosen."""

    calls: tuple[Call, ...]
    """Every call of the solver, in order; points that were there at the start are not among
    them."""

    geometries: tuple[Geometry, ...]
    """The geometry of each call."""

    steps: tuple[Step, ...]
    """What was known after some of the calls, ascending; after the last one always."""

    status: Stop
    """Why no further call was made."""

    data: SurfaceData
    """All points that have energies: those at the start, then those of the calls."""

    model: Potential
    """The model that was trained on ``data``."""

    notes: tuple[str, ...] = ()
    """What a reader should know."""

    def __repr__(self) -> str:
        """Return strategy, calls and errors in one line."""
        errors = self.steps[-1].errors
        wrong = "" if errors is None else f", test RMSE {errors.rmse_cm1:.3g} cm-1"
        return f"ActiveLearning({self.strategy}, {self.n_calls} calls, {self.status}{wrong})"

    @property
    def n_calls(self) -> int:
        """Number of calls of the solver, failed ones included."""
        return len(self.calls)

    def calls_to_reach(self, rmse: float) -> int | None:
        """Return after how many calls the error on the test set stays at or below a value.

        Args:
            rmse: Root of the mean squared error (hartree).

        Returns:
            The number of calls from which on no later step is worse; ``None`` if there is none.
        """
        reached = None
        for step in self.steps:
            if step.errors is None or step.errors.rmse > rmse:
                reached = None
            elif reached is None:
                reached = step.n_calls
        return reached
