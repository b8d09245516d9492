"""What is known of each element: symbols, cores, and whether a basis set covers it."""

from __future__ import annotations

import warnings
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from pyscf import gto
from pyscf.data import elements
from pyscf.gto import basis as pyscf_basis

from qmlmat.errors import BasisError, GeometryError, nearest

SYMBOLS: Final[tuple[str, ...]] = tuple(elements.ELEMENTS[1:])
"""Element symbols by atomic number, hydrogen first."""

NOBLE_GASES: Final = (2, 10, 18, 36, 54, 86)
"""Electrons in the noble-gas shells He, Ne, Ar, Kr, Xe, Rn."""

COMMON_BASES: Final = (
    "sto-3g", "sto-6g", "3-21g", "6-31g", "6-31g*", "6-31g**", "6-31+g*", "6-311g", "6-311g*",
    "6-311g**", "6-311++g**", "cc-pvdz", "cc-pvtz", "cc-pvqz", "cc-pv5z", "aug-cc-pvdz",
    "aug-cc-pvtz", "aug-cc-pvqz", "cc-pcvdz", "cc-pcvtz", "cc-pwcvdz", "def2-svp", "def2-svpd",
    "def2-tzvp", "def2-tzvpp", "def2-tzvpd", "def2-qzvp", "ano-rcc", "minao", "lanl2dz",
    "cc-pvdz-pp", "cc-pvtz-pp", "stuttgart",
)  # fmt: skip
"""Basis sets offered when a name is not recognised; PySCF knows more."""

COMMON_ECPS: Final = (
    "lanl2dz", "def2-svp", "def2-tzvp", "def2-qzvp", "cc-pvdz-pp", "cc-pvtz-pp", "stuttgart",
    "ccecp", "crenbl", "bfd", "sbkjc",
)  # fmt: skip
"""Effective core potentials offered when a name is not recognised."""


ECP_FAMILIES: Final = ("ccecp28", "ccecp36", "ccecphe", "ccecpreg", "ccecp", "bfd")
"""Potentials that share a name with the beginning of their basis sets' names."""


def element_symbol(name: str) -> str:
    """Return an element's symbol in its usual spelling.

    Args:
        name: A symbol in any case, or an atomic number as text.

    Raises:
        GeometryError: If there is no such element.

    Example:
        >>> element_symbol("he"), element_symbol("7")
        ('He', 'N')
    """
    text = str(name).strip()
    if text.isdecimal() and 1 <= int(text) <= len(SYMBOLS):
        return SYMBOLS[int(text) - 1]
    if text.capitalize() in SYMBOLS:
        return text.capitalize()
    hint = nearest(text.capitalize(), SYMBOLS) if len(text) > 1 else ""
    raise GeometryError(
        f'Molecule: "{name}" is no element. Use a symbol of the periodic table, such as "H" or '
        f'"Fe", or an atomic number. {hint if hint.startswith("Did") else ""}'.rstrip()
    )


def atomic_number(symbol: str) -> int:
    """Return the number of protons of an element given by its usual symbol."""
    return SYMBOLS.index(symbol) + 1


def isotope_mass(name: str) -> float:
    """Return the mass of an element's most common isotope (unified atomic mass units, u).

    Of the longest-lived isotope where none is stable. The table is PySCF's, which rounds to
    1e-6 u; standard atomic weights, averages over isotopes, belong to no single molecule.

    Args:
        name: A symbol in any case, or an atomic number as text.

    Raises:
        GeometryError: If there is no such element.

    Example:
        >>> isotope_mass("H"), isotope_mass("Li"), isotope_mass("Cl")
        (1.007825, 7.016004, 34.968853)
    """
    return float(elements.COMMON_ISOTOPE_MASSES[atomic_number(element_symbol(name))])


def core_orbitals(symbol: str) -> int:
    """Return how many orbitals of an atom are core by convention: the noble gas below it.

    None for H and He, 1s for Li to Ne, 1s2s2p for Na to Ar, and so on, as in the frozen-core
    tables of Gaussian ("FreezeNobleGasCore"). Filled d and f shells above the noble gas stay
    active.

    Example:
        >>> [core_orbitals(s) for s in ("H", "C", "Na", "Br")]
        [0, 1, 5, 9]
    """
    protons = atomic_number(symbol)
    return max((gas for gas in NOBLE_GASES if gas < protons), default=0) // 2


@lru_cache(maxsize=512)
def _basis_error(basis: str, symbol: str) -> str:
    """Return "" if the basis covers the element, else "name" or "element"."""
    known = False
    for candidate in (symbol, "H", "O", "I", "U"):
        with warnings.catch_warnings():
            # PySCF advertises another package here; our own message is the one to read.
            warnings.simplefilter("ignore")
            try:
                pyscf_basis.load(basis, candidate)
            except (KeyError, IndexError, RuntimeError, ValueError, OSError, AssertionError):
                continue
        if candidate == symbol:
            return ""
        known = True
        break
    return "element" if known else "name"


def check_basis(basis: str, symbol: str) -> None:
    """Check that a basis set exists for an element.

    Raises:
        BasisError: If the name is unknown, or the set lacks the element.
    """
    problem = _basis_error(basis, symbol)
    if problem == "name":
        raise BasisError(
            f'Molecule(basis="{basis}"): no basis set has this name. '
            f"{_nearest_set(basis, COMMON_BASES)}"
        )
    if problem:
        raise BasisError(
            f'Molecule(basis="{basis}"): this basis set has no functions for {symbol}. '
            f"Use one that covers {symbol}, such as "
            f"{_covering(symbol)}."
        )


def _nearest_set(name: str, known: tuple[str, ...]) -> str:
    hint = nearest(name.lower(), known)
    if hint.startswith("Known"):
        return 'Use one of "' + '", "'.join(known) + '", or another that PySCF knows.'
    return hint


def _covering(symbol: str) -> str:
    covering = [name for name in COMMON_BASES if not _basis_error(name, symbol)]
    preferred = [n for n in ("def2-svp", "def2-tzvp", "ano-rcc", "lanl2dz") if n in covering]
    names = (preferred or covering)[:2]
    return " or ".join(f'"{name}"' for name in names) or "a basis set file of your own"


@lru_cache(maxsize=512)
def ecp_electrons(ecp: str, symbol: str) -> int | None:
    """Return how many electrons an effective core potential replaces on an atom.

    Returns:
        The electrons removed; ``None`` if the set has no potential for the element.

    Raises:
        BasisError: If no set of potentials has this name.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return int(pyscf_basis.load_ecp(ecp, symbol)[0])
        except (IndexError, KeyError):
            return None
        except (RuntimeError, ValueError, OSError, TypeError):
            pass
    raise BasisError(
        f'Molecule(ecp="{ecp}"): no effective core potential has this name. '
        f"{_nearest_set(ecp, COMMON_ECPS)}"
    )


def companion_ecp(basis: str, symbol: str) -> str | None:
    """Return the effective core potentials that a basis set was made for on an element.

    Returns:
        Their name, mostly that of the basis; ``None`` for an all-electron basis.

    Example:
        >>> companion_ecp("lanl2dz", "Cl"), companion_ecp("lanl2dz", "C")
        ('lanl2dz', None)
    """
    plain = "".join(c for c in basis.lower() if c not in "-_ ")
    family = next((name for name in ECP_FAMILIES if plain.startswith(name)), None)
    for name in filter(None, (family, basis)):
        try:
            if ecp_electrons(name, symbol) is not None:
                return name
        except BasisError:
            continue
    return None


def is_basis_file(basis: str) -> bool:
    """Tell whether a basis set is read from a file rather than known by its name."""
    return Path(basis).is_file()


def parsed_basis(basis: str, symbols: tuple[str, ...]) -> Any:  # noqa: ANN401 (PySCF is untyped)
    """Return a basis set for some elements as PySCF keeps it; named sets are parsed once only."""
    if is_basis_file(basis):
        return basis
    return _named_basis(basis, symbols)


@lru_cache(maxsize=64)
def _named_basis(basis: str, symbols: tuple[str, ...]) -> Any:  # noqa: ANN401
    return gto.format_basis(dict.fromkeys(symbols, basis))


def basis_digest(basis: str, symbols: tuple[str, ...]) -> str:
    """Return the SHA-256 of the functions that a basis set has for some elements."""
    functions = [(symbol, pyscf_basis.load(basis, symbol)) for symbol in symbols]
    return sha256(repr(functions).encode()).hexdigest()
