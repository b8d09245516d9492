"""The table ``[path]`` of the input file: what changes from point to point."""

from __future__ import annotations

import math
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from qmlmat.cli.table import Table

MAX_POINTS: Final = 100_000
"""Most points of a path given by start, stop and step: more is a slip of the step."""

COORDINATES: Final = ("bond", "angle", "dihedral", "symmetric", "asymmetric")
"""Keys that name an internal coordinate."""

VALUES: Final = ("lengths", "values", "start", "stop", "step")
"""Keys that say which values a coordinate takes."""

ALLOWED: Final = {
    "axes": ("n_points", "method", "seed", "root"),
    "to": ("n_points", "method", "root"),
    "frames": ("root",),
    "mode": (*VALUES[1:], "root"),
    **dict.fromkeys(COORDINATES, (*VALUES, "root")),
}
"""The kinds of path, by the key that tells them, and what else each takes."""

METHODS: Final = {"axes": ("sobol", "random"), "to": ("linear", "idpp")}
"""The methods of the kinds of path that have them."""

Pair = Annotated[list[list[int]], Field(min_length=2, max_length=2)]
"""Two bonds, or two angles."""


class ValuesTable(Table):
    """Which values a coordinate takes."""

    lengths: list[float] | None = Field(
        default=None, min_length=1, description="Bond lengths (Å): values of a bond."
    )
    values: list[float] | None = Field(
        default=None, min_length=1, description="Values of the coordinate (Å or degrees)."
    )
    start: float | None = Field(default=None, description="Lowest value (Å or degrees).")
    stop: float | None = Field(default=None, description="Highest value, included.")
    step: float | None = Field(default=None, gt=0, description="Distance between values.")

    @property
    def is_interval(self) -> bool:
        """Whether only the two ends of an interval are given, as a sample needs them."""
        given = [key for key in VALUES if getattr(self, key) is not None]
        return given == ["start", "stop"]

    def check_values(self, listed: str) -> None:
        """Refuse values that are not given in one way.

        Args:
            listed: What the list of them is called, ``"lengths"`` or ``"values"``.

        Raises:
            ValueError: If there are none or too many, or stop is not start plus whole steps.
        """
        bounds = (self.start, self.stop, self.step)
        lists = [given for given in (self.lengths, self.values) if given is not None]
        if len(lists) > 1:
            raise ValueError("lengths and values are the same thing: give one of them")
        if bool(lists) != all(bound is None for bound in bounds):
            raise ValueError(f"give either {listed}, or start, stop and step")
        if not lists and any(bound is None for bound in bounds):
            raise ValueError("start, stop and step belong together: give all three")
        self.points()

    def points(self) -> list[float]:
        """Return the values (Å or degrees): those listed, or from start to stop by step.

        Raises:
            ValueError: If stop is not reached from start by whole steps.
        """
        listed = self.lengths if self.values is None else self.values
        if listed is not None:
            return list(listed)
        assert self.start is not None
        assert self.stop is not None
        assert self.step is not None
        n_steps = (self.stop - self.start) / self.step
        if n_steps > MAX_POINTS:
            raise ValueError(f"more than {MAX_POINTS} points: use a larger step")
        if n_steps < 0 or not math.isclose(n_steps, round(n_steps), abs_tol=1e-6):
            raise ValueError(
                f"stop = {self.stop:g} is not start = {self.start:g} plus whole steps of "
                f"{self.step:g}: change one of them"
            )
        return [round(self.start + k * self.step, 10) for k in range(round(n_steps) + 1)]


class CoordinateTable(ValuesTable):
    """An internal coordinate and its values. Atoms are counted from 0; the last named move."""

    bond: list[int] | None = Field(
        default=None,
        min_length=2,
        max_length=2,
        description="Two atoms: the first stays, the second moves. By default [0, 1].",
    )
    angle: list[int] | None = Field(
        default=None,
        min_length=3,
        max_length=3,
        description="Three atoms, the vertex in the middle (degrees).",
    )
    dihedral: list[int] | None = Field(
        default=None,
        min_length=4,
        max_length=4,
        description="Four atoms; the side of the third turns about the middle bond (degrees).",
    )
    symmetric: Pair | None = Field(
        default=None, description="The mean of two bonds [[0, 1], [0, 2]], or of two angles."
    )
    asymmetric: Pair | None = Field(
        default=None, description="Half the difference, first minus second, of two bonds or angles."
    )

    @property
    def coordinate(self) -> str:
        """The key that names the coordinate."""
        return next((key for key in COORDINATES if getattr(self, key) is not None), "bond")

    def check_coordinate(self) -> None:
        """Refuse a list of atoms that names no coordinate.

        Raises:
            ValueError: If several are given, or a combination is not of two bonds or angles.
        """
        given = [key for key in COORDINATES if getattr(self, key) is not None]
        if len(given) > 1:
            raise ValueError(
                f"{' and '.join(given)} are different coordinates: give one, or several as "
                "[[path.axes]]"
            )
        for pair in (self.symmetric, self.asymmetric):
            if pair is not None and [len(atoms) for atoms in pair] not in ([2, 2], [3, 3]):
                raise ValueError(
                    f"{self.coordinate} takes two bonds such as [[0, 1], [0, 2]], or two angles "
                    "such as [[1, 0, 2], [1, 0, 3]]: correct the lists"
                )
        if self.lengths is not None and self.coordinate != "bond":
            raise ValueError(f"lengths are of a bond: call those of {self.coordinate} values")


class AxisTable(CoordinateTable):
    """One of several axes of a path."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.check_coordinate()
        if not self.is_interval:
            self.check_values("lengths" if self.coordinate == "bond" else "values")
        return self


class PathTable(CoordinateTable):
    """One coordinate and its values, or axes, or the way to another geometry, frames, a mode."""

    axes: list[AxisTable] | None = Field(
        default=None,
        min_length=1,
        description="Several coordinates: a grid of all their values; with n_points, points "
        "scattered between start and stop of each.",
    )
    to: str | None = Field(
        default=None,
        description="The last geometry: XYZ lines, or an XYZ file's path relative to this file.",
    )
    frames: str | None = Field(
        default=None,
        description="All the geometries: a file of several frames (XYZ, or .traj of ASE).",
    )
    mode: int | None = Field(
        default=None,
        ge=0,
        description="Normal mode, counted from 0 in ascending order of its Hartree-Fock "
        "frequency; its values are displacements (Å).",
    )
    n_points: int | None = Field(
        default=None, ge=1, description="Number of points, with to, or with axes for a sample."
    )
    method: Literal["sobol", "random", "linear", "idpp"] | None = Field(
        default=None,
        description='"sobol" (default) or "random" for a sample; "linear" (default) or "idpp" for '
        "the way to another geometry.",
    )
    seed: int | None = Field(default=None, ge=0, description="Seed of a sample; by default 0.")
    root: int | None = Field(
        default=None,
        description="Index, in ascending order, of the point computed first; by default the one "
        "nearest the molecule's own geometry.",
    )

    return_sweep: bool = Field(
        default=False,
        description="Solve each point again from its neighbours further out; keep the lowest.",
    )

    @model_validator(mode="after")
    def _check_one_way(self) -> Self:
        self.check_coordinate()
        kinds = [key for key in ALLOWED if getattr(self, key) is not None]
        if len(kinds) > 1:
            raise ValueError(f"{' and '.join(kinds)} are different paths: give one of them")
        foreign = [key for key in self.given() if key not in (self.kind, *ALLOWED[self.kind])]
        if foreign:
            raise ValueError(f"{foreign[0]} does not belong to a path by {self.kind}: leave it out")
        self._check_method()
        if self.kind == "axes":
            self._check_axes()
        elif self.kind == "to" and (self.n_points is None or self.n_points < 2):
            raise ValueError("to needs n_points, both ends included: give at least 2")
        elif "values" in ALLOWED[self.kind]:
            self.check_values("lengths" if self.kind == "bond" else "values")
        return self

    def given(self) -> list[str]:
        """Return the keys that were given, but those every kind of path takes."""
        keys = [key for key in type(self).model_fields if key != "return_sweep"]
        return [key for key in keys if getattr(self, key) is not None]

    @property
    def kind(self) -> str:
        """The key that tells which kind of path it is."""
        return next((key for key in ALLOWED if getattr(self, key) is not None), "bond")

    def _check_method(self) -> None:
        known = METHODS.get(self.kind, ())
        if self.method is not None and self.method not in known:
            raise ValueError(
                f'method = "{self.method}" does not belong to a path by {self.kind}: use '
                + " or ".join(f'"{name}"' for name in known)
            )

    def _check_axes(self) -> None:
        assert self.axes is not None
        if self.n_points is None:
            extra = next((key for key in ("method", "seed") if key in self.given()), None)
            if extra:
                raise ValueError(f"{extra} belongs to a sample: add n_points, or leave it out")
            if any(axis.is_interval for axis in self.axes):
                raise ValueError(
                    "an axis with start and stop only is for a sample: add n_points to [path], or "
                    "step to the axis"
                )
        elif self.root is not None:
            raise ValueError("the root of a sample is its point nearest the molecule: leave it out")
        elif not all(axis.is_interval for axis in self.axes):
            raise ValueError(
                "n_points makes a sample, whose axes have start and stop only: leave n_points out "
                "for a grid"
            )
