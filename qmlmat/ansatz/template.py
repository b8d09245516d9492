"""Templates: ansatz definitions in TOML files, checked and lowered to a circuit.

The file's keys are these models' fields; ``circuits/schema.json`` is generated from them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast

import numpy as np
import platformdirs
from pydantic import Field

from qmlmat._resources import data_dir
from qmlmat.ansatz.blocks import BLOCKS, Block, Place
from qmlmat.ansatz.circuit import Circuit
from qmlmat.ansatz.jastrow import factorized_params, local_pairs
from qmlmat.ansatz.qubit_blocks import QUBIT_BLOCKS, OptionValue, QubitBlock
from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.ansatz.template_tables import BlockTable, CheckTable, Definition
from qmlmat.errors import TemplateError, nearest
from qmlmat.provenance import content_hash
from qmlmat.typing import FloatArray

Start = Literal["amplitudes", "perturbed", "factorized"]
"""Where a search for the minimum begins: each gate at its cluster amplitude; angles that have no
slope there moved at random; or layers that factorise the doubles amplitudes first."""

Orbitals = Literal["by_energy", "exchange_pairs"]
"""Which orbital stands where: in order of energy, or so that HOMO and LUMO, HOMO-1 and LUMO+1, and
so on, are the pairs with the largest exchange integrals."""

Library = Literal["ansatz", "encoding"]
"""The folder that a template is in: circuits of states, or circuits that take features of data."""

USER_FOLDER_VARIABLE = "QMLMAT_CIRCUITS"
"""Environment variable naming the user's own folder of templates."""


class Template(Definition):
    """An ansatz definition: which building blocks, in which order, with which options."""

    kind: Literal["fermionic", "qubit"] = Field(description="What the building blocks act on.")
    reference: Literal["hartree_fock", "zeros"] = Field(
        description="State the circuit starts from; zeros: every qubit in |0>."
    )
    conserves: list[Literal["n_alpha", "n_beta", "spin"]] = Field(
        description="Conserved quantities; spin is S^2."
    )
    start: Start = Field("amplitudes", description="Where a search for the minimum begins.")
    orbitals: Orbitals = Field(
        "by_energy", description="Which orbital stands where, once there is a molecule."
    )
    block: list[BlockTable] = Field(min_length=1, description="Building blocks, in order.")
    final: list[BlockTable] = Field([], description="Blocks after the last repetition.")
    check: list[CheckTable] = Field(min_length=1, description="Expectations for the tests.")

    def content_hash(self) -> str:
        """Return a hash of what determines the circuit, not of titles or comments."""
        tree = self.model_dump(mode="json", include={"reference", "block"})
        # Only where they are said: a template without them keeps its hash, and scans resume.
        later: dict[str, object] = {
            "repeat": self.repeat,
            "start": self.start,
            "orbitals": self.orbitals,
        }
        later["final"] = self.model_dump(mode="json", include={"final"})["final"]
        plain: tuple[object, ...] = (None, "amplitudes", "by_energy", [])
        return content_hash(tree | {k: value for k, value in later.items() if value not in plain})

    def circuit(
        self, norb: int, nelec: tuple[int, int], options: dict[str, OptionValue]
    ) -> Circuit:
        """Return the template lowered to gates at one size.

        Args:
            norb: Number of spatial orbitals.
            nelec: Electrons by spin.
            options: Values of the template's options; the rest take their defaults.

        Raises:
            TemplateError: If an option is not the template's, its value is not allowed, or the
                template is one of qubits.
        """
        chosen = self.resolve(options)
        if self.kind == "qubit":
            raise TemplateError(
                f'Ansatz("{self.name}").circuit: its gates act on qubits, not on orbitals. Use '
                f'Ansatz("{self.name}").qubit_circuit(n_qubits), or a fermionic template, e.g. '
                '"uccsd".'
            )
        layer = [
            BLOCKS[table.generator].build(norb, nelec, cast("Place", table.where), chosen)
            for table in self.block
        ]
        n_layers = self.n_layers(chosen)
        return Circuit.concatenate(norb, nelec, layer * n_layers, name=self.name)

    def qubit_circuit(self, n_qubits: int, options: dict[str, OptionValue]) -> QubitCircuit:
        """Return a template of kind ``"qubit"`` lowered to gates.

        Args:
            n_qubits: Number of qubits.
            options: Values of the template's options; the rest take their defaults.

        Raises:
            TemplateError: If an option is not the template's, its value is not allowed, there is no
                qubit, or the template is fermionic.
        """
        chosen = self.resolve(options)
        if self.kind != "qubit":
            raise TemplateError(
                f'Ansatz("{self.name}").qubit_circuit: its gates act on orbitals, and a mapping '
                f'makes gates on qubits of them. Use lower(Ansatz("{self.name}").circuit(norb, '
                'nelec), qubit_mapping("jordan_wigner", norb)).'
            )
        if not isinstance(n_qubits, int | np.integer) or n_qubits < 1:
            raise TemplateError(
                f'Ansatz("{self.name}").qubit_circuit(n_qubits={n_qubits!r}): use a whole number, '
                "at least 1."
            )
        found = QubitCircuit(n_qubits, (), name=self.name)
        for table in self.block * self.n_layers(chosen) + self.final:
            found = found.then(QUBIT_BLOCKS[table.generator].build(n_qubits, chosen))
        return found

    def check_n_params(self, check: CheckTable) -> int:
        """Return the number of parameters at the size of an expectation."""
        if check.n_qubits is not None:
            return self.qubit_circuit(check.n_qubits, check.options).n_params
        assert check.norb is not None
        assert check.nelec is not None
        return self.circuit(check.norb, check.nelec, check.options).n_params

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
            t2, n_reps=self.n_layers(chosen), same_pairs=same, mixed_pairs=mixed
        )


def template_folders(library: Library = "ansatz") -> list[Path]:
    """Return where templates are looked up, the user's own folder first."""
    own = os.environ.get(USER_FOLDER_VARIABLE)
    user = Path(own) if own else platformdirs.user_config_path("qmlmat") / "circuits"
    return [user / library, data_dir("circuits") / library]


def template_files(library: Library = "ansatz") -> dict[str, Path]:
    """Return the file of every template that a name finds, the user's own folder first."""
    found: dict[str, Path] = {}
    for folder in template_folders(library):
        if folder.is_dir():
            for path in sorted(folder.glob("*.toml")):
                found.setdefault(path.stem, path)
    return found


def find_template(name: str, library: Library = "ansatz") -> Path:
    """Return the file of a template, by its name or by a path ending in ``.toml``.

    A name is looked up in the user's own folder first (the environment variable
    ``QMLMAT_CIRCUITS``, else the platform's configuration folder), then in the package's.

    Raises:
        TemplateError: If there is no such file.
    """
    call = f'{library.capitalize()}("{name}")'
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise TemplateError(f"{call}: no such file. Check the path.")
        return path
    known = template_files(library)
    if name not in known:
        raise TemplateError(
            f"{call}: no template of this name. {nearest(name, known)} "
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
    template = Template.read(path)
    wrong = _what_is_wrong(template)
    if wrong:
        raise TemplateError(f"{path}: {wrong}")
    return template


def _what_is_wrong(template: Template) -> str:
    """Return what breaks a rule across tables, with its remedy, or nothing."""
    blocks: Mapping[str, Block | QubitBlock] = QUBIT_BLOCKS if template.kind == "qubit" else BLOCKS
    tables = template.block + template.final
    return (
        next(filter(None, (_wrong_block(table, blocks) for table in tables)), "")
        or _wrong_kind(template)
        or _wrong_layers(template)
        or _wrong_options(template, blocks)
    )


def _wrong_block(table: BlockTable, blocks: Mapping[str, Block | QubitBlock]) -> str:
    if table.generator not in blocks:
        hint = nearest(table.generator, blocks)
        return f'block.generator = "{table.generator}" is not a building block. {hint}'
    places = blocks[table.generator].places
    if table.where not in places:
        hint = "Use " + " or ".join(f'"{place}"' for place in places) + "."
        return f'block.where = "{table.where}" is nothing {table.generator} can do. {hint}'
    return ""


def _wrong_kind(template: Template) -> str:
    on_qubits = template.kind == "qubit"
    reference = "zeros" if on_qubits else "hartree_fock"
    if template.reference != reference:
        return (
            f'reference = "{template.reference}" does not go with kind = "{template.kind}". Use '
            f'"{reference}".'
        )
    if any((check.n_qubits is not None) != on_qubits for check in template.check):
        size = "n_qubits" if on_qubits else "norb and nelec"
        return f'[[check]]: kind = "{template.kind}" has other sizes. Use {size}.'
    if on_qubits and (template.conserves or any(check.energy for check in template.check)):
        return 'kind = "qubit" conserves nothing and has no energy. Use conserves = [].'
    if template.final and not on_qubits:
        return '[[final]] is for kind = "qubit". Add the blocks to [[block]].'
    return ""


def _wrong_layers(template: Template) -> str:
    names = [block.generator for block in template.block]
    numbers = [name for name, option in template.options.items() if option.minimum is not None]
    if template.repeat is not None and template.repeat not in numbers:
        hint = nearest(template.repeat, numbers)
        return f'repeat = "{template.repeat}" is not an option that is a number. {hint}'
    if template.start == "factorized" and names != ["cluster_jastrow"]:
        return 'start = "factorized" is for the single block cluster_jastrow. Use "perturbed".'
    return ""


def _wrong_options(template: Template, blocks: Mapping[str, Block | QubitBlock]) -> str:
    tables = template.block + template.final
    used = {name for table in tables for name in blocks[table.generator].options}
    used |= {template.repeat} if template.repeat else set()
    for name in template.options:
        if name not in used:
            return f"[options.{name}]: nothing in the template reads it. {nearest(name, used)}"
    return ""
