"""One clear line for each thing that pydantic finds wrong in a file a user wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from qmlmat.errors import nearest


def plain_value(value: object) -> object:
    """Return the value of an option: a switch, a whole number or a word.

    Raises:
        ValueError: If it is none of them.
    """
    if isinstance(value, bool | int | str):
        return value
    raise ValueError("give true or false, a whole number, or text in quotes")


_RULES: Final = {
    "int_type": "give a whole number",
    "int_from_float": "give a whole number",
    "float_type": "give a number",
    "string_type": "give text in quotes",
    "bool_type": "give true or false",
    "list_type": "give a list in [brackets]",
    "dict_type": "give a table",
    "model_type": "give a table",
    "model_attributes_type": "give a table",
    "finite_number": "give a finite number",
    "greater_than": "give a number above {gt:g}",
    "greater_than_equal": "give a number of at least {ge:g}",
    "less_than": "give a number below {lt:g}",
    "less_than_equal": "give a number of at most {le:g}",
    "tuple_type": "give a list in [brackets]",
    "string_too_short": "give text",
    "string_pattern_mismatch": "give text of the form {pattern}",
    "too_short": "give at least {min_length} values",
    "too_long": "give at most {max_length} values",
}
"""What to do, by pydantic's type of error."""


def describe_errors(
    error: ValidationError,
    model: type[BaseModel],
    name: str,
    *,
    others: Mapping[str, type[BaseModel]] | None = None,
) -> list[str]:
    """Return one line for each thing pydantic found wrong.

    Args:
        error: What pydantic found.
        model: The model of the whole input.
        name: Name of the input file.
        others: Models of other kinds of input, by what makes an input one of them, e.g.
            ``provider = "ibm"``: a key of theirs is told from a slip of the pen.
    """
    lines: dict[str, None] = {}  # a union reports the same thing once for each of its members
    items = [dict(item) for item in error.errors(include_url=False)]
    slips = [_meant(item, model) for item in items]
    for item in items:
        if not (item["type"] == "missing" and item["loc"] in slips):
            lines[f"{name}: {_describe(item, model, others or {})}"] = None
    return list(lines)


def _meant(item: dict[str, Any], model: type[BaseModel]) -> tuple[int | str, ...] | None:
    """Return the place of the key that an unknown one is a slip of: it is not missing, too."""
    if item["type"] != "extra_forbidden":
        return None
    *place, key = item["loc"]
    _, table = _locate(item["loc"], model)
    names = [info.alias or name for name, info in table.model_fields.items()]
    close = [name for name in names if f'"{name}"' in nearest(str(key), names)]
    return (*place, close[0]) if len(close) == 1 else None


def _describe(
    item: dict[str, Any], model: type[BaseModel], others: Mapping[str, type[BaseModel]]
) -> str:
    keys, table = _locate(item["loc"], model)
    place = _place(keys)
    context = item.get("ctx", {})
    match item["type"]:
        case "extra_forbidden":
            text = _of_another(keys, others) or _unknown_key(keys, table, model)
        case "missing":
            text = f'{_table(keys[:-1])} needs the key "{keys[-1]}". Add it.'
        case "union_tag_not_found":
            text = f"{_table(keys)} needs the key {context['discriminator']}. Add it."
        case "union_tag_invalid":
            hint = nearest(context["tag"], _words(context["expected_tags"]))
            text = f'{_table(keys)} name = "{context["tag"]}": not known. {hint}'
        case "literal_error":
            hint = nearest(str(item["input"]), _words(context["expected"]))
            text = f"{place} = {_short(item['input'])}: not known. {hint}"
        case "value_error":
            is_key = bool(keys) and _is_key(keys[-1], table)
            where = f"{place if is_key else _table(keys)}: " if keys else ""
            text = f"{where}{context['error']}."
        case kind:
            rule = _RULES.get(kind, item["msg"]).format(**context)
            text = f"{place} = {_short(item['input'])}: {rule}."
    return text


def _words(text: str) -> list[str]:
    """Return the words of pydantic's list, e.g. of ``"'mp2', 'ccsd' or 'zero'"``."""
    return [word.strip(" '") for word in text.replace(" or ", ",").split(",")]


def _unknown_key(keys: list[str], table: type[BaseModel], model: type[BaseModel]) -> str:
    key = keys[-1]
    hint = nearest(key, [info.alias or name for name, info in table.model_fields.items()])
    tags = []
    for name, other in _tables(model):
        if key in other.model_fields and name == ".".join(keys[:-1]):  # another one of the union
            tags.append(f'"{_tag(other)}"')
        elif key in other.model_fields and hint.startswith("Known"):
            hint = f"It belongs in [{name}]."
    if tags:
        hint = f"It is a key of name = {' or '.join(dict.fromkeys(tags))}."
    what = "table or key" if len(keys) == 1 else "key"
    where = f" in {_table(keys[:-1])}" if len(keys) > 1 else ""
    return f'unknown {what} "{key}"{where}. {hint}'


def _of_another(keys: list[str], others: Mapping[str, type[BaseModel]]) -> str:
    """Return that a key belongs to other kinds of input, or nothing."""
    kinds = [kind for kind, model in others.items() if _knows(model, keys)]
    if not kinds:
        return ""
    what = _place(keys) if len(keys) > 1 else f'"{keys[0]}"'
    return f"{what} belongs to {' or '.join(kinds)}. Leave it out."


def _knows(model: type[BaseModel], keys: list[str]) -> bool:
    info = model.model_fields.get(keys[0])
    if info is None:
        return False
    inner = _models(info.annotation)
    return len(keys) == 1 or any(_knows(one, keys[1:]) for one in inner)


def _is_key(name: str, table: type[BaseModel]) -> bool:
    """Return whether a name is a key of a table that is no table itself."""
    info = table.model_fields.get(name)
    return info is not None and not _models(info.annotation)


def _tables(model: type[BaseModel], prefix: str = "") -> list[tuple[str, type[BaseModel]]]:
    found = []
    for name, info in model.model_fields.items():
        for member in _models(info.annotation):
            found.append((f"{prefix}{name}", member))
            found += _tables(member, f"{prefix}{name}.")
    return found


def _locate(
    loc: tuple[int | str, ...], model: type[BaseModel]
) -> tuple[list[str], type[BaseModel]]:
    """Return the keys as the user wrote them, and the model of the innermost table.

    Pydantic's location names also the member of a union, e.g. ``("solver", "VQE", "name")``.
    """
    keys: list[str] = []
    table = model
    members: list[type[BaseModel]] = []
    for part in loc:
        tagged = [m for m in members if _tag(m) == part]
        if tagged and len(members) > 1:
            table, members = tagged[0], []
            continue
        if isinstance(part, int) and keys:
            keys[-1] += f"[{part}]"
            continue
        if len(members) == 1:
            table, members = members[0], []
        keys.append(str(part))
        info = table.model_fields.get(str(part))
        members = _models(info.annotation) if info else []
    return keys, table


def _tag(model: type[BaseModel]) -> object:
    info = model.model_fields.get("name")
    return get_args(info.annotation)[0] if info and get_args(info.annotation) else None


def _models(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 - any type expression
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for member in get_args(annotation) for model in _models(member)]


def _table(keys: list[str]) -> str:
    return f"[{'.'.join(keys)}]" if keys else "the file"


def _place(keys: list[str]) -> str:
    if len(keys) < 2:
        return ".".join(keys)
    return f"{_table(keys[:-1])} {keys[-1]}"


def _short(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."
