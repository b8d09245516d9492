"""A model whose circuit is measured at geometries, and what the answers make of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmlmat.cli.hw_choice import SourceChoice, no_mapping
from qmlmat.errors import InputError

if TYPE_CHECKING:
    from qmlmat.backends.measurement import Measurement
    from qmlmat.backends.requests import Counts, Estimate, Request
    from qmlmat.operators.mappings import QubitMapping
    from qmlmat.potentials.measured import MeasuredEnergies
    from qmlmat.potentials.regression import NetworkPotential
    from qmlmat.report.measured_table import MeasuredRow
    from qmlmat.surfaces import Geometry
    from qmlmat.typing import FloatArray


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
        return no_mapping(choice, "a model")

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
