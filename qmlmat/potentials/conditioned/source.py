"""Where a model that needs no labels gets its physics: the Hamiltonian at any geometry."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

import numpy as np
from scipy.spatial.distance import pdist

from qmlmat.errors import GeometryError, InputError, nearest
from qmlmat.surfaces import Geometry
from qmlmat.surfaces.molecules import molecule_of
from qmlmat.surfaces.surface import check_geometry
from qmlmat.systems import (
    ActiveOrbitals,
    ActiveSpace,
    MeanField,
    MolecularHamiltonian,
    Molecule,
    choose_orbitals,
    molecular_hamiltonian,
    run_mean_field,
)
from qmlmat.systems.following import carried_overlap, follow_orbitals
from qmlmat.typing import FloatArray

Gauge = Literal["canonical", "tracked", "fixed"]
"""How orbitals of one geometry relate to those of another."""

KEPT: Final = 512
"""Geometries whose Hamiltonian is kept: a training set and a test set, some megabytes."""
DECIMALS: Final = 9
"""Decimals of positions up to which two geometries are the same (Å)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LocalProblem:
    """The electronic problem at one geometry."""

    mean_field: MeanField
    """Hartree-Fock there."""
    orbitals: ActiveOrbitals
    """The orbitals of the Hamiltonian, in the source's gauge."""
    hamiltonian: MolecularHamiltonian
    """The Hamiltonian of the active space (hartree)."""
    notes: tuple[str, ...] = ()
    """What the mean field and the orbitals had to say, one sentence each."""


class HamiltonianSource:
    """The Hamiltonian of a molecule's active space at any geometry, in orbitals of one gauge.

    A circuit's angles mean something only in orbitals that change smoothly, or at least in a way
    that its features know of. Three gauges are offered:

    - ``"canonical"``: in the mean field's order, by energy. Where an occupied and an empty orbital
      change places, angles change with them: give the features a term like ``|ln(R / R_swap)|``.
    - ``"tracked"``: active space, order and signs follow those of the nearest anchor, among
      occupied and among empty orbitals, as in ``SolverSurface(orbitals="tracked")``.
    - ``"fixed"``: all active orbitals together are turned to be as close as possible to those of
      the nearest anchor, whichever are occupied: their order never changes, and the determinant of
      the lowest is Hartree-Fock's only on the anchor's side of a swap.

    The answer at a geometry depends on that geometry and the anchors alone, not on what was asked
    before. Hamiltonians are kept, up to ``KEPT`` of them.
    """

    def __init__(
        self,
        molecule: Molecule,
        active_space: ActiveSpace | None = None,
        *,
        orbitals: Gauge = "canonical",
        anchors: Sequence[Geometry] = (),
    ) -> None:
        """Take the molecule; its own positions are used for the sizes only.

        Args:
            molecule: Elements, charge, spin and basis.
            active_space: The correlated orbitals; all by default.
            orbitals: The gauge.
            anchors: Geometries whose orbitals others follow, such as those of training; each
                anchor follows the nearest one before it. Needed but for ``"canonical"``.

        Raises:
            InputError: If there is no such gauge, or it has no anchors.
            GeometryError: If an anchor has other atoms.
        """
        if orbitals not in get_args(Gauge):
            raise InputError(
                f'HamiltonianSource(orbitals="{orbitals}"): no such gauge. '
                f"{nearest(str(orbitals), get_args(Gauge))}"
            )
        if orbitals != "canonical" and not anchors:
            raise InputError(
                f'HamiltonianSource(orbitals="{orbitals}"): orbitals are to follow others, and '
                "there are none. Give anchors=, such as the training geometries, or use "
                '"canonical".'
            )
        self.molecule = molecule
        self.origin = Geometry(molecule.symbols, molecule.positions)
        """The molecule's own geometry."""
        self.active_space = ActiveSpace() if active_space is None else active_space
        self.gauge = orbitals
        self.anchors = tuple(anchors) if orbitals != "canonical" else ()
        for anchor in self.anchors:
            self.check(anchor)
        self._anchored: list[ActiveOrbitals] = []
        self._kept: OrderedDict[bytes, LocalProblem] = OrderedDict()
        selection = self.active_space.select(run_mean_field(molecule))
        self.norb, self.nelec = selection.norb, selection.nelec

    def check(self, point: Geometry) -> None:
        """Refuse a point that is no geometry of the molecule.

        Raises:
            InputError: If it is no geometry.
            GeometryError: If its atoms differ.
        """
        check_geometry("HamiltonianSource", point)
        if point.symbols != self.molecule.symbols:
            raise GeometryError(
                f"HamiltonianSource.at(point with the atoms {point.symbols}): the molecule is "
                f"{self.molecule.symbols}. Give the same atoms in the same order."
            )

    def at(self, point: Geometry) -> LocalProblem:
        """Return the problem at a geometry.

        Args:
            point: The geometry.

        Raises:
            InputError: If it is no geometry.
            GeometryError: If its atoms differ, or overlap.
            MeanFieldError: If Hartree-Fock does not converge.
            ActiveSpaceError: If the active space is not there.
        """
        self.check(point)
        key = (np.round(point.positions, DECIMALS) + 0.0).tobytes()
        if key not in self._kept:
            self._kept[key] = self._problem(point)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _problem(self, point: Geometry) -> LocalProblem:
        molecule = self.molecule.with_positions(point.positions)
        mean_field = run_mean_field(molecule)
        orbitals, notes = self._orbitals(mean_field)
        hamiltonian = molecular_hamiltonian(molecule, orbitals=orbitals)
        notes = tuple(dict.fromkeys((*mean_field.notes, *notes)))
        return LocalProblem(
            mean_field=mean_field, orbitals=orbitals, hamiltonian=hamiltonian, notes=notes
        )

    def _orbitals(self, mean_field: MeanField) -> tuple[ActiveOrbitals, tuple[str, ...]]:
        if self.gauge == "canonical":
            chosen = choose_orbitals(mean_field, self.active_space)
            return chosen, chosen.notes
        if not self._anchored:
            self._follow_anchors()
        places = [orbitals.positions for orbitals in self._anchored]
        return self._following(mean_field, self._anchored[_nearest(mean_field, places)])

    def _follow_anchors(self) -> None:
        """Find the orbitals of all anchors, each from the nearest before it."""
        found: list[ActiveOrbitals] = []
        for anchor in self.anchors:
            mean_field = run_mean_field(self.molecule.with_positions(anchor.positions))
            if not found:
                found.append(choose_orbitals(mean_field, self.active_space))
                continue
            parent = found[_nearest(mean_field, [orbitals.positions for orbitals in found])]
            found.append(self._following(mean_field, parent)[0])
        self._anchored = found

    def _following(
        self, mean_field: MeanField, parent: ActiveOrbitals
    ) -> tuple[ActiveOrbitals, tuple[str, ...]]:
        if self.gauge == "tracked":
            followed = follow_orbitals(mean_field, self.active_space, parent)
            return followed.orbitals, followed.notes
        chosen = choose_orbitals(mean_field, self.active_space)
        molecule = mean_field.molecule
        before = molecule.with_positions(parent.positions)
        overlap = carried_overlap(molecule, chosen.active, before, parent.active)
        left, _, right = np.linalg.svd(overlap)
        return replace(chosen, active=chosen.active @ (right.T @ left.T)), chosen.notes

    def config(self) -> dict[str, Any]:
        """Return plain values from which ``from_config`` builds the source."""
        return {
            "molecule": {
                **self.molecule.inputs(),
                "positions": self.molecule.positions.tolist(),
            },
            "active_space": self.active_space.inputs(),
            "orbitals": self.gauge,
            "anchors": [anchor.positions.tolist() for anchor in self.anchors],
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> HamiltonianSource:
        """Return the source from what ``config`` returned.

        Raises:
            InputError: If a basis set was read from a file that is not as it was.
        """
        place = Geometry(tuple(config["molecule"]["symbols"]), config["molecule"]["positions"])
        stored = {name: value for name, value in config["molecule"].items() if name != "positions"}
        molecule = molecule_of({"surface": {"molecule": stored}}, place)
        assert molecule is not None
        space = dict(config["active_space"])
        for name in ("indices", "avas"):
            if space.get(name) is not None:
                space[name] = tuple(space[name])
        return cls(
            molecule,
            ActiveSpace(**space),
            orbitals=config["orbitals"],
            anchors=[Geometry(molecule.symbols, rows) for rows in config["anchors"]],
        )


def _nearest(mean_field: MeanField, places: Sequence[FloatArray]) -> int:
    """Return which positions have the distances most like a mean field's."""
    here = pdist(mean_field.molecule.positions)
    return int(np.argmin([np.linalg.norm(pdist(place) - here) for place in places]))
