"""What is sent to IBM for a task, as bytes that are kept: circuits, angles, options, no secret."""

from __future__ import annotations

import base64
import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from qiskit import QuantumCircuit, qpy

from qmlmat.backends.qiskit.operators import to_sparse_pauli_op
from qmlmat.errors import CorruptResultError
from qmlmat.hardware.task import packed, sum_from_plain, sum_to_plain, unpacked
from qmlmat.operators.pauli import PauliSum
from qmlmat.typing import FloatArray

_FORMAT: Final = 1
_SETTINGS: Final = ("primitive", "device", "n_qubits", "fractional", "mode", "run", "shots")


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """One program as it is sent."""

    circuit: int
    """Its circuit, by number."""
    values: tuple[FloatArray, ...]
    """Angles of the parameters the circuit still has: for each PUB, shape ``(..., n)``."""
    n_points: int
    """Number of points."""
    n_bits: int = 0
    """Bits of an outcome, of a job that counts."""
    sums: tuple[PauliSum, ...] = ()
    """What is measured, of a batch."""
    places: tuple[int, ...] = ()
    """The device's qubit of each of the sums' qubits at the end of the circuit."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Content:
    """All that one job takes."""

    primitive: str
    """``"sampler"`` or ``"estimator"``."""
    device: str
    """The device, as IBM calls it."""
    n_qubits: int
    """Number of its qubits."""
    fractional: bool
    """Whether gates of any angle are used."""
    mode: str
    """``"job"``, ``"batch"`` or ``"session"``."""
    run: str
    """Tag of the run: by it a batch is found again."""
    shots: int
    """Repetitions of each PUB's points."""
    options: Mapping[str, Any]
    """The client's options, as plain values."""
    circuits: tuple[QuantumCircuit, ...]
    """The circuits, as the device runs them."""
    parts: tuple[Part, ...]
    """The programs."""

    def pubs(self) -> list[tuple[Any, ...]]:
        """Return what the client's primitive is given."""
        found: list[tuple[Any, ...]] = []
        for part in self.parts:
            circuit = self.circuits[part.circuit]
            if not part.sums:
                found += [(circuit, values) for values in part.values]
                continue
            operators = [
                to_sparse_pauli_op(one).apply_layout(list(part.places), self.n_qubits)
                for one in part.sums
            ]
            found += [(circuit, operators, values[:, None, :]) for values in part.values]
        return found

    def to_bytes(self) -> bytes:
        """Return the content as text from which ``from_bytes`` makes it again."""
        stream = io.BytesIO()
        qpy.dump(list(self.circuits), stream)
        tree = {name: getattr(self, name) for name in _SETTINGS} | {
            "format": _FORMAT,
            "options": dict(self.options),
            "qpy": base64.b64encode(zlib.compress(stream.getvalue())).decode("ascii"),
            "parts": [_to_plain(part) for part in self.parts],
        }
        return json.dumps(tree, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, text: bytes) -> Content:
        """Return the content whose ``to_bytes`` is ``text``.

        Raises:
            CorruptResultError: If it cannot be read.
        """
        try:
            tree = json.loads(text)
            circuits = qpy.load(io.BytesIO(zlib.decompress(base64.b64decode(tree["qpy"]))))
            return cls(
                **{name: tree[name] for name in _SETTINGS},
                options=tree["options"],
                circuits=tuple(circuits),
                parts=tuple(map(_from_plain, tree["parts"])),
            )
        except (ValueError, KeyError, TypeError, zlib.error) as error:
            raise CorruptResultError(
                "IbmAdapter: the stored payload cannot be read. Restore the ledger's folder from a "
                "copy, or start a run of another name."
            ) from error


def _to_plain(part: Part) -> dict[str, Any]:
    return {
        "circuit": part.circuit,
        "values": [packed(values) for values in part.values],
        "n_points": part.n_points,
        "n_bits": part.n_bits,
        "sums": [sum_to_plain(one) for one in part.sums],
        "places": list(part.places),
    }


def _from_plain(tree: Mapping[str, Any]) -> Part:
    return Part(
        circuit=tree["circuit"],
        values=tuple(map(unpacked, tree["values"])),
        n_points=tree["n_points"],
        n_bits=tree["n_bits"],
        sums=tuple(map(sum_from_plain, tree["sums"])),
        places=tuple(tree["places"]),
    )
