"""What a solver is, and what it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, fields
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np

from qmlmat.ansatz import Circuit, QubitCircuit
from qmlmat.backends import Backend, Reference
from qmlmat.errors import InputError
from qmlmat.systems import MolecularHamiltonian, QubitModel
from qmlmat.typing import FloatArray, StateArray
from qmlmat.units import Unit

Status = Literal["converged", "noise_limit", "gradient_trough", "iteration_limit", "stalled"]
"""How a solver stopped; anything but ``"converged"``, or under shots ``"noise_limit"``, is not a
result to publish."""

STATUS_ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "converged": "The gradient is below its tolerance.",
        "noise_limit": (
            "The gradient is no longer told from its shot noise: the energy is as low as these "
            "shots can tell. More shots go further."
        ),
        "gradient_trough": (
            "No element of the pool has a slope above gradient_tolerance, and yet the state is far "
            "from an eigenstate: tighten gradient_tolerance; where that does not help, take a "
            "richer pool, penalise other spins (spin_penalty), or start elsewhere."
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


LEVEL_WIDTH: Final = 1e-4
"""Distance of energies up to which states are one degenerate level (hartree): circuits split
degenerate states by their error."""

PAIR_WIDTH: Final = 2e-3
"""Distance of energies up to which two states of a degenerate irrep are one level (hartree)."""

SPIN_PURITY: Final = 0.05
"""Largest distance of <S^2> from ``s (s + 1)`` of a state that counts as of multiplicity 2s + 1."""

NOT_STORED: Final = ("states", "inverse_hessian")
"""Fields of a solution that are as large as a state or a matrix of all parameters."""


def multiplicity(spin_square: float) -> int | None:
    """Return ``2s + 1`` of a state with an <S^2>; ``None`` if it mixes spins."""
    nearest = round(float(np.sqrt(1 + 4 * max(spin_square, 0.0))))
    pure = (nearest**2 - 1) / 4
    return nearest if abs(spin_square - pure) <= SPIN_PURITY else None


def _is_paired(irrep: str) -> bool:
    """Return whether an irrep of a linear molecule has two components."""
    return irrep.startswith(("Pi", "Delta", "Phi", "Gamma"))


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
    covariance: FloatArray | None = None
    """Covariance of ``energies`` where several were measured together, ``(n_states, n_states)``
    (``unit`` squared)."""
    states: tuple[StateArray, ...] | None = None
    """Normalised sector vectors, each ``(n_alpha_strings, n_beta_strings)``; not stored."""
    params: FloatArray | None = None
    """Circuit parameters, shape ``(n_params,)``, or ``(n_states, n_params)`` where each state has
    its own (radians); ``None`` where there is no circuit."""
    circuit: Circuit | QubitCircuit | None = None
    """The circuit of ``params``, with the generators that were used and no others."""
    references: tuple[Reference, ...] | None = None
    """What the circuit acts on where several states are found; ``None``: one reference, the
    solver's."""
    inverse_hessian: FloatArray | None = None
    """What a growing circuit's search has learnt, to go on with, ``(n_params, n_params)`` (radians
    squared per unit); not stored."""
    residuals: FloatArray | None = None
    """Norms ``||(H - E) psi||``, shape ``(n_states,)`` (``unit``)."""
    spin_squares: FloatArray | None = None
    """Expectations of S^2, shape ``(n_states,)``."""
    start_energies: FloatArray | None = None
    """Where the searches for each state ended that began at different points, ascending, shape
    ``(n_states, n_starts)`` (``unit``); NaN where fewer were needed. ``None``: one search each."""
    reference_energy: float | None = None
    """Exact ground-state energy of the sector (``unit``); ``None``: no reference."""
    reference_energies: FloatArray | None = None
    """Exact energy for each state, shape ``(n_states,)`` (``unit``): the n-th state of a
    multiplicity and irrep is compared with the n-th exact one of the same; NaN where a state has no
    definite spin or irrep. ``None``: no reference, or one state."""
    irreps: tuple[str, ...] | None = None
    """Irrep of each state; ``""`` where it mixes irreps. ``None``: the molecule has none, or one
    state."""
    configurations: tuple[str, ...] | None = None
    """The configurations that weigh most in each state, in words, shape ``(n_states,)``."""
    history: tuple[Iteration, ...] = ()
    """The optimisation's steps."""
    notes: tuple[str, ...] = ()
    """What the user should know, one sentence each."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Versions, settings and seed, as plain values."""

    def __post_init__(self) -> None:
        if self.circuit is None or self.params is None:
            return
        n_params = self.circuit.n_params
        fits = self.params.shape in {(n_params,), (len(self.energies), n_params)}
        if not fits or not np.isfinite(self.params).all():
            raise InputError(
                f"Solution(params of shape {self.params.shape}): the circuit has {n_params} "
                f"parameters. Give finite angles (radians), shape ({n_params},)."
            )
        learnt = self.inverse_hessian
        if learnt is not None and (
            learnt.shape != (n_params, n_params) or not np.isfinite(learnt).all()
        ):
            raise InputError(
                f"Solution(inverse_hessian of shape {learnt.shape}): the circuit has {n_params} "
                f"parameters. Give finite numbers, shape ({n_params}, {n_params}), or None."
            )

    def __repr__(self) -> str:
        """Return the answer in a line; the fields hold the rest."""
        several = ", ".join(f"{energy:.8f}" for energy in self.energies)
        name = "energy" if self.n_states == 1 else "energies"
        parts = [f"{name}={several} {self.unit}", f"status={self.status!r}"]
        if self.stderr is not None:
            bars = ", ".join(f"{bar:.1e}" for bar in self.stderr)
            parts.insert(1, f"stderr={bars}")
        if self.error is not None:
            parts.append(f"error={self.error:.1e}")
        if self.params is not None:
            parts.append(f"n_params={self.params.shape[-1]}")
        if self.spin_squares is not None and self.n_states == 1:
            parts.append(f"spin_square={self.spin_squares[0]:.4f}")
        return f"Solution({', '.join(parts)})"

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.energies)

    @property
    def gaps(self) -> FloatArray:
        """Energies above the lowest, shape ``(n_states,)`` (``unit``)."""
        above: FloatArray = self.energies - self.energies[0]
        return above

    @property
    def gap_stderr(self) -> FloatArray | None:
        """Standard errors of ``gaps``, shape ``(n_states,)`` (``unit``); ``None`` where exact."""
        if self.stderr is None:
            return None
        table = np.diag(self.stderr**2) if self.covariance is None else self.covariance
        variances = table.diagonal() + table[0, 0] - 2 * table[0]
        found: FloatArray = np.sqrt(np.maximum(variances, 0.0))
        return found

    @property
    def errors(self) -> FloatArray | None:
        """Energies above the exact ones of the same multiplicity and irrep, ``(n_states,)``."""
        return None if self.reference_energies is None else self.energies - self.reference_energies

    @property
    def multiplicities(self) -> tuple[int | None, ...] | None:
        """``2s + 1`` of each state; ``None`` for one that mixes spins, or all where unknown."""
        if self.spin_squares is None:
            return None
        found = tuple(multiplicity(square) for square in self.spin_squares)
        if self.circuit is None:
            return found
        if isinstance(self.circuit, QubitCircuit):
            return found
        odd = sum(self.circuit.nelec) % 2  # an even multiplicity takes an odd number of electrons
        return tuple(None if m is not None and (m + odd) % 2 == 0 else m for m in found)

    @property
    def levels(self) -> tuple[tuple[int, ...], ...]:
        """Numbers of the states of each level, ascending: degenerate states are one level.

        States count as degenerate within ``LEVEL_WIDTH``, and of one multiplicity where known; two
        of one irrep of a linear molecule that is degenerate, such as Pi, within ``PAIR_WIDTH``.
        """
        spins = self.multiplicities or (None,) * self.n_states
        irreps = self.irreps or ("",) * self.n_states
        groups: list[list[int]] = []
        for k in range(self.n_states):
            for group in groups:
                last = group[-1]
                is_pair = len(group) == 1 and irreps[k] == irreps[last] and _is_paired(irreps[k])
                width = PAIR_WIDTH if is_pair else LEVEL_WIDTH
                if self.energies[k] - self.energies[last] < width and spins[k] == spins[last]:
                    group.append(k)
                    break
            else:
                groups.append([k])
        return tuple(map(tuple, groups))

    @property
    def energy(self) -> float:
        """The lowest energy (``unit``)."""
        return float(self.energies[0])

    @property
    def error(self) -> float | None:
        """The lowest energy minus the exact one (``unit``); ``None`` without a reference.

        Of states of one multiplicity or irrep the exact one is the lowest of these.
        """
        return None if self.reference_energy is None else self.energy - self.reference_energy

    @property
    def is_converged(self) -> bool:
        """Whether the solver reached its tolerance, or what its shots can tell."""
        return self.status in {"converged", "noise_limit"}

    @property
    def advice(self) -> str:
        """What to do about ``status``, in a sentence."""
        return STATUS_ADVICE[self.status]

    def to_dict(self) -> dict[str, Any]:
        """Return everything but what is not stored, as plain values that keep every digit."""
        tree: dict[str, Any] = {}
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name in NOT_STORED:
                continue
            if entry.name == "history":
                value = [[v for v in astuple(i) if v is not None] for i in value]
            elif isinstance(value, Circuit | QubitCircuit):
                value = value.to_dict()
            elif entry.name == "references" and value is not None:
                value = [reference.to_list() for reference in value]
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
        """Return the solution that ``to_dict`` wrote; what is not stored is ``None``.

        Raises:
            InputError: If ``tree`` is not what ``to_dict`` writes.
        """
        try:
            values = dict(tree)
            for name in ("energies", "stderr", "params", "residuals", "spin_squares"):
                if values[name] is not None:
                    values[name] = np.array(values[name], dtype=np.float64)
            # Stores of earlier versions have none of these.
            for name in ("covariance", "reference_energies", "start_energies"):
                if values.get(name) is not None:
                    values[name] = np.array(values[name], dtype=np.float64)
            for name in ("irreps", "configurations"):
                if values.get(name) is not None:
                    values[name] = tuple(values[name])
            if values.get("references") is not None:
                values["references"] = tuple(map(Reference.from_list, values["references"]))
            values["history"] = tuple(Iteration(*row) for row in values["history"])
            values["notes"] = tuple(values["notes"])
            if values.get("circuit") is not None:  # stores of the first version have none
                kind = QubitCircuit if "n_qubits" in values["circuit"] else Circuit
                values["circuit"] = kind.from_dict(values["circuit"])
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise InputError(
                f"Solution.from_dict: not a stored solution ({error!r}). "
                "Give what Solution.to_dict() wrote with this version."
            ) from error


AnyHamiltonian: TypeAlias = MolecularHamiltonian | QubitModel
"""A molecule's Hamiltonian, a Pauli sum or a matrix."""


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
        backend: Backend,
        seed: int | None,
    ) -> Solution:
        """Return the lowest eigenpairs; ``solve`` adds reference, checks and provenance."""
        ...


@runtime_checkable
class ModelSolver(Protocol):
    """A solver that takes Pauli sums and matrices beside molecules."""

    takes_models: ClassVar[bool]
    """Mark of such a solver."""

    def inputs(self) -> dict[str, Any]:
        """Return the settings that determine the result, as plain values."""
        ...

    def eigenpairs(
        self,
        hamiltonian: AnyHamiltonian,
        *,
        n_states: int,
        guess: Solution | None,
        backend: Backend,
        seed: int | None,
    ) -> Solution:
        """Return the lowest eigenpairs; ``solve`` adds reference, checks and provenance."""
        ...
