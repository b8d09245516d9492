"""The input file of ``qmlmat fit``: data, model, and how it is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from qmlmat.cli.inputs import checked_document, read_toml
from qmlmat.cli.table import Table


class DataTable(Table):
    """What is learnt from."""

    file: str = Field(description="Store of a scan, .npz or .extxyz; a path relative to this file.")
    test_fraction: float = Field(
        default=0.2, ge=0, lt=1, description="Part of the points that is kept for the final test."
    )
    seed: int = Field(default=0, ge=0, description="Seed of the draw of points.")


class ModelTable(Table):
    """What all models have."""

    descriptor: Literal["distances", "inverse_distances", "morse"] = Field(
        default="inverse_distances",
        description="Features of a geometry: a function of each interatomic distance.",
    )
    n_states: int = Field(default=1, ge=1, description="Number of states, the ground state first.")
    seed: int = Field(default=0, ge=0, description="Seed of the start.")


class QuantumNetworkTable(ModelTable):
    """A shallow quantum neural network."""

    name: Literal["qnn"]
    n_qubits: int = Field(default=4, ge=1, le=16, description="Number of qubits.")
    encoding: str = Field(default="reupload_dense", description="Name of the circuit's template.")
    layers: int = Field(default=4, ge=1, description="Number of layers of the circuit.")
    readout: Literal["z", "z_zz"] = Field(
        default="z", description="Measured: every Z, or products of neighbours, too."
    )


class PerceptronTable(ModelTable):
    """A classical network."""

    name: Literal["mlp"]
    hidden: list[Annotated[int, Field(ge=1)]] = Field(
        default=[19], min_length=1, description="Units of each hidden layer."
    )


class GaussianTable(ModelTable):
    """A Gaussian process with a classical kernel."""

    name: Literal["gp"]
    kernel: Literal["rq", "rbf", "rbf+rq"] = Field(
        default="rq", description="Rational quadratic, Gaussian, or their sum."
    )


class QuantumKernelTable(ModelTable):
    """A Gaussian process whose kernel is the overlap of a circuit's states."""

    name: Literal["quantum_kernel"]
    descriptor: Literal["distances", "inverse_distances", "morse"] = Field(
        default="morse", description="Features of a geometry, a qubit for each."
    )
    encoding: str = Field(default="morse_kernel", description="Name of the circuit's template.")
    layers: int = Field(default=1, ge=1, description="Number of layers of the circuit.")


class TrainingTable(Table):
    """Adam, then L-BFGS; what is left out has the value of ``Training``."""

    n_adam: int | None = Field(default=None, ge=0, description="Most steps of Adam.")
    learning_rate: float | None = Field(default=None, gt=0, description="Adam's first step size.")
    n_lbfgs: int | None = Field(default=None, ge=0, description="Most steps of L-BFGS.")
    force_weight: float = Field(
        default=0.0, ge=0, description="Weight of forces beside energies; 0: not used."
    )
    validation_fraction: float | None = Field(
        default=None, ge=0, lt=1, description="Part of the training points that says when to stop."
    )
    patience: int | None = Field(
        default=None, ge=1, description="Steps without a lower validation loss before the end."
    )


class FitDocument(Table):
    """Input of `qmlmat fit`."""

    title: str = Field(default="", description="What the model is of; shown over the figure.")
    data: DataTable
    model: Annotated[
        QuantumNetworkTable | PerceptronTable | GaussianTable | QuantumKernelTable,
        Field(discriminator="name"),
    ]
    training: TrainingTable = Field(default=TrainingTable())


def load_fit_input(file: Path) -> FitDocument:
    """Return a checked input file of ``qmlmat fit``.

    Raises:
        ConfigError: If the file cannot be read, is not TOML, or breaks a rule; one line each.
    """
    return checked_document(read_toml(file), FitDocument, file.name)
