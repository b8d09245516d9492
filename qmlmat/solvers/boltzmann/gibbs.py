"""Boltzmann machines sampled by a quantum circuit: counts, what is kept of them, and ``P``.

Kept shots follow ``Q ~ P**(1 / k)`` over the units of both layers. ``P`` is ``Q**k`` on this joint
table, and only then summed over the hidden units: the power of the visible marginal is another
distribution.

References:
    R. Xia, S. Kais, Nat. Commun. 9, 4195 (2018), doi:10.1038/s41467-018-06598-z.
    M. Held, P. Wolfe, H. P. Crowder, Math. Program. 6, 62 (1974), doi:10.1007/BF01580223 (nearest
    distribution).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from qmlmat.ansatz.gibbs import checked_machine, default_regulator, gibbs_angles, gibbs_circuit
from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.base import QubitBackend
from qmlmat.backends.qubits.calibration import calibration_jobs, readout_errors
from qmlmat.backends.qubits.jobs import CountJob, reads_at_end
from qmlmat.backends.qubits.mitigation import Readout
from qmlmat.backends.qubits.outcomes import check_counts
from qmlmat.backends.requests import check_shots
from qmlmat.errors import CapabilityError, InputError, MeasurementError
from qmlmat.operators.pauli import MAX_QUBITS as MAX_BITS
from qmlmat.operators.pauli import reversed_bits
from qmlmat.solvers.measured import N_BLOCKS
from qmlmat.solvers.variational import other_seed
from qmlmat.typing import FloatArray

MAX_UNITS: Final = 16
"""Most units of both layers: every block of shots is a table of all their values."""


@dataclass(frozen=True, kw_only=True, eq=False)
class GibbsSample:
    """What a Gibbs circuit measured, in blocks of shots for the jackknife."""

    joint: FloatArray
    """Weight of each outcome among the kept shots, shape ``(n_blocks, 2**n, 2**m)``: visible
    units, then hidden ones, as binary numbers with unit 0 the highest bit (bit 1 is -1). Counts;
    with readout correction estimates of them, single ones of which may be below 0."""
    regulator: float
    """The regulator ``k``."""
    n_shots: int
    """Shots spent, those of the calibration apart."""
    n_accepted: int
    """Shots whose ancillas all read 1."""

    @property
    def acceptance(self) -> float:
        """Share of the shots that was kept."""
        return self.n_accepted / self.n_shots

    def distribution(self, weights: FloatArray | None = None) -> FloatArray:
        """Return ``P(sigma, h) = Q**k / sum Q**k``, shape ``(2**n, 2**m)``.

        ``Q`` is the distribution nearest to the weights by least squares: the weights over their
        sum where none is negative.

        Args:
            weights: Such a table, e.g. a mean of some blocks of ``joint``; by default of all.

        Raises:
            MeasurementError: If the weights add up to nothing.
        """
        table = self.joint.mean(axis=0) if weights is None else weights
        total = table.sum()
        if not total > 0:
            raise MeasurementError(_nothing_kept(self.n_shots, self.regulator))
        chances = nearest_distribution(table / total)
        powers = (chances / chances.max()) ** self.regulator
        found: FloatArray = powers / powers.sum()
        return found

    def visible(self, weights: FloatArray | None = None) -> FloatArray:
        """Return ``P(sigma)``, the marginal of ``distribution``, shape ``(2**n,)``.

        Args:
            weights: As in ``distribution``.

        Raises:
            MeasurementError: If the weights add up to nothing.
        """
        found: FloatArray = self.distribution(weights).sum(axis=1)
        return found


def sample_gibbs(  # noqa: PLR0913 (each is one thing the caller may say)
    a: ArrayLike,
    b: ArrayLike,
    w: ArrayLike,
    *,
    backend: QubitBackend,
    shots: int | None = None,
    regulator: float | None = None,
    reset: bool = True,
    n_blocks: int = N_BLOCKS,
    seed: int | None = None,
) -> GibbsSample:
    """Return a machine's Gibbs distribution as a circuit samples it, by one submission.

    With ``backend.mitigation.readout`` each qubit's readout errors are measured in the same
    submission and inverted, ancillas included, before shots are kept; the other mitigations are of
    expectations and change nothing here.

    Args:
        a: Biases of the visible units, shape ``(n,)``.
        b: Biases of the hidden units, shape ``(m,)``.
        w: Weights, shape ``(n, m)``.
        backend: What counts bit strings.
        shots: Repetitions, those included that are not kept; the backend's own by default.
        regulator: The regulator ``k``; ``default_regulator(w)`` by default.
        reset: Whether one ancilla is measured, reset and used again; else there is one for each
            pair of units.
        n_blocks: Blocks among which the shots are dealt at random, evenly.
        seed: Seed of the dealing, and of the shots where they are ours.

    Raises:
        CapabilityError: If the backend gives no counts, or cannot reset a qubit.
        InputError: If shapes do not fit, or there are too many units or too few shots.
        MeasurementError: If no shot is kept.

    Example:
        >>> import qmlmat as qm
        >>> backend = qm.StatevectorBackend(shots=4000)
        >>> sample = sample_gibbs([0.4], [-0.2], [[0.9]], backend=backend, seed=1)
        >>> sample.visible().shape, sample.acceptance > 0.5
        ((2,), True)
    """
    visible, hidden, weights = checked_machine(a, b, w)
    n_units = _checked_units(*weights.shape)
    k = default_regulator(weights) if regulator is None else regulator
    circuit = gibbs_circuit(*weights.shape, reset=reset)
    angles = gibbs_angles(visible, hidden, weights, k)[None]
    job = CountJob(circuit, angles, _checked_shots(backend, shots, n_blocks))
    answer, readout = _counted(backend, job, seed)
    kept = (answer.outcomes >> np.uint64(n_units)) == np.uint64((1 << weights.size) - 1)
    n_accepted = int(answer.counts[0, kept].sum())
    if not n_accepted:
        raise MeasurementError(_nothing_kept(job.shots, k))
    shares = kept.astype(np.float64) if readout is None else _true_shares(answer, readout, n_units)
    table = _dealt(answer, shares, n_units, n_blocks, other_seed(seed))
    if readout is not None:
        table = Readout(readout.errors[:n_units]).inverse(table.T).T
    order = reversed_bits(np.arange(1 << n_units, dtype=np.uint64), n_units)
    shape = (n_blocks, 1 << len(visible), 1 << len(hidden))
    return GibbsSample(
        joint=table[:, order.astype(np.int64)].reshape(shape),
        regulator=float(k),
        n_shots=job.shots,
        n_accepted=n_accepted,
    )


def nearest_distribution(values: FloatArray) -> FloatArray:
    """Return the distribution nearest to values that add up to 1, by least squares.

    Args:
        values: Any shape; some may be negative.
    """
    if (values >= 0).all():
        return values
    falling = np.sort(values, axis=None)[::-1]
    excess = (np.cumsum(falling) - 1.0) / np.arange(1, falling.size + 1)
    found: FloatArray = np.maximum(values - excess[falling > excess][-1], 0.0)
    return found


def _counted(
    backend: QubitBackend, job: CountJob, seed: int | None
) -> tuple[Histogram, Readout | None]:
    """Return the counts, and the readout errors of each bit where they are to be corrected."""
    door, calibrates = backend.count_door(seed), backend.mitigation.readout
    try:
        bits = door.bit_qubits(job.circuit) if calibrates else ()
        qubits = sorted(set(bits))
        jobs = [job]
        if calibrates:
            jobs += calibration_jobs(qubits, backend.mitigation.calibration_shots)
        answers = door.counts(jobs)
    except CapabilityError as error:
        if reads_at_end(job.circuit):
            raise
        raise CapabilityError(
            f"{error} Or give each pair its own ancilla: sample_gibbs(reset=False)."
        ) from error
    for one, answer in zip(jobs, answers, strict=True):
        check_counts(one, answer)
    if not calibrates:
        return answers[0], None
    errors = readout_errors(answers[1:])
    return answers[0], Readout(errors[np.searchsorted(qubits, bits)])


def _true_shares(answer: Histogram, readout: Readout, n_units: int) -> FloatArray:
    """Return for each outcome what it says of the number of shots whose ancillas were all 1.

    The product of ``(M^-1)[1, bit]`` over the bits of pairs: no table over these bits is formed.
    """
    inverses, shares = readout.inverses, np.ones(len(answer.outcomes))
    for bit in range(n_units, answer.n_bits):
        value = (answer.outcomes >> np.uint64(bit)) & np.uint64(1)
        shares *= inverses[bit, 1, value.astype(np.int64)]
    return shares


def _dealt(
    answer: Histogram, shares: FloatArray, n_units: int, n_blocks: int, seed: int | None
) -> FloatArray:
    """Return the sum of shares by block and bits of units, shape ``(n_blocks, 2**n_units)``."""
    shots = np.repeat(np.arange(len(answer.outcomes)), answer.counts[0])
    np.random.default_rng(seed).shuffle(shots)  # shots are exchangeable
    units = (answer.outcomes & np.uint64((1 << n_units) - 1)).astype(np.int64)[shots]
    places = (np.arange(len(shots)) % n_blocks << n_units) + units
    table = np.zeros(n_blocks << n_units)
    np.add.at(table, places, shares[shots])
    return table.reshape(n_blocks, -1)


def _checked_units(n_visible: int, n_hidden: int) -> int:
    """Return the number of units; raise if they cannot be counted."""
    most = min(MAX_UNITS - n_visible, (MAX_BITS - n_visible) // (n_visible + 1))
    if n_hidden > most:
        remedy = f"Use at most {most} hidden units" if most > 0 else "Use fewer visible units"
        n_bits = n_visible + n_hidden + n_visible * n_hidden
        raise InputError(
            f"sample_gibbs(w): {n_visible} visible and {n_hidden} hidden units take {n_bits} bits; "
            f"at most {MAX_BITS} can be counted, and {MAX_UNITS} units be held as a table. "
            f"{remedy}."
        )
    return n_visible + n_hidden


def _checked_shots(backend: QubitBackend, shots: int | None, n_blocks: int) -> int:
    """Return the number of repetitions; raise if backend, shots or blocks do not fit."""
    if not isinstance(backend, QubitBackend):
        raise CapabilityError(
            f"sample_gibbs(backend={type(backend).__name__}): it runs no circuits of qubit gates. "
            "Use StatevectorBackend(shots=...), or QiskitBackend or PennyLaneBackend with shots."
        )
    if not isinstance(n_blocks, int | np.integer) or n_blocks < 1:
        raise InputError(f"sample_gibbs(n_blocks={n_blocks!r}): use a whole number; 20 is good.")
    found = backend.shots if shots is None else shots
    if found is None:
        raise InputError("sample_gibbs(shots=None): counts need shots. Set shots=8192.")
    check_shots(found, what="sample_gibbs")
    if found < n_blocks:
        raise InputError(
            f"sample_gibbs(shots={found}): fewer shots than blocks. Use thousands, or "
            f"n_blocks={found}."
        )
    return int(found)


def _nothing_kept(shots: int, regulator: float) -> str:
    return (
        f"sample_gibbs: none of {shots} shots was kept at regulator {regulator:.4g}. Use more "
        "shots, a larger regulator, or smaller weights."
    )
