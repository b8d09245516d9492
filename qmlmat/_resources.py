"""Finds the data folders ``circuits/`` and ``hardware_configs/``: checkout first, then wheel."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from qmlmat.errors import QmlmatError

DataFolder = Literal["circuits", "hardware_configs"]
"""The folders of plain data that travel with the package."""


def data_dir(folder: DataFolder) -> Path:
    """Return the folder of packaged data.

    A checkout's own folder wins over the copy in an installed wheel, because an editable
    install carries a stale copy.

    Args:
        folder: Which data folder.

    Raises:
        QmlmatError: If neither place holds it, i.e. the installation is broken.
    """
    package = Path(__file__).resolve().parent
    checkout = package.parent
    for candidate in (checkout / folder, package / "_data" / folder):
        # A README marks a folder as ours: `circuits` may also be somebody's package.
        if (candidate / "README.md").is_file() and (
            candidate.parent.name == "_data" or (checkout / "pyproject.toml").is_file()
        ):
            return candidate
    raise QmlmatError(
        f'data_dir("{folder}"): the data folder is missing from this installation. '
        "Reinstall with: pip install --force-reinstall qmlmat"
    )
