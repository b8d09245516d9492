"""Wannier90's ``_hr.dat`` files: models from, and for, other programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qmlmat.errors import InputError
from qmlmat.systems.crystal import checked_cell, hermitian_part, largest_skew, opposites
from qmlmat.systems.tight_binding import TightBindingModel
from qmlmat.typing import FloatArray, IntArray

FILE_TOLERANCE: Final = 2e-6
"""Largest difference of ``H_R`` from ``H_-R^H`` in a file (eV): it is rounded to 6 decimals."""
PER_LINE: Final = 15
"""Degeneracies on a line, by Wannier90's format."""
DECIMALS: Final = 14
"""Decimals kept of a special point, so that the noise of its transformation goes."""


def load_wannier90(
    file: str | Path,
    *,
    cell: ArrayLike,
    name: str | None = None,
    orbitals: Sequence[str] | None = None,
    n_occupied: int | None = None,
    path: str | None = None,
) -> TightBindingModel:
    """Return the model that a ``_hr.dat`` file of Wannier90 holds, degeneracies divided out.

    The special points and the path are ASE's for the cell, in the directions that hoppings have.

    Args:
        file: Path of the file.
        cell: Lattice vectors as rows, shape ``(3, 3)`` (angstrom); the file does not hold them.
        name: What the model is called; by default the file's name.
        orbitals: Names of the Wannier functions; by default ``"w1"``, ``"w2"``, ...
        n_occupied: Number of bands below the gap.
        path: Names of the special points along which bands are drawn, e.g. ``"GKMG"``.

    Raises:
        InputError: If the file is missing or malformed, its matrices are not Hermitian, or the
            rest does not fit to it.

    References:
        G. Pizzi et al., J. Phys.: Condens. Matter 32, 165902 (2020),
        doi:10.1088/1361-648X/ab51ff.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import qmlmat as qm
        >>> sheet = qm.graphene()
        >>> with TemporaryDirectory() as folder:
        ...     qm.save_wannier90(sheet, f"{folder}/sheet_hr.dat")
        ...     back = qm.load_wannier90(f"{folder}/sheet_hr.dat", cell=sheet.cell)
        >>> back.name, back.default_path, back.at("M").levels.round(6).tolist()
        ('sheet', 'GMKG', [-2.8, 2.8])
    """
    call = f'load_wannier90("{file}")'
    lattice = checked_cell(call, cell, "angstrom")
    source = Path(file).expanduser()
    try:
        lines = source.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise InputError(
            f"{call}: the file cannot be read ({error.strerror}). Check the path."
        ) from None
    read = _File(call=call, lines=tuple(lines))
    translations, hoppings = read.matrices()
    n_orbitals = hoppings.shape[1]
    points, default_path, notes = _special_points(lattice, translations)
    return TightBindingModel(
        name=source.name.removesuffix(".dat").removesuffix("_hr") if name is None else name,
        cell=lattice,
        translations=translations,
        hoppings=hoppings,
        orbitals=tuple(orbitals or (f"w{i + 1}" for i in range(n_orbitals))),
        special_points=points,
        default_path=default_path if path is None else path,
        n_occupied=n_occupied,
        source=f"{source.name}: {lines[0].strip()}",
        notes=notes,
    )


def save_wannier90(model: TightBindingModel, file: str | Path) -> None:
    """Write the hoppings of a model as a ``_hr.dat`` file, all digits kept.

    Wannier90 itself writes 6 decimals; programs that read numbers separated by blanks read these.
    Cell, names and spin blocks have no place in such a file.

    Args:
        model: The model.
        file: Path of the file to write; one that exists is replaced.

    Raises:
        InputError: If the file cannot be written.
    """
    count, n = model.hoppings.shape[:2]
    lines = [f" {' '.join(model.name.split())}, eV, written by qmlmat", f"{n:12d}", f"{count:12d}"]
    starts = range(0, count, PER_LINE)
    lines += ["    1" * min(PER_LINE, count - start) for start in starts]  # degeneracies
    for cell, matrix in zip(model.translations.tolist(), model.hoppings, strict=True):
        place = "".join(f"{c:5d}" for c in cell)
        for j in range(n):  # Wannier90's order: the first index runs fastest
            for i in range(n):
                value = matrix[i, j]
                pair = f"{value.real:25.16E}{value.imag:25.16E}"
                lines.append(f"{place}{i + 1:5d}{j + 1:5d}{pair}")
    try:
        Path(file).expanduser().write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(
            f'save_wannier90(file="{file}"): the file cannot be written ({error.strerror}). Give '
            "a path in a folder that exists and that you may write to."
        ) from None


@dataclass(frozen=True, kw_only=True)
class _File:
    """The lines of a file, and how they are refused."""

    call: str
    """Who reads, for messages."""
    lines: tuple[str, ...]
    """All lines."""

    def refuse(self, index: int, expected: str) -> NoReturn:
        """Refuse the file for the line at an index, counted from 0."""
        if index >= len(self.lines):
            found = f"the file ends after line {len(self.lines)}"
        else:
            found = f'line {index + 1} is "{self.lines[index].strip()[:60]}"'
        raise InputError(
            f"{self.call}: {found}. Expected {expected}. Give a whole _hr.dat file as Wannier90 "
            "writes it, or repair that line."
        )

    def whole_numbers(self, index: int, expected: str) -> list[int]:
        """Return the positive whole numbers on a line."""
        words = self.lines[index].split() if index < len(self.lines) else []
        if not words or not all(word.isdecimal() and int(word) > 0 for word in words):
            self.refuse(index, expected)
        return [int(word) for word in words]

    def count(self, index: int, what: str) -> int:
        """Return the one positive whole number on a line."""
        expected = f"one positive whole number, {what}"
        numbers = self.whole_numbers(index, expected)
        if len(numbers) != 1:
            self.refuse(index, expected)
        return numbers[0]

    def matrices(self) -> tuple[IntArray, NDArray[np.complex128]]:
        """Return translations ``(count, 3)`` and hoppings ``(count, n, n)`` (eV)."""
        n = self.count(1, "the number of Wannier functions")
        count = self.count(2, "the number of translations R")
        degeneracies: list[int] = []
        first = 3
        while len(degeneracies) < count:
            expected = f"degeneracies, {min(PER_LINE, count - len(degeneracies))} positive whole "
            here = self.whole_numbers(first, f"{expected}numbers")
            if len(here) > count - len(degeneracies):
                self.refuse(first, f"{expected}numbers, {count} in all")
            degeneracies += here
            first += 1
        numbers = self.entries(first, n * n * count)
        cells = self.cells(numbers, first, count)
        places = self.places(numbers, first, n, count)
        values = (numbers[:, 5] + 1j * numbers[:, 6]).reshape(count, n * n)
        hoppings = np.zeros((count, n * n), dtype=np.complex128)
        np.put_along_axis(hoppings, places, values, axis=1)
        hoppings = hoppings.reshape(count, n, n) / np.array(degeneracies)[:, None, None]
        self.check_hermitian(cells, hoppings, first)
        return cells, hermitian_part(cells, hoppings)

    def entries(self, first: int, expected: int) -> FloatArray:
        """Return the seven numbers of each entry, shape ``(expected, 7)``."""
        what = "7 finite numbers, R1 R2 R3 m n Re Im"
        rows = []
        # Row by row, so that what is wrong first is named, not that the file is short.
        for index in range(first, min(first + expected, len(self.lines))):
            try:
                row = [float(word) for word in self.lines[index].split()]
            except ValueError:
                self.refuse(index, what)
            if len(row) != 7 or not np.isfinite(row).all():
                self.refuse(index, what)
            if any(value != int(value) for value in row[:5]):
                self.refuse(index, f"{what}, the first five of them whole")
            rows.append(row)
        whole = f"{expected} entries, one for each R, m and n, from line {first + 1} on"
        if len(rows) < expected:
            self.refuse(len(self.lines), whole)
        for index in range(first + expected, len(self.lines)):
            if self.lines[index].strip():
                self.refuse(index, f"the end of the file after {whole}")
        return np.array(rows)

    def cells(self, numbers: FloatArray, first: int, count: int) -> IntArray:
        """Return R of each block of entries, shape ``(count, 3)``."""
        blocks = numbers[:, :3].astype(np.int64).reshape(count, -1, 3)
        strays = (blocks != blocks[:, :1]).any(axis=2).ravel()
        size = blocks.shape[1]
        if strays.any():
            index = int(strays.argmax())
            cell = tuple(blocks[index // size, 0].tolist())
            self.refuse(first + index, f"R = {cell}, which has {size} entries, one after another")
        seen: dict[tuple[int, ...], int] = {}
        for i, cell in enumerate(map(tuple, blocks[:, 0].tolist())):
            if cell in seen:
                line = first + seen[cell] * size + 1
                self.refuse(first + i * size, f"another R: this one's entries start at line {line}")
            seen[cell] = i
        return np.ascontiguousarray(blocks[:, 0])

    def places(self, numbers: FloatArray, first: int, n: int, count: int) -> IntArray:
        """Return the place of each entry in its matrix, shape ``(count, n * n)``."""
        pairs = numbers[:, 3:5].astype(np.int64) - 1
        outside = ((pairs < 0) | (pairs >= n)).any(axis=1)
        if outside.any():
            self.refuse(first + int(outside.argmax()), f"m and n between 1 and {n}")
        places = (pairs[:, 0] * n + pairs[:, 1]).reshape(count, n * n)
        for i, block in enumerate(places):
            if len(np.unique(block)) < n * n:
                seen = set()
                for j, place in enumerate(block.tolist()):
                    if place in seen:
                        self.refuse(first + i * n * n + j, "another m and n: these were given")
                    seen.add(place)
        return places

    def check_hermitian(
        self, cells: IntArray, hoppings: NDArray[np.complex128], first: int
    ) -> None:
        """Refuse matrices without a partner, or with one that is not the adjoint."""
        size = hoppings.shape[1] ** 2
        for i, partner in enumerate(opposites(cells)):
            if partner is None and hoppings[i].any():
                cell = tuple((-cells[i]).tolist())
                self.refuse(first + i * size, f"the opposite of this R, too: {cell} is missing")
        worst, skew = largest_skew(cells, hoppings)
        if skew > FILE_TOLERANCE:
            self.refuse(
                first + worst * size,
                f"from here on the adjoint of the matrix at -R, and found {skew:.3g} eV of "
                "difference: H(k) would not be Hermitian",
            )


def _special_points(
    cell: FloatArray, translations: IntArray
) -> tuple[Mapping[str, tuple[float, float, float]], str, tuple[str, ...]]:
    """Return ASE's names of momenta, its path along them, and what to know."""
    from ase.cell import Cell  # noqa: PLC0415 - `import qmlmat` must not load ase

    periodic = (translations != 0).any(axis=0)
    if not periodic.any():
        return {}, "", ("Nothing hops between cells: there is no path.",)
    try:
        lattice = Cell(cell)  # type: ignore[no-untyped-call]
        found = lattice.bandpath(npoints=0, pbc=periodic)
    except (RuntimeError, ValueError, LookupError) as error:
        return {}, "", (f"ASE knows no special points of this cell ({error}).",)
    points = {
        name: tuple((np.round(k, DECIMALS) + 0.0).tolist())
        for name, k in found.special_points.items()
    }
    return points, found.path, ()
