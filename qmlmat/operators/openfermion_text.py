"""Pauli sums as the text that OpenFermion prints and reads, and back."""

from __future__ import annotations

import re
from typing import Final

from qmlmat.errors import InputError
from qmlmat.operators.pauli import MAX_QUBITS, PauliSum

_TERM: Final = re.compile(r"\s*(?P<coefficient>[^\[\]]+?)\s*\[(?P<word>[^\[\]]*)\]\s*(?:\+|$)")
_LETTER: Final = re.compile(r"([XYZ])(\d+)")


def to_openfermion_text(pauli_sum: PauliSum) -> str:
    """Return a sum as the text of OpenFermion's ``QubitOperator``.

    Example:
        >>> print(to_openfermion_text(PauliSum.from_words({"XYI": -0.5, "III": 1.0})))
        (1+0j) [] +
        (-0.5+0j) [X0 Y1]
    """
    lines = []
    for name, coefficient in pauli_sum.words():
        letters = " ".join(f"{letter}{w}" for w, letter in enumerate(name) if letter != "I")
        lines.append(f"{coefficient!r} [{letters}]")
    return " +\n".join(lines) or "0"


def from_openfermion_text(text: str, n_qubits: int | None = None) -> PauliSum:
    """Return the sum that a text in OpenFermion's form stands for.

    Args:
        text: Terms like ``(-0.5+0j) [X0 Y1 Z3]``, joined by ``+``; a real number may stand without
            brackets.
        n_qubits: Number of qubits; by default what the largest index needs.

    Raises:
        InputError: If a term is not of that form, or a qubit is beyond ``n_qubits``.

    Example:
        >>> list(from_openfermion_text("0.5 [X0 Z2]").words())
        [('XIZ', (0.5+0j))]
    """
    terms = [] if text.strip() in {"", "0"} else _terms(text)
    largest = max(((x | z).bit_length() for x, z, _ in terms), default=0)
    size = largest if n_qubits is None else n_qubits
    if terms and largest > size:
        raise InputError(
            f"from_openfermion_text(n_qubits={n_qubits}): the text has qubit {largest - 1}. Use "
            f"n_qubits={largest}."
        )
    return PauliSum.collected(
        size, [x for x, _, _ in terms], [z for _, z, _ in terms], [c for _, _, c in terms]
    )


def _terms(text: str) -> list[tuple[int, int, complex]]:
    found, end = [], 0
    while end < len(text.rstrip()):
        match = _TERM.match(text, end)
        if match is None:
            raise _unreadable(text[end:])
        end = match.end()
        try:
            coefficient = complex(match["coefficient"].replace(" ", ""))
        except ValueError as error:
            raise _unreadable(match[0]) from error
        found.append((*_masks(match["word"]), coefficient))
    return found


def _masks(letters: str) -> tuple[int, int]:
    x = z = 0
    for part in letters.split():
        match = _LETTER.fullmatch(part)
        if match is None or int(match[2]) >= MAX_QUBITS:
            raise _unreadable(f"[{letters}]")
        bit = 1 << int(match[2])
        if (x | z) & bit:
            raise InputError(
                f"from_openfermion_text: qubit {match[2]} twice in [{letters}]. Multiply its "
                "letters first."
            )
        x, z = x | bit * (match[1] in "XY"), z | bit * (match[1] in "YZ")
    return x, z


def _unreadable(part: str) -> InputError:
    return InputError(
        f'from_openfermion_text: cannot read "{part.strip()[:60]}". Give terms like "(-0.5+0j) [X0 '
        f'Y1]" joined by "+", with qubits from 0 to {MAX_QUBITS - 1}.'
    )
