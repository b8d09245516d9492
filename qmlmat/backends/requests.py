"""What backends are asked and what they answer: exact, batched and sampled alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from qmlmat.ansatz import Circuit, QubitCircuit
from qmlmat.errors import CapabilityError, InputError, nearest
from qmlmat.operators.csf import csf_terms
from qmlmat.operators.pauli import PauliSum
from qmlmat.operators.sector import Sector
from qmlmat.typing import FloatArray, Observable

Pairing: TypeAlias = Literal["each", "all"]
"""How parameter vectors meet observables: one to one, or every one with every other."""


@dataclass(frozen=True)
class Reference:
    """The state a circuit starts from: a determinant, or a short normalised sum of them."""

    terms: tuple[tuple[str, complex], ...]
    """Pairs of occupation bits (all alpha then all beta, wire 0 on the left) and amplitude."""

    def __post_init__(self) -> None:
        if len({bits for bits, _ in self.terms}) < len(self.terms):
            raise InputError(
                f"Reference(terms={self.terms}): a determinant is there twice. Add its amplitudes."
            )
        norm = fsum(abs(amplitude) ** 2 for _, amplitude in self.terms)
        if not abs(norm - 1.0) <= 1e-12:  # rounding of the squares, float64; refuses NaN, too
            raise InputError(
                f"Reference(terms={self.terms}): the squares of the amplitudes add up to "
                f"{norm:.6g}. Scale them to add up to 1."
            )

    @property
    def is_real(self) -> bool:
        """Whether no amplitude has an imaginary part."""
        return all(complex(amplitude).imag == 0 for _, amplitude in self.terms)

    @classmethod
    def determinant(cls, bits: str) -> Reference:
        """Return the reference that is one determinant."""
        return cls(((bits, 1.0),))

    @classmethod
    def hartree_fock(cls, norb: int, nelec: tuple[int, int]) -> Reference:
        """Return the determinant of the lowest orbitals.

        Args:
            norb: Number of spatial orbitals.
            nelec: Electrons by spin.
        """
        return cls.determinant(Sector(norb, nelec).hartree_fock_bits())

    @classmethod
    def csf(cls, steps: str, nelec: tuple[int, int]) -> Reference:
        """Return a configuration state function: a sum of determinants of one pure spin.

        Args:
            steps: One character per spatial orbital: ``2`` doubly occupied, ``0`` empty, ``u`` a
                single electron that raises the total spin by 1/2, ``d`` one that lowers it by
                1/2. ``2S`` is the number of ``u`` minus that of ``d``.
            nelec: Electrons by spin; ``M_S = (n_alpha - n_beta) / 2``.

        Raises:
            InputError: If a character is unknown, the spin falls below zero on the way, the
                electrons are not those of ``nelec``, or ``|M_S| > S``.

        References:
            R. Pauncz, Spin Eigenfunctions (Plenum, 1979).

        Example:
            >>> singlet = Reference.csf("2ud0", (2, 2))  # HOMO to LUMO, open shell
            >>> [bits for bits, _ in singlet.terms]
            ['11001010', '10101100']
        """
        return cls(csf_terms(steps, nelec))

    def to_list(self) -> list[list[Any]]:
        """Return the terms as plain values: bits, real part, imaginary part."""
        return [[bits, complex(a).real, complex(a).imag] for bits, a in self.terms]

    @classmethod
    def from_list(cls, rows: list[list[Any]]) -> Reference:
        """Return the reference whose ``to_list()`` is ``rows``."""
        return cls(tuple((b, complex(re, im) if im else float(re)) for b, re, im in rows))


@dataclass(frozen=True)
class Preparation:
    """A state, or a batch of states: a circuit applied to a reference, or to several."""

    circuit: Circuit | QubitCircuit
    """The circuit ``U``: fermionic, or of qubit gates."""
    reference: Reference | tuple[Reference, ...]
    """The state ``U`` acts on. Several are one more axis of the batch, after those of ``params``:
    states ``(..., n_references)``, expectations ``(..., n_references, n_observables)``."""
    params: FloatArray | None = None
    """Parameters, shape ``(..., n_params)`` (radians); ``None`` where given later."""

    @property
    def fermionic(self) -> Circuit:
        """The circuit, where it is a fermionic one.

        Raises:
            CapabilityError: If it is of qubit gates.
        """
        if isinstance(self.circuit, Circuit):
            return self.circuit
        raise CapabilityError(
            f"Preparation({self.circuit.name}): a circuit of qubit gates leaves the sector of "
            "fixed electrons. Use StatevectorBackend(), PennyLaneBackend or QiskitBackend."
        )

    @property
    def references(self) -> tuple[Reference, ...]:
        """The states ``U`` acts on, one or several."""
        return self.reference if isinstance(self.reference, tuple) else (self.reference,)

    @property
    def batch_axes(self) -> tuple[int, ...]:
        """The axis that several references add to a batch, as a shape."""
        return (len(self.reference),) if isinstance(self.reference, tuple) else ()


@dataclass(frozen=True, kw_only=True)
class Request:
    """One thing to be measured."""

    preparation: Preparation
    """The state or states."""
    observables: tuple[Observable | PauliSum, ...] | None
    """What is measured; ``None`` asks for counts of bit strings."""
    shots: int | None = None
    """Number of repetitions; ``None``: the backend's own, exact expectations where it has none."""
    pairing: Pairing = "all"
    """``"all"``: every state with every observable. ``"each"``: state i with observable i."""
    role: str = "energy"
    """What the answer is for; part of the record, never of the physics."""

    def __post_init__(self) -> None:
        if self.pairing not in get_args(Pairing):
            raise InputError(
                f'Request(pairing="{self.pairing}"): not a pairing. '
                f"{nearest(str(self.pairing), get_args(Pairing))}"
            )


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Expectations."""

    values: FloatArray
    """Shape ``(..., n_observables)``; with ``pairing="each"`` the shape of the batch."""
    variances: FloatArray
    """Variances of ``values`` as estimators, same shape; zero where exact."""
    n_shots: int | None
    """Shots spent; ``None`` where exact."""
    calibration: FloatArray | None = None
    """How ``values`` move, all together, at other readout errors that a calibration allows, shape
    ``(n_draws, *values.shape)``; ``None`` without readout correction. Their variance is in
    ``variances``, and is common to all: averages do not make it smaller."""


@dataclass(frozen=True, kw_only=True)
class ValueAndGradient:
    """Expectations and their derivatives."""

    values: FloatArray
    """Shape ``(..., n_observables)``; with ``pairing="each"`` the shape of the batch."""
    gradient: FloatArray
    """Derivatives by the parameters, shape ``(*values.shape, n_params)`` (per radian)."""
    variances: FloatArray | None = None
    """Variances of ``values`` as estimators, same shape; ``None`` where exact."""
    gradient_variances: FloatArray | None = None
    """Variances of ``gradient``, same shape; ``None`` where exact."""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How often each bit string was seen."""

    counts: Mapping[str, int]
    """Bit string (wire 0 on the left) to number of times."""
    n_shots: int
    """Total number of repetitions."""


def check_params(params: ArrayLike, n_params: int, *, what: str) -> FloatArray:
    """Return ``params`` as a float64 array whose last axis has length ``n_params``.

    Args:
        params: Array-like, shape ``(..., n_params)`` (radians).
        n_params: The circuit's number of parameters.
        what: Who asks, for the message.

    Raises:
        InputError: If the shape is wrong or a value is not finite.
    """
    if np.iscomplexobj(params):
        raise InputError(f"{what}: complex params. Angles are real numbers (radians).")
    array = np.asarray(params, dtype=np.float64, order="C")
    if array.ndim == 0 or array.shape[-1] != n_params:
        raise InputError(
            f"{what}: params have shape {array.shape}, the circuit has {n_params} parameters. "
            f"Give an array of shape (..., {n_params})."
        )
    if not np.isfinite(array).all():
        raise InputError(f"{what}: params hold NaN or infinity. Give finite angles (radians).")
    return array


def check_shots(shots: int, *, what: str) -> None:
    """Check a number of repetitions.

    Raises:
        InputError: If it is no whole number, or below 1.
    """
    if not isinstance(shots, int | np.integer) or shots < 1:
        raise InputError(f"{what}(shots={shots!r}): use a whole number, at least 1.")


def given_params(preparation: Preparation, what: str) -> FloatArray:
    """Return a preparation's parameters, shape ``(..., n_params)``.

    Raises:
        InputError: If there are none, or the shape is wrong.
    """
    if preparation.params is None:
        raise InputError(
            f"{what}: no params. Set Preparation.params (radians), or use prepare() and call the "
            "evaluator with them."
        )
    return check_params(preparation.params, preparation.circuit.n_params, what=what)
