"""What ``qmlmat circuits`` does: list, show and check templates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qmlmat.cli import encodings
from qmlmat.cli.circuits_output import (
    CheckOutput,
    CircuitOutput,
    CircuitsOutput,
    ExpectationOutput,
    GateOutput,
    SizeOutput,
)
from qmlmat.cli.screen import ExitCode, Screen
from qmlmat.cli.templates import (
    LIBRARIES,
    ShownSize,
    checked,
    described,
    expectation,
    find,
    listed,
    option_table,
    option_values,
    option_words,
    table_of,
    text,
)
from qmlmat.errors import ConfigError, TemplateError

if TYPE_CHECKING:
    from qmlmat.ansatz.qubit_blocks import OptionValue
    from qmlmat.ansatz.template import Template
    from qmlmat.ansatz.template_tables import CheckTable, EnergyCheck


def list_templates(screen: Screen) -> ExitCode:
    """List every template that a name finds."""
    from qmlmat.ansatz.template import template_files  # noqa: PLC0415 - loads numpy

    rows = [
        listed(name, path, library)
        for library in LIBRARIES
        for name, path in template_files(library).items()
    ]
    screen.document(CircuitsOutput(templates=rows))
    table = table_of("name", "kind", "title", "options", "file")
    for row in rows:
        options = ", ".join(f"{o.name}={text(o.default)}" for o in row.options)
        table.add_row(row.name, row.kind or "", row.error or row.title, options, row.file)
    screen.say(table)
    return ExitCode.OK


def show_template(screen: Screen, name: str, size: ShownSize, options: Sequence[str]) -> ExitCode:
    """Show a template, and its circuit where a size is given.

    Args:
        screen: Where to.
        name: Template's name, or the path of one.
        size: Which size.
        options: Options as ``key=value``.

    Raises:
        ConfigError: If a size is half given, or an argument cannot be read.
        TemplateError: If the template or an option is unknown.
    """
    from qmlmat.ansatz.template import read_template  # noqa: PLC0415 - loads numpy

    path, library = find(name)
    if library == "encoding":
        return encodings.show_encoding(screen, path, size, options)
    template = read_template(path)
    chosen = template.resolve(option_values(options))
    if size.n_qubits is not None or size.n_features is not None:
        raise ConfigError(
            f"{template.name} is no encoding: leave out --n-qubits and --n-features. The gates of "
            "a template of qubits are shown by circuits draw"
        )
    if (size.norb is None) != (size.nelec is None):
        raise ConfigError("a size has both: give --norb and --nelec, e.g. --norb 4 --nelec 2,2")
    found = None
    if size.norb is not None and size.nelec is not None:
        found = _size(template, size.norb, electrons(size.nelec, size.norb), chosen)
    output = CircuitOutput(
        template=described(template, path),
        cite=template.cite,
        conserves=list(template.conserves),
        repeat=template.repeat,
        start=template.start,
        blocks=[f"{block.generator}, {block.where}" for block in template.block],
        size=found,
    )
    screen.document(output)
    _say_template(screen, output)
    return ExitCode.OK


def check_templates(screen: Screen, files: Sequence[str], *, energies: bool) -> ExitCode:
    """Check files, their numbers of parameters and, if asked, the energies they state.

    Args:
        screen: Where to.
        files: Names or paths; every template that a name finds where there are none.
        energies: Whether to minimise the energies.
    """
    from qmlmat.ansatz.template import template_files  # noqa: PLC0415 - loads numpy

    errors: list[str] = []
    found: list[ExpectationOutput] = []
    every = [str(path) for library in LIBRARIES for path in template_files(library).values()]
    for name in files or every:
        try:
            found += _expectations(name, energies=energies)
        except TemplateError as error:
            errors.append(str(error))
    passed = not errors and all(row.passed for row in found)
    screen.document(CheckOutput(passed=passed, errors=errors, expectations=found))
    table = table_of("template", "check", "expected", "found", "")
    for row in found:
        table.add_row(row.name, row.what, row.expected, row.found, "ok" if row.passed else "FAILED")
    screen.say(table, *errors)
    screen.say(f"{sum(row.passed for row in found)} of {len(found)} checks passed.")
    if errors or any(not row.passed for row in found if "energy" not in row.what):
        return ExitCode.BAD_INPUT
    return ExitCode.OK if passed else ExitCode.NOT_CONVERGED


def _expectations(name: str, *, energies: bool) -> Iterator[ExpectationOutput]:
    from qmlmat.ansatz.template import read_template  # noqa: PLC0415 - loads numpy

    path, library = find(name)
    if library == "encoding":
        yield from encodings.expectations(path)
        return
    template = read_template(path)
    checked(path, template)
    for check in template.check:
        place = f"{check.size}{option_words(dict(check.options))}"
        n_params = template.check_n_params(check)
        yield expectation(template.name, f"{place}: parameters", check.n_params, n_params)
        if energies and check.energy is not None:
            value = _energy(path, check, check.energy)
            yield ExpectationOutput(
                name=template.name,
                what=f"{place}: energy (hartree)",
                expected=f"{check.energy.value:.8f} ± {check.energy.atol:.0e}",
                found=f"{value:.8f}",
                passed=abs(value - check.energy.value) <= check.energy.atol,
            )


def _energy(path: Path, check: CheckTable, energy: EnergyCheck) -> float:
    from qmlmat.ansatz import Ansatz  # noqa: PLC0415
    from qmlmat.solvers import VQE, solve  # noqa: PLC0415 - loads torch and pyscf
    from qmlmat.systems import ActiveSpace, Molecule, molecular_hamiltonian  # noqa: PLC0415

    assert check.nelec is not None  # what states an energy is fermionic
    spin = check.nelec[0] - check.nelec[1]
    molecule = Molecule.from_xyz(energy.xyz, basis=energy.basis, spin=spin)
    hamiltonian = molecular_hamiltonian(molecule, ActiveSpace(freeze_core=energy.freeze_core))
    if (hamiltonian.norb, hamiltonian.nelec) != (check.norb, check.nelec):
        raise TemplateError(
            f"{path}: [check.energy] is of {hamiltonian.norb} orbitals and {hamiltonian.nelec} "
            f"electrons, its [[check]] of {check.norb} and {check.nelec}. Make them agree."
        )
    return solve(hamiltonian, VQE(Ansatz(str(path), **check.options))).energy


def _size(
    template: Template, norb: int, nelec: tuple[int, int], options: dict[str, OptionValue]
) -> SizeOutput:
    circuit = template.circuit(norb, nelec, options)
    return SizeOutput(
        norb=norb,
        nelec=nelec,
        options=options,
        n_params=circuit.n_params,
        gates=[
            GateOutput(generator=str(gate.generator), param=gate.param, scale=gate.scale)
            for gate in circuit.gates
        ],
    )


def _say_template(screen: Screen, output: CircuitOutput) -> None:
    template, size = output.template, output.size
    screen.say(f"{template.name}: {template.title}", f"File: {template.file}")
    screen.say(f"Conserves: {', '.join(output.conserves)}", f"Start: {output.start}")
    if template.options:
        screen.say(option_table(template))
    repeated = f" (repeated by {output.repeat})" if output.repeat else ""
    screen.say(f"Blocks, in order{repeated}:", *(f"  {block}" for block in output.blocks))
    if size is not None:
        screen.say(
            f"{size.norb} orbitals, {size.nelec[0]}+{size.nelec[1]} electrons"
            f"{option_words(size.options)}: "
            f"{size.n_params} parameters, {len(size.gates)} gates"
        )
        table = table_of("gate", "generator", "parameter", "scale")
        for number, gate in enumerate(size.gates):
            table.add_row(str(number), gate.generator, str(gate.param), f"{gate.scale:g}")
        screen.say(table)
    screen.say("Cite:", *(f"  {paper}" for paper in output.cite))


def electrons(text: str, norb: int) -> tuple[int, int]:
    """Return the electrons by spin from their text, e.g. ``"2,2"``.

    Raises:
        ConfigError: If the text is something else, or the orbitals cannot hold them.
    """
    try:
        alpha, beta = (int(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            f'--nelec "{text}": two numbers, alpha and beta electrons. Write e.g. --nelec 2,2'
        ) from None
    if not (0 <= alpha <= norb and 0 <= beta <= norb):
        raise ConfigError(
            f"--nelec {text}: {norb} orbitals hold 0 to {norb} electrons of each spin. "
            "Change --nelec, or raise --norb."
        )
    return alpha, beta
