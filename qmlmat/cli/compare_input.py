"""The input file of ``qmlmat compare``: data, what is compared, and the budget of training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from qmlmat.cli.inputs import checked_document, read_toml
from qmlmat.cli.learning_input import DataTable, TrainingTable
from qmlmat.cli.table import Table


class CompareTable(Table):
    """What is compared, and on which training sets."""

    models: Literal["networks", "kernels"] = Field(
        default="networks",
        description="A quantum network beside the same without entanglers, the same frozen, a "
        "perceptron of equal size and Gaussian processes; or a quantum kernel beside the same "
        "without entanglers and classical kernels.",
    )
    sizes: list[Annotated[int, Field(ge=2)]] = Field(
        min_length=1, description="Numbers of training points; smaller sets are parts of larger."
    )
    n_seeds: int = Field(
        default=5, ge=1, description="Number of series of training sets and of starts."
    )
    descriptor: Literal["distances", "inverse_distances", "morse"] = Field(
        default="morse", description="Features of a geometry, the same for every model."
    )
    n_states: int = Field(default=1, ge=1, description="Number of states, the ground state first.")
    n_qubits: int = Field(default=4, ge=1, le=16, description="Qubits of the network.")
    layers: int | None = Field(
        default=None, ge=1, description="Layers of the circuit; by default its template's."
    )


class CompareDocument(Table):
    """Input of `qmlmat compare`."""

    title: str = Field(default="", description="What is compared; shown over the figure.")
    data: DataTable
    compare: CompareTable
    training: TrainingTable = Field(default=TrainingTable())


def load_compare_input(file: Path) -> CompareDocument:
    """Return a checked input file of ``qmlmat compare``.

    Raises:
        ConfigError: If the file cannot be read, is not TOML, or breaks a rule; one line each.
    """
    return checked_document(read_toml(file), CompareDocument, file.name)
