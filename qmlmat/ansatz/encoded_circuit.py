"""Circuits some of whose angles depend on features of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.errors import InputError
from qmlmat.typing import BoolArray


@dataclass(frozen=True, eq=False)
class EncodedCircuit:
    """A circuit of qubits, and which of its angles depend on which features.

    Raises:
        InputError: If the pattern does not fit the circuit.
    """

    circuit: QubitCircuit
    """The circuit; parameter k is angle k."""

    pattern: BoolArray
    """Whether angle k depends on feature j, shape ``(n_params, n_features)``, read-only."""

    def __post_init__(self) -> None:
        pattern = np.array(self.pattern, dtype=np.bool_)
        if pattern.ndim != 2 or len(pattern) != self.circuit.n_params:
            raise InputError(
                f"EncodedCircuit(pattern of shape {pattern.shape}): the circuit has "
                f"{self.circuit.n_params} parameters. Give one row of features for each."
            )
        pattern.flags.writeable = False
        object.__setattr__(self, "pattern", pattern)

    @property
    def n_features(self) -> int:
        """Number of features of one sample."""
        return int(self.pattern.shape[1])

    @property
    def n_scales(self) -> int:
        """Number of factors of features in all angles together."""
        return int(self.pattern.sum())

    def then(self, other: EncodedCircuit) -> EncodedCircuit:
        """Return this circuit followed by another on the same qubits and features."""
        return EncodedCircuit(
            self.circuit.then(other.circuit), np.concatenate([self.pattern, other.pattern])
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for files."""
        return {"circuit": self.circuit.to_dict(), "pattern": self.pattern.astype(int).tolist()}

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> EncodedCircuit:
        """Return the circuit that ``to_dict`` wrote.

        Raises:
            InputError: If ``tree`` is not what ``to_dict`` writes.
        """
        try:
            pattern = np.array(tree["pattern"], dtype=np.bool_)
            return cls(QubitCircuit.from_dict(tree["circuit"]), pattern)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"EncodedCircuit.from_dict: not a stored circuit ({error}). Give what "
                "EncodedCircuit.to_dict() wrote with this version."
            ) from error
