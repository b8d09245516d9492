"""The Gibbs circuit as what draws a machine's configurations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from qmlmat.backends import Backend
from qmlmat.backends.qubits.base import QubitBackend
from qmlmat.errors import CapabilityError, InputError, MeasurementError, nearest
from qmlmat.operators.pauli import reversed_bits
from qmlmat.solvers.boltzmann.gibbs import GibbsSample, sample_gibbs
from qmlmat.solvers.boltzmann.machine import BoltzmannMachine
from qmlmat.solvers.boltzmann.sampled import Sample, Weighing
from qmlmat.solvers.boltzmann.space import Space
from qmlmat.typing import FloatArray, MaskArray, StateArray

AmplitudesFrom: TypeAlias = Literal["counts", "closed_form"]
"""What amplitudes are taken to be."""

SMALLEST_ROOT: Final = 1e-150
"""Square roots of weights below it count as it: no configuration that was seen divides by zero."""


@dataclass(frozen=True, kw_only=True)
class GibbsCircuit:
    """Draws both layers of the machine by a circuit, on the backend of ``solve``.

    Kept shots follow ``P(s, h)**(1 / k)``; see ``qmlmat.solvers.boltzmann.gibbs``. The backend's
    ``Mitigation(readout=True)`` corrects readout before shots are kept. Configurations with other
    electrons than the molecule's are left out.

    References:
        R. Xia, S. Kais, Nat. Commun. 9, 4195 (2018), doi:10.1038/s41467-018-06598-z.
    """

    amplitudes: AmplitudesFrom = "counts"
    """``"counts"``: amplitudes are the roots of measured frequencies, as published; noise raises
    the energy. ``"closed_form"``: local energies are those of the network's formula, and the
    circuit gives their weights alone."""
    regulator: float | None = None
    """The regulator k; ``None``: ``max(1, sum |W| / 2)``, which keeps at least 1.8 % of the
    shots."""
    reset: bool = True
    """Whether one ancilla is measured and reset for every pair; else each has its own."""

    def __post_init__(self) -> None:
        if self.amplitudes not in get_args(AmplitudesFrom):
            raise InputError(
                f'GibbsCircuit(amplitudes="{self.amplitudes}"): not known. '
                f"{nearest(str(self.amplitudes), get_args(AmplitudesFrom))}"
            )
        if self.regulator is not None and not 1 <= self.regulator < np.inf:
            raise InputError(
                f"GibbsCircuit(regulator={self.regulator!r}): a regulator is 1 or more. Use None "
                "for the one that keeps at least 1.8 % of the shots."
            )

    def inputs(self) -> dict[str, Any]:
        """Return the settings that determine the result, as plain values."""
        return {
            "sampler": "gibbs_circuit",
            "amplitudes": self.amplitudes,
            "regulator": self.regulator,
            "reset": self.reset,
        }


@dataclass(frozen=True, eq=False)
class CircuitSample(Sample):
    """What a Gibbs circuit measured."""

    masks: MaskArray
    """The distinct configurations that were kept, sorted, shape ``(n_configurations,)``."""
    blocks: NDArray[Any]
    """Weights of outcomes of each block, shape ``(n_blocks, 2**n, 2**m)``."""
    n_draws: int
    """Shots spent."""
    closed_form: bool
    """Whether amplitudes are the network's formula."""
    measured: GibbsSample
    """Everything that was measured."""
    places: NDArray[np.int64]
    """Row of each configuration in the table of visible units."""

    def weighing(self, mean: NDArray[Any], values: StateArray, roots: FloatArray) -> Weighing:  # noqa: ARG002
        """Return frequencies as amplitudes, or as weights of local energies."""
        chances = self.measured.visible(mean)[self.places]
        safe = np.maximum(roots, SMALLEST_ROOT)
        if self.closed_form:
            return Weighing(chances / safe**2)
        return Weighing(None, np.sqrt(chances) / safe)


@dataclass(eq=False)
class CircuitDraws:
    """Draws from machines by circuits on a backend."""

    settings: GibbsCircuit
    """How."""
    space: Space
    """The configurations."""
    backend: QubitBackend
    """Where."""
    rng: np.random.Generator
    """Source of the seeds of the jobs."""
    n_shots: int = 0
    """Shots so far."""
    n_accepted: int = 0
    """Shots so far that were kept."""

    def draw(self, machine: BoltzmannMachine, n_shots: int) -> CircuitSample:
        """Return what the circuit of a machine measures.

        Raises:
            MeasurementError: If no shot is kept, or none has the right electrons.
        """
        parts = (machine.visible_bias, machine.hidden_bias, machine.weights)
        found = sample_gibbs(
            *(part.detach().numpy() for part in parts),
            backend=self.backend,
            shots=n_shots,
            regulator=self.settings.regulator,
            reset=self.settings.reset,
            seed=int(self.rng.integers(2**31)),
        )
        self.n_shots += found.n_shots
        self.n_accepted += found.n_accepted
        seen = np.flatnonzero(found.visible() > 0).astype(np.uint64)
        masks = reversed_bits(seen, self.space.n_qubits)
        allowed = self.space.is_allowed(masks)
        if not allowed.any():
            raise MeasurementError(
                f"GibbsCircuit: none of {found.n_accepted} kept shots has the molecule's "
                "electrons. Use more shots, a mapping with fewer qubits (tapered=True), or "
                "exact_search=True."
            )
        order = np.argsort(masks[allowed])
        return CircuitSample(
            masks[allowed][order],
            found.joint,
            found.n_shots,
            self.settings.amplitudes == "closed_form",
            found,
            seen[allowed][order].astype(np.int64),
        )


def circuit_draws(
    settings: GibbsCircuit, space: Space, backend: Backend, rng: np.random.Generator
) -> CircuitDraws:
    """Return what draws by circuits on a backend.

    Raises:
        CapabilityError: If the backend has no qubits or no shots.
    """
    if not isinstance(backend, QubitBackend) or backend.shots is None:
        raise CapabilityError(
            f"RBM(sampler=GibbsCircuit(), backend={type(backend).__name__}): the circuit is "
            "sampled. Use backend=StatevectorBackend(shots=8192), or a QiskitBackend or "
            "PennyLaneBackend with shots."
        )
    return CircuitDraws(settings, space, backend, rng)


def acceptance_notes(used: Sequence[CircuitDraws]) -> tuple[str, ...]:
    """Return how many shots were kept."""
    n_shots = sum(one.n_shots for one in used)
    if not n_shots:
        return ()
    share = sum(one.n_accepted for one in used) / n_shots
    return (f"Of {n_shots:,} shots of Gibbs circuits {share:.0%} were kept.",)
