"""One training of one arm: what it cost, how it ended, and what it predicts on the test set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qmlmat.errors import InputError
from qmlmat.potentials.training.errors import Errors
from qmlmat.surfaces.surface import FAILED
from qmlmat.typing import FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """An arm trained on one training set, and its predictions on the test set.

    It knows no errors: those are computed from all runs at once, when every training is over.
    """

    arm: str
    """Name of the arm."""

    size: int
    """Number of training points."""

    seed: int
    """Seed of the training set and of the model's start."""

    status: str
    """How training ended, or ``"failed: ..."`` with the reason."""

    model_hash: str
    """Hash of the untrained model: equal ones have equal settings and seeds; empty where the
    model cannot be described by plain values."""

    information: str
    """What a prediction looks at: ``"labels"`` or ``"hamiltonian"``."""

    n_weights: int
    """Number of trainable numbers."""

    predictions: FloatArray | None = None
    """Energies at the test set, shape ``(n_test, n_states)`` (hartree); ``None`` if failed."""

    n_evaluations: int = 0
    """Evaluations of the loss with its gradient."""

    wall_time: float = 0.0
    """Time of the training (s)."""

    late: bool = False
    """Whether it was trained after errors on this test set had been looked at."""

    notes: tuple[str, ...] = ()
    """What the training says a reader should know."""

    @property
    def key(self) -> tuple[str, int, int]:
        """Arm, size and seed."""
        return self.arm, self.size, self.seed

    @property
    def failed(self) -> bool:
        """Whether there is no trained model."""
        return self.status.startswith(FAILED)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values from which ``from_dict`` gives the same run."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        predictions = None if self.predictions is None else self.predictions.tolist()
        return {**values, "predictions": predictions, "notes": list(self.notes)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Run:
        """Return the run whose ``to_dict()`` is ``values``."""
        found = values["predictions"]
        predictions = None if found is None else np.array(found, dtype=np.float64)
        return cls(**{**values, "predictions": predictions, "notes": tuple(values["notes"])})


def run_errors(run: Run, energies: FloatArray) -> Errors | None:
    """Return the errors of a run; ``None`` if it failed.

    Args:
        run: The run.
        energies: Energies of the test set, shape ``(n_test, n_states)`` or more states (hartree).

    Raises:
        InputError: If the test set has fewer states than the run.
    """
    if run.predictions is None:
        return None
    if run.predictions.shape[1] > energies.shape[1]:  # numpy would repeat its one state
        raise InputError(
            f"compare(test): the test set has {energies.shape[1]} states, {run.arm} predicts "
            f"{run.predictions.shape[1]}. Give a test set with as many states."
        )
    return Errors.between(run.predictions, energies)
