"""Equation of motion: excited states by excitations out of a ground state that a circuit made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from qmlmat.backends import StateBackend
from qmlmat.errors import InputError, nearest
from qmlmat.solvers.base import Solution
from qmlmat.solvers.ground import FromGroundState
from qmlmat.solvers.manifold import Manifold, check_closed_shell, manifolds
from qmlmat.solvers.response import SMALLEST_METRIC, Response
from qmlmat.solvers.roots import Root, ritz_roots
from qmlmat.solvers.subspace import rayleigh_ritz
from qmlmat.systems import MolecularHamiltonian

Method = Literal["q-sc-EOM", "qEOM"]
"""Excitations inside the circuit, or bare ones and their commutators."""


@dataclass(frozen=True)
class EOM(FromGroundState):
    """Excited states as excitations of a ground state.

    ``"q-sc-EOM"``: the Hamiltonian in the span of ``U G_i|HF>``, with ``U`` the ground state's
    circuit and ``G_i`` the excitations of the manifold, spin by spin and irrep by irrep. An
    ordinary eigenproblem, exact where the ground state is exact, the manifold complete, and the
    circuit keeps spin, on every state and not on the ground state alone. ``"qEOM"``: the linear
    response of the ground state to ``G_i`` and ``G_i†``, from double commutators and their metric.

    The roots are those the manifold holds, not the lowest of the sector: states of higher rank are
    missing, and a note names them where the exact levels are known. The ground state is among
    them where multiplicity and irrep are its own.

    References:
        A. Asthana et al., Chem. Sci. 14, 2405 (2023), doi:10.1039/D2SC05371C (q-sc-EOM).
        P. J. Ollitrault et al., Phys. Rev. Res. 2, 043140 (2020),
        doi:10.1103/PhysRevResearch.2.043140 (qEOM).

    Example:
        >>> import qmlmat as qm
        >>> h2 = qm.molecular_hamiltonian(qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.75"))
        >>> found = qm.solve(h2, qm.EOM("q-sc-EOM"), n_states=4)
        >>> [round(float(e), 6) for e in found.energies - found.energies[0]]
        [0.0, 0.594335, 0.957878, 1.596922]
    """

    method: Method = "q-sc-EOM"
    """Which equation of motion."""

    is_variational: ClassVar[bool] = False
    """Whether each energy is an upper bound on the exact one of the same place."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.method not in get_args(Method):
            raise InputError(
                f'EOM("{self.method}"): no such method. '
                f"{nearest(str(self.method), get_args(Method))}"
            )

    def inputs(self) -> dict[str, Any]:
        """Return the settings that determine the result, as plain values."""
        return {**super().inputs(), "method": self.method}

    def eigenpairs(
        self,
        hamiltonian: MolecularHamiltonian,
        *,
        n_states: int,
        guess: Solution | None,
        backend: StateBackend,
        seed: int | None,
    ) -> Solution:
        """Return the ground state and the lowest roots; see ``solve``.

        Raises:
            InputError: If the manifold holds fewer states, or qEOM meets an open shell.
            CapabilityError: If the backend gives no gradients or no states.
        """
        if self.method == "qEOM":
            check_closed_shell("EOM(qEOM)", hamiltonian)
        ground = self.ground_state(hamiltonian, guess=guess, backend=backend, seed=seed)
        roots: list[Root] = []
        metrics: list[float] = []
        n_unstable = 0
        assert ground.states is not None
        for manifold in manifolds(
            hamiltonian, self.manifold, multiplicity=self.multiplicity, irrep=self.irrep
        ):
            if manifold.holds_ground:
                roots.append(Root(energy=ground.energy, state=ground.states[0]))
            if not manifold.size:
                continue
            if self.method == "q-sc-EOM":
                roots += _inside(manifold, ground, backend, n_states)
                continue
            response = Response.of(manifold, ground.states[0])
            found, unstable = response.roots(ground.energy)
            roots += found
            metrics.append(response.smallest)
            n_unstable += unstable
        notes = _response_notes(metrics, n_unstable)
        return self.finished(hamiltonian, ground, roots, n_states, notes)


def _inside(
    manifold: Manifold, ground: Solution, backend: StateBackend, n_states: int
) -> list[Root]:
    """Return the roots of the Hamiltonian in the manifold inside the circuit."""
    assert ground.circuit is not None
    assert ground.params is not None
    vectors = backend.apply(ground.circuit, manifold.vectors(), ground.params)
    return ritz_roots(rayleigh_ritz(manifold.hamiltonian, vectors), n_states)


def _response_notes(metrics: list[float], n_unstable: int) -> tuple[str, ...]:
    notes = []
    if metrics:
        notes.append(
            f"Smallest singular value of qEOM's metric: {min(metrics):.1e} (directions below "
            f"{SMALLEST_METRIC:.0e} are dropped)."
        )
    if n_unstable:
        notes.append(
            f"{n_unstable} roots of qEOM are not real: the ground state is unstable against them, "
            "and they are left out."
        )
    return tuple(notes)
