"""What ``qmlmat circuits draw``, ``resources`` and ``export`` do: circuits on qubits."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmlmat.cli.circuits import electrons
from qmlmat.cli.circuits_output import (
    CircuitFileOutput,
    CountsOutput,
    DrawingOutput,
    ResourcesOutput,
)
from qmlmat.cli.screen import ExitCode, Screen
from qmlmat.cli.templates import option_values, table_of
from qmlmat.errors import ConfigError

if TYPE_CHECKING:
    from qmlmat.ansatz.qubit_circuit import QubitCircuit
    from qmlmat.ansatz.template import Template
    from qmlmat.operators.mappings import QubitMapping


@dataclass(frozen=True, kw_only=True)
class CircuitChoice:
    """Which circuit: a template, its size, its options, and the mapping."""

    name: str
    """Template's name, or the path of one."""
    options: Sequence[str]
    """Options as ``key=value``."""
    norb: int | None
    """Number of spatial orbitals."""
    nelec: str | None
    """Electrons by spin, e.g. ``"2,2"``."""
    n_qubits: int | None
    """Number of qubits, for a template of qubits."""
    mapping: str | None
    """The mapping's name; Jordan-Wigner by default."""
    reduced: bool
    """Whether the electrons' parities take no qubits."""


def draw(screen: Screen, choice: CircuitChoice) -> ExitCode:
    """Draw a circuit on qubits, the reference included.

    Raises:
        ConfigError: If a size is missing, or belongs to another kind of template.
        TemplateError: If the template or an option is unknown.
        InputError: If the mapping is unknown.
    """
    from qmlmat.backends.qiskit.circuits import to_qiskit  # noqa: PLC0415 - loads qiskit

    circuit = choose(choice)
    fold = -1 if screen.as_json else screen.out.width
    text = str(to_qiskit(circuit).draw("text", fold=fold, cregbundle=False))
    screen.document(
        DrawingOutput(n_qubits=circuit.n_qubits, n_params=circuit.n_params, drawing=text)
    )
    screen.say(text)
    return ExitCode.OK


def resources(screen: Screen, choice: CircuitChoice, *, device: str | None, seed: int) -> ExitCode:
    """Count gates and layers, before and after transpilation to a device.

    Args:
        screen: Where to.
        choice: Which circuit.
        device: Name of a fake device; none leaves the second count out.
        seed: Seed of the transpiler.

    Raises:
        ConfigError: If a size is missing, or belongs to another kind of template.
        TemplateError: If the template or an option is unknown.
        InputError: If the mapping or the device is unknown, or the device is too small.
        MissingExtraError: If a device is named and its package is not installed.
    """
    from qmlmat.ansatz.resources import circuit_resources  # noqa: PLC0415 - loads numpy

    circuit = choose(choice)
    counts = [CountsOutput(target="as written", **asdict(circuit_resources(circuit)))]
    if device is not None:
        from qmlmat.backends.qiskit.devices import fake_device  # noqa: PLC0415 - loads qiskit
        from qmlmat.backends.qiskit.resources import transpiled_resources  # noqa: PLC0415

        chosen = fake_device(device)
        found = transpiled_resources(circuit, chosen, seed=seed)
        counts.append(CountsOutput(target=str(chosen.name), **asdict(found)))
    screen.document(ResourcesOutput(circuit=circuit.name, counts=counts))
    fields = ("n_params", "n_qubits", "one_qubit_gates", "two_qubit_gates", "depth")
    table = table_of(
        "", *(f.replace("n_", "").replace("_", " ") for f in fields), "two-qubit depth"
    )
    for row in counts:
        values = [str(getattr(row, field)) for field in (*fields, "two_qubit_depth")]
        table.add_row(row.target, *values)
    screen.say(table)
    return ExitCode.OK


def export(screen: Screen, choice: CircuitChoice, *, output: Path, params: Path | None) -> ExitCode:
    """Write a circuit as OpenQASM 3.

    Args:
        screen: Where to.
        choice: Which circuit.
        output: The file.
        params: A JSON file with the parameters (a list, or a table that has it as ``params``);
            without it they stay free.

    Raises:
        ConfigError: If a size is missing, a file cannot be read or written, or there is another
            number of parameters.
        TemplateError: If the template or an option is unknown.
        InputError: If the mapping is unknown.
    """
    from qmlmat.ansatz.qasm import to_qasm  # noqa: PLC0415 - loads numpy

    circuit = choose(choice)
    if params is not None:
        circuit = circuit.bound(_read_params(params, circuit.n_params))
    try:
        output.write_text(to_qasm(circuit), encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"--output {output}: cannot be written ({error.strerror}). Name a file in a folder "
            "that exists."
        ) from error
    screen.document(
        CircuitFileOutput(
            file=str(output),
            n_qubits=circuit.n_qubits,
            n_params=circuit.n_params,
            n_gates=len(circuit.gates),
        )
    )
    screen.say(
        f"{output}: {circuit.n_qubits} qubits, {circuit.n_params} parameters, "
        f"{len(circuit.gates)} gates"
    )
    return ExitCode.OK


def choose(choice: CircuitChoice) -> QubitCircuit:
    """Return the circuit from ``|0...0>`` on, the Hartree-Fock determinant first.

    Raises:
        ConfigError: If a size is missing, or belongs to another kind of template.
        TemplateError: If the template or an option is unknown.
        InputError: If the mapping is unknown.
    """
    from qmlmat.ansatz.lowering import lower  # noqa: PLC0415 - loads numpy
    from qmlmat.ansatz.references import prepare_terms  # noqa: PLC0415
    from qmlmat.ansatz.template import find_template, read_template  # noqa: PLC0415
    from qmlmat.operators.sector import Sector  # noqa: PLC0415

    template = read_template(find_template(choice.name))
    options = template.resolve(option_values(choice.options))
    if template.kind == "qubit":
        return template.qubit_circuit(_n_qubits(template, choice), options)
    if choice.norb is None or choice.nelec is None or choice.n_qubits is not None:
        raise ConfigError(
            f"{template.name} acts on orbitals: give --norb and --nelec, e.g. --norb 4 --nelec 2,2"
        )
    nelec = electrons(choice.nelec, choice.norb)
    mapping = _mapping(choice, choice.norb, nelec)
    bits = Sector(choice.norb, nelec).hartree_fock_bits()
    circuit = template.circuit(choice.norb, nelec, options)
    return prepare_terms(((bits, 1.0),), mapping).then(lower(circuit, mapping))


def _n_qubits(template: Template, choice: CircuitChoice) -> int:
    others = (choice.norb, choice.nelec, choice.mapping)
    if choice.n_qubits is None or choice.reduced or any(value is not None for value in others):
        raise ConfigError(
            f"{template.name} acts on qubits: give --n-qubits, e.g. --n-qubits 4, and no --norb, "
            "--nelec, --mapping or --reduced"
        )
    return choice.n_qubits


def _mapping(choice: CircuitChoice, norb: int, nelec: tuple[int, int]) -> QubitMapping:
    from qmlmat.operators.mappings import qubit_mapping  # noqa: PLC0415 - loads numpy

    name = "jordan_wigner" if choice.mapping is None else choice.mapping
    return qubit_mapping(name, norb, reduced_for=nelec if choice.reduced else None)


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value)


def _read_params(file: Path, n_params: int) -> list[float]:
    try:
        tree: Any = json.loads(file.read_text(encoding="utf-8"))
        listed = tree["params"] if isinstance(tree, dict) else tree
        if not isinstance(listed, list) or not all(map(_is_number, listed)):
            raise TypeError("not only finite numbers in a list")
        values = [float(value) for value in listed]
    except OSError as error:
        raise ConfigError(f"--params {file}: cannot be read ({error.strerror}).") from error
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise ConfigError(
            f"--params {file}: no list of numbers ({error}). Write JSON, e.g. [0.1, 0.2]"
        ) from error
    if len(values) != n_params:
        raise ConfigError(
            f"--params {file}: {len(values)} numbers, the circuit has {n_params} parameters. Give "
            "as many (radians)."
        )
    return values
