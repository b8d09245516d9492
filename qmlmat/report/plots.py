"""The figure of a scan, as its path asks for, in a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from qmlmat.errors import InputError, nearest
from qmlmat.report.bands_plot import draw_bands
from qmlmat.report.curve_plot import draw_curves
from qmlmat.report.map_plot import draw_map, is_drawable_grid
from qmlmat.report.measured_plot import check_measured
from qmlmat.report.surface_plot import draw_surface
from qmlmat.surfaces import Scan, band_table
from qmlmat.surfaces.storage.integrity import SQLITE_MAGIC

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS: Final = (".png", ".pdf", ".svg")
"""Endings of the files a figure can be written to."""

KINDS: Final = ("auto", "contour", "surface")
"""Kinds of figures; ``"auto"`` chooses by the path."""

_NEEDED: Final = {
    "contour": "two axes and an energy",
    "surface": "a grid of two axes with a complete cell",
}

_DPI: Final = 200


def plot_scan(
    scan: Scan,
    file: str | os.PathLike[str],
    *,
    kind: str = "auto",
    measured: Sequence[Scan] = (),
) -> Path:
    """Draw a scan and return the file written.

    - One axis: curves, with the error below where there is a reference.
    - Two axes: a map of the energy above its minimum, contours on a grid, with a map of the error
      beside it; with ``kind="surface"`` a grid is drawn in perspective.
    - More axes: energies and errors against the index of the point.
    - A scan over k: bands, as ``plot_bands`` draws them.
    - With measured scans beside it: never a map; measured points have error bars, and are hollow
      where they are flagged.

    Args:
        scan: The scan, complete or not.
        file: Where to write; the ending chooses among PNG, PDF and SVG.
        kind: ``"auto"``, ``"contour"`` or ``"surface"``.
        measured: The same points as devices measured them: what ``scan.measured`` returned, or
            scans of stores that ``qmlmat hw fetch`` wrote.

    Raises:
        InputError: If the file has another ending or cannot be written, ``kind`` is not of this
            scan's path, or a measured scan is of other points.
    """
    path = check_plot_file(file)
    return save_figure(draw_scan(scan, kind, measured=measured), path)


def plot_bands(scan: Scan, file: str | os.PathLike[str]) -> Path:
    """Draw the bands of a scan over k and return the file written.

    Markers are the solver's energies, spin up and down in two colours, hollow where it had not
    converged; thin lines below them are plain diagonalisation. Special points are ticks, the
    edges are ringed, and the gap is written where it is. Energies are as the model has them.

    Args:
        scan: A scan of ``BandSurface`` along ``k_path``, complete or not.
        file: Where to write; the ending chooses among PNG, PDF and SVG.

    Raises:
        InputError: If the scan is of a molecule, or the file has another ending or cannot be
            written.
    """
    band_table(scan)
    path = check_plot_file(file, call="plot_bands")
    return save_figure(draw_bands(scan), path, call="plot_bands")


def save_figure(figure: Figure, path: Path, *, call: str = "plot_scan") -> Path:
    """Write a figure to a file that was checked, and return it.

    Raises:
        InputError: If it cannot be written.
    """
    try:
        figure.savefig(path, dpi=_DPI)
    except OSError as error:
        raise _unwritable(call, path, error) from error
    return path


def check_plot_file(file: str | os.PathLike[str], *, call: str = "plot_scan") -> Path:
    """Return ``file`` as a path after checking, before any work, that a figure may go there.

    Args:
        file: Where to write; the ending chooses among PNG, PDF and SVG.
        call: What messages call the function that draws.

    Raises:
        InputError: If it has an unknown ending, is a folder or a store, or cannot be written.
    """
    path = Path(file).expanduser()
    if path.suffix.lower() not in FORMATS:
        raise InputError(
            f'{call}("{path}"): a figure\'s name ends in {", ".join(FORMATS)}. Name it so.'
        )
    if path.is_dir() or not path.parent.is_dir():
        raise InputError(
            f'{call}("{path}"): "{path if path.is_dir() else path.parent}" is not '
            f"{'a file' if path.is_dir() else 'a folder'}. "
            "Choose another name, or make the folder first: mkdir -p FOLDER"
        )
    _check_place(call, path)
    return path


def _check_place(call: str, path: Path) -> None:
    """Refuse a place that cannot be written, and one that holds a database."""
    try:
        if path.exists():
            with path.open("r+b") as stream:
                start = stream.read(len(SQLITE_MAGIC))
        else:
            start = b""
            draft = path.with_name(f".{path.name}.{os.getpid()}.new")
            draft.touch(exist_ok=False)
            draft.unlink()
    except OSError as error:
        raise _unwritable(call, path, error) from error
    if start == SQLITE_MAGIC:
        raise InputError(
            f'{call}("{path}"): this file is a database, perhaps the store of a scan, and is '
            "left as it is. Choose another name for the figure."
        )


def _unwritable(call: str, path: Path, error: OSError) -> InputError:
    return InputError(
        f'{call}("{path}"): the figure cannot be written ({error.strerror or error}). '
        "Choose a file you may write."
    )


def draw_scan(scan: Scan, kind: str = "auto", *, measured: Sequence[Scan] = ()) -> Figure:
    """Return the figure of a scan; see ``plot_scan``.

    Raises:
        InputError: If ``kind`` is not known, or not of this scan's path.
    """
    if kind not in KINDS:
        raise InputError(f'plot_scan(kind="{kind}"): no such kind. {nearest(kind, KINDS)}')
    check_measured(scan, measured)
    if scan.path.is_through_k and kind == "auto":
        return draw_bands(scan, measured)
    if measured and kind == "auto":
        return draw_curves(scan, measured)
    if measured:
        raise InputError(f'plot_scan(kind="{kind}", measured=...): no bars there. Use kind="auto".')
    is_flat = scan.path.n_axes == 2 and not scan.path.is_through_k
    two_axes = is_flat and bool(np.isfinite(scan.energies[:, 0]).any())
    if kind == "auto":
        return draw_map(scan) if two_axes else draw_curves(scan)
    if kind == "contour" and two_axes:
        return draw_map(scan)
    if kind == "surface" and two_axes and is_drawable_grid(scan):
        return draw_surface(scan)
    raise InputError(
        f'plot_scan(kind="{kind}"): this takes {_NEEDED[kind]}, and the scan has '
        f"{scan.path.n_axes} axes, shape {scan.path.shape}, and "
        f"{int(np.isfinite(scan.energies[:, 0]).sum())} points with an energy. "
        'Use kind="auto".'
    )
