"""Points of a scan that are measured, and what the answers make of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmlmat.cli.hw_choice import DEFAULT_MAPPING, SourceChoice, no_mapping
from qmlmat.errors import ConfigError

if TYPE_CHECKING:
    from qmlmat.backends.requests import Counts, Estimate, Request
    from qmlmat.operators.mappings import QubitMapping
    from qmlmat.report.measured_table import MeasuredRow
    from qmlmat.surfaces import Scan
    from qmlmat.systems import TightBindingModel


@dataclass(frozen=True, kw_only=True, eq=False)
class ScanSource:
    """Points of a scan in a store."""

    file: Path
    """The store."""
    scan: Scan
    """What it holds."""
    points: tuple[int, ...]
    """Indices of the points that are measured."""
    model: TightBindingModel | None
    """The crystal, of a scan through k."""

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        from qmlmat.report.labels import heading  # noqa: PLC0415 - loads torch

        return self.scan.title or heading(self.scan)

    @property
    def unit(self) -> str:
        """Unit of the energies."""
        return self.scan.unit

    @cached_property
    def _asked(self) -> list[tuple[int, Request]]:
        """Each request with its point."""
        return [
            (point, one)
            for point in self.points
            for one in self.scan.requests(model=self.model, points=[point])
        ]

    @property
    def requests(self) -> tuple[Request, ...]:
        """What is asked of a device."""
        return tuple(one for _, one in self._asked)

    @property
    def labels(self) -> tuple[str, ...]:
        """Where the point of each request is."""
        from qmlmat.report.labels import place  # noqa: PLC0415 - loads torch

        return tuple(place(self.scan, point) for point, _ in self._asked)

    def mapping(self, choice: SourceChoice) -> str | QubitMapping:
        """Return where occupations stand; the same at every point.

        Raises:
            ConfigError: If the circuits are of qubits, or the points have different symmetries.
        """
        from qmlmat.surfaces.measuring import point_hamiltonian  # noqa: PLC0415 - loads torch
        from qmlmat.systems import MolecularHamiltonian  # noqa: PLC0415

        if self.model is not None:
            return no_mapping(choice, "bands")
        found: QubitMapping | None = None
        for point in self.points if choice.tapered else self.points[:1]:
            result = self.scan.results[point]
            assert result is not None  # its requests were made before
            where = self.scan.path.points[point]
            hamiltonian = point_hamiltonian(self.scan.inputs, where, result, None)
            assert isinstance(hamiltonian, MolecularHamiltonian)
            own = hamiltonian.qubit_mapping(
                choice.mapping or DEFAULT_MAPPING, reduced=choice.reduced, tapered=choice.tapered
            )
            if found is not None and own != found:
                raise ConfigError(
                    "--tapered: the points have different symmetries, so no one set of qubits "
                    "can be left out of all. Use --reduced, or measure them apart: --points"
                )
            found = own
        assert found is not None
        return found

    def plain(self) -> dict[str, Any]:
        """Return the store's name, and a hash of its inputs and of the points in question."""
        return {
            "kind": "scan",
            "file": str(self.file.expanduser().absolute()),
            "sha256": scan_hash(self.scan, self.points),
            "points": list(self.points),
        }

    def measured(
        self,
        answers: Sequence[Estimate | Counts | None],
        flags: Sequence[Sequence[str]] | None = None,
    ) -> Scan:
        """Return the scan as it was measured; points without answers are not computed."""
        return self.scan.measured(answers, model=self.model, points=self.points, flags=flags)

    def rows(
        self,
        answers: Sequence[Estimate | Counts | None],
        flags: Sequence[Sequence[str]] | None = None,
    ) -> list[MeasuredRow]:
        """Return what the answers say of each point and state."""
        return self.rows_of(self.measured(answers, flags))

    def rows_of(self, measured: Scan) -> list[MeasuredRow]:
        """Return measured points beside the simulator's."""
        from qmlmat.report.measured_table import scan_rows  # noqa: PLC0415 - loads torch

        return scan_rows(self.scan, measured, self.points)


def scan_hash(scan: Scan, points: Sequence[int]) -> str:
    """Return a hash of a scan's inputs and of what was found at some points, but for the time."""
    from qmlmat.provenance import content_hash  # noqa: PLC0415

    results = [scan.results[point] for point in points]
    kept = [
        None if one is None else {k: v for k, v in one.to_dict().items() if k != "wall_time"}
        for one in results
    ]
    return content_hash({"inputs": content_hash(scan.inputs), "points": kept})
