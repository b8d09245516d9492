"""What the commands about templates share: finding one, its options, its listing."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.box import SIMPLE_HEAD
from rich.table import Table

from qmlmat.cli.circuits_output import ExpectationOutput, OptionOutput, TemplateOutput
from qmlmat.errors import ConfigError, TemplateError, nearest

if TYPE_CHECKING:
    from qmlmat.ansatz.encoding_template import EncodingTemplate
    from qmlmat.ansatz.qubit_blocks import OptionValue
    from qmlmat.ansatz.template import Library, Template

LIBRARIES: Final[tuple[Library, ...]] = ("ansatz", "encoding")
"""The folders of templates, as they are listed."""

_SWITCHES: Final = {"true": True, "false": False}


@dataclass(frozen=True, kw_only=True)
class ShownSize:
    """The size of the circuit that is shown, as far as it was given."""

    norb: int | None = None
    """Number of spatial orbitals."""

    nelec: str | None = None
    """Electrons by spin, e.g. ``"2,2"``."""

    n_qubits: int | None = None
    """Number of qubits, of an encoding."""

    n_features: int | None = None
    """Number of features of one sample, of an encoding."""


def find(name: str) -> tuple[Path, Library]:
    """Return the file of an ansatz or an encoding, and which of both it is.

    Args:
        name: Its name, or a path ending in ``.toml``.

    Raises:
        TemplateError: If there is none.
    """
    from qmlmat.ansatz.template import find_template, template_files  # noqa: PLC0415 - loads numpy

    if name.endswith(".toml"):
        path = find_template(name)
        return path, _library(path)
    ansatzes, encodings = template_files(), template_files("encoding")
    if name in ansatzes:
        return ansatzes[name], "ansatz"
    if name in encodings:
        return encodings[name], "encoding"
    raise TemplateError(
        f'circuits: no template "{name}". {nearest(name, [*ansatzes, *encodings])} '
        "Your own template can be given by its path, ending in .toml."
    )


def _library(path: Path) -> Library:
    try:
        kind = tomllib.loads(path.read_text(encoding="utf-8")).get("kind")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return "ansatz"  # whoever reads it says what is wrong
    return "encoding" if kind == "encoding" else "ansatz"


def load(path: Path, library: Library) -> Template | EncodingTemplate:
    """Return the ansatz or the encoding in a file.

    Raises:
        TemplateError: If the file cannot be read, or breaks a rule of the format.
    """
    from qmlmat.ansatz.encoding_template import read_encoding  # noqa: PLC0415 - loads numpy
    from qmlmat.ansatz.template import read_template  # noqa: PLC0415

    return read_encoding(path) if library == "encoding" else read_template(path)


def checked(path: Path, template: Template | EncodingTemplate) -> None:
    """Refuse a template whose file is called otherwise: a name would not find it.

    Raises:
        TemplateError: If it is.
    """
    if template.name != path.stem:
        raise TemplateError(
            f'{path}: name = "{template.name}", but a template is found by its file\'s name. '
            f'Write name = "{path.stem}", or call the file {template.name}.toml.'
        )


def listed(name: str, path: Path, library: Library) -> TemplateOutput:
    """Return a template in a listing; one that cannot be read with the reason."""
    try:
        return described(load(path, library), path)
    except TemplateError as error:
        return TemplateOutput(
            name=name, title="", kind=None, options=[], file=str(path), error=str(error)
        )


def described(template: Template | EncodingTemplate, path: Path) -> TemplateOutput:
    """Return a template in a listing."""
    return TemplateOutput(
        name=template.name,
        title=template.title,
        kind=template.kind,
        options=[
            OptionOutput(
                name=name,
                default=option.default,
                help=option.help,
                minimum=option.minimum,
                choices=option.choices,
            )
            for name, option in template.options.items()
        ],
        file=str(path),
        error=None,
    )


def expectation(name: str, what: str, expected: int, found: int) -> ExpectationOutput:
    """Return a number that a template states, beside the one that was found."""
    return ExpectationOutput(
        name=name, what=what, expected=str(expected), found=str(found), passed=expected == found
    )


def option_table(template: TemplateOutput) -> Table:
    """Return the options of a template as a table."""
    table = table_of("option", "default", "allowed", "what it does")
    for option in template.options:
        table.add_row(option.name, text(option.default), _allowed(option), option.help)
    return table


def option_words(options: dict[str, OptionValue]) -> str:
    """Return options as they stand behind a size, e.g. ``", k=2"``."""
    return "".join(f", {key}={text(value)}" for key, value in options.items())


def _allowed(option: OptionOutput) -> str:
    if option.choices is not None:
        return ", ".join(option.choices)
    return "true, false" if option.minimum is None else f"{option.minimum} or more"


def option_values(texts: Sequence[str]) -> dict[str, OptionValue]:
    """Return options from their texts, ``key=value``.

    Raises:
        ConfigError: If a text is something else.
    """
    values: dict[str, OptionValue] = {}
    for given in texts:
        key, equals, value = (part.strip() for part in given.partition("="))
        if not (key and equals and value):
            raise ConfigError(f'--option "{given}": not KEY=VALUE. Write e.g. -o k=2')
        values[key] = _value(value)
    return values


def _value(given: str) -> OptionValue:
    if given.lower() in _SWITCHES:
        return _SWITCHES[given.lower()]
    try:
        return int(given)
    except ValueError:
        return given


def text(value: OptionValue) -> str:
    """Return the value of an option as its user writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def table_of(*columns: str) -> Table:
    """Return an empty table as all commands print it."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True, header_style="")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
