"""A training kept in a file: written now and then, gone on from after an interruption."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from qmlmat.errors import QmlmatError, StoreError, StoreMismatchError
from qmlmat.potentials.base import Potential
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.tensor_files import read_tensors, tensor_bytes, write_whole
from qmlmat.potentials.training.descent import Descent, Snapshot
from qmlmat.potentials.training.result import FitStep
from qmlmat.potentials.training.settings import Training
from qmlmat.provenance import differences

FORMAT: Final = 1
"""Version of the file's layout."""

EVERY: Final = 25
"""Steps between two writings: a lost second or so, for a file of some kilobytes."""

LIMITS: Final = ("n_lbfgs", "patience", "gradient_tolerance")
"""Settings that say when to stop: a file is gone on from with others, too."""

STAGES: Final = ("start", "adam", "lbfgs")
"""Stages, by the number that stands for them in the file."""


class Checkpoint:
    """The file of one training."""

    def __init__(self, file: str | os.PathLike[str], inputs: dict[str, Any]) -> None:
        self.path: Final = Path(file).expanduser().resolve()  # a link stays a link
        """Where it is."""
        self.inputs: Final = json.loads(json.dumps(inputs))
        """What the file must agree in."""

    def restore(self, descent: Descent) -> float:
        """Bring a training to where the file has it; return the time spent before (s).

        Raises:
            StoreMismatchError: If the file is of another training.
            StoreError: If it cannot be read.
        """
        try:
            tensors, tree = read_tensors(self.path.read_bytes())
            if tree["qmlmat_checkpoint"] != FORMAT:
                raise ValueError(f"format {tree['qmlmat_checkpoint']}, this version knows {FORMAT}")
            stored, found = tree["inputs"], _snapshot(tensors, tree)
            wall_time = float(tree["wall_time"])
        except FileNotFoundError:
            return 0.0
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise StoreError(
                f'checkpoint "{self.path}": not a checkpoint of a training that can be read '
                f"({error}). Give another name, or remove the file to begin anew."
            ) from error
        different = differences(stored, self.inputs)
        if different:
            raise StoreMismatchError(
                f'checkpoint "{self.path}": it belongs to another training: '
                f"{'; '.join(different)}. Give another name, or remove the file to begin anew."
            )
        descent.restore(found)
        return wall_time

    def write(self, found: Snapshot, wall_time: float) -> None:
        """Replace the file as a whole: a crash leaves the old one or the new one.

        Args:
            found: Where the training is.
            wall_time: Time spent so far (s).

        Raises:
            StoreError: If it cannot be written.
        """
        tensors = {"point": found.point, "best_point": found.best_point}
        tree = {
            "qmlmat_checkpoint": FORMAT,
            "inputs": self.inputs,
            "memory": _packed(found.memory, "memory", tensors),
            "best": found.best.step,
            "has_validation": found.best.validation is not None,
            "n_evaluations": found.n_evaluations,
            "wall_time": wall_time,
        }
        rows = [_row(step) for step in found.history]
        tensors["history"] = torch.tensor(rows, dtype=torch.float64)
        write_whole(self.path, tensor_bytes(tensors, tree), "checkpoint")


def checkpoint_inputs(
    model: Potential,
    data: SurfaceData,
    validation: SurfaceData | None,
    training: Training,
) -> dict[str, Any]:
    """Return what a checkpoint must agree in, as plain values.

    Args:
        model: The model; its weights do not count.
        data: What it is trained on.
        validation: What was set aside.
        training: The recipe; limits do not count.
    """
    try:
        config: object = model.config()
    except QmlmatError:  # a part of the user's own: the shapes of weights must do
        config = None
    return {
        "model": type(model).__name__,
        "config": config,
        "weights": {name: list(value.shape) for name, value in model.named_parameters()},
        "dtype": str(model.dtype),
        "data": data.content_hash(),
        "validation": None if validation is None else validation.content_hash(),
        "training": {k: v for k, v in training.inputs().items() if k not in LIMITS},
    }


def _row(step: FitStep) -> tuple[float, ...]:
    held_out = torch.nan if step.validation is None else step.validation
    return STAGES.index(step.stage), step.loss, step.gradient_norm, held_out


def _snapshot(tensors: dict[str, Tensor], tree: dict[str, Any]) -> Snapshot:
    rows = tensors["history"].tolist()
    history = tuple(
        FitStep(
            step=number,
            stage=STAGES[int(stage)],
            loss=loss,
            gradient_norm=norm,
            validation=held_out if tree["has_validation"] else None,
        )
        for number, (stage, loss, norm, held_out) in enumerate(rows)
    )
    return Snapshot(
        point=tensors["point"],
        best_point=tensors["best_point"],
        best=history[tree["best"]],
        history=history,
        memory=_unpacked(tree["memory"], tensors),
        n_evaluations=int(tree["n_evaluations"]),
    )


def _packed(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:  # noqa: ANN401 - a tree
    """Return plain values for a tree; its tensors go into ``tensors``, each under a name."""
    if isinstance(value, Tensor):
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, dict):
        parts = [[key, _packed(part, f"{name}.{key}", tensors)] for key, part in value.items()]
        return {"dict": parts}
    if isinstance(value, list):
        return {"list": [_packed(part, f"{name}.{k}", tensors) for k, part in enumerate(value)]}
    return {"value": value}


def _unpacked(tree: dict[str, Any], tensors: dict[str, Tensor]) -> Any:  # noqa: ANN401 - a tree
    if "tensor" in tree:
        return tensors[tree["tensor"]]
    if "dict" in tree:
        return {key: _unpacked(part, tensors) for key, part in tree["dict"]}
    if "list" in tree:
        return [_unpacked(part, tensors) for part in tree["list"]]
    return tree["value"]
