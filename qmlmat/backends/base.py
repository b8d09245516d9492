"""The interface of everything that runs circuits, and what a backend says it can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from qmlmat.ansatz import Circuit
from qmlmat.backends.requests import (
    Counts,
    Estimate,
    Preparation,
    Request,
    ValueAndGradient,
)
from qmlmat.typing import FloatArray, Observable, StateArray


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a backend can do; solvers ask before they rely on it."""

    exact: bool
    """Expectations without shot noise."""
    gradient: bool
    """Derivatives of expectations."""
    state: bool
    """State vectors, so the backend is a ``StateBackend``."""
    counts: bool
    """Counts of bit strings."""


@runtime_checkable
class Evaluator(Protocol):
    """A request made ready: what does not depend on the parameters is done."""

    @property
    def n_params(self) -> int:
        """Number of parameters it is called with."""
        ...

    def __call__(self, params: FloatArray) -> Estimate:
        """Return the expectations at ``params``, shape ``(..., n_params)`` (radians)."""
        ...

    def value_and_gradient(self, params: FloatArray) -> ValueAndGradient:
        """Return expectations and derivatives at ``params``, shape ``(..., n_params)``."""
        ...


@runtime_checkable
class Backend(Protocol):
    """Answers requests."""

    @property
    def capabilities(self) -> Capabilities:
        """What this backend can do."""
        ...

    def prepare(self, request: Request, *, seed: int | None = None) -> Evaluator:
        """Return an evaluator of a request whose parameters come later."""
        ...

    def inputs(self) -> dict[str, Any]:
        """Return what determines the answers, as plain values."""
        ...

    def run(
        self, requests: Sequence[Request], *, seed: int | None = None
    ) -> list[Estimate | Counts]:
        """Return the answers, in the order of the requests."""
        ...


@runtime_checkable
class StateBackend(Backend, Protocol):
    """A backend that holds state vectors."""

    def state(self, preparation: Preparation) -> StateArray:
        """Return the prepared state, shape ``(..., n_alpha_strings, n_beta_strings)``."""
        ...

    def apply(self, circuit: Circuit, state: StateArray, params: FloatArray) -> StateArray:
        """Return the circuit applied to state vectors of its sector."""
        ...

    def overlap(self, bra: Preparation, ket: Preparation) -> StateArray:
        """Return ``<bra|ket>``, shape ``(*bra_batch, *ket_batch)``."""
        ...

    def transition(
        self, bra: Preparation, ket: Preparation, *, spin_resolved: bool = False
    ) -> StateArray:
        """Return ``<bra|a†_p a_q|ket>``, shape ``(*bra_batch, *ket_batch, norb, norb)``."""
        ...

    def pool_gradients(
        self, preparation: Preparation, observable: Observable, pool: Circuit
    ) -> FloatArray:
        """Return the slopes of appending each element of a pool, shape ``(..., n_pool)``."""
        ...

    def metric(self, preparation: Preparation) -> FloatArray:
        """Return the Fubini-Study metric, shape ``(..., n_params, n_params)``."""
        ...

    def hvp(
        self, preparation: Preparation, observable: Observable, direction: FloatArray
    ) -> FloatArray:
        """Return the Hessian of an expectation times a vector, shape ``(..., n_params)``."""
        ...
