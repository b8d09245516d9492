"""Growth of quantum kernels: gates where data need them, and nowhere else."""

import numpy as np
import pytest
import torch

from qmlmat.errors import InputError
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import MorseVariables
from qmlmat.potentials.gaussian import GaussianProcess, Growing, QuantumKernel, grow_kernel
from qmlmat.potentials.gaussian.phases import phase_encoding

HCN = MorseVariables(("H", "C", "N"))
PERMUTATIONS = HCN.feature_permutations()
GROWING = Growing(n_points=60, n_iterations=25, max_layers=1, max_steps=1, profile="fidelity")


def drawn(pairs, n_points=60, seed=0):
    """Return energies drawn from a process whose circuit has phases of these pairs."""
    rng = np.random.default_rng(seed)
    places = np.array([[0.0, 0, 0], [1.1, 0, 0], [1.6, 1.1, 0]])
    positions = places + 0.15 * rng.normal(size=(n_points, 3, 3))
    kernel = QuantumKernel(phase_encoding(3, [pairs]), PERMUTATIONS, profile="fidelity")
    with torch.no_grad():
        kernel.angles.fill_(1.3)
        kernel.scales.fill_(0.8)
    model = GaussianProcess(HCN, kernel)
    labels = rng.normal(size=n_points)
    model.prepare(SurfaceData(symbols=HCN.symbols, positions=positions, energies=labels))
    with torch.no_grad():
        gram = kernel(model.features(torch.from_numpy(positions))).numpy()
    lower = np.linalg.cholesky(gram + 1e-4 * np.eye(n_points))
    return SurfaceData(
        symbols=HCN.symbols, positions=positions, energies=0.01 * lower @ rng.normal(size=n_points)
    )


@pytest.mark.slow
def test_growth_finds_an_entangler_where_the_surface_was_drawn_with_one():
    """That one, of three; the criterion falls."""
    found = grow_kernel(HCN, drawn([(0, 1)]), growing=GROWING)
    assert found.layers == ((0,),)
    assert found.steps[1].bic < found.steps[0].bic
    assert found.steps[1].log_likelihood > found.steps[0].log_likelihood
    assert found.steps[1].n_candidates == 3


@pytest.mark.slow
def test_growth_adds_nothing_where_the_kernel_is_a_product():
    """A gate is not worth its weight."""
    found = grow_kernel(HCN, drawn([]), growing=GROWING)
    assert (found.layers, found.status) == ((), "bic_rises")
    assert len(found.steps) == 2


def test_the_same_seed_grows_the_same_circuit():
    """To the last digit."""
    small = Growing(n_points=20, n_iterations=2, max_steps=2)
    first, second = (grow_kernel(HCN, drawn([(0, 1)], 20), growing=small) for _ in range(2))
    assert first.steps == second.steps


def test_growth_stops_when_every_gate_is_there():
    """Of three pairs in one layer, each is added once."""
    few = Growing(n_points=8, n_iterations=1, max_layers=1, max_steps=9)
    found = grow_kernel(HCN, drawn([(0, 1)], 20), growing=few)
    assert len(found.steps) <= 4
    assert found.status in ("bic_rises", "nothing_left")


@pytest.mark.parametrize("name", ["max_layers", "max_steps", "n_points", "n_iterations"])
def test_settings_below_one_are_refused(name):
    """Each by name."""
    with pytest.raises(InputError, match=f"{name}=0.*use 1 or more"):
        Growing(**{name: 0})
