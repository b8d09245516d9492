"""What ``qmlmat compare --json`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from qmlmat.cli.table import Output

if TYPE_CHECKING:
    from qmlmat.potentials.comparison import Comparison, ComparisonRow, Spread


class SpreadOutput(Output):
    """An error over several seeds."""

    median: float = Field(description="The median (hartree).")
    low: float = Field(description="The lower quartile (hartree).")
    high: float = Field(description="The upper quartile (hartree).")

    @classmethod
    def from_spread(cls, spread: Spread | None) -> SpreadOutput | None:
        """Return a spread as it is printed."""
        if spread is None:
            return None
        return cls(median=spread.median, low=spread.low, high=spread.high)


class ArmOutput(Output):
    """One model at one size of the training set."""

    arm: str = Field(description="Name of the model.")
    size: int = Field(description="Number of training points.")
    n_weights: int = Field(description="Number of trained numbers.")
    n_runs: int = Field(description="Number of seeds.")
    n_failed: int = Field(description="Seeds at which training failed; they are in no median.")
    n_exhausted: int = Field(description="Seeds at which the budget of training was used up.")
    rmse: SpreadOutput | None = Field(description="Root of the mean squared error.")
    mae: SpreadOutput | None = Field(description="Mean absolute error.")
    largest: SpreadOutput | None = Field(description="Largest absolute error.")
    wall_time: float = Field(description="Median time of a training (s).")

    @classmethod
    def from_row(cls, row: ComparisonRow) -> ArmOutput:
        """Return a row of the table as it is printed."""
        return cls(
            arm=row.arm,
            size=row.size,
            n_weights=row.n_weights,
            n_runs=row.n_runs,
            n_failed=row.n_failed,
            n_exhausted=row.n_exhausted,
            rmse=SpreadOutput.from_spread(row.rmse),
            mae=SpreadOutput.from_spread(row.mae),
            largest=SpreadOutput.from_spread(row.largest),
            wall_time=row.wall_time,
        )


class CompareOutput(Output):
    """A comparison of models."""

    kind: Literal["compare"] = "compare"
    title: str = Field(description="What is compared.")
    atoms: list[str] = Field(description="Chemical symbols, in the order of positions.")
    n_test: int = Field(description="Number of points of the test set.")
    splits: str = Field(description="Hash of training and test sets.")
    rows: list[ArmOutput] = Field(description="Every model at every size.")
    exponents: dict[str, float | None] = Field(
        description="p of error ~ size^-p of each model; none with one size."
    )
    summary: list[str] = Field(description="What the table says, in sentences.")
    store: str = Field(description="File of finished trainings.")
    plot: str = Field(description="The figure.")
    wall_time: float = Field(description="Time of the command (s).")

    @classmethod
    def from_comparison(
        cls, found: Comparison, *, title: str, store: str, plot: str, wall_time: float
    ) -> CompareOutput:
        """Return a comparison as it is printed."""
        return cls(
            title=title,
            atoms=list(found.splits.test.symbols),
            n_test=len(found.splits.test),
            splits=found.splits.content_hash(),
            rows=[ArmOutput.from_row(row) for row in found.table()],
            exponents={arm: found.curve(arm).exponent for arm in found.arms},
            summary=list(found.summary()),
            store=store,
            plot=plot,
            wall_time=wall_time,
        )
