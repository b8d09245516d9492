"""Circuits of quantum kernels grown gate by gate, as long as the data pay for more weights."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

import torch
from torch import Tensor

from qmlmat.ansatz.encoded_circuit import EncodedCircuit
from qmlmat.errors import InputError
from qmlmat.potentials.base import Loss, Objective
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import Descriptor
from qmlmat.potentials.gaussian.model import GaussianProcess
from qmlmat.potentials.gaussian.orbits import orbits_of_pairs
from qmlmat.potentials.gaussian.phases import UPLOAD, phase_encoding
from qmlmat.potentials.gaussian.quantum import Profile, QuantumKernel
from qmlmat.solvers.optim_lbfgs import PreconditionedLBFGS

START_PHASE: Final = 0.3
"""Angle of a new phase at the start (radians): at zero a likelihood may have no slope."""
START_SCALE: Final = 0.1
"""Factors of features in a new upload at the start (radians): little is changed at first."""

START_ROUNDS: Final = 3
"""How many times longer the first circuit is trained, which has no parent."""

Layers = tuple[tuple[int, ...], ...]
"""Phases between uploads of the features: orbits of pairs of qubits, layer by layer."""
Pairs = tuple[tuple[int, int], ...]
"""Pairs of qubits that permutations exchange."""
Label = tuple[str, int, tuple[int, ...]]
"""What an angle is: the gate, its layer, its wires."""
GrowthStatus = Literal["bic_rises", "step_limit", "nothing_left"]
"""Why growth stopped."""


@dataclass(frozen=True, kw_only=True)
class Growing:
    """How a circuit is grown, and what it may cost.

    Raises:
        InputError: If a number is below 1.
    """

    max_layers: int = 2
    """Most layers of phases; each has an upload of the features before and after."""

    max_steps: int = 8
    """Most additions."""

    n_points: int = 150
    """Points whose likelihood decides, at most."""

    n_iterations: int = 25
    """Steps of L-BFGS for each candidate."""

    profile: Profile = "rational"
    """What is made of the fidelity."""

    seed: int = 0
    """Seed of the start and of the choice of points."""

    def __post_init__(self) -> None:
        for name in ("max_layers", "max_steps", "n_points", "n_iterations"):
            if getattr(self, name) < 1:
                raise InputError(f"Growing({name}={getattr(self, name)}): use 1 or more.")


@dataclass(frozen=True, kw_only=True)
class GrowthStep:
    """A circuit on the way, the best of its step."""

    layers: Layers
    """Its phases."""

    added: str
    """What it has that the one before has not, in words."""

    log_likelihood: float
    """Logarithm of the marginal likelihood of the points that decide."""

    n_weights: int
    """Trainable numbers of kernel and noise."""

    bic: float
    """``-2 log L + n_weights log(n_points)``; the lower, the better."""

    n_candidates: int = 1
    """Circuits that were tried in this step."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Growth:
    """A grown kernel and how it came about."""

    kernel: QuantumKernel
    """The kernel with the lowest BIC, at the numbers it was left with."""

    layers: Layers
    """Its phases."""

    steps: tuple[GrowthStep, ...]
    """Every step, that which raised the BIC included."""

    status: GrowthStatus
    """Why growth stopped."""


def grow_kernel(
    descriptor: Descriptor, data: SurfaceData, *, growing: Growing | None = None
) -> Growth:
    """Return a quantum kernel whose entangling gates were added one by one.

    Growth starts without entanglers: the features are uploaded twice, and the kernel is a product.
    Candidates are phases ``exp(-i theta/2 Z Z)`` on one orbit of pairs of qubits (pairs that
    exchanges of equal atoms lead to each other share one angle), in each layer, or in a new layer
    with a further upload. Each starts from its parent's numbers; the one with the lowest Bayesian
    information criterion is kept, until none is lower than the parent's, trained on as long.

    Args:
        descriptor: From positions to features, one qubit each.
        data: Training data; ``growing.n_points`` of them decide.
        growing: How.

    References:
        X. Guo, J. Dai, R. V. Krems, arXiv:2407.15961. D. K. Duvenaud et al., Proc. ICML 28, 1166
        (2013), arXiv:1302.4922 (kernels grown by the criterion).
    """
    chosen = growing or Growing()
    trials = _Trials(descriptor, data, chosen)
    best = trials.trained((), None, "nothing: a product kernel")
    steps = [best.step]
    for _ in range(chosen.max_steps):
        # As long as its children, lest a gate be kept for the time that was spent on it.
        best = trials.trained(best.step.layers, best, best.step.added)
        steps[-1] = replace(best.step, n_candidates=steps[-1].n_candidates)
        children = [trials.trained(new, best, words) for new, words in trials.candidates(best)]
        if not children:
            return best.growth(steps, "nothing_left")
        child = min(children, key=lambda one: one.step.bic)
        steps.append(replace(child.step, n_candidates=len(children)))
        if child.step.bic >= best.step.bic:
            return best.growth(steps, "bic_rises")
        best = child
    return best.growth(steps, "step_limit")


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A trained circuit."""

    model: GaussianProcess
    kernel: QuantumKernel
    step: GrowthStep

    def growth(self, steps: list[GrowthStep], status: GrowthStatus) -> Growth:
        return Growth(
            kernel=self.kernel, layers=self.step.layers, steps=tuple(steps), status=status
        )


@dataclass(frozen=True, eq=False)
class _Trials:
    """What all candidates share."""

    descriptor: Descriptor
    data: SurfaceData
    growing: Growing

    @cached_property
    def permutations(self) -> Tensor:
        return self.descriptor.feature_permutations()

    @cached_property
    def orbits(self) -> tuple[Pairs, ...]:
        return orbits_of_pairs(self.permutations)

    def candidates(self, parent: _Candidate) -> list[tuple[Layers, str]]:
        """Return larger circuits, and what they add in words."""
        layers = parent.step.layers
        deeper = range(min(len(layers) + 1, self.growing.max_layers))
        found = []
        for place, orbit in itertools.product(deeper, range(len(self.orbits))):
            here = layers[place] if place < len(layers) else ()
            if orbit in here:
                continue
            grown = (*layers[:place], tuple(sorted((*here, orbit))), *layers[place + 1 :])
            first, last = self.orbits[orbit][0]
            names = self.descriptor.names
            words = (
                f"phase of {names[first]} and {names[last]} ({len(self.orbits[orbit])} pairs), "
                f"layer {place + 1}"
            )
            found.append((grown, words))
        return found

    def trained(self, layers: Layers, parent: _Candidate | None, added: str) -> _Candidate:
        """Return a circuit trained from its parent's numbers."""
        encoded = self.encoded(layers)
        kernel = QuantumKernel(
            encoded, self.permutations, profile=self.growing.profile, seed=self.growing.seed
        )
        model = GaussianProcess(
            self.descriptor, kernel, n_likelihood=self.growing.n_points, seed=self.growing.seed
        )
        model.prepare(self.data)
        if parent is not None:
            _inherit(model, parent.model, self._labels(layers), self._labels(parent.step.layers))
        objective = model.objective(self.data, Loss())
        n_points = min(self.growing.n_points, len(self.data))
        n_iterations = self.growing.n_iterations * (1 if parent else START_ROUNDS)
        log_likelihood = -n_points * _lowered(model, objective, n_iterations)
        step = GrowthStep(
            layers=layers,
            added=added,
            log_likelihood=log_likelihood,
            n_weights=model.n_weights,
            bic=model.n_weights * math.log(n_points) - 2 * log_likelihood,
        )
        return _Candidate(model, kernel, step)

    def encoded(self, layers: Layers) -> EncodedCircuit:
        """Return the circuit of some layers; of two uploads at least."""
        pairs = [[pair for orbit in layer for pair in self.orbits[orbit]] for layer in layers]
        return phase_encoding(self.permutations.shape[1], pairs or [[]])

    def _labels(self, layers: Layers) -> list[Label]:
        """Return what each angle of the circuit is, shape ``(n_params,)``."""
        wires = range(self.permutations.shape[1])

        def upload(number: int) -> list[Label]:
            return [(name, number, (wire,)) for name in UPLOAD for wire in wires]

        found = upload(0)
        for number, layer in enumerate(layers or ((),)):
            found += [("zz", number, pair) for orbit in layer for pair in self.orbits[orbit]]
            found += upload(number + 1)
        return found


@torch.no_grad()
def _inherit(
    model: GaussianProcess, parent: GaussianProcess, labels: list[Label], known: list[Label]
) -> None:
    """Take the numbers of a smaller circuit; what it has not starts small."""
    kernel, old = model.kernel, parent.kernel
    assert isinstance(kernel, QuantumKernel)
    assert isinstance(old, QuantumKernel)
    shared = {name: value for name, value in parent.state_dict().items() if "log_" in name}
    model.load_state_dict(shared, strict=False)
    old_factors, old_offsets = old.linear_map(), old.offsets()
    places = {label: place for place, label in enumerate(known)}
    factors = torch.zeros(kernel.encoded.pattern.shape, dtype=torch.float64)
    offsets = torch.zeros(len(labels), dtype=torch.float64)
    for place, label in enumerate(labels):
        name, _, wires = label
        if label in places:
            offsets[place] = old_offsets[places[label]]
            factors[place] = old_factors[places[label]]
        elif name == "zz":
            offsets[place] = START_PHASE
        else:
            factors[place, wires[0]] = START_SCALE
    kernel.set_map(factors, offsets)


def _lowered(model: GaussianProcess, objective: Objective, n_iterations: int) -> float:
    """Minimise in place and return the lowest value."""
    params = [p for p in model.parameters() if p.requires_grad]
    optimizer = PreconditionedLBFGS(params)

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = objective()
        value.backward()  # type: ignore[no-untyped-call]
        return value.detach()

    for _ in range(n_iterations):
        optimizer.step(closure)
    with torch.no_grad():
        return float(objective())
