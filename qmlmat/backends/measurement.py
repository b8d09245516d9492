"""What a measurement asks apart from what its answers say, so that a job may lie between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from qmlmat.backends.base import Backend, Capabilities, Evaluator
from qmlmat.backends.requests import Counts, Estimate, Request
from qmlmat.errors import CapabilityError, InputError

T = TypeVar("T")


@dataclass(frozen=True)
class Measurement(Generic[T]):
    """A function of a backend that asks it once, in two halves.

    The function is called twice: until it asks, and from the beginning with the answers. What it
    does before it asks must not depend on chance.

    Example:
        >>> import numpy as np
        >>> import qmlmat as qm
        >>> h2 = qm.molecular_hamiltonian(qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735"))
        >>> found = qm.solve(h2, qm.VQE("uccsd"))
        >>> again = Measurement(lambda backend: qm.measure_solution(h2, found, backend))
        >>> answers = qm.StatevectorBackend(shots=4000).run(again.requests(), seed=1)
        >>> bool(abs(again.result(answers).energy - found.energy) < 0.05)
        True
    """

    measure: Callable[[Backend], T]
    """What is measured: asks the backend it is given by one call of ``run``."""

    def requests(self) -> list[Request]:
        """Return what is asked; numbers of shots are left to whoever runs them.

        Raises:
            InputError: If nothing is asked.
        """
        try:
            self.measure(_Asked())
        except _Requests as asked:
            return asked.requests
        raise InputError("Measurement: the function asks its backend nothing. Call backend.run.")

    def result(self, answers: Sequence[Estimate | Counts]) -> T:
        """Return what follows from the answers.

        Args:
            answers: In the order of ``requests()``.
        """
        return self.measure(_Answered(list(answers)))


class _Requests(BaseException):  # no `except Exception` on the way takes it for a failure
    """Carries what is asked out of the function that asks it."""

    def __init__(self, requests: Sequence[Request]) -> None:
        super().__init__()
        self.requests = list(requests)


class _Asked:
    """A backend that has shots, as many as are decided on later."""

    shots: int | None = None

    @property
    def capabilities(self) -> Capabilities:
        """Expectations with error bars, and counts."""
        return Capabilities(exact=False, gradient=False, state=False, counts=True)

    def inputs(self) -> dict[str, Any]:
        """Return its name."""
        return {"backend": "later"}

    def prepare(self, request: Request, *, seed: int | None = None) -> Evaluator:
        """Refuse to be called more than once."""
        raise CapabilityError(
            f"Measurement: {request.role} asks for an evaluator (seed {seed}), which is called "
            "again and again. Search the parameters on a simulator first, then measure."
        )

    def run(
        self,
        requests: Sequence[Request],
        *,
        seed: int | None = None,  # noqa: ARG002 (of a backend that has shots of its own)
    ) -> list[Estimate | Counts]:
        """Leave with the requests."""
        raise _Requests(requests)


class _Answered(_Asked):
    """The same with the answers at hand."""

    def __init__(self, answers: list[Estimate | Counts]) -> None:
        self.answers = answers

    def run(
        self,
        requests: Sequence[Request],
        *,
        seed: int | None = None,  # noqa: ARG002 (of a backend that has shots of its own)
    ) -> list[Estimate | Counts]:
        """Return the answers."""
        if len(requests) != len(self.answers):
            raise InputError(
                f"Measurement.result: {len(self.answers)} answers to {len(requests)} requests. "
                "Give those of this measurement's requests()."
            )
        return self.answers
