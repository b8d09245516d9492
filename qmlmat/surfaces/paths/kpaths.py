"""Paths through reciprocal space, from one special point to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from qmlmat.errors import InputError, nearest
from qmlmat.surfaces.paths.kpoint import SPINS, KPoint
from qmlmat.surfaces.paths.path import Axis, Path
from qmlmat.surfaces.paths.tree import Parents
from qmlmat.typing import FloatArray

if TYPE_CHECKING:
    from qmlmat.systems import TightBindingModel

K_DECIMALS: Final = 12
"""Decimals kept of k between special points and of lengths: the same bits everywhere."""

BOTH: Final = "both"
"""Stands for the bands of both spins."""


def k_path(
    model: TightBindingModel, path: str | None = None, *, n_points: int = 91, spin: str = BOTH
) -> Path:
    """Return the path along which the bands of a crystal are computed.

    The coordinate is the length along the path. Special points are points of the path, with their
    names; in between points are as evenly spread as that allows. A model in which spin is conserved
    has a second coordinate, the spin: the bands of both are one path, in which those of spin down
    begin from spin up at one k, the root. The root is in the middle of the path, where no symmetry
    makes bands meet.

    Args:
        model: The crystal; its cell and special points are used.
        path: Names of special points, e.g. ``"GKMG"``; by default the model's own.
        n_points: Number of k along the path, those of one spin.
        spin: ``"both"``, ``"up"`` or ``"down"``, where the model tells them apart.

    Raises:
        InputError: If a special point or the spin is not known, or there are fewer k than special
            points.

    Example:
        >>> import qmlmat as qm
        >>> path = qm.k_path(qm.graphene(), "GKM", n_points=5)
        >>> [point.label for point in path.points]
        ['G', '', 'K', '', 'M']
    """
    names = _names(model, path)
    if n_points < len(names):
        raise InputError(
            f'k_path("{"".join(names)}", n_points={n_points}): the path has {len(names)} special '
            f"points. Use n_points={len(names)} or more."
        )
    spins = _spins(model, spin)
    fractions, labels = _interpolated(model, names, n_points)
    lengths = _lengths(model, fractions)
    axes = [Axis("k", "1/angstrom" if model.cell_unit == "angstrom" else "1/a")]
    if spins != (None,):
        axes.append(Axis("spin", ""))
    rows = [(k, s) for k in range(len(fractions)) for s in spins]
    root = len(fractions) // 2
    return Path(
        points=tuple(KPoint(tuple(fractions[k].tolist()), s, labels[k]) for k, s in rows),
        coordinates=np.array([[lengths[k], *([SPINS[s]] if s else [])] for k, s in rows]),
        axes=tuple(axes),
        shape=(len(fractions), len(spins))[: len(axes)],
        root=root * len(spins),
        parents=_spin_tree(len(fractions), len(spins), root),
        cell=model.cell,
    )


def _names(model: TightBindingModel, path: str | None) -> list[str]:
    """Return the names of the special points of a path, in order."""
    from ase.dft.kpoints import parse_path_string  # noqa: PLC0415 - loaded only where it is used

    given = model.default_path if path is None else path
    parts = parse_path_string(given)  # type: ignore[no-untyped-call]
    names = [str(name) for name in parts[0]]
    if len(parts) != 1 or len(names) < 2:
        raise InputError(
            f'k_path("{given}"): a path goes from one special point to the next without a break. '
            f'Name at least two, e.g. "{"".join(list(model.special_points)[:3])}".'
        )
    for name, following in zip(names, [*names[1:], ""], strict=True):
        if name not in model.special_points:
            raise InputError(
                f'k_path("{given}"): "{name}" is no special point of {model.name}. '
                f"{nearest(name, model.special_points)}"
            )
        if name == following:
            raise InputError(
                f'k_path("{given}"): "{name}" follows itself. Name each point once where the path '
                "passes it."
            )
    return names


def _spins(model: TightBindingModel, spin: str) -> tuple[str | None, ...]:
    if spin not in (BOTH, *SPINS):
        raise InputError(f'k_path(spin="{spin}"): not known. {nearest(spin, (BOTH, *SPINS))}')
    if model.spin_blocks is None:
        if spin == BOTH:
            return (None,)
        raise InputError(
            f'k_path(spin="{spin}"): {model.name} has no bands of one spin. Leave spin out.'
        )
    return tuple(SPINS) if spin == BOTH else (spin,)


def _interpolated(
    model: TightBindingModel, names: list[str], n_points: int
) -> tuple[FloatArray, list[str]]:
    """Return the k of a path, ``(n_k, 3)`` (reciprocal lattice vectors), and their labels."""
    from ase.cell import Cell  # noqa: PLC0415

    special = {name: model.special_points[name] for name in names}
    cell = Cell(model.cell)  # type: ignore[no-untyped-call]
    found = np.asarray(cell.bandpath("".join(names), n_points, special_points=special).kpts)
    fractions: FloatArray = np.round(found, K_DECIMALS) + 0.0  # no -0.0
    labels = [""] * len(fractions)
    place = 0
    for name in names:
        place += int(np.argmin(np.abs(found[place:] - special[name]).max(axis=1) > 0))
        fractions[place] = special[name]  # a third is no decimal number
        labels[place] = name
    return fractions, labels


def _lengths(model: TightBindingModel, fractions: FloatArray) -> FloatArray:
    """Return the length of the path up to each k, ``(n_k,)`` (1/``cell_unit``)."""
    reciprocal = 2 * np.pi * np.linalg.inv(model.cell).T
    steps = np.linalg.norm(np.diff(fractions, axis=0) @ reciprocal, axis=1)
    return np.concatenate((np.zeros(1), np.cumsum(steps))).round(K_DECIMALS)


def _spin_tree(n_k: int, n_spins: int, root: int) -> Parents:
    """Return the parents of points with the spin as the last, fastest axis.

    Neighbours in k of one spin lie closer than the two spins at one k: each spin is a chain, and
    the second hangs on the first at the root alone.
    """
    parents: list[int | None] = []
    for k in range(n_k):
        for s in range(n_spins):
            if k == root:
                parents.append(None if s == 0 else n_spins * root)
            else:
                parents.append(n_spins * (k + (1 if k < root else -1)) + s)
    return tuple(parents)
