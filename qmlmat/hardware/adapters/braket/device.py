"""What a device of Braket says of itself: gates, limits, calibration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from qmlmat.errors import UnavailableError
from qmlmat.hardware.adapters.base import DeviceFacts, Snapshot
from qmlmat.hardware.adapters.braket.parts import SetLimits

_PROGRAM: Final = "braket.ir.openqasm.program"
_PROGRAM_SET: Final = "braket.ir.openqasm.program_set"


class Device:
    """A device, as ``GetDevice`` answered."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        """Read what is needed.

        Args:
            answer: The answer of ``GetDevice``.

        Raises:
            UnavailableError: If it cannot be read.
        """
        try:
            self._tree = json.loads(answer["deviceCapabilities"])
            self.name = str(answer["deviceName"])
            self.is_online = answer["deviceStatus"] == "ONLINE"
            self.is_simulator = answer["deviceType"] == "SIMULATOR"
            self.n_qubits = int(self._tree["paradigm"]["qubitCount"])
            told = self._tree["action"][_PROGRAM]["supportedOperations"]
            self.gates = frozenset(str(name).lower() for name in told)
        except (KeyError, TypeError, ValueError) as error:
            raise UnavailableError(
                f"BraketAdapter.capabilities: the device's answer cannot be read ({error!r}). Ask "
                "again, or update amazon-braket-sdk and qmlmat."
            ) from error

    @property
    def max_shots(self) -> int:
        """Most repetitions of a circuit."""
        return int(self._tree["service"]["shotsRange"][1])

    def sets(self) -> SetLimits | None:
        """Return the limits of program sets; ``None``: the device takes none."""
        found = self._tree["action"].get(_PROGRAM_SET)
        if found is None:
            return None
        return SetLimits(
            max_executables=int(found["maximumExecutables"]),
            max_shots=int(found["maximumTotalShots"]),
        )

    def facts(self, *notes: str) -> DeviceFacts:
        """Return what the device is and can do, with further notes."""
        own = []
        if self.sets() is None:
            own.append("It takes no program sets: every circuit at every point is a quantum task.")
        if not self.is_simulator:
            own.append(
                "Braket places circuits on qubits itself, so a readout calibration is of the "
                "qubits it chose for the calibration circuits, and holds as an average."
            )
        return DeviceFacts(
            name=self.name,
            n_qubits=self.n_qubits,
            is_simulator=self.is_simulator,
            is_online=self.is_online,
            notes=(*own, *notes),
        )

    def snapshot(self, taken: float) -> Snapshot | None:
        """Return the calibration; ``None`` of a simulator.

        Args:
            taken: When the device was asked (s since 1970, UTC).
        """
        if self.is_simulator:
            return None
        standard = self._tree.get("standardized") or {}
        one = standard.get("oneQubitProperties") or {}
        two = standard.get("twoQubitProperties") or {}
        readout = {int(q): _error(p.get("oneQubitFidelity", []), "READOUT") for q, p in one.items()}
        links = {_pair(pair): _error(p.get("twoQubitGateFidelity", [])) for pair, p in two.items()}
        return Snapshot(
            device=self.name,
            taken=taken,
            calibrated=_time((self._tree.get("service") or {}).get("updatedAt")),
            readout_errors={q: e for q, e in readout.items() if e is not None}
            or self._mean("spam"),
            two_qubit_errors={pair: e for pair, e in links.items() if e is not None},
        )

    def _mean(self, kind: str) -> dict[int, float]:
        """Return a mean error for every qubit, of devices that tell no more."""
        told = ((self._tree.get("provider") or {}).get("fidelity") or {}).get(kind) or {}
        if "mean" not in told:
            return {}
        return dict.fromkeys(range(self.n_qubits), 1.0 - float(told["mean"]))


def _error(fidelities: list[Mapping[str, Any]], kind: str = "") -> float | None:
    """Return one minus the best fidelity: of a link with several gates, the best is used."""
    known = [
        float(one["fidelity"])
        for one in fidelities
        if kind in str(one.get("fidelityType", {}).get("name", "")).upper()
    ]
    return 1.0 - max(known) if known else None


def _pair(text: str) -> tuple[int, int]:
    first, second = text.split("-")
    return int(first), int(second)


def _time(text: Any) -> float | None:  # noqa: ANN401
    if not isinstance(text, str):
        return None
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
