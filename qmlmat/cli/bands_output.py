"""What ``qmlmat bands --json`` prints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from qmlmat.cli.table import Output

if TYPE_CHECKING:
    from qmlmat.surfaces import BandEdge, BandEdges, Scan


class BandPointOutput(Output):
    """The bands of one spin at one k."""

    index: int = Field(description="Index of the point on the path.")
    k: list[float] = Field(description="In units of the reciprocal lattice vectors.")
    length: float = Field(description="Length of the path up to it (1/Å, or 1/a).")
    label: str = Field(description="Name of a special point; empty elsewhere.")
    spin: str | None = Field(description='"up", "down", or none where there is no spin.')
    energies: list[float] = Field(description="Energies, ascending (eV); empty where none.")
    status: str = Field(description='"converged", a solver\'s status, or "failed: ...".')


class BandEdgeOutput(Output):
    """Where a band is highest or lowest."""

    energy: float = Field(description="Energy (eV).")
    k: list[float] = Field(description="In units of the reciprocal lattice vectors.")
    place: str = Field(description="The same in words.")
    spin: str | None = Field(description='"up", "down", or none where they are degenerate.')

    @classmethod
    def from_edge(cls, edge: BandEdge) -> BandEdgeOutput:
        """Return one edge."""
        return cls(energy=edge.energy, k=list(edge.k), place=edge.place, spin=edge.spin)


class BandEdgesOutput(Output):
    """Edges and gaps along the path."""

    valence: BandEdgeOutput
    conduction: BandEdgeOutput
    character: str = Field(description='"insulator", "semimetal" or "metal".')
    gap: float = Field(description="Smallest gap (eV); 0 without one.")
    direct: bool = Field(description="Whether it is at one k.")
    direct_gap: float = Field(description="Smallest gap at one k (eV).")
    direct_at: str = Field(description="Where that is.")
    point_gaps: dict[str, float | None] = Field(description="Gap at each special point (eV).")
    valence_splittings: dict[str, float | None] = Field(
        description="Spin splitting of the valence band at each special point (eV)."
    )
    conduction_splittings: dict[str, float | None] = Field(
        description="Spin splitting of the conduction band at each special point (eV)."
    )

    @classmethod
    def from_edges(cls, edges: BandEdges) -> BandEdgesOutput:
        """Return what the edges say."""
        return cls(
            valence=BandEdgeOutput.from_edge(edges.valence),
            conduction=BandEdgeOutput.from_edge(edges.conduction),
            character=edges.kind,
            gap=edges.gap,
            direct=edges.is_direct,
            direct_gap=edges.direct_gap,
            direct_at=edges.direct_at,
            point_gaps={name: _known(x) for name, x in edges.point_gaps.items()},
            valence_splittings={n: _known(x) for n, x in edges.valence_splittings.items()},
            conduction_splittings={n: _known(x) for n, x in edges.conduction_splittings.items()},
        )


class BandsOutput(Output):
    """Bands along a path through special points."""

    kind: Literal["bands"] = "bands"
    title: str = Field(description="Material, model and solver.")
    unit: str = Field(description="Unit of every energy.")
    complete: bool = Field(description="Whether every point has been computed.")
    converged: bool = Field(description="Whether every point has converged.")
    edges: BandEdgesOutput | None = Field(description="Edges and gaps, where they are known.")
    errors: list[float | None] = Field(
        description="Largest difference of each band from plain diagonalisation (eV)."
    )
    points: list[BandPointOutput]
    notes: list[str] = Field(description="What the reader should know.")
    store: str | None = Field(description="Where the scan is stored.")
    plot: str | None = Field(description="Where the figure is.")
    csv: str | None = Field(description="Where the table of all points is.")
    solver_time: float = Field(description="Time of the solver, of all points together (s).")
    diagonalisation_time: float = Field(description="Time of plain diagonalisation (s).")
    wall_time: float = Field(description="Time of this run (s).")


def point_outputs(scan: Scan) -> list[BandPointOutput]:
    """Return every point of a scan over k."""
    lengths = scan.path.along()
    return [
        BandPointOutput(
            index=row.index,
            k=list(point.k),
            length=float(lengths[row.index]),
            label=point.label,
            spin=point.spin,
            energies=list(row.energies),
            status=row.status,
        )
        for row, point in zip(scan.table(), scan.path.kpoints, strict=True)
    ]


def known_values(values: list[float]) -> list[float | None]:
    """Return numbers, with none in place of what is not known."""
    return [_known(value) for value in values]


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
