"""Modules as plain values: which parts of a model can be built again from a file, and how."""

from __future__ import annotations

import importlib
from typing import Any, Final, Protocol, runtime_checkable

import torch

from qmlmat.errors import CapabilityError, InputError


@runtime_checkable
class _Stored(Protocol):
    """A module that says how it is built again."""

    def config(self) -> dict[str, Any]:
        """Return plain values for ``from_config``."""
        ...


_PACKAGE: Final = "qmlmat.potentials."
_TORCH: Final = {
    "Linear": ("in_features", "out_features", "bias"),
    "Tanh": (),
    "SiLU": (),
    "Softplus": ("beta", "threshold"),
    "Sigmoid": (),
    "Identity": (),
}
"""Modules of PyTorch that a model's file may hold, and the arguments they are made of."""


def described(module: torch.nn.Module) -> dict[str, Any]:
    """Return plain values from which ``built`` makes a module again, its numbers apart.

    Raises:
        CapabilityError: If the module is neither ours, nor a common one of PyTorch, nor a
            ``Sequential`` of such.
    """
    kind = type(module)
    if isinstance(module, torch.nn.Sequential):
        return {"torch": "Sequential", "parts": [described(part) for part in module]}
    if kind.__name__ in _TORCH and kind.__module__.startswith("torch.nn"):
        arguments = {name: getattr(module, name) for name in _TORCH[kind.__name__]}
        if "bias" in arguments:  # the numbers are in the state; what builds it is whether there are
            arguments["bias"] = arguments["bias"] is not None
        return {"torch": kind.__name__, "arguments": arguments}
    if kind.__module__.startswith(_PACKAGE) and isinstance(module, _Stored):
        place = f"{kind.__module__.removeprefix(_PACKAGE)}:{kind.__name__}"
        return {"qmlmat": place, "config": module.config()}
    raise CapabilityError(
        f"{kind.__module__}.{kind.__name__}: a model with this part can be used, not saved. A file "
        "holds modules of qmlmat.potentials and torch.nn's "
        f"{', '.join(['Sequential', *_TORCH])}; save other parts with torch yourself."
    )


def built(tree: dict[str, Any]) -> Any:  # noqa: ANN401 - whichever module the file names
    """Return the module that ``described`` described.

    Raises:
        InputError: If the values are not what ``described`` returned.
    """
    try:
        if tree.get("torch") == "Sequential":
            return torch.nn.Sequential(*(built(part) for part in tree["parts"]))
        if "torch" in tree:
            known = _TORCH[tree["torch"]]
            arguments = {name: tree["arguments"][name] for name in known}
            dtype = {"dtype": torch.float64} if "bias" in known else {}
            return getattr(torch.nn, tree["torch"])(**arguments, **dtype)
        module, _, name = tree["qmlmat"].partition(":")
        if not all(part.isidentifier() for part in (*module.split("."), name)):
            raise KeyError(tree["qmlmat"])
        found = getattr(importlib.import_module(_PACKAGE + module), name)
        if not (isinstance(found, type) and issubclass(found, torch.nn.Module)):
            raise KeyError(tree["qmlmat"])
        return found.from_config(tree["config"])  # type: ignore[attr-defined]
    except (AttributeError, ImportError, KeyError, TypeError) as error:
        raise InputError(
            f"built({str(tree)[:80]}...): not a stored module ({error!r}). The file is damaged, or "
            "was written by another version of qmlmat."
        ) from error
