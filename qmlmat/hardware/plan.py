"""What is to be measured, all of it: grouped, its shots chosen, cut into jobs, hashed, a file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from qmlmat.backends.qubits.lowered import mapping_of, pauli_sum
from qmlmat.backends.qubits.mitigation import Mitigation
from qmlmat.backends.requests import Counts, Estimate, Request
from qmlmat.errors import ConfigError, CorruptResultError, InputError
from qmlmat.hardware.asking import Asked, PlannedBackend, asked, learn_wires, with_shots
from qmlmat.hardware.bundling import Bundle, bundled
from qmlmat.hardware.config import Target
from qmlmat.hardware.config.loading import parse_target
from qmlmat.hardware.cost import Cost, cost_of
from qmlmat.hardware.jobs import job_pieces, job_tasks
from qmlmat.hardware.request_files import (
    mapping_from_plain,
    mapping_to_plain,
    request_from_plain,
    request_to_plain,
)
from qmlmat.hardware.splitting import Piece, assembled
from qmlmat.hardware.task import Answer, Task
from qmlmat.operators.grouping import GroupingMethod
from qmlmat.operators.mappings import QubitMapping
from qmlmat.provenance import content_hash

SCHEMA: Final = 1
"""Version of a plan's file."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MeasurementPlan:
    """Everything that is to be measured on a target, as one submission.

    Example:
        >>> import qmlmat as qm
        >>> h2 = qm.molecular_hamiltonian(qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735"))
        >>> found = qm.solve(h2, qm.VQE("uccsd"))
        >>> again = qm.Measurement(lambda backend: qm.measure_solution(h2, found, backend))
        >>> target = qm.load_target("local_fake_manila")
        >>> plan = qm.MeasurementPlan.from_requests(
        ...     again.requests(), target, mapping=h2.qubit_mapping("parity", reduced=True)
        ... )
        >>> plan.cost.n_circuits, len(plan.tasks("first"))
        (5, 1)
    """

    requests: tuple[Request, ...]
    """What is measured; observables are sums of words."""
    target: Target
    """Where."""
    shots: tuple[int, ...] | None = None
    """Repetitions of each state, all bases together, for each request; those of requests that name
    their own are not used. ``None``: none are chosen yet."""
    mapping: str | QubitMapping = "jordan_wigner"
    """Where occupations stand."""
    grouping: GroupingMethod = "commuting"
    """Which words are measured together."""
    labels: tuple[str, ...] = ()
    """What each request is of, for tables; as many as requests, or none."""
    source: Mapping[str, Any] | None = None
    """Where the requests are from, as plain values: whoever reads the answers wants to know."""
    cut: tuple[tuple[Piece, ...], ...] | None = None
    """What each job measures, where a run was cut already: today's limits may be others. ``None``:
    by the limits."""

    @classmethod
    def from_requests(  # noqa: PLR0913 (each says one thing about the plan)
        cls,
        requests: Iterable[Request],
        target: Target,
        *,
        mapping: str | QubitMapping = "jordan_wigner",
        grouping: GroupingMethod = "commuting",
        shots: int | None = None,
        labels: Sequence[str] = (),
        source: Mapping[str, Any] | None = None,
    ) -> MeasurementPlan:
        """Return the plan of requests on a target.

        Args:
            requests: What is measured: ``scan.requests()``, ``Measurement(...).requests()``, or
                your own. A request that names its shots keeps them.
            target: Where; its ``[sampling]`` says how often, its ``[mitigation]`` how.
            mapping: Where occupations stand.
            grouping: Which words are measured together.
            shots: Repetitions of each state, all bases together, in place of the target's.
            labels: What each request is of.
            source: Where the requests are from, as plain values.

        Raises:
            InputError: If there are no requests, parameters are missing, or something does not fit.
            CapabilityError: If the target cannot measure what is asked.
        """
        given = tuple(requests)
        if not given:
            raise InputError("MeasurementPlan.from_requests([]): nothing to measure. Give some.")
        if labels and len(labels) != len(given):
            raise InputError(
                f"MeasurementPlan.from_requests: {len(labels)} labels for {len(given)} requests. "
                "Give one for each, or none."
            )
        plan = cls(
            requests=tuple(_lowered(one, mapping) for one in given),
            target=target,
            mapping=mapping,
            grouping=grouping,
            labels=tuple(labels),
            source=source,
        )
        return plan.with_shots(target.sampling.shots if shots is None else shots)

    @property
    def fits_cut(self) -> bool:
        """Whether the cut, if it is fixed, is of these programs: every shot of each, once."""
        left = [len(one.angles) * (one.shots or 1) for one in self.bundle.sent]
        for piece in (piece for own in self.pieces for piece in own):
            if not 0 <= piece.program < len(left):
                return False
            left[piece.program] -= (piece.end - piece.begin) * (piece.shots or 1)
        return not any(left)

    def as_cut(self) -> MeasurementPlan:
        """Return the plan with its cut into jobs fixed."""
        return replace(self, cut=tuple(tuple(own) for own in self.pieces))

    def with_shots(self, shots: int | Sequence[int] | None) -> MeasurementPlan:
        """Return the plan with a number of shots for each state.

        Args:
            shots: Repetitions of a state, all bases together, one number for all requests or one
                for each; requests that name their own keep them. ``None``: none are chosen yet.

        Raises:
            InputError: If a number is below 1, or there are not as many as requests.
        """
        if shots is None:
            return replace(self, shots=None, cut=None)
        each = (shots,) * len(self.requests) if isinstance(shots, int) else tuple(shots)
        if len(each) != len(self.requests) or min(each, default=1) < 1:
            raise InputError(
                f"MeasurementPlan.with_shots({shots}): {len(self.requests)} requests. Give one "
                "whole number of at least 1, or one for each."
            )
        return replace(self, shots=each, cut=None)

    @property
    def chosen(self) -> tuple[Request, ...]:
        """The requests with their shots.

        Raises:
            InputError: If none are chosen yet.
        """
        shots = self.shots or (None,) * len(self.requests)
        found = tuple(with_shots(one, n) for one, n in zip(self.requests, shots, strict=True))
        if any(one.shots is None for one in found):
            raise InputError(
                f"MeasurementPlan: {self.target.name} chooses shots by target_error, and none are "
                "chosen yet. Use choose_shots(plan), or from_requests(..., shots=...)."
            )
        return found

    @property
    def backend(self) -> PlannedBackend:
        """Mapping, mitigation and grouping, without a device."""
        table = self.target.mitigation.model_dump()
        return PlannedBackend(
            mapping=self.mapping,
            grouping=self.grouping,
            mitigation=Mitigation(**table),
            primitive=self.target.primitive,
            n_wires=len(self.target.layout.initial_layout or ()),
        )

    @cached_property
    def asked(self) -> Asked:
        """What the requests ask of the device."""
        return asked(self.backend, self.chosen)

    @cached_property
    def bundle(self) -> Bundle:
        """Its programs, equal points measured together."""
        return bundled(self.asked.programs)

    @cached_property
    def pieces(self) -> list[list[Piece]]:
        """What each job measures."""
        if self.cut is not None:
            return [list(own) for own in self.cut]
        return job_pieces(self.bundle.sent, self.asked.sentinel, self.target)

    def tasks(self, run: str, *, step: int = 0) -> tuple[Task, ...]:
        """Return the jobs of the plan.

        Args:
            run: Name of the run, part of each job's key: the same plan under another name is
                measured, and paid, again.
            step: Number of the call within the run.
        """
        where = (run, step)
        sent, sentinel = self.bundle.sent, self.asked.sentinel
        return job_tasks(sent, sentinel, self.pieces, self.target, where)

    @cached_property
    def cost(self) -> Cost:
        """What all jobs take.

        Raises:
            BudgetError: If no price of the device is known.
        """
        return cost_of(self.tasks("cost"), self.target)

    @cached_property
    def key(self) -> str:
        """Hash of all that is measured, and of what determines the answers."""
        tree = self.to_dict()
        kept = {k: tree[k] for k in ("requests", "shots", "mapping", "grouping")}
        return content_hash(kept | {"target": self.target.fingerprint()})

    def answers(
        self,
        answers: Sequence[Sequence[Answer] | None],
        bit_qubits: Sequence[Sequence[Sequence[int]]],
    ) -> tuple[list[Estimate | Counts | None], dict[int, str]]:
        """Return the answers to the requests, and by request why there is none.

        Args:
            answers: For each job those of its programs; ``None`` of one without answers yet.
            bit_qubits: For each job where its compiled circuits' bits are read.
        """
        return combined(self.asked, self.bundle, self.pieces, answers, bit_qubits)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values from which ``from_dict`` gives the same plan."""
        return {
            "schema": SCHEMA,
            "requests": [request_to_plain(one) for one in self.requests],
            "shots": None if self.shots is None else list(self.shots),
            "target": self.target.model_dump(mode="json", exclude_none=True),
            "mapping": mapping_to_plain(self.mapping),
            "grouping": self.grouping,
            "labels": list(self.labels),
            "source": None if self.source is None else dict(self.source),
            "cut": None
            if self.cut is None
            else [[[p.program, p.begin, p.end, p.shots] for p in own] for own in self.cut],
        }

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any], *, name: str = "plan") -> MeasurementPlan:
        """Return the plan whose ``to_dict()`` is ``tree``.

        Raises:
            CorruptResultError: If it is damaged, or of another version.
            ConfigError: If its target breaks a rule of this version.
        """
        try:
            if tree["schema"] != SCHEMA:
                raise ValueError(f"schema {tree['schema']}, this version reads {SCHEMA}")
            return cls(
                requests=tuple(request_from_plain(one) for one in tree["requests"]),
                target=parse_target(tree["target"], name=name, allow_custom_endpoint=True),
                shots=None if tree["shots"] is None else tuple(tree["shots"]),
                mapping=mapping_from_plain(tree["mapping"]),
                grouping=tree["grouping"],
                labels=tuple(tree["labels"]),
                source=tree["source"],
                cut=None
                if tree.get("cut") is None  # plans of the first day have none
                else tuple(tuple(Piece(*piece) for piece in own) for own in tree["cut"]),
            )
        except ConfigError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise CorruptResultError(
                f"{name}: not a plan ({error!r}). Make it again: qmlmat hw plan"
            ) from error

    def save(self, file: str | os.PathLike[str]) -> None:
        """Write the plan to a JSON file; no credential is in it."""
        Path(file).write_text(json.dumps(self.to_dict()), encoding="utf-8")

    @classmethod
    def load(cls, file: str | os.PathLike[str]) -> MeasurementPlan:
        """Return the plan in a file.

        Raises:
            CorruptResultError: If it is no plan.
        """
        try:
            tree = json.loads(Path(file).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CorruptResultError(
                f'"{file}": not a plan ({error}). Make it again: qmlmat hw plan'
            ) from error
        return cls.from_dict(tree, name=str(file))


def combined(
    asked_of: Asked,
    bundle: Bundle,
    pieces: Sequence[Sequence[Piece]],
    answers: Sequence[Sequence[Answer] | None],
    bit_qubits: Sequence[Sequence[Sequence[int]]],
) -> tuple[list[Estimate | Counts | None], dict[int, str]]:
    """Return the answers to requests from those of their jobs; see ``MeasurementPlan.answers``."""
    own_answers: list[Sequence[Answer] | None] = []
    for own, found, bits in zip(pieces, answers, bit_qubits, strict=True):
        if found is None:
            own_answers.append(None)
            continue
        sent = [bundle.sent[piece.program] for piece in own]
        learn_wires(asked_of.wires, sent, bits[: len(sent)])
        own_answers.append(found[: len(sent)])  # the sentinel's is last
    whole = assembled(bundle.sent, pieces, own_answers)
    return asked_of.answered(bundle.unbundled(whole))


def _lowered(request: Request, mapping: str | QubitMapping) -> Request:
    """Return a request whose observables are sums of words on the qubits."""
    if request.observables is None:
        return request
    placed = mapping_of(request.preparation, mapping)
    circuit = request.preparation.circuit
    n_qubits = circuit.n_qubits if placed is None else placed.n_qubits
    sums = tuple(pauli_sum(one, placed, n_qubits) for one in request.observables)
    return replace(request, observables=sums)
