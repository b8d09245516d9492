"""Formaldimine's conical intersection (B5): two states learnt as one matrix.

A 2 x 2 matrix from one re-uploading circuit, its coupling times the cosine of the dihedral: odd
under the mirror that exchanges the hydrogens of CH2. Beside it the same with a classical network,
and two circuits that learn a state each. Test: a grid of 441 geometries, 200 Sobol points apart.

Run ``python -m benchmarks.learning.intersection`` (data: ``python -m benchmarks.learning.data``).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import qmlmat as qm
from benchmarks.learning.data import (
    ALPHA,
    FOLDER,
    PHI,
    angles,
    formaldimine,
    intersection_grid,
    intersection_samples,
)
from benchmarks.learning.water import recipe
from qmlmat.ansatz.encoding import Encoding
from qmlmat.potentials.crossings import berry_sign, locate_intersection
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import Descriptor, Even, InternalCoordinates
from qmlmat.potentials.networks.couplings import FeatureFactor
from qmlmat.potentials.networks.perceptron import Perceptron
from qmlmat.potentials.networks.quantum import QuantumNetwork
from qmlmat.potentials.regression import NetworkPotential
from qmlmat.potentials.training import Training, fit

SYMBOLS = formaldimine().symbols
EXACT = (130.85, 90.0)
"""Where the states of the data meet: phi by symmetry, alpha from -1.673 and 0.295 mHa, the gaps at
130 and 131 degrees, their signs those of one state below the other."""
BOX = ((100.0, 160.0), (70.0, 110.0))
"""Angles of the data (degrees)."""
LAYERS = 2
"""Of the circuits; four follow 100 points more closely and are worse between them."""
NEAR = 10.0
"""Distance from the intersection up to which the gap is judged (degrees)."""
LOOPS = {110.0: 1, 130.0: -1, 150.0: 1}
"""Centre of a loop of radius 10 degrees (alpha, degrees), and the sign it leaves."""

Make = Callable[[int], NetworkPotential]
"""From a seed to an untrained model of both states."""


def features() -> Descriptor:
    """Return the cosine of alpha and the squared parts of the dihedral: even under the mirror."""
    return Even(InternalCoordinates(SYMBOLS, [ALPHA, PHI]), odd=[1, 2])


def coupling() -> FeatureFactor:
    """Return the cosine part of the dihedral, which is odd."""
    return FeatureFactor(InternalCoordinates(SYMBOLS, [PHI]))


def circuit(seed: int) -> NetworkPotential:
    """Return the matrix from one circuit."""
    network = QuantumNetwork(Encoding("reupload_dense", layers=LAYERS).circuit(4, 3), 3, seed=seed)
    return NetworkPotential(features(), network, n_states=2, coupling=coupling())


def perceptron(seed: int) -> NetworkPotential:
    """Return the matrix from one classical network of as many weights."""
    network = Perceptron.of_size(3, circuit(0).n_weights, 3, seed=seed)
    return NetworkPotential(features(), network, n_states=2, coupling=coupling())


def one_state(seed: int) -> NetworkPotential:
    """Return a circuit of one state."""
    network = QuantumNetwork(Encoding("reupload_dense", layers=LAYERS).circuit(4, 3), seed=seed)
    return NetworkPotential(features(), network)


def geometry(values: np.ndarray) -> np.ndarray:
    """Return positions (Å) at ``alpha`` and ``phi`` (degrees)."""
    return formaldimine(*values.tolist()).positions


def loop(centre: float, n_points: int = 40) -> np.ndarray:
    """Return geometries around a circle of 10 degrees."""
    turns = np.linspace(0.0, 2.0 * np.pi, n_points, endpoint=False)
    circle = np.stack([centre + NEAR * np.cos(turns), 90.0 + NEAR * np.sin(turns)], axis=1)
    return np.array([geometry(values) for values in circle])


def energies(model: NetworkPotential, data: SurfaceData) -> np.ndarray:
    """Return a model's energies (hartree)."""
    with torch.no_grad():
        return model(model.as_tensor(data.positions)).numpy()


def trained(make: Make, train: SurfaceData, seed: int, training: Training) -> NetworkPotential:
    """Return a trained model."""
    model = make(seed)
    fit(model, train, training=training)
    return model


def separately(train: SurfaceData, test: SurfaceData, seed: int, training: Training) -> np.ndarray:
    """Return energies of two circuits that know nothing of each other, ``(n_points, 2)``."""
    columns = []
    for state in range(2):
        own = replace(train, energies=train.energies[:, state])
        columns.append(energies(trained(one_state, own, seed, training), test)[:, 0])
    return np.stack(columns, axis=1)


def errors(found: np.ndarray, test: SurfaceData) -> tuple[float, float]:
    """Return the RMSE of all energies, and of the gap near the intersection (millihartree)."""
    wrong = 1e3 * (found - test.energies)
    near = np.linalg.norm(angles(test) - EXACT, axis=1) <= NEAR
    gap = (wrong[:, 1] - wrong[:, 0])[near]
    return float(np.sqrt(np.mean(wrong**2))), float(np.sqrt(np.mean(gap**2)))


def described(model: NetworkPotential) -> tuple[float, float, str]:
    """Return how far off the intersection is (degrees), its gap (mHa), and the loops' signs."""
    found = locate_intersection(model, geometry, BOX)
    signs = []
    for centre, exact in LOOPS.items():
        try:
            sign = berry_sign(model, loop(centre))
        except qm.InputError:
            signs.append("?")
        else:
            signs.append(f"{sign:+d}" + ("" if sign == exact else "!"))
    away = float(np.linalg.norm(found.coordinates - EXACT))
    return away, 1e3 * found.gap, " ".join(signs)


def table(
    train: SurfaceData, test: SurfaceData, sizes: Sequence[int], seeds: int, training: Training
) -> Iterator[str]:
    """Yield the arms at every number of training points."""
    yield f"{'':24s}{'points':>7s}{'energies, mHa':>22s}{'gap near, mHa':>22s}" + (
        f"{'off by, degrees':>20s}   signs of loops 110, 130, 150"
    )
    for n in sizes:
        few = train.subset(np.arange(n))
        for name, make in (("matrix, circuit", circuit), ("matrix, perceptron", perceptron)):
            models = [trained(make, few, seed, training) for seed in range(seeds)]
            wrong = [errors(energies(model, test), test) for model in models]
            places = [described(model) for model in models]
            signs = "; ".join(place[2] for place in places)
            yield f"{name:24s}{n:7d}{_both(wrong)}{_cell([p[0] for p in places], 20)}   {signs}"
        apart = [errors(separately(few, test, s, training), test) for s in range(seeds)]
        yield f"{'two circuits, apart':24s}{n:7d}{_both(apart)}"


def _both(wrong: Sequence[tuple[float, float]]) -> str:
    return "".join(_cell(list(column), 22) for column in zip(*wrong, strict=True))


def _cell(values: Sequence[float], width: int) -> str:
    text = f"{np.median(values):.2f} [{min(values):.2f} to {max(values):.2f}]"
    return f"{text:>{width}s}"


def error_map(model: NetworkPotential, test: SurfaceData) -> Iterator[str]:
    """Yield the largest error of a state as text: rows alpha, columns phi, in microhartree."""
    wrong = np.abs(energies(model, test) - test.energies).max(axis=1)
    where = np.round(angles(test)).astype(int)
    alphas, phis = (np.unique(column) for column in where.T)
    yield "largest error of a state, microhartree; rows alpha, columns phi (degrees)"
    yield "     " + "".join(f" {phi:4d}" for phi in phis)
    cells = {tuple(place): 1e6 * value for place, value in zip(where.tolist(), wrong, strict=True)}
    for alpha in alphas:
        yield f"{alpha:5d}" + "".join(f" {cells[alpha, phi]:4.0f}" for phi in phis)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table and a map."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--quick", action="store_true", help="few points, steps and seeds")
    chosen = parser.parse_args(arguments)
    steps = 10 if chosen.quick else 300
    training = recipe(steps)
    sizes, seeds = ((20,), 1) if chosen.quick else ((50, 100, 200), 3)
    train = intersection_samples(chosen.folder, n_points=sizes[-1], workers=1)
    test = intersection_grid(chosen.folder, step=20.0 if chosen.quick else 2.0, workers=1)
    for line in table(train, test, sizes, seeds, training):
        print(line, flush=True)
    model = trained(circuit, train, 0, training)
    print(
        f"\ncircuit, seed 0, {len(train)} points: {described(model)[1]:.3f} mHa at the smallest gap"
    )
    print("\n".join(error_map(model, test)))


if __name__ == "__main__":
    main()
