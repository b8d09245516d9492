"""The options of ``qmlmat circuits``. The work is in ``circuits`` and ``circuit_files``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qmlmat.cli import circuit_files, circuits
from qmlmat.cli.arguments import EXIT_CODES, AsJson, Debug, Threads
from qmlmat.cli.screen import run, set_threads
from qmlmat.cli.templates import ShownSize

CircuitName = Annotated[str, typer.Argument(metavar="NAME", help="Template, or a .toml file.")]
Norb = Annotated[int | None, typer.Option("--norb", min=1, help="Number of spatial orbitals.")]
Nelec = Annotated[
    str | None, typer.Option("--nelec", metavar="A,B", help="Alpha and beta electrons.")
]
NQubits = Annotated[
    int | None, typer.Option("--n-qubits", min=1, help="Number of qubits, for templates of qubits.")
]
Options = Annotated[
    list[str] | None,
    typer.Option("--option", "-o", metavar="KEY=VALUE", help="Option, e.g. k=2; repeatable."),
]
MappingName = Annotated[
    str | None,
    typer.Option("--mapping", metavar="[jordan_wigner|parity|bravyi_kitaev]", help="Mapping."),
]
Reduced = Annotated[
    bool, typer.Option("--reduced", help="Leave out the qubits of the electrons' parities.")
]

circuits_app = typer.Typer(
    name="circuits",
    help="The templates of ansatzes and encodings: your own folder and the library.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@circuits_app.command("list", epilog=EXIT_CODES)
def circuits_list(as_json: AsJson = False, debug: Debug = False) -> None:
    """List the templates that a name finds, your own first, with their options."""
    run(circuits.list_templates, as_json=as_json, debug=debug)


@circuits_app.command("show", epilog=EXIT_CODES)
def circuits_show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Template's name, or a .toml file.")],
    norb: Annotated[
        int | None, typer.Option("--norb", min=1, help="Spatial orbitals of the circuit to show.")
    ] = None,
    nelec: Annotated[
        str | None, typer.Option("--nelec", metavar="A,B", help="Its alpha and beta electrons.")
    ] = None,
    n_qubits: Annotated[
        int | None, typer.Option("--n-qubits", min=1, help="Qubits, of an encoding.")
    ] = None,
    n_features: Annotated[
        int | None, typer.Option("--n-features", min=1, help="Features, of an encoding.")
    ] = None,
    option: Options = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show a template, and its circuit gate by gate where a size is given."""
    size = ShownSize(norb=norb, nelec=nelec, n_qubits=n_qubits, n_features=n_features)
    run(
        lambda screen: circuits.show_template(screen, name, size, option or []),
        as_json=as_json,
        debug=debug,
    )


@circuits_app.command("check", epilog=EXIT_CODES)
def circuits_check(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE]...", help="Templates or .toml files; by default, all."),
    ] = None,
    energies: Annotated[
        bool, typer.Option("--energies", help="Minimise the energies they state, too.")
    ] = False,
    threads: Threads = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Check that templates follow the format and meet their own [[check]] tables."""
    set_threads(threads)
    run(
        lambda screen: circuits.check_templates(screen, files or [], energies=energies),
        as_json=as_json,
        debug=debug,
    )


@circuits_app.command("draw", epilog=EXIT_CODES)
def circuits_draw(
    name: CircuitName,
    norb: Norb = None,
    nelec: Nelec = None,
    n_qubits: NQubits = None,
    option: Options = None,
    mapping: MappingName = None,
    reduced: Reduced = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Draw a circuit on qubits, from the Hartree-Fock determinant on."""
    choice = circuit_files.CircuitChoice(
        name=name,
        options=option or [],
        norb=norb,
        nelec=nelec,
        n_qubits=n_qubits,
        mapping=mapping,
        reduced=reduced,
    )
    run(lambda screen: circuit_files.draw(screen, choice), as_json=as_json, debug=debug)


@circuits_app.command("resources", epilog=EXIT_CODES)
def circuits_resources(
    name: CircuitName,
    norb: Norb = None,
    nelec: Nelec = None,
    n_qubits: NQubits = None,
    option: Options = None,
    mapping: MappingName = None,
    reduced: Reduced = False,
    device: Annotated[
        str | None,
        typer.Option("--device", metavar="DEVICE", help="Transpile to it, e.g. manila, fez."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the transpiler.")] = 0,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Count a circuit's parameters, gates and layers, also on a device."""
    choice = circuit_files.CircuitChoice(
        name=name,
        options=option or [],
        norb=norb,
        nelec=nelec,
        n_qubits=n_qubits,
        mapping=mapping,
        reduced=reduced,
    )
    run(
        lambda screen: circuit_files.resources(screen, choice, device=device, seed=seed),
        as_json=as_json,
        debug=debug,
    )


@circuits_app.command("export", epilog=EXIT_CODES)
def circuits_export(
    name: CircuitName,
    output: Annotated[
        Path, typer.Option("--output", metavar="FILE.qasm", help="The file; it is replaced.")
    ],
    norb: Norb = None,
    nelec: Nelec = None,
    n_qubits: NQubits = None,
    option: Options = None,
    mapping: MappingName = None,
    reduced: Reduced = False,
    params: Annotated[
        Path | None,
        typer.Option("--params", metavar="FILE.json", help="Angles; without it they stay free."),
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write a circuit as OpenQASM 3, from the Hartree-Fock determinant on."""
    choice = circuit_files.CircuitChoice(
        name=name,
        options=option or [],
        norb=norb,
        nelec=nelec,
        n_qubits=n_qubits,
        mapping=mapping,
        reduced=reduced,
    )
    run(
        lambda screen: circuit_files.export(screen, choice, output=output, params=params),
        as_json=as_json,
        debug=debug,
    )
