"""Reading Z-matrices: distances, angles and dihedrals, with named variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from qmlmat.errors import GeometryError, nearest
from qmlmat.systems.elements import element_symbol
from qmlmat.typing import FloatArray

CALL: Final = "Molecule.from_zmatrix(text)"
"""How messages name the call."""
COLUMNS: Final = ("distance", "angle", "dihedral")
"""What the numbers of a row are, in their order."""
DUMMIES: Final = frozenset({"X", "XX", "DU"})
"""Names of places that help to build the others and are no atoms."""
COLLINEAR: Final = 1e-4
"""Sine of an angle below which three atoms fix no plane."""
VARIABLE: Final = re.compile(r"([A-Za-z_]\w*)(?:\s*=\s*|\s+)(\S+)")
"""A definition, such as ``r = 0.96`` or ``r 0.96``."""


@dataclass(frozen=True, kw_only=True)
class _Row:
    """One atom: its symbol, the atoms it refers to, and its distance, angle and dihedral."""

    symbol: str
    """Element, or ``"X"`` for a place without an atom."""
    references: tuple[int, ...]
    """Earlier rows, counted from 0; up to three."""
    values: tuple[float, ...]
    """Distance (Å), angle and dihedral (degrees); one a reference."""
    place: str
    """How messages name the row."""


def parse_zmatrix(
    text: str, variables: Mapping[str, float] | None = None
) -> tuple[tuple[str, ...], FloatArray]:
    """Return the symbols and positions ``(n_atoms, 3)`` (Å) of a Z-matrix.

    Args:
        text: One atom a line, or atoms separated by ``;``: a symbol, then up to three times an
            earlier atom and a distance (Å), an angle and a dihedral (degrees). Atoms are meant
            by number, from 1, or by label (``H2``). A number may be a variable, or ``-`` one;
            definitions (``r = 0.96``) follow, after a blank line or not. Atoms ``X`` are places
            only. ``!`` and ``#`` start comments.
        variables: Values of variables; they win over those in the text.

    Raises:
        GeometryError: If a line cannot be read or does not fix a position.
    """
    from ase.io.zmatrix import parse_zmatrix as positions_of  # noqa: PLC0415 (only where used)

    lines, defined = _split(text)
    known = _variables(defined, variables)
    rows = _rows(lines, known)
    if all(row.symbol == "X" for row in rows):
        raise GeometryError(
            f'{CALL} holds no atoms. Write one a line: "O", "H 1 0.96", "H 1 0.96 2 104.5".'
        )
    _check_used(lines, variables)
    with np.errstate(invalid="ignore", divide="ignore"):  # Collinear references are found below.
        positions = positions_of([_plain(row) for row in rows]).positions
    _check_planes(rows, positions)
    atoms = [i for i, row in enumerate(rows) if row.symbol != "X"]
    return tuple(rows[i].symbol for i in atoms), positions[atoms]


def _plain(row: _Row) -> str:
    pairs = zip(row.references, row.values, strict=True)
    return " ".join([row.symbol, *(f"{atom + 1} {value!r}" for atom, value in pairs)])


def _split(text: str) -> tuple[list[tuple[int, str]], dict[str, str]]:
    """Return the atoms' lines with their numbers, and the definitions that follow them."""
    if not isinstance(text, str):
        raise GeometryError(
            f"Molecule.from_zmatrix({text!r}): this is no text. Give the Z-matrix itself, like "
            '"O; H 1 0.96; H 1 0.96 2 104.5".'
        )
    lines: list[tuple[int, str]] = []
    defined: dict[str, str] = {}
    below = False
    for number, raw in enumerate(text.splitlines(), start=1):
        below = below or bool(lines and not raw.strip())
        for piece in re.split("[!#]", raw)[0].split(";"):
            line = piece.replace(",", " ").strip()
            if line.rstrip(": ").lower() in {"variables", "constants"}:
                below = True
            elif below or "=" in line:
                defined |= _definition(line, number)
            elif line:
                lines.append((number, line))
    return lines, defined


def _definition(line: str, number: int) -> dict[str, str]:
    match = VARIABLE.fullmatch(line)
    if line and match is None:
        raise GeometryError(
            f'{CALL}, line {number}: "{line}" defines no variable. Write "r = 0.96"; atoms stand '
            "in one block, above the first blank line."
        )
    return {match[1]: match[2]} if match else {}


def _variables(defined: dict[str, str], given: Mapping[str, float] | None) -> dict[str, float]:
    known = {}
    for name, value in {**defined, **(given or {})}.items():
        number = _number(value)
        if number is None:
            raise GeometryError(
                f'{CALL}: the variable {name} is "{value}". Give a finite number, in Å or degrees.'
            )
        known[name] = number
    return known


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type] # this is the check
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _check_used(lines: list[tuple[int, str]], given: Mapping[str, float] | None) -> None:
    used = {word.lstrip("+-") for _, line in lines for word in line.split()[2::2]}
    for name in given or {}:
        if name not in used:
            names = [word for word in used if _number(word) is None]
            raise GeometryError(
                f'Molecule.from_zmatrix(variables): the text has no variable "{name}". '
                f"{nearest(name, names)}"
            )


def _rows(lines: list[tuple[int, str]], known: Mapping[str, float]) -> list[_Row]:
    rows: list[_Row] = []
    labels: list[str] = []
    for number, line in lines:
        place = f"{CALL}, line {number}"
        words = line.split()
        needed = 2 * min(len(rows), 3)
        if len(words) == needed + 2 == 8 and words[-1] == "0":
            words.pop()  # Gaussian's mark of a dihedral
        if len(words) != needed + 1:
            parts = "".join(f", an earlier atom and its {c}" for c in COLUMNS[: needed // 2])
            raise GeometryError(
                f'{place}: "{line}" has {len(words)} words, and atom {len(rows) + 1} needs '
                f"{needed + 1}. Write a symbol{parts}; no charge and no spin."
            )
        references = tuple(_reference(word, labels, place) for word in words[1::2])
        if len(set(references)) < len(references):
            raise GeometryError(
                f'{place}: "{line}" refers to one atom twice. Use different atoms for the '
                "distance, the angle and the dihedral."
            )
        values = tuple(_values(words[2::2], known, place))
        rows.append(
            _Row(symbol=_symbol(words[0]), references=references, values=values, place=place)
        )
        labels.append(words[0])
    return rows


def _symbol(word: str) -> str:
    bare = word if word.isdecimal() else re.sub(r"\d+$", "", word)
    return "X" if bare.upper() in DUMMIES else element_symbol(bare)


def _reference(word: str, labels: list[str], place: str) -> int:
    """Return the row that a number or a label means."""
    count = len(labels)
    if word.isdecimal() and 1 <= int(word) <= count:
        return int(word) - 1
    if labels.count(word) == 1 and not word.isdecimal():
        return labels.index(word)
    if labels.count(word) > 1:
        rule = f"{labels.count(word)} atoms have this label"
    else:
        rule = "an atom refers to those above it"
    raise GeometryError(
        f'{place}: "{word}" means none of the {count} atoms above: {rule}. Use a number from 1 to '
        f"{count}, or a label that only one of them has."
    )


def _values(words: list[str], known: Mapping[str, float], place: str) -> Iterator[float]:
    for kind, word in zip(COLUMNS, words, strict=False):
        value = _number(word)
        name = word.lstrip("+-")
        if value is None and name in known:
            value = -known[name] if word.startswith("-") else known[name]
        if value is None:
            raise GeometryError(
                f'{place}: the {kind} "{word}" is neither a number nor a variable with a value. '
                f'Add a line "{name} = ..." or variables={{"{name}": ...}}.'
            )
        if kind == "distance" and value <= 0:
            raise GeometryError(f"{place}: the distance is {value:g} Å. Use a positive one.")
        if kind == "angle" and not 0 <= value <= 180:
            raise GeometryError(
                f"{place}: the angle is {value:g} degrees. Use one from 0 to 180, and turn the "
                "dihedral by 180 instead."
            )
        yield value


def _check_planes(rows: list[_Row], positions: FloatArray) -> None:
    for row in rows:
        if len(row.references) < 3:
            continue
        a, b, c = (positions[i] for i in row.references)
        sides = (a - b, c - b)
        area = np.linalg.norm(np.cross(*sides))
        lengths = float(np.prod([np.linalg.norm(side) for side in sides]))
        if not area > COLLINEAR * lengths:
            names = ", ".join(str(i + 1) for i in row.references)
            raise GeometryError(
                f"{row.place}: atoms {names} lie on one line and fix no dihedral. Refer to "
                "others, or add a dummy atom X beside the line."
            )
