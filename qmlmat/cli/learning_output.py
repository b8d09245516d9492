"""What ``qmlmat fit --json`` and ``qmlmat predict --json`` print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from qmlmat.cli.table import Output

if TYPE_CHECKING:
    from qmlmat.potentials.training import Errors
    from qmlmat.surfaces import PointResult


class ErrorsOutput(Output):
    """How wrong a model is at some points."""

    n_points: int = Field(description="Number of points.")
    rmse: float = Field(description="Root of the mean squared error (hartree).")
    mae: float = Field(description="Mean absolute error (hartree).")
    largest: float = Field(description="Largest absolute error (hartree).")
    rmse_of_states: list[float] = Field(description="The first of each state (hartree).")
    force_rmse: float | None = Field(
        description="Root of the mean squared error of force components (hartree/Å)."
    )

    @classmethod
    def from_errors(cls, errors: Errors) -> ErrorsOutput:
        """Return errors as they are printed."""
        return cls(**{**errors.to_dict(), "rmse_of_states": list(errors.rmse_of_states)})


class FitOutput(Output):
    """A trained model."""

    kind: Literal["fit"] = "fit"
    title: str = Field(description="What the model is of.")
    model: str = Field(description="Class of the model.")
    atoms: list[str] = Field(description="Chemical symbols, in the order of positions.")
    n_states: int = Field(description="Number of states.")
    n_weights: int = Field(description="Number of trained numbers.")
    status: str = Field(description="How training stopped.")
    advice: str = Field(description="What that means.")
    n_steps: int = Field(description="Number of steps.")
    n_evaluations: int = Field(description="Evaluations of the loss with its gradient.")
    loss: float = Field(description="Training loss of the weights that were kept.")
    errors: dict[str, ErrorsOutput] = Field(description="By points: train, validation, test.")
    file: str = Field(description="The model's card; its numbers lie beside it.")
    plot: str = Field(description="The figure.")
    notes: list[str] = Field(description="What a reader should know.")
    wall_time: float = Field(description="Time of the training (s).")


class PredictionOutput(Output):
    """One geometry."""

    energies: list[float] = Field(description="Energies of the states, ascending.")
    stderr: list[float] | None = Field(description="Standard deviations; none where unknown.")
    forces: list[list[float]] | None = Field(description="Forces (unit/Å); none unless asked for.")
    outside: str = Field(description="Why it is outside of the training data; empty inside.")

    @classmethod
    def from_result(cls, result: PointResult, *, forces: bool) -> PredictionOutput:
        """Return one geometry as it is printed."""
        from qmlmat.potentials.base import OUTSIDE  # noqa: PLC0415 - loads torch

        shown = forces and result.forces is not None
        return cls(
            energies=result.energies.tolist(),
            stderr=None if result.stderr is None else result.stderr.tolist(),
            forces=result.forces.tolist() if shown and result.forces is not None else None,
            outside=" ".join(result.notes) if result.status == OUTSIDE else "",
        )


class PredictOutput(Output):
    """What a model predicts."""

    kind: Literal["predict"] = "predict"
    model: str = Field(description="The model's card.")
    atoms: list[str] = Field(description="Chemical symbols, in the order of positions.")
    unit: str = Field(description="Unit of energies.")
    n_outside: int = Field(description="Number of geometries outside of the training data.")
    points: list[PredictionOutput]
    wall_time: float = Field(description="Time from start to end (s).")
