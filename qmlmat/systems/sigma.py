"""Sigma vectors and density matrices: the only caller of PySCF's CI kernels.

States are sector arrays, shape ``(n_alpha_strings, n_beta_strings)``, real or complex. The
operators are real: a complex state is two real ones, and results are complex if a state is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
from pyscf.fci import cistring, direct_spin1

from qmlmat.operators.lane_kernels import WIDE
from qmlmat.operators.parallel import get_num_threads, run_parts
from qmlmat.operators.sector import Sector
from qmlmat.systems.planes import checked_state, joined_planes, real_planes
from qmlmat.systems.sigma_kernels import sigma_rows
from qmlmat.systems.sigma_tables import pair_integrals, spin_matrix, spin_tables, tables_fit
from qmlmat.systems.threads import threads_for
from qmlmat.typing import FloatArray, IntArray, StateArray

PARALLEL_DIMENSION: Final = 20_000
"""Size from which a sigma build uses several threads (determinants, times real vectors)."""


@lru_cache(maxsize=32)
def _links(norb: int, n_electrons: int, *, triangular: bool) -> IntArray:
    """Return PySCF's table of single excitations of one spin's strings, read-only."""
    table: IntArray = cistring.gen_linkstr_index(range(norb), n_electrons, None, triangular)
    if n_electrons == 0:
        table = np.zeros((1, 0, 4), dtype=np.int32)
    table = np.ascontiguousarray(table)
    table.flags.writeable = False
    return table


class SigmaBuilder:
    """Applies ``sum h_pq E_pq + 1/2 sum (pq|rs) (E_pq E_rs - delta_qr E_ps) + constant``.

    Tables and matrices are made once; every ``apply`` after that allocates only its result and
    buffers of a few rows. Where they would be too large (``tables_fit``), PySCF's kernel, which
    needs none, does the work.

    Args:
        one_body: Symmetric integrals ``h_pq``, shape ``(norb, norb)`` (hartree).
        two_body: ``(pq|rs)`` of real orbitals, chemists' order, shape ``(norb,) * 4`` (hartree).
        nelec: Electrons by spin.
        constant: Multiple of the identity added (hartree).
    """

    def __init__(
        self,
        one_body: FloatArray,
        two_body: FloatArray,
        nelec: tuple[int, int],
        *,
        constant: float = 0.0,
    ) -> None:
        self.sector = Sector(int(one_body.shape[0]), nelec)
        self.constant = float(constant)
        self._one_body, self._two_body = one_body, two_body
        self._compiled = tables_fit(self.sector)

    def __getstate__(self) -> dict[str, object]:
        """Leave out what is made again where it is needed."""
        made = ("_operands", "_absorbed")
        return {key: value for key, value in vars(self).items() if key not in made}

    def apply(self, state: StateArray) -> StateArray:
        """Return the operator applied to ``state``, in the shape of ``state``.

        Args:
            state: One state, in the sector's shape or flattened, or several, shape ``(n_states,
                n_alpha_strings, n_beta_strings)``; real or complex.
        """
        array = checked_state("SigmaBuilder.apply", state, self.sector, stacked=True)
        planes = real_planes(array, self.sector)
        image = self._image(planes) if self._compiled else self._image_by_pyscf(planes)
        return joined_planes(image, array)

    @cached_property
    def _operands(self) -> tuple[object, ...]:
        """Everything ``sigma_rows`` needs besides states."""
        norb, nelec = self.sector.norb, self.sector.nelec
        alpha, beta = (spin_tables(norb, n) for n in nelec)
        alpha_values = spin_matrix(alpha, self._one_body, self._two_body)
        same = beta is alpha
        beta_values = alpha_values if same else spin_matrix(beta, self._one_body, self._two_body)
        return (
            self.constant,
            pair_integrals(self._two_body),
            alpha.occupied,
            (alpha.pair_start, alpha.lane_from, alpha.lane_to, alpha.lane_sign),
            (beta.occupied, beta.singles, beta.single_code, beta.columns),
            (alpha.columns, alpha_values),
            beta_values,
            WIDE,
        )

    def _image(self, planes: FloatArray) -> FloatArray:
        image, operands, n_rows = np.empty(planes.shape), self._operands, planes.shape[1]
        planes = planes.view()
        planes.flags.writeable = False  # one compiled kernel, whatever the caller's array allows
        n_parts = min(get_num_threads(), n_rows) if planes.size >= PARALLEL_DIMENSION else 1
        if n_parts == 1:
            sigma_rows(planes, image, 0, n_rows, *operands)
            return image

        def part(k: int) -> None:
            low, high = k * n_rows // n_parts, (k + 1) * n_rows // n_parts
            sigma_rows(planes, image, low, high, *operands)

        run_parts(part, n_parts)
        return image

    @cached_property
    def _absorbed(self) -> FloatArray:
        """The integrals as PySCF's kernel takes them."""
        norb, nelec = self.sector.norb, self.sector.nelec
        absorbed = direct_spin1.absorb_h1e(self._one_body, self._two_body, norb, nelec, 0.5)
        return np.ascontiguousarray(absorbed)

    def _image_by_pyscf(self, planes: FloatArray) -> FloatArray:
        image, (norb, nelec) = self.constant * planes, (self.sector.norb, self.sector.nelec)
        if sum(nelec) == 0:
            return image
        tables = tuple(_links(norb, n, triangular=True) for n in nelec)
        with threads_for(self.sector.dimension, worth_it=PARALLEL_DIMENSION):
            for k, plane in enumerate(planes):
                image[k] += direct_spin1.contract_2e(self._absorbed, plane, norb, nelec, tables)
        return image

    def diagonal(self) -> StateArray:
        """Return the diagonal in the sector's determinants, shape of a state."""
        if sum(self.sector.nelec) == 0:
            return np.full(self.sector.shape, self.constant)
        diagonal = direct_spin1.make_hdiag(
            self._one_body, self._two_body, self.sector.norb, self.sector.nelec
        )
        result: StateArray = np.asarray(diagonal).reshape(self.sector.shape) + self.constant
        return result


def transition_one_rdm(
    bra: StateArray,
    ket: StateArray,
    norb: int,
    nelec: tuple[int, int],
    *,
    spin_resolved: bool = False,
) -> FloatArray:
    """Return the one-particle transition matrix ``<bra|a†_p a_q|ket>``.

    Args:
        bra: Sector vector, complex-conjugated here.
        ket: Sector vector.
        norb: Number of spatial orbitals.
        nelec: Electrons by spin.
        spin_resolved: Keep alpha and beta apart.

    Returns:
        Shape ``(norb, norb)``; with ``spin_resolved`` ``(2, norb, norb)``, alpha first. Complex
        if ``bra`` or ``ket`` is.
    """

    def between(left: FloatArray, right: FloatArray, tables: tuple[IntArray, ...]) -> FloatArray:
        # PySCF's first index is that of the annihilator.
        if left is right:
            return np.array(direct_spin1.make_rdm1s(left, norb, nelec, tables))
        both = direct_spin1.trans_rdm1s(left, right, norb, nelec, tables)
        return np.array(both).transpose(0, 2, 1)

    both = _sesquilinear("transition_one_rdm", between, (bra, ket), Sector(norb, nelec))
    return both if spin_resolved else both.sum(axis=0)


def one_rdm(
    state: StateArray, norb: int, nelec: tuple[int, int], *, spin_resolved: bool = False
) -> FloatArray:
    """Return the one-particle density matrix ``<a†_p a_q>`` of a normalised state.

    Args:
        state: Sector vector.
        norb: Number of spatial orbitals.
        nelec: Electrons by spin.
        spin_resolved: Keep alpha and beta apart.

    Returns:
        Shape ``(norb, norb)``; with ``spin_resolved`` ``(2, norb, norb)``, alpha first. A complex
        Hermitian matrix if ``state`` is complex.
    """
    return transition_one_rdm(state, state, norb, nelec, spin_resolved=spin_resolved)


def transition_two_rdm(
    bra: StateArray,
    ket: StateArray,
    norb: int,
    nelec: tuple[int, int],
    *,
    spin_resolved: bool = False,
) -> FloatArray:
    """Return the two-particle transition matrix, chemists' order.

    ``G[p, q, r, s] = sum_(sigma tau) <bra|a†_(p sigma) a†_(r tau) a_(s tau) a_(q sigma)|ket>``.

    Args:
        bra: Sector vector, complex-conjugated here.
        ket: Sector vector.
        norb: Number of spatial orbitals.
        nelec: Electrons by spin.
        spin_resolved: Keep the spins apart.

    Returns:
        As ``two_rdm``; complex if ``bra`` or ``ket`` is.
    """

    def between(left: FloatArray, right: FloatArray, tables: tuple[IntArray, ...]) -> FloatArray:
        if left is right:
            return np.array(direct_spin1.make_rdm12s(left, norb, nelec, tables)[1])
        _, parts = direct_spin1.trans_rdm12s(left, right, norb, nelec, tables)
        return np.array([parts[0], parts[1], parts[3]])

    resolved = _sesquilinear("transition_two_rdm", between, (bra, ket), Sector(norb, nelec))
    if spin_resolved:
        return resolved
    same, mixed, other = resolved
    total: FloatArray = same + mixed + mixed.transpose(2, 3, 0, 1) + other
    return total


def two_rdm(
    state: StateArray, norb: int, nelec: tuple[int, int], *, spin_resolved: bool = False
) -> FloatArray:
    """Return the two-particle density matrix of a normalised state, chemists' order.

    ``G[p, q, r, s] = sum_(sigma tau) <a†_(p sigma) a†_(r tau) a_(s tau) a_(q sigma)>``, so that
    ``E = sum h_pq g_pq + 1/2 sum (pq|rs) G_pqrs``.

    Args:
        state: Sector vector.
        norb: Number of spatial orbitals.
        nelec: Electrons by spin.
        spin_resolved: Keep the spins apart.

    Returns:
        Shape ``(norb, norb, norb, norb)``; with ``spin_resolved`` ``(3, norb, norb, norb,
        norb)``: (alpha alpha), (alpha beta), (beta beta), where the total is aa + ab + ab
        with pairs swapped + bb. Complex if ``state`` is.
    """
    return transition_two_rdm(state, state, norb, nelec, spin_resolved=spin_resolved)


def _sesquilinear(
    call: str,
    between: Callable[[FloatArray, FloatArray, tuple[IntArray, ...]], FloatArray],
    states: tuple[StateArray, StateArray],
    sector: Sector,
) -> FloatArray:
    """Return a real bilinear form of real vectors, extended to complex bra and ket."""
    bra, ket = (list(real_planes(checked_state(call, s, sector), sector)) for s in states)
    if states[0] is states[1]:
        ket = bra  # PySCF takes half the time for the same vector on both sides
    tables = tuple(_links(sector.norb, n, triangular=False) for n in sector.nelec)
    total = between(bra[0], ket[0], tables)
    if len(ket) == 2:
        total = total + 1j * between(bra[0], ket[1], tables)
    if len(bra) == 2:
        total = total - 1j * between(bra[1], ket[0], tables)
    if len(bra) == len(ket) == 2:
        total = total + between(bra[1], ket[1], tables)
    return total
