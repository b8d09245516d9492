"""Templates: ansatz definitions in TOML files, checked and lowered to a ``Circuit``.

The file's keys are these models' fields; ``circuits/schema.json`` is generated from them.
"""

from __future__ import annotations

import os
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self

import platformdirs
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from qmlmat._resources import data_dir
from qmlmat._validation import describe_errors, plain_value
from qmlmat.ansatz.blocks import BLOCKS, OptionValue, Place
from qmlmat.ansatz.circuit import Circuit
from qmlmat.ansatz.jastrow import factorized_params, local_pairs
from qmlmat.errors import TemplateError, nearest
from qmlmat.provenance import content_hash
from qmlmat.typing import FloatArray

Start = Literal["amplitudes", "perturbed", "factorized"]
"""Where a search for the minimum begins: each gate at its cluster amplitude; angles that have no
slope there moved at random; or layers that factorise the doubles amplitudes first."""

Orbitals = Literal["by_energy", "exchange_pairs"]
"""Which orbital stands where: in order of energy, or so that HOMO and LUMO, HOMO-1 and LUMO+1, and
so on, are the pairs with the largest exchange integrals."""

FileValue = Annotated[OptionValue, BeforeValidator(plain_value)]
"""An option's value as a file gives it."""

USER_FOLDER_VARIABLE = "QMLMAT_CIRCUITS"
"""Environment variable naming the user's own folder of templates."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OptionTable(_Table):
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


class BlockTable(_Table):
    """One building block: gates that are appended to the circuit."""

    generator: str = Field(description="Name of a building block, e.g. mixed_doubles.")
    where: Place = Field("occupied_to_virtual", description="Between which orbitals.")


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
    options: dict[str, FileValue] = Field({}, description="Options that differ from default.")
    n_params: int = Field(ge=0, description="Number of parameters at this size.")
    energy: EnergyCheck | None = Field(None, description="Energy at this size, if known.")


class Template(_Table):
    """An ansatz definition: which building blocks, in which order, with which options."""

    schema_version: Literal[1] = Field(alias="schema", description="Version of this format.")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Name; also the file's name.")
    title: str = Field(description="One line for listings.")
    kind: Literal["fermionic"] = Field(description="What the building blocks act on.")
    reference: Literal["hartree_fock"] = Field(description="Determinant the circuit starts from.")
    conserves: list[Literal["n_alpha", "n_beta", "spin"]] = Field(
        description="Conserved quantities; spin is S^2."
    )
    cite: list[str] = Field(description="Papers the method is from.")
    options: dict[str, OptionTable] = Field({}, description="Choices of the user.")
    repeat: str | None = Field(
        None, description="The option that says how often the blocks are repeated, new angles each."
    )
    start: Start = Field("amplitudes", description="Where a search for the minimum begins.")
    orbitals: Orbitals = Field(
        "by_energy", description="Which orbital stands where, once there is a molecule."
    )
    block: list[BlockTable] = Field(min_length=1, description="Building blocks, in order.")
    check: list[CheckTable] = Field(min_length=1, description="Expectations for the tests.")

    def content_hash(self) -> str:
        """Return a hash of what determines the circuit, not of titles or comments."""
        tree = self.model_dump(mode="json", include={"reference", "block"})
        # Only where they are said: a template without them keeps its hash, and scans resume.
        later = {"repeat": self.repeat, "start": self.start, "orbitals": self.orbitals}
        plain = (None, "amplitudes", "by_energy")
        return content_hash(tree | {k: value for k, value in later.items() if value not in plain})

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
                    f'Ansatz("{self.name}", {key}={value!r}): no such option. '
                    f"{nearest(key, chosen)}"
                )
            remedy = self.options[key].remedy(value)
            if remedy:
                raise TemplateError(f'Ansatz("{self.name}", {key}={value!r}): {remedy}')
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
            TemplateError: If an option is not the template's, or its value is not allowed.
        """
        chosen = self.resolve(options)
        layer = [BLOCKS[b.generator].build(norb, nelec, b.where, chosen) for b in self.block]
        n_layers = self._n_layers(chosen)
        return Circuit.concatenate(norb, nelec, layer * n_layers, name=self.name)

    def factorized_params(self, t2: FloatArray, options: dict[str, OptionValue]) -> FloatArray:
        """Return parameters from doubles amplitudes, for a template with that start.

        Args:
            t2: Amplitudes of a closed shell, as ``jastrow.factorized_params`` takes them.
            options: Values of the template's options; the rest take their defaults.

        Returns:
            Shape ``(n_params,)`` (radians).
        """
        chosen = self.resolve(options)
        same, mixed = local_pairs(t2.shape[0] + t2.shape[2], str(chosen.get("pairs", "all")))
        return factorized_params(
            t2, n_reps=self._n_layers(chosen), same_pairs=same, mixed_pairs=mixed
        )

    def _n_layers(self, chosen: dict[str, OptionValue]) -> int:
        return 1 if self.repeat is None else int(chosen[self.repeat])


def template_folders() -> list[Path]:
    """Return where templates are looked up, the user's own folder first."""
    own = os.environ.get(USER_FOLDER_VARIABLE)
    user = Path(own) if own else platformdirs.user_config_path("qmlmat") / "circuits"
    return [user / "ansatz", data_dir("circuits") / "ansatz"]


def template_files() -> dict[str, Path]:
    """Return the file of every template that a name finds, the user's own folder first."""
    found: dict[str, Path] = {}
    for folder in template_folders():
        if folder.is_dir():
            for path in sorted(folder.glob("*.toml")):
                found.setdefault(path.stem, path)
    return found


def find_template(name: str) -> Path:
    """Return the file of a template, by its name or by a path ending in ``.toml``.

    A name is looked up in the user's own folder first (the environment variable
    ``QMLMAT_CIRCUITS``, else the platform's configuration folder), then in the package's.

    Raises:
        TemplateError: If there is no such file.
    """
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise TemplateError(f'Ansatz("{name}"): no such file. Check the path.')
        return path
    known = template_files()
    if name not in known:
        raise TemplateError(
            f'Ansatz("{name}"): no template of this name. {nearest(name, known)} '
            "Your own template can be given by its path, ending in .toml."
        )
    return known[name]


def load_template(name: str) -> Template:
    """Return the template of a name, or of a path ending in ``.toml``; see ``find_template``.

    Raises:
        TemplateError: If there is no such template, or its file breaks a rule.

    Example:
        >>> load_template("uccsd").circuit(4, (2, 2), {}).n_params
        26
    """
    path = find_template(name)
    try:
        written = path.stat().st_mtime_ns
    except OSError:
        return read_template(path)  # which says what is wrong
    return _remembered(path, written)


@lru_cache(maxsize=64)
def _remembered(path: Path, written: int) -> Template:  # noqa: ARG001 - a changed file is another
    return read_template(path)


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
    wrong = _what_is_wrong(template)
    if wrong:
        raise TemplateError(f"{path}: {wrong}")
    return template


def _what_is_wrong(template: Template) -> str:
    """Return what breaks a rule across tables, with its remedy, or nothing."""
    for block in template.block:
        if block.generator not in BLOCKS:
            hint = nearest(block.generator, BLOCKS)
            return f'block.generator = "{block.generator}" is not a building block. {hint}'
        places = BLOCKS[block.generator].places
        if block.where not in places:
            hint = "Use " + " or ".join(f'"{place}"' for place in places) + "."
            return f'block.where = "{block.where}" is nothing {block.generator} can do. {hint}'
    names = [block.generator for block in template.block]
    numbers = [name for name, option in template.options.items() if option.minimum is not None]
    if template.repeat is not None and template.repeat not in numbers:
        hint = nearest(template.repeat, numbers)
        return f'repeat = "{template.repeat}" is not an option that is a number. {hint}'
    if template.start == "factorized" and names != ["cluster_jastrow"]:
        return 'start = "factorized" is for the single block cluster_jastrow. Use "perturbed".'
    used = {name for block in template.block for name in BLOCKS[block.generator].options}
    used |= {template.repeat} if template.repeat else set()
    for name in template.options:
        if name not in used:
            return f"[options.{name}]: nothing in the template reads it. {nearest(name, used)}"
    return ""
