"""Tight-binding models of crystals: hoppings in, a Hamiltonian at each k out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qmlmat.errors import InputError, nearest
from qmlmat.provenance import content_hash
from qmlmat.systems.crystal import (
    CellUnit,
    checked_cell,
    complex_numbers,
    hermitian_part,
    largest_skew,
    momenta,
    momentum,
    real_numbers,
)
from qmlmat.systems.qubit_hamiltonian import BlochHamiltonian
from qmlmat.typing import FloatArray, IntArray

HERMITIAN_TOLERANCE: Final = 1e-10
"""Largest difference of ``H_R`` from the adjoint of ``H_-R``, relative to the largest or 1 eV."""

HASH_DECIMALS: Final = 12
"""Decimals of a hopping that tell models apart (eV); beyond, machines round differently."""

LABEL: Final = re.compile(r"[A-Z][a-z0-9]*")
"""A name of a special point, as ASE writes them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TightBindingModel:
    """A crystal in a basis of localised orbitals, ``H(k) = sum_R exp(2 pi i k.R) H_R``.

    Orbitals enter with the phase of their cell, not of their own position, so ``H(k)`` is periodic
    in k. Momenta are in units of the reciprocal lattice vectors, energies in eV.

    Raises:
        InputError: If shapes do not fit, a number is not finite, the cell has no volume,
            ``H_-R`` is not the adjoint of ``H_R``, or spin blocks are coupled.

    Example:
        >>> import qmlmat as qm
        >>> chain = qm.TightBindingModel(
        ...     name="chain",
        ...     cell=[[2.0, 0, 0], [0, 10, 0], [0, 0, 10]],
        ...     translations=[[1, 0, 0], [-1, 0, 0]],
        ...     hoppings=[[[-1.0]], [[-1.0]]],
        ...     orbitals=("s",),
        ... )
        >>> chain.bands([[0, 0, 0], [0.5, 0, 0]]).ravel().tolist()
        [-2.0, 2.0]
    """

    name: str
    """What it is a model of."""
    cell: FloatArray
    """Lattice vectors as rows, shape ``(3, 3)`` (``cell_unit``)."""
    cell_unit: CellUnit = "angstrom"
    """Unit of ``cell``."""
    translations: IntArray = field(repr=False)
    """Cells R that hoppings lead to, shape ``(n_translations, 3)`` (lattice vectors)."""
    hoppings: NDArray[np.complex128] = field(repr=False)
    """``H_R[m, n] = <m, 0|H|n, R>``, shape ``(n_translations, n, n)`` (eV)."""
    orbitals: tuple[str, ...]
    """Names of the orbitals, shape ``(n,)``."""
    spin_blocks: Mapping[str, tuple[int, ...]] | None = None
    """Orbitals of each spin, which nothing couples; ``None``: no spin in the model."""
    special_points: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    """Momenta with a name, e.g. ``"G"``, ``"K"``, ``"M1"`` (reciprocal lattice vectors)."""
    default_path: str = ""
    """Names of the special points along which bands are drawn, e.g. ``"GKMG"``."""
    n_occupied: int | None = None
    """Number of bands below the gap, of all spins together; ``None``: not known."""
    source: str = ""
    """The paper or file that the numbers are from."""
    notes: tuple[str, ...] = ()
    """What the user should know, one sentence each."""

    def __post_init__(self) -> None:
        values: dict[str, object] = {"orbitals": tuple(self.orbitals), "notes": tuple(self.notes)}
        values["cell"] = checked_cell(self._call, self.cell, self.cell_unit)
        translations, hoppings = self._checked_hoppings(len(self.orbitals))
        values["translations"], values["hoppings"] = translations, hoppings
        if self.spin_blocks is not None:
            values["spin_blocks"] = self._checked_blocks(self.spin_blocks, hoppings)
        points = {name: momentum(self._call, k) for name, k in self.special_points.items()}
        values["special_points"] = points
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
            object.__setattr__(self, name, value)
        self._check_path()
        if self.n_occupied is not None and not 0 < self.n_occupied <= len(self.orbitals):
            raise InputError(
                f"{self._call}: n_occupied={self.n_occupied} of {len(self.orbitals)} bands. Use "
                f"1 to {len(self.orbitals)}, or None if it is not known."
            )

    @property
    def _call(self) -> str:
        return f'TightBindingModel(name="{self.name}")'

    def _checked_hoppings(self, n: int) -> tuple[IntArray, NDArray[np.complex128]]:
        """Return translations in order and hoppings, Hermitian beyond rounding."""
        cells = real_numbers(self._call, "translations", self.translations)
        hoppings = complex_numbers(self._call, "hoppings", self.hoppings)
        count = len(cells) if cells.ndim else 0
        if n < 1 or count < 1 or cells.shape != (count, 3) or hoppings.shape != (count, n, n):
            raise InputError(
                f"{self._call}: {n} orbitals, translations of shape {cells.shape}, hoppings of "
                f"shape {hoppings.shape}. Use (n_translations, 3) and (n_translations, n, n) with "
                "one matrix for each translation and n orbitals, n >= 1."
            )
        if not (np.isfinite(hoppings).all() and np.array_equal(cells, np.round(cells))):
            raise InputError(
                f"{self._call}: translations must be whole numbers of lattice vectors, and "
                "hoppings finite. Remove the fractions, NaN or infinities."
            )
        translations, order = np.unique(cells.astype(np.int64), axis=0, return_index=True)
        if len(translations) != count:
            raise InputError(
                f"{self._call}: a translation is listed twice ({count} given, "
                f"{len(translations)} differ). Add the matrices of equal translations."
            )
        hoppings = hoppings[order]
        worst, skew = largest_skew(translations, hoppings)
        if skew > HERMITIAN_TOLERANCE * max(1.0, float(np.abs(hoppings).max())):
            cell = tuple(translations[worst].tolist())
            raise InputError(
                f"{self._call}: H_R at R={cell} differs from the adjoint of H_-R by {skew:.3g} eV,"
                " so H(k) is not Hermitian. Give H_-R = H_R^H for each R, both listed: look for a "
                "missing translation or conjugate."
            )
        return translations, hermitian_part(translations, hoppings)

    def _checked_blocks(
        self, given: Mapping[str, Sequence[int]], hoppings: NDArray[np.complex128]
    ) -> dict[str, tuple[int, ...]]:
        blocks = {spin: tuple(int(i) for i in block) for spin, block in given.items()}
        n = len(self.orbitals)
        if sorted(i for block in blocks.values() for i in block) != list(range(n)):
            raise InputError(
                f"{self._call}(spin_blocks={blocks}): use each of the orbitals 0 to {n - 1} in "
                "exactly one block."
            )
        if not {"up", "down"} >= blocks.keys():
            raise InputError(
                f'{self._call}(spin_blocks={blocks}): the blocks are "up" and "down". Use None '
                "where the orbitals are no spins."
            )
        owner = {i: spin for spin, block in blocks.items() for i in block}
        for _, i, j in np.argwhere(hoppings != 0).tolist():
            if owner[i] != owner[j]:
                raise InputError(
                    f'{self._call}: orbitals {i} ("{owner[i]}") and {j} ("{owner[j]}") are '
                    "coupled, so the spins cannot be solved one by one. Use spin_blocks=None."
                )
        return blocks

    def _check_path(self) -> None:
        names = [label for part in self.default_path.split(",") for label in LABEL.findall(part)]
        left = LABEL.sub("", self.default_path).replace(",", "")
        unknown = [name for name in names if name not in self.special_points]
        if left or unknown:
            hint = nearest((unknown or [left])[0], self.special_points)
            raise InputError(
                f'{self._call}: the path "{self.default_path}" holds "{(unknown or [left])[0]}", '
                f"which is no special point of the model. {hint}"
            )

    def matrix(self, k: ArrayLike) -> NDArray[np.complex128]:
        """Return ``H(k)``, shape ``(..., n, n)`` (eV).

        Args:
            k: Momenta, shape ``(..., 3)`` or ``(..., 2)`` in a plane (reciprocal lattice vectors).
        """
        points = momenta(f"{self._call}.matrix", k)
        phases = np.exp(2j * np.pi * (points @ self.translations.T))
        matrices: NDArray[np.complex128] = np.tensordot(phases, self.hoppings, axes=1)
        return matrices

    def at(
        self,
        k: str | Sequence[float] | FloatArray,
        *,
        spin: str | None = None,
        padding: float | None = None,
    ) -> BlochHamiltonian:
        """Return the Hamiltonian at one momentum.

        Args:
            k: Name of a special point, or 3 numbers, or 2 in a plane (reciprocal lattice vectors).
            spin: Whose block, a key of ``spin_blocks``; ``None``: all orbitals.
            padding: Energy of the states that fill up the qubits (eV), see ``BlochHamiltonian``.

        Raises:
            InputError: If the point or the spin is not known, or padding is in the spectrum.

        Example:
            >>> import qmlmat as qm
            >>> qm.graphene().at("M").levels.round(6).tolist()
            [-2.8, 2.8]
        """
        block = self._block("at", spin)
        point = self._point(k)
        return BlochHamiltonian(
            matrix=self.matrix(point)[np.ix_(block, block)],
            unit="eV",
            padding=padding,
            notes=self.notes,
            k=point,
            orbitals=tuple(self.orbitals[i] for i in block),
            spin=spin,
        )

    def bands(self, k: ArrayLike, *, spin: str | None = None) -> FloatArray:
        """Return the energies by plain diagonalisation, ascending, shape ``(..., n)`` (eV).

        Args:
            k: Momenta, shape ``(..., 3)`` or ``(..., 2)`` in a plane (reciprocal lattice vectors).
            spin: Whose block, a key of ``spin_blocks``; ``None``: all orbitals.
        """
        block = self._block("bands", spin)
        matrices = self.matrix(k)[..., block, :][..., block]
        return np.linalg.eigvalsh(matrices).astype(np.float64)

    def fractional(self, k_cartesian: ArrayLike) -> FloatArray:
        """Return momenta in units of the reciprocal lattice vectors, shape ``(..., 3)``.

        Args:
            k_cartesian: Momenta, shape ``(..., 3)`` or ``(..., 2)`` in the plane z = 0
                (1/``cell_unit``).
        """
        points = momenta(f"{self._call}.fractional", k_cartesian)
        return np.asarray(points @ self.cell.T / (2.0 * np.pi), dtype=np.float64)

    def inputs(self) -> dict[str, Any]:
        """Return the plain values that define the model; names of momenta do not."""
        hops = self.hoppings
        parts = (np.round(part, HASH_DECIMALS) + 0.0 for part in (hops.real, hops.imag))
        blocks = self.spin_blocks
        return {
            "name": self.name,
            "cell": self.cell.tolist(),
            "cell_unit": self.cell_unit,
            "orbitals": list(self.orbitals),
            "spin_blocks": blocks and {spin: list(block) for spin, block in blocks.items()},
            "hoppings_hash": content_hash(
                [self.translations.tolist(), *(part.tolist() for part in parts)]
            ),
        }

    def _block(self, method: str, spin: str | None) -> list[int]:
        if spin is None:
            return list(range(len(self.orbitals)))
        if self.spin_blocks is None or spin not in self.spin_blocks:
            hint = nearest(str(spin), self.spin_blocks) if self.spin_blocks else ""
            rule = hint or "The model has no spin in it. Use spin=None."
            raise InputError(f'{self._call}.{method}(spin="{spin}"): no such block. {rule}')
        return list(self.spin_blocks[spin])

    def _point(self, k: str | Sequence[float] | FloatArray) -> tuple[float, float, float]:
        if not isinstance(k, str):
            return momentum(f"{self._call}.at", k)
        if k not in self.special_points:
            raise InputError(
                f'{self._call}.at("{k}"): no such special point. '
                f"{nearest(k, self.special_points)} Or give 3 fractional numbers."
            )
        return self.special_points[k]
