"""What hoppings, cells and momenta must be: the checks of a tight-binding model."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qmlmat.errors import InputError
from qmlmat.typing import FloatArray, IntArray

SMALLEST_VOLUME: Final = 1e-8
"""Volume below which lattice vectors lie in a plane, relative to the product of their lengths."""

CellUnit: TypeAlias = Literal["angstrom", "a"]
"""Unit of a cell: angstrom, or the lattice constant where that is not known."""


def real_numbers(call: str, what: str, given: ArrayLike) -> FloatArray:
    """Return a new array of real numbers.

    Raises:
        InputError: If they are not numbers, or rows differ in length.
    """
    return _numbers(call, what, given, np.dtype(np.float64))


def complex_numbers(call: str, what: str, given: ArrayLike) -> NDArray[np.complex128]:
    """Return a new array of complex numbers.

    Raises:
        InputError: If they are not numbers, or rows differ in length.
    """
    return _numbers(call, what, given, np.dtype(np.complex128))


def _numbers(call: str, what: str, given: ArrayLike, dtype: np.dtype[Any]) -> NDArray[Any]:
    try:
        return np.array(given, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{call}: {what} cannot be an array ({error}). Use numbers, rows of equal length."
        ) from None


def opposites(translations: IntArray) -> list[int | None]:
    """Return for each R the place of -R, or ``None`` where that is not listed."""
    place = {tuple(cell): i for i, cell in enumerate(translations.tolist())}
    return [place.get(tuple(cell)) for cell in (-translations).tolist()]


def hermitian_part(
    translations: IntArray, hoppings: NDArray[np.complex128]
) -> NDArray[np.complex128]:
    """Return ``(H_R + H_-R^H) / 2``, shape of ``hoppings`` (eV); where -R is not listed, half."""
    adjoint = np.zeros_like(hoppings)
    for i, j in enumerate(opposites(translations)):
        if j is not None:
            adjoint[i] = hoppings[j].conj().T
    return 0.5 * (hoppings + adjoint)


def largest_skew(translations: IntArray, hoppings: NDArray[np.complex128]) -> tuple[int, float]:
    """Return the place of the R that differs most from ``H_-R^H``, and by how much (eV)."""
    differences = 2.0 * (hoppings - hermitian_part(translations, hoppings))
    sizes = np.abs(differences).max(axis=(1, 2))
    return int(sizes.argmax()), float(sizes.max())


def checked_cell(call: str, given: ArrayLike, unit: str) -> FloatArray:
    """Return three lattice vectors as rows, shape ``(3, 3)`` (``unit``).

    Raises:
        InputError: If they are not finite, not three, or lie in a plane.
    """
    if unit not in get_args(CellUnit):
        raise InputError(f'{call}(cell_unit="{unit}"): not known. Use "angstrom" or "a".')
    cell = real_numbers(call, "the cell", given)
    if cell.shape != (3, 3) or not np.isfinite(cell).all():
        raise InputError(
            f"{call}: the cell has the shape {cell.shape}. Use 3 lattice vectors as rows, shape "
            "(3, 3), of finite numbers; a sheet has a third one, across the vacuum."
        )
    lengths = np.linalg.norm(cell, axis=1)
    if abs(np.linalg.det(cell)) <= SMALLEST_VOLUME * lengths.prod():
        raise InputError(
            f"{call}: the lattice vectors {cell.tolist()} span no volume. Use three that do not "
            "lie in one plane; give a sheet a third one, across the vacuum."
        )
    return cell


def momenta(call: str, k: ArrayLike) -> FloatArray:
    """Return momenta with three numbers each, shape ``(..., 3)``, in the unit they came in.

    Raises:
        InputError: If the last axis has not 2 or 3 numbers, or one is not finite.
    """
    points = real_numbers(call, "the momentum", k)
    if points.ndim < 1 or points.shape[-1] not in {2, 3} or not np.isfinite(points).all():
        raise InputError(
            f"{call}(k of shape {points.shape}): use finite numbers, 3 for each momentum, or 2 in "
            "the plane of a sheet."
        )
    missing = 3 - points.shape[-1]
    return np.pad(points, [(0, 0)] * (points.ndim - 1) + [(0, missing)])


def momentum(call: str, k: ArrayLike) -> tuple[float, float, float]:
    """Return one momentum.

    Raises:
        InputError: If it is not 2 or 3 finite numbers.
    """
    points = momenta(call, k)
    if points.ndim != 1:
        raise InputError(f"{call}(k of shape {points.shape}): use one momentum, 3 numbers or 2.")
    return (float(points[0]), float(points[1]), float(points[2]))
