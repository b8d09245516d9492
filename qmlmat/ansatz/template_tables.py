"""The tables of a template's file: options, building blocks, expectations."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from qmlmat._validation import plain_value
from qmlmat.ansatz.blocks import Place
from qmlmat.ansatz.qubit_blocks import OptionValue, QubitPlace
from qmlmat.errors import nearest

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
