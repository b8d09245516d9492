"""The verb ``solve``, and what it returns."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol, runtime_checkable

import numpy as np

from qmlmat.ansatz import Circuit
from qmlmat.backends import SectorBackend, StateBackend
from qmlmat.errors import InputError, QmlmatWarning, VariationalError
from qmlmat.provenance import provenance
from qmlmat.systems import MolecularHamiltonian, SpinSquare, WeightedSum, spin_square
from qmlmat.systems.spectrum import lowest_states
from qmlmat.typing import FloatArray, StateArray
from qmlmat.units import Unit

REFERENCE_DIMENSION: Final = 100_000
"""Largest sector whose exact ground-state energy is computed beside every solution."""

VARIATIONAL_TOLERANCE: Final = 1e-8
"""How far below exact rounding may take an exact-backend energy (unit of the Hamiltonian)."""

SPIN_DRIFT_TOLERANCE: Final = 1e-2
"""Excess of <S^2> over the lowest spin's value above which a ground state is flagged."""

OTHER_SPIN: Final = 0.5
"""Difference of <S^2> from which two states count as of different spin."""

SPIN_GAP_TOLERANCE: Final = 1e-4
"""Gap between spins below which they count as degenerate (hartree)."""

Status = Literal["converged", "gradient_trough", "iteration_limit", "stalled"]
"""How a solver stopped; anything but ``"converged"`` is not a result to publish."""

STATUS_ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "converged": "The gradient is below its tolerance.",
        "gradient_trough": (
            "No element of the pool lowers the energy any further, and yet the state is far from "
            "an eigenstate: take a richer pool, add a spin_penalty, or start elsewhere "
            "(reference=, guess=)."
        ),
        "iteration_limit": (
            "Stopped at max_iterations or max_operators before the gradient fell below its "
            "tolerance: raise the limit and go on from here (guess=), start from a neighbouring "
            "solution, or use PreconditionedLBFGS."
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
    """Largest absolute derivative by a parameter, where the circuit grows by the angle of a pool's
    element (unit of the solution, per radian)."""
    n_evaluations: int
    """Evaluations of the energy so far, most optimisers' with the gradient."""
    n_params: int | None = None
    """Parameters of the circuit at this step, where it grows."""


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
    circuit: Circuit | None = None
    """The circuit of ``params``, with the generators that were used and no others."""
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
                value = [[v for v in astuple(i) if v is not None] for i in value]
            elif isinstance(value, Circuit):
                value = value.to_dict()
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
            if values.get("circuit") is not None:  # stores of the first version have none
                values["circuit"] = Circuit.from_dict(values["circuit"])
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
        exact ground-state energy where the sector has at most ``REFERENCE_DIMENSION`` states,
        whatever that state's spin; a note says where it differs from that of the state found.

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
    if not (isinstance(n_states, int) and 1 <= n_states <= hamiltonian.dimension):
        raise InputError(
            f"solve(n_states={n_states!r}): the sector has {hamiltonian.dimension} states. "
            f"Use n_states between 1 and {hamiltonian.dimension}."
        )
    found = solver.eigenpairs(
        hamiltonian,
        n_states=n_states,
        guess=guess,
        backend=SectorBackend() if backend is None else backend,
        seed=seed,
    )
    found = _with_reference(found, hamiltonian)
    found = _with_spin_check(found, hamiltonian.nelec)
    record = provenance(solver=solver.inputs(), seed=seed)
    found = replace(found, provenance=record)
    _check_variational(found)
    return found


def _with_reference(found: Solution, hamiltonian: MolecularHamiltonian) -> Solution:
    """Add the exact ground-state energy, and say so where that state has another spin."""
    if found.reference_energy is not None:
        return found
    if hamiltonian.dimension > REFERENCE_DIMENSION:
        return _noted(found, f"No reference: the sector has {hamiltonian.dimension} determinants.")
    exact = hamiltonian.spectrum(1)
    square = spin_square(exact.states[0], hamiltonian.norb, hamiltonian.nelec)
    found = replace(found, reference_energy=float(exact.energies[0]))
    spin = abs(hamiltonian.nelec[0] - hamiltonian.nelec[1]) / 2
    if found.spin_squares is None or square - max(found.spin_squares[0], spin) < OTHER_SPIN:
        return found
    lowest = lowest_spin_energy(hamiltonian)
    gap = lowest - exact.energies[0]
    if gap < SPIN_GAP_TOLERANCE:
        return found  # the spins are degenerate: separated atoms
    note = (
        f"The exact ground state of these electrons has <S^2> = {square:.2f}; the lowest state of "
        f"spin {spin:g} lies {1e3 * gap:.3f} mHa above it, and the state found "
        f"{1e3 * (found.energy - lowest):.3f} mHa above that one. If the ground state is what you "
        "want, set the molecule's spin."
    )
    return _noted(found, note, warn=True)


def lowest_spin_energy(hamiltonian: MolecularHamiltonian) -> float:
    """Return the exact energy of the lowest state with the sector's lowest spin (hartree)."""
    spin = abs(hamiltonian.nelec[0] - hamiltonian.nelec[1]) / 2
    square = SpinSquare(hamiltonian.norb, hamiltonian.nelec)
    # Weight one hartree: more than valence states of different spin differ by.
    raised = WeightedSum(terms=((1.0, hamiltonian), (1.0, square)), constant=-spin * (spin + 1))
    diagonal = hamiltonian.diagonal() + square.diagonal()  # of the search's preconditioner
    return float(lowest_states(raised.matvec, diagonal, 1).energies[0])


def _with_spin_check(found: Solution, nelec: tuple[int, int]) -> Solution:
    """Say so where the ground state's <S^2> is not that of the lowest spin."""
    if found.spin_squares is None:
        return found
    spin, square = abs(nelec[0] - nelec[1]) / 2, float(found.spin_squares[0])
    if square - spin * (spin + 1) <= SPIN_DRIFT_TOLERANCE:
        return found
    multiplicity = np.sqrt(1 + 4 * square)  # 2s + 1
    if abs(multiplicity - round(multiplicity)) < SPIN_DRIFT_TOLERANCE:
        return _noted(
            found,
            f"<S^2> = {square:.4f}: the state found has multiplicity {round(multiplicity)}, not "
            f"{round(2 * spin + 1)}. Set the molecule's spin to {round(multiplicity) - 1} if that "
            "is the state you want.",
        )
    return _noted(
        found,
        f"<S^2> = {square:.4f} instead of {spin * (spin + 1):.4f}: the state mixes spins. Try "
        "a spin_penalty of about 0.05 hartree, or another ansatz.",
        warn=True,
    )


def _noted(found: Solution, note: str, *, warn: bool = False) -> Solution:
    if warn:
        warnings.warn(note, QmlmatWarning, stacklevel=4)
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
