"""qmlmat's jobs: energy + gradient of ``uccsd`` and of a cluster-Jastrow circuit, batches."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.problem import SPACING, Problem, digest, random_jastrow
from benchmarks.workers.serve import Job

BATCH = 64
"""Parameter vectors of the batch."""


def write_chain(request: Mapping[str, Any]) -> dict[str, Any]:
    """Compute one chain's integrals and generators and write them for all programs."""
    import qmlmat as qm  # noqa: PLC0415

    atoms = int(request["atoms"])
    chain = qm.Molecule.from_xyz("; ".join(f"H 0 0 {SPACING * k}" for k in range(atoms)))
    hamiltonian = qm.molecular_hamiltonian(chain)
    circuit = qm.VQE("uccsd").circuit(hamiltonian)
    excitations = np.full((len(circuit.gates), 2, 2, 2), -1)
    for k, gate in enumerate(circuit.gates):
        if gate.param != k or gate.scale != 1.0:
            raise ValueError(f"gate {k} of uccsd shares or scales its parameter: peers cannot")
        for spin, moves in enumerate((gate.generator.alpha, gate.generator.beta)):
            for j, move in enumerate(moves):
                excitations[k, spin, j] = move
    Problem(
        atoms=atoms,
        one_body=hamiltonian.one_body,
        two_body=hamiltonian.two_body,
        core_energy=hamiltonian.core_energy,
        nelec=hamiltonian.nelec,
        hartree_fock=hamiltonian.mean_field_energy,
        excitations=excitations,
    ).save(Path(request["problem"]))
    return {
        "dimension": hamiltonian.dimension,
        "generators": len(circuit.gates),
        "hartree_fock": hamiltonian.mean_field_energy,
    }


def hamiltonian_of(problem: Problem) -> Any:  # noqa: ANN401 (qmlmat may be missing)
    """Return qmlmat's Hamiltonian of the chain."""
    import qmlmat as qm  # noqa: PLC0415

    return qm.MolecularHamiltonian(
        one_body=problem.one_body,
        two_body=problem.two_body,
        core_energy=problem.core_energy,
        nelec=problem.nelec,
    )


def evaluator_of(hamiltonian: Any) -> Any:  # noqa: ANN401
    """Return the prepared evaluator of the chain's ``uccsd`` energy."""
    import qmlmat as qm  # noqa: PLC0415

    circuit = qm.VQE("uccsd").circuit(hamiltonian)
    reference = qm.Reference.hartree_fock(hamiltonian.norb, hamiltonian.nelec)
    preparation = qm.Preparation(circuit, reference)
    request = qm.Request(preparation=preparation, observables=(hamiltonian,))
    return qm.SectorBackend().prepare(request)


def uccsd(problem: Problem) -> Job:
    """Return one energy + full gradient."""
    evaluator = evaluator_of(hamiltonian_of(problem))
    params = problem.params(evaluator.n_params)
    answer = evaluator.value_and_gradient(params)
    facts = {
        "gates": evaluator.n_params,
        "zero_energy": float(evaluator(np.zeros(evaluator.n_params)).values.ravel()[0]),
        "energy": float(answer.values.ravel()[0]),
        "gradient": digest(answer.gradient),
    }
    vectors = problem.vectors(evaluator.n_params)
    return Job(lambda: evaluator.value_and_gradient(next(vectors)), facts)


def sigma(problem: Problem) -> Job:
    """Return one application of the Hamiltonian to a random state."""
    hamiltonian = hamiltonian_of(problem)
    state = np.random.default_rng(0).normal(size=hamiltonian.shape)
    energy = float(np.vdot(state, hamiltonian.matvec(state)))
    return Job(lambda: hamiltonian.matvec(state), {"energy": energy / float(np.vdot(state, state))})


def complex_sigma(problem: Problem) -> Job:
    """Return one application of the Hamiltonian to a random complex state."""
    hamiltonian, rng = hamiltonian_of(problem), np.random.default_rng(0)
    state = rng.normal(size=hamiltonian.shape) + 1j * rng.normal(size=hamiltonian.shape)
    energy = np.vdot(state, hamiltonian.matvec(state)).real / np.vdot(state, state).real
    return Job(lambda: hamiltonian.matvec(state), {"energy": float(energy)})


def _many(problem: Problem) -> tuple[Any, np.ndarray]:
    evaluator = evaluator_of(hamiltonian_of(problem))
    return evaluator, problem.params(BATCH * evaluator.n_params).reshape(BATCH, -1)


def batch(problem: Problem) -> Job:
    """Return energies + gradients of 64 parameter vectors in one call."""
    evaluator, params = _many(problem)
    return Job(
        lambda: evaluator.value_and_gradient(params),
        {"vectors": BATCH, "gradient": digest(evaluator.value_and_gradient(params).gradient)},
    )


def one_by_one(problem: Problem) -> Job:
    """Return the same energies + gradients in 64 calls."""
    evaluator, params = _many(problem)

    def run() -> list[np.ndarray]:
        return [evaluator.value_and_gradient(row).gradient for row in params]

    return Job(run, {"vectors": BATCH, "gradient": digest(np.array(run()))})


def _lucj_preparation(problem: Problem) -> Any:  # noqa: ANN401
    """Return the cluster-Jastrow circuit that ffsim gets as matrices, with its parameters."""
    import qmlmat as qm  # noqa: PLC0415
    from qmlmat.ansatz.jastrow import jastrow_circuit, jastrow_params  # noqa: PLC0415

    jastrow = random_jastrow(problem)
    same, mixed = jastrow.same_spin, jastrow.mixed_spin
    circuit = jastrow_circuit(
        problem.norb,
        problem.nelec,
        n_reps=len(jastrow.rotations),
        same_spin=same,
        mixed_spin=mixed,
    )
    params = jastrow_params(
        jastrow.rotations,
        jastrow.coulomb[:, 0],
        jastrow.coulomb[:, 1],
        same_pairs=same,
        mixed_pairs=mixed,
    )
    reference = qm.Reference.hartree_fock(problem.norb, problem.nelec)
    return qm.Preparation(circuit, reference, params)


def lucj(problem: Problem) -> Job:
    """Return one energy + full gradient of the cluster-Jastrow circuit."""
    import qmlmat as qm  # noqa: PLC0415

    preparation = _lucj_preparation(problem)
    request = qm.Request(preparation=preparation, observables=(hamiltonian_of(problem),))
    evaluator = qm.SectorBackend().prepare(request)
    params = preparation.params
    energy = float(evaluator.value_and_gradient(params).values.ravel()[0])
    facts = {"gates": len(preparation.circuit.gates), "params": len(params), "energy": energy}
    vectors = cycle([params, -params])
    return Job(lambda: evaluator.value_and_gradient(next(vectors)), facts)


def lucj_state(problem: Problem) -> Job:
    """Return the cluster-Jastrow circuit's state."""
    import qmlmat as qm  # noqa: PLC0415

    backend, preparation = qm.SectorBackend(), _lucj_preparation(problem)
    energy = hamiltonian_of(problem).sigma  # made once, for the check below
    state = backend.state(preparation)
    parts = (np.ascontiguousarray(state.real), np.ascontiguousarray(state.imag))
    facts = {
        "gates": len(preparation.circuit.gates),
        "energy": sum(float(np.vdot(part, energy.apply(part))) for part in parts),
    }
    return Job(lambda: backend.state(preparation), facts)
