"""The arms of a comparison: a name, and how its untrained model is made from a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from qmlmat.ansatz.encoded_circuit import EncodedCircuit
from qmlmat.ansatz.encoding import Encoding
from qmlmat.potentials.base import Potential
from qmlmat.potentials.descriptors import Descriptor, Symmetrised
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

NETWORK: Final = Encoding("reupload_dense")
"""Circuit of the quantum network where none is named."""

KERNEL: Final = Encoding("morse_kernel")
"""Circuit of the quantum kernel where none is named."""


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
    features = descriptor if descriptor.permutation_invariant else Symmetrised(descriptor)
    full = encoding.circuit(n_qubits, features.n_features)
    product = without_entanglers(encoding).circuit(n_qubits, features.n_features)
    outputs = n_outputs(n_states)

    def quantum(encoded: EncodedCircuit, *, frozen: bool = False) -> Callable[[int], Potential]:
        return lambda seed: NetworkPotential(
            features,
            QuantumNetwork(encoded, outputs, frozen=frozen, seed=seed),
            n_states=n_states,
        )

    def perceptron(seed: int) -> Potential:
        n_weights = sum(p.numel() for p in QuantumNetwork(full, outputs).parameters())
        network = Perceptron.of_size(features.n_features, n_weights, outputs, seed=seed)
        return NetworkPotential(features, network, n_states=n_states)

    return (
        Arm(name="QNN", make=quantum(full)),
        Arm(name="QNN without entanglers", make=quantum(product)),
        Arm(name="QNN frozen", make=quantum(full, frozen=True)),
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
    size = descriptor.n_features
    permutations = descriptor.feature_permutations()

    def quantum(encoded: EncodedCircuit) -> Callable[[int], Potential]:
        return lambda seed: GaussianProcess(
            descriptor,
            QuantumKernel(encoded, permutations, seed=seed),
            n_states=n_states,
            seed=seed,
        )

    return (
        Arm(name="GP quantum kernel", make=quantum(encoding.circuit(size, size))),
        Arm(
            name="GP product kernel",
            make=quantum(without_entanglers(encoding).circuit(size, size)),
        ),
        *classical_gaussian_arms(descriptor, n_states=n_states),
    )


def classical_gaussian_arms(descriptor: Descriptor, *, n_states: int = 1) -> tuple[Arm, ...]:
    """Return Gaussian processes with classical kernels, averaged over permutations of equal atoms.

    Args:
        descriptor: From positions to features.
        n_states: Number of states.
    """
    permutations = descriptor.feature_permutations()

    def gaussian(kernel: Callable[[], Kernel]) -> Callable[[int], Potential]:
        return lambda seed: GaussianProcess(descriptor, kernel(), n_states=n_states, seed=seed)

    def both() -> Kernel:
        return Sum(RBF(permutations), RationalQuadratic(permutations))

    return (
        Arm(name="GP RQ", make=gaussian(lambda: RationalQuadratic(permutations))),
        Arm(name="GP RBF+RQ", make=gaussian(both)),
    )


def without_entanglers(encoding: Encoding) -> Encoding:
    """Return an encoding without entangling gates, its other options as they were."""
    return Encoding(encoding.template, **{**dict(encoding.options), "entangler": "none"})
