"""Writes a scan to a file, or to a folder with a file for each point."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Final

from qmlmat.errors import InputError, nearest
from qmlmat.surfaces.export.csv_table import write_csv
from qmlmat.surfaces.export.dataset import write_netcdf
from qmlmat.surfaces.export.integrals import write_fcidump
from qmlmat.surfaces.export.places import TABLE, check_file, check_folder, point_files, written
from qmlmat.surfaces.export.qcschema import write_qcschema
from qmlmat.surfaces.export.structures import write_extxyz
from qmlmat.surfaces.facts import has_energy
from qmlmat.surfaces.scan import Scan

_FILES: Final[dict[str, tuple[Callable[[Scan, FilePath], None], tuple[str, ...]]]] = {
    "csv": (write_csv, (".csv",)),
    "extxyz": (write_extxyz, (".extxyz", ".xyz")),
    "netcdf": (write_netcdf, (".nc", ".netcdf")),
}
"""Formats of one file: what writes them, and their endings, the default first."""

_FOLDERS: Final[dict[str, Callable[[Scan, FilePath, int], None]]] = {
    "qcschema": write_qcschema,
    "fcidump": write_fcidump,
}
"""Formats of one file for each point: what writes one of them."""

_POINT_ENDINGS: Final = {"qcschema": ".json", "fcidump": ".fcidump"}

FORMATS: Final = (*_FILES, *_FOLDERS)
"""The formats a scan can be exported to."""


@dataclass(frozen=True, kw_only=True)
class Export:
    """What an export wrote."""

    format: str
    """The format, one of ``FORMATS``."""

    file: FilePath
    """The file, or the folder of the files."""

    files: tuple[FilePath, ...]
    """Every file written; in a folder that of each point, then the table ``points.csv``."""

    notes: tuple[str, ...]
    """What the reader should know, such as points left out; one sentence each."""

    def __repr__(self) -> str:
        """Return where it is and how many files it has."""
        return f"Export({self.format!r}, {str(self.file)!r}, {len(self.files)} file(s))"


def export_scan(
    scan: Scan,
    file: str | os.PathLike[str],
    format: str | None = None,
    *,
    force: bool = False,
) -> Export:
    """Write a scan in the format of other programs, and return what was written.

    - ``"csv"``: one row for each point, units in the header, every digit.
    - ``"extxyz"``: structures for ASE, energies in eV and forces in eV/Å.
    - ``"netcdf"``: the arrays of ``to_dataset``.
    - ``"qcschema"``: a folder with one ``AtomicResult`` of MolSSI's QCSchema for each point, or
      one ``FailedOperation`` where it failed.
    - ``"fcidump"``: a folder with the integrals of each point's active space, in the orbitals
      that the scan used.

    A folder also holds ``points.csv``, which says where each point is.

    Args:
        scan: The scan, complete or not.
        file: The file to write, or the folder for ``"qcschema"`` and ``"fcidump"``, which is made.
        format: One of ``FORMATS``; by default after the file's ending.
        force: Whether to replace a file that is not an export of a scan.

    Raises:
        InputError: If the format is not known or cannot hold this scan, no point has energies,
            the place cannot be written, or something else than an export is there.
    """
    path = FilePath(file).expanduser()
    chosen = _format(path, format)
    if not any(has_energy(result) for result in scan.results):
        raise InputError(
            f'export_scan("{path}"): no point of this scan has an energy yet. Compute it first: '
            "qmlmat resume STORE"
        )
    if scan.path.is_through_k and chosen != "csv":
        raise InputError(
            f'export_scan("{path}", format="{chosen}"): this format is for molecules, and the scan '
            'is over k. Use the format csv: "FILE.csv".'
        )
    if chosen in _FILES:
        write, _ = _FILES[chosen]
        check_file(path, chosen, force=force)
        written(path, lambda draft: write(scan, draft))
        return Export(format=chosen, file=path, files=(path,), notes=_left_out(scan, chosen))
    return _export_folder(scan, path, chosen, force=force)


def default_name(store: FilePath, format: str) -> FilePath:
    """Return where an export of a store goes when nothing is said: beside the store.

    Raises:
        InputError: If the format is not known.
    """
    chosen = _format(store, format)
    if chosen in _FILES:
        return store.with_suffix(_FILES[chosen][1][0])
    return store.with_name(f"{store.stem}_{chosen}")


def _export_folder(scan: Scan, folder: FilePath, chosen: str, *, force: bool) -> Export:
    write, ending = _FOLDERS[chosen], _POINT_ENDINGS[chosen]
    if chosen == "fcidump":
        _check_integrals(scan, folder)
    check_folder(folder, ending, force=force)
    table = folder / TABLE
    written(table, lambda draft: write_csv(scan, draft))
    files = []
    for index in _kept(scan, chosen):
        file = folder / f"point_{index:03d}{ending}"
        written(file, lambda draft, index=index: write(scan, draft, index))  # type: ignore[misc]
        files.append(file)
    for stale in set(point_files(folder, ending)) - set(files):  # of an export of another scan
        stale.unlink()
    return Export(format=chosen, file=folder, files=(*files, table), notes=_left_out(scan, chosen))


def _format(path: FilePath, format: str | None) -> str:
    if format is None:
        ending = path.suffix.lower()
        for name, (_, endings) in _FILES.items():
            if ending in endings:
                return name
        known = ", ".join(end for _, endings in _FILES.values() for end in endings)
        raise InputError(
            f'export_scan("{path}"): the ending says no format. Use one of {known}, or name the '
            f"format: {', '.join(FORMATS)}."
        )
    if format not in FORMATS:
        raise InputError(
            f'export_scan("{path}", format="{format}"): no such format. {nearest(format, FORMATS)}'
        )
    return format


def _check_integrals(scan: Scan, folder: FilePath) -> None:
    if any(has_energy(r) and r is not None and r.orbitals is not None for r in scan.results):
        return
    raise InputError(
        f'export_scan("{folder}", format="fcidump"): this surface has no orbitals, hence no '
        "integrals. Use a scan of a molecule with a solver, or the format csv, extxyz, netcdf or "
        "qcschema."
    )


def _kept(scan: Scan, chosen: str) -> list[int]:
    """Return the indices of the points a format has something to write of."""
    if chosen in {"csv", "netcdf"}:
        return list(range(len(scan.path)))
    if chosen == "qcschema":
        return [index for index, result in enumerate(scan.results) if result is not None]
    return [index for index, result in enumerate(scan.results) if has_energy(result)]


def _left_out(scan: Scan, chosen: str) -> tuple[str, ...]:
    kept = set(_kept(scan, chosen))
    missing = [str(index) for index in range(len(scan.path)) if index not in kept]
    if not missing:
        return ()
    what = "not computed" if chosen == "qcschema" else "without an energy"
    return (f"Left out, {what}: point{'s' * (len(missing) > 1)} {', '.join(missing)}.",)
