"""Learnt surfaces in files: numbers in safetensors, what they mean in JSON; no pickle."""

from __future__ import annotations

import hashlib
import json
import math
import os
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from qmlmat.errors import InputError, StoreError
from qmlmat.potentials.base import Potential
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.registry import built, described
from qmlmat.potentials.tensor_files import read_tensors, tensor_bytes, write_whole
from qmlmat.potentials.training.errors import errors_of
from qmlmat.potentials.training.result import Fit
from qmlmat.provenance import provenance

FORMAT: Final = 1
"""Version of the files' layout."""

KEY: Final = "qmlmat_potential"
"""Where both files say so."""


def save_potential(
    model: Potential,
    path: str | os.PathLike[str],
    *,
    fit: Fit | None = None,
    test: SurfaceData | None = None,
) -> Path:
    """Write a model as ``NAME.safetensors`` and ``NAME.json``; return the latter, its card.

    A crash leaves the model that was there, or the new one.

    Args:
        model: The model.
        path: ``NAME``, or the name of either file.
        fit: How it was trained, for the card.
        test: Points that it has not seen; the card says how wrong it is there.

    Raises:
        CapabilityError: If a part of the model is the user's own.
        InputError: If the fit is of another model.
        StoreError: If a file cannot be written.
    """
    if fit is not None and fit.model is not model:
        raise InputError("save_potential(fit): it is of another model. Give model=fit.model.")
    card, tensor_file = card_file(path), _tensor_file(path)
    kind = described(model)
    content = tensor_bytes(model.state_dict(), {KEY: FORMAT})
    tree = {
        KEY: FORMAT,
        "model": kind,
        "dtype": str(model.dtype).removeprefix("torch."),
        "tensors": {"file": tensor_file.name, "sha256": hashlib.sha256(content).hexdigest()},
        "card": _card(model, fit, test),
    }
    text = json.dumps(tree, indent=2, allow_nan=False) + "\n"
    _settle(card, tensor_file)
    write_whole(_waiting(tensor_file), content, "model")
    write_whole(card, text.encode(), "model")  # from here on it is the new model
    _settle(card, tensor_file)
    return card


def load_potential(path: str | os.PathLike[str]) -> Potential:
    """Return the model that ``save_potential`` wrote; its energies are the same bit by bit.

    Args:
        path: ``NAME``, or the name of either file.

    Raises:
        InputError: If a file is missing or foreign.
        StoreError: If the files are damaged, or do not belong together.
    """
    card, tensor_file = card_file(path), _tensor_file(path)
    tree = read_card(card)
    content = _content(card, tensor_file, tree["tensors"]["sha256"])
    try:
        tensors, _ = read_tensors(content)
        model = built(tree["model"])
        _check_kind(model)
        model.to(getattr(torch, tree["dtype"]))
        _fill(model, tensors)
    except (AttributeError, InputError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise StoreError(
            f'"{card}": the model cannot be built again ({" ".join(str(error).split())}). The file '
            "was altered, or written by another version of qmlmat: restore a copy, or train again."
        ) from error
    found: Potential = model
    return found


def _content(card: Path, tensor_file: Path, sha256: str) -> bytes:
    """Return the numbers that a card was written with."""
    waiting = _waiting(tensor_file)
    if _sha256(waiting) == sha256:  # a crash came after the card was replaced
        return waiting.read_bytes()
    try:
        content = tensor_file.read_bytes()
    except OSError as error:
        raise InputError(
            f'"{tensor_file}": the model\'s numbers cannot be read ({error.strerror}). Keep '
            f'"{tensor_file.name}" beside "{card.name}".'
        ) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise StoreError(
            f'"{tensor_file}": not the numbers that "{card.name}" was written with: damaged, '
            "or of another model. Restore a copy of both, or train again."
        )
    return content


def _waiting(tensor_file: Path) -> Path:
    """Return where a model's numbers stand until its card is there."""
    return tensor_file.with_name(f"{tensor_file.name}.new")


def _settle(card: Path, tensor_file: Path) -> None:
    """Give waiting numbers their name once the card is theirs, also after a crash before that."""
    waiting = _waiting(tensor_file)
    if not waiting.exists():
        return
    try:
        wanted = read_card(card)["tensors"]["sha256"]
    except (InputError, StoreError):
        return  # no card that anything could belong to
    if _sha256(waiting) == wanted:
        try:
            waiting.replace(tensor_file)
        except OSError as error:
            raise StoreError(
                f'model "{tensor_file}": cannot be written ({error}). Give a name in a folder that '
                "exists and is writable."
            ) from error


def _sha256(path: Path) -> str | None:
    """Return the hash of a file; ``None`` if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def card_file(path: str | os.PathLike[str]) -> Path:
    """Return the name of a model's JSON file, from ``NAME`` or the name of either file.

    Raises:
        InputError: If there is no name in it.
    """
    name = Path(path).expanduser()
    stem = name.name
    for suffix in (".safetensors", ".json"):
        stem = stem.removesuffix(suffix)
    if stem in ("", ".."):
        raise InputError(f'"{path}": a folder is no name of a model. Give e.g. "water".')
    return name.with_name(f"{stem}.json")


def _tensor_file(path: str | os.PathLike[str]) -> Path:
    card = card_file(path)
    return card.with_name(f"{card.name.removesuffix('.json')}.safetensors")


def read_card(path: Path) -> dict[str, Any]:
    """Return the contents of a model's JSON file.

    Raises:
        InputError: If it is missing, or not of a model.
        StoreError: If it is damaged.
    """
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f'"{path}": the model cannot be read ({error.strerror}). Give the name under which it '
            "was saved, without an ending."
        ) from error
    except (ValueError, RecursionError) as error:
        raise StoreError(
            f'"{path}": damaged, not JSON ({error}). Restore a copy, or train again.'
        ) from error
    if not isinstance(tree, dict) or KEY not in tree:
        raise InputError(
            f'"{path}": JSON, but not of a model. Give a file that save_potential or qmlmat fit '
            "wrote."
        )
    if tree[KEY] != FORMAT:
        raise StoreError(
            f'"{path}": layout {tree[KEY]!r}, this version of qmlmat reads {FORMAT}. Use the '
            "version that wrote it, or train again."
        )
    missing = [name for name in ("model", "dtype", "tensors", "card") if name not in tree]
    if missing or not isinstance(tree["tensors"], dict) or "sha256" not in tree["tensors"]:
        raise StoreError(
            f'"{path}": damaged, without {", ".join(missing) or "sha256"}. Restore a copy, or '
            "train again."
        )
    return tree


def _check_kind(model: object) -> None:
    if not isinstance(model, Potential):
        raise InputError(f"it holds a {type(model).__name__}, which is no potential")


def _fill(model: Potential, tensors: dict[str, Tensor]) -> None:
    """Give a model its numbers; of their names, shapes and types none may differ."""
    for name, value in model.state_dict().items():
        kind = None if name not in tensors else (tensors[name].shape, tensors[name].dtype)
        if kind != (value.shape, value.dtype):
            raise ValueError(f"{name} is {kind}, not {(tuple(value.shape), value.dtype)}")
    model.load_state_dict(tensors)


def _card(model: Potential, fit: Fit | None, test: SurfaceData | None) -> dict[str, Any]:
    """Return what a reader should know of a model, as plain values."""
    errors = {
        "train": None if fit is None else fit.train_errors,
        "validation": None if fit is None else fit.validation_errors,
        "test": None if test is None else errors_of(model, test),
    }
    return {
        "atoms": list(model.symbols),
        "n_states": model.n_states,
        "n_weights": model.n_weights,
        "information": model.information,
        "units": {"energy": model.unit, "positions": "angstrom"},
        "domain": {
            name: [low, high]
            for name, (low, high) in model.domain.ranges().items()
            if math.isfinite(low) and math.isfinite(high)
        },
        "training": None if fit is None else fit.record(),
        "errors": {name: None if e is None else e.to_dict() for name, e in errors.items()},
        "provenance": provenance(),
    }
