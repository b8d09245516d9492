"""A trained re-uploading circuit on devices: water's ground state, exactly, on shots, with noise.

The model is trained by exact simulation, on energies and forces; the device runs its circuit at 20
geometries that it has not seen. Error bars are those of the shots, carried through the linear
layer behind the circuit.

Run ``python -m benchmarks.learning.devices`` (data: ``python -m benchmarks.learning.data``).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

import qmlmat as qm
from benchmarks.learning.data import FOLDER, water
from benchmarks.learning.water import FORCE_WEIGHT, QUBITS, circuit, recipe
from qmlmat.backends import Backend
from qmlmat.potentials.base import Loss
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.measured import measured_energies
from qmlmat.potentials.regression import NetworkPotential
from qmlmat.potentials.training import fit

FAKE = "manila"
"""The device whose noise is simulated: five qubits in a row."""


def backends(seed: int) -> dict[str, Backend]:
    """Return where the circuit runs."""
    noisy = {"n_qubits": QUBITS, "seed": seed, "shots": 10_000}

    def pennylane(shots: int | None) -> Backend:
        return qm.PennyLaneBackend.of("default.qubit", wires=QUBITS, seed=seed, shots=shots)

    return {
        "PennyLane, exact": pennylane(None),
        "PennyLane, 1,000 shots": pennylane(1_000),
        "PennyLane, 10,000 shots": pennylane(10_000),
        "Qiskit, exact": qm.QiskitBackend.ideal(),
        "Qiskit, 1,000 shots": qm.QiskitBackend.ideal(seed=seed, shots=1_000),
        "Qiskit, 10,000 shots": qm.QiskitBackend.ideal(seed=seed, shots=10_000),
        f"Qiskit, {FAKE}'s noise, 10,000 shots": qm.QiskitBackend.on_fake(FAKE, **noisy),
        "the same, readout mitigated": qm.QiskitBackend.on_fake(
            FAKE, mitigation=qm.Mitigation(readout=True), **noisy
        ),
    }


def rows(model: NetworkPotential, test: SurfaceData, *, seed: int = 0) -> Iterator[str]:
    """Yield one line for each backend.

    Args:
        model: The trained model.
        test: Geometries with exact energies.
        seed: Seed of the shots.
    """
    yield (
        f"{'':38s}{'from exact model':>20s}{'error bar':>12s}{'from full CI':>14s}"
        f"{'shots':>9s}   (RMS, mHa; shots of a geometry)"
    )
    exact = measured_energies(model, test.positions, qm.StatevectorBackend()).energies
    for name, backend in backends(seed).items():
        found = measured_energies(model, test.positions, backend, seed=seed)
        columns = (found.energies - exact, found.stderr, found.energies - test.energies[:, :1])
        cells = [1e3 * float(np.sqrt(np.mean(np.square(column)))) for column in columns]
        shots = "-" if found.n_shots is None else f"{found.n_shots // len(test)}"
        yield f"{name:38s}{cells[0]:20.3f}{cells[1]:12.3f}{cells[2]:14.3f}{shots:>9s}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--quick", action="store_true", help="few points and steps")
    chosen = parser.parse_args(arguments)
    data = water(chosen.folder, n_points=40 if chosen.quick else 900, workers=1)
    train, test = data.split(20 if chosen.quick else 364, seed=0)
    test = test.subset(np.arange(3 if chosen.quick else 20))
    training = recipe(10 if chosen.quick else 300)
    model = circuit(0)
    fit(model, train, training=replace(training, loss=Loss(force_weight=FORCE_WEIGHT)))
    for line in rows(model, test):
        print(line, flush=True)


if __name__ == "__main__":
    main()
