"""What ``qmlmat bands`` is asked for, in words, and what is made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from qmlmat.errors import ConfigError, InputError, nearest

if TYPE_CHECKING:
    from qmlmat.solvers import ModelSolver, Solver
    from qmlmat.systems import TightBindingModel

HEXAGONAL: Final = ("graphene", "h-BN")
"""Materials beside the monolayers MX2."""

MONOLAYERS: Final = ("MoS2", "WS2", "MoSe2", "WSe2", "MoTe2", "WTe2")
"""Materials of the three-band model."""


SOLVERS: Final = ("rbm", "exact", "ssvqe", "vqd")
"""Names of solvers; the first is taken where none is named."""


@dataclass(frozen=True, kw_only=True)
class BandsRequest:
    """A band structure that is asked for, as plain values."""

    material: str
    """Name of a material, or path of a Wannier90 ``_hr.dat`` file."""

    model: str = "tnn"
    """``"nn"`` or ``"tnn"``, of a monolayer."""

    functional: str = "gga"
    """``"gga"`` or ``"lda"``, of a monolayer."""

    soc: bool = False
    """Whether a monolayer has spin-orbit coupling."""

    cell: str | None = None
    """Lattice vectors of a file, 9 numbers with commas (Å)."""

    solver: str = SOLVERS[0]
    """Name of the solver."""

    path: str | None = None
    """Names of special points; ``None``: the model's own path."""

    n_points: int = 91
    """Number of k."""

    n_states: int | None = None
    """Number of bands of each spin; ``None``: all."""

    seed: int | None = None
    """Seed of everything random in the solver."""


def band_solver(name: str) -> Solver | ModelSolver:
    """Return the solver of a name, with the settings that bands are computed with.

    Raises:
        ConfigError: If there is no such solver.
    """
    from qmlmat import solvers  # noqa: PLC0415 - loads torch
    from qmlmat.ansatz import Ansatz  # noqa: PLC0415

    if name not in SOLVERS:
        raise ConfigError(f"qmlmat bands --solver {name}: not known. {nearest(name, SOLVERS)}")
    circuit = Ansatz("hea_efficient_su2", depth=2)
    made: dict[str, Callable[[], Solver | ModelSolver]] = {
        "rbm": solvers.RBM,
        "exact": solvers.Exact,
        "ssvqe": lambda: solvers.SSVQE(circuit, layers=1),
        "vqd": lambda: solvers.VQD(circuit, layers=1),
    }
    return made[name]()


def band_model(request: BandsRequest) -> TightBindingModel:
    """Return the crystal that is asked for.

    Raises:
        ConfigError: If there is no such material, or an option is not of this material.
        InputError: If a file cannot be read, or there are no such parameters.
    """
    from qmlmat import systems  # noqa: PLC0415 - loads pyscf

    name = request.material
    is_file = name.endswith(".dat") or Path(name).expanduser().is_file()
    if request.cell is not None and not is_file:
        raise ConfigError(
            f"qmlmat bands {name} --cell ...: it has a cell of its own. Leave out --cell."
        )
    if is_file:
        _refuse_monolayer_options(request)
        return systems.load_wannier90(Path(name).expanduser(), cell=parsed_cell(name, request.cell))
    if name in HEXAGONAL:
        _refuse_monolayer_options(request)
        return systems.graphene() if name == "graphene" else systems.hexagonal_boron_nitride()
    if name not in MONOLAYERS:
        raise ConfigError(
            f"qmlmat bands {name}: no such material. {nearest(name, (*MONOLAYERS, *HEXAGONAL))} "
            "Or name a file of Wannier90: NAME_hr.dat --cell ..."
        )
    return systems.monolayer(
        name,
        model=request.model,  # type: ignore[arg-type] # it refuses what it does not know
        functional=request.functional,  # type: ignore[arg-type]
        soc=request.soc,
    )


def _refuse_monolayer_options(request: BandsRequest) -> None:
    """Refuse options that only the monolayers MX2 have."""
    plain = BandsRequest(material=request.material)
    changed = {
        "--model": request.model != plain.model,
        "--functional": request.functional != plain.functional,
        "--soc": request.soc,
    }
    for option, is_set in changed.items():
        if is_set:
            raise ConfigError(
                f"qmlmat bands {request.material} {option}: only {', '.join(MONOLAYERS)} have this "
                f"choice. Leave out {option}."
            )


def parsed_cell(name: str, text: str | None) -> list[list[float]]:
    """Return the lattice vectors that ``--cell`` says, as rows ``(3, 3)`` (Å).

    Raises:
        ConfigError: If it is not nine numbers, or is left out.
    """
    example = '--cell "2.46,0,0,-1.23,2.13,0,0,0,20" (Å)'
    if text is None:
        raise ConfigError(
            f"qmlmat bands {name}: the file does not hold the cell. Give its three vectors: "
            f"{example}"
        )
    try:
        numbers = [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        numbers = []
    if len(numbers) != 9:
        raise ConfigError(
            f'qmlmat bands {name} --cell "{text}": a cell is nine numbers, three for each vector. '
            f"Write it as in {example}"
        )
    return [numbers[k : k + 3] for k in (0, 3, 6)]


def request_of(values: object) -> BandsRequest:
    """Return the request that a store keeps.

    Raises:
        InputError: If it is not what this version writes.
    """
    try:
        return BandsRequest(**values)  # type: ignore[arg-type]
    except TypeError as error:
        raise InputError(
            f"qmlmat resume: the store's request for bands cannot be read ({error}). Type the "
            "command that made it again, with the same --store."
        ) from None
