"""A molecule: which atoms, where, how many electrons, in which basis set."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike
from pyscf import gto

from qmlmat.errors import BasisError, GeometryError, InputError, QmlmatWarning
from qmlmat.systems.elements import (
    atomic_number,
    basis_digest,
    check_basis,
    companion_ecp,
    ecp_electrons,
    element_symbol,
    is_basis_file,
    parsed_basis,
)
from qmlmat.systems.formula import chemical_formula
from qmlmat.systems.xyz import parse_xyz
from qmlmat.systems.zmatrix import parse_zmatrix
from qmlmat.typing import FloatArray

if TYPE_CHECKING:
    from ase import Atoms

MIN_DISTANCE: Final = 0.2
"""Atoms closer than this overlap (Å); benchmarks of H4 begin at 0.25 Å, the shortest bond, H2's, is
0.74 Å."""


@dataclass(frozen=True, eq=False)
class Molecule:
    """Atoms at fixed positions with their electrons and basis set; immutable.

    Example:
        >>> molecule = Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.7414]])
        >>> molecule.n_electrons, molecule.formula
        (2, 'H2')
    """

    symbols: tuple[str, ...]
    """Element of each atom, ``n_atoms`` symbols; any case, or atomic numbers as text."""
    positions: FloatArray
    """Positions of the nuclei, shape ``(n_atoms, 3)`` (Å), read-only."""
    charge: int = field(default=0, kw_only=True)
    """Total charge (elementary charges)."""
    spin: int = field(default=0, kw_only=True)
    """Number of unpaired electrons, 2S: 0 for a singlet, 1 for a doublet."""
    basis: str = field(default="sto-3g", kw_only=True)
    """Name of the basis set, as PySCF knows it, or path of a file in NWChem's format."""
    ecp: str | None = field(default=None, kw_only=True)
    """Name of the effective core potentials; elements the set lacks keep all electrons."""

    def __post_init__(self) -> None:
        symbols = (self.symbols,) if isinstance(self.symbols, str) else self.symbols
        object.__setattr__(self, "symbols", tuple(element_symbol(s) for s in symbols))
        object.__setattr__(self, "positions", _checked_positions(self.symbols, self.positions))
        for name in ("charge", "spin"):
            object.__setattr__(self, name, _checked_integer(name, getattr(self, name)))
        for symbol in sorted(set(self.symbols)):
            check_basis(self.basis, symbol)
        self._check_ecp()
        self._check_electrons()

    def _check_ecp(self) -> None:
        elements = sorted(set(self.symbols))
        replaced = {s: ecp_electrons(self.ecp, s) if self.ecp else None for s in elements}
        if self.ecp is not None and all(n is None for n in replaced.values()):
            raise BasisError(
                f'Molecule(ecp="{self.ecp}"): these potentials cover none of '
                f"{', '.join(elements)}. Leave ecp out, or use a set made for one of them."
            )
        for symbol, n_replaced in replaced.items():
            own = companion_ecp(self.basis, symbol)
            if own is not None and n_replaced is None:
                given = "None" if self.ecp is None else f'"{self.ecp}"'
                raise BasisError(
                    f'Molecule(basis="{self.basis}", ecp={given}): on {symbol} this basis set has '
                    "no functions for the core and needs its effective core potential. Add "
                    f'ecp="{own}", or use an all-electron basis.'
                )
            expected = ecp_electrons(own, symbol) if own is not None else None
            if n_replaced and n_replaced != expected and not is_basis_file(self.basis):
                warnings.warn(
                    f'Molecule(basis="{self.basis}", ecp="{self.ecp}"): the potential replaces '
                    f"{n_replaced} electrons of {symbol}, and the basis set was not made for it. "
                    f'Use the potential\'s own basis, such as "{self.ecp}", or another ecp.',
                    QmlmatWarning,
                    stacklevel=4,
                )

    def _check_electrons(self) -> None:
        n_electrons, spin = self.n_electrons, self.spin
        call = f"Molecule(charge={self.charge}, spin={spin})"
        if n_electrons < 1:
            most = self.charge + n_electrons - 1
            raise InputError(
                f"{call}: {self.formula} with this charge has {n_electrons} electrons. "
                f"Use charge <= {most}."
            )
        if spin < 0:
            raise InputError(f"{call}: spin is 2S, never negative. Use spin={-spin}.")
        if spin > n_electrons or (n_electrons - spin) % 2:
            allowed = [str(s) for s in range(n_electrons % 2, min(n_electrons, 6) + 1, 2)]
            raise InputError(
                f"{call}: {n_electrons} electrons cannot have {spin} unpaired. "
                f"Use spin={' or '.join(allowed)}, or another charge."
            )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Molecule):
            return NotImplemented
        return self.inputs() == other.inputs() and np.array_equal(self.positions, other.positions)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is made again on use."""
        return {name: value for name, value in vars(self).items() if name != "_mole"}

    def __hash__(self) -> int:
        return hash((self.symbols, self.positions.tobytes(), self.charge, self.spin, self.basis))

    @classmethod
    def from_xyz(
        cls,
        source: str | Path,
        *,
        charge: int = 0,
        spin: int = 0,
        basis: str = "sto-3g",
        ecp: str | None = None,
    ) -> Molecule:
        """Return the molecule written in an XYZ file or text.

        Args:
            source: Path of an XYZ file; or XYZ text, with or without its two header lines,
                one atom per line or atoms separated by ``;`` (Å).
            charge: Total charge.
            spin: Unpaired electrons, 2S.
            basis: Basis set name.
            ecp: Effective core potentials' name.

        Raises:
            GeometryError: If the file is missing or a line cannot be read.

        Example:
            >>> Molecule.from_xyz("N 0 0 0; N 0 0 1.1").n_electrons
            14
        """
        symbols, positions = parse_xyz(source)
        return cls(symbols, positions, charge=charge, spin=spin, basis=basis, ecp=ecp)

    @classmethod
    def from_zmatrix(
        cls,
        text: str,
        *,
        variables: Mapping[str, float] | None = None,
        charge: int = 0,
        spin: int = 0,
        basis: str = "sto-3g",
        ecp: str | None = None,
    ) -> Molecule:
        """Return the molecule written as a Z-matrix, Gaussian's style; see ``parse_zmatrix``.

        Args:
            text: One atom a line, or separated by ``;``, and the variables' values (Å, degrees).
            variables: Values of variables; they win over those in the text.
            charge: Total charge.
            spin: Unpaired electrons, 2S.
            basis: Basis set name.
            ecp: Effective core potentials' name.

        Raises:
            GeometryError: If a line cannot be read or does not fix a position.

        Example:
            >>> water = Molecule.from_zmatrix("O; H 1 r; H 1 r 2 104.5", variables={"r": 0.96})
            >>> water.formula, float(water.positions[1, 0])
            ('H2O', 0.96)
        """
        symbols, positions = parse_zmatrix(text, variables)
        return cls(symbols, positions, charge=charge, spin=spin, basis=basis, ecp=ecp)

    @classmethod
    def from_ase(
        cls,
        atoms: Atoms,
        *,
        charge: int = 0,
        spin: int = 0,
        basis: str = "sto-3g",
        ecp: str | None = None,
    ) -> Molecule:
        """Return the molecule held by an ``ase.Atoms`` without periodic boundaries.

        Raises:
            GeometryError: If the atoms are periodic.
        """
        if any(atoms.pbc):
            raise GeometryError(
                "Molecule.from_ase(atoms): the atoms are periodic, a Molecule is not. "
                "Use atoms.pbc = False for a molecule in a box."
            )
        symbols = tuple(str(number) for number in atoms.numbers)
        positions = np.asarray(atoms.positions)
        return cls(symbols, positions, charge=charge, spin=spin, basis=basis, ecp=ecp)

    def to_ase(self) -> Atoms:
        """Return the atoms as ``ase.Atoms`` (Å); charge, spin and basis in its ``info``."""
        from ase import Atoms  # noqa: PLC0415 (loaded only where it is used)

        settings = {k: v for k, v in self.inputs().items() if k != "symbols"}
        return Atoms(symbols=list(self.symbols), positions=self.positions, info=settings)

    def to_pyscf(self) -> Any:  # noqa: ANN401 (PySCF is untyped)
        """Return the built ``pyscf.gto.Mole``, without symmetry; the caller's own copy."""
        return self._mole.copy()

    @cached_property
    def _mole(self) -> Any:  # noqa: ANN401
        mole = gto.Mole()
        mole.atom = [(s, tuple(p)) for s, p in zip(self.symbols, self.positions, strict=True)]
        mole.unit = "Angstrom"
        mole.basis = parsed_basis(self.basis, tuple(sorted(set(self.symbols))))
        if self.ecp is not None:
            mole.ecp = {
                s: self.ecp for s in set(self.symbols) if ecp_electrons(self.ecp, s) is not None
            }
        mole.charge, mole.spin = self.charge, self.spin
        mole.verbose, mole.symmetry = 0, False
        mole.build(dump_input=False, parse_arg=False)
        return mole

    def with_positions(self, positions: ArrayLike) -> Molecule:
        """Return the same molecule with its atoms at ``positions``, ``(n_atoms, 3)`` (Å)."""
        return replace(self, positions=_as_positions(self.symbols, positions))

    @property
    def n_atoms(self) -> int:
        """Number of atoms."""
        return len(self.symbols)

    @cached_property
    def n_core_electrons_replaced(self) -> int:
        """Electrons that the effective core potentials replace."""
        if self.ecp is None:
            return 0
        return sum(ecp_electrons(self.ecp, symbol) or 0 for symbol in self.symbols)

    @property
    def n_electrons(self) -> int:
        """Number of electrons treated, without those inside effective core potentials."""
        protons = sum(atomic_number(symbol) for symbol in self.symbols)
        return protons - self.charge - self.n_core_electrons_replaced

    @property
    def formula(self) -> str:
        """Chemical formula as chemists write it, e.g. ``"H2O"``; see ``chemical_formula``."""
        return chemical_formula(self.symbols)

    def inputs(self) -> dict[str, Any]:
        """Return everything but the positions as plain values, for provenance and hashes.

        Of a basis set read from a file the functions themselves are hashed too.
        """
        values: dict[str, Any] = {
            "symbols": list(self.symbols),
            "charge": self.charge,
            "spin": self.spin,
            "basis": self.basis,
            "ecp": self.ecp,
        }
        if is_basis_file(self.basis):
            values["basis_sha256"] = basis_digest(self.basis, tuple(sorted(set(self.symbols))))
        return values


def _checked_integer(name: str, value: Any) -> int:  # noqa: ANN401 (this is the check)
    try:
        if not isinstance(value, bool):
            return index(value)
    except TypeError:
        pass
    raise InputError(f"Molecule({name}={value!r}): {name} is a whole number. Use {name}=0 or 1.")


def _as_positions(symbols: Sequence[str], positions: ArrayLike) -> FloatArray:
    try:
        return np.array(positions, dtype=np.float64)
    except (TypeError, ValueError):
        raise GeometryError(
            f"Molecule(positions={positions!r}): not a table of numbers. Give three numbers per "
            f"atom: shape ({max(len(symbols), 1)}, 3) in Å."
        ) from None


def _checked_positions(symbols: Sequence[str], positions: ArrayLike) -> FloatArray:
    array = _as_positions(symbols, positions)
    if not symbols or array.shape != (len(symbols), 3):
        raise GeometryError(
            f"Molecule: {len(symbols)} symbols and positions of shape {array.shape}. "
            f"Give at least one atom, and positions of shape ({max(len(symbols), 1)}, 3) in Å."
        )
    for i, row in enumerate(array):
        if not np.isfinite(row).all():
            raise GeometryError(
                f"Molecule: the position of atom {i} ({symbols[i]}) is {row.tolist()}. "
                "Use finite coordinates in Å."
            )
    for i in range(len(symbols)):
        distances = np.linalg.norm(array[i + 1 :] - array[i], axis=1)
        if distances.size and distances.min() < MIN_DISTANCE:
            j = i + 1 + int(distances.argmin())
            raise GeometryError(
                f"Molecule: atoms {i} ({symbols[i]}) and {j} ({symbols[j]}) are "
                f"{distances.min():.3f} Å apart and overlap. Use distances of at least "
                f"{MIN_DISTANCE} Å; positions are in ångström, not bohr or fractions of a cell."
            )
    array.flags.writeable = False
    return array
