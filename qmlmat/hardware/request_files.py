"""Requests and mappings as plain values, so that a plan is a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from qmlmat.ansatz import Circuit, QubitCircuit
from qmlmat.backends.requests import Preparation, Reference, Request
from qmlmat.errors import InputError
from qmlmat.hardware.task import packed, sum_from_plain, sum_to_plain, unpacked
from qmlmat.operators.mappings import QubitMapping
from qmlmat.operators.pauli import PauliSum
from qmlmat.typing import Observable


def request_to_plain(request: Request) -> dict[str, Any]:
    """Return a request, whose observables are sums of words, as plain values."""
    preparation = request.preparation
    circuit = preparation.circuit
    reference = preparation.reference
    sums = request.observables
    return {
        "circuit": {"kind": "fermionic" if isinstance(circuit, Circuit) else "qubit"}
        | circuit.to_dict(),
        "references": [one.to_list() for one in preparation.references],
        "has_axis": isinstance(reference, tuple),
        "params": None if preparation.params is None else packed(preparation.params),
        "observables": None if sums is None else [_word_sum(one) for one in sums],
        "shots": request.shots,
        "pairing": request.pairing,
        "role": request.role,
    }


def _word_sum(one: Observable | PauliSum) -> dict[str, Any]:
    if isinstance(one, PauliSum):
        return sum_to_plain(one)
    raise InputError(
        f"A plan with a {type(one).__name__}: in a file observables are sums of words. Make it "
        "with MeasurementPlan.from_requests."
    )


def request_from_plain(tree: Mapping[str, Any]) -> Request:
    """Return the request whose ``request_to_plain`` is ``tree``."""
    kind = Circuit if tree["circuit"]["kind"] == "fermionic" else QubitCircuit
    references = tuple(Reference.from_list(rows) for rows in tree["references"])
    sums = tree["observables"]
    return Request(
        preparation=Preparation(
            kind.from_dict(tree["circuit"]),
            references if tree["has_axis"] else references[0],
            None if tree["params"] is None else unpacked(tree["params"]),
        ),
        observables=None if sums is None else tuple(map(sum_from_plain, sums)),
        shots=tree["shots"],
        pairing=tree["pairing"],
        role=tree["role"],
    )


def mapping_to_plain(mapping: str | QubitMapping) -> str | dict[str, Any]:
    """Return a mapping as plain values; a name stays one."""
    if isinstance(mapping, str):
        return mapping
    return {name: _listed(value) for name, value in asdict(mapping).items()}


def mapping_from_plain(tree: str | Mapping[str, Any]) -> str | QubitMapping:
    """Return the mapping whose ``mapping_to_plain`` is ``tree``."""
    if isinstance(tree, str):
        return tree
    fixed = tuple((mask, value) for mask, value in tree["fixed"])
    return QubitMapping(tree["name"], tree["n_modes"], tuple(tree["bits"]), fixed)


def _listed(value: object) -> Any:  # noqa: ANN401 (plain values)
    return [_listed(one) for one in value] if isinstance(value, tuple | list) else value
