"""From a checked input file to the objects of the library. Heavy imports wait until it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qmlmat.cli.backends import build_backend
from qmlmat.cli.build_solver import build_solver
from qmlmat.cli.inputs import InputDocument, MoleculeTable
from qmlmat.cli.paths import CoordinateTable, PathTable
from qmlmat.errors import ConfigError

if TYPE_CHECKING:
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
    from qmlmat.systems import ActiveSpace, molecular_hamiltonian  # noqa: PLC0415

    molecule = _molecule(document.molecule)
    space = document.active_space
    if path is None and document.path is not None:
        path = _path(molecule, document.path)
    active = ActiveSpace(
        space.n_electrons,
        space.norb,
        indices=None if space.indices is None else tuple(space.indices),
        freeze_core=space.freeze_core,
        natural=space.natural,
        avas=tuple(space.avas),
        threshold=space.threshold,
    )
    backend = None
    if document.backend is not None:
        hamiltonian = molecular_hamiltonian(molecule, active)
        backend = build_backend(document.backend, hamiltonian, document.solver.seed)
    return Job(
        title=document.title,
        surface=SolverSurface(
            molecule,
            active,
            build_solver(document.solver),
            n_states=document.solver.n_states,
            seed=document.solver.seed,
            classical=tuple(document.classical),
            orbitals=space.orbitals,
            backend=backend,
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
