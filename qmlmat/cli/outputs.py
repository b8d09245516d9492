"""What ``--json`` prints: one document, whose schema `docs/output.schema.json` publishes."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

from pydantic import Field, RootModel

from qmlmat.cli.bands_output import BandsOutput
from qmlmat.cli.circuits_output import (
    CheckOutput,
    CircuitFileOutput,
    CircuitOutput,
    CircuitsOutput,
    DrawingOutput,
    EncodingOutput,
    ResourcesOutput,
)
from qmlmat.cli.compare_output import CompareOutput
from qmlmat.cli.hw_output import (
    HwCheckOutput,
    HwCostOutput,
    HwFetchOutput,
    HwPlanOutput,
    HwRunOutput,
    HwRunsOutput,
    TargetsOutput,
)
from qmlmat.cli.learning_output import FitOutput, PredictOutput
from qmlmat.cli.spectrum_output import SpectrumOutput
from qmlmat.cli.table import Output

if TYPE_CHECKING:
    from qmlmat.report.constants import MethodConstants
    from qmlmat.surfaces import PointResult, Scan, ScanRow


class AxisOutput(Output):
    """A coordinate along which points lie."""

    name: str = Field(description="What it is.")
    unit: str = Field(description="Its unit.")


class PointOutput(Output):
    """One point of a scan."""

    index: int = Field(description="Index of the point on the path.")
    coordinates: list[float] = Field(description="Its coordinates, one for each axis.")
    energies: list[float] = Field(description="Energies; empty where there are none.")
    reference: float | None = Field(description="Exact ground-state energy, where it is known.")
    error: float | None = Field(description="Ground-state energy above the reference.")
    columns: dict[str, float] = Field(description="Further energies by name.")
    status: str = Field(description='"converged", a solver\'s status, or "failed: ...".')
    notes: list[str] = Field(description="What the reader should know about the point.")
    spin_squares: list[float] | None = Field(description="Expectations of S^2.")
    curves: list[int] | None = Field(
        description="The followed curve of each of several states, -1 for none."
    )
    irreps: list[str] | None = Field(description="Irrep of each of several states.")
    n_params: int | None = Field(description="Number of circuit parameters.")
    overlap: float | None = Field(
        description="Smallest singular value of the active orbitals' overlap with the parent's."
    )
    wall_time: float | None = Field(description="Time the evaluation took (s).")

    @classmethod
    def from_row(cls, row: ScanRow, scan: Scan) -> PointOutput:
        """Return one row of a scan's table, with more of its result."""
        from qmlmat.surfaces import facts  # noqa: PLC0415 - loads torch

        result = scan.results[row.index]
        irreps, followed = facts.state_irreps(result), scan.followed
        squares = facts.spin_squares(result)
        return cls(
            index=row.index,
            coordinates=list(row.coordinates),
            energies=list(row.energies),
            reference=row.reference,
            error=row.error,
            columns=dict(row.columns),
            status=row.status,
            notes=list(row.notes),
            spin_squares=None if squares is None else [float(value) for value in squares],
            curves=None if followed is None else followed[row.index].tolist(),
            irreps=_listed(irreps),
            n_params=facts.n_params(result),
            overlap=None if result is None else result.overlap,
            wall_time=row.wall_time,
        )


class ErrorSummaryOutput(Output):
    """The errors of one method along a scan, against the exact energies."""

    method: str = Field(description="What the method is called.")
    unit: str = Field(description="Unit of every error here.")
    n_points: int = Field(description="Number of points compared.")
    largest: float = Field(description="Largest absolute error.")
    largest_at: str = Field(description="Where it is, with units.")
    mean: float = Field(description="Mean absolute error.")
    root_mean_square: float = Field(description="Root of the mean square error.")
    non_parallelity: float | None = Field(
        description="Largest minus smallest signed error; none for a single point."
    )


class ConstantsOutput(Output):
    """Spectroscopic constants of a diatomic by one method, with the uncertainties of the fit."""

    method: str = Field(description="What the method is called.")
    r_e: float = Field(description="Bond length at the minimum (Å).")
    r_e_uncertainty: float = Field(description="Its uncertainty (Å).")
    omega_e: float = Field(description="Harmonic wavenumber (cm-1).")
    omega_e_uncertainty: float = Field(description="Its uncertainty (cm-1).")
    omega_e_x_e: float = Field(description="First anharmonicity (cm-1).")
    omega_e_x_e_uncertainty: float = Field(description="Its uncertainty (cm-1).")
    B_e: float = Field(description="Rotational constant at the minimum (cm-1).")
    B_e_uncertainty: float = Field(description="Its uncertainty (cm-1).")
    D_e: float | None = Field(description="Depth of the well, where the curve ends flat (hartree).")
    D_e_uncertainty: float | None = Field(description="Its uncertainty (hartree).")

    @classmethod
    def from_constants(cls, found: MethodConstants) -> ConstantsOutput:
        """Return the constants of one method."""
        names = [name for name in cls.model_fields if name != "method"]
        values = {name: getattr(found.constants, name) for name in names}
        return cls(method=found.method, **values)


class ScanOutput(Output):
    """A scan, complete or not."""

    kind: Literal["scan"] = "scan"
    title: str = Field(description="What the scan is of.")
    unit: str = Field(description="Unit of every energy.")
    axes: list[AxisOutput] = Field(description="What the coordinates are.")
    shape: list[int] | None = Field(description="Numbers of points along the axes of a grid.")
    complete: bool = Field(description="Whether every point has been computed.")
    converged: bool = Field(description="Whether every point has converged.")
    max_error: float | None = Field(description="Largest absolute error, where one is known.")
    errors: list[ErrorSummaryOutput] = Field(
        description="Errors of the solver, then of the further energies that can be compared."
    )
    constants: list[ConstantsOutput] = Field(
        description="Spectroscopic constants of a diatomic, method by method."
    )
    points: list[PointOutput]
    store: str = Field(description="Where the scan is stored.")
    plot: str | None = Field(description="Where the figure is.")
    wall_time: float = Field(description="Time of this run (s).")

    @classmethod
    def from_scan(cls, scan: Scan, *, store: str, plot: str | None, wall_time: float) -> ScanOutput:
        """Return a scan with the files it is in and the time of the run (s)."""
        from qmlmat.report import scan_constants, summarise_errors  # noqa: PLC0415 - loads pyscf

        points = [PointOutput.from_row(row, scan) for row in scan.table()]
        errors = [abs(point.error) for point in points if point.error is not None]
        return cls(
            title=scan.title,
            unit=scan.unit,
            axes=[AxisOutput(name=axis.name, unit=axis.unit) for axis in scan.path.axes],
            shape=None if scan.path.shape is None else list(scan.path.shape),
            complete=scan.is_complete,
            converged=scan.is_converged,
            max_error=max(errors, default=None),
            errors=[ErrorSummaryOutput(**asdict(one)) for one in summarise_errors(scan)],
            constants=[ConstantsOutput.from_constants(one) for one in scan_constants(scan)],
            points=points,
            store=store,
            plot=plot,
            wall_time=wall_time,
        )


class SolveOutput(Output):
    """The energies at one geometry."""

    kind: Literal["solve"] = "solve"
    title: str = Field(description="What the calculation is of.")
    unit: str = Field(description="Unit of every energy.")
    energies: list[float] = Field(description="Energies, ascending.")
    stderr: list[float] | None = Field(
        description="Standard error of each energy, where they were measured."
    )
    reference: float | None = Field(description="Exact ground-state energy, where it is known.")
    error: float | None = Field(description="Ground-state energy above the reference.")
    columns: dict[str, float] = Field(description="Further energies by name.")
    spin_squares: list[float] | None = Field(description="Expectations of S^2.")
    irreps: list[str] | None = Field(description="Irrep of each state, where there are several.")
    reference_energies: list[float | None] | None = Field(
        description="Exact energy for each state, where there are several."
    )
    configurations: list[str] | None = Field(
        description="Leading configurations of each state, where there are several."
    )
    n_params: int | None = Field(description="Number of circuit parameters.")
    n_iterations: int | None = Field(description="Steps of the optimiser.")
    status: str = Field(description="How the solver stopped.")
    advice: str = Field(description="What the status means for the reader.")
    notes: list[str] = Field(description="What the reader should know.")
    wall_time: float = Field(description="Time of this run (s).")

    @classmethod
    def from_result(cls, result: PointResult, *, title: str, wall_time: float) -> SolveOutput:
        """Return the result at one geometry with the time of the run (s)."""
        solution = result.solution
        squares = None if solution is None else solution.spin_squares
        exact = None if solution is None else solution.reference_energies
        params = None if solution is None else solution.params
        steps = () if solution is None else solution.history
        energy, reference = float(result.energies[0]), result.reference
        return cls(
            title=title,
            unit=result.unit,
            energies=[float(value) for value in result.energies],
            stderr=None if result.stderr is None else [float(bar) for bar in result.stderr],
            reference=reference,
            error=None if reference is None else energy - reference,
            columns=dict(result.columns),
            spin_squares=None if squares is None else [float(value) for value in squares],
            irreps=None if solution is None else _listed(solution.irreps),
            reference_energies=None
            if exact is None
            else [None if math.isnan(e) else e for e in exact.tolist()],
            configurations=None if solution is None else _listed(solution.configurations),
            n_params=None if params is None else int(params.shape[-1]),
            n_iterations=len(steps) - 1 if steps else None,
            status=result.status,
            advice="" if solution is None else solution.advice,
            notes=list(result.notes),
            wall_time=wall_time,
        )


def _listed(texts: tuple[str, ...] | None) -> list[str] | None:
    return None if texts is None else list(texts)


class PlotOutput(Output):
    """A figure that was drawn."""

    kind: Literal["plot"] = "plot"
    store: str = Field(description="The store that was read.")
    plot: str = Field(description="Where the figure is.")


class ExportOutput(Output):
    """A scan that was written for other programs."""

    kind: Literal["export"] = "export"
    store: str = Field(description="The store that was read.")
    format: str = Field(description="The format.")
    output: str = Field(description="The file, or the folder of the files.")
    files: list[str] = Field(description="Every file written.")
    notes: list[str] = Field(description="What was left out.")


class ErrorOutput(Output):
    """Why there is no result."""

    kind: Literal["error"] = "error"
    error: str = Field(description="Class of the error.")
    message: str = Field(description="What is wrong, and what to do.")
    exit_code: int = Field(description="The command's exit code.")


class OutputDocument(
    RootModel[
        ScanOutput
        | SolveOutput
        | SpectrumOutput
        | BandsOutput
        | FitOutput
        | PredictOutput
        | CompareOutput
        | PlotOutput
        | ExportOutput
        | CircuitsOutput
        | CircuitOutput
        | EncodingOutput
        | CheckOutput
        | DrawingOutput
        | ResourcesOutput
        | CircuitFileOutput
        | TargetsOutput
        | HwCheckOutput
        | HwPlanOutput
        | HwRunOutput
        | HwRunsOutput
        | HwCostOutput
        | HwFetchOutput
        | ErrorOutput
    ]
):
    """Anything ``--json`` prints."""
