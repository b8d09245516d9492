"""Screening: which generators of a circuit, or of a pool, are left out before anything is run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from qmlmat.ansatz import Circuit, Excitation, Gate, NumberProduct
from qmlmat.ansatz.singlets import singlet_params
from qmlmat.errors import InputError
from qmlmat.solvers.starts import cluster_amplitude
from qmlmat.systems import Amplitudes, MolecularHamiltonian, mp2_amplitudes, orbital_parities
from qmlmat.typing import BoolArray, IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Screened:
    """A circuit without the parameters that were dropped."""

    circuit: Circuit
    """What is left, its parameters numbered anew in their order; it may be empty."""
    kept: IntArray
    """The numbers these parameters had before, ascending, shape ``(n_params,)``."""
    note: str
    """How many were dropped and why, in a sentence."""


@dataclass(frozen=True, kw_only=True)
class Screening:
    """Filters that drop generators from a circuit, or from the pool of an adaptive one.

    A parameter is dropped with all its gates. What is kept has the same order and can be
    minimised as any circuit: its energies stay upper bounds.
    """

    point_group: bool = True
    """Whether excitations that change the point group's irrep are dropped.

    They have no slope in any state that the others make: a search from cluster amplitudes, as
    for ``uccsd``, and a pool such as ``uccgsd`` lose nothing. Layered and Jastrow circuits do, by
    tens of millihartree: their rotations mix irreps on the way, and their searches start off the
    symmetric saddle point. The symmetries are those that ``orbital_parities`` finds; where it
    finds none, nothing is dropped."""
    spin: bool = False
    """Whether only parameters that leave ``S^2`` exactly alone in a product are kept.

    Electron pairs' moves and spin-summed singles are, generators of ``uccsd`` without their
    partners are not."""
    min_amplitude: float = 0.0
    """Doubles whose MP2 amplitudes are all smaller than this in size are dropped; 0 for none.

    Singles are not judged: theirs vanish to first order for closed-shell Hartree-Fock orbitals
    (Brillouin) and matter all the same. Nor is anything but moves of two electrons out of
    occupied into empty orbitals, which has no MP2 amplitude."""

    def __post_init__(self) -> None:
        if not 0 <= self.min_amplitude < np.inf:
            raise InputError(
                f"Screening(min_amplitude={self.min_amplitude}): a threshold of amplitudes is "
                "finite and not negative. Use about 1e-5, or 0 to keep all."
            )
        if not (self.point_group or self.spin or self.min_amplitude):
            raise InputError(
                "Screening(point_group=False, spin=False, min_amplitude=0): no filter is left. "
                "Switch one on, or use no screening."
            )

    def inputs(self) -> dict[str, Any]:
        """Return the settings that determine the result, as plain values."""
        return {
            "point_group": self.point_group,
            "spin": self.spin,
            "min_amplitude": self.min_amplitude,
        }

    def apply(self, circuit: Circuit, hamiltonian: MolecularHamiltonian) -> Screened:
        """Return the circuit without the parameters that a filter drops.

        The filters act in the order of the fields; the note counts a parameter at the first
        that drops it.

        Args:
            circuit: A circuit, or a pool with one parameter for each element.
            hamiltonian: The Hamiltonian it is for.

        Raises:
            InputError: If the two are of different sectors.
        """
        if (circuit.norb, circuit.nelec) != (hamiltonian.norb, hamiltonian.nelec):
            raise InputError(
                f"Screening.apply: the circuit is on norb={circuit.norb}, nelec={circuit.nelec}, "
                f"the Hamiltonian on norb={hamiltonian.norb}, nelec={hamiltonian.nelec}. "
                "Build both for the same sector."
            )
        kept = np.arange(circuit.n_params)
        reasons = []
        for reason, passes in self._filters(hamiltonian):
            mask = passes(circuit.restricted(kept.tolist()))
            if not mask.all():
                reasons.append(f"{np.count_nonzero(~mask)} {reason}")
            kept = kept[mask]
        return Screened(
            circuit=circuit.restricted(kept.tolist()),
            kept=kept,
            note=_note(circuit.n_params, kept.size, reasons),
        )

    def _filters(
        self, hamiltonian: MolecularHamiltonian
    ) -> Iterator[tuple[str, Callable[[Circuit], BoolArray]]]:
        """Yield what each filter that is on drops, and which parameters of a circuit pass it."""
        if self.point_group:
            yield "by point group", partial(_keeps_irrep, orbital_parities(hamiltonian))
        if self.spin:
            yield "by spin", singlet_params
        if self.min_amplitude:
            amplitudes = mp2_amplitudes(hamiltonian)
            reason = f"with MP2 amplitudes below {self.min_amplitude:g}"
            yield reason, partial(_is_large, amplitudes, self.min_amplitude)


def screened(
    circuit: Circuit, screening: Screening | None, hamiltonian: MolecularHamiltonian
) -> Screened:
    """Return a circuit after a screening, or as it is where there is none.

    Raises:
        InputError: If circuit and Hamiltonian are of different sectors.
    """
    if screening is None:
        return Screened(circuit=circuit, kept=np.arange(circuit.n_params), note="")
    return screening.apply(circuit, hamiltonian)


def _keeps_irrep(labels: IntArray, circuit: Circuit) -> BoolArray:
    """Return which parameters keep the irrep of every state, by the labels of the orbitals."""
    kept = [all(_parity(gate, labels) == 0 for gate in gates) for gates in circuit.elements()]
    return np.array(kept, dtype=bool)


def _parity(gate: Gate, labels: IntArray) -> int:
    """Return the XOR of the labels of all orbitals an excitation touches; 0 for numbers."""
    if isinstance(gate.generator, NumberProduct):
        return 0
    moves = gate.generator.alpha + gate.generator.beta
    return int(np.bitwise_xor.reduce(labels[np.array(moves).ravel()]))


def _is_large(amplitudes: Amplitudes, threshold: float, circuit: Circuit) -> BoolArray:
    """Return which parameters have a large amplitude, or none to judge them by."""
    kept = [
        not all(
            _is_cluster_double(gate.generator, circuit.nelec)
            and abs(cluster_amplitude(gate.generator, circuit.nelec, amplitudes)) < threshold
            for gate in gates
        )
        for gates in circuit.elements()
    ]
    return np.array(kept, dtype=bool)


def _is_cluster_double(generator: Excitation | NumberProduct, nelec: tuple[int, int]) -> bool:
    """Return whether a generator moves two electrons, both out of occupied into empty orbitals."""
    if isinstance(generator, NumberProduct) or generator.rank != 2:
        return False
    moves = ((generator.alpha, nelec[0]), (generator.beta, nelec[1]))
    return all(i < n <= a for part, n in moves for i, a in part)


def _note(n_params: int, n_kept: int, reasons: list[str]) -> str:
    """Return how many parameters were dropped and why, in a sentence or two."""
    if not reasons:
        return f"Screening dropped none of {n_params} parameters."
    what = f"{n_params - n_kept} of" if n_kept else "all"
    left = "" if n_kept else " The reference alone is left."
    return f"Screening dropped {what} {n_params} parameters: {', '.join(reasons)}.{left}"
