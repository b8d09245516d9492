"""The bands of a crystal at one k: what a scan over k evaluates."""

from __future__ import annotations

import time
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from qmlmat.backends import Backend
from qmlmat.errors import InputError
from qmlmat.solvers import Solver, solve
from qmlmat.solvers.base import ModelSolver
from qmlmat.surfaces.paths.kpoint import KPoint
from qmlmat.surfaces.paths.path import Point
from qmlmat.surfaces.seeds import point_seed
from qmlmat.surfaces.states import not_kept_notes
from qmlmat.surfaces.surface import PointResult
from qmlmat.systems import TightBindingModel


@dataclass(frozen=True)
class BandSurface:
    """The bands of a crystal from its tight-binding model and a solver, in eV.

    Raises:
        InputError: If there are not that many bands.

    Example:
        >>> import qmlmat as qm
        >>> surface = qm.BandSurface(qm.graphene(), qm.Exact())
        >>> surface.evaluate(qm.KPoint((0.5, 0, 0))).energies.round(6).tolist()
        [-2.8, 2.8]
    """

    model: TightBindingModel
    """The crystal."""

    solver: Solver | ModelSolver
    """How the eigenpairs are found; one that takes matrices, e.g. ``Exact()``."""

    _: KW_ONLY

    n_states: int | None = None
    """Number of bands, from the lowest, of each spin; ``None``: all."""

    seed: int | None = None
    """Seed of everything random in the solver."""

    backend: Backend | None = None
    """Where circuits run; ``None``: exact simulation. Shots are seeded by the seed and the k, so
    that points are independent."""

    def __post_init__(self) -> None:
        blocks = self.model.spin_blocks
        sizes = [len(block) for block in blocks.values()] if blocks else [len(self.model.orbitals)]
        if self.n_states is not None and not 1 <= self.n_states <= min(sizes):
            raise InputError(
                f"BandSurface(n_states={self.n_states!r}): {self.model.name} has {min(sizes)} "
                f"bands{' of each spin' if blocks else ''}. Use 1 to {min(sizes)}, or None for all."
            )
        if self.n_states is None and min(sizes) < max(sizes):
            raise InputError(
                f"BandSurface(n_states=None): the spins of {self.model.name} have {sizes} bands. "
                f"Use n_states={min(sizes)}, so that each point has as many."
            )

    def evaluate(self, point: Point, *, guess: PointResult | None = None) -> PointResult:
        """Return the bands at ``point`` (eV).

        Args:
            point: The k, and whose bands.
            guess: What was found at the parent point: its solution is the start.

        Raises:
            InputError: If the point is a geometry, or the model has no such spin.
        """
        start = time.perf_counter()
        if not isinstance(point, KPoint):
            raise InputError(
                f"BandSurface.evaluate({type(point).__name__}): bands are evaluated at a KPoint. "
                "Use k_path(model), or for a molecule SolverSurface."
            )
        hamiltonian = self.model.at(point.k, spin=point.spin)
        solution = solve(
            hamiltonian,
            self.solver,
            n_states=hamiltonian.dimension if self.n_states is None else self.n_states,
            guess=None if guess is None else guess.solution,
            backend=self.backend,
            seed=point_seed(
                self.seed,
                [np.round(point.k, 9).tolist(), point.spin],
                solver=self.solver,
                backend=self.backend,
            ),
        )
        notes = (*hamiltonian.notes, *solution.notes, *not_kept_notes(solution.states))
        return PointResult(
            energies=np.array(solution.energies, dtype=np.float64),
            unit=solution.unit,
            stderr=solution.stderr,
            status=solution.status,
            reference=solution.reference_energy,
            notes=tuple(dict.fromkeys(notes)),
            solution=solution,
            wall_time=time.perf_counter() - start,
        )

    def inputs(self) -> dict[str, Any]:
        """Return plain values that define the surface, with what tells edges from its bands."""
        return {
            "model": self.model.inputs(),
            "n_occupied": self.model.n_occupied,
            "solver": self.solver.inputs(),
            "n_states": self.n_states,
            "seed": self.seed,
            **({} if self.backend is None else {"backend": self.backend.inputs()}),
        }
