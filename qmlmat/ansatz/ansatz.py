"""An ansatz: a template's name and its options, ready for any number of orbitals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qmlmat.ansatz.circuit import Circuit
from qmlmat.ansatz.qubit_circuit import QubitCircuit

if TYPE_CHECKING:
    from qmlmat.ansatz.qubit_blocks import OptionValue
    from qmlmat.ansatz.template import Template


@dataclass(frozen=True, init=False)
class Ansatz:
    """A circuit family: a template of ``circuits/ansatz/`` with its options set.

    Example:
        >>> Ansatz("uccsd", spin_tied=True).circuit(4, (2, 2)).n_params
        15
    """

    template: str
    """Name of a template, or the path of one, ending in ``.toml``."""
    options: tuple[tuple[str, OptionValue], ...]
    """Options that were named, sorted; the others take the template's defaults."""

    def __init__(self, template: str, /, **options: OptionValue) -> None:
        object.__setattr__(self, "template", template)
        object.__setattr__(self, "options", tuple(sorted(options.items())))

    def load(self) -> Template:
        """Return the template.

        Raises:
            TemplateError: If there is none of this name, or its file breaks a rule.
        """
        # Read on use: pydantic costs a tenth of a second that `import qmlmat` should not.
        from qmlmat.ansatz.template import load_template  # noqa: PLC0415

        return load_template(self.template)

    def circuit(self, norb: int, nelec: tuple[int, int]) -> Circuit:
        """Return the circuit at one size.

        Args:
            norb: Number of spatial orbitals.
            nelec: Electrons by spin.

        Raises:
            TemplateError: If the template or an option is unknown, nothing can be excited, or the
                template is one of qubits.
        """
        return self.load().circuit(norb, nelec, dict(self.options))

    def qubit_circuit(self, n_qubits: int) -> QubitCircuit:
        """Return the circuit of a template of kind ``"qubit"``.

        Args:
            n_qubits: Number of qubits.

        Raises:
            TemplateError: If the template or an option is unknown, or the template is fermionic.

        Example:
            >>> Ansatz("hea_ry_cz", depth=2).qubit_circuit(4).n_params
            12
        """
        return self.load().qubit_circuit(n_qubits, dict(self.options))

    def inputs(self) -> dict[str, object]:
        """Return what determines the circuit, as plain values."""
        template = self.load()
        return {
            "template": template.name,
            "options": dict(template.resolve(dict(self.options))),
            "template_hash": template.content_hash(),
        }
