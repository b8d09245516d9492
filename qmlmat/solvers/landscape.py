"""What a circuit's energy is like besides value and gradient: metric, curvatures, frequencies."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from fractions import Fraction
from math import gcd
from typing import Final

import numpy as np
import torch

from qmlmat.ansatz import Circuit, Excitation, NumberProduct, QubitCircuit
from qmlmat.ansatz.qubit_gates import GATE_KINDS
from qmlmat.backends import Backend, Preparation, StateBackend, StatevectorBackend
from qmlmat.errors import CapabilityError, InputError
from qmlmat.solvers.base import AnyHamiltonian
from qmlmat.solvers.optim_base import Landscape, Metric
from qmlmat.systems import MolecularHamiltonian
from qmlmat.systems.reference import reference_fock
from qmlmat.typing import FloatArray

SMALLEST_GAP: Final = 0.3
"""Energy differences count as at least this much (hartree): where bonds break, orbital energies
meet and the energy's curvature does not vanish. 0.1 to 1 differ by a few evaluations."""

MAX_DENOMINATOR: Final = 64
"""Largest denominator of the ratio of two scales on one parameter that counts as rational."""


def circuit_landscape(
    hamiltonian: AnyHamiltonian,
    preparation: Preparation,
    backend: Backend,
    *,
    needs: Collection[str],
    seed: int | None,
) -> Landscape:
    """Return what an optimiser needs to know of a circuit's energy, and nothing else.

    Args:
        hamiltonian: What gives the orbital energies.
        preparation: Circuit and reference.
        backend: Whose metric.
        needs: Names of fields of ``Landscape``: the optimiser's ``traits.needs``.
        seed: Seed of everything random.

    Raises:
        InputError: If frequencies are needed and the circuit has none in common.
    """
    circuit = preparation.circuit
    return Landscape(
        metric=backend_metric(backend, preparation) if "metric" in needs else None,
        curvature=orbital_curvatures(hamiltonian, circuit) if "curvature" in needs else None,
        harmonics=circuit_harmonics(circuit) if "harmonics" in needs else None,
        seed=seed if "seed" in needs else None,
    )


def backend_metric(backend: Backend, preparation: Preparation) -> Metric:
    """Return the backend's Fubini-Study metric of a circuit as a function of tensors.

    Raises:
        CapabilityError: If the backend has no states.
    """
    if not isinstance(backend, StateBackend | StatevectorBackend):
        raise CapabilityError(
            f"{type(backend).__name__}: no Fubini-Study metric without states. Use "
            "SectorBackend() or StatevectorBackend(), or an optimiser without a metric."
        )

    def metric(params: torch.Tensor) -> torch.Tensor:
        here = replace(preparation, params=params.detach().numpy())
        table = backend.metric(here)  # of several references the mean: their energies are averaged
        return torch.from_numpy(table.mean(axis=0) if preparation.batch_axes else table)

    return metric


def orbital_curvatures(hamiltonian: AnyHamiltonian, circuit: Circuit | QubitCircuit) -> FloatArray:
    """Return rough second derivatives of the energy, from orbital energies.

    At the reference an excitation from occupied to virtual orbitals has the second derivative
    ``2 (E_excited - E_reference)``, to first order twice the difference ``e`` of orbital
    energies, ``MP2``'s denominator. For all other gates this gives the right order of magnitude.

    Returns:
        ``2 sum scale^2 max(|e|, SMALLEST_GAP)`` over the gates of each parameter, positive, shape
        ``(n_params,)`` (hartree per radian squared); ones for a circuit of qubit gates.
    """
    if isinstance(circuit, QubitCircuit):  # gates without orbitals
        return np.ones(circuit.n_params)
    assert isinstance(hamiltonian, MolecularHamiltonian)
    levels = [fock.diagonal() for fock in reference_fock(hamiltonian)]
    total = np.zeros(circuit.n_params)
    for gate in circuit.gates:
        gap = 0.0
        if isinstance(gate.generator, Excitation):
            for moves, level in zip(
                (gate.generator.alpha, gate.generator.beta), levels, strict=True
            ):
                gap += sum(float(level[a] - level[i]) for i, a in moves)
        total[gate.param] += 2 * gate.scale**2 * max(abs(gap), SMALLEST_GAP)
    return total


def circuit_harmonics(circuit: Circuit | QubitCircuit) -> list[tuple[float, int]]:
    """Return the frequencies of an expectation along each parameter, as ``(w, R)``.

    ``exp(x s (T - T†))`` turns amplitudes by ``0, +-s``, ``exp(i x s N)`` by ``0, s``; gates that
    share a parameter add up, and expectations hold the differences. So frequencies are the
    multiples of the scales' common divisor up to ``sum 2 |s|`` (or ``|s|``) over the gates.

    Raises:
        InputError: If the scales on a parameter have no common divisor.
    """
    # Of each parameter the scale of every gate, and its largest frequency over the scale.
    turns: list[list[tuple[float, int]]] = [[] for _ in range(circuit.n_params)]
    if isinstance(circuit, QubitCircuit):
        for gate in circuit.gates:
            if gate.angle is not None and gate.angle.param is not None:
                unit, *more = GATE_KINDS[gate.name].frequencies
                turns[gate.angle.param].append((abs(gate.angle.scale) * unit, 1 + len(more)))
    else:
        for term in circuit.gates:
            span = 1 if isinstance(term.generator, NumberProduct) else 2
            turns[term.param].append((abs(term.scale), span))
    return [_harmonics(k, shared) for k, shared in enumerate(turns)]


def _harmonics(param: int, turns: list[tuple[float, int]]) -> tuple[float, int]:
    turns = [(scale, span) for scale, span in turns if scale != 0]
    scales = [scale for scale, _ in turns]
    if not scales:
        return 1.0, 1
    ratios = [Fraction(scale / scales[0]).limit_denominator(MAX_DENOMINATOR) for scale in scales]
    if any(abs(float(r) * scales[0] - s) > 1e-12 * s for r, s in zip(ratios, scales, strict=True)):
        raise InputError(
            f"Rotosolve: the gates of parameter {param} have scales {scales} without a common "
            "divisor, so no number of points determines the energy along it. Give each gate a "
            "parameter of its own, or use another optimiser."
        )
    denominator = int(np.lcm.reduce([ratio.denominator for ratio in ratios]))
    steps = [int(ratio * denominator) for ratio in ratios]
    unit = gcd(*steps)
    spans = [step * span for step, (_, span) in zip(steps, turns, strict=True)]
    return scales[0] * unit / denominator, sum(spans) // unit
