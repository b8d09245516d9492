"""What the ``circuits`` commands print with ``--json``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from qmlmat.cli.table import Output


class OptionOutput(Output):
    """A choice a template leaves to its user."""

    name: str = Field(description="Name of the option.")
    default: bool | int | str = Field(description="Value when nothing is said.")
    help: str = Field(description="What it does.")
    minimum: int | None = Field(description="Smallest value of a number.")
    choices: list[str] | None = Field(description="The words to choose from.")


class TemplateOutput(Output):
    """A template in a listing."""

    name: str = Field(description="What to call it.")
    title: str = Field(description="One line on what it is.")
    kind: str | None = Field(
        description='"fermionic", "qubit" or "encoding"; none where it cannot be read.'
    )
    options: list[OptionOutput]
    file: str = Field(description="Where it is.")
    error: str | None = Field(description="Why it cannot be used, where it cannot.")


class CircuitsOutput(Output):
    """Every template that a name finds."""

    kind: Literal["circuits"] = "circuits"
    templates: list[TemplateOutput]


class GateOutput(Output):
    """One gate, ``exp(scale * angle * generator)``."""

    generator: str = Field(description="What moves, or which occupations turn a phase.")
    param: int = Field(description="Which parameter is its angle.")
    scale: float = Field(description="Factor between parameter and angle.")


class SizeOutput(Output):
    """A template's circuit at one size."""

    norb: int = Field(description="Number of spatial orbitals.")
    nelec: tuple[int, int] = Field(description="Electrons by spin.")
    options: dict[str, bool | int | str] = Field(description="Value of every option.")
    n_params: int = Field(description="Number of parameters.")
    gates: list[GateOutput]


class CircuitOutput(Output):
    """One template, and its circuit where a size was given."""

    kind: Literal["circuit"] = "circuit"
    template: TemplateOutput
    cite: list[str] = Field(description="Papers the method is from.")
    conserves: list[str] = Field(description="Conserved quantities.")
    repeat: str | None = Field(description="The option that repeats the blocks.")
    start: str = Field(description="Where a search for the minimum begins.")
    blocks: list[str] = Field(description="Building blocks and where they act, in order.")
    size: SizeOutput | None = Field(description="The circuit, where a size was given.")


class EncodedGateOutput(Output):
    """One gate of an encoding."""

    gate: str = Field(description="Its name.")
    wires: list[int] = Field(description="The wires it acts on, controls first.")
    param: int | None = Field(description="Which angle is its own; none for a fixed gate.")
    features: list[int] = Field(description="The features that this angle depends on.")


class EncodedSizeOutput(Output):
    """An encoding's circuit at one size."""

    n_qubits: int = Field(description="Number of qubits.")
    n_features: int = Field(description="Number of features of one sample.")
    options: dict[str, bool | int | str] = Field(description="Value of every option.")
    n_params: int = Field(description="Number of angles.")
    n_scales: int = Field(description="Number of factors of features in them.")
    gates: list[EncodedGateOutput]


class EncodingOutput(Output):
    """One encoding, and its circuit where a size was given."""

    kind: Literal["encoding"] = "encoding"
    template: TemplateOutput
    cite: list[str] = Field(description="Papers the method is from.")
    repeat: str | None = Field(description="The option that repeats the blocks.")
    blocks: list[str] = Field(description="Building blocks and where they act, in order.")
    final: list[str] = Field(description="Blocks that follow once.")
    size: EncodedSizeOutput | None = Field(description="The circuit, where a size was given.")


class ExpectationOutput(Output):
    """One expectation of a template, and what was found."""

    name: str = Field(description="Name of the template.")
    what: str = Field(description="What was checked.")
    expected: str = Field(description="What the file says.")
    found: str = Field(description="What was found.")
    passed: bool = Field(description="Whether they agree.")


class CheckOutput(Output):
    """Templates held to their own [[check]] tables."""

    kind: Literal["check"] = "check"
    passed: bool = Field(description="Whether every file and every expectation is right.")
    errors: list[str] = Field(description="Files that break a rule, with the remedy.")
    expectations: list[ExpectationOutput]


class DrawingOutput(Output):
    """A circuit on qubits as a drawing."""

    kind: Literal["drawing"] = "drawing"
    n_qubits: int = Field(description="Number of qubits.")
    n_params: int = Field(description="Number of parameters.")
    drawing: str = Field(description="The drawing, in characters.")


class CountsOutput(Output):
    """What a circuit costs on one target."""

    target: str = Field(description="As written, or a device.")
    n_params: int = Field(description="Number of parameters.")
    n_qubits: int = Field(description="Number of qubits.")
    one_qubit_gates: int = Field(description="Number of one-qubit gates.")
    two_qubit_gates: int = Field(description="Number of two-qubit gates.")
    depth: int = Field(description="Number of layers.")
    two_qubit_depth: int = Field(description="Number of layers of two-qubit gates.")


class ResourcesOutput(Output):
    """Gates and layers of a circuit, before and after transpilation."""

    kind: Literal["resources"] = "resources"
    circuit: str = Field(description="Name of the template.")
    counts: list[CountsOutput]


class CircuitFileOutput(Output):
    """A circuit that was written as OpenQASM 3."""

    kind: Literal["circuit_file"] = "circuit_file"
    file: str = Field(description="The file.")
    n_qubits: int = Field(description="Number of qubits.")
    n_params: int = Field(description="Number of free parameters.")
    n_gates: int = Field(description="Number of gates.")
