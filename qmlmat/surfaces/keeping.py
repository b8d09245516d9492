"""Keeps the measured points of a scan in a store of their own, beside the one they are from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path as FilePath
from typing import Any, Final

from qmlmat.errors import StoreMismatchError
from qmlmat.provenance import content_hash
from qmlmat.surfaces.scan import Scan, load_scan
from qmlmat.surfaces.storage.lock import writing
from qmlmat.surfaces.storage.store import ScanStore, StoreHeader

MEASURED: Final = "measured"
"""Key of the inputs that says what measured a scan."""


def measured_inputs(scan: Scan, device: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs of a scan that a device measured: those of its source, and the device.

    How the source went back and forth is part of its hash, and not of a measured scan.

    Args:
        scan: The scan whose circuits were run.
        device: What measured it, as plain values.
    """
    kept = {name: scan.inputs[name] for name in ("surface", "path")}
    return kept | {MEASURED: {**device, "source": content_hash(scan.inputs)}}


def save_measured(
    measured: Scan, file: str | os.PathLike[str], *, device: Mapping[str, Any]
) -> Scan:
    """Write measured points to a store and return the scan that it holds.

    A store of the same measurement is replaced: more points may have arrived, and flags with them.

    Args:
        measured: What ``Scan.measured`` gave.
        file: Where.
        device: What measured it, as plain values: target, plan, run.

    Raises:
        StoreMismatchError: If the file holds something else.
        StoreError: If it cannot be written, or is no store.
    """
    place = FilePath(file).expanduser().absolute()
    header = StoreHeader(inputs=measured_inputs(measured, device), title=measured.title)
    draft = place.with_name(f".{place.name}.{os.getpid()}.draft")
    try:
        with writing(place):
            check_measured_place(place, header.inputs)
            store = ScanStore.open(draft, header)
            for index, result in enumerate(measured.results):
                if result is not None:
                    store.write(index, measured.path.points[index], result)
            draft.replace(place)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return load_scan(place)


def check_measured_place(file: FilePath, inputs: Mapping[str, Any]) -> None:
    """Refuse to replace a store of anything but the same measurement.

    Raises:
        StoreMismatchError: If the file holds something else.
        StoreError: If it is no store.
    """
    if not file.exists():
        return
    if ScanStore.load(file).header.inputs_hash != content_hash(inputs):
        raise StoreMismatchError(
            f'"{file}": this store holds another scan and is left as it is. Choose another file: '
            "--out FILE"
        )
