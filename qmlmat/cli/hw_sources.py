"""What is measured, by what was named: a scan in a store, or a model at geometries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from qmlmat.cli.hw_choice import SourceChoice
from qmlmat.cli.hw_model_source import ModelSource
from qmlmat.cli.hw_scan_source import ScanSource
from qmlmat.errors import ConfigError, InputError

if TYPE_CHECKING:
    from qmlmat.backends.requests import Counts, Estimate, Request
    from qmlmat.operators.mappings import QubitMapping
    from qmlmat.report.measured_table import MeasuredRow
    from qmlmat.surfaces import Scan
    from qmlmat.systems import TightBindingModel


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
