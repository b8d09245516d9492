"""Our solvers inside of PySCF: as the CI solver of CASCI, CASSCF and what stands on them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from pyscf import ao2mo, lib, mcscf
from pyscf.fci import addons, direct_spin1
from pyscf.mcscf.addons import StateAverageMCSCFSolver
from pyscf.mcscf.casci import CASBase

from qmlmat.ansatz import Circuit
from qmlmat.backends import SectorBackend, StateBackend
from qmlmat.errors import CapabilityError, InputError, QmlmatWarning
from qmlmat.plugins._states import as_pyscf, check_eigenstates, electrons
from qmlmat.solvers import Solution, Solver, solve
from qmlmat.systems import MolecularHamiltonian
from qmlmat.systems.gradients import symmetric_repulsion


class SolverCI(direct_spin1.FCISolver):  # type: ignore[misc] # PySCF is untyped
    """A solver of this package where PySCF expects one of its CI solvers.

    PySCF makes the integrals, density matrices, orbital rotations and NEVPT2; the states come from
    ``solver``. The active space's integrals arrive in PySCF's orbitals as they are: no gauge is
    fixed, so a circuit that is not exact may depend on how degenerate orbitals are turned.

    Each search begins at the parameters of the one before, where the sector is the same. PySCF's
    own start (``ci0``), tolerances and limits are not used: the solver has its own.

    References:
        Q. Sun et al., J. Chem. Phys. 153, 024109 (2020), doi:10.1063/5.0006074 (PySCF).

    Example:
        >>> import qmlmat as qm
        >>> from pyscf import gto, mcscf, scf
        >>> mf = scf.RHF(gto.M(atom="Li 0 0 0; H 0 0 1.6", verbose=0)).run()
        >>> mc = mcscf.CASSCF(mf, 2, 2)
        >>> mc.fcisolver = SolverCI(mf.mol, qm.VQE("uccsd"))
        >>> round(float(mc.kernel()[0]), 6)
        -7.881045
    """

    _keys = frozenset({"solver", "backend", "seed", "solution", "guess"})

    solver: Solver
    """What finds the states."""
    backend: StateBackend
    """Where circuits run."""
    seed: int | None
    """Seed of everything random in the solver."""
    solution: Solution | None
    """The last full answer: states, status, circuit, notes; ``None`` before the first."""
    guess: Solution | None
    """Where the next search begins; set it to ``None`` to begin afresh."""

    def __init__(
        self,
        mol: Any,  # noqa: ANN401 (a PySCF Mole, or None)
        solver: Solver,
        *,
        backend: StateBackend | None = None,
        seed: int | None = None,
    ) -> None:
        if isinstance(solver, type) or not isinstance(solver, Solver):
            raise InputError(
                f"SolverCI(solver={solver!r}): this is no solver. Use a value such as "
                'Exact() or VQE("uccsd").'
            )
        super().__init__(mol)
        self.solver, self.seed = solver, seed
        self.backend = SectorBackend() if backend is None else backend
        self.solution = self.guess = None
        self._in_use = False

    def dump_flags(self, verbose: Any = None) -> SolverCI:  # noqa: ANN401
        """Log what solves; see ``FCISolver.dump_flags``."""
        log = lib.logger.new_logger(self, verbose)
        log.info("******** %s ********", self.__class__)
        log.info("solver = %s", self.solver)
        log.info("nroots = %d", self.nroots)
        return self

    # PySCF's wrappers for averages and single states are subclasses made at run time: they override
    # both kernels, and call up. So neither of them may call the other one.

    def kernel(  # noqa: PLR0913, PLR0917 (PySCF's signature)
        self,
        h1e: ArrayLike,
        eri: ArrayLike,
        norb: int,
        nelec: int | tuple[int, int],
        ci0: Any = None,  # noqa: ANN401, ARG002
        ecore: float = 0.0,
        nroots: int | None = None,
        orbsym: Any = None,  # noqa: ANN401
        wfnsym: Any = None,  # noqa: ANN401
        **_: Any,  # noqa: ANN401 (PySCF's tolerances and limits)
    ) -> tuple[Any, Any]:
        """Return the energies and states that the solver finds, checked as ``solve`` does.

        Args:
            h1e: One-electron integrals, shape ``(norb, norb)`` (hartree).
            eri: Repulsion in chemists' order, full or packed (hartree).
            norb: Number of active orbitals.
            nelec: Active electrons, in total or by spin.
            ci0: Not used.
            ecore: Energy of core and nuclei (hartree).
            nroots: Number of states; by default the attribute.
            orbsym: Refused.
            wfnsym: Refused.

        Returns:
            Energy and state, or a list of each for several roots, as PySCF's solvers do.

        Raises:
            InputError: If integrals, electrons or spin do not fit, or symmetry labels are given.
            CapabilityError: If states are complex, or ``fix_spin_`` was applied.
        """
        self._refuse_labels(orbsym, wfnsym)
        hamiltonian = self._hamiltonian(h1e, eri, norb, nelec, float(ecore))
        n_states = self.nroots if nroots is None else int(nroots)
        found = solve(
            hamiltonian,
            self.solver,
            n_states=n_states,
            guess=self._start(hamiltonian, n_states),
            backend=self.backend,
            seed=self.seed,
        )
        if not found.is_converged:
            warnings.warn(
                f"SolverCI({self.solver}): {found.status}. {found.advice} PySCF's CASSCF calls "
                "itself converged by its orbitals alone: see mc.fcisolver.converged, or make mc "
                "with qmlmat.plugins.pyscf.with_solver.",
                QmlmatWarning,
                stacklevel=2,
            )
        self.solution = self.guess = found
        self.norb, self.nelec, self._in_use = hamiltonian.norb, hamiltonian.nelec, False
        self.converged = found.is_converged if n_states == 1 else [found.is_converged] * n_states
        self.eci, self.ci = as_pyscf(found)
        return self.eci, self.ci

    def approx_kernel(  # noqa: PLR0913, PLR0917 (PySCF's signature)
        self,
        h1e: ArrayLike,
        eri: ArrayLike,
        norb: int,
        nelec: int | tuple[int, int],
        ci0: Any = None,  # noqa: ANN401, ARG002
        ecore: float = 0.0,
        nroots: int | None = None,
        orbsym: Any = None,  # noqa: ANN401
        wfnsym: Any = None,  # noqa: ANN401
        **_: Any,  # noqa: ANN401 (PySCF's tolerances and limits)
    ) -> tuple[Any, Any]:
        """Return energies and states inside of CASSCF's orbital steps; see ``kernel``.

        A full search from the last parameters, without the exact reference and the checks of
        ``solve``. Searches cut short, or damped, took as many orbital steps in seven CASSCF.
        """
        self._refuse_labels(orbsym, wfnsym)
        hamiltonian = self._hamiltonian(h1e, eri, norb, nelec, float(ecore))
        n_states = self.nroots if nroots is None else int(nroots)
        self.guess = self.solver.eigenpairs(
            hamiltonian,
            n_states=n_states,
            guess=self._start(hamiltonian, n_states),
            backend=self.backend,
            seed=self.seed,
        )
        return as_pyscf(self.guess)

    def make_rdm12(self, *args: Any, **keywords: Any) -> Any:  # noqa: ANN401
        """Return PySCF's density matrices of a state; see ``FCISolver.make_rdm12``."""
        self._in_use = True
        return super().make_rdm12(*args, **keywords)

    def gen_linkstr(self, norb: int, nelec: Any, tril: bool = True, spin: Any = None) -> Any:  # noqa: ANN401
        """Return PySCF's tables for the response of CI vectors, where there may be one.

        Raises:
            CapabilityError: In second-order CASSCF, which would optimise PySCF's own CI vector; and
                for states that are not eigenstates, whose response is not that of a CI vector.
        """
        # First-order CASSCF takes density matrices after every search, newton() these tables.
        if not self._in_use:
            raise CapabilityError(
                f"newton() with SolverCI({self.solver}): second-order CASSCF optimises a CI vector "
                "of PySCF's, not what this solver finds. Use mcscf.CASSCF without newton()."
            )
        check_eigenstates(self.solution, "The response of CI vectors")
        return super().gen_linkstr(norb, nelec, tril, spin)

    def _start(self, hamiltonian: MolecularHamiltonian, n_states: int) -> Solution | None:
        """Return the last solution, if its parameters are for the same sector and states."""
        last = self.guess
        if last is None or not isinstance(last.circuit, Circuit) or last.n_states != n_states:
            return None
        same = (last.circuit.norb, last.circuit.nelec) == (hamiltonian.norb, hamiltonian.nelec)
        return last if same else None

    def _refuse_labels(self, orbsym: Any, wfnsym: Any) -> None:  # noqa: ANN401
        if isinstance(self, addons.SpinPenaltyFCISolver):
            raise CapabilityError(
                f"fix_spin_ on SolverCI({self.solver}): the solver would not see its penalty. Give "
                "the solver a spin_penalty, or a multiplicity where it has one."
            )
        given = {"orbsym": orbsym, "wfnsym": wfnsym}
        for name, value in given.items():
            label = getattr(self, name, None) if value is None else value
            if label is not None:
                raise InputError(
                    f"SolverCI({name}={label!r}): orbital and state symmetries of PySCF are not "
                    "used. Build the molecule with symmetry=False; the solvers find idle "
                    "generators by themselves (screening=Screening())."
                )

    def _hamiltonian(
        self,
        h1e: ArrayLike,
        eri: ArrayLike,
        norb: int,
        nelec: int | tuple[int, int],
        core_energy: float,
    ) -> MolecularHamiltonian:
        one = np.asarray(h1e, dtype=np.float64)
        if one.shape != (norb, norb):
            raise InputError(
                f"SolverCI.kernel(h1e of shape {one.shape}, norb={norb}): one set of orbitals for "
                "both spins is expected. Use RHF or ROHF orbitals, mcscf.CASCI and mcscf.CASSCF."
            )
        full = np.asarray(eri, dtype=np.float64)
        two = ao2mo.restore(1, full, norb).reshape((norb,) * 4)
        return MolecularHamiltonian(
            one_body=0.5 * (one + one.T),
            two_body=symmetric_repulsion(two),
            core_energy=core_energy,
            nelec=electrons(nelec, self.spin),
        )


def with_solver(
    mc: Any,  # noqa: ANN401 (a PySCF CASCI or CASSCF object)
    solver: Solver,
    *,
    backend: StateBackend | None = None,
    seed: int | None = None,
) -> Any:  # noqa: ANN401
    """Return a CASCI or CASSCF object of PySCF that a solver of this package serves.

    The same as ``mc.fcisolver = SolverCI(mol, solver)``, and three guards that only ``mc`` can
    have: it is converged if orbitals *and* solver are; ``newton()`` is refused; and so are
    gradients where they would miss part of the derivative.

    Args:
        mc: ``mcscf.CASCI(mf, norb, nelec)`` or ``mcscf.CASSCF(...)``; averages and single excited
            states are asked of the result (``state_average_``, ``state_specific_``).
        solver: What finds the states, e.g. ``VQE("uccsd")``.
        backend: Where circuits run; default ``SectorBackend()``.
        seed: Seed of everything random in the solver.

    Raises:
        InputError: If ``mc`` or ``solver`` is something else.
    """
    if not isinstance(mc, CASBase) or np.ndim(mc.ncore):
        raise InputError(
            f"with_solver({type(mc).__name__}, ...): expected PySCF's CASCI or CASSCF over "
            "restricted orbitals. Use mcscf.CASSCF(mf, norb, nelec)."
        )
    if isinstance(mc, StateAverageMCSCFSolver):
        raise InputError(
            "with_solver(an average of states, ...): it has a CI solver already. Use "
            "with_solver(mc, solver).state_average_(weights)."
        )
    mc = mc.view(mc.__class__)
    mc.fcisolver = SolverCI(mc.mol, solver, backend=backend, seed=seed)
    if isinstance(mc, _Guarded):
        return mc
    return lib.set_class(mc, (_Guarded, mc.__class__))


class _Guarded:
    """What a CASCI or CASSCF object with one of our solvers knows better than PySCF's."""

    __name_mixin__ = "QmlmatSolver"

    converged: bool
    fcisolver: Any
    internal_rotation: bool

    def _finalize(self) -> Any:  # noqa: ANN401
        self.converged = bool(self.converged and np.all(self.fcisolver.converged))
        return super()._finalize()  # type: ignore[misc]

    def newton(self) -> Any:  # noqa: ANN401
        """Refuse: PySCF would optimise a CI vector of its own."""
        raise CapabilityError(
            "newton() with a solver of qmlmat: second-order CASSCF optimises a CI vector of "
            "PySCF's, not what the solver finds. Use mcscf.CASSCF without newton()."
        )

    def nuc_grad_method(self) -> Any:  # noqa: ANN401
        """Return PySCF's gradients, which are refused where they would lack terms."""
        found = super().nuc_grad_method()  # type: ignore[misc]
        return lib.set_class(found, (_GuardedGradients, found.__class__))

    def _state_average_nuc_grad_method(self, state: int | None = None) -> Any:  # noqa: ANN401
        found = super()._state_average_nuc_grad_method(state=state)  # type: ignore[misc]
        return lib.set_class(found, (_GuardedGradients, found.__class__))

    Gradients = nuc_grad_method


class _GuardedGradients:
    """PySCF's gradients, where they are the derivative of the energies found."""

    __name_mixin__ = "Guarded"

    base: Any

    def kernel(self, *args: Any, **keywords: Any) -> Any:  # noqa: ANN401
        """Return the gradient; see PySCF's ``kernel``.

        Raises:
            CapabilityError: If the states are not eigenstates, and their orbitals not optimised
                in every rotation.
        """
        mc = self.base
        if mc.ci is None:
            mc.run()
        one_state = isinstance(mc, mcscf.mc1step.CASSCF) and mc.fcisolver.nroots == 1
        if not (one_state and mc.internal_rotation):
            check_eigenstates(mc.fcisolver.solution, "PySCF's gradient")
        return super().kernel(*args, **keywords)  # type: ignore[misc]
