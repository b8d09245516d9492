"""A band of images between two geometries whose distances change evenly (IDPP)."""

from __future__ import annotations

import warnings
from typing import Final

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize

from qmlmat.errors import QmlmatWarning
from qmlmat.systems.alignment import laid_onto
from qmlmat.systems.molecule import MIN_DISTANCE
from qmlmat.typing import BoolArray, FloatArray

N_IMAGES: Final = 13
"""Images of the band, however many points are asked for: the path does not depend on them."""

SPRING: Final = 1e-3
"""Stiffness between images (1/Å⁴): too soft to bend the path, enough to keep it from turning."""

STEPS: Final = 5000
"""Most steps of the optimiser; simple molecules take some hundred."""

GRADIENT: Final = 1e-5
"""Largest component of the objective's gradient at convergence (1/Å³)."""

NUDGE: Final = 0.1
"""Displacement that leads atoms round each other where they collide in a straight line (Å)."""


def idpp_images(first: FloatArray, last: FloatArray, n_points: int) -> FloatArray:
    """Return points evenly along the arc of a relaxed band, ``(n_points, n_atoms, 3)`` (Å).

    The band minimises ``sum_k sum_ij (r_ij(k) - d_ij(k))² / r_ij(k)⁴`` with soft springs between
    images, where the distances ``d(k)`` go in a straight line from one end to the other. Each
    image is laid onto the one before, and a cubic spline goes through them.

    Warns with ``QmlmatWarning`` where the band does not converge.

    Args:
        first: Positions of the first geometry, ``(n_atoms, 3)`` (Å).
        last: Positions of the last one, laid onto it.
        n_points: Number of points, both ends included.
    """
    if n_points == 2:
        return np.array([first, last])
    band = _in_a_row(_relaxed(_start(first, last)))
    lengths = np.sqrt((np.diff(band, axis=0) ** 2).sum(axis=(1, 2)))
    arc = np.concatenate((np.zeros(1), np.cumsum(lengths)))
    points = CubicSpline(arc, band)(np.linspace(0.0, arc[-1], n_points))
    points[0], points[-1] = band[0], band[-1]
    return _in_a_row(points)


def _start(first: FloatArray, last: FloatArray) -> FloatArray:
    """Return images on straight ways, bent aside where atoms would collide."""
    fraction = np.linspace(0.0, 1.0, N_IMAGES)[:, None, None]
    images: FloatArray = first + fraction * (last - first)
    apart = np.linalg.norm(images[:, :, None] - images[:, None, :], axis=-1)
    if apart[:, ~np.eye(len(first), dtype=bool)].min() < MIN_DISTANCE:  # singular there
        aside = np.random.default_rng(0).standard_normal(first.shape)
        images = images + NUDGE * np.sin(np.pi * fraction) * aside
    return images


def _in_a_row(images: FloatArray) -> FloatArray:
    """Return images, each laid as a whole onto the one before."""
    laid = [images[0]]
    for image in images[1:]:
        laid.append(laid_onto(laid[-1], image))
    return np.array(laid)


def _relaxed(images: FloatArray) -> FloatArray:
    """Return the images at the minimum of the objective; the ends stay."""
    first, last = images[0], images[-1]
    others = ~np.eye(len(first), dtype=bool)
    fraction = np.linspace(0.0, 1.0, len(images))[:, None, None]
    ends = [np.linalg.norm(end[:, None] - end, axis=-1) for end in (first, last)]
    wanted = ((1 - fraction) * ends[0] + fraction * ends[1])[1:-1]

    def objective(flat: FloatArray) -> tuple[float, FloatArray]:
        inner = flat.reshape(-1, *first.shape)
        value, gradient = _misfit(inner, wanted, others)
        steps = np.diff(np.concatenate((first[None], inner, last[None])), axis=0)
        value += 0.5 * SPRING * float((steps**2).sum())
        gradient += SPRING * (steps[:-1] - steps[1:])
        return value, gradient.ravel()

    options = {"maxiter": STEPS, "maxfun": 2 * STEPS, "gtol": GRADIENT, "ftol": 0.0, "maxcor": 30}
    found = minimize(objective, images[1:-1].ravel(), method="L-BFGS-B", jac=True, options=options)
    largest = float(np.abs(found.jac).max())
    if largest > 10 * GRADIENT:  # the search for a step may end a little earlier
        warnings.warn(
            f'interpolate(method="idpp"): the band has not converged in {found.nit} steps (largest '
            f"gradient {largest:.1e}, wanted {GRADIENT:.0e}). Look at the path, or give a geometry "
            "in between and join two paths.",
            QmlmatWarning,
            stacklevel=4,
        )
    inner: FloatArray = found.x.reshape(-1, *first.shape)
    return np.concatenate((first[None], inner, last[None]))


def _misfit(images: FloatArray, wanted: FloatArray, others: BoolArray) -> tuple[float, FloatArray]:
    """Return the image-dependent pair potential of all images, and its gradient."""
    ways = images[:, :, None] - images[:, None, :]
    apart = np.where(others, np.linalg.norm(ways, axis=-1), 1.0)
    off = np.where(others, apart - wanted, 0.0)
    value = 0.5 * float((off**2 / apart**4).sum())
    slope = off / apart**4 - 2 * off**2 / apart**5
    gradient: FloatArray = 2 * (slope[..., None] * ways / apart[..., None]).sum(axis=2)
    return value, gradient
