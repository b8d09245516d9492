"""Encodings: circuits of qubits some of whose angles depend on features of the data.

Every angle is ``b_k + sum_j W[k, j] f_j``: weights alone, or affine in the features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.errors import InputError
from qmlmat.typing import BoolArray

if TYPE_CHECKING:
    from qmlmat.ansatz.encoding_template import EncodingTemplate
    from qmlmat.ansatz.qubit_blocks import OptionValue


@dataclass(frozen=True, eq=False)
class EncodedCircuit:
    """A circuit of qubits, and which of its angles depend on which features.

    Raises:
        InputError: If the pattern does not fit the circuit.
    """

    circuit: QubitCircuit
    """The circuit; parameter k is angle k."""

    pattern: BoolArray
    """Whether angle k depends on feature j, shape ``(n_params, n_features)``, read-only."""

    def __post_init__(self) -> None:
        pattern = np.array(self.pattern, dtype=np.bool_)
        if pattern.ndim != 2 or len(pattern) != self.circuit.n_params:
            raise InputError(
                f"EncodedCircuit(pattern of shape {pattern.shape}): the circuit has "
                f"{self.circuit.n_params} parameters. Give one row of features for each."
            )
        pattern.flags.writeable = False
        object.__setattr__(self, "pattern", pattern)

    @property
    def n_features(self) -> int:
        """Number of features of one sample."""
        return int(self.pattern.shape[1])

    @property
    def n_scales(self) -> int:
        """Number of factors of features in all angles together."""
        return int(self.pattern.sum())

    def then(self, other: EncodedCircuit) -> EncodedCircuit:
        """Return this circuit followed by another on the same qubits and features."""
        return EncodedCircuit(
            self.circuit.then(other.circuit), np.concatenate([self.pattern, other.pattern])
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for files."""
        return {"circuit": self.circuit.to_dict(), "pattern": self.pattern.astype(int).tolist()}

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> EncodedCircuit:
        """Return the circuit that ``to_dict`` wrote.

        Raises:
            InputError: If ``tree`` is not what ``to_dict`` writes.
        """
        try:
            pattern = np.array(tree["pattern"], dtype=np.bool_)
            return cls(QubitCircuit.from_dict(tree["circuit"]), pattern)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"EncodedCircuit.from_dict: not a stored circuit ({error}). Give what "
                "EncodedCircuit.to_dict() wrote with this version."
            ) from error


@dataclass(frozen=True, init=False)
class Encoding:
    """A family of encoded circuits: a template of ``circuits/encoding/`` with its options set.

    Example:
        >>> Encoding("reupload_dense", layers=2).circuit(4, 3).circuit.n_params
        28
    """

    template: str
    """Name of a template, or the path of one, ending in ``.toml``."""
    options: tuple[tuple[str, OptionValue], ...]
    """Options that were named, sorted; the others take the template's defaults."""

    def __init__(self, template: str, /, **options: OptionValue) -> None:
        object.__setattr__(self, "template", template)
        object.__setattr__(self, "options", tuple(sorted(options.items())))

    def load(self) -> EncodingTemplate:
        """Return the template.

        Raises:
            TemplateError: If there is none of this name, or its file breaks a rule.
        """
        # Read on use: pydantic costs a tenth of a second that `import qmlmat` should not.
        from qmlmat.ansatz.encoding_template import load_encoding  # noqa: PLC0415

        return load_encoding(self.template)

    def circuit(self, n_qubits: int, n_features: int) -> EncodedCircuit:
        """Return the circuit at one size.

        Args:
            n_qubits: Number of qubits.
            n_features: Number of features of one sample.

        Raises:
            TemplateError: If the template or an option is unknown, or the size does not fit it.
        """
        return self.load().encoded_circuit(n_qubits, n_features, dict(self.options))
