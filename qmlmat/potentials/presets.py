"""Untrained models with everything chosen: what ``fit`` takes where nobody has a wish of their own.

Each takes a molecule or its symbols, and then describes it by inverse distances; or a descriptor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

import torch

from qmlmat.ansatz.encoding import Encoding
from qmlmat.errors import InputError, nearest
from qmlmat.potentials.descriptors import (
    Descriptor,
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
from qmlmat.potentials.gaussian.quantum import Profile
from qmlmat.potentials.networks.heads import n_outputs
from qmlmat.potentials.networks.perceptron import Perceptron
from qmlmat.potentials.networks.quantum import QuantumNetwork, Readout
from qmlmat.potentials.regression import NetworkPotential
from qmlmat.systems import Molecule

Atoms: TypeAlias = Molecule | Descriptor | Sequence[str]
"""A molecule, of which only the elements count; its symbols; or a descriptor of it."""

ClassicalKernel = Literal["rq", "rbf", "rbf+rq"]
"""Rational quadratic, Gaussian, or their sum."""

NETWORK: Final = Encoding("reupload_dense")
"""Circuit of a quantum network where none is named."""

KERNEL: Final = Encoding("morse_kernel")
"""Circuit of a quantum kernel where none is named."""

_KERNELS: Final = MappingProxyType[str, Callable[[torch.Tensor], Kernel]](
    {
        "rq": RationalQuadratic,
        "rbf": RBF,
        "rbf+rq": lambda moves: Sum(RBF(moves), RationalQuadratic(moves)),
    }
)


def QNNPotential(  # noqa: N802, PLR0913 (stands where a class would; each is one choice)
    atoms: Atoms,
    *,
    n_states: int = 1,
    n_qubits: int = 4,
    encoding: str | Encoding = NETWORK,
    readout: Readout = "z",
    frozen: bool = False,
    coupling: torch.nn.Module | None = None,
    seed: int = 0,
) -> NetworkPotential:
    """Return a shallow quantum neural network of a molecule, untrained.

    Args:
        atoms: Molecule, symbols, or descriptor.
        n_states: Number of states; of several, energies are eigenvalues of a diabatic matrix.
        n_qubits: Number of qubits.
        encoding: The circuit; by default four layers that upload all features.
        readout: What is measured.
        frozen: Whether the circuit stays as it starts and its read-out alone is trained.
        coupling: See ``NetworkPotential``.
        seed: Seed of the start.

    Example:
        >>> QNNPotential(("O", "H", "H")).n_weights
        105
    """
    features = invariant_features(atoms)
    chosen = Encoding(encoding) if isinstance(encoding, str) else encoding
    network = QuantumNetwork(
        chosen.circuit(n_qubits, features.n_features),
        n_outputs(n_states),
        readout=readout,
        frozen=frozen,
        seed=seed,
    )
    return NetworkPotential(features, network, n_states=n_states, coupling=coupling)


def MLPPotential(  # noqa: N802 (stands where a class would)
    atoms: Atoms, *, n_states: int = 1, hidden: Sequence[int] = (19,), seed: int = 0
) -> NetworkPotential:
    """Return a perceptron of a molecule, untrained.

    Args:
        atoms: Molecule, symbols, or descriptor.
        n_states: Number of states.
        hidden: Units of each hidden layer; 19 in one are about as many weights as
            ``QNNPotential`` has, of a molecule of three atoms.
        seed: Seed of the start.
    """
    features = invariant_features(atoms)
    network = Perceptron(features.n_features, hidden, n_outputs(n_states), seed=seed)
    return NetworkPotential(features, network, n_states=n_states)


def GPPotential(  # noqa: N802 (stands where a class would)
    atoms: Atoms, *, n_states: int = 1, kernel: ClassicalKernel = "rq", seed: int = 0
) -> GaussianProcess:
    """Return a Gaussian process with a classical kernel, untrained.

    Args:
        atoms: Molecule, symbols, or descriptor.
        n_states: Number of states, independent processes.
        kernel: Its kernel, averaged over permutations of equal atoms.
        seed: Seed of the choice of points whose likelihood counts.

    Raises:
        InputError: If the kernel is unknown.
    """
    if kernel not in _KERNELS:
        hint = nearest(str(kernel), get_args(ClassicalKernel))
        raise InputError(f'GPPotential(kernel="{kernel}"): no such kernel. {hint}')
    features = _descriptor(atoms, InverseDistances)
    return GaussianProcess(
        features, _KERNELS[kernel](features.feature_permutations()), n_states=n_states, seed=seed
    )


def QuantumKernelPotential(  # noqa: N802 (stands where a class would)
    atoms: Atoms,
    *,
    n_states: int = 1,
    encoding: str | Encoding = KERNEL,
    profile: Profile = "rational",
    seed: int = 0,
) -> GaussianProcess:
    """Return a Gaussian process with a quantum kernel, untrained; a qubit for each pair of atoms.

    Args:
        atoms: Molecule, symbols, or descriptor; of the first two, Morse variables.
        n_states: Number of states, independent processes.
        encoding: The kernel's circuit.
        profile: What is made of the fidelity of states.
        seed: Seed of the start, and of the choice of points whose likelihood counts.
    """
    features = _descriptor(atoms, MorseVariables)
    chosen = Encoding(encoding) if isinstance(encoding, str) else encoding
    encoded = chosen.circuit(features.n_features, features.n_features)
    kernel = QuantumKernel(encoded, features.feature_permutations(), profile=profile, seed=seed)
    return GaussianProcess(features, kernel, n_states=n_states, seed=seed)


def invariant_features(atoms: Atoms) -> Descriptor:
    """Return features that know no order of equal atoms, for networks.

    Args:
        atoms: Molecule, symbols, or descriptor.

    Raises:
        InputError: If there are too many atoms for a list of permutations.
    """
    plain = _descriptor(atoms, InverseDistances)
    return plain if plain.permutation_invariant else Symmetrised(plain)


def _descriptor(atoms: Atoms, kind: type[InverseDistances | MorseVariables]) -> Descriptor:
    if isinstance(atoms, Descriptor):
        return atoms
    return kind(atoms.symbols if isinstance(atoms, Molecule) else atoms)
