"""What solvers that minimise a circuit's energy share: the objective, the checks, the answer."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from qmlmat.ansatz import Ansatz, Circuit
from qmlmat.backends import Backend, Estimate, Preparation, Reference, Request, StateBackend
from qmlmat.errors import CapabilityError, InputError, QmlmatWarning
from qmlmat.solvers.base import Solution, Status
from qmlmat.solvers.optimize import Optimum
from qmlmat.solvers.screening import Screening
from qmlmat.systems import (
    MolecularHamiltonian,
    SpinDistance,
    SpinSquare,
    WeightedSum,
    exchange_pairs,
    orbital_parities,
    spin_square,
)
from qmlmat.typing import Observable


def penalised(
    hamiltonian: MolecularHamiltonian, weight: float, spin: int | None = None
) -> Observable:
    """Return the Hamiltonian plus a penalty on every spin but one.

    ``H + weight (S^2 - s (s + 1))`` for the sector's lowest spin ``s = |n_alpha - n_beta| / 2``:
    <S^2> is at least ``s (s + 1)``. For others ``H + weight (S^2 - s (s + 1))^2``. Neither is ever
    below the Hamiltonian, so the sum stays an upper bound on the exact energy.

    Args:
        hamiltonian: The Hamiltonian.
        weight: Weight of the penalty (hartree); 0 for none.
        spin: ``2 s``; ``None``: the sector's lowest.
    """
    if weight == 0:
        return hamiltonian
    norb, nelec = hamiltonian.norb, hamiltonian.nelec
    lowest = abs(nelec[0] - nelec[1])
    if spin is not None and spin != lowest:
        distance = SpinDistance(norb, nelec, spin)
        return WeightedSum(terms=((1.0, hamiltonian), (weight, distance)))
    square = SpinSquare(norb, nelec)
    return WeightedSum(
        terms=((1.0, hamiltonian), (weight, square)),
        constant=-0.25 * weight * lowest * (lowest + 2),
    )


def check_search(
    name: str, *, gradient_tolerance: float, max_iterations: int, spin_penalty: float
) -> None:
    """Raise unless the settings of a search make sense.

    Args:
        name: The solver, for messages.
        gradient_tolerance: Must be positive (hartree per radian).
        max_iterations: Must be a whole number of at least 1.
        spin_penalty: Must be finite and not negative (hartree).

    Raises:
        InputError: If one does not.
    """
    is_number = isinstance(gradient_tolerance, int | float) and gradient_tolerance is not True
    if not (is_number and 0 < gradient_tolerance < np.inf):
        raise InputError(
            f"{name}(gradient_tolerance={gradient_tolerance!r}): must be positive and finite, in "
            "hartree per radian. The smaller it is, the longer the search."
        )
    check_count(name, "max_iterations", max_iterations)
    if not 0 <= spin_penalty < np.inf:
        raise InputError(
            f"{name}(spin_penalty={spin_penalty}): a weight is finite and not negative. "
            "Use about 0.05 hartree, or 0 for none."
        )


def check_count(name: str, setting: str, value: object) -> None:
    """Raise unless a setting is a whole number of at least 1.

    Raises:
        InputError: If it is not.
    """
    if type(value) is not int or value < 1:
        raise InputError(f"{name}({setting}={value!r}): must be a whole number of at least 1.")


def check_problem(name: str, n_states: int, backend: Backend) -> None:
    """Raise unless a solver of ground states can do what is asked with the backend.

    Raises:
        InputError: If more than one state is asked for.
        CapabilityError: If the backend gives no gradients.
    """
    if n_states != 1:
        raise InputError(
            f"solve({name}, n_states={n_states}): {name} finds the ground state. "
            "Use n_states=1, or SSVQE() or EOM() for excited states."
        )
    if not backend.capabilities.gradient:
        raise CapabilityError(
            f"solve({name}, backend={type(backend).__name__}): {name} needs gradients, and this "
            "backend gives none. Use SectorBackend()."
        )


def ansatz_circuit(ansatz: Ansatz, hamiltonian: MolecularHamiltonian) -> Circuit:
    """Return an ansatz at a Hamiltonian's size, on the orbitals that its template asks for.

    Raises:
        TemplateError: If the template or an option is unknown or broken.
    """
    circuit = ansatz.circuit(hamiltonian.norb, hamiltonian.nelec)
    if ansatz.load().orbitals == "by_energy":
        return circuit
    return circuit.relabelled(exchange_pairs(hamiltonian).tolist())


def reference_of(hamiltonian: MolecularHamiltonian, reference: Reference | None) -> Reference:
    """Return the state a circuit acts on, checked against the Hamiltonian's sector.

    Args:
        hamiltonian: Whose sector.
        reference: The state; ``None`` for the Hartree-Fock determinant.

    Raises:
        InputError: If a determinant of the reference has other orbitals or electrons.
    """
    sector = hamiltonian.sector
    if reference is None:
        return Reference.hartree_fock(sector.norb, sector.nelec)
    for bits, _ in reference.terms:
        try:
            sector.index(bits)
        except InputError as error:
            raise InputError(
                f'reference: the determinant "{bits}" is not one of the Hamiltonian\'s '
                f"norb={sector.norb}, nelec={sector.nelec}. Use Reference.csf(steps, "
                f"{sector.nelec}) with {sector.norb} steps, or Reference.determinant(bits) with "
                f'bits like "{sector.hartree_fock_bits()}".'
            ) from error
    return reference


def check_state_settings(
    name: str, reference: Reference | None, screening: Screening | None
) -> None:
    """Raise unless reference and screening are what they should be, or ``None``.

    Args:
        name: The solver, for messages.
        reference: The state a circuit acts on.
        screening: What is left out of a circuit or pool.

    Raises:
        InputError: If one is something else.
    """
    if not (reference is None or isinstance(reference, Reference)):
        raise InputError(
            f"{name}(reference={reference!r}): not a reference. Use "
            'Reference.csf("2ud0", (2, 2)), Reference.determinant("11001100"), or None for '
            "Hartree-Fock."
        )
    if not (screening is None or isinstance(screening, Screening)):
        raise InputError(
            f"{name}(screening={screening!r}): not a screening. Use Screening() for the point "
            "group, Screening(min_amplitude=1e-5), or None."
        )


def state_inputs(reference: Reference | None, screening: Screening | None) -> dict[str, Any]:
    """Return reference and screening as plain values, each only where there is one.

    Stores of scans without them keep their hash.
    """
    settings: dict[str, Any] = {}
    if reference is not None:
        terms = sorted((bits, complex(a)) for bits, a in reference.terms)
        settings["reference"] = [[bits, a.real, a.imag] for bits, a in terms]
    if screening is not None:
        settings["screening"] = screening.inputs()
    return settings


def warn_of_mixed_irreps(
    hamiltonian: MolecularHamiltonian, reference: Reference, screening: Screening | None
) -> None:
    """Warn where a screening by point group meets a reference that mixes irreps.

    Generators that change the irrep have a slope there, and dropping them raises the energy.
    """
    if screening is None or not screening.point_group:
        return
    labels = orbital_parities(hamiltonian)
    irreps = {
        int(np.bitwise_xor.reduce(np.tile(labels, 2)[[bit == "1" for bit in bits]], initial=0))
        for bits, amplitude in reference.terms
        if amplitude != 0
    }
    if len(irreps) > 1:
        warnings.warn(
            "screening=Screening(point_group=True): the reference mixes irreps of the point group, "
            "so generators that change the irrep matter, and without them the energy is higher. "
            "Use point_group=False.",
            QmlmatWarning,
            stacklevel=4,
        )


def is_hartree_fock(reference: Reference, hamiltonian: MolecularHamiltonian) -> bool:
    """Return whether a reference is the Hartree-Fock determinant, up to a phase."""
    bits = hamiltonian.sector.hartree_fock_bits()
    return all(other == bits or amplitude == 0 for other, amplitude in reference.terms)


def circuit_solution(
    hamiltonian: MolecularHamiltonian,
    preparation: Preparation,
    backend: Backend,
    *,
    optimum: Optimum,
    notes: tuple[str, ...],
    seed: int | None = None,
) -> Solution:
    """Return the solution that a prepared state is; measured where the backend has no states.

    Args:
        hamiltonian: What the energy is of, without any penalty.
        preparation: Circuit and reference.
        backend: What prepares the state.
        optimum: The parameters found, and how.
        notes: What the user should know.
        seed: Seed of the shots, where they are ours.
    """
    status, history = optimum.status, optimum.history
    preparation = replace(preparation, params=optimum.params)
    if not isinstance(backend, StateBackend):
        found = measured_solution(hamiltonian, preparation, backend, status=status, seed=seed)
        return replace(found, history=history, notes=notes)
    assert isinstance(preparation.circuit, Circuit)
    state = backend.state(preparation)
    image = hamiltonian.matvec(state)
    energy = float(np.vdot(state, image).real)
    return Solution(
        energies=np.array([energy]),
        unit=hamiltonian.unit,
        status=status,
        states=(state,),
        params=preparation.params,
        circuit=preparation.circuit,
        residuals=np.array([np.linalg.norm(image - energy * state)]),
        spin_squares=np.array([spin_square(state, hamiltonian.norb, hamiltonian.nelec)]),
        history=history,
        notes=notes,
    )


def other_seed(seed: int | None) -> int | None:
    """Return a seed whose draws are independent of those of another; ``None`` of ``None``."""
    return None if seed is None else int(np.random.SeedSequence([seed, 1]).generate_state(1)[0])


def measured_solution(
    hamiltonian: MolecularHamiltonian,
    preparation: Preparation,
    backend: Backend,
    *,
    status: Status,
    seed: int | None,
) -> Solution:
    """Return a prepared state's solution from measurements, with error bars, without the state.

    Args:
        hamiltonian: What the energy is of.
        preparation: Circuit, reference and parameters.
        backend: What measures.
        status: How the parameters were found.
        seed: Seed of the shots, where they are ours.
    """
    exact = backend.capabilities.exact
    square = SpinSquare(hamiltonian.norb, hamiltonian.nelec)
    observables = (hamiltonian, square) if exact else (hamiltonian,)
    request = Request(preparation=preparation, observables=observables)
    (answer,) = backend.run([request], seed=other_seed(seed))
    assert isinstance(answer, Estimate)
    values = answer.values.reshape(-1)
    return Solution(
        energies=values[:1],
        unit=hamiltonian.unit,
        status=status,
        stderr=None if exact else np.sqrt(answer.variances.reshape(-1)[:1]),
        params=preparation.params,
        circuit=preparation.circuit,
        spin_squares=values[1:] if exact else None,
    )
