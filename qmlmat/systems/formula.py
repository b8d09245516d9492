"""Chemical formulas in the order in which chemists write them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

NON_METALS: Final = (
    *("B", "Si", "C", "Sb", "As", "P", "N", "H", "Te", "Se", "S", "At", "I", "Br", "Cl", "O", "F"),
)
"""Non-metals from the least to the most electronegative, as formulas list them."""


def chemical_formula(symbols: Sequence[str]) -> str:
    """Return the formula of some atoms, e.g. ``"H2O"``, ``"NH3"``, ``"LiH"``, ``"C2H6O"``.

    Carbon and hydrogen come first where there is carbon, then the alphabet (Hill). Without carbon,
    metals come first, then the non-metals in IUPAC's order.

    Args:
        symbols: Chemical symbols, shape ``(n_atoms,)``.

    References:
        IUPAC, Nomenclature of Inorganic Chemistry (2005), IR-4.4.2.

    Example:
        >>> chemical_formula(["O", "H", "H"])
        'H2O'
    """
    counts = Counter(symbols)

    def hill(symbol: str) -> tuple[int, str]:
        return ("C", "H").index(symbol) if symbol in ("C", "H") else 2, symbol

    def electronegativity(symbol: str) -> tuple[int, str]:
        return NON_METALS.index(symbol) + 1 if symbol in NON_METALS else 0, symbol

    ordered = sorted(counts, key=hill if "C" in counts else electronegativity)
    return "".join(
        symbol + (str(counts[symbol]) if counts[symbol] > 1 else "") for symbol in ordered
    )
