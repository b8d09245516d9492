"""Eigenstate filtration: any state by its symmetry or its energy, as a ground state."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final

import numpy as np

from qmlmat.backends import Backend
from qmlmat.errors import InputError
from qmlmat.operators.pauli import PauliSum
from qmlmat.solvers.base import AnyHamiltonian, Solution
from qmlmat.solvers.boltzmann.circuit_sampler import GibbsCircuit
from qmlmat.solvers.boltzmann.enumerated import operator_on
from qmlmat.solvers.boltzmann.metropolis import Metropolis
from qmlmat.solvers.boltzmann.scaling import scaled
from qmlmat.solvers.boltzmann.space import Space, check_padding_is_far
from qmlmat.solvers.boltzmann.states import machine_solution
from qmlmat.solvers.boltzmann.symmetry import Symmetry, check_number, penalty
from qmlmat.solvers.rbm import DEFAULT_SEED, RBM
from qmlmat.typing import FloatArray

MARGIN: Final = 1.5
"""How far a penalty exceeds the spectral width."""
MAX_LEVELS: Final = 1024
"""Most configurations whose exact levels are computed beside the states found."""


@dataclass(frozen=True, kw_only=True)
class Filtration:
    """Eigenstates selected by symmetry, by their energy, or one above the other.

    What is minimised is ``<H> + sum mu <(O - omega)^2>``: linear in the density matrix, so that its
    minimum is the lowest state with ``O = omega`` (``(<O> - omega)^2`` instead lets superpositions
    of sectors pass). With ``near`` it is ``<(H - near)^2>`` in place of ``<H>``. Of several states
    each is raised before the next is looked for.

    Weights: states of other sectors differ from ``omega`` by ``gap`` at least, the smallest
    distance of another eigenvalue, so ``mu = 1.5 width / gap^2`` with ``width`` the spectral width
    of the Hamiltonian puts all of them above it.

    References:
        M. Sajjan, S. H. Sureshbabu, S. Kais, J. Am. Chem. Soc. 143, 18426 (2021),
        arXiv:2105.09488 (filtration by Boltzmann machines). K. Kuroiwa, Y. O. Nakagawa,
        arXiv:2010.13951 (which penalties are right). L.-W. Wang, A. Zunger, J. Chem. Phys. 100,
        2394 (1994), doi:10.1063/1.466486 (folding).

    Example:
        >>> import numpy as np
        >>> import qmlmat as qm
        >>> levels = qm.MatrixHamiltonian(matrix=np.diag([0.0, 1.0, 2.5]), unit="eV")
        >>> found = qm.solve(levels, qm.Filtration(near=1.2))
        >>> round(found.energy, 6)
        1.0
    """

    rbm: RBM = field(default_factory=RBM)
    """The machine and how it is trained."""
    symmetries: tuple[Symmetry, ...] = ()
    """What the states must have."""
    near: float | None = None
    """Energy that the states are nearest to (the Hamiltonian's unit); ``None``: the lowest."""

    is_variational: ClassVar[bool] = False
    """States may be looked for inside the spectrum."""
    takes_models: ClassVar[bool] = True
    """It takes Pauli sums and matrices, too."""

    def __post_init__(self) -> None:
        given = self.symmetries
        several = (given,) if isinstance(given, Symmetry) else tuple(given)
        object.__setattr__(self, "symmetries", several)
        if not all(isinstance(one, Symmetry) for one in several):
            raise InputError(
                f"Filtration(symmetries={several!r}): use Symmetry(operator, value), one or more."
            )
        if self.near is not None and not np.isfinite(self.near):
            raise InputError(f"Filtration(near={self.near}): use a finite energy, or None.")

    @property
    def sampler(self) -> Metropolis | GibbsCircuit | None:
        """What draws configurations; the machine's."""
        return self.rbm.sampler

    def inputs(self) -> dict[str, Any]:
        """Return the settings that determine the result, as plain values."""
        return {
            "solver": "filtration",
            "rbm": self.rbm.inputs(),
            "symmetries": [one.inputs() for one in self.symmetries],
            "near": self.near,
        }

    def eigenpairs(
        self,
        hamiltonian: AnyHamiltonian,
        *,
        n_states: int,
        guess: Solution | None,
        backend: Backend,
        seed: int | None,
    ) -> Solution:
        """Return the states selected, ascending in energy; see ``solve``.

        Raises:
            InputError: If a symmetry does not commute with the Hamiltonian or lacks the value,
                there are fewer such states, or padding is nearer.
        """
        space = self.rbm.space(hamiltonian)
        terms = self._objective(hamiltonian, space, n_states)
        found = self.rbm.states(space, backend).lowest(
            terms, n_states, guess=guess, seed=DEFAULT_SEED if seed is None else seed
        )
        solution = machine_solution(hamiltonian, space, found)
        if self.near is not None:  # squares of distances are no energies
            solution = replace(solution, start_energies=None)
        return _with_levels(solution, space, terms)

    def _objective(self, hamiltonian: AnyHamiltonian, space: Space, n_states: int) -> PauliSum:
        """Return what is minimised: energies (the Hamiltonian's unit), or squares with ``near``."""
        scale = scaled(space.terms, space)
        terms, width = scale.terms, 2.0
        if self.near is not None:
            check_padding_is_far(hamiltonian, self.near)
            place = (self.near - scale.centre) / scale.half_width
            distance = terms - place * PauliSum.identity(space.n_qubits)
            terms, width = distance @ distance, (1.0 + abs(place)) ** 2
        if self.symmetries:
            penalties = [penalty(one, hamiltonian, space, scale) for one in self.symmetries]
            total = sum(penalties[1:], start=penalties[0])
            check_number(total, space, n_states)
            terms = terms + (MARGIN * width) * total
        return scale.half_width * terms + PauliSum.identity(space.n_qubits, scale.centre)


def _with_levels(found: Solution, space: Space, terms: PauliSum) -> Solution:
    """Add the exact energies of the states that the filter selects; NaN where not computed."""
    if space.size > MAX_LEVELS:
        return replace(found, reference_energies=np.full(found.n_states, np.nan))
    _, vectors = np.linalg.eigh(operator_on(terms, space.masks).toarray())
    operator = operator_on(space.terms, space.masks)
    chosen = vectors[:, : found.n_states]
    exact: FloatArray = np.sort(np.einsum("ik,ik->k", chosen.conj(), operator @ chosen).real)
    return replace(found, reference_energy=float(exact[0]), reference_energies=exact)
