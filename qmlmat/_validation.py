"""Turns pydantic's findings into one clear line each, with the nearest known key."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Any

from qmlmat.errors import nearest

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError


def explain(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Return one line per finding: the place, the value, the rule and, for a key, the nearest.

    Args:
        error: What pydantic raised.
        model: The model that was being validated.
    """
    return [_line(finding, model) for finding in error.errors(include_url=False)]


def _line(finding: Any, model: type[BaseModel]) -> str:  # noqa: ANN401 (pydantic's own mapping)
    place = finding["loc"]
    name = ".".join(str(part) for part in place) or "input"
    if finding["type"] == "extra_forbidden":
        known = _keys_at(model, place[:-1])
        where = f" in [{'.'.join(str(part) for part in place[:-1])}]" if len(place) > 1 else ""
        return f'unknown key "{place[-1]}"{where}. {nearest(str(place[-1]), known)}'
    if finding["type"] == "missing":
        return f"{name}: missing. Add this key."
    rule = finding["msg"].removeprefix("Value error, ")
    value = finding["input"]
    shown = f" = {value!r}" if isinstance(value, str | int | float | bool) else ""
    return f"{name}{shown}: {rule}" + ("" if rule.endswith(".") else ".")


def _keys_at(model: type[BaseModel], place: tuple[str | int, ...]) -> list[str]:
    """Return the keys that the model at ``place`` knows, in the spelling of the file."""
    for part in place:
        if isinstance(part, int):
            continue
        field = _field_named(model, part)
        inner = _models_in(field.annotation) if field is not None else []
        if len(inner) != 1:
            continue
        model = inner[0]
    return [field.alias or name for name, field in model.model_fields.items()]


def _field_named(model: type[BaseModel], key: str) -> Any:  # noqa: ANN401 (pydantic's FieldInfo)
    for name, field in model.model_fields.items():
        if key in (name, field.alias):
            return field
    return None


def _models_in(annotation: object) -> list[Any]:
    """Return the pydantic models inside an annotation such as ``list[Model] | None``."""
    if hasattr(annotation, "model_fields"):
        return [annotation]
    return [model for part in typing.get_args(annotation) for model in _models_in(part)]
