"""The table ``[backend]`` of an input file: where circuits run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from qmlmat.cli.table import Table

if TYPE_CHECKING:
    from qmlmat.backends.qubits import QubitBackend
    from qmlmat.systems import MolecularHamiltonian

Technique = Literal["readout", "symmetry", "extrapolation", "reference"]
"""What is mitigated."""


class BackendTable(Table):
    """Where circuits run, other than the exact simulation of the sector."""

    name: Literal["statevector", "pennylane", "qiskit"] = Field(description="Whose simulator.")
    device: str | None = Field(
        default=None,
        description='PennyLane\'s device, e.g. "default.qubit"; for qiskit a fake device with its '
        'noise, e.g. "manila", by default none.',
    )
    shots: int | None = Field(
        default=None, ge=1, description="Repetitions for one energy; by default exact."
    )
    mapping: Literal["jordan_wigner", "parity", "bravyi_kitaev"] = Field(
        default="jordan_wigner", description="From occupations to qubits."
    )
    reduced: bool = Field(default=False, description="Leave out the parities of the electrons.")
    tapered: bool = Field(
        default=False, description="Leave out every parity that the integrals keep."
    )
    grouping: Literal["commuting", "qubit_wise"] = Field(
        default="commuting", description="Which words are measured together."
    )
    mitigation: list[Technique] = Field(
        default=[], description="Errors that are mitigated, where bit strings are counted."
    )

    @model_validator(mode="after")
    def _check_shots(self) -> Self:
        if self.name == "qiskit" and self.device is not None and self.shots is None:
            raise ValueError("a device with noise is sampled: give shots, e.g. shots = 20000")
        if self.name == "statevector" and self.device is not None:
            raise ValueError('device is for "pennylane" and "qiskit": leave it out')
        return self


def build_backend(
    table: BackendTable, hamiltonian: MolecularHamiltonian, seed: int | None
) -> QubitBackend:
    """Return the backend of a checked table.

    Args:
        table: The table.
        hamiltonian: Whose electrons and symmetries reduce the mapping.
        seed: Seed of the shots.

    Raises:
        InputError: If there is no such device, or settings do not go together.
    """
    from qmlmat.backends import StatevectorBackend  # noqa: PLC0415
    from qmlmat.backends.qubits import Mitigation  # noqa: PLC0415

    wanted = set(table.mitigation)
    mapping = hamiltonian.qubit_mapping(table.mapping, reduced=table.reduced, tapered=table.tapered)
    shared: dict[str, Any] = {
        "mapping": mapping,
        "shots": table.shots,
        "grouping": table.grouping,
        "mitigation": Mitigation(
            readout="readout" in wanted,
            symmetry="symmetry" in wanted,
            reference="reference" in wanted,
            noise_factors=(1, 3) if "extrapolation" in wanted else (),
        ),
    }
    if table.name == "statevector":
        return StatevectorBackend(**shared)
    if table.name == "pennylane":
        from qmlmat.backends.pennylane.backend import PennyLaneBackend  # noqa: PLC0415

        name = table.device or "default.qubit"
        return PennyLaneBackend.of(name, wires=mapping.n_qubits, seed=seed, **shared)
    from qmlmat.backends.qiskit.backend import QiskitBackend  # noqa: PLC0415

    if table.device is not None:
        return QiskitBackend.on_fake(table.device, n_qubits=mapping.n_qubits, seed=seed, **shared)
    return QiskitBackend.ideal(seed=seed, **shared)
