"""The exact backend: state vectors of one ``(norb, nelec)`` sector, never of the full register."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qmlmat.ansatz import Circuit
from qmlmat.backends.base import Capabilities
from qmlmat.backends.requests import (
    Counts,
    Estimate,
    Preparation,
    Request,
    check_params,
    given_params,
)
from qmlmat.backends.sector_evaluator import (
    SectorEvaluator,
    as_rows,
    as_states,
    check_observable,
    program_of,
)
from qmlmat.backends.sector_kernels import forward
from qmlmat.backends.sector_program import compile_circuit
from qmlmat.backends.sector_tangents import hessian_product, metric, pool_gradients
from qmlmat.errors import CapabilityError, InputError
from qmlmat.operators.pauli import PauliSum
from qmlmat.operators.sector import Sector
from qmlmat.systems import transition_one_rdm
from qmlmat.typing import FloatArray, Observable, StateArray


@dataclass(frozen=True)
class SectorBackend:
    """Exact simulation of circuits that conserve the electrons of each spin.

    States are PySCF CI vectors, shape ``(n_alpha_strings, n_beta_strings)``: float64, or
    complex128 where the circuit turns phases. A gate rotates pairs of determinants; derivatives
    come from one adjoint sweep whatever the number of parameters. Threads: ``set_num_threads``.
    """

    @property
    def capabilities(self) -> Capabilities:
        """Exact expectations, gradients and states; no shots."""
        return Capabilities(exact=True, gradient=True, state=True, counts=False)

    def inputs(self) -> dict[str, Any]:
        """Return what determines the answers, as plain values."""
        return {"backend": "sector"}

    def prepare(
        self,
        request: Request,
        *,
        seed: int | None = None,  # noqa: ARG002 (the interface's; exact answers need none)
    ) -> SectorEvaluator:
        """Return an evaluator of the request's expectations.

        Raises:
            CapabilityError: If the request asks for shots or counts.
            InputError: If an observable lives in another sector than the circuit.
        """
        if request.shots is not None or request.observables is None:
            raise CapabilityError(
                f"SectorBackend.prepare(shots={request.shots}): this backend is exact and gives "
                "expectations only. Leave shots=None and name the observables."
            )
        sums = [one for one in request.observables if isinstance(one, PauliSum)]
        if sums:
            raise CapabilityError(
                f"SectorBackend.prepare: a PauliSum on {sums[0].n_qubits} qubits. Measure it on "
                "StatevectorBackend(), or give the observable it came from."
            )
        observables = tuple(o for o in request.observables if not isinstance(o, PauliSum))
        return SectorEvaluator(request.preparation, observables, paired=request.pairing == "each")

    def run(
        self,
        requests: Sequence[Request],
        *,
        seed: int | None = None,  # noqa: ARG002 (the interface's; exact answers need none)
    ) -> list[Estimate | Counts]:
        """Return the exact expectations of each request.

        Raises:
            CapabilityError: If a request asks for shots or counts.
            InputError: If a request brings no parameters, or of the wrong shape.
        """
        answers: list[Estimate | Counts] = []
        for request in requests:
            evaluator = self.prepare(request)
            answers.append(evaluator(given_params(request.preparation, "SectorBackend.run")))
        return answers

    def state(self, preparation: Preparation) -> StateArray:
        """Return the prepared states, ``(..., [n_references,] n_alpha_strings, n_beta_strings)``.

        Raises:
            InputError: If parameters are missing or of the wrong shape.
        """
        params = given_params(preparation, "SectorBackend.state")
        program = program_of(preparation)
        starts = [program.start(reference) for reference in preparation.references]
        angles = program.angles(as_states(params, len(starts)))
        rows = program.prepare(starts * (len(angles) // len(starts)), angles)
        axes = (*params.shape[:-1], *preparation.batch_axes)
        return program.states(rows).reshape(*axes, *program.sector.shape)

    def apply(self, circuit: Circuit, state: StateArray, params: FloatArray) -> StateArray:
        """Return ``U(params)`` applied to states: one or many, with one or many parameter vectors.

        Args:
            circuit: The circuit.
            state: Sector vectors, shape ``(..., n_alpha_strings, n_beta_strings)``.
            params: Shape ``(..., n_params)`` (radians); leading axes broadcast with the states'.

        Returns:
            Shape ``(..., n_alpha_strings, n_beta_strings)`` with the leading axes broadcast;
            complex where a state or the circuit is.

        Raises:
            InputError: If a shape is wrong.
        """
        array = np.asarray(state)
        sector = Sector(circuit.norb, circuit.nelec)
        angles = check_params(params, circuit.n_params, what="SectorBackend.apply")
        if array.shape[-2:] != sector.shape:
            raise InputError(
                f"SectorBackend.apply: the state has shape {array.shape}, the sector of the "
                f"circuit {sector.shape}. Use the circuit's norb and nelec."
            )
        try:
            batch = np.broadcast_shapes(array.shape[:-2], angles.shape[:-1])
        except ValueError as error:
            raise InputError(
                f"SectorBackend.apply: states {array.shape[:-2]} and params {angles.shape[:-1]} "
                "do not broadcast. Give one of each, or as many states as parameter vectors."
            ) from error
        program = compile_circuit(circuit, complex_states=np.iscomplexobj(array))
        states = np.broadcast_to(array, (*batch, *sector.shape))
        rows = program.flat(states.reshape(-1, *sector.shape))
        gate_angles = np.empty((*batch, len(circuit.gates)))
        gate_angles[...] = program.angles(angles)
        gate_angles = as_rows(gate_angles)
        program.share_batch(
            len(rows), lambda part: program.sweep(forward, rows[part], gate_angles[part])
        )
        return program.states(rows).reshape(states.shape)

    def overlap(self, bra: Preparation, ket: Preparation) -> StateArray:
        """Return ``<bra|ket>`` of every prepared bra with every prepared ket.

        Returns:
            Shape ``(*bra_batch, *ket_batch)``; complex where a state is.

        Raises:
            InputError: If parameters are missing, or the sectors differ.
        """
        _check_sectors("overlap", bra, ket)
        bras, kets = self.state(bra), self.state(ket)
        dimension = math.prod(bras.shape[-2:])
        table = bras.reshape(-1, dimension).conj() @ kets.reshape(-1, dimension).T
        return table.reshape((*bras.shape[:-2], *kets.shape[:-2]))

    def transition(
        self, bra: Preparation, ket: Preparation, *, spin_resolved: bool = False
    ) -> StateArray:
        """Return the one-particle transition density matrices ``<bra|a†_p a_q|ket>``.

        Args:
            bra: The states on the left, one or a batch.
            ket: The states on the right, one or a batch.
            spin_resolved: Keep alpha and beta apart.

        Returns:
            Every bra with every ket, shape ``(*bra_batch, *ket_batch, norb, norb)``; with
            ``spin_resolved`` ``(*bra_batch, *ket_batch, 2, norb, norb)``, alpha first.

        Raises:
            InputError: If parameters are missing, or the sectors differ.
        """
        _check_sectors("transition", bra, ket)
        bras, kets = self.state(bra), self.state(ket)
        norb, nelec = bra.fermionic.norb, bra.fermionic.nelec
        shape = (*bras.shape[:-2], *kets.shape[:-2], *([2] if spin_resolved else []), norb, norb)
        matrices = np.empty(shape, dtype=np.result_type(bras, kets))
        for i in np.ndindex(bras.shape[:-2]):
            for j in np.ndindex(kets.shape[:-2]):
                matrices[i + j] = transition_one_rdm(
                    bras[i], kets[j], norb, nelec, spin_resolved=spin_resolved
                )
        return matrices

    def pool_gradients(
        self, preparation: Preparation, observable: Observable, pool: Circuit
    ) -> FloatArray:
        """Return the slope each element of a pool would have if it were appended, at zero angle.

        Element ``k`` is ``<psi| [O, A_k] |psi>`` with ``A_k`` the sum of the generators that
        share the pool's parameter ``k``: what ADAPT-VQE chooses by. One sweep for all.

        Args:
            preparation: The states, one or a batch.
            observable: The observable ``O``.
            pool: The pool, as a circuit with one parameter for each element.

        Returns:
            Shape ``(..., [n_references,] n_pool)`` (the observable's unit per radian).

        Raises:
            InputError: If parameters are missing, or the sectors differ.

        References:
            H. R. Grimsley et al., Nat. Commun. 10, 3007 (2019).
        """
        params = given_params(preparation, "SectorBackend.pool_gradients")
        check_observable(preparation.fermionic, observable)
        if (pool.norb, pool.nelec) != (preparation.fermionic.norb, preparation.fermionic.nelec):
            raise InputError(
                f"SectorBackend.pool_gradients: the pool is on norb={pool.norb}, "
                f"nelec={pool.nelec}, the state on norb={preparation.fermionic.norb}, "
                f"nelec={preparation.fermionic.nelec}. Build both for the same sector."
            )
        slopes = [
            pool_gradients(one, row, observable, pool) for one, row in _states(preparation, params)
        ]
        axes = (*params.shape[:-1], *preparation.batch_axes)
        return np.array(slopes).reshape(*axes, pool.n_params)

    def metric(self, preparation: Preparation) -> FloatArray:
        """Return the Fubini-Study metric, the natural gradient's matrix.

        ``g_ij = Re <d_i psi|d_j psi> - <d_i psi|psi><psi|d_j psi>``.

        Args:
            preparation: The states, one or a batch.

        Returns:
            Symmetric, positive semidefinite, ``(..., [n_references,] n_params, n_params)``.

        Raises:
            InputError: If parameters are missing or of the wrong shape.

        References:
            J. Stokes, J. Izaac, N. Killoran, G. Carleo, Quantum 4, 269 (2020).
        """
        params = given_params(preparation, "SectorBackend.metric")
        tables = [metric(one, row) for one, row in _states(preparation, params)]
        n_params = preparation.fermionic.n_params
        axes = (*params.shape[:-1], *preparation.batch_axes)
        return np.array(tables).reshape(*axes, n_params, n_params)

    def hvp(
        self, preparation: Preparation, observable: Observable, direction: FloatArray
    ) -> FloatArray:
        """Return the product of an expectation's Hessian with a vector.

        Args:
            preparation: The states, one or a batch.
            observable: The observable.
            direction: The vector, shape ``(..., n_params)``; leading axes broadcast with those of
                the parameters.

        Returns:
            Shape ``(..., n_params)`` (the observable's unit per radian squared, times the
            vector's).

        Raises:
            InputError: If parameters are missing, or a shape is wrong.
        """
        params = given_params(preparation, "SectorBackend.hvp")
        check_observable(preparation.fermionic, observable)
        vectors = check_params(direction, preparation.fermionic.n_params, what="SectorBackend.hvp")
        try:
            params, vectors = np.broadcast_arrays(params, vectors)
        except ValueError as error:
            raise InputError(
                f"SectorBackend.hvp: params of shape {params.shape} and a direction of shape "
                f"{vectors.shape} do not broadcast. Give one of each, or as many."
            ) from error
        n_references = len(preparation.references)
        products = [
            hessian_product(one, row, observable, vector)
            for (one, row), vector in zip(
                _states(preparation, params), as_states(vectors, n_references), strict=True
            )
        ]
        axes = (*params.shape[:-1], *preparation.batch_axes)
        return np.array(products).reshape(*axes, params.shape[-1])


def _states(
    preparation: Preparation, params: FloatArray
) -> Iterator[tuple[Preparation, FloatArray]]:
    """Yield each state of a batch: a preparation with one reference, and its parameters."""
    for row in as_rows(params):
        for reference in preparation.references:
            yield replace(preparation, reference=reference), row


def _check_sectors(what: str, bra: Preparation, ket: Preparation) -> None:
    left, right = ((p.fermionic.norb, p.fermionic.nelec) for p in (bra, ket))
    if left != right:
        raise InputError(
            f"SectorBackend.{what}: the bra is on norb={left[0]}, nelec={left[1]}, the ket on "
            f"norb={right[0]}, nelec={right[1]}. Use circuits of one sector."
        )
