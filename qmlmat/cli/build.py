"""From a checked input file to the objects of the library. Heavy imports wait until it is used."""

from __future__ import annotations

import atexit
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from qmlmat.cli.inputs import (
    ExactTable,
    InputDocument,
    MoleculeTable,
    OptimizerTable,
    ScreeningTable,
    VQETable,
)
from qmlmat.cli.paths import CoordinateTable, PathTable
from qmlmat.errors import ConfigError, nearest

if TYPE_CHECKING:
    from qmlmat.solvers import Screening, Solver
    from qmlmat.surfaces import Coordinate, Geometry, Path, SolverSurface
    from qmlmat.systems import Molecule


@dataclass(frozen=True, kw_only=True)
class Job:
    """What an input file asks for."""

    title: str
    """What the scan is of."""

    surface: SolverSurface
    """What gives the energies."""

    path: Path | None
    """Where, for a scan; ``None`` where the file has no ``[path]``."""

    return_sweep: bool
    """Whether the points of a scan are solved again on the way back."""

    point: Geometry
    """The molecule's own geometry, for a single calculation."""

    document: dict[str, Any]
    """The input as plain values, for the store."""

    def scan_path(self) -> Path:
        """Return the path of a scan.

        Raises:
            ConfigError: If the input has no ``[path]``.
        """
        if self.path is None:
            raise ConfigError(
                "[path] is missing: qmlmat scan needs to know what changes from point to point. "
                "Add [path] with bond, start, stop and step, or use: qmlmat solve"
            )
        return self.path


def build_job(document: InputDocument, *, path: Path | None = None) -> Job:
    """Return the job of a checked input.

    Args:
        document: The input.
        path: The path that its ``[path]`` led to before, as a store keeps it: normal modes that
            are degenerate, say, need not come out the same on another machine.

    Raises:
        InputError: If the molecule, active space, path or solver cannot be what is asked.
    """
    from qmlmat.surfaces import Geometry, SolverSurface  # noqa: PLC0415
    from qmlmat.systems import ActiveSpace  # noqa: PLC0415

    molecule = _molecule(document.molecule)
    space = document.active_space
    if path is None and document.path is not None:
        path = _path(molecule, document.path)
    return Job(
        title=document.title,
        surface=SolverSurface(
            molecule,
            ActiveSpace(
                space.n_electrons,
                space.norb,
                indices=None if space.indices is None else tuple(space.indices),
                freeze_core=space.freeze_core,
                natural=space.natural,
                avas=tuple(space.avas),
                threshold=space.threshold,
            ),
            _solver(document),
            n_states=document.solver.n_states,
            seed=document.solver.seed,
            classical=tuple(document.classical),
            orbitals=space.orbitals,
        ),
        path=path,
        return_sweep=document.path is not None and document.path.return_sweep,
        point=Geometry(molecule.symbols, molecule.positions),
        document=document.plain(),
    )


def _molecule(table: MoleculeTable) -> Molecule:
    from qmlmat.systems import Molecule  # noqa: PLC0415

    settings: dict[str, Any] = table.model_dump(include={"charge", "spin", "basis", "ecp"})
    if table.xyz is not None:
        return Molecule.from_xyz(_as_text(table.xyz), **settings)
    return Molecule.from_zmatrix(table.zmatrix or "", **settings)


def _as_text(xyz: str) -> str:
    # a newline tells from_xyz that this is text, also where it is a single atom
    return xyz if "\n" in xyz.strip() else f"{xyz.strip()};"


def _path(molecule: Molecule, table: PathTable) -> Path:
    """Return the path of ``[path]``; which kind it is was checked with the file."""
    from qmlmat import surfaces  # noqa: PLC0415
    from qmlmat.systems.xyz import parse_xyz  # noqa: PLC0415

    root = {} if table.root is None else {"root": table.root}
    if table.to is not None:
        end = surfaces.Geometry(*parse_xyz(_as_text(table.to)))
        method: Any = table.method or "linear"
        return surfaces.interpolate(molecule, end, table.n_points or 2, method=method, **root)
    if table.frames is not None:
        return surfaces.frames(f"{table.frames.strip()}\n", molecule=molecule, **root)
    if table.mode is not None:
        return surfaces.displace(molecule, table.mode, table.points(), **root)
    if table.axes is None:
        return surfaces.line(molecule, _coordinate(table), table.points(), **root)
    if table.n_points is None:
        axes = [(_coordinate(axis), axis.points()) for axis in table.axes]
        return surfaces.grid(molecule, axes, **root)
    method = table.method or "sobol"
    box = [(_coordinate(axis), axis.start or 0.0, axis.stop or 0.0) for axis in table.axes]
    return surfaces.sample(molecule, box, table.n_points, method=method, seed=table.seed or 0)


def _coordinate(table: CoordinateTable) -> Coordinate:
    """Return the internal coordinate of a table; the default is the bond between atoms 0 and 1."""
    from qmlmat import surfaces  # noqa: PLC0415

    kinds: dict[int, Any] = {2: surfaces.Distance, 3: surfaces.Angle, 4: surfaces.Dihedral}
    given = getattr(table, table.coordinate) or [0, 1]
    if table.coordinate in ("symmetric", "asymmetric"):
        first, second = (kinds[len(atoms)](*atoms) for atoms in given)
        combine = getattr(surfaces, table.coordinate)
        combined: Coordinate = combine(first, second)
        return combined
    coordinate: Coordinate = kinds[len(given)](*given)
    return coordinate


def _solver(document: InputDocument) -> Solver:
    from qmlmat.ansatz import Ansatz  # noqa: PLC0415
    from qmlmat.solvers import ADAPTVQE, VQE, Exact  # noqa: PLC0415

    table = document.solver
    if isinstance(table, ExactTable):
        return Exact()
    if table.n_states != 1:
        raise ConfigError(
            f"[solver] n_states = {table.n_states}: {table.name} finds the ground state. Use "
            'n_states = 1, or name = "Exact" for excited states.'
        )
    solver: Solver
    if isinstance(table, VQETable):
        solver = VQE(
            Ansatz(_template(table.ansatz), **table.options),
            optimizer=_optimizer(table.optimizer),
            initial=table.initial,
            n_starts=table.n_starts,
            gradient_tolerance=table.gradient_tolerance,
            max_iterations=table.max_iterations,
            spin_penalty=table.spin_penalty,
            screening=_screening(table.screening),
        )
    else:
        options = table.options
        if options is None:
            options = {"spin_tied": True} if table.pool == "uccgsd" else {}
        solver = ADAPTVQE(
            Ansatz(_template(table.pool), **options),
            optimizer=_optimizer(table.optimizer),
            gradient_tolerance=table.gradient_tolerance,
            operators_per_step=table.operators_per_step,
            max_operators=table.max_operators,
            max_iterations=table.max_iterations,
            spin_penalty=table.spin_penalty,
            screening=_screening(table.screening),
        )
    # reads the template: an unknown one, or an unknown option, is refused before anything is made
    solver.inputs()
    return solver


def _screening(table: ScreeningTable | None) -> Screening | None:
    from qmlmat.solvers import Screening  # noqa: PLC0415

    return None if table is None else Screening(**table.model_dump())


@cache
def _template(ansatz: str) -> str:
    """Return a template's name or path; the text of one is put in a file until the process ends."""
    if "\n" not in ansatz:
        return ansatz
    folder = TemporaryDirectory(prefix="qmlmat-")
    atexit.register(folder.cleanup)
    file = FilePath(folder.name, "template.toml")
    file.write_text(ansatz, encoding="utf-8")
    return str(file)


def _optimizer(table: OptimizerTable) -> Any:  # noqa: ANN401 - an optimiser class or a partial
    import torch  # noqa: PLC0415

    from qmlmat import solvers  # noqa: PLC0415
    from qmlmat.solvers.optimize import make_optimizer  # noqa: PLC0415

    base = torch.optim.Optimizer
    known: dict[str, Any] = {
        name: kind
        for module in (torch.optim, solvers)
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, base) and kind is not base
    }
    if table.name not in known:
        raise ConfigError(
            f'[solver.optimizer] name = "{table.name}": not an optimiser of torch.optim or qmlmat. '
            f"{nearest(table.name, known)}"
        )
    kind, settings = known[table.name], table.settings()
    chosen = partial(kind, **settings) if settings else kind
    probe = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    probe.grad = torch.ones_like(probe)
    landscape = solvers.Landscape(metric=lambda params: torch.eye(len(params)))
    try:  # e.g. SparseAdam takes no dense gradient, Muon no vector
        make_optimizer(chosen, probe, landscape).step(lambda: float(probe.detach().sin()))
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f'[solver.optimizer] name = "{table.name}": it cannot be used with these settings '
            f"({error}). Use LBFGS or Adam."
        ) from error
    return chosen
