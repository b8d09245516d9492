"""A trained circuit on a device: its energies measured at many geometries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch

from qmlmat.backends import Backend, Estimate, Preparation, Request
from qmlmat.errors import InputError
from qmlmat.potentials.conditioned.circuit import ConditionedCircuit
from qmlmat.solvers.averages import Average, StartState
from qmlmat.solvers.base import Solution
from qmlmat.solvers.measured import measured_span, superposed
from qmlmat.surfaces import Geometry
from qmlmat.typing import FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class MeasuredCurve:
    """Energies of a conditioned circuit as a backend gives them."""

    energies: FloatArray
    """Energies, shape ``(n_points, n_states)`` (hartree)."""
    stderr: FloatArray | None
    """Their standard errors, same shape (hartree); ``None`` where the backend is exact."""
    n_shots: int | None
    """Shots spent, all points together; ``None`` where the backend is exact."""


def circuit_requests(model: ConditionedCircuit, geometries: Sequence[Geometry]) -> list[Request]:
    """Return what has to be measured for a model's energies at geometries.

    Of one state its energy; of several the energies of all references under the circuit, and of
    the superpositions of any two.

    Args:
        model: The trained model.
        geometries: Where.

    Raises:
        InputError: If there are no geometries.
        GeometryError: If atoms differ.
    """
    states = list(model.references)
    states += [superposed(one, other, 1.0) for one, other in combinations(model.references, 2)]
    reference = states[0] if len(states) == 1 else tuple(states)
    return [
        Request(
            preparation=Preparation(model.circuit, reference, _angles(model, geometries)),
            observables=tuple(
                hamiltonian
                for point in geometries
                for hamiltonian in [model.source.at(point).hamiltonian] * len(states)
            ),
            pairing="each",
        )
    ]


def measure_circuit(
    model: ConditionedCircuit,
    geometries: Sequence[Geometry],
    backend: Backend,
    *,
    seed: int | None = None,
) -> MeasuredCurve:
    """Return a model's energies at geometries, measured on a backend.

    The network's angles are exact; circuits run where the backend runs them, with its shots and its
    noise. Several states are told from matrix elements, with errors by jackknife, see ``SSVQE``.
    A read-out in the span of states of other geometries is not measured: it needs overlaps of
    states of different angles.

    Args:
        model: The trained model.
        geometries: Where.
        backend: Where circuits run, e.g. ``QiskitBackend.on_fake("fez", n_qubits=4, ...)``.
        seed: Seed of the shots, where they are ours.

    Raises:
        InputError: If there are no geometries, or too few shots.
        GeometryError: If atoms differ.

    Example:
        >>> from qmlmat.backends import StatevectorBackend
        >>> from qmlmat.potentials.conditioned import HamiltonianSource, LogRatio
        >>> from qmlmat.systems import Molecule
        >>> source = HamiltonianSource(Molecule.from_xyz("H 0 0 0; H 0 0 0.74"))
        >>> model = ConditionedCircuit(source, "kupccgsd", LogRatio("HH", (0, 1), 0.74))
        >>> measure_circuit(model, [source.origin], StatevectorBackend(shots=1000), seed=1).n_shots
        1000
    """
    if len(model.references) == 1:
        (answer,) = backend.run(circuit_requests(model, geometries), seed=seed)
        assert isinstance(answer, Estimate)
        exact = answer.n_shots is None
        return MeasuredCurve(
            energies=answer.values.reshape(-1, 1),
            stderr=None if exact else np.sqrt(answer.variances.reshape(-1, 1)),
            n_shots=answer.n_shots,
        )
    usage = getattr(backend, "usage", None)
    before = 0 if usage is None else usage.n_shots
    rows = zip(geometries, _angles(model, geometries), _seeds(seed, len(geometries)), strict=True)
    found = [_measured_states(model, point, params, backend, own) for point, params, own in rows]
    errors = [s.stderr[: model.n_states] for s in found if s.stderr is not None]
    return MeasuredCurve(
        energies=np.array([s.energies[: model.n_states] for s in found]),
        stderr=np.array(errors) if errors else None,
        n_shots=usage.n_shots - before if errors and usage is not None else None,
    )


def _measured_states(
    model: ConditionedCircuit,
    point: Geometry,
    params: FloatArray,
    backend: Backend,
    seed: int | None,
) -> Solution:
    """Return the states in the span of the references under the circuit, as measured."""
    hamiltonian = model.source.at(point).hamiltonian
    lowest = abs(hamiltonian.nelec[0] - hamiltonian.nelec[1])
    average = Average(
        hamiltonian=hamiltonian,
        starts=tuple(StartState(reference, lowest) for reference in model.references),
        weights=model.weights,
        spin_penalty=0.0,
    )
    preparation = Preparation(model.circuit, average.references, params)
    return measured_span(average, preparation, backend, status="converged", seed=seed)


def _angles(model: ConditionedCircuit, geometries: Sequence[Geometry]) -> FloatArray:
    if not geometries:
        raise InputError("measure_circuit(geometries=[]): give one at least.")
    positions = torch.from_numpy(np.array([point.positions for point in geometries]))
    with torch.no_grad():
        return model.angles(positions.to(model.dtype)).double().numpy()


def _seeds(seed: int | None, n_points: int) -> list[int | None]:
    """Return a seed for each point: errors of neighbours are independent."""
    if seed is None:
        return [None] * n_points
    return [int(own) for own in np.random.SeedSequence(seed).generate_state(n_points)]
