"""Trained quantum networks on devices: measured expectations, and what energies follow from them.

A network's circuit is run at the angles of each geometry; everything behind it, the linear layer
and the diagonalisation, is done by us. Error bars are those of the shots, to first order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from qmlmat.backends import Backend
from qmlmat.backends.requests import Estimate, Preparation, Reference, Request
from qmlmat.errors import CapabilityError
from qmlmat.potentials.networks.quantum import QuantumNetwork
from qmlmat.potentials.regression import NetworkPotential
from qmlmat.typing import FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class MeasuredExpectations:
    """What a device says of a network's circuit."""

    values: FloatArray
    """Expectations, shape ``(n_points, n_observables)``."""
    covariances: FloatArray
    """Covariances of ``values`` as estimators, shape ``(n_points, n_observables, n_observables)``;
    zero where exact."""
    n_shots: int | None
    """Shots spent on all points together; ``None`` where exact."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MeasuredEnergies:
    """Energies of a model whose circuit a device ran."""

    energies: FloatArray
    """Energies, ascending, shape ``(n_points, n_states)`` (hartree)."""
    stderr: FloatArray
    """Their standard errors, same shape (hartree); zero where exact. They count shots alone, and
    not the model's own error."""
    n_shots: int | None
    """Shots spent on all points together; ``None`` where exact."""


def network_request(
    network: QuantumNetwork, features: Tensor, *, shots: int | None = None
) -> Request:
    """Return what a backend is asked: the network's circuit at each point, and its observables.

    All observables are products of ``Z``, measured together. Behind them come the sums of any two,
    whose variances hold the covariances.

    Args:
        network: The network.
        features: What it is given, shape ``(n_points, n_features)``.
        shots: Repetitions of each point; ``None``: the backend's own.
    """
    with torch.no_grad():
        angles = network.angles(features).double().numpy()
    single = network.observables()
    circuit = network.encoded.circuit
    return Request(
        preparation=Preparation(circuit, Reference.determinant("0" * circuit.n_qubits), angles),
        observables=(*single, *(a + b for a, b in combinations(single, 2))),
        shots=shots,
    )


def measured_expectations(
    network: QuantumNetwork,
    features: Tensor,
    backend: Backend,
    *,
    shots: int | None = None,
    seed: int | None = None,
) -> MeasuredExpectations:
    """Return a network's expectations as a device measures them.

    Args:
        network: The network.
        features: What it is given, shape ``(n_points, n_features)``.
        backend: Where its circuit runs; one that takes circuits of qubit gates.
        shots: Repetitions of each point; ``None``: the backend's own, exact where it has none.
        seed: Seed of the shots, where they are ours.

    Raises:
        CapabilityError: If the backend runs no circuits of qubit gates.
    """
    (answer,) = backend.run([network_request(network, features, shots=shots)], seed=seed)
    assert isinstance(answer, Estimate)
    n_words = len(network.words)
    variances = np.array(answer.variances)
    covariances = np.zeros((len(variances), n_words, n_words))
    place = np.arange(n_words)
    covariances[:, place, place] = variances[:, :n_words]
    for column, (a, b) in enumerate(combinations(range(n_words), 2), start=n_words):
        both = 0.5 * (variances[:, column] - variances[:, a] - variances[:, b])
        covariances[:, a, b] = covariances[:, b, a] = both
    return MeasuredExpectations(
        values=np.array(answer.values)[:, :n_words], covariances=covariances, n_shots=answer.n_shots
    )


def measured_energies(
    model: NetworkPotential,
    positions: FloatArray,
    backend: Backend,
    *,
    shots: int | None = None,
    seed: int | None = None,
) -> MeasuredEnergies:
    """Return a model's energies from expectations that a device measures.

    What stands before and behind the circuit, classical layers among it, is computed here. Errors
    are carried through all of it by its derivatives: through eigenvalues to first order, which is
    good where they are further apart than their errors.

    Args:
        model: A model whose network is a ``QuantumNetwork``, or a row of layers with one.
        positions: Geometries, shape ``(n_points, n_atoms, 3)`` (Å).
        backend: Where the circuit runs; one that takes circuits of qubit gates.
        shots: Repetitions of each point; ``None``: the backend's own, exact where it has none.
        seed: Seed of the shots, where they are ours.

    Raises:
        CapabilityError: If the model has no circuit, or several, or the backend cannot run it.
    """
    before, network, behind = _parts(model.network)
    where = model.as_tensor(positions)
    with torch.no_grad():
        features = _through(before, model.features(where))
    found = measured_expectations(network, features, backend, shots=shots, seed=seed)
    values = model.as_tensor(found.values).requires_grad_()
    energies = model.energies_from(_through(behind, network.outputs(values)), where)
    slopes = torch.stack(
        [
            torch.autograd.grad(energies[:, state].sum(), values, retain_graph=True)[0]
            for state in range(model.n_states)
        ],
        dim=1,
    )
    rows = slopes.double().numpy()
    variances = np.einsum("psk,pkl,psl->ps", rows, found.covariances, rows)
    return MeasuredEnergies(
        energies=energies.detach().double().numpy(),
        stderr=np.sqrt(np.maximum(variances, 0.0)),  # rounding may leave -1e-20
        n_shots=found.n_shots,
    )


def _parts(
    network: torch.nn.Module,
) -> tuple[Sequence[torch.nn.Module], QuantumNetwork, Sequence[torch.nn.Module]]:
    """Return the layers before the circuit, its network, and those behind it."""
    layers = list(network) if isinstance(network, torch.nn.Sequential) else [network]
    places = [k for k, layer in enumerate(layers) if isinstance(layer, QuantumNetwork)]
    if len(places) != 1:
        raise CapabilityError(
            f"measured_energies: the model has {len(places)} quantum networks in a row of "
            f"{[type(layer).__name__ for layer in layers]}. Measured is a QuantumNetwork, or a "
            "torch.nn.Sequential of layers with one among them."
        )
    circuit = layers[places[0]]
    assert isinstance(circuit, QuantumNetwork)
    return layers[: places[0]], circuit, layers[places[0] + 1 :]


def _through(layers: Sequence[torch.nn.Module], values: Tensor) -> Tensor:
    for layer in layers:
        values = layer(values)
    return values
