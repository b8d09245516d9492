"""Our surfaces inside of ASE: relaxations, vibrations, reaction paths and molecular dynamics."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from ase import Atoms
from ase.calculators.calculator import (
    CalculationFailed,
    Calculator,
    PropertyNotImplementedError,
    all_changes,
)
from ase.outputs import Properties, all_outputs

from qmlmat.errors import GeometryError, InputError, QmlmatError, QmlmatWarning
from qmlmat.potentials.base import OUTSIDE, Potential
from qmlmat.surfaces import Geometry, PointResult
from qmlmat.surfaces.surface import FINISHED, Surface
from qmlmat.typing import FloatArray
from qmlmat.units import HARTREE_IN_EV


class SurfaceError(QmlmatError, CalculationFailed):
    """A surface gave no energy to rely on; what it gave is kept in ``point``."""

    point: PointResult
    """The answer: its status and notes say what is wrong."""

    def __init__(self, message: str, point: PointResult) -> None:
        super().__init__(message)
        self.point = point


class SurfaceCalculator(Calculator):
    """Any surface where ASE expects a calculator: a solver, a learnt model, a function.

    In ``results``, all in ASE's units: ``energy`` and ``free_energy`` of the state (eV),
    ``forces`` in it (eV/Å), ``state_energies`` of all states, shape ``(n_states,)`` (eV), and where
    the surface knows it ``energy_stderr``, the standard error of ``energy`` (eV).

    A solver starts from the last point it was asked for; ``reset()`` lets it begin afresh. So give
    each image of a band a calculator of its own. The molecule is alone in space: periodic
    boundaries are refused.

    References:
        A. H. Larsen et al., J. Phys.: Condens. Matter 29, 273002 (2017),
        doi:10.1088/1361-648X/aa680e (ASE).

    Example:
        >>> import numpy as np
        >>> from ase import Atoms
        >>> from qmlmat import FunctionSurface
        >>> well = FunctionSurface(lambda x: 2.0 * (x[1, 2] - x[0, 2] - 1.0) ** 2, "eV")
        >>> atoms = Atoms("H2", [[0, 0, 0], [0, 0, 1.5]])
        >>> atoms.calc = SurfaceCalculator(well, difference=1e-3)
        >>> round(float(atoms.get_potential_energy()), 6), np.round(atoms.get_forces()[:, 2], 6)
        (0.5, array([ 2., -2.]))
    """

    implemented_properties: list[str] = [  # noqa: RUF012 (declared so by ASE)
        "energy",
        "free_energy",
        "forces",
        "state_energies",
        "energy_stderr",
    ]

    def __init__(
        self,
        surface: Surface,
        *,
        state: int = 0,
        outside: Literal["stop", "warn"] = "stop",
        difference: float | None = None,
    ) -> None:
        """Make the calculator.

        Args:
            surface: What gives energies.
            state: Whose energy and forces, counted from 0, in the order of the surface's energies.
            outside: What happens where the surface itself says not to rely on its energy: outside
                of a model's training data, or where a solver did not converge. ``"stop"`` raises
                ``SurfaceError``, ``"warn"`` goes on and warns once each time that begins. A point
                without any energy always stops.
            difference: Step of central differences (Å), which cost 6 energies per atom, where the
                surface gives no forces; ``None``: none are made. A step of 1e-3 suits energies
                that are exact to 1e-9 hartree; errors of energies are divided by it.

        Raises:
            InputError: If a setting cannot be used.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        if state < 0:
            raise InputError(f"SurfaceCalculator(state={state}): states count from 0.")
        if outside not in ("stop", "warn"):
            raise InputError(f'SurfaceCalculator(outside="{outside}"): use "stop" or "warn".')
        if difference is not None and not 0 < difference < np.inf:
            raise InputError(
                f"SurfaceCalculator(difference={difference}): a step is a length (Å). Use 1e-3, or "
                "None for no differences."
            )
        self.surface, self.state = surface, state
        self.outside, self.difference = outside, difference
        self.point: PointResult | None = None
        """The surface's last answer, which a solver starts from; set by every calculation."""

    def reset(self) -> None:
        """Forget everything; a solver then starts afresh."""
        super().reset()  # type: ignore[no-untyped-call]
        self.point = None

    def check_state(self, atoms: Atoms, tol: float = 0.0) -> list[str]:  # noqa: ARG002 (ASE's)
        """Return what has changed since the last calculation, of what energies depend on.

        Without periodicity a cell is a box to draw. Dynamics asks at every step, where ASE's own
        comparison of all arrays takes as long as a small model.
        """
        last = self.atoms
        if last is None:
            return list(all_changes)
        same = {
            "positions": np.array_equal(last.positions, atoms.positions),
            "numbers": np.array_equal(last.numbers, atoms.numbers),
            "pbc": np.array_equal(last.pbc, atoms.pbc),
        }
        return [name for name, is_same in same.items() if not is_same]

    def export_properties(self) -> Properties:
        """Return those of the results that ASE has names for."""
        known = {name: value for name, value in self.results.items() if name in all_outputs}
        return Properties(known)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Compute what ASE asks for; called by ASE.

        Args:
            atoms: Where.
            properties: What is asked for.
            system_changes: What is not as it was at the last calculation.

        Raises:
            SurfaceError: If the surface gave no energy to rely on.
            PropertyNotImplementedError: If forces are asked for and there are none.
            GeometryError: If the atoms are not the surface's, or periodic.
            InputError: If the surface does not have the state.
        """
        if atoms is None:
            raise InputError("SurfaceCalculator.calculate(): there are no atoms. Give atoms.")
        if system_changes or not self.results:
            self.atoms, self.results = None, {}
            if set(system_changes) != {"positions"}:
                self._check_atoms(atoms)
            self.results = self._energies(atoms)
            self.atoms = atoms.copy()  # type: ignore[no-untyped-call]
        if "forces" in properties and "forces" not in self.results:
            self.results["forces"] = self._differences(atoms)

    def _check_atoms(self, atoms: Atoms) -> None:
        if atoms.pbc.any():
            raise GeometryError(
                f"SurfaceCalculator(atoms with pbc={atoms.pbc.tolist()}): the surface is of a "
                "molecule alone in space. Use atoms.pbc = False."
            )
        symbols = getattr(self.surface, "symbols", None)  # a model's; a solver looks by itself
        if symbols is not None and tuple(atoms.symbols) != tuple(symbols):
            raise GeometryError(
                f"SurfaceCalculator(atoms {atoms.symbols}): the surface is of {' '.join(symbols)}. "
                "Give the same atoms in the same order, e.g. atoms[[2, 0, 1]]."
            )

    def _energies(self, atoms: Atoms) -> dict[str, Any]:
        """Return what is known at once, in ASE's units."""
        forces: FloatArray | None
        if isinstance(self.surface, Potential):
            point, forces = self.surface.answer(atoms.positions, state=self.state)
        else:
            point = self.surface.evaluate(_geometry(atoms, atoms.positions), guess=self.point)
            forces = point.forces if self.state == 0 else None
        self._judge(point)
        self.point = point
        factor = _in_ev(point)
        energies = factor * point.energies
        found: dict[str, Any] = {
            "energy": float(energies[self.state]),
            "free_energy": float(energies[self.state]),
            "state_energies": energies,
        }
        if forces is not None:
            found["forces"] = factor * forces
        if point.stderr is not None:
            found["energy_stderr"] = float(factor * point.stderr[self.state])
        return found

    def _judge(self, point: PointResult) -> None:
        """Stop or warn where there is no energy to rely on.

        Raises:
            SurfaceError: If that is what was asked for, or there is no energy at all.
            InputError: If the surface does not have the state.
        """
        if not point.failed and self.state >= len(point.energies):
            raise InputError(
                f"SurfaceCalculator(state={self.state}): the surface has {len(point.energies)} "
                f"states, counted from 0. Use at most {len(point.energies) - 1}, or a surface of "
                "more states."
            )
        if point.status in FINISHED:
            return
        message = f"SurfaceCalculator({type(self.surface).__name__}): {_complaint(point)}"
        if point.failed or self.outside == "stop":
            raise SurfaceError(
                f"{message} The atoms are as they were asked for, and what was written before can "
                f"be read. {_remedy(point)}",
                point,
            )
        if self.point is None or self.point.status != point.status:
            warnings.warn(message, QmlmatWarning, stacklevel=2)

    def _differences(self, atoms: Atoms) -> FloatArray:
        """Return central differences of the energy, ``(n_atoms, 3)`` (eV/Å).

        Raises:
            PropertyNotImplementedError: If they were not asked for.
        """
        centre = self.point
        if self.difference is None:
            notes = () if centre is None else centre.notes
            raise PropertyNotImplementedError(
                f"SurfaceCalculator({type(self.surface).__name__}, state={self.state}): the "
                "surface gives no forces in this state. Use SolverSurface(..., forces=True) for "
                "the ground state, a trained model for any, or difference=1e-3 for central "
                f"differences. {' '.join(notes)}".rstrip()
            )
        forces = np.empty((len(atoms), 3))
        for index in np.ndindex(*forces.shape):
            sides = []
            for step in (self.difference, -self.difference):
                positions = atoms.positions.copy()
                positions[index] += step
                side = self.surface.evaluate(_geometry(atoms, positions), guess=centre)
                self._judge(side)
                sides.append(_in_ev(side) * side.energies[self.state])
            forces[index] = (sides[1] - sides[0]) / (2 * self.difference)
        return forces


def _geometry(atoms: Atoms, positions: FloatArray) -> Geometry:
    return Geometry(tuple(atoms.symbols), positions)


def _in_ev(point: PointResult) -> float:
    return HARTREE_IN_EV if point.unit == "hartree" else 1.0


def _complaint(point: PointResult) -> str:
    said = " ".join((f'the point\'s status is "{point.status}".', *point.notes))
    return said if point.solution is None else f"{said} {point.solution.advice}".rstrip()


def _remedy(point: PointResult) -> str:
    if point.failed:
        return "Take shorter steps, or correct the geometry."
    if point.status == OUTSIDE:
        return (
            "Add geometries like this one to the training data, take shorter steps or less heat, "
            'or use outside="warn".'
        )
    return 'Ask the solver for more iterations, or use outside="warn".'
