"""What ``qmlmat circuits`` does with encodings: circuits that take features of data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qmlmat.cli.circuits_output import (
    EncodedGateOutput,
    EncodedSizeOutput,
    EncodingOutput,
    ExpectationOutput,
)
from qmlmat.cli.screen import ExitCode, Screen
from qmlmat.cli.templates import (
    ShownSize,
    checked,
    described,
    expectation,
    option_table,
    option_values,
    option_words,
    table_of,
)
from qmlmat.errors import ConfigError

if TYPE_CHECKING:
    from qmlmat.ansatz.encoding_template import EncodingTemplate
    from qmlmat.ansatz.qubit_blocks import OptionValue
    from qmlmat.ansatz.qubit_circuit import QubitGate


def show_encoding(screen: Screen, path: Path, size: ShownSize, options: Sequence[str]) -> ExitCode:
    """Show an encoding, and its circuit where a size is given.

    Args:
        screen: Where to.
        path: Its file.
        size: Which size.
        options: Options as ``key=value``.

    Raises:
        ConfigError: If a size is half given, or an argument cannot be read.
        TemplateError: If an option is unknown, or the size does not fit.
    """
    from qmlmat.ansatz.encoding_template import read_encoding  # noqa: PLC0415 - loads numpy

    template = read_encoding(path)
    chosen = template.resolve(option_values(options))
    on_orbitals = size.norb is not None or size.nelec is not None
    if on_orbitals or (size.n_qubits is None) != (size.n_features is None):
        raise ConfigError(
            f"{template.name} takes features: its size is --n-qubits and --n-features, e.g. "
            "--n-qubits 4 --n-features 3"
        )
    found = None
    if size.n_qubits is not None and size.n_features is not None:
        found = _size(template, size.n_qubits, size.n_features, chosen)
    output = EncodingOutput(
        template=described(template, path),
        cite=template.cite,
        repeat=template.repeat,
        blocks=[f"{block.generator}, {block.where}" for block in template.block],
        final=[f"{block.generator}, {block.where}" for block in template.final],
        size=found,
    )
    screen.document(output)
    _say(screen, output)
    return ExitCode.OK


def expectations(path: Path) -> Iterator[ExpectationOutput]:
    """Return what an encoding states of its sizes, beside what was found.

    Raises:
        TemplateError: If the file breaks a rule, or a size does not fit.
    """
    from qmlmat.ansatz.encoding_template import read_encoding  # noqa: PLC0415 - loads numpy

    template = read_encoding(path)
    checked(path, template)
    for check in template.check:
        place = f"{check.n_qubits} qubits, {check.n_features} features"
        place += option_words(dict(check.options))
        found = template.encoded_circuit(check.n_qubits, check.n_features, dict(check.options))
        n_params = found.circuit.n_params
        yield expectation(template.name, f"{place}: angles", check.n_params, n_params)
        yield expectation(template.name, f"{place}: factors", check.n_scales, found.n_scales)


def _size(
    template: EncodingTemplate, n_qubits: int, n_features: int, options: dict[str, OptionValue]
) -> EncodedSizeOutput:
    found = template.encoded_circuit(n_qubits, n_features, options)
    taken = [row.nonzero()[0].tolist() for row in found.pattern]

    def gate(one: QubitGate) -> EncodedGateOutput:
        param = None if one.angle is None else one.angle.param
        features = [] if param is None else taken[param]
        return EncodedGateOutput(
            gate=one.name, wires=list(one.wires), param=param, features=features
        )

    return EncodedSizeOutput(
        n_qubits=n_qubits,
        n_features=n_features,
        options=options,
        n_params=found.circuit.n_params,
        n_scales=found.n_scales,
        gates=[gate(one) for one in found.circuit.gates],
    )


def _say(screen: Screen, output: EncodingOutput) -> None:
    template, size = output.template, output.size
    screen.say(f"{template.name}: {template.title}", f"File: {template.file}")
    if template.options:
        screen.say(option_table(template))
    repeated = f" (repeated by {output.repeat})" if output.repeat else ""
    screen.say(f"Blocks, in order{repeated}:", *(f"  {block}" for block in output.blocks))
    if output.final:
        screen.say("Then, once:", *(f"  {block}" for block in output.final))
    if size is not None:
        screen.say(
            f"{size.n_qubits} qubits, {size.n_features} features{option_words(size.options)}: "
            f"{size.n_params} angles with {size.n_scales} factors of features, "
            f"{len(size.gates)} gates"
        )
        table = table_of("gate", "name", "wires", "angle", "features")
        for number, gate in enumerate(size.gates):
            table.add_row(
                str(number),
                gate.gate,
                " ".join(map(str, gate.wires)),
                "" if gate.param is None else str(gate.param),
                " ".join(map(str, gate.features)),
            )
        screen.say(table)
    screen.say("Cite:", *(f"  {paper}" for paper in output.cite))
