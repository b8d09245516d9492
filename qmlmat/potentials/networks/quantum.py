"""Shallow quantum neural networks: features in, expectations of a circuit out."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np
import torch
from torch import Tensor

from qmlmat.ansatz.encoded_circuit import EncodedCircuit
from qmlmat.backends.circuit_states import circuit_states
from qmlmat.errors import InputError
from qmlmat.operators.pauli import PauliSum

Readout = Literal["z", "z_zz"]
"""What is measured: every ``Z``, or every ``Z`` and the products of neighbours on a ring."""

BIAS_SPREAD: Final = 1.0
"""Standard deviation of angles without features at the start (radians).

Next to zero, entangling phases act on a basis state and do nothing at first: with 0.1, networks of
four qubits and layers ended on water at twice the error.
"""


class QuantumNetwork(torch.nn.Module):
    """A circuit whose angles are affine in the features, and a linear layer behind what it gives.

    ``outputs = V <O> + c`` with ``<O>`` the expectations of products of ``Z`` in the state of the
    circuit at angles ``W f + b``. Trained: ``W`` where the encoding's pattern has entries, ``b``,
    ``V`` and ``c``.
    """

    def __init__(
        self,
        encoded: EncodedCircuit,
        n_outputs: int = 1,
        *,
        readout: Readout = "z",
        frozen: bool = False,
        seed: int = 0,
    ) -> None:
        """Make the network.

        Args:
            encoded: The circuit.
            n_outputs: Number of outputs.
            readout: What is measured.
            frozen: Whether the circuit stays at its random start and the linear layer alone is
                trained: a quantum extreme learning machine.
            seed: Seed of the start.
        """
        super().__init__()
        if readout not in ("z", "z_zz"):
            raise InputError(f'QuantumNetwork(readout="{readout}"): use "z" or "z_zz".')
        self.encoded, self.readout, self.frozen, self.seed = encoded, readout, frozen, seed
        rng = torch.Generator().manual_seed(seed)
        pattern = torch.from_numpy(encoded.pattern.copy())
        self.pattern: Tensor
        self.register_buffer("pattern", pattern)
        width = pattern.sum(dim=1).clamp(min=1).double()
        # Angles of about one radian for features of about one: several turns cannot be learnt.
        scales = torch.randn(pattern.shape, generator=rng, dtype=torch.float64)
        scales = scales / width.sqrt()[:, None]
        bias = torch.randn(len(pattern), generator=rng, dtype=torch.float64) * BIAS_SPREAD
        self.scales = torch.nn.Parameter(scales[pattern], requires_grad=not frozen)
        """Factors of features in angles, shape ``(n_scales,)`` (radians)."""
        self.bias = torch.nn.Parameter(bias, requires_grad=not frozen)
        """Constant parts of angles, shape ``(n_params,)`` (radians)."""
        self.diagonals: Tensor
        self.register_buffer("diagonals", self._diagonals())
        n_observables = len(self.diagonals)
        mixing = torch.randn((n_outputs, n_observables), generator=rng, dtype=torch.float64)
        self.mixing = torch.nn.Parameter(mixing / n_observables**0.5)
        """Weights of expectations, shape ``(n_outputs, n_observables)``."""
        self.offset = torch.nn.Parameter(torch.zeros(n_outputs, dtype=torch.float64))
        """Constant parts of outputs, shape ``(n_outputs,)``."""

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
        return len(self.offset)

    @property
    def words(self) -> list[tuple[int, ...]]:
        """The wires of the product of ``Z`` that each expectation is of."""
        n_qubits = self.encoded.circuit.n_qubits
        singles: list[tuple[int, ...]] = [(wire,) for wire in range(n_qubits)]
        if self.readout == "z" or n_qubits == 1:
            return singles
        ring = [*pairwise(range(n_qubits)), *([(n_qubits - 1, 0)] if n_qubits > 2 else [])]
        return singles + ring

    def observables(self) -> list[PauliSum]:
        """Return what is measured, for devices."""
        n_qubits = self.encoded.circuit.n_qubits
        texts = ["".join("Z" if w in word else "I" for w in range(n_qubits)) for word in self.words]
        return [PauliSum.from_words({text: 1.0}) for text in texts]

    def _diagonals(self) -> Tensor:
        n_qubits = self.encoded.circuit.n_qubits
        index = np.arange(1 << n_qubits)
        signs = [1.0 - 2.0 * (index >> (n_qubits - 1 - wire) & 1) for wire in range(n_qubits)]
        rows = [np.prod([signs[wire] for wire in word], axis=0) for word in self.words]
        return torch.from_numpy(np.array(rows))

    def linear_map(self) -> Tensor:
        """Return ``W``, shape ``(n_params, n_features)`` (radians)."""
        full = torch.zeros(self.pattern.shape, dtype=self.scales.dtype)
        return full.masked_scatter(self.pattern, self.scales)

    def angles(self, features: Tensor) -> Tensor:
        """Return the circuit's angles, shape ``(n_points, n_params)`` (radians).

        Args:
            features: Shape ``(n_points, n_features)``.

        Raises:
            InputError: If there is another number of features.
        """
        if features.shape[-1] != self.encoded.n_features:
            raise InputError(
                f"QuantumNetwork: {features.shape[-1]} features for an encoding of "
                f"{self.encoded.n_features}. Make the encoding for the descriptor's number."
            )
        return torch.nn.functional.linear(features, self.linear_map(), self.bias)

    def expectations(self, features: Tensor) -> Tensor:
        """Return expectations, shape ``(n_points, n_observables)``.

        Args:
            features: Shape ``(n_points, n_features)``.
        """
        real, imag = circuit_states(self.encoded.circuit, self.angles(features))
        return (real.square() + imag.square()) @ self.diagonals.T

    def forward(self, features: Tensor) -> Tensor:
        """Return outputs, shape ``(n_points, n_outputs)``.

        Args:
            features: Shape ``(n_points, n_features)``.
        """
        return self.outputs(self.expectations(features))

    def outputs(self, expectations: Tensor) -> Tensor:
        """Return outputs from expectations, computed here or measured on a device.

        Args:
            expectations: Shape ``(n_points, n_observables)``.
        """
        return torch.nn.functional.linear(expectations, self.mixing, self.offset)

    def config(self) -> dict[str, Any]:
        """Return plain values from which the network is built again, its numbers apart."""
        return {
            "encoded": self.encoded.to_dict(),
            "n_outputs": self.n_outputs,
            "readout": self.readout,
            "frozen": self.frozen,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> QuantumNetwork:
        """Return the network that ``config`` describes."""
        return cls(
            EncodedCircuit.from_dict(config["encoded"]),
            config["n_outputs"],
            readout=config["readout"],
            frozen=config["frozen"],
            seed=config["seed"],
        )
