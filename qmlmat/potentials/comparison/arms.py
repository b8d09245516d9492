"""The arms of a comparison: a name, and how its untrained model is made from a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qmlmat.ansatz.encoding import Encoding
from qmlmat.potentials.base import Potential
from qmlmat.potentials.descriptors import Descriptor
from qmlmat.potentials.networks.heads import n_outputs
from qmlmat.potentials.networks.perceptron import Perceptron
from qmlmat.potentials.presets import (
    KERNEL,
    NETWORK,
    ClassicalKernel,
    GPPotential,
    QNNPotential,
    QuantumKernelPotential,
    invariant_features,
)
from qmlmat.potentials.regression import NetworkPotential


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One kind of model that takes part in a comparison."""

    name: str
    """What tables and figures call it."""

    make: Callable[[int], Potential]
    """Returns a new untrained model of a seed."""


def network_arms(
    descriptor: Descriptor,
    *,
    n_qubits: int = 4,
    encoding: Encoding = NETWORK,
    n_states: int = 1,
) -> tuple[Arm, ...]:
    """Return a quantum network, and the four that show what its circuit is worth.

    The network; the same without entanglers; the same with its circuit frozen at the start, a
    quantum extreme learning machine; a perceptron of as many weights; Gaussian processes with
    classical kernels. Networks take invariant polynomials of the features, kernels are averages
    over permutations of equal atoms: all of them see the same symmetry.

    Args:
        descriptor: From positions to features.
        n_qubits: Qubits of the network.
        encoding: Its circuit; it must have the option ``entangler``.
        n_states: Number of states.
    """
    features = invariant_features(descriptor)

    def quantum(circuit: Encoding, *, frozen: bool = False) -> Callable[[int], Potential]:
        return lambda seed: QNNPotential(
            features,
            n_states=n_states,
            n_qubits=n_qubits,
            encoding=circuit,
            frozen=frozen,
            seed=seed,
        )

    def perceptron(seed: int) -> Potential:
        network = Perceptron.of_size(
            features.n_features, quantum(encoding)(seed).n_weights, n_outputs(n_states), seed=seed
        )
        return NetworkPotential(features, network, n_states=n_states)

    return (
        Arm(name="QNN", make=quantum(encoding)),
        Arm(name="QNN without entanglers", make=quantum(without_entanglers(encoding))),
        Arm(name="QNN frozen", make=quantum(encoding, frozen=True)),
        Arm(name="MLP", make=perceptron),
        *classical_gaussian_arms(descriptor, n_states=n_states),
    )


def kernel_arms(
    descriptor: Descriptor, *, encoding: Encoding = KERNEL, n_states: int = 1
) -> tuple[Arm, ...]:
    """Return a Gaussian process with a quantum kernel, the same without entanglers, and rivals.

    Args:
        descriptor: From positions to features; each feature has a qubit of its own.
        encoding: The kernel's circuit; it must have the option ``entangler``.
        n_states: Number of states.
    """

    def quantum(circuit: Encoding) -> Callable[[int], Potential]:
        return lambda seed: QuantumKernelPotential(
            descriptor, n_states=n_states, encoding=circuit, seed=seed
        )

    return (
        Arm(name="GP quantum kernel", make=quantum(encoding)),
        Arm(name="GP product kernel", make=quantum(without_entanglers(encoding))),
        *classical_gaussian_arms(descriptor, n_states=n_states),
    )


def classical_gaussian_arms(descriptor: Descriptor, *, n_states: int = 1) -> tuple[Arm, ...]:
    """Return Gaussian processes with classical kernels, averaged over permutations of equal atoms.

    Args:
        descriptor: From positions to features.
        n_states: Number of states.
    """

    def gaussian(kernel: ClassicalKernel) -> Callable[[int], Potential]:
        return lambda seed: GPPotential(descriptor, n_states=n_states, kernel=kernel, seed=seed)

    return (
        Arm(name="GP RQ", make=gaussian("rq")),
        Arm(name="GP RBF+RQ", make=gaussian("rbf+rq")),
    )


def without_entanglers(encoding: Encoding) -> Encoding:
    """Return an encoding without entangling gates, its other options as they were."""
    return Encoding(encoding.template, **{**dict(encoding.options), "entangler": "none"})
