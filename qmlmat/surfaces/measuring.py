"""Points of a scan measured on a device: what is asked, and what the answers make of a point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from qmlmat.backends import Backend
from qmlmat.backends.measurement import Measurement
from qmlmat.backends.requests import Counts, Estimate
from qmlmat.errors import CapabilityError, InputError
from qmlmat.solvers import EOM, Solution, measure_solution
from qmlmat.solvers.base import AnyHamiltonian
from qmlmat.surfaces.molecules import molecule_of
from qmlmat.surfaces.paths.kpoint import KPoint
from qmlmat.surfaces.paths.path import Point
from qmlmat.surfaces.surface import PointResult
from qmlmat.systems import TightBindingModel, molecular_hamiltonian

FLAGGED: Final = "flagged"
"""First word of the status of a measured point that is not to be trusted as it is."""
BELOW_EXACT: Final = 5.0
"""Standard errors by which an energy may lie below the exact one by chance."""


def point_measurement(
    inputs: Mapping[str, Any],
    point: Point,
    result: PointResult | None,
    *,
    model: TightBindingModel | None = None,
) -> Measurement[PointResult]:
    """Return the measurement of one point's states: its circuits at the angles that were found.

    Args:
        inputs: The scan's inputs, as plain values.
        point: Where.
        result: What a simulator found there; ``None`` where nothing is known.
        model: The crystal, of a scan through k.

    Raises:
        InputError: If the point has no result, or a scan through k comes without its model.
        CapabilityError: If the point's states are not made by circuits.
    """
    if result is None or result.failed:
        why = "not computed" if result is None else result.status
        where = " ".join(repr(point).split())  # arrays take several lines
        raise InputError(
            f"Scan.requests: the point {where} has no solution ({why}). Complete the scan first, "
            "or leave the point out: points=[...] names the others."
        )
    solution = result.solution
    if solution is None:
        raise CapabilityError(
            "Scan.requests: the scan keeps energies without states, so there are no circuits to "
            "run. Scan SolverSurface(molecule, active_space, solver)."
        )
    hamiltonian = point_hamiltonian(inputs, point, result, model)
    eom = _eom(inputs)

    def measured(backend: Backend) -> PointResult:
        found = measure_solution(hamiltonian, solution, backend, eom=eom)
        return _as_point(result, found)

    return Measurement(measured)


def point_hamiltonian(
    inputs: Mapping[str, Any],
    point: Point,
    result: PointResult,
    model: TightBindingModel | None,
) -> AnyHamiltonian:
    """Return what was solved at a point, in the orbitals that are stored with it.

    Args:
        inputs: The scan's inputs, as plain values.
        point: Where.
        result: What a simulator found there.
        model: The crystal, of a scan through k.

    Raises:
        InputError: If a scan through k comes without its model.
        CapabilityError: If the point's orbitals are not kept.
    """
    if isinstance(point, KPoint):
        if model is None:
            raise InputError("Scan.requests: a scan through k. Name its model: requests(model=...)")
        return model.at(point.k, spin=point.spin)
    molecule = molecule_of(inputs, point)
    if molecule is None or result.orbitals is None:
        raise CapabilityError(
            "Scan.requests: only points of SolverSurface keep the orbitals that their circuits "
            "stand on. Scan SolverSurface(molecule, active_space, solver)."
        )
    return molecular_hamiltonian(molecule, orbitals=result.orbitals)


def _eom(inputs: Mapping[str, Any]) -> EOM | None:
    """Return the equation of motion that a scan was made with; ``None`` for other solvers."""
    solver = inputs["surface"]["solver"]
    if solver.get("solver") != "eom":
        return None
    names = ("method", "manifold", "multiplicity", "irrep")
    return EOM(**{name: solver[name] for name in names})


def _as_point(simulated: PointResult, found: Solution) -> PointResult:
    """Return a measured solution as a point, flagged where it cannot be true."""
    flags = _flags(simulated, found)
    status = f"{FLAGGED}: {'; '.join(flags)}" if flags else found.status
    return PointResult(
        energies=np.array(found.energies, dtype=np.float64),
        unit=found.unit,
        stderr=found.stderr,
        status=status,
        reference=simulated.reference,
        orbitals=simulated.orbitals,
        overlap=simulated.overlap,
        columns=simulated.columns,
        notes=found.notes,
        solution=replace(found, states=None),
    )


def measured_results(
    measurements: Mapping[int, Measurement[PointResult]],
    answers: Sequence[Estimate | Counts | None],
    flags: Sequence[Sequence[str]] | None = None,
) -> dict[int, PointResult]:
    """Return the measured points by their index; one with an answer missing is left out.

    Args:
        measurements: That of each point, by its index.
        answers: To the requests of all of them, in their order.
        flags: What is wrong with each answer, one phrase each.

    Raises:
        InputError: If there are more or fewer answers than requests.
    """
    counts = {index: len(one.requests()) for index, one in measurements.items()}
    if sum(counts.values()) != len(answers):
        raise InputError(
            f"Scan.measured: {len(answers)} answers to {sum(counts.values())} requests. Give those "
            "of this scan's requests()."
        )
    said = [()] * len(answers) if flags is None else flags
    found, start = {}, 0
    for index, one in measurements.items():
        own = slice(start, start + counts[index])
        start = own.stop
        known = [answer for answer in answers[own] if answer is not None]
        if len(known) == counts[index]:
            lines = dict.fromkeys(line for part in said[own] for line in part)
            found[index] = flagged(one.result(known), list(lines))
    return found


def flagged(result: PointResult, flags: Sequence[str]) -> PointResult:
    """Return a measured point whose status says what else is wrong with it.

    Args:
        result: The point.
        flags: One phrase each; with none, the point is as it was.
    """
    if not flags:
        return result
    known = [result.status.removeprefix(f"{FLAGGED}: ")] if is_flagged(result.status) else []
    return replace(result, status=f"{FLAGGED}: {'; '.join([*known, *flags])}")


def is_flagged(status: str) -> bool:
    """Return whether a status is that of a measured point that is not to be trusted as it is."""
    return status.startswith(FLAGGED)


def _flags(simulated: PointResult, found: Solution) -> list[str]:
    """Return what is wrong with measured energies, one phrase each."""
    flags = []
    stderr = found.stderr
    if stderr is not None and not (np.isfinite(stderr).all() and (stderr > 0).all()):
        flags.append("error bars of zero, or none that are finite")
    if not np.isfinite(found.energies).all():
        flags.append("energies that are not finite")
    bound = simulated.reference
    if bound is not None and stderr is not None and stderr[0] > 0:
        below = (bound - found.energies[0]) / stderr[0]
        if below > BELOW_EXACT:
            flags.append(
                f"{1e3 * (bound - found.energies[0]):.1f} m{found.unit} ({below:.0f} standard "
                "errors) below the exact ground state"
            )
    return flags
