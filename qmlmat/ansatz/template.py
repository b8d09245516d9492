"""Templates: ansatz definitions in TOML files, checked and lowered to a ``Circuit``.

The file's keys are these models' fields; ``circuits/schema.json`` is generated from them.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qmlmat._resources import data_dir
from qmlmat._validation import describe_errors
from qmlmat.ansatz.circuit import Circuit
from qmlmat.ansatz.generators import GENERATORS, Where
from qmlmat.errors import TemplateError, nearest
from qmlmat.provenance import content_hash

OptionValue = bool
"""What an option of a template can be set to."""

OptionName = Literal["spin_tied"]
"""The options a template may offer: those that lowering to a circuit knows."""

USER_FOLDER_VARIABLE = "QMLMAT_CIRCUITS"
"""Environment variable naming the user's own folder of templates."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OptionTable(_Table):
    """A choice the user can make when the template is used."""

    default: OptionValue = Field(description="Value when nothing is said.")
    help: str = Field(description="One sentence on what it does.")


class BlockTable(_Table):
    """One building block: a list of excitations, appended to the circuit."""

    generator: str = Field(description="Name of a building block, e.g. mixed_doubles.")
    where: Where = Field("occupied_to_virtual", description="Between which orbitals.")


class EnergyCheck(_Table):
    """The optimised energy the template must reach on a molecule."""

    xyz: str = Field(description="Geometry as XYZ lines separated by semicolons (Å).")
    basis: str = Field(description="Basis set.")
    freeze_core: bool = Field(False, description="Whether the core orbitals are frozen.")
    value: float = Field(description="Energy (hartree).")
    atol: float = Field(gt=0, description="Absolute tolerance (hartree).")
    source: str = Field(description="Where the value comes from.")


class CheckTable(_Table):
    """An expectation about the circuit at one size, read by the tests."""

    norb: int = Field(gt=0, description="Number of spatial orbitals.")
    nelec: tuple[int, int] = Field(description="Electrons by spin.")
    options: dict[str, OptionValue] = Field({}, description="Options that differ from default.")
    n_params: int = Field(ge=0, description="Number of parameters at this size.")
    energy: EnergyCheck | None = Field(None, description="Energy at this size, if known.")


class Template(_Table):
    """An ansatz definition: which building blocks, in which order, with which options."""

    schema_version: Literal[1] = Field(alias="schema", description="Version of this format.")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Name; also the file's name.")
    title: str = Field(description="One line for listings.")
    kind: Literal["fermionic"] = Field(description="What the building blocks act on.")
    reference: Literal["hartree_fock"] = Field(description="Determinant the circuit starts from.")
    conserves: list[Literal["n_alpha", "n_beta"]] = Field(description="Conserved quantities.")
    cite: list[str] = Field(description="Papers the method is from.")
    options: dict[OptionName, OptionTable] = Field({}, description="Choices of the user.")
    block: list[BlockTable] = Field(min_length=1, description="Building blocks, in order.")
    check: list[CheckTable] = Field(min_length=1, description="Expectations for the tests.")

    def content_hash(self) -> str:
        """Return a hash of what determines the circuit, not of titles or comments."""
        return content_hash(self.model_dump(mode="json", include={"reference", "block"}))

    def resolve(self, options: dict[str, OptionValue]) -> dict[str, OptionValue]:
        """Return the value of every option of the template.

        Args:
            options: Those that are not to take their default.

        Raises:
            TemplateError: If the template has no such option, or its value is of the wrong type.
        """
        chosen: dict[str, OptionValue] = {k: option.default for k, option in self.options.items()}
        for key, value in options.items():
            if key not in chosen:
                raise TemplateError(
                    f'Ansatz("{self.name}", {key}={value}): no such option. {nearest(key, chosen)}'
                )
            if not isinstance(value, bool):
                raise TemplateError(
                    f'Ansatz("{self.name}", {key}={value!r}): this option is a switch. '
                    "Use True or False."
                )
            chosen[key] = value
        return chosen

    def circuit(
        self, norb: int, nelec: tuple[int, int], options: dict[str, OptionValue]
    ) -> Circuit:
        """Return the template lowered to gates at one size.

        Args:
            norb: Number of spatial orbitals.
            nelec: Electrons by spin.
            options: Values of the template's options; the rest take their defaults.

        Raises:
            TemplateError: If an option is not the template's, or its value of the wrong type.
        """
        chosen = self.resolve(options)
        excitations = [
            excitation
            for block in self.block
            for excitation in GENERATORS[block.generator](norb, nelec, block.where)
        ]
        return Circuit.from_excitations(
            norb,
            nelec,
            excitations,
            spin_tied=chosen.get("spin_tied", False),
            name=self.name,
        )


def template_folders() -> list[Path]:
    """Return where templates are looked up, the user's own folder first."""
    own = os.environ.get(USER_FOLDER_VARIABLE)
    user = Path(own) if own else platformdirs.user_config_path("qmlmat") / "circuits"
    return [user / "ansatz", data_dir("circuits") / "ansatz"]


def load_template(name: str) -> Template:
    """Return the template of a name, or of a path ending in ``.toml``.

    A name is looked up in the user's own folder first (the environment variable
    ``QMLMAT_CIRCUITS``, else the platform's configuration folder), then in the package's.

    Raises:
        TemplateError: If there is no such template, or its file breaks a rule.

    Example:
        >>> load_template("uccsd").circuit(4, (2, 2), {}).n_params
        26
    """
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise TemplateError(f'Ansatz("{name}"): no such file. Check the path.')
        return read_template(path)
    known: dict[str, Path] = {}
    for folder in reversed(template_folders()):
        if folder.is_dir():
            known |= {path.stem: path for path in sorted(folder.glob("*.toml"))}
    if name not in known:
        raise TemplateError(
            f'Ansatz("{name}"): no template of this name. {nearest(name, known)} '
            "Your own template can be given by its path, ending in .toml."
        )
    return read_template(known[name])


def read_template(path: Path) -> Template:
    """Return the template in a TOML file.

    Raises:
        TemplateError: If the file cannot be read, is no TOML, or breaks a rule of the format.
    """
    try:
        template = Template.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(f"{path}: cannot be read ({error}). Check the file.") from error
    except tomllib.TOMLDecodeError as error:
        raise TemplateError(f"{path}: not valid TOML: {error}.") from error
    except ValidationError as error:
        raise TemplateError("; ".join(describe_errors(error, Template, str(path)))) from error
    for block in template.block:
        if block.generator not in GENERATORS:
            raise TemplateError(
                f'{path}: block.generator = "{block.generator}" is not a building block. '
                f"{nearest(block.generator, GENERATORS)}"
            )
    return template
