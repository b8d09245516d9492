"""What is measured: a scan's points, or a model at geometries, and what the answers make of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from qmlmat.cli.hw_choice import SourceChoice
from qmlmat.errors import ConfigError, InputError

if TYPE_CHECKING:
    from qmlmat.backends.measurement import Measurement
    from qmlmat.backends.requests import Counts, Estimate, Request
    from qmlmat.operators.mappings import QubitMapping
    from qmlmat.potentials.measured import MeasuredEnergies
    from qmlmat.potentials.regression import NetworkPotential
    from qmlmat.report.measured_table import MeasuredRow
    from qmlmat.surfaces import Geometry, Scan
    from qmlmat.systems import TightBindingModel
    from qmlmat.typing import FloatArray

DEFAULT_MAPPING: Final = "jordan_wigner"
"""Where occupations stand if nothing is said."""


class Source(Protocol):
    """What requests are from."""

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        ...

    @property
    def unit(self) -> str:
        """Unit of the energies."""
        ...

    @property
    def requests(self) -> tuple[Request, ...]:
        """What is asked of a device."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """What each request is of."""
        ...

    def mapping(self, choice: SourceChoice) -> str | QubitMapping:
        """Return where occupations stand.

        Raises:
            ConfigError: If options do not belong to this source.
        """
        ...

    def plain(self) -> dict[str, Any]:
        """Return what a plan keeps of it, to find and check it again."""
        ...

    def rows(
        self,
        answers: Sequence[Estimate | Counts | None],
        flags: Sequence[Sequence[str]] | None = None,
    ) -> list[MeasuredRow]:
        """Return what the answers say of each point and state."""
        ...


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
            return _no_mapping(choice, "bands")
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


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelSource:
    """A model with a quantum network, at geometries of a file."""

    file: Path
    """Name of the model."""
    model: NetworkPotential
    """The model."""
    place: Path
    """The file of geometries."""
    geometries: tuple[Geometry, ...]
    """Those that are measured."""
    points: tuple[int, ...]
    """Their numbers in the file."""

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return f"{self.file.name} at {len(self.points)} geometries of {self.place.name}"

    @property
    def unit(self) -> str:
        """Unit of the energies."""
        return self.model.unit

    @cached_property
    def _positions(self) -> FloatArray:
        import numpy as np  # noqa: PLC0415

        return np.stack([one.positions for one in self.geometries])

    @cached_property
    def _measurement(self) -> Measurement[MeasuredEnergies]:
        from qmlmat.backends.measurement import Measurement  # noqa: PLC0415 - loads torch
        from qmlmat.potentials.measured import measured_energies  # noqa: PLC0415

        return Measurement(lambda backend: measured_energies(self.model, self._positions, backend))

    @cached_property
    def requests(self) -> tuple[Request, ...]:
        """What is asked of a device."""
        return tuple(self._measurement.requests())

    @property
    def labels(self) -> tuple[str, ...]:
        """What each request is of: all geometries are one."""
        return (f"{len(self.points)} geometries",) * len(self.requests)

    def mapping(self, choice: SourceChoice) -> str | QubitMapping:
        """Return anything: the circuits are of qubits.

        Raises:
            ConfigError: If a mapping was asked for.
        """
        return _no_mapping(choice, "a model")

    def plain(self) -> dict[str, Any]:
        """Return names and hashes of the model and the geometries."""
        from qmlmat.potentials.storage import card_file  # noqa: PLC0415 - loads torch

        card = card_file(self.file).absolute()
        return {
            "kind": "model",
            "file": str(card),
            "sha256": file_hash(card),
            "geometries": str(self.place.expanduser().absolute()),
            "geometries_sha256": file_hash(self.place.expanduser()),
            "points": list(self.points),
        }

    def rows(
        self,
        answers: Sequence[Estimate | Counts | None],
        flags: Sequence[Sequence[str]] | None = None,
    ) -> list[MeasuredRow]:
        """Return measured predictions beside the model's own."""
        from qmlmat.report.measured_table import prediction_rows  # noqa: PLC0415 - loads torch

        own = [self.model.evaluate(one).energies for one in self.geometries]
        known = [one for one in answers if one is not None]
        said = tuple(dict.fromkeys(line for part in flags or () for line in part))
        found = self._measurement.result(known) if len(known) == len(answers) else None
        return prediction_rows(self.points, own, found, said)


def open_source(choice: SourceChoice) -> Source:
    """Return what is to be measured, by what its file is.

    Raises:
        ConfigError: If options do not belong to it.
        InputError: If a file cannot be used, or there are no such points.
        StoreError: If a file is damaged.
    """
    from qmlmat.potentials.data_files import is_store  # noqa: PLC0415 - loads torch

    file = choice.file.expanduser()
    if file.suffix == ".db" or (file.is_file() and is_store(file)):
        if choice.geometries is not None:
            raise ConfigError(
                f"{choice.file} --geometries {choice.geometries}: a scan has its own. Leave "
                "--geometries out, and choose points with --points."
            )
        return _open_scan(choice.file, choice.points)
    return _open_model(choice)


def _open_scan(file: Path, points: str | None) -> ScanSource:
    from qmlmat.surfaces import load_scan  # noqa: PLC0415 - loads torch

    scan = load_scan(file)
    if "measured" in scan.inputs:
        raise ConfigError(
            f'"{file}": these points were measured already. Name the scan that they are from.'
        )
    chosen = parsed_points(points, len(scan.path))
    return ScanSource(file=file, scan=scan, points=chosen, model=_crystal(file, scan))


def _crystal(file: Path, scan: Scan) -> TightBindingModel | None:
    """Return the model of a scan through k, made again from what its store keeps."""
    if not scan.path.is_through_k:
        return None
    from qmlmat.cli.bands_request import band_model, request_of  # noqa: PLC0415
    from qmlmat.surfaces import ScanStore  # noqa: PLC0415 - loads torch

    document = ScanStore.load(file).header.document
    if document is None or "bands" not in document:
        raise ConfigError(
            f'"{file}": these bands were scanned from Python, and their store does not say of '
            "what. Plan them there: MeasurementPlan.from_requests(scan.requests(model=...), ...)"
        )
    return band_model(request_of(document["bands"]))


def _open_model(choice: SourceChoice) -> ModelSource:
    from qmlmat.potentials.data_files import load_geometries  # noqa: PLC0415 - loads torch
    from qmlmat.potentials.regression import NetworkPotential  # noqa: PLC0415
    from qmlmat.potentials.storage import load_potential  # noqa: PLC0415

    model = load_potential(choice.file)
    if not isinstance(model, NetworkPotential):
        raise ConfigError(
            f"{choice.file}: a {type(model).__name__} has no circuit to run. Measured are models "
            'with a quantum network: [model] name = "qnn"'
        )
    if choice.geometries is None:
        raise ConfigError(
            f"{choice.file}: a model is measured at geometries. Name them: --geometries FILE.xyz"
        )
    every = load_geometries(choice.geometries)
    points = parsed_points(choice.points, len(every))
    chosen = tuple(every[point] for point in points)
    for number, one in zip(points, chosen, strict=True):
        if one.symbols != model.symbols:
            raise ConfigError(
                f"{choice.geometries}, number {number}: atoms {', '.join(one.symbols)}, and the "
                f"model is of {', '.join(model.symbols)}. Give them in that order."
            )
    return ModelSource(
        file=choice.file, model=model, place=choice.geometries, geometries=chosen, points=points
    )


def reopened(plain: Mapping[str, Any] | None) -> Source:
    """Return what a plan's requests were from, unchanged.

    Raises:
        InputError: If the plan does not say, or the source has changed.
        QmlmatError: If it has gone or is damaged.
    """
    if plain is None or plain.get("kind") not in {"scan", "model"}:
        raise InputError("the plan does not say what it measures. It was made from Python")
    points = ",".join(map(str, plain["points"]))
    geometries = plain.get("geometries")
    choice = SourceChoice(
        file=Path(plain["file"]),
        points=points,
        geometries=None if geometries is None else Path(geometries),
    )
    found = open_source(choice)
    if found.plain() != dict(plain):
        raise InputError(f'"{plain["file"]}" has changed since it was planned')
    return found


def parsed_points(words: str | None, n_points: int) -> tuple[int, ...]:
    """Return the indices that ``--points 0,3,5`` names, ascending; all where it is not given.

    Raises:
        ConfigError: If they are no indices of points, or one is named twice.
    """
    if words is None:
        return tuple(range(n_points))
    try:
        found = [int(word) for word in words.split(",")]
    except ValueError:
        raise ConfigError(
            f'--points "{words}": not numbers of points. Write them with commas: --points 0,3,5'
        ) from None
    if min(found) < 0 or max(found) >= n_points or len(set(found)) < len(found):
        raise ConfigError(
            f'--points "{words}": there are {n_points} points, counted from 0, and each is '
            f"measured once. Use 0 to {n_points - 1}."
        )
    return tuple(sorted(found))


def scan_hash(scan: Scan, points: Sequence[int]) -> str:
    """Return a hash of a scan's inputs and of what was found at some points, but for the time."""
    from qmlmat.provenance import content_hash  # noqa: PLC0415

    results = [scan.results[point] for point in points]
    kept = [
        None if one is None else {k: v for k, v in one.to_dict().items() if k != "wall_time"}
        for one in results
    ]
    return content_hash({"inputs": content_hash(scan.inputs), "points": kept})


def file_hash(file: Path) -> str:
    """Return the SHA-256 of a file.

    Raises:
        InputError: If it cannot be read.
    """
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(
            f'"{file}": the file cannot be read ({error.strerror}). Check its name and rights.'
        ) from None


def _no_mapping(choice: SourceChoice, what: str) -> str:
    if choice.mapping is not None or choice.reduced or choice.tapered:
        raise ConfigError(
            f"{choice.file}: circuits of {what} stand on qubits already. Leave out --mapping, "
            "--reduced and --tapered."
        )
    return DEFAULT_MAPPING
