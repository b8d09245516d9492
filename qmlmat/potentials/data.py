"""Energies and forces at many geometries: what models learn from and are tested on."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from qmlmat.errors import GeometryError, InputError, QmlmatWarning
from qmlmat.potentials.data_files import is_store, read_arrays, write_npz
from qmlmat.provenance import content_hash
from qmlmat.surfaces import Geometry, Scan, load_scan
from qmlmat.surfaces.surface import FINISHED
from qmlmat.systems.molecule import MIN_DISTANCE
from qmlmat.typing import FloatArray
from qmlmat.units import HARTREE_IN_EV

SAME_GEOMETRY: Final = 1e-6
"""Geometries whose distances differ by less are the same (Å)."""
SAME_ENERGY: Final = 1e-6
"""Energies at the same geometry that differ by more contradict each other (hartree)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SurfaceData:
    """Energies, and forces where known, at geometries of one molecule.

    Raises:
        GeometryError: If positions do not fit the atoms or are not finite, or atoms overlap.
        InputError: If energies or forces do not fit, are complex or not finite, energies do not
            ascend, or the same geometry is there twice with different energies.
    """

    symbols: tuple[str, ...]
    """Chemical symbols, shape ``(n_atoms,)``."""

    positions: FloatArray
    """Positions, shape ``(n_points, n_atoms, 3)`` (Å)."""

    energies: FloatArray
    """Energies, ascending at each point, shape ``(n_points, n_states)`` (hartree)."""

    forces: FloatArray | None = None
    """Forces in the ground state, shape ``(n_points, n_atoms, 3)`` (hartree/Å)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "symbols", tuple(self.symbols))
        shape = (len(self.positions), len(self.symbols), 3)
        object.__setattr__(self, "positions", _checked("positions", self.positions, shape))
        energies = _numbers("energies", self.energies)
        energies = energies[:, None] if energies.ndim == 1 else energies
        wanted = (shape[0], energies.shape[-1] if energies.ndim == 2 else 1)
        object.__setattr__(self, "energies", _checked("energies", energies, wanted))
        if self.forces is not None:
            object.__setattr__(self, "forces", _checked("forces", self.forces, shape))
        self._check_order()
        self._check_geometries()

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.positions)

    def __repr__(self) -> str:
        """Return atoms and counts; the fields hold the rest."""
        forces = "" if self.forces is None else ", forces"
        atoms = "".join(self.symbols)
        return f"SurfaceData({atoms}, {len(self)} points, {self.n_states} states{forces})"

    def _check_order(self) -> None:
        fallen = np.argwhere(np.diff(self.energies, axis=1) < -SAME_ENERGY)
        if len(fallen):
            point = int(fallen[0, 0])
            found = self.energies[point].tolist()
            raise InputError(
                f"SurfaceData(energies): point {point} has {found} hartree, not ascending, as "
                "models give states. Give np.sort(energies, axis=1)."
            )

    def _check_geometries(self) -> None:
        atoms = np.arange(len(self.symbols))
        i, j = (side.reshape(-1) for side in np.meshgrid(atoms, atoms))
        distances = np.linalg.norm(self.positions[:, i] - self.positions[:, j], axis=-1)
        close = np.argwhere((distances < MIN_DISTANCE) & (i != j))
        if len(close):
            point, pair = close[0]
            raise GeometryError(
                f"SurfaceData(positions): at point {point} atoms {i[pair]} and {j[pair]} are "
                f"{distances[point, pair]:.3g} Å apart and overlap. Leave the point out; positions "
                f"are in ångström, atoms at least {MIN_DISTANCE} Å apart."
            )
        self._check_duplicates(distances)

    def _check_duplicates(self, distances: FloatArray) -> None:
        order = np.lexsort(np.round(distances, 5).T)
        for a, b in pairwise(order):
            same = np.abs(distances[a] - distances[b]).max() < SAME_GEOMETRY
            if same and np.abs(self.energies[a] - self.energies[b]).max() > SAME_ENERGY:
                raise InputError(
                    f"SurfaceData: points {min(a, b)} and {max(a, b)} are the same geometry with "
                    f"energies {self.energies[a].tolist()} and {self.energies[b].tolist()} "
                    "hartree. Leave one of them out; a noisy surface should be averaged first."
                )

    @property
    def n_states(self) -> int:
        """Number of states."""
        return int(self.energies.shape[1])

    @property
    def geometries(self) -> list[Geometry]:
        """The geometries, as points of surfaces."""
        return [Geometry(self.symbols, positions) for positions in self.positions]

    def subset(self, index: ArrayLike) -> SurfaceData:
        """Return some of the points.

        Args:
            index: Their numbers, or a mask.
        """
        chosen = np.asarray(index)
        return replace(
            self,
            positions=self.positions[chosen],
            energies=self.energies[chosen],
            forces=None if self.forces is None else self.forces[chosen],
        )

    def split(self, n_first: int, *, seed: int) -> tuple[SurfaceData, SurfaceData]:
        """Return two parts, drawn at random.

        Args:
            n_first: Points of the first part; the second has the rest.
            seed: Seed of the draw.

        Raises:
            InputError: If there are not that many points.
        """
        if not 0 < n_first < len(self):
            raise InputError(
                f"SurfaceData.split(n_first={n_first}): there are {len(self)} points. Use 1 to "
                f"{len(self) - 1}."
            )
        order = np.random.default_rng(seed).permutation(len(self))
        return self.subset(order[:n_first]), self.subset(order[n_first:])

    def content_hash(self) -> str:
        """Return a hash of all numbers, for records."""
        return content_hash(
            {
                "symbols": self.symbols,
                "positions": self.positions.tolist(),
                "energies": self.energies.tolist(),
                "forces": None if self.forces is None else self.forces.tolist(),
            }
        )

    @classmethod
    def from_scan(cls, scan: Scan) -> SurfaceData:
        """Return the converged points of a scan, forces where every point has them.

        Points that failed are left out; so are those whose solver did not converge, with a warning.
        Error bars are not used: every energy counts alike.

        Raises:
            InputError: If no point is left, or points have different numbers of states.
        """
        factor = 1.0 if scan.unit == "hartree" else 1.0 / HARTREE_IN_EV
        rows = [
            (point, result)
            for point, result in zip(scan.path.geometries, scan.results, strict=True)
            if result is not None and result.status in FINISHED
        ]
        _warn_of_unfinished(scan)
        if not rows:
            raise InputError(
                "SurfaceData.from_scan: no point has converged energies. Finish the scan first."
            )
        numbers = sorted({len(result.energies) for _, result in rows})
        if len(numbers) > 1:
            raise InputError(
                f"SurfaceData.from_scan: points have {numbers} states. Scan with one n_states."
            )
        forces = [result.forces for _, result in rows]
        known = [f for f in forces if f is not None]
        return cls(
            symbols=rows[0][0].symbols,
            positions=np.array([point.positions for point, _ in rows]),
            # States that a surface follows cross; models give them by energy.
            energies=np.sort([result.energies for _, result in rows], axis=1) * factor,
            forces=np.array(known) * factor if len(known) == len(rows) else None,
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SurfaceData:
        """Return the data of a file.

        Args:
            path: The store of a scan; ``.npz`` with the arrays ``symbols``,
                ``positions_angstrom``, ``energies_hartree`` and maybe
                ``forces_hartree_per_angstrom``; or extended XYZ with energies (eV) and maybe
                forces (eV/Å), as ``qmlmat export`` writes it.

        Raises:
            InputError: If the file is missing, damaged or lacks something.
            StoreError: If it is the store of a scan that cannot be read.
        """
        file = Path(path).expanduser()
        if is_store(file):
            return cls.from_scan(load_scan(file))
        try:
            return cls(**read_arrays(file))
        except InputError as error:
            if str(file) in str(error):
                raise
            raise type(error)(f'"{file}": {error}') from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the data as ``.npz``, which ``load`` reads.

        Raises:
            StoreError: If the file cannot be written.
        """
        fields = {name: getattr(self, name) for name in ("symbols", "positions", "energies")}
        write_npz(Path(path).expanduser(), fields | {"forces": self.forces})


def _warn_of_unfinished(scan: Scan) -> None:
    """Warn of points that have energies which are no labels."""
    results = [result for result in scan.results if result is not None and not result.failed]
    found = [result.status for result in results if result.status not in FINISHED]
    if found:
        warnings.warn(
            f"SurfaceData.from_scan: {len(found)} of {len(scan.results)} points did not "
            f'converge (status "{found[0]}") and are left out. Give the solver more '
            "steps and scan them again.",
            QmlmatWarning,
            stacklevel=3,
        )


def _numbers(name: str, values: ArrayLike) -> FloatArray:
    try:
        if np.iscomplexobj(values):
            raise TypeError("they are complex")
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as cause:
        raise InputError(
            f"SurfaceData({name}): not real numbers ({cause}). Give an array of real numbers."
        ) from cause


def _checked(name: str, values: ArrayLike, shape: tuple[int, ...]) -> FloatArray:
    array = _numbers(name, values)
    error = GeometryError if name == "positions" else InputError
    if array.shape != shape or not array.size:
        raise error(f"SurfaceData({name} of shape {array.shape}): give shape {shape}.")
    if not np.isfinite(array).all():
        point = int(np.argwhere(~np.isfinite(array))[0, 0])
        raise error(
            f"SurfaceData({name}): point {point} has a number that is not finite. Leave the point "
            "out, or correct it."
        )
    array.flags.writeable = False
    return array
