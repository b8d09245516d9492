"""The matrices of qEOM: double commutators with a state, and their metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.linalg import eig

from qmlmat.errors import InputError
from qmlmat.solvers.manifold import Manifold
from qmlmat.solvers.roots import Root
from qmlmat.typing import FloatArray, StateArray

SMALLEST_METRIC: Final = 1e-6
"""Size of eigenvalues of ``D`` up to which directions are dropped: they excite nothing."""

REAL: Final = 1e-6
"""Imaginary part of an excitation energy from which it counts as an instability (hartree)."""


def real_state(state: StateArray) -> FloatArray:
    """Return a state as a real vector, its global phase removed.

    Raises:
        InputError: If it is complex beyond that.
    """
    largest = state.flat[np.abs(state).argmax()]
    turned = state * (np.abs(largest) / largest)
    if np.abs(np.imag(turned)).max() > 1e-8:
        raise InputError(
            "EOM(qEOM): the ground state is complex, and these equations are for real ones. Use a "
            'circuit of excitations such as VQE("uccsd"), or EOM("q-sc-EOM").'
        )
    return np.ascontiguousarray(np.real(turned))


@dataclass(frozen=True, kw_only=True, eq=False)
class Response:
    """``((A, B), (B, A)) z = w ((D, S), (-S, -D)) z`` for one spin and irrep, real.

    ``A = <[G_i†, H, G_j]>``, ``B = -<[G_i†, H, G_j†]>`` with symmetrised double commutators,
    ``D = <[G_i†, G_j]>``, ``S = -<[G_i†, G_j†]>``.
    """

    excited: FloatArray
    """``G_i|psi>`` as rows, shape ``(n, dimension)``."""
    lowered: FloatArray
    """``G_i†|psi>`` as rows, shape ``(n, dimension)``."""
    a: FloatArray
    """The matrix ``A``, shape ``(n, n)`` (hartree)."""
    b: FloatArray
    """The matrix ``B``, shape ``(n, n)`` (hartree)."""
    delta: FloatArray
    """The matrix ``D``, shape ``(n, n)``."""
    sigma: FloatArray
    """The matrix ``S``, shape ``(n, n)``."""
    shape: tuple[int, int]
    """Shape of a state."""

    @classmethod
    def of(cls, manifold: Manifold, state: StateArray) -> Response:
        """Return the matrices of a manifold's operators in a state that is real up to a phase.

        Args:
            manifold: The operators.
            state: The ground state, shape ``(n_alpha_strings, n_beta_strings)``.

        Raises:
            InputError: If the state is complex.
        """
        state = real_state(state)
        matvec, image = manifold.hamiltonian.matvec, manifold.hamiltonian.matvec(state)
        up, down = (manifold.applied(state, adjoint=adjoint) for adjoint in (False, True))
        h_up, h_down = (np.array([matvec(v) for v in vectors]) for vectors in (up, down))
        up_h, down_h = (manifold.applied(image, adjoint=adjoint) for adjoint in (False, True))
        x, y, hx, hy, xh, yh = (
            np.asarray(v).reshape(manifold.size, -1) for v in (up, down, h_up, h_down, up_h, down_h)
        )
        # <G_i† H G_j> + <G_j H G_i†> minus half of the terms with H outside, and the same with
        # G_j† for G_j: x and y change places on the side of j.
        a = x @ hx.T + hy @ y.T - 0.5 * (xh @ x.T + yh @ y.T + x @ xh.T + y @ yh.T)
        b = -(x @ hy.T + hy @ x.T) + 0.5 * (xh @ y.T + yh @ x.T + x @ yh.T + y @ xh.T)
        return cls(
            excited=x,
            lowered=y,
            a=0.5 * (a + a.T),
            b=0.5 * (b + b.T),
            delta=x @ x.T - y @ y.T,
            sigma=y @ x.T - x @ y.T,
            shape=manifold.hamiltonian.shape,
        )

    @property
    def metric(self) -> FloatArray:
        """The metric ``((D, S), (-S, -D))``, shape ``(2 n, 2 n)``."""
        return np.block([[self.delta, self.sigma], [-self.sigma, -self.delta]])

    @property
    def smallest(self) -> float:
        """Smallest singular value of the metric."""
        return float(np.linalg.svd(self.metric, compute_uv=False)[-1])

    def roots(self, ground_energy: float) -> tuple[list[Root], int]:
        """Return the excited states, and how many roots are not real.

        Args:
            ground_energy: Energy to which excitations are added (hartree).
        """
        weights, turns = np.linalg.eigh(self.delta)
        kept = turns[:, np.abs(weights) > SMALLEST_METRIC]
        a, b, delta, sigma = (kept.T @ m @ kept for m in (self.a, self.b, self.delta, self.sigma))
        left = np.block([[a, b], [b, a]])
        right = np.block([[delta, sigma], [-sigma, -delta]])
        values, vectors = eig(left, right)
        found, n_unstable = [], 0
        for value, vector in zip(values, vectors.T, strict=True):
            if abs(value.imag) > REAL:
                n_unstable += 1
                continue
            pair = vector.real if np.abs(vector.real).max() > 1e-8 else vector.imag
            up, down = np.split(pair, 2)
            if pair @ right @ pair <= 0:
                continue  # de-excitations: the same roots with the other sign
            state = (kept @ up) @ self.excited - (kept @ down) @ self.lowered
            norm = np.linalg.norm(state)
            if norm > 0:
                found.append(
                    Root(
                        energy=ground_energy + float(value.real),
                        state=(state / norm).reshape(self.shape),
                    )
                )
        return found, n_unstable // 2
