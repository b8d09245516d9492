"""Reading XYZ files and text."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from qmlmat.errors import GeometryError
from qmlmat.systems.elements import SYMBOLS, element_symbol
from qmlmat.typing import FloatArray


def parse_xyz(source: str | Path) -> tuple[tuple[str, ...], FloatArray]:
    """Return the symbols and positions ``(n_atoms, 3)`` (Å) of an XYZ file or text.

    Args:
        source: Path of a file; or its text, with or without the two header lines, one atom
            per line or atoms separated by ``;``.

    Raises:
        GeometryError: If the file is missing or a line cannot be read.
    """
    text, name = _read(source)
    lines = _split(text)
    first = 0
    if lines and lines[0].strip().isdecimal():
        lines, first = _without_header(lines, name), 2
    else:
        # Under a header the count of lines would tell.
        _check_one_atom_each(lines, name)
    atoms = [
        _parse_atom(line, f"{name}, line {first + i + 1}")
        for i, line in enumerate(lines)
        if line.strip()
    ]
    if not atoms:
        raise GeometryError(f'{name} holds no atoms. Write one per line: "N 0.0 0.0 1.1" (Å).')
    return tuple(symbol for symbol, _ in atoms), np.array([position for _, position in atoms])


def _split(text: str) -> list[str]:
    """Return the lines, also cut at semicolons, but for those in the comment of a header."""
    lines = text.strip().splitlines()
    kept = lines[:2] if lines and lines[0].strip().isdecimal() else []
    return kept + "\n".join(lines[len(kept) :]).replace(";", "\n").splitlines()


def _check_one_atom_each(lines: list[str], name: str) -> None:
    for i, line in enumerate(lines):
        words = line.split()
        for k in range(4, len(words) - 3):
            if words[k].capitalize() in SYMBOLS and all(map(_is_number, words[k + 1 : k + 4])):
                raise GeometryError(
                    f'{name}, line {i + 1}: "{line.strip()}" holds more than one atom. Write one '
                    'atom per line, or separate them by ";": "N 0 0 0; N 0 0 1.1".'
                )


def _read(source: str | Path) -> tuple[str, str]:
    if not isinstance(source, str | Path):
        raise GeometryError(
            f"Molecule.from_xyz({source!r}): this is neither a path nor text. Give the path of an "
            'XYZ file, or the atoms as text: "N 0 0 0; N 0 0 1.1".'
        )
    if isinstance(source, str) and (";" in source or "\n" in source.strip() or _is_atom(source)):
        return source, "Molecule.from_xyz(text)"
    path = Path(source).expanduser()
    name = f'Molecule.from_xyz("{source}")'
    try:
        return path.read_text(encoding="utf-8"), name
    except FileNotFoundError:
        raise GeometryError(
            f"{name}: there is no such file. Check the path, or give the atoms as text: "
            '"N 0 0 0; N 0 0 1.1".'
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise GeometryError(
            f"{name}: the file cannot be read ({error}). Give a readable text file in XYZ format."
        ) from None


def _is_atom(text: str) -> bool:
    words = text.split()
    return len(words) >= 4 and all(_is_number(word) for word in words[1:4])


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _without_header(lines: list[str], name: str) -> list[str]:
    count = int(lines[0])
    comment = lines[1] if len(lines) > 1 else ""
    if "Properties=" in comment and "Properties=species:S:1:pos:R:3" not in comment:
        raise GeometryError(
            f"{name}: an extended XYZ file with other columns first. Read it with "
            "Molecule.from_ase(ase.io.read(path))."
        )
    body = lines[2:]
    while body and not body[-1].strip():
        body.pop()
    if len(body) != count:
        raise GeometryError(
            f"{name}: the first line promises {count} atoms and {len(body)} lines follow the "
            "comment line. Correct the count, and keep one geometry per file."
        )
    return body


def _parse_atom(line: str, place: str) -> tuple[str, list[float]]:
    if not _is_atom(line):
        raise GeometryError(
            f'{place}: "{line.strip()}" is no atom. Write a symbol and three coordinates in Å, '
            'like "N 0.0 0.0 1.1".'
        )
    symbol, *numbers = line.split()
    return element_symbol(symbol), [float(number) for number in numbers[:3]]
