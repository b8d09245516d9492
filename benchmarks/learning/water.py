"""Water, three singlets at wide geometries (B3): re-uploading circuits and what they compete with.

Every arm has the same features, points, loss and steps: Adam 300 from a rate of 0.05, then L-BFGS
1,000 (a Gaussian process stops long before). The figure of an arm is the median over five seeds
(three with forces, and of several states), each a draw of training points and one start; the
smallest and largest stand behind it. Encoding, layers and what is measured were chosen on fifths of
three training sets, never on test points: medians of 57 to 89 1/cm for thirteen circuits, 59 for a
perceptron of 96 weights.

Run ``python -m benchmarks.learning.water`` (data: ``python -m benchmarks.learning.data``).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import qmlmat as qm
from benchmarks.learning.data import FOLDER, water
from qmlmat.ansatz.encoding import Encoding
from qmlmat.potentials.additive import AdditivePotential
from qmlmat.potentials.base import Loss, Potential
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import (
    BehlerParrinello,
    Descriptor,
    InternalCoordinates,
    Symmetrised,
)
from qmlmat.potentials.gaussian import GaussianProcess, RationalQuadratic
from qmlmat.potentials.networks.perceptron import Perceptron
from qmlmat.potentials.networks.quantum import QuantumNetwork
from qmlmat.potentials.regression import NetworkPotential
from qmlmat.potentials.training import Errors, Training, errors_of, fit

SYMBOLS = ("O", "H", "H")
LAYERS, QUBITS = 3, 4
ADAM = 300
"""Steps of Adam."""
FORCE_WEIGHT = 1.0
"""Of forces beside energies, both in units of the energies' spread (and Å)."""

Make = Callable[[int], Potential]
"""From a seed to an untrained model."""


def features() -> Descriptor:
    """Return half the bonds' sum, the angle's cosine, and the square of half their difference."""
    bonds = [qm.Distance(0, 1), qm.Distance(0, 2)]
    return Symmetrised(InternalCoordinates(SYMBOLS, [*bonds, qm.Angle(1, 0, 2)]))


def circuit(seed: int, *, entangler: str = "ring", frozen: bool = False) -> NetworkPotential:
    """Return the re-uploading circuit, or one of its ablations."""
    encoded = Encoding("reupload_yz", layers=LAYERS, entangler=entangler).circuit(QUBITS, 3)
    network = QuantumNetwork(encoded, readout="z_zz", frozen=frozen, seed=seed)
    return NetworkPotential(features(), network)


def y_alone(seed: int) -> NetworkPotential:
    """Return the circuit that takes features in Y rotations, every Z measured."""
    encoded = Encoding("reupload_dense", layers=4).circuit(QUBITS, 3)
    return NetworkPotential(features(), QuantumNetwork(encoded, seed=seed))


def matrix(seed: int) -> NetworkPotential:
    """Return one circuit of three states, of six qubits with pairs of them measured.

    Six entries of a matrix take more than the four expectations of the ground state's circuit.
    """
    encoded = Encoding("reupload_yz", layers=LAYERS).circuit(6, 3)
    network = QuantumNetwork(encoded, 6, readout="z_zz", seed=seed)
    return NetworkPotential(features(), network, n_states=3)


def perceptron(seed: int) -> NetworkPotential:
    """Return the classical network of as many weights."""
    n_weights = circuit(0).n_weights
    return NetworkPotential(features(), Perceptron.of_size(3, n_weights, seed=seed))


def gaussian(seed: int) -> GaussianProcess:
    """Return the classical process with a rational quadratic kernel; its start is not random."""
    chosen = features()
    kernel = RationalQuadratic(chosen.feature_permutations())
    return GaussianProcess(chosen, kernel, seed=seed)


def additive(seed: int, *, quantum: bool) -> AdditivePotential:
    """Return a sum over atoms, of circuits or of classical networks of as many weights."""
    descriptor = BehlerParrinello(SYMBOLS, cutoff=4.0)
    networks: dict[str, torch.nn.Module] = {}
    for element in ("H", "O"):
        encoded = Encoding("reupload_dense", layers=2).circuit(QUBITS, descriptor.n_features)
        network: torch.nn.Module = QuantumNetwork(encoded, seed=seed)
        if not quantum:
            size = sum(p.numel() for p in network.parameters())
            network = Perceptron.of_size(descriptor.n_features, size, seed=seed)
        networks[element] = network
    return AdditivePotential(descriptor, networks)


ARMS: dict[str, Make] = {
    "circuit": circuit,
    "circuit, Y rotations": y_alone,
    "circuit, no entanglers": lambda seed: circuit(seed, entangler="none"),
    "circuit, frozen (QELM)": lambda seed: circuit(seed, frozen=True),
    "perceptron": perceptron,
    "Gaussian process, RQ": gaussian,
}
"""Of the ground state, from energies."""


def recipe(steps: int = ADAM) -> Training:
    """Return how all arms are trained.

    Args:
        steps: Of Adam; then of L-BFGS 1,000, or as many where it is a quick look.
    """
    n_lbfgs = 1000 if steps == ADAM else steps
    return Training(n_adam=steps, n_lbfgs=n_lbfgs, learning_rate=0.05, validation_fraction=0.0)


class Table:
    """Errors of one arm over seeds."""

    def __init__(self, make: Make, data: SurfaceData, training: Training) -> None:
        self.make, self.data, self.training = make, data, training

    def errors(self, n_points: int, seed: int, *, state: int | None = None) -> Errors:
        """Return test errors of one training.

        Args:
            n_points: Number of training points.
            seed: Seed of the draw and of the start.
            state: Learn this state alone, as if it were the ground state.
        """
        train, test = self.data.split(n_points, seed=seed)
        if state is not None:
            train, test = _of_state(train, state), _of_state(test, state)
        model = self.make(seed)
        training = self.training
        if isinstance(model, GaussianProcess):
            training = replace(training, n_adam=0, n_lbfgs=min(150, training.n_lbfgs))
        fit(model, train, training=training)
        return errors_of(model, test)


def _of_state(data: SurfaceData, state: int) -> SurfaceData:
    return replace(data, energies=data.energies[:, state], forces=None)


def median(values: Sequence[float]) -> str:
    """Return the median, and the smallest and largest in brackets."""
    return f"{np.median(values):7.1f} [{min(values):.0f} to {max(values):.0f}]"


def ground_state(
    data: SurfaceData, training: Training, sizes: Sequence[int], seeds: int
) -> Iterator[str]:
    """Yield the learning curves of the arms."""
    yield "S0 from energies: test RMSE, cm-1, by number of training points"
    yield f"{'':26s}{'weights':>8s}" + "".join(f"{n:>24d}" for n in sizes) + "   s a training"
    for name, make in ARMS.items():
        table, start = Table(make, data, training), time.process_time()
        cells = [median([table.errors(n, seed).rmse_cm1 for seed in range(seeds)]) for n in sizes]
        seconds = (time.process_time() - start) / (seeds * len(sizes))
        row = "".join(f"{cell:>24s}" for cell in cells)
        yield f"{name:26s}{make(0).n_weights:8d}{row}{seconds:10.1f}"


def with_forces(data: SurfaceData, training: Training, n_points: int, seeds: int) -> Iterator[str]:
    """Yield errors of trainings on energies and forces."""
    yield ""
    yield f"S0 from energies and forces at {n_points} points, weight {FORCE_WEIGHT:g}"
    yield f"{'':26s}{'weights':>8s}{'energies, cm-1':>24s}{'forces, mHa/Å':>24s}"
    both = replace(training, loss=Loss(force_weight=FORCE_WEIGHT))
    rows: dict[str, tuple[Make, Training]] = {
        "circuit, energies alone": (circuit, training),
        "circuit": (circuit, both),
        "perceptron": (perceptron, both),
        "sum over atoms, circuits": (lambda seed: additive(seed, quantum=True), both),
        "sum over atoms, perceptrons": (lambda seed: additive(seed, quantum=False), both),
    }
    for name, (make, taught) in rows.items():
        found = [Table(make, data, taught).errors(n_points, seed) for seed in range(seeds)]
        energies = median([errors.rmse_cm1 for errors in found])
        forces = median([1e3 * (errors.force_rmse or 0.0) for errors in found])
        yield f"{name:27s}{make(0).n_weights:7d}{energies:>24s}{forces:>24s}"


def three_states(data: SurfaceData, training: Training, n_points: int, seeds: int) -> Iterator[str]:
    """Yield errors of states learnt together, as eigenvalues, and each by itself."""
    yield ""
    yield f"S0 to S2 from energies at {n_points} points: test RMSE, cm-1"
    together = Table(matrix, data, training)
    found = [together.errors(n_points, seed).rmse_of_states for seed in range(seeds)]
    alone = Table(circuit, data, training)
    for name, weights, errors in (
        ("3 x 3 matrix, one circuit", matrix(0).n_weights, found),
        (
            "three circuits",
            3 * circuit(0).n_weights,
            [
                [alone.errors(n_points, seed, state=state).rmse for state in range(3)]
                for seed in range(seeds)
            ],
        ),
    ):
        in_cm1 = np.array(errors) * qm.units.HARTREE_IN_WAVENUMBER
        yield f"{name:26s}{weights:8d}" + "".join(f"{median(c):>24s}" for c in in_cm1.T.tolist())


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--quick", action="store_true", help="few points, steps and seeds")
    chosen = parser.parse_args(arguments)
    steps = 10 if chosen.quick else ADAM
    training = recipe(steps)
    sizes, seeds = ((20,), 1) if chosen.quick else ((100, 364), 5)
    data = water(chosen.folder, n_points=40 if chosen.quick else 900, workers=1)
    print(f"{data}; test: all points that are not drawn for training\n")
    for part in (
        ground_state(data, training, sizes, seeds),
        with_forces(data, training, sizes[-1], min(seeds, 3)),
        three_states(data, training, sizes[-1], min(seeds, 3)),
    ):
        for line in part:
            print(line, flush=True)


if __name__ == "__main__":
    main()
