"""The tables of a template's file: options, building blocks, expectations."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from qmlmat._validation import describe_errors, plain_value
from qmlmat.ansatz.blocks import Place
from qmlmat.ansatz.qubit_blocks import OptionValue, QubitPlace
from qmlmat.errors import TemplateError, nearest

FileValue = Annotated[OptionValue, BeforeValidator(plain_value)]
"""An option's value as a file gives it."""


class Table(BaseModel):
    """A table: no keys but its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OptionTable(Table):
    """A choice the user can make when the template is used: a switch, a number or a word."""

    default: FileValue = Field(description="Value when nothing is said; it fixes the type.")
    help: str = Field(description="One sentence on what it does.")
    minimum: int | None = Field(None, description="Smallest value of a number.")
    choices: list[str] | None = Field(None, description="The words to choose from.")

    @model_validator(mode="after")
    def _check_type(self) -> Self:
        if (self.minimum is not None) != (type(self.default) is int):
            raise ValueError("minimum belongs to a whole number, and a whole number needs one")
        if (self.choices is not None) != isinstance(self.default, str):
            raise ValueError("choices belong to a word, and a word needs them")
        remedy = self.remedy(self.default)
        if remedy:
            raise ValueError(f"default = {self.default!r} is not allowed. {remedy}".rstrip("."))
        return self

    def remedy(self, value: object) -> str:
        """Return what to use instead of a value, or nothing where it is allowed."""
        if isinstance(self.default, bool):
            return "" if isinstance(value, bool) else "This option is a switch. Use True or False."
        if self.choices is not None:
            return "" if value in self.choices else nearest(str(value), self.choices)
        assert self.minimum is not None
        if type(value) is int and value >= self.minimum:
            return ""
        return f"Use a whole number of at least {self.minimum}."


class Definition(Table):
    """What every template's file begins with: its name, its papers, its options."""

    schema_version: Literal[1] = Field(alias="schema", description="Version of this format.")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Name; also the file's name.")
    title: str = Field(description="One line for listings.")
    cite: list[str] = Field(description="Papers the method is from.")
    options: dict[str, OptionTable] = Field({}, description="Choices of the user.")
    repeat: str | None = Field(
        None, description="The option that says how often the blocks are repeated, new angles each."
    )

    call: ClassVar[str] = "Ansatz"
    """What the user calls, for messages."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the definition in a TOML file.

        Raises:
            TemplateError: If the file cannot be read, is no TOML, or breaks a rule of its tables.
        """
        try:
            return cls.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            raise TemplateError(f"{path}: cannot be read ({error}). Check the file.") from error
        except tomllib.TOMLDecodeError as error:
            raise TemplateError(f"{path}: not valid TOML: {error}.") from error
        except ValidationError as error:
            raise TemplateError("; ".join(describe_errors(error, cls, str(path)))) from error

    def resolve(self, options: dict[str, OptionValue]) -> dict[str, OptionValue]:
        """Return the value of every option of the template.

        Args:
            options: Those that are not to take their default.

        Raises:
            TemplateError: If the template has no such option, or its value is not allowed.
        """
        chosen: dict[str, OptionValue] = {k: option.default for k, option in self.options.items()}
        for key, value in options.items():
            if key not in chosen:
                raise TemplateError(
                    f'{self.call}("{self.name}", {key}={value!r}): no such option. '
                    f"{nearest(key, chosen)}"
                )
            remedy = self.options[key].remedy(value)
            if remedy:
                raise TemplateError(f'{self.call}("{self.name}", {key}={value!r}): {remedy}')
            chosen[key] = value
        return chosen

    def n_layers(self, chosen: dict[str, OptionValue]) -> int:
        """Return how often the blocks are repeated, with these options."""
        return 1 if self.repeat is None else int(chosen[self.repeat])


class BlockTable(Table):
    """One building block: gates that are appended to the circuit."""

    generator: str = Field(description="Name of a building block, e.g. mixed_doubles.")
    where: Place | QubitPlace = Field(
        "occupied_to_virtual", description="Between which orbitals, or on what."
    )


class EnergyCheck(Table):
    """The optimised energy the template must reach on a molecule."""

    xyz: str = Field(description="Geometry as XYZ lines separated by semicolons (Å).")
    basis: str = Field(description="Basis set.")
    freeze_core: bool = Field(False, description="Whether the core orbitals are frozen.")
    value: float = Field(description="Energy (hartree).")
    atol: float = Field(gt=0, description="Absolute tolerance (hartree).")
    source: str = Field(description="Where the value comes from.")


class CheckTable(Table):
    """An expectation about the circuit at one size, read by the tests."""

    norb: int | None = Field(None, gt=0, description="Number of spatial orbitals.")
    nelec: tuple[int, int] | None = Field(None, description="Electrons by spin.")
    n_qubits: int | None = Field(None, gt=0, description="Number of qubits, for kind qubit.")
    options: dict[str, FileValue] = Field({}, description="Options that differ from default.")
    n_params: int = Field(ge=0, description="Number of parameters at this size.")
    energy: EnergyCheck | None = Field(None, description="Energy at this size, if known.")

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        if len({self.n_qubits is None, self.norb is not None, self.nelec is not None}) > 1:
            raise ValueError("its size is not clear. Give norb and nelec, or n_qubits")
        return self

    @property
    def size(self) -> str:
        """The size in words."""
        if self.nelec is None:
            return f"{self.n_qubits} qubits"
        return f"{self.norb} orbitals, {self.nelec[0]}+{self.nelec[1]} electrons"
