"""The states a conditioned circuit starts from: the same at every geometry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qmlmat.backends import Reference
from qmlmat.errors import InputError
from qmlmat.potentials.conditioned.source import HamiltonianSource
from qmlmat.solvers.references import choose_references
from qmlmat.surfaces import Geometry
from qmlmat.systems import MolecularHamiltonian


def standard_references(norb: int, nelec: tuple[int, int], n_states: int) -> tuple[Reference, ...]:
    """Return Hartree-Fock, the open-shell singlet HOMO to LUMO, and the pair HOMO to LUMO.

    Args:
        norb: Number of orbitals.
        nelec: Electrons by spin.
        n_states: How many of them.

    Raises:
        InputError: If that is more than three, or electrons are unpaired or no orbital is empty
            and excited ones are asked for.
    """
    if n_states == 1:
        return (Reference.hartree_fock(norb, nelec),)
    paired, empty = nelec[0], norb - nelec[0]
    if n_states > 3 or nelec[0] != nelec[1] or not paired or not empty:
        raise InputError(
            f"ConditionedCircuit(n_states={n_states}): of {norb} orbitals and electrons {nelec} "
            "there are no standard references for that. Give references=, such as "
            "shared_references(source, geometries, n_states)."
        )
    frontier = ("20", "ud", "02")[:n_states]
    steps = ["2" * (paired - 1) + pair + "0" * (empty - 1) for pair in frontier]
    return tuple(Reference.csf(step, nelec) for step in steps)


def shared_references(
    source: HamiltonianSource,
    geometries: Sequence[Geometry],
    n_states: int,
    *,
    multiplicity: int = 1,
    n_configurations: int = 1,
) -> tuple[Reference, ...]:
    """Return references for the lowest states of the average Hamiltonian of some geometries.

    The finder of ``SSVQE``, given integrals averaged over the geometries.

    Args:
        source: Where Hamiltonians come from.
        geometries: Those of training.
        n_states: How many.
        multiplicity: ``2s + 1`` of all states.
        n_configurations: Configurations for each reference: the fewer, the shorter the circuits
            that prepare them.

    Raises:
        InputError: If there are not that many.
    """
    hamiltonians = [source.at(point).hamiltonian for point in geometries]
    average = MolecularHamiltonian(
        one_body=np.mean([h.one_body for h in hamiltonians], axis=0),
        two_body=np.mean([h.two_body for h in hamiltonians], axis=0),
        core_energy=float(np.mean([h.core_energy for h in hamiltonians])),
        nelec=source.nelec,
    )
    found = choose_references(
        average, n_states, multiplicity=multiplicity, n_configurations=n_configurations
    )
    if len(found) < n_states:
        raise InputError(
            f"shared_references(n_states={n_states}): there are {len(found)} states of "
            f"multiplicity {multiplicity}. Ask for as many at most."
        )
    return tuple(chosen.reference for chosen in found)


def combined(references: Sequence[Reference], coefficients: NDArray[Any]) -> Reference:
    """Return a combination of orthogonal references, normalised.

    Args:
        references: The references.
        coefficients: One for each, shape ``(n_references,)``, not all zero.
    """
    total: dict[str, complex] = {}
    for reference, factor in zip(references, coefficients.tolist(), strict=True):
        for bits, amplitude in reference.terms:
            total[bits] = total.get(bits, 0.0) + factor * amplitude
    norm = float(np.linalg.norm(np.array(list(total.values()))))
    scaled = {bits: amplitude / norm for bits, amplitude in total.items()}
    return Reference(
        tuple((bits, a if complex(a).imag else complex(a).real) for bits, a in scaled.items())
    )
