"""MindQuantum's configuration-interaction simulator mqchem.

It keeps the number of electrons, not each spin's: its vector is longer than ours. Spin orbitals
alternate. A product of moves ``a†_t f`` is our excitation, so equal lists give equal energies.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.problem import Problem, digest
from benchmarks.workers.serve import Job, Maker, serve


def _connect() -> Mapping[str, Maker]:
    import_module("pyscf.cc")  # a missing program is an answer
    import_module("mindquantum.simulator.mqchem")
    return {"uccsd": equal_list, "own list": own_list}


def equal_list(problem: Problem) -> Job:
    """Return one energy + gradient of our generators in our order."""
    from mindquantum.core.circuit import Circuit  # noqa: PLC0415
    from mindquantum.core.operators import FermionOperator, InteractionOperator  # noqa: PLC0415
    from mindquantum.simulator import mqchem  # noqa: PLC0415

    circuit = Circuit()
    for k, moves in enumerate(problem.moves()):
        words = [f"{2 * a + s}^ {2 * i + s}" for s in (0, 1) for i, a in moves[s]]
        circuit += mqchem.UCCExcitationGate(FermionOperator(" ".join(words), f"t{k}"))
    operator = InteractionOperator(*_spin_orbital_tensors(problem).values())
    hamiltonian = mqchem.CIHamiltonian(FermionOperator(operator).normal_ordered())
    return _job(hamiltonian, circuit, problem)


def own_list(problem: Problem) -> Job:
    """Return one energy + gradient of its default: singlet UCCSD with CCSD amplitudes > 1e-6."""
    from mindquantum.simulator import mqchem  # noqa: PLC0415

    tensors = _spin_orbital_tensors(problem)
    singles, doubles = _ccsd_amplitudes(problem)
    molecule = SimpleNamespace(
        n_qubits=2 * problem.norb,
        n_electrons=sum(problem.nelec),
        ccsd_single_amps=singles,
        ccsd_double_amps=doubles,
        get_molecular_hamiltonian=lambda: SimpleNamespace(n_body_tensors=tensors),
    )
    hamiltonian, circuit, _ = mqchem.prepare_uccsd_vqe(molecule)
    return _job(hamiltonian, circuit, problem)


def _job(hamiltonian: Any, circuit: Any, problem: Problem) -> Job:  # noqa: ANN401
    from mindquantum.simulator import mqchem  # noqa: PLC0415

    simulator = mqchem.MQChemSimulator(2 * problem.norb, sum(problem.nelec), seed=1)
    call = simulator.get_expectation_with_grad(hamiltonian, circuit)
    n_params = len(circuit.params_name)
    params = problem.params(n_params)
    energy, gradient = call(params)
    facts = {
        "gates": len(circuit),
        "params": n_params,
        "zero_energy": float(call(np.zeros(n_params))[0]),
        "energy": float(energy),
        "gradient": digest(gradient),
    }
    vectors = problem.vectors(n_params)
    return Job(lambda: call(next(vectors)), facts)


def _spin_orbital_tensors(problem: Problem) -> dict[tuple[int, ...], Any]:
    """Return the coefficients of 1, ``a†_p a_q`` and ``a†_p a†_q a_r a_s``."""
    n = 2 * problem.norb
    one, two = np.zeros((n, n)), np.zeros((n, n, n, n))
    half = 0.5 * problem.two_body.transpose(0, 2, 3, 1)  # [p, q, r, s] = (ps|qr) / 2
    for s in (0, 1):
        one[s::2, s::2] = problem.one_body
        for t in (0, 1):
            two[s::2, t::2, t::2, s::2] = half
    return {(): problem.core_energy, (1, 0): one, (1, 1, 0, 0): two}


def _ccsd_amplitudes(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Return CCSD amplitudes in OpenFermion's form, ``[a, i]`` and ``[a, i, b, j]``."""
    from pyscf import ao2mo, cc, gto, scf  # noqa: PLC0415
    from pyscf.cc.addons import spatial2spin  # noqa: PLC0415

    molecule = gto.M(verbose=0)
    molecule.nelectron = sum(problem.nelec)
    molecule.incore_anyway = True
    field = scf.RHF(molecule)
    field.get_hcore = lambda *_: problem.one_body
    field.get_ovlp = lambda *_: np.eye(problem.norb)
    field._eri = ao2mo.restore(8, problem.two_body, problem.norb)
    field.mo_coeff = np.eye(problem.norb)
    field.mo_occ = np.where(np.arange(problem.norb) < problem.nelec[0], 2.0, 0.0)
    fock = field.get_fock(dm=field.make_rdm1())
    field.mo_energy, field.converged = fock.diagonal(), True
    field.e_tot = problem.hartree_fock
    solver = cc.CCSD(field)
    solver.kernel()
    t1, t2 = spatial2spin(solver.t1), spatial2spin(solver.t2)
    n, occupied = 2 * problem.norb, sum(problem.nelec)
    singles, doubles = np.zeros((n, n)), np.zeros((n, n, n, n))
    singles[occupied:, :occupied] = t1.T
    doubles[occupied:, :occupied, occupied:, :occupied] = 0.5 * t2.transpose(2, 0, 3, 1)
    return singles, doubles


if __name__ == "__main__":
    serve(("mindquantum", "pyscf", "numpy"), _connect)
