"""From the tables of ``qmlmat fit`` to the objects of the library."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from qmlmat.ansatz.encoding import Encoding
from qmlmat.cli.learning_input import (
    DataTable,
    FitDocument,
    GaussianTable,
    ModelTable,
    PerceptronTable,
    QuantumKernelTable,
    TrainingTable,
)
from qmlmat.errors import ConfigError
from qmlmat.potentials.base import Loss, Potential
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import Distances, InverseDistances, MorseVariables
from qmlmat.potentials.presets import (
    GPPotential,
    MLPPotential,
    QNNPotential,
    QuantumKernelPotential,
)
from qmlmat.potentials.training import Training

DESCRIPTORS: Final[dict[str, type[Distances | InverseDistances | MorseVariables]]] = {
    "distances": Distances,
    "inverse_distances": InverseDistances,
    "morse": MorseVariables,
}
"""What features are called in input files."""


def build_data(table: DataTable, folder: Path) -> tuple[SurfaceData, SurfaceData | None]:
    """Return the points to learn from, and those for the test.

    Args:
        table: What the file asks for.
        folder: Where a relative name starts from.

    Raises:
        InputError: If the data cannot be read.
        ConfigError: If too few points are left.
    """
    data = SurfaceData.load(folder / Path(table.file).expanduser())
    n_test = round(table.test_fraction * len(data))
    if not n_test:
        return data, None
    if len(data) - n_test < 2:
        raise ConfigError(
            f'[data] file = "{table.file}": {len(data)} points. Compute more, or set '
            "test_fraction = 0."
        )
    return data.split(len(data) - n_test, seed=table.seed)


def build_training(table: TrainingTable) -> Training:
    """Return the recipe."""
    given = table.model_dump(exclude_none=True, exclude={"force_weight"})
    return Training(**given, loss=Loss(force_weight=table.force_weight))


def build_model(document: FitDocument, symbols: tuple[str, ...]) -> Potential:
    """Return the untrained model for a molecule.

    Args:
        document: The input file.
        symbols: Chemical symbols, in the order of positions.

    Raises:
        TemplateError: If there is no such encoding, or it does not fit.
    """
    table = document.model
    atoms = DESCRIPTORS[table.descriptor](symbols)
    shared: dict[str, Any] = {"n_states": table.n_states, "seed": table.seed}
    if isinstance(table, PerceptronTable):
        return MLPPotential(atoms, hidden=table.hidden, **shared)
    if isinstance(table, GaussianTable):
        return GPPotential(atoms, kernel=table.kernel, **shared)
    encoding = Encoding(table.encoding, layers=table.layers)
    if isinstance(table, QuantumKernelTable):
        return QuantumKernelPotential(atoms, encoding=encoding, **shared)
    return QNNPotential(
        atoms, n_qubits=table.n_qubits, encoding=encoding, readout=table.readout, **shared
    )


def describe(table: ModelTable, model: Potential) -> str:
    """Return a model in a few words, for headings."""
    words = {
        "qnn": "quantum neural network",
        "mlp": "perceptron",
        "gp": "Gaussian process",
        "quantum_kernel": "Gaussian process, quantum kernel",
    }
    name = words[getattr(table, "name", "")]
    return f"{''.join(model.symbols)} · {name} · {model.n_weights} weights"
