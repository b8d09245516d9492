"""Nuclear gradients of active-space energies, from density matrices and orbital response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike
from pyscf import ao2mo, lib, scf
from pyscf.grad import rhf as rhf_gradients
from scipy.sparse.linalg import LinearOperator, cg

from qmlmat.errors import CapabilityError, InputError, MeanFieldError
from qmlmat.systems.active_orbitals import ActiveOrbitals
from qmlmat.systems.mean_field import MeanField
from qmlmat.systems.orbitals import DEGENERATE
from qmlmat.typing import BoolArray, FloatArray

FLAT: Final = 1e-7
"""Slope along a rotation of two orbitals that counts as none (hartree per radian)."""
SLOPED: Final = 1e-6
"""Such a slope from which a rotation that has no defined response is refused; below, left out."""
SAME_ORBITAL: Final = 1e-6
"""Largest error of an overlap of 0 or 1 between an active and a canonical orbital."""
RESPONSE_TOLERANCE: Final = 1e-10
"""Norm of the residual at which the coupled-perturbed equations are solved (hartree)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Problem:
    """An energy of density matrices, over core, active and empty orbitals in this order."""

    field: Any
    """A PySCF mean field of the molecule, for its integrals."""
    orbitals: FloatArray
    """Coefficients, shape ``(n_ao, n_mo)``."""
    n_core: int
    """Number of doubly occupied orbitals left out of the active space."""
    one_rdm: FloatArray
    """Of the active orbitals, shape ``(norb, norb)``."""
    two_rdm: FloatArray
    """Of the active orbitals, all eight symmetries, shape ``(norb, norb, norb, norb)``."""
    levels: FloatArray | None
    """Orbital energies, shape ``(n_mo,)`` (hartree); ``None`` unless orbitals are canonical."""
    n_occupied: int
    """Number of orbitals that Hartree-Fock fills twice; they come first."""
    turned: bool
    """Whether the active orbitals given were other combinations of these."""

    @property
    def active(self) -> slice:
        """Which orbitals are active."""
        return slice(self.n_core, self.n_core + len(self.one_rdm))

    @property
    def core_density(self) -> FloatArray:
        """Density of the core, shape ``(n_ao, n_ao)``."""
        core = self.orbitals[:, : self.n_core]
        return np.asarray(2 * core @ core.T)

    @property
    def active_density(self) -> FloatArray:
        """Density of the active electrons, shape ``(n_ao, n_ao)``."""
        active = self.orbitals[:, self.active]
        return np.asarray(active @ self.one_rdm @ active.T)

    def potential(self, density: FloatArray) -> FloatArray:
        """Return Coulomb less half of exchange of a symmetric density, ``(n_ao, n_ao)``."""
        coulomb, exchange = self.field.get_jk(self.field.mol, density, hermi=1)
        return np.asarray(coulomb - 0.5 * exchange)


def energy_gradient(
    mean_field: MeanField, orbitals: ActiveOrbitals, one_rdm: ArrayLike, two_rdm: ArrayLike
) -> FloatArray:
    """Return the derivative of an active-space energy by the positions of the nuclei.

    The energy must be stationary in whatever else the density matrices depend on: the coefficients
    of a CI vector, or the angles of a circuit. It need not be stationary in the orbitals. With
    ``I`` the orbital gradient, ``E`` changes by ``2 sum I_pq U_pq`` where orbitals change by ``U``:

        dE/dx = sum h^x D + 1/2 sum (pq|rs)^x G
                + 2 sum Z_pq (F^x_pq - e_q S^x_pq) - sum W_pq S^x_pq

    with one solution ``Z`` of the coupled-perturbed Hartree-Fock equations for all nuclei.
    Rotations among orbitals of the same occupation are part of it: a circuit's energy depends on
    them, also inside of the active space.

    Args:
        mean_field: The closed-shell solution whose canonical orbitals these are.
        orbitals: The orbitals of the density matrices.
        one_rdm: ``<a†_p a_q>`` over the active orbitals, shape ``(norb, norb)``.
        two_rdm: In chemists' order, as ``qmlmat.systems.two_rdm`` gives it, shape
            ``(norb, norb, norb, norb)``.

    Returns:
        Shape ``(n_atoms, 3)`` (hartree per bohr).

    Raises:
        CapabilityError: If the energy depends on orbitals whose response is not known: of an open
            shell, natural or AVAS orbitals, canonical ones turned among each other, or orbitals of
            the same energy.
        InputError: If orbitals or density matrices do not fit.
        MeanFieldError: If the response equations have no solution, as at a saddle point.

    References:
        N. C. Handy and H. F. Schaefer, J. Chem. Phys. 81, 5031 (1984), doi:10.1063/1.447489 (one
        response for all nuclei).
    """
    problem = _problem(mean_field, orbitals, one_rdm, two_rdm)
    slopes = _orbital_gradient(problem)
    response, weighted = _response(problem, slopes)
    back = problem.orbitals
    return _assembled(problem, back @ (response + response.T) @ back.T, back @ weighted @ back.T)


def _problem(
    mean_field: MeanField, orbitals: ActiveOrbitals, one_rdm: ArrayLike, two_rdm: ArrayLike
) -> _Problem:
    molecule = mean_field.molecule
    one, two = np.asarray(one_rdm).real, np.asarray(two_rdm).real
    norb = orbitals.norb
    if one.shape != (norb, norb) or two.shape != (norb,) * 4:
        raise InputError(
            f"energy_gradient: density matrices of shapes {one.shape} and {two.shape} over {norb} "
            "active orbitals. Use one_rdm(state) and two_rdm(state) of the same Hamiltonian."
        )
    if not np.array_equal(orbitals.positions, molecule.positions):
        raise InputError(
            "energy_gradient: mean field and orbitals belong to different geometries. Use "
            "run_mean_field(molecule.with_positions(orbitals.positions))."
        )
    mole = molecule.to_pyscf()
    canonical = np.asarray(mean_field.mo_coeff)
    inside = canonical.T @ mole.intor_symmetric("int1e_ovlp")
    core, active = _places(inside @ orbitals.inactive), _places(inside @ orbitals.active)
    n_core, known = orbitals.inactive.shape[1], core is not None and active is not None
    levels, turn, turned = None, np.eye(norb), False
    coefficients = np.hstack([orbitals.inactive, orbitals.active, orbitals.virtual(molecule)])
    if core is not None and active is not None:
        rest = np.setdiff1d(np.arange(canonical.shape[1]), np.concatenate([core, active]))
        order = np.concatenate([core, active, rest])
        coefficients, levels = canonical[:, order], np.asarray(mean_field.mo_energy)[order]
        turn = (inside @ orbitals.active)[active]
        turned = bool(np.abs(np.abs(turn).max(axis=1) - 1).max(initial=0.0) > SAME_ORBITAL)
    one = turn @ one @ turn.T
    two = np.einsum("pqrs,ap,bq,cr,ds->abcd", two, turn, turn, turn, turn, optimize=True)
    closed = known and bool(np.isin(mean_field.mo_occ, (0, 2)).all())
    return _Problem(
        field=scf.RHF(mole),
        orbitals=coefficients,
        n_core=n_core,
        one_rdm=0.5 * (one + one.T),
        two_rdm=symmetric_repulsion(two),
        levels=levels if closed else None,
        n_occupied=int(np.count_nonzero(mean_field.mo_occ)),
        turned=turned,
    )


def _places(overlap: FloatArray) -> Any | None:  # noqa: ANN401 (integers, or nothing)
    """Return which canonical orbitals others are combinations of; ``None`` if of parts of them."""
    weights = (overlap**2).sum(axis=1)
    places = np.flatnonzero(weights > 0.5)
    whole = np.zeros(len(weights))
    whole[places] = 1
    return places if np.abs(weights - whole).max(initial=0.0) < SAME_ORBITAL else None


def symmetric_repulsion(array: FloatArray) -> FloatArray:
    """Return the part of an array ``(norb,) * 4`` that has the eight symmetries of repulsion."""
    mean = 0.5 * (array + array.transpose(1, 0, 2, 3))
    mean = 0.5 * (mean + mean.transpose(0, 1, 3, 2))
    return np.asarray(0.5 * (mean + mean.transpose(2, 3, 0, 1)))


def _orbital_gradient(problem: _Problem) -> FloatArray:
    """Return ``I``: the energy changes by ``2 sum I_pq U_pq`` with orbitals ``C (1 + U)``."""
    orbitals, active = problem.orbitals, problem.active
    mole, inside = problem.field.mol, orbitals[:, active]
    n_mo, norb = orbitals.shape[1], inside.shape[1]
    with_core = problem.field.get_hcore() + problem.potential(problem.core_density)
    total = with_core + problem.potential(problem.active_density)
    slopes = np.zeros((n_mo, n_mo))
    slopes[:, : problem.n_core] = 2 * orbitals.T @ total @ orbitals[:, : problem.n_core]
    slopes[:, active] = orbitals.T @ with_core @ inside @ problem.one_rdm
    repulsion = ao2mo.kernel(mole, (inside, inside, orbitals, inside), compact=False)
    repulsion = repulsion.reshape(norb, norb, n_mo, norb)
    slopes[:, active] += np.einsum("uviw,uvtw->it", repulsion, problem.two_rdm, optimize=True)
    return slopes


def _response(problem: _Problem, slopes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return ``Z`` and ``W`` over orbitals, both ``(n_mo, n_mo)`` (hartree for ``W``)."""
    uneven = slopes - slopes.T
    response, weighted = np.zeros_like(slopes), 0.5 * (slopes + slopes.T)
    if np.abs(uneven).max(initial=0.0) <= FLAT:
        return response, weighted
    if problem.levels is None:
        raise CapabilityError(
            f"energy_gradient: the energy changes by {2 * np.abs(uneven).max():.1e} hartree per "
            "radian where orbitals turn, and how they turn with the nuclei is known for canonical "
            "orbitals of a closed shell alone. Use spin=0 and an active space of canonical "
            "orbitals, all of them with Exact(), or optimise the orbitals: "
            "qmlmat.plugins.pyscf.SolverCI in PySCF's CASSCF."
        )
    levels, occupied = problem.levels, np.arange(len(slopes)) < problem.n_occupied
    alike = _checked_pairs(problem, uneven, occupied)
    gaps = levels[None, :] - levels[:, None]
    response[alike] = slopes[alike] / gaps[alike]
    weighted[alike] = 0
    n = problem.n_occupied
    weighted[n:, :n], weighted[:n, n:] = slopes[:n, n:].T, slopes[:n, n:]
    response[n:, :n] = _coupled(problem, response, uneven)
    back = problem.orbitals
    field = back.T @ problem.potential(back @ (response + response.T) @ back.T) @ back
    weighted += response * levels + (response * levels).T
    weighted[:n, :n] += 2 * field[:n, :n]
    return response, weighted


def _checked_pairs(problem: _Problem, uneven: FloatArray, occupied: BoolArray) -> BoolArray:
    """Return the pairs of one occupation whose rotation changes the energy, ``(n_mo, n_mo)``."""
    assert problem.levels is not None
    pairs = (np.abs(uneven) > FLAT) & (occupied[:, None] == occupied[None, :])
    close = np.abs(problem.levels[:, None] - problem.levels[None, :]) < DEGENERATE
    steep = pairs & (np.abs(uneven) > SLOPED)
    if (steep & close).any():
        raise CapabilityError(
            "energy_gradient: the energy depends on how orbitals of the same energy are turned "
            f"({2 * np.abs(uneven[steep & close]).max():.1e} hartree per radian), and so has no "
            "derivative here. Use an active space that keeps or leaves the degenerate shell as a "
            "whole, a circuit that is exact in it, or Exact()."
        )
    inside = np.zeros_like(pairs)
    inside[problem.active, problem.active] = problem.turned
    if (steep & inside).any():
        raise CapabilityError(
            "energy_gradient: the circuit's energy changes by "
            f"{2 * np.abs(uneven[steep & inside]).max():.1e} hartree per radian where active "
            "orbitals turn among each other, and these are turned towards another geometry's. Use "
            'canonical orbitals, SolverSurface(orbitals="canonical"), or Exact().'
        )
    return np.asarray(pairs & ~close & ~inside)


def _coupled(problem: _Problem, response: FloatArray, uneven: FloatArray) -> FloatArray:
    """Return the occupied-empty part of ``Z``, shape ``(n_empty, n_occupied)``."""
    n, back = problem.n_occupied, problem.orbitals
    occupied, empty = back[:, :n], back[:, n:]

    def field(matrix: FloatArray) -> FloatArray:
        return np.asarray(2 * empty.T @ problem.potential(matrix) @ occupied)

    def coupling(flat: FloatArray) -> FloatArray:
        step = empty @ flat.reshape(empty.shape[1], n) @ occupied.T
        return field(step + step.T).reshape(np.shape(flat))

    source = uneven[n:, :n] + field(back @ (response + response.T) @ back.T)
    assert problem.levels is not None
    gaps = (problem.levels[n:, None] - problem.levels[None, :n]).ravel()
    # Symmetric, and positive at a minimum of Hartree-Fock.
    matrix = LinearOperator(
        (gaps.size, gaps.size),
        matvec=lambda flat: gaps * flat.ravel() + coupling(flat.ravel()),
        dtype=np.float64,
    )
    inverse = LinearOperator(
        matrix.shape, matvec=lambda flat: flat.ravel() / gaps, dtype=np.float64
    )
    found, failed = cg(
        matrix, -source.ravel(), M=inverse, rtol=0.0, atol=RESPONSE_TOLERANCE, maxiter=500
    )
    if failed:
        raise MeanFieldError(
            "energy_gradient: the coupled-perturbed equations of the orbitals did not converge. "
            "Check that Hartree-Fock is a minimum here, or use another geometry."
        )
    return np.asarray(found).reshape(source.shape)


def _assembled(problem: _Problem, response: FloatArray, weighted: FloatArray) -> FloatArray:
    """Return the gradient from matrices over atomic orbitals, shape ``(n_atoms, 3)``."""
    mole = problem.field.mol
    core, active = problem.core_density, problem.active_density
    filled = problem.orbitals[:, : problem.n_occupied]
    reference = 2 * filled @ filled.T
    gradients = problem.field.nuc_grad_method()
    one_electron, overlap = gradients.hcore_generator(mole), gradients.get_ovlp(mole)
    densities = (core, active, reference, response)
    fields = []
    for density in densities:
        coulomb, exchange = rhf_gradients.get_jk(mole, density)
        fields.append(coulomb - 0.5 * exchange)
    pairs = ((0, core + active), (1, core), (2, response), (3, reference))
    found = np.asarray(gradients.grad_nuc(mole)) + _active_repulsion(problem)
    for atom, (_, _, first, last) in enumerate(mole.aoslice_by_atom()):
        own = slice(first, last)
        found[atom] += np.einsum("xij,ij->x", one_electron(atom), core + active + response)
        for k, density in pairs:
            found[atom] += 2 * np.einsum("xij,ij->x", fields[k][:, own], density[own])
        found[atom] -= 2 * np.einsum("xij,ij->x", overlap[:, own], weighted[own])
    return found


def _active_repulsion(problem: _Problem) -> FloatArray:
    """Return what the two-particle density matrix gives, shape ``(n_atoms, 3)``."""
    mole, active = problem.field.mol, problem.orbitals[:, problem.active]
    half = np.einsum("tuvw,rv,sw->turs", problem.two_rdm, active, active, optimize=True)
    n_ao = active.shape[0]
    half[:, :, np.arange(n_ao), np.arange(n_ao)] *= 0.5
    packed = 2 * lib.pack_tril(half.reshape(-1, n_ao, n_ao)).reshape(*half.shape[:2], -1)
    found, slices = np.zeros((mole.natm, 3)), mole.aoslice_by_atom()
    for atom, (shell, last_shell, start, stop) in enumerate(slices):
        for other, last_other, begin, end in slices:
            block = mole.intor(
                "int2e_ip1",
                comp=3,
                aosym="s2kl",
                shls_slice=(shell, last_shell, other, last_other, 0, mole.nbas, 0, mole.nbas),
            ).reshape(3, stop - start, end - begin, -1)
            density = np.einsum(
                "tuw,pt,qu->pqw", packed, active[start:stop], active[begin:end], optimize=True
            )
            found[atom] -= 2 * np.einsum("xpqw,pqw->x", block, density, optimize=True)
    return found
