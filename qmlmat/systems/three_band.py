"""The three-band model of MX2 monolayers: its matrix, and what commutes with it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from qmlmat.typing import FloatArray

ORBITALS: Final = ("d_z2", "d_xy", "d_x2-y2")
"""Orbitals of the metal, in their order."""
R3: Final = np.sqrt(3.0)
"""The square root that a triangular lattice brings."""


def three_band_matrix(
    p: SimpleNamespace, alpha: FloatArray, beta: FloatArray
) -> NDArray[np.complex128]:
    """Return ``H(k)`` of the third-neighbour model, shape ``(..., 3, 3)`` (eV).

    Without r and u it is the nearest-neighbour model.

    Args:
        p: The parameters (eV).
        alpha: ``k_x a / 2`` (radians).
        beta: ``sqrt(3) k_y a / 2`` (radians).
    """
    v0, v11, v22 = _diagonal(p, alpha, beta)
    v1, v2, v12 = _off_diagonal(p, alpha, beta)
    rows = [[v0, v1, v2], [v1.conj(), v11, v12], [v2.conj(), v12.conj(), v22]]
    return np.moveaxis(np.array(rows, dtype=np.complex128), (0, 1), (-2, -1))


def _diagonal(p: SimpleNamespace, alpha: FloatArray, beta: FloatArray) -> FloatArray:
    """Return the diagonal, d_z2, d_xy and d_x2-y2, shape ``(3, ...)`` (eV)."""
    cos_2a, cos_4a, cos_2b = np.cos(2 * alpha), np.cos(4 * alpha), np.cos(2 * beta)
    near = np.cos(alpha) * np.cos(beta)
    second = np.cos(3 * alpha) * np.cos(beta)
    third = cos_2a * cos_2b
    v0 = (
        p.e1
        + 2 * p.t0 * (2 * near + cos_2a)
        + 2 * p.r0 * (2 * second + cos_2b)
        + 2 * p.u0 * (2 * third + cos_4a)
    )
    v11 = (
        p.e2
        + (p.t11 + 3 * p.t22) * near
        + 2 * p.t11 * cos_2a
        + 4 * p.r11 * second
        + 2 * (p.r11 + R3 * p.r12) * cos_2b
        + (p.u11 + 3 * p.u22) * third
        + 2 * p.u11 * cos_4a
    )
    v22 = (
        p.e2
        + (3 * p.t11 + p.t22) * near
        + 2 * p.t22 * cos_2a
        + 2 * p.r11 * (2 * second + cos_2b)
        + 2 / R3 * p.r12 * (4 * second - cos_2b)
        + (3 * p.u11 + p.u22) * third
        + 2 * p.u22 * cos_4a
    )
    return np.array([v0, v11, v22])


def _off_diagonal(
    p: SimpleNamespace, alpha: FloatArray, beta: FloatArray
) -> NDArray[np.complex128]:
    """Return couplings of z2 to xy, z2 to x2-y2 and xy to x2-y2, shape ``(3, ...)`` (eV)."""
    cos_a, cos_2a, cos_3a, cos_4a = (np.cos(m * alpha) for m in (1, 2, 3, 4))
    sin_a, sin_2a, sin_3a = (np.sin(m * alpha) for m in (1, 2, 3))
    cos_b, cos_2b, sin_b, sin_2b = np.cos(beta), np.cos(2 * beta), np.sin(beta), np.sin(2 * beta)
    plus, minus = p.r1 + p.r2, p.r1 - p.r2
    re_v1 = (
        -2 * R3 * p.t2 * sin_a * sin_b + 2 * plus * sin_3a * sin_b - 2 * R3 * p.u2 * sin_2a * sin_2b
    )
    im_v1 = (
        2 * p.t1 * sin_a * (2 * cos_a + cos_b)
        + 2 * minus * sin_3a * cos_b
        + 2 * p.u1 * sin_2a * (2 * cos_2a + cos_2b)
    )
    re_v2 = (
        2 * p.t2 * (cos_2a - cos_a * cos_b)
        - 2 / R3 * plus * (cos_3a * cos_b - cos_2b)
        + 2 * p.u2 * (cos_4a - cos_2a * cos_2b)
    )
    im_v2 = (
        2 * R3 * p.t1 * cos_a * sin_b
        + 2 / R3 * minus * sin_b * (cos_3a + 2 * cos_b)
        + 2 * R3 * p.u1 * cos_2a * sin_2b
    )
    re_v12 = (
        R3 * (p.t22 - p.t11) * sin_a * sin_b
        + 4 * p.r12 * sin_3a * sin_b
        + R3 * (p.u22 - p.u11) * sin_2a * sin_2b
    )
    im_v12 = 4 * p.t12 * sin_a * (cos_a - cos_b) + 4 * p.u12 * sin_2a * (cos_2a - cos_2b)
    return np.array([re_v1 + 1j * im_v1, re_v2 + 1j * im_v2, re_v12 + 1j * im_v12])


def orbital_angular_momentum(*, soc: bool = False) -> NDArray[np.complex128]:
    """Return ``L_z`` in the orbitals of ``monolayer``, shape ``(3, 3)`` or ``(6, 6)`` (hbar).

    Its eigenvalues are 0 and, for d_x2-y2 and d_xy together, -2 and 2. It commutes with ``H(k)``
    at Gamma, K and K1 only, and with spin-orbit coupling, too.

    Args:
        soc: For the model with spin-orbit coupling, the same in both spins.
    """
    orbitals = np.array([[0, 0, 0], [0, 0, 2j], [0, -2j, 0]], dtype=np.complex128)
    return _with_spin(np.eye(2), orbitals) if soc else orbitals


def mirror_x(*, soc: bool = False) -> NDArray[np.complex128]:
    """Return the mirror x -> -x in the orbitals of ``monolayer``, shape ``(3, 3)`` or ``(6, 6)``.

    It turns the sign of d_xy and commutes with ``H(k)`` where k_x = 0, the line Gamma-M1. It turns
    L_z round, so spin-orbit coupling survives it only if the spin is turned, too: the mirror is
    then ``sigma_x`` times that of the orbitals, and exchanges the spin blocks.

    Args:
        soc: For the model with spin-orbit coupling.
    """
    orbitals = np.diag([1.0, -1.0, 1.0]).astype(np.complex128)
    return _with_spin(np.array([[0.0, 1.0], [1.0, 0.0]]), orbitals) if soc else orbitals


def spin_z() -> NDArray[np.complex128]:
    """Return ``S_z`` of ``monolayer`` with spin-orbit coupling, shape ``(6, 6)`` (hbar).

    It commutes with ``H(k)`` at every k.
    """
    return _with_spin(np.diag([0.5, -0.5]), np.eye(3))


def _with_spin(spin: FloatArray, orbitals: NDArray[Any]) -> NDArray[np.complex128]:
    return np.kron(spin.astype(np.complex128), orbitals)
