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
    QuantumNetworkTable,
    TrainingTable,
)
from qmlmat.errors import ConfigError
from qmlmat.potentials.base import Loss, Potential
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import (
    Descriptor,
    Distances,
    InverseDistances,
    MorseVariables,
    Symmetrised,
)
from qmlmat.potentials.gaussian import (
    RBF,
    GaussianProcess,
    Kernel,
    QuantumKernel,
    RationalQuadratic,
    Sum,
)
from qmlmat.potentials.networks.heads import n_outputs
from qmlmat.potentials.networks.perceptron import Perceptron
from qmlmat.potentials.networks.quantum import QuantumNetwork
from qmlmat.potentials.regression import NetworkPotential
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
    descriptor = DESCRIPTORS[table.descriptor](symbols)
    if isinstance(table, GaussianTable | QuantumKernelTable):
        kernel = _kernel(table, descriptor)
        return GaussianProcess(descriptor, kernel, n_states=table.n_states, seed=table.seed)
    features: Descriptor = descriptor
    if not descriptor.permutation_invariant:
        features = Symmetrised(descriptor)
    network = _network(table, features.n_features)
    return NetworkPotential(features, network, n_states=table.n_states)


def _network(table: QuantumNetworkTable | PerceptronTable, n_features: int) -> Any:  # noqa: ANN401 - a module of torch
    outputs = n_outputs(table.n_states)
    if isinstance(table, PerceptronTable):
        return Perceptron(n_features, table.hidden, outputs, seed=table.seed)
    encoding = Encoding(table.encoding, layers=table.layers)
    encoded = encoding.circuit(table.n_qubits, n_features)
    return QuantumNetwork(encoded, outputs, readout=table.readout, seed=table.seed)


def _kernel(table: GaussianTable | QuantumKernelTable, descriptor: Descriptor) -> Kernel:
    permutations = descriptor.feature_permutations()
    if isinstance(table, QuantumKernelTable):
        size = descriptor.n_features
        encoded = Encoding(table.encoding, layers=table.layers).circuit(size, size)
        return QuantumKernel(encoded, permutations, seed=table.seed)
    if table.kernel == "rbf+rq":
        return Sum(RBF(permutations), RationalQuadratic(permutations))
    return {"rbf": RBF, "rq": RationalQuadratic}[table.kernel](permutations)


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
