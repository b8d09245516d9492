"""The input file: its keys, its JSON schema, and clear answers to what is wrong in it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from qmlmat._validation import describe_errors
from qmlmat.cli.backends import BackendTable
from qmlmat.cli.paths import PathTable
from qmlmat.cli.solvers import TEMPLATE_KEYS, SolverTable, VQETable
from qmlmat.cli.table import Table
from qmlmat.errors import ConfigError, GeometryError

Document = TypeVar("Document", bound=Table)
"""The kind of an input file."""


class MoleculeTable(Table):
    """The molecule whose atoms are moved along the path, or that is solved as it is."""

    xyz: str | None = Field(
        default=None,
        description="XYZ lines `N 0 0 0` (Å), or an XYZ file's path relative to this file.",
    )
    zmatrix: str | None = Field(
        default=None,
        description="Instead of xyz: a Z-matrix, or its file's path relative to this file.",
    )
    charge: int = Field(default=0, description="Total charge (elementary charges).")
    spin: int = Field(default=0, description="Number of unpaired electrons, 2S.")
    basis: str = Field(default="sto-3g", description="Name of the basis set, as PySCF knows it.")
    ecp: str | None = Field(default=None, description="Name of the effective core potentials.")

    @model_validator(mode="after")
    def _check_one_geometry(self) -> Self:
        if (self.xyz is None) == (self.zmatrix is None):
            raise ValueError("give the geometry once, as xyz or as zmatrix")
        return self


class ActiveSpaceTable(Table):
    """The orbitals and electrons the solver correlates; every orbital where it is left out."""

    n_electrons: int | None = Field(default=None, description="Number of active electrons.")
    norb: int | None = Field(default=None, description="Orbitals round the Fermi level.")
    indices: list[int] | None = Field(default=None, description="Chosen orbitals, counted from 0.")
    freeze_core: bool = Field(default=False, description="Leave the core orbitals out.")
    orbitals: Literal["tracked", "canonical"] = Field(
        default="tracked",
        description="Whether a scan follows the orbitals from point to point, or chooses them at "
        "each by itself.",
    )
    natural: bool = Field(
        default=False, description="Choose by numbers among MP2 natural orbitals."
    )
    avas: list[str] = Field(
        default=[],
        description='Atomic orbitals, e.g. ["N 2s", "N 2p"], whose space is active (AVAS).',
    )
    threshold: float = Field(
        default=0.2, gt=0, lt=1, description="Share in `avas` from which an orbital is active."
    )


class InputDocument(Table):
    """Input of `qmlmat scan` and `qmlmat solve`."""

    title: str = Field(default="", description="What the scan is of; shown over the figure.")
    molecule: MoleculeTable
    active_space: ActiveSpaceTable = Field(default=ActiveSpaceTable())
    classical: list[Literal["mp2", "ccsd", "ccsd(t)", "nevpt2"]] = Field(
        default=[], description="Classical methods whose energies stand beside the solver's."
    )
    path: PathTable | None = Field(default=None, description="Needed by `qmlmat scan` only.")
    backend: BackendTable | None = Field(
        default=None, description="Where circuits run; by default the exact sector simulator."
    )
    solver: SolverTable = Field(default=VQETable(name="VQE"))

    def plain(self) -> dict[str, Any]:
        """Return the keys that were given, as plain values a store can keep."""
        return self.model_dump(mode="json", exclude_unset=True)


def load_input(file: Path) -> InputDocument:
    """Return a checked input file, with the texts of the files it names in place of their names.

    Raises:
        ConfigError: If the file cannot be read, is not TOML, or breaks a rule; one line each.
    """
    return parse_input(read_toml(file), name=file.name, folder=file.parent)


def read_toml(file: Path) -> dict[str, Any]:
    """Return the tables and keys of a TOML file.

    Raises:
        ConfigError: If the file cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f'"{file}": there is no such file. Check the name, or write an example: qmlmat init'
        ) from None
    except OSError as error:
        raise ConfigError(
            f'"{file}": the file cannot be read ({error.strerror}). Give the name of a TOML file.'
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(
            f'"{file}": this is not text in UTF-8. Give the name of a TOML file.'
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f'"{file}": not valid TOML: {error}. Text goes in quotes, tables in [brackets].'
        ) from None


def checked_document(values: Mapping[str, Any], document: type[Document], name: str) -> Document:
    """Return an input file's tables, checked.

    Args:
        values: The tables and keys.
        document: What the file must be.
        name: What messages call the input.

    Raises:
        ConfigError: If a value breaks a rule; one line for each.
    """
    try:
        return document.model_validate(values)
    except ValidationError as error:
        raise ConfigError("\n".join(describe_errors(error, document, name))) from None


def parse_input(values: Mapping[str, Any], *, name: str, folder: Path) -> InputDocument:
    """Return a checked input from plain values.

    Args:
        values: The tables and keys.
        name: What messages call the input.
        folder: Where the relative name of an XYZ file or template starts from.

    Raises:
        ConfigError: If a value breaks a rule; one line for each.
        TemplateError: If the user's own template breaks one.
    """
    document = checked_document(values, InputDocument, name)
    included: dict[str, Table] = {}
    included["molecule"] = _include(document.molecule, "molecule", _ATOMS, name, folder)
    if document.path is not None:
        included["path"] = _include(document.path, "path", _ROUTES, name, folder)
    solver = document.solver
    key = TEMPLATE_KEYS.get(solver.name)
    given = getattr(solver, key) if key else ""
    if key and given.endswith(".toml"):
        file = folder / Path(given).expanduser()
        text = _read(file, f'{name}: [solver] {key} = "{given}"', _TEMPLATE)
        _check_template(file)
        included["solver"] = solver.model_copy(update={key: f"{text.rstrip()}\n"})
    return document.model_copy(update=included)


_XYZ: Final = ("XYZ file", "write the atoms themselves, one per line")
_ZMATRIX: Final = ("Z-matrix", "write its lines themselves")
_TEMPLATE: Final = ("template", "give the name of one that comes with qmlmat")
_FRAMES: Final = ("file of frames", "write them in XYZ format")

_ATOMS: Final = {"xyz": _XYZ, "zmatrix": _ZMATRIX}
_ROUTES: Final = {"to": _XYZ, "frames": _FRAMES}
"""Keys of a table that may name a file: what it is, and what could be written instead."""


def _include(
    table: Table, title: str, keys: Mapping[str, tuple[str, str]], name: str, folder: Path
) -> Table:
    """Return the table with the texts of the files it names in place of their names."""
    texts = {}
    for key, what in keys.items():
        given = getattr(table, key)
        if given is not None and _is_file_name(given):
            file = folder / Path(given).expanduser()
            place = f'{name}: [{title}] {key} = "{given}"'
            texts[key] = _frames_text(file, place) if what is _FRAMES else _read(file, place, what)
    return table.model_copy(update=texts) if texts else table


def _is_file_name(given: str) -> bool:
    text = given.strip()
    if "\n" in text or ";" in text:
        return False
    return text.lower().endswith((".xyz", ".traj")) or len(text.split()) == 1


def _frames_text(file: Path, place: str) -> str:
    """Return the frames of a file as the text of an XYZ file, which a store can keep."""
    if file.suffix.lower() == ".xyz" or not file.is_file():
        return _read(file, place, _FRAMES)
    from qmlmat.surfaces import frames  # noqa: PLC0415 - loads pyscf

    try:
        points = frames(file).geometries
    except GeometryError as error:
        raise ConfigError(f"{place}: {error}") from None
    lines = []
    for point in points:
        lines += [str(len(point.symbols)), ""]
        rows = zip(point.symbols, point.positions.tolist(), strict=True)
        lines += [f"{symbol} {x!r} {y!r} {z!r}" for symbol, (x, y, z) in rows]
    return "\n".join([*lines, ""])


def _check_template(file: Path) -> None:
    from qmlmat.ansatz.template import read_template  # noqa: PLC0415 - loads numpy

    read_template(file)


def _read(file: Path, place: str, what: tuple[str, str]) -> str:
    kind, instead = what
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f'{place}: there is no file "{file}". Name it relative to the input file, or {instead}.'
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f'{place}: "{file}" cannot be read ({error}). Give a readable {kind}.'
        ) from None
