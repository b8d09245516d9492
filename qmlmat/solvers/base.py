"""The verb ``solve``, and what it returns."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol, runtime_checkable

import numpy as np

from qmlmat.backends import SectorBackend, StateBackend
from qmlmat.errors import InputError, QmlmatWarning, VariationalError
from qmlmat.provenance import provenance
from qmlmat.systems import MolecularHamiltonian
from qmlmat.typing import FloatArray, StateArray
from qmlmat.units import Unit

REFERENCE_DIMENSION: Final = 100_000
"""Largest sector whose exact ground-state energy is computed beside every solution."""

VARIATIONAL_TOLERANCE: Final = 1e-8
"""How far below exact rounding may take an exact-backend energy (unit of the Hamiltonian)."""

SPIN_DRIFT_TOLERANCE: Final = 1e-2
"""Excess of <S^2> over the lowest spin's value above which a ground state is flagged."""

Status = Literal["converged", "iteration_limit", "stalled"]
"""How a solver stopped; anything but ``"converged"`` is not a result to publish."""

STATUS_ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "converged": "The gradient is below its tolerance.",
        "iteration_limit": (
            "Stopped at max_iterations before the gradient fell below its tolerance: raise "
            "max_iterations, start from a neighbouring solution (guess=), or use LBFGS."
        ),
        "stalled": (
            "The optimiser could not lower the energy any further although the gradient is above "
            "its tolerance: raise gradient_tolerance, or start elsewhere (initial=, guess=)."
        ),
    }
)
"""What each status tells the user to do."""


@dataclass(frozen=True)
class Iteration:
    """One step of an optimisation."""

    iteration: int
    """Number of the step; 0 is the start."""
    energy: float
    """What is minimised: the energy, plus the penalty where there is one (unit of the solution)."""
    gradient_norm: float
    """Largest absolute derivative by a parameter (unit of the solution, per radian)."""
    n_evaluations: int
    """Evaluations of energy and gradient so far."""


@dataclass(frozen=True, kw_only=True)
class Solution:
    """Eigenpairs of a Hamiltonian as a solver found them."""

    energies: FloatArray
    """Energies, ascending, shape ``(n_states,)`` (``unit``)."""
    unit: Unit
    """Energy unit."""
    status: Status
    """How the solver stopped."""
    stderr: FloatArray | None = None
    """Standard errors of ``energies``, shape ``(n_states,)``; ``None`` where exact."""
    states: tuple[StateArray, ...] | None = None
    """Normalised sector vectors, each ``(n_alpha_strings, n_beta_strings)``; not stored."""
    params: FloatArray | None = None
    """Circuit parameters, shape ``(n_params,)`` (radians); ``None`` where there is no circuit."""
    residuals: FloatArray | None = None
    """Norms ``||(H - E) psi||``, shape ``(n_states,)`` (``unit``)."""
    spin_squares: FloatArray | None = None
    """Expectations of S^2, shape ``(n_states,)``."""
    reference_energy: float | None = None
    """Exact ground-state energy of the sector (``unit``); ``None``: no reference."""
    history: tuple[Iteration, ...] = ()
    """The optimisation's steps."""
    notes: tuple[str, ...] = ()
    """What the user should know, one sentence each."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Versions, settings and seed, as plain values."""

    @property
    def energy(self) -> float:
        """The lowest energy (``unit``)."""
        return float(self.energies[0])

    @property
    def error(self) -> float | None:
        """The lowest energy minus the exact one (``unit``); ``None`` without a reference."""
        return None if self.reference_energy is None else self.energy - self.reference_energy

    @property
    def is_converged(self) -> bool:
        """Whether the solver reached its tolerance."""
        return self.status == "converged"

    @property
    def advice(self) -> str:
        """What to do about ``status``, in a sentence."""
        return STATUS_ADVICE[self.status]

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the states, as plain values that keep every digit."""
        tree: dict[str, Any] = {}
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name == "states":
                continue
            if entry.name == "history":
                value = [[i.iteration, i.energy, i.gradient_norm, i.n_evaluations] for i in value]
            elif isinstance(value, np.ndarray):
                value = value.tolist()
            elif isinstance(value, tuple):
                value = list(value)
            elif isinstance(value, Mapping):
                value = dict(value)
            tree[entry.name] = value
        return tree

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Solution:
        """Return the solution that ``to_dict`` wrote; its ``states`` are ``None``.

        Raises:
            InputError: If ``tree`` is not what ``to_dict`` writes.
        """
        try:
            values = dict(tree)
            for name in ("energies", "stderr", "params", "residuals", "spin_squares"):
                if values[name] is not None:
                    values[name] = np.array(values[name], dtype=np.float64)
            values["history"] = tuple(Iteration(*row) for row in values["history"])
            values["notes"] = tuple(values["notes"])
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise InputError(
                f"Solution.from_dict: not a stored solution ({error!r}). "
                "Give what Solution.to_dict() wrote with this version."
            ) from error


@runtime_checkable
class Solver(Protocol):
    """An algorithm with its settings: a frozen value, passed to ``solve``."""

    def inputs(self) -> dict[str, Any]:
        """Return the settings that determine the result, as plain values."""
        ...

    def eigenpairs(
        self,
        hamiltonian: MolecularHamiltonian,
        *,
        n_states: int,
        guess: Solution | None,
        backend: StateBackend,
        seed: int | None,
    ) -> Solution:
        """Return the lowest eigenpairs; ``solve`` adds reference, checks and provenance."""
        ...


def solve(
    hamiltonian: MolecularHamiltonian,
    solver: Solver,
    *,
    n_states: int = 1,
    guess: Solution | None = None,
    backend: StateBackend | None = None,
    seed: int | None = None,
) -> Solution:
    """Return the lowest eigenpairs of a Hamiltonian, checked against the exact energy.

    Args:
        hamiltonian: The operator.
        solver: How: ``Exact()``, ``VQE("uccsd")``, ...
        n_states: How many states.
        guess: An earlier solution whose parameters are the start, e.g. a neighbour's on a curve.
        backend: Where circuits run; default ``SectorBackend()``.
        seed: Seed of everything random; the same seed gives the same answer.

    Returns:
        The solution. ``status`` says whether the solver converged, ``reference_energy`` is the
        exact ground-state energy where the sector has at most ``REFERENCE_DIMENSION`` states.

    Raises:
        InputError: If the sector has fewer than ``n_states`` states, or the guess does not fit.
        TemplateError: If the ansatz is unknown.
        VariationalError: If an exact energy comes out below the exact ground state.

    Example:
        >>> import qmlmat as qm
        >>> h2 = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735")
        >>> round(qm.solve(qm.molecular_hamiltonian(h2), qm.VQE("uccsd")).energy, 8)
        -1.13730604
    """
    if not 1 <= n_states <= hamiltonian.dimension:
        raise InputError(
            f"solve(n_states={n_states}): the sector has {hamiltonian.dimension} states. "
            f"Use n_states between 1 and {hamiltonian.dimension}."
        )
    found = solver.eigenpairs(
        hamiltonian,
        n_states=n_states,
        guess=guess,
        backend=SectorBackend() if backend is None else backend,
        seed=seed,
    )
    if found.reference_energy is None and hamiltonian.dimension <= REFERENCE_DIMENSION:
        exact = float(hamiltonian.spectrum(1).energies[0])
        found = replace(found, reference_energy=exact)
    elif found.reference_energy is None:
        note = f"No reference: the sector has {hamiltonian.dimension} determinants."
        found = replace(found, notes=(*found.notes, note))
    found = _with_spin_check(found, hamiltonian.nelec)
    record = provenance(solver=solver.inputs(), seed=seed)
    found = replace(found, provenance=record)
    _check_variational(found)
    return found


def _with_spin_check(found: Solution, nelec: tuple[int, int]) -> Solution:
    """Warn, and record, where the ground state's <S^2> left that of the lowest spin."""
    if found.spin_squares is None:
        return found
    spin = abs(nelec[0] - nelec[1]) / 2
    drift = float(found.spin_squares[0]) - spin * (spin + 1)
    if drift <= SPIN_DRIFT_TOLERANCE:
        return found
    note = (
        f"<S^2> = {found.spin_squares[0]:.4f} instead of {spin * (spin + 1):.4f}: the state mixes "
        "spins. Try a spin_penalty of about 0.05 hartree, or another ansatz."
    )
    warnings.warn(note, QmlmatWarning, stacklevel=3)
    return replace(found, notes=(*found.notes, note))


def _check_variational(found: Solution) -> None:
    error = found.error
    if error is not None and error < -VARIATIONAL_TOLERANCE:
        raise VariationalError(
            f"solve: the energy {found.energy:.10f} {found.unit} is {-error:.2e} below the exact "
            f"ground state {found.reference_energy:.10f}. This cannot be: please report it. "
            "The result is kept in the error's .solution.",
            found,
        )
