"""Derivatives beyond the gradient: pools, the Fubini-Study metric, Hessian-vector products.

Each function takes one state: a preparation with one reference, and one vector of parameters.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from qmlmat.ansatz import Circuit
from qmlmat.backends.requests import Preparation
from qmlmat.backends.sector_evaluator import apply_observable, program_of
from qmlmat.backends.sector_kernels import (
    backward,
    brackets,
    metric_backward,
    tangent_backward,
    tangent_forward,
)
from qmlmat.backends.sector_program import Program, compile_circuit
from qmlmat.typing import FloatArray, IntArray, Observable

TANGENTS: Final = 8
"""Tangent vectors the metric carries through one sweep: what stays in the processor's cache."""


def pool_gradients(
    preparation: Preparation, params: FloatArray, observable: Observable, pool: Circuit
) -> FloatArray:
    """Return the slopes of a pool's elements at zero angle, shape ``(n_pool,)``."""
    (reference,) = preparation.references
    real = preparation.fermionic.is_real and reference.is_real and pool.is_real
    program = compile_circuit(preparation.fermionic, complex_states=not real)
    (ket,) = _prepare(program, preparation, params)
    bra = apply_observable(program, observable, ket)
    elements = compile_circuit(pool, complex_states=not real)
    sums = np.zeros(len(pool.gates))
    elements.sweep(brackets, bra, ket, sums=(sums,))
    return elements.collect(2.0 * sums)


def hessian_product(
    preparation: Preparation, params: FloatArray, observable: Observable, direction: FloatArray
) -> FloatArray:
    """Return the Hessian of an expectation times a vector, shape ``(n_params,)``.

    The state and its derivative along the vector are prepared together; the adjoint sweep runs
    on kets, bras and the derivatives of both: two applications of the observable.
    """
    program = program_of(preparation)
    angles, rates = program.angles(params), program.angles(direction)
    (reference,) = preparation.references
    places, amplitudes = program.start(reference)
    vectors = np.zeros((4, program.size))
    vectors[0, places] = amplitudes
    program.sweep(tangent_forward, vectors[0], vectors[2], angles, rates)
    vectors[1] = apply_observable(program, observable, vectors[0])
    vectors[3] = apply_observable(program, observable, vectors[2])
    curves = np.zeros(len(angles))
    program.sweep(tangent_backward, vectors, angles, rates, sums=(curves,))
    return program.collect(curves)


def metric(preparation: Preparation, params: FloatArray) -> FloatArray:
    """Return the Fubini-Study metric, shape ``(n_params, n_params)``.

    ``<d_i psi|d_j psi>`` for gate i before gate j is ``<G_i psi_i|U^-1 G_j psi_j>`` with ``U`` the
    gates between them: undoing the circuit from its end, each gate's tangent vector joins the
    sweep at its gate and meets all earlier gates on the way down. A few tangents share a sweep.

    References:
        T. Jones, arXiv:2011.02991 (2020).
    """
    program = program_of(preparation)
    angles = program.angles(params)
    (state,) = _prepare(program, preparation, params)
    vectors = np.zeros((1 + min(TANGENTS, program.n_params), program.size))
    vectors[0] = state
    last_group = _last_groups(program)
    order = np.argsort(-last_group, kind="stable")
    later = np.zeros((program.n_params, program.n_params))  # [i, k]: gates of i before gates of k
    norms = np.zeros(len(angles))
    done = program.n_groups  # the groups that `state` still contains
    for begin in range(0, program.n_params, TANGENTS):
        some = order[begin : begin + TANGENTS]
        top = int(last_group[some[0]]) + 1  # no tangent of this sweep or the next starts above
        _meet(program, state[None], angles, np.zeros(0, np.int64), (top, done))
        done = top
        vectors[0], vectors[1:] = state, 0.0
        products, squares = _meet(program, vectors[: 1 + len(some)], angles, some, (0, top))
        later[:, some] = program.collect(products.T)[1:].T
        norms += squares
    metric = later + later.T
    metric[np.diag_indices_from(metric)] += program.collect(program.scale * norms)
    if program.n_planes == 2:
        phases = _phases(program, preparation, params)
        metric -= np.outer(phases, phases)
    return metric


def _meet(
    program: Program,
    vectors: FloatArray,
    angles: FloatArray,
    some: IntArray,
    which: tuple[int, int],
) -> tuple[FloatArray, FloatArray]:
    """Undo some groups on a state and some parameters' tangents, which start on the way.

    Returns:
        Products of every gate's tangent with those born before it, ``(n_gates, 1 + n_some)``, and
        the squared norms of the tangents of the gates of ``some``, ``(n_gates,)``.
    """
    births = np.zeros(len(angles), dtype=np.int64)
    for number, k in enumerate(some, start=1):
        births[program.param == k] = number
    products, norms = np.zeros((len(angles), len(vectors))), np.zeros(len(angles))
    program.sweep(
        metric_backward,
        vectors,
        angles,
        births,
        program.scale,
        sums=(products, norms),
        which=which,
    )
    return products, np.where(births > 0, norms, 0.0)


def _last_groups(program: Program) -> IntArray:
    """Return the last group in which each parameter has a gate, shape ``(n_params,)``."""
    groups = program.tables[0]
    group = np.repeat(np.arange(len(groups)), groups[:, 6] - groups[:, 5])
    last = np.zeros(program.n_params, dtype=np.int64)
    np.maximum.at(last, program.param, group)
    return last


def _phases(program: Program, preparation: Preparation, params: FloatArray) -> FloatArray:
    """Return ``Im <psi|d_i psi>``, shape ``(n_params,)``; zero for real states."""
    kets = _prepare(program, preparation, params)
    real, imaginary = np.split(kets, 2, axis=1)
    bras = np.concatenate([-imaginary, real], axis=1)  # i |psi>
    angles = program.angles(params[None])
    sums = np.zeros_like(angles)
    program.sweep(backward, kets, bras, angles, sums=(sums,))
    phases: FloatArray = 0.5 * program.collect(sums)[0]
    return phases


def _prepare(program: Program, preparation: Preparation, params: FloatArray) -> FloatArray:
    """Return the prepared state as one row, shape ``(1, size)``."""
    (reference,) = preparation.references
    return program.prepare([program.start(reference)], program.angles(params[None]))
