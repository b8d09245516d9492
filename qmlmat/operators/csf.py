"""Configuration state functions: spin eigenfunctions as sums of determinants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt

from qmlmat.errors import InputError
from qmlmat.operators.sector import Sector


def csf_terms(steps: str, nelec: tuple[int, int]) -> tuple[tuple[str, float], ...]:
    """Return a configuration state function as pairs of determinant and amplitude.

    The singly occupied orbitals are coupled one after the other, in the order of the orbitals
    (genealogical coupling, Yamanouchi-Kotani): the function is an eigenfunction of ``S^2`` with
    ``2S`` = number of ``u`` minus number of ``d``, and of ``S_z`` with
    ``M_S = (n_alpha - n_beta) / 2``. Functions of different steps are orthogonal. Phases are
    Helgaker's; one sign common to all functions of a sector is such that the Hartree-Fock
    determinant has the amplitude 1.

    Args:
        steps: One character per spatial orbital: ``2`` doubly occupied, ``0`` empty, ``u`` raises
            the total spin by 1/2, ``d`` lowers it by 1/2.
        nelec: Electrons by spin, ``(n_alpha, n_beta)``.

    Returns:
        Pairs of occupation bits (all alpha then all beta, wire 0 on the left) and amplitude; the
        squares of the amplitudes add up to 1.

    Raises:
        InputError: If a character is unknown, the spin falls below zero on the way, the electrons
            are not those of ``nelec``, or ``|M_S| > S``.

    References:
        R. Pauncz, Spin Eigenfunctions (Plenum, 1979).
        T. Helgaker, P. Jørgensen, J. Olsen, Molecular Electronic-Structure Theory (Wiley, 2000),
        section 2.6, doi:10.1002/9781119019572.

    Example:
        >>> [(bits, round(amplitude, 4)) for bits, amplitude in csf_terms("ud", (1, 1))]
        [('1001', 0.7071), ('0110', 0.7071)]
    """
    _check(steps, nelec)
    sector = Sector(len(steps), nelec)
    branches, spin = [_Branch()], 0  # spin is 2S of the orbitals so far
    for step in steps:
        spin += {"u": 1, "d": -1}.get(step, 0)
        branches = [
            longer
            for branch in branches
            for longer in branch.extended(step, spin)
            if longer.n_alpha <= sector.nelec[0] and longer.n_beta <= sector.nelec[1]
        ]
    n_alpha, n_beta = sector.nelec
    aufbau = (-1) ** sum(min(p, n_beta) for p in range(n_alpha))  # the Hartree-Fock one's sign
    return tuple((b.alpha + b.beta, aufbau * b.sign * sqrt(b.weight)) for b in branches)


@dataclass(frozen=True)
class _Branch:
    """A determinant of the first orbitals, with its part in the function."""

    alpha: str = ""
    """Alpha occupations, orbital 0 on the left."""
    beta: str = ""
    """Beta occupations, orbital 0 on the left."""
    sign: int = 1
    """Sign of the amplitude."""
    weight: Fraction = Fraction(1)
    """Square of the amplitude; exact, because every amplitude is one product of square roots."""

    @property
    def n_alpha(self) -> int:
        """Number of alpha electrons."""
        return self.alpha.count("1")

    @property
    def n_beta(self) -> int:
        """Number of beta electrons."""
        return self.beta.count("1")

    def extended(self, step: str, spin: int) -> Iterator[_Branch]:
        """Yield the determinants of one more orbital whose part does not vanish.

        Args:
            step: The character of the new orbital.
            spin: 2S after it.
        """
        if step in "02":
            bit = "1" if step == "2" else "0"
            yield self._with(bit, bit, Fraction(1), 1)
            return
        projection = self.n_alpha - self.n_beta  # 2 M_S before the new electron
        for bits, turn in (("10", 1), ("01", -1)):
            # Clebsch-Gordan coefficients as in Helgaker's section 2.6, of the spin and the
            # projection after the new electron.
            aligned = turn * (projection + turn)
            if step == "u":
                weight, sign = Fraction(spin + aligned, 2 * spin), 1
            else:
                weight, sign = Fraction(spin + 2 - aligned, 2 * (spin + 2)), -turn
            if weight:
                yield self._with(bits[0], bits[1], weight, sign)

    def _with(self, alpha: str, beta: str, weight: Fraction, sign: int) -> _Branch:
        """Return the determinant with one more orbital.

        Coupling creates electrons orbital by orbital, alpha before beta. Our determinants create
        all alpha electrons first: a new one moves past every beta electron that is there.
        """
        if alpha == "1" and self.n_beta % 2:
            sign = -sign
        return _Branch(self.alpha + alpha, self.beta + beta, self.sign * sign, self.weight * weight)


def _check(steps: str, nelec: tuple[int, int]) -> None:
    """Raise unless the steps are a function of these electrons."""
    call = f'csf("{steps}", nelec={tuple(nelec)})'
    unknown = sorted(set(steps) - set("02ud"))
    if unknown:
        raise InputError(
            f"{call}: {unknown} are no steps. Use one character per orbital: 2 doubly occupied, "
            "0 empty, u raises the spin, d lowers it."
        )
    for p in range(len(steps)):
        if steps[: p + 1].count("d") > steps[: p + 1].count("u"):
            raise InputError(
                f"{call}: d at orbital {p} lowers a spin of zero. Put a u before every d: an "
                'open-shell singlet is "ud".'
            )
    n_electrons = 2 * steps.count("2") + steps.count("u") + steps.count("d")
    if n_electrons != sum(nelec):
        raise InputError(
            f"{call}: the steps hold {n_electrons} electrons, nelec {sum(nelec)}. Use steps of "
            f"{sum(nelec)} electrons: two for every 2, one for every u and d."
        )
    spin, projection = steps.count("u") - steps.count("d"), nelec[0] - nelec[1]
    if abs(projection) > spin:
        raise InputError(
            f"{call}: 2S = {spin} has no 2M_S = {projection}. Use nelec with |n_alpha - n_beta| "
            f"<= {spin}, or more u and fewer d."
        )
