"""Encodings: circuits of qubits some of whose angles depend on features of the data.

Every angle is ``b_k + sum_j W[k, j] f_j``: weights alone, or affine in the features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qmlmat.ansatz.encoded_circuit import EncodedCircuit

if TYPE_CHECKING:
    from qmlmat.ansatz.encoding_template import EncodingTemplate
    from qmlmat.ansatz.qubit_blocks import OptionValue


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
