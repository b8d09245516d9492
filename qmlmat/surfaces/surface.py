"""What turns a point into energies: the protocol, its result, and the two basic surfaces."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, Final, Literal, Protocol

import numpy as np

from qmlmat.backends import Backend
from qmlmat.errors import CapabilityError, GeometryError, InputError, QmlmatError, nearest
from qmlmat.solvers import Solution, Solver, solve
from qmlmat.surfaces.forces import Forces, ground_state_forces
from qmlmat.surfaces.paths.path import Geometry, Point
from qmlmat.surfaces.seeds import point_seed
from qmlmat.surfaces.states import not_kept_notes, packed_states, unpacked_states
from qmlmat.systems import (
    ActiveOrbitals,
    ActiveSpace,
    ClassicalEnergies,
    MeanField,
    MolecularHamiltonian,
    Molecule,
    choose_orbitals,
    classical_energies,
    molecular_hamiltonian,
    nevpt2_energy,
    run_mean_field,
)
from qmlmat.systems.classical import CLASSICAL, WITHIN_SPACE
from qmlmat.systems.following import (
    MATCHED,
    Followed,
    changed_space,
    follow_orbitals,
    space_overlap,
)
from qmlmat.typing import FloatArray
from qmlmat.units import Unit

CONVERGED = "converged"
FINISHED = frozenset({CONVERGED, "noise_limit"})
"""The status of a point whose energies can be trusted without further reading."""

SLIPS: Final = (NameError, AttributeError, ImportError, TypeError, AssertionError, QmlmatError)
"""Errors of a user's function that say something of its code, not of a geometry."""

ORBITALS: Final = ("tracked", "canonical")
"""How orbitals at one point relate to those at its parent."""

FAILED = "failed"
"""First word of the status of a point that gave no energies."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PointResult:
    """What a surface knows about one point."""

    energies: FloatArray
    """Energies, ascending or followed, shape ``(n_states,)`` (``unit``); NaN where it failed."""

    unit: Unit = "hartree"
    """Unit of every energy here."""

    stderr: FloatArray | None = None
    """Standard errors of ``energies``, shape ``(n_states,)`` (``unit``); ``None`` if exact."""

    forces: FloatArray | None = None
    """Forces on the atoms in the ground state, shape ``(n_atoms, 3)`` (``unit``/Å)."""

    status: str = CONVERGED
    """``"converged"``, a solver's own status, or ``"failed: ..."`` with the reason."""

    reference: float | None = None
    """Exact ground-state energy of the same Hamiltonian (``unit``), where it is known."""

    orbitals: ActiveOrbitals | None = None
    """The orbitals behind the energies; a child point follows them."""

    overlap: float | None = None
    """Smallest singular value, 0 to 1, of the overlap of the active orbitals with the parent's
    (of all steps between, where a long step was followed in several); ``None`` without a parent."""

    columns: Mapping[str, float] = field(default_factory=dict)
    """Further energies by name, e.g. ``{"hartree_fock": -108.9}`` (``unit``)."""

    notes: tuple[str, ...] = ()
    """What the reader should know about this point, one sentence each."""

    solution: Solution | None = None
    """The solver's full answer; a child point starts from it."""

    wall_time: float = 0.0
    """Time the evaluation took (s)."""

    def __repr__(self) -> str:
        """Return energies and status; the fields hold the rest."""
        energies = ", ".join(f"{energy:.8f}" for energy in self.energies)
        return f"PointResult({energies} {self.unit}, status={self.status!r})"

    @property
    def failed(self) -> bool:
        """Whether this point gave no energies."""
        return self.status.startswith(FAILED)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values from which ``from_dict`` gives the same result, to the last bit.

        State vectors are kept where there are several, which curves are followed by, up to
        ``LARGEST_STORED``; NaN becomes ``None``.
        """
        states = None if self.solution is None else packed_states(self.solution.states)
        return {
            "energies": _plain(self.energies),
            "unit": self.unit,
            "stderr": _plain(self.stderr),
            "forces": _plain(self.forces),
            "status": self.status,
            "reference": None if self.reference is None else float(self.reference),
            "orbitals": None if self.orbitals is None else self.orbitals.to_dict(),
            "overlap": None if self.overlap is None else float(self.overlap),
            "columns": {name: float(value) for name, value in self.columns.items()},
            "notes": list(self.notes),
            "solution": None if self.solution is None else self.solution.to_dict(),
            "wall_time": float(self.wall_time),
            **({} if states is None else {"states": states}),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PointResult:
        """Return the result whose ``to_dict()`` is ``values``."""
        solution = None if values["solution"] is None else Solution.from_dict(values["solution"])
        states = unpacked_states(values.get("states"))  # one state, or an earlier version: none
        if solution is not None and states is not None:
            solution = replace(solution, states=states)
        orbitals = values.get("orbitals")  # neither it nor the overlap is in stores of layout 1
        energies = _array(values["energies"])
        return cls(
            energies=np.empty(0) if energies is None else energies,
            unit=values["unit"],
            stderr=_array(values["stderr"]),
            forces=_array(values["forces"]),
            status=values["status"],
            reference=values["reference"],
            orbitals=None if orbitals is None else ActiveOrbitals.from_dict(orbitals),
            overlap=values.get("overlap"),
            columns=dict(values["columns"]),
            notes=tuple(values["notes"]),
            solution=solution,
            wall_time=values["wall_time"],
        )


class Surface(Protocol):
    """Anything that gives energies at a point: a solver, a trained model, a function, bands."""

    def evaluate(self, point: Any, *, guess: PointResult | None = None) -> PointResult:  # noqa: ANN401 - each surface takes its own kind of Point
        """Return the energies at ``point``.

        Args:
            point: The geometry, or the k of a crystal.
            guess: What was found at the parent point, to start from.
        """
        ...

    def inputs(self) -> dict[str, Any]:
        """Return plain values that define the surface: equal inputs, equal energies."""
        ...


def check_geometry(surface: str, point: Point) -> None:
    """Refuse a k where a geometry is needed.

    Raises:
        InputError: If the point is no geometry.
    """
    if not isinstance(point, Geometry):
        raise InputError(
            f"{surface}.evaluate({point!r}): this surface needs the geometry of a molecule. "
            "Use a path like stretch(molecule, ...), or BandSurface(model, solver) for a crystal."
        )


@dataclass(frozen=True)
class SolverSurface:
    """The surface of a molecule from mean-field orbitals, an active space and a solver."""

    molecule: Molecule
    """Elements, charge, spin and basis; its positions are replaced by each point's."""

    active_space: ActiveSpace
    """The orbitals and electrons the solver correlates."""

    solver: Solver
    """How the eigenpairs are found, e.g. ``VQE("uccsd")``."""

    _: KW_ONLY

    n_states: int = 1
    """Number of states."""

    seed: int | None = None
    """Seed of everything random in the solver."""

    orbitals: Literal["tracked", "canonical"] = "tracked"
    """Whether active space and orbitals follow those of the parent point, or are chosen at each
    point by itself, in the mean field's order."""

    classical: tuple[str, ...] = ()
    """Classical methods whose energies stand beside the solver's: ``"mp2"``, ``"ccsd"``,
    ``"ccsd(t)"`` in the same active space, ``"nevpt2"`` on top of it."""

    forces: bool = False
    """Whether points carry the forces in the ground state. Where the energy has no such derivative,
    a note and a warning say why, and the point has none."""

    backend: Backend | None = None
    """Where circuits run; ``None``: exact simulation. One that samples gives error bars; shots of
    our own are seeded by the seed and the geometry, so that points are independent."""

    def __post_init__(self) -> None:
        methods = (self.classical,) if isinstance(self.classical, str) else tuple(self.classical)
        object.__setattr__(self, "classical", methods)
        for name in methods:
            if name not in CLASSICAL:
                raise InputError(
                    f'SolverSurface(classical=("{name}", ...)): not known. '
                    f"{nearest(str(name), CLASSICAL)}"
                )
        if self.orbitals not in ORBITALS:
            raise InputError(
                f'SolverSurface(orbitals="{self.orbitals}"): no such choice. '
                f"{nearest(str(self.orbitals), ORBITALS)}"
            )
        if self.forces and (self.active_space.natural or self.active_space.avas):
            raise CapabilityError(
                f"SolverSurface(active_space={self.active_space}, forces=True): how natural or "
                "AVAS orbitals change with the nuclei is not known here. Choose the space by "
                "counts, indices or freeze_core, or leave out forces."
            )

    def evaluate(
        self,
        point: Geometry,
        *,
        guess: PointResult | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> PointResult:
        """Return the energies at ``point``, with Hartree-Fock beside them.

        Args:
            point: The geometry; its atoms must be the molecule's.
            guess: What was found at the parent point: its orbitals are followed, and its
                solution is the start.
            checkpoint: File in which a growing circuit is kept; see ``solve``.

        Raises:
            GeometryError: If the atoms differ, or overlap.
            MeanFieldError: If the self-consistent field does not converge.
        """
        start = time.perf_counter()
        check_geometry("SolverSurface", point)
        if point.symbols != self.molecule.symbols:
            raise GeometryError(
                f"SolverSurface.evaluate(point with the atoms {point.symbols}): the surface is of "
                f"{self.molecule.symbols}. Use a path made from the same molecule."
            )
        molecule = self.molecule.with_positions(point.positions)
        mean_field = run_mean_field(molecule)
        parent = None if guess is None else guess.orbitals
        found = self._orbitals(mean_field, parent)
        # below, angles would be handed to orbitals that have nothing in common with theirs
        matched = parent is None or found.overlap > MATCHED
        hamiltonian = molecular_hamiltonian(molecule, orbitals=found.orbitals)
        solution = solve(
            hamiltonian,
            self.solver,
            n_states=self.n_states,
            guess=None if guess is None or not matched else guess.solution,
            backend=self.backend,
            seed=point_seed(
                self.seed,
                np.round(point.positions, 9).tolist(),
                solver=self.solver,
                backend=self.backend,
            ),
            checkpoint=checkpoint,
        )
        beside = self._classical(molecule, found.orbitals, hamiltonian, solution)
        forces = Forces()
        if self.forces:
            forces = ground_state_forces(
                mean_field, found.orbitals, hamiltonian, self.solver, solution
            )
        solved = (*solution.notes, *not_kept_notes(solution.states))
        notes = (*mean_field.notes, *found.notes, *solved, *beside.notes, *forces.notes)
        return PointResult(
            energies=np.array(solution.energies, dtype=np.float64),
            unit=solution.unit,
            stderr=solution.stderr,
            forces=forces.values,
            status=solution.status,
            reference=solution.reference_energy,
            orbitals=found.orbitals,
            overlap=None if parent is None else found.overlap,
            columns={"hartree_fock": float(mean_field.energy), **beside.energies},
            notes=tuple(dict.fromkeys(notes)),
            solution=solution,
            wall_time=time.perf_counter() - start,
        )

    def _orbitals(self, mean_field: MeanField, parent: ActiveOrbitals | None) -> Followed:
        if parent is not None and self.orbitals == "tracked":
            return follow_orbitals(mean_field, self.active_space, parent)
        chosen = choose_orbitals(mean_field, self.active_space)
        if parent is None:
            return Followed(orbitals=chosen, overlap=1.0, notes=chosen.notes)
        molecule = mean_field.molecule
        before = molecule.with_positions(parent.positions)
        overlap = space_overlap(molecule, chosen, before, parent)
        notes = (*chosen.notes, *changed_space(overlap))
        return Followed(orbitals=chosen, overlap=overlap, notes=notes)

    def _classical(
        self,
        molecule: Molecule,
        orbitals: ActiveOrbitals,
        hamiltonian: MolecularHamiltonian,
        solution: Solution,
    ) -> ClassicalEnergies:
        within = [name for name in self.classical if name in WITHIN_SPACE]
        exact = solution.reference_energy
        found = classical_energies(hamiltonian, within, exact=exact)
        if "nevpt2" not in self.classical:
            return found
        outside = nevpt2_energy(
            molecule,
            core=orbitals.inactive,
            active=orbitals.active,
            virtual=orbitals.virtual(molecule),
            nelec=orbitals.nelec,
        )
        return ClassicalEnergies(
            energies={**found.energies, **outside.energies}, notes=(*found.notes, *outside.notes)
        )

    def inputs(self) -> dict[str, Any]:
        """Return plain values that define the surface: all that its energies depend on."""
        return {
            "molecule": self.molecule.inputs(),
            "active_space": self.active_space.inputs(),
            "solver": self.solver.inputs(),
            "n_states": self.n_states,
            "seed": self.seed,
            "orbitals": self.orbitals,
            # No key without: asking for nothing more is no other surface.
            **({"classical": list(self.classical)} if self.classical else {}),
            **({"forces": True} if self.forces else {}),
            **({} if self.backend is None else {"backend": self.backend.inputs()}),
        }


@dataclass(frozen=True)
class FunctionSurface:
    """The surface of a plain function ``positions -> energies``.

    Example:
        >>> well = FunctionSurface(lambda x: (abs(x[1, 2] - x[0, 2]) - 1.0) ** 2, "eV", name="well")
        >>> point = Geometry(("H", "H"), np.array([[0, 0, 0], [0, 0, 3.0]]))
        >>> well.evaluate(point).energies
        array([4.])
    """

    function: Callable[[FloatArray], float | FloatArray]
    """Takes positions ``(n_atoms, 3)`` (Å); returns one energy or ``(n_states,)`` (``unit``)."""

    unit: Unit = "hartree"
    """Unit of the energies."""

    _: KW_ONLY

    name: str | None = None
    """What a store knows the function by; by default its module and name."""

    def evaluate(self, point: Geometry, *, guess: PointResult | None = None) -> PointResult:  # noqa: ARG002 - the protocol's argument: a function needs no start
        """Return the function's energies at ``point``; failed where it raises or gives no number.

        Args:
            point: The geometry.
            guess: Not used.

        Raises:
            InputError: If the function returns something that is not a number or a row of numbers.
        """
        start = time.perf_counter()
        check_geometry("FunctionSurface", point)
        try:
            returned = self.function(point.positions)
        except SLIPS:
            raise  # a mistake in the function's code, which no other point would be spared
        except Exception as error:  # noqa: BLE001 - whatever a user's program raises at a geometry
            why = " ".join(f"{FAILED}: the function raised {type(error).__name__}: {error}".split())
            taken = time.perf_counter() - start
            return PointResult(
                energies=np.array([np.nan]), unit=self.unit, status=why, wall_time=taken
            )
        energies = np.array(returned, dtype=np.float64)
        if energies.ndim > 1 or energies.size == 0:
            raise InputError(
                f"FunctionSurface({self.inputs()['function']}): returned {energies!r}. "
                "Return one finite energy, or a one-dimensional array of them."
            )
        energies = energies.reshape(-1)
        status = CONVERGED
        if not np.isfinite(energies).all():
            status = f"{FAILED}: the function returned {energies.tolist()}"
            energies = np.full(energies.shape, np.nan)
        return PointResult(
            energies=energies, unit=self.unit, status=status, wall_time=time.perf_counter() - start
        )

    def check_name(self) -> None:
        """Refuse a function that a store could not tell from another.

        Raises:
            InputError: If the function has no name of its own, as a lambda, and none is given.
        """
        own = getattr(self.function, "__qualname__", "")
        if self.name is None and (not own or "<lambda>" in own):
            raise InputError(
                f"scan(FunctionSurface({self.function!r}), store=...): a store knows a function by "
                "its name, and this one has none of its own. Give it one: "
                'FunctionSurface(function, name="...")'
            )

    def inputs(self) -> dict[str, Any]:
        """Return the function's name and unit: a store cannot see into its code."""
        named = self.function if hasattr(self.function, "__qualname__") else type(self.function)
        own = f"{getattr(named, '__module__', None) or 'builtins'}.{named.__qualname__}"
        return {"function": self.name or own, "unit": self.unit}


def _plain(array: FloatArray | None) -> Any:  # noqa: ANN401 - nested lists of float or None
    if array is None:
        return None
    if array.ndim > 1:
        return [_plain(row) for row in array]
    return [float(value) if math.isfinite(value) else None for value in array]


def _array(values: list[Any] | None) -> FloatArray | None:
    # numpy reads None as NaN when the type is given
    return None if values is None else np.array(values, dtype=np.float64)
