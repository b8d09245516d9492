"""A solution measured on a device: its circuits and angles as they are, one submission."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qmlmat.ansatz import Circuit, QubitCircuit
from qmlmat.backends import Backend, Estimate, Preparation, Reference, Request
from qmlmat.errors import CapabilityError, InputError
from qmlmat.operators.pauli import PauliSum
from qmlmat.solvers.base import AnyHamiltonian, Solution
from qmlmat.solvers.eom import EOM
from qmlmat.solvers.measured import MeasuredBlock, measured_levels, measured_matrix
from qmlmat.systems import MolecularHamiltonian
from qmlmat.typing import Observable


def measure_solution(
    hamiltonian: AnyHamiltonian,
    solution: Solution,
    backend: Backend,
    *,
    eom: EOM | None = None,
    seed: int | None = None,
) -> Solution:
    """Return a solution's energies as a backend measures them, with error bars.

    Angles are not searched again. Of one state its energy is measured, and of states with angles of
    their own each one's; of states in the span of a circuit on several references the matrix
    elements, and of an equation of motion those of its manifold.

    Args:
        hamiltonian: What the solution is of.
        solution: What a solver of circuits found, e.g. on a simulator.
        backend: What measures.
        eom: The solver, where the solution is of an equation of motion.
        seed: Seed of the shots, where they are ours.

    Raises:
        CapabilityError: If the solution has no circuit, or its states are no circuit's alone.
        InputError: If the solution is not of this Hamiltonian.

    Example:
        >>> import qmlmat as qm
        >>> h2 = qm.molecular_hamiltonian(qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735"))
        >>> found = qm.solve(h2, qm.VQE("uccsd"))
        >>> measured = measure_solution(h2, found, qm.StatevectorBackend(shots=4000), seed=1)
        >>> bool(abs(measured.energy - found.energy) < 5 * measured.stderr[0])
        True
    """
    circuit, params = solution.circuit, solution.params
    if circuit is None or params is None:
        raise CapabilityError(
            "measure_solution: the solution has no circuit, so a device has nothing to run. Use a "
            'solver of circuits such as VQE("uccsd"), ADAPTVQE(), SSVQE() or EOM("q-sc-EOM").'
        )
    _check_size(hamiltonian, circuit)
    if eom is not None:
        assert isinstance(hamiltonian, MolecularHamiltonian)
        found = eom.measured_roots(
            hamiltonian, solution, backend, n_states=solution.n_states, seed=seed
        )
    elif solution.references is not None and len(solution.references) > 1 and params.ndim == 1:
        found = _measured_span(hamiltonian, solution, backend, seed)
    elif params.ndim == 1 and solution.n_states > 1:
        raise CapabilityError(
            f"measure_solution: {solution.n_states} states come from one circuit by more than its "
            "angles. Name the equation of motion (eom=...), or use SSVQE or VQD."
        )
    else:
        found = _measured_states(hamiltonian, solution, backend, seed)
    return replace(
        found,
        circuit=circuit,
        params=params if found.params is None else found.params,
        references=solution.references if found.references is None else found.references,
        reference_energy=solution.reference_energy,
        reference_energies=solution.reference_energies,
        irreps=found.irreps or (solution.irreps if found.n_states == solution.n_states else None),
    )


def _observable(hamiltonian: AnyHamiltonian) -> Observable | PauliSum:
    return hamiltonian if isinstance(hamiltonian, MolecularHamiltonian) else hamiltonian.pauli_sum()


def _check_size(hamiltonian: AnyHamiltonian, circuit: Circuit | QubitCircuit) -> None:
    if isinstance(hamiltonian, MolecularHamiltonian) and isinstance(circuit, Circuit):
        fits = (hamiltonian.norb, hamiltonian.nelec) == (circuit.norb, circuit.nelec)
    else:
        fits = isinstance(circuit, QubitCircuit)
    if not fits:
        raise InputError(
            f"measure_solution: the circuit {circuit.name} on {circuit.n_qubits} qubits is not of "
            "this Hamiltonian. Give the Hamiltonian that was solved."
        )


def _first(hamiltonian: AnyHamiltonian, circuit: Circuit | QubitCircuit) -> Reference:
    """Return what a circuit of one state acts on: Hartree-Fock, or all qubits in 0."""
    if isinstance(hamiltonian, MolecularHamiltonian) and isinstance(circuit, Circuit):
        return Reference.hartree_fock(hamiltonian.norb, hamiltonian.nelec)
    return Reference.determinant("0" * circuit.n_qubits)


def _measured_states(
    hamiltonian: AnyHamiltonian, solution: Solution, backend: Backend, seed: int | None
) -> Solution:
    """Return the energies of one state, or of states with angles of their own."""
    assert solution.circuit is not None
    assert solution.params is not None
    rows = np.atleast_2d(solution.params)
    given = solution.references or (_first(hamiltonian, solution.circuit),)
    references = given if len(given) == len(rows) else given * len(rows)
    requests = [
        Request(
            preparation=Preparation(solution.circuit, reference, row),
            observables=(_observable(hamiltonian),),
        )
        for reference, row in zip(references, rows, strict=True)
    ]
    answers = backend.run(requests, seed=seed)
    values, variances = (
        np.array([float(np.ravel(getattr(one, name))[0]) for one in answers])
        for name in ("values", "variances")
    )
    assert all(isinstance(one, Estimate) for one in answers)
    order = np.argsort(values, kind="stable")
    exact = backend.capabilities.exact
    return Solution(
        energies=values[order],
        unit=hamiltonian.unit,
        status=solution.status,
        stderr=None if exact else np.sqrt(variances[order]),
        circuit=solution.circuit,
        params=solution.params if len(rows) == 1 else rows[order],
        references=None if len(given) == 1 else tuple(references[k] for k in order),
        irreps=None if solution.irreps is None else tuple(solution.irreps[k] for k in order),
        spin_squares=None if solution.spin_squares is None else solution.spin_squares[order],
    )


def _measured_span(
    hamiltonian: AnyHamiltonian, solution: Solution, backend: Backend, seed: int | None
) -> Solution:
    """Return the eigenvalues of the matrix between a circuit's states of all references."""
    assert solution.circuit is not None
    assert solution.references is not None
    preparation = Preparation(solution.circuit, solution.references, solution.params)
    matrix = measured_matrix(_observable(hamiltonian), preparation, backend, seed=seed)
    spin = _common_spin(hamiltonian, solution)
    block = MeasuredBlock(spin=spin, functions=np.eye(len(solution.references)))
    found = measured_levels(hamiltonian, matrix, [block], solution.n_states, status=solution.status)
    return replace(found, spin_squares=solution.spin_squares)


def _common_spin(hamiltonian: AnyHamiltonian, solution: Solution) -> int:
    """Return ``2 S`` where all states share it, else the least the electrons allow."""
    known = set(solution.multiplicities or ())
    if len(known) == 1 and None not in known:
        return int(known.pop() or 1) - 1
    if isinstance(hamiltonian, MolecularHamiltonian):
        return abs(hamiltonian.nelec[0] - hamiltonian.nelec[1])
    return 0
