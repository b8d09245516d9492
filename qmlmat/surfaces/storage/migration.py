"""Stores of earlier layouts in the words of today's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

SCHEMA: Final = 2
"""Version of the layout written here."""


def migrated(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return a store's own metadata as this version would have written them.

    In layout 1 a path had one coordinate; orbitals were chosen at each point by itself, and rows
    had none. Today's orbitals are followed from the parent: a scan of that time goes on in its own
    way, and its input file is told to.

    Args:
        metadata: Of any layout up to today's; not altered.
    """
    if metadata["schema"] == SCHEMA:
        return dict(metadata)
    surface, path = dict(metadata["inputs"]["surface"]), dict(metadata["inputs"]["path"])
    path["axes"] = [[path.pop("name"), path.pop("unit")]]
    path["shape"] = [len(path["coordinates"])]
    path["coordinates"] = [[x] for x in path["coordinates"]]
    document = metadata["document"]
    if "active_space" in surface:
        surface["orbitals"] = "canonical"
        if document is not None:
            space = {**document.get("active_space", {}), "orbitals": "canonical"}
            document = {**document, "active_space": space}
    inputs = {**metadata["inputs"], "surface": surface, "path": path}
    return {**metadata, "schema": SCHEMA, "inputs": inputs, "document": document}
