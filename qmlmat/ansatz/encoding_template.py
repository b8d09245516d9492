"""Templates of encodings: files in ``circuits/encoding/``, checked and lowered to a circuit."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final, Literal

import numpy as np
from pydantic import Field

from qmlmat.ansatz.encoded_circuit import EncodedCircuit
from qmlmat.ansatz.qubit_blocks import QUBIT_BLOCKS, OptionValue
from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.ansatz.template import find_template
from qmlmat.ansatz.template_tables import Definition, FileValue, Table
from qmlmat.errors import TemplateError, nearest

FeaturePlace = Literal["all_features", "own_feature"]
"""What an angle depends on: every feature, or one, that of its qubit."""

FEATURE_BLOCKS: Final = {f"{axis}_features": f"{axis}_rotations" for axis in ("rx", "ry", "rz")}
"""Blocks whose angles depend on features, and the block of the same gates with weights alone."""


class EncodingBlock(Table):
    """One building block: gates that are appended to the circuit."""

    generator: str = Field(description="Name of a building block, e.g. ry_features.")
    where: Literal["all_features", "own_feature", "qubits", "links"] = Field(
        description="Which features its angles depend on, or where the block acts."
    )


class EncodingCheck(Table):
    """An expectation about the circuit at one size, read by the tests."""

    n_qubits: int = Field(gt=0, description="Number of qubits.")
    n_features: int = Field(gt=0, description="Number of features.")
    options: dict[str, FileValue] = Field({}, description="Options that differ from default.")
    n_params: int = Field(ge=0, description="Number of angles at this size.")
    n_scales: int = Field(ge=0, description="Number of factors of features in them.")


class EncodingTemplate(Definition):
    """An encoding: which building blocks, in which order, which of their angles take features."""

    kind: Literal["encoding"] = Field(description="Circuits that take features of data.")
    block: list[EncodingBlock] = Field(min_length=1, description="Building blocks, in order.")
    final: list[EncodingBlock] = Field([], description="Blocks after the last repetition.")
    check: list[EncodingCheck] = Field(min_length=1, description="Expectations for the tests.")

    call: ClassVar[str] = "Encoding"
    """What the user calls, for messages."""

    def encoded_circuit(
        self, n_qubits: int, n_features: int, options: dict[str, OptionValue]
    ) -> EncodedCircuit:
        """Return the template lowered to gates at one size.

        Args:
            n_qubits: Number of qubits.
            n_features: Number of features of one sample.
            options: Values of the template's options; the rest take their defaults.

        Raises:
            TemplateError: If an option is not the template's, its value is not allowed, or the
                size does not fit the template.
        """
        chosen = self.resolve(options)
        for name, value in (("n_qubits", n_qubits), ("n_features", n_features)):
            if not isinstance(value, int | np.integer) or value < 1:
                raise TemplateError(
                    f'Encoding("{self.name}").circuit({name}={value!r}): use a whole number, at '
                    "least 1."
                )
        empty = np.zeros((0, n_features), dtype=np.bool_)
        found = EncodedCircuit(QubitCircuit(n_qubits, (), name=self.name), empty)
        for table in self.block * self.n_layers(chosen) + self.final:
            found = found.then(self._part(table, n_qubits, n_features, chosen))
        return found

    def _part(
        self, table: EncodingBlock, n_qubits: int, n_features: int, chosen: dict[str, OptionValue]
    ) -> EncodedCircuit:
        name = FEATURE_BLOCKS.get(table.generator, table.generator)
        circuit = QUBIT_BLOCKS[name].build(n_qubits, chosen)
        pattern = np.zeros((circuit.n_params, n_features), dtype=np.bool_)
        if table.where == "all_features":
            pattern[:] = True
        elif table.where == "own_feature":
            if n_features > n_qubits:
                raise TemplateError(
                    f'Encoding("{self.name}").circuit(n_qubits={n_qubits}, n_features='
                    f"{n_features}): a qubit takes one feature. Use at least {n_features} qubits, "
                    'or an encoding whose qubits take all features, e.g. "reupload_dense".'
                )
            pattern[np.arange(n_qubits), np.arange(n_qubits) % n_features] = True
        return EncodedCircuit(circuit, pattern)


def load_encoding(name: str) -> EncodingTemplate:
    """Return the encoding of a name, or of a path ending in ``.toml``.

    A name is looked up in the user's own folder first, as an ansatz's is.

    Raises:
        TemplateError: If there is no such encoding, or its file breaks a rule.
    """
    return read_encoding(find_template(name, "encoding"))


def read_encoding(path: Path) -> EncodingTemplate:
    """Return the encoding in a TOML file.

    Raises:
        TemplateError: If the file cannot be read, is no TOML, or breaks a rule of the format.
    """
    template = EncodingTemplate.read(path)
    wrong = _what_is_wrong(template)
    if wrong:
        raise TemplateError(f"{path}: {wrong}")
    return template


def _what_is_wrong(template: EncodingTemplate) -> str:
    """Return what breaks a rule across tables, with its remedy, or nothing."""
    tables = template.block + template.final
    found = next(filter(None, map(_wrong_block, tables)), "")
    if found:
        return found
    if template.repeat is not None and template.repeat not in template.options:
        hint = nearest(template.repeat, template.options)
        return f'repeat = "{template.repeat}" is not an option. {hint}'
    if not any(table.generator in FEATURE_BLOCKS for table in tables):
        return "no block takes features. Add one, e.g. ry_features."
    return _unread_option(template)


def _wrong_block(table: EncodingBlock) -> str:
    known = {**QUBIT_BLOCKS, **FEATURE_BLOCKS}
    if table.generator not in known:
        hint = nearest(table.generator, known)
        return f'block.generator = "{table.generator}" is not a building block. {hint}'
    takes = table.generator in FEATURE_BLOCKS
    places = ("all_features", "own_feature") if takes else QUBIT_BLOCKS[table.generator].places
    if table.where not in places:
        hint = "Use " + " or ".join(f'"{place}"' for place in places) + "."
        return f'block.where = "{table.where}" is nothing {table.generator} can do. {hint}'
    return ""


def _unread_option(template: EncodingTemplate) -> str:
    used = {template.repeat}
    for table in template.block + template.final:
        block = QUBIT_BLOCKS.get(table.generator)
        used |= set(block.options) if block else set()
    for name in template.options:
        if name not in used:
            return f"[options.{name}]: nothing in the template reads it. Leave it out."
    return ""
