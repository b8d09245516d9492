"""A device as IBM's service describes it: a fake one, of which only a few qubits are left."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qiskit.providers import BackendV2

from qmlmat.backends.qiskit.devices import best_qubits, fake_device, restricted

N_QUBITS = 6
"""How many qubits are left where nothing else is asked for: the client's estimator measures all."""
_ERRORS = ("readout_error", "prob_meas0_prep1", "prob_meas1_prep0", "gate_error")
_OF_HARDWARE = ("channels", "hamiltonian", "u_channel_lo", "qubit_channel_mapping", "coords")


@dataclass(frozen=True, kw_only=True)
class RehearsedDevice:
    """What the service says of a device, and what simulates it."""

    name: str
    """As in ``"ibm_fez"``."""
    configuration: Mapping[str, Any]
    """As the service sends it."""
    properties: Mapping[str, Any]
    """As the service sends it."""
    backend: BackendV2
    """Simulates it with its noise."""

    @classmethod
    def named(cls, name: str) -> RehearsedDevice:
        """Return a fake device's best linked qubits.

        Args:
            name: The device, with or without the number of qubits, as in ``"fez"``, ``"fez:8"``.
        """
        short, _, number = name.partition(":")
        fake: Any = fake_device(short)
        n_qubits = int(number) if number else min(N_QUBITS, fake.num_qubits)
        qubits = best_qubits(fake, n_qubits)
        folder, called = Path(fake.dirname), f"ibm_{short}"
        told = [
            json.loads((folder / n).read_text()) for n in (fake.conf_filename, fake.props_filename)
        ]
        place = {qubit: k for k, qubit in enumerate(qubits)}
        return cls(
            name=called,
            configuration=_configuration(told[0], place) | {"backend_name": called},
            properties=_properties(told[1], place) | {"backend_name": called},
            backend=restricted(fake, qubits),
        )


def _configuration(whole: Mapping[str, Any], place: Mapping[int, int]) -> dict[str, Any]:
    """Return a configuration of some qubits, which are numbered anew."""
    found = {k: copy.deepcopy(v) for k, v in whole.items() if k not in _OF_HARDWARE}
    for name, value in found.items():  # the files say "None"
        if value == "None":
            found[name] = None
    found["n_qubits"], found["n_uchannels"], found["u_channel_lo"] = len(place), 0, []
    found["coupling_map"] = _links(whole["coupling_map"], place)
    for gate in found["gates"]:
        if gate.get("coupling_map"):
            gate["coupling_map"] = _links(gate["coupling_map"], place)
    for name in ("meas_lo_range", "qubit_lo_range"):
        found[name] = [whole[name][q] for q in place if name in whole]
    found["meas_map"] = [list(place.values())]
    return found


def _properties(whole: Mapping[str, Any], place: Mapping[int, int]) -> dict[str, Any]:
    """Return a calibration of some qubits."""
    gates = []
    for gate in whole["gates"]:
        if all(qubit in place for qubit in gate["qubits"]):
            qubits = [place[qubit] for qubit in gate["qubits"]]
            name = f"{gate['gate']}{'_'.join(map(str, qubits))}"
            gates.append(gate | {"qubits": qubits, "name": name})
    qubits = [whole["qubits"][qubit] for qubit in place]
    today = datetime.now(UTC).isoformat()  # a device in use is calibrated every day
    return whole | {
        "qubits": qubits,
        "gates": gates,
        "general": [],
        "general_qlists": [],
        "last_update_date": today,
    }


def recalibrated(properties: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Return another calibration: every error is multiplied by 1/5 to 5.

    Args:
        properties: As the service sends them.
        seed: Which one.
    """
    draw = random.Random(seed)
    found = copy.deepcopy(dict(properties))
    figures = [one for qubit in found["qubits"] for one in qubit]
    figures += [one for gate in found["gates"] for one in gate["parameters"]]
    for one in figures:
        if one["name"] in _ERRORS:
            one["value"] = min(0.4, one["value"] * 5 ** draw.uniform(-1, 1))
    return found


def _links(pairs: list[list[int]], place: Mapping[int, int]) -> list[list[int]]:
    return [[place[q] for q in pair] for pair in pairs if all(q in place for q in pair)]
