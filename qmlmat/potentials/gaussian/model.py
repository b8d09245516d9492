"""Gaussian processes as potentials: energies with error bars, from a descriptor and a kernel."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor

from qmlmat.errors import InputError, QmlmatWarning
from qmlmat.potentials.base import Loss, Objective, Potential
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import Descriptor, Standardise
from qmlmat.potentials.gaussian.kernels import Kernel
from qmlmat.potentials.gaussian.process import factorised, log_likelihood
from qmlmat.potentials.registry import built, described

START_NOISE: Final = 1e-6
"""Variance of noise at the start (squared units of the scaled energy)."""


class GaussianProcess(Potential):
    """Energies from exact Gaussian process regression, with standard deviations.

    Energies less their mean, in units of their spread, are a draw from a Gaussian process of the
    standardised features, plus noise. ``fit`` finds the kernel's numbers and the noise at the
    largest marginal likelihood of some of the training data (``n_likelihood``), then conditions on
    all of them. States are independent processes that share one kernel; predictions are put in
    ascending order, so two states that cross have a kink each.

    Invariant under translations, rotations and, where the kernel has the descriptor's
    permutations, exchanges of equal atoms. Energies alone are learnt; forces are the derivatives.
    Its numbers stay in float64 whatever it is sent ``to``: weights are large and cancel, and in
    float32 predictions would be off by many of their own error bars. Float32 positions give float32
    energies.

    Args:
        descriptor: From positions to features.
        kernel: Of as many features, e.g.
            ``RationalQuadratic(descriptor.feature_permutations())``.
        n_states: Number of states.
        n_likelihood: Training points whose likelihood is maximised, at most: each evaluation costs
            their number to the third power.
        seed: Seed of the choice of these points.

    Raises:
        InputError: If kernel and descriptor do not fit, or a number is out of range.

    References:
        C. E. Rasmussen and C. K. I. Williams, Gaussian Processes for Machine Learning (MIT Press,
        2006), ch. 2 and 5, doi:10.7551/mitpress/3206.001.0001. A. P. Bartók and G. Csányi, Int. J.
        Quantum Chem. 115, 1051 (2015), doi:10.1002/qua.24927 (averages over permutations).
    """

    holds_out = False  # the likelihood weighs the number of points
    """A marginal likelihood needs no points set aside."""

    shift: Tensor
    scale: Tensor
    anchors: Tensor
    weights: Tensor
    jitter: Tensor
    _embedded: Tensor
    _lower: Tensor

    def __init__(
        self,
        descriptor: Descriptor,
        kernel: Kernel,
        *,
        n_states: int = 1,
        n_likelihood: int = 600,
        seed: int = 0,
    ) -> None:
        super().__init__(descriptor.symbols, n_states)
        if n_likelihood < 2:
            raise InputError(f"GaussianProcess(n_likelihood={n_likelihood}): use 2 or more.")
        if kernel.n_features != descriptor.n_features:
            raise InputError(
                f"GaussianProcess: a kernel of {kernel.n_features} features for a descriptor of "
                f"{descriptor.n_features}. Make it of descriptor.feature_permutations()."
            )
        self.descriptor, self.kernel = descriptor, kernel
        self.n_likelihood, self.seed = n_likelihood, seed
        self.standardise = Standardise(descriptor.n_features)
        self.log_noise = torch.nn.Parameter(torch.tensor(math.log(START_NOISE)).double())
        """Logarithm of the variance of noise (squared units of the scaled energy)."""
        for name, value in (("shift", 0.0), ("scale", 1.0)):
            self.register_buffer(name, torch.full((n_states,), value, dtype=torch.float64))
        self.register_buffer("jitter", torch.zeros((), dtype=torch.float64))
        self._allocate(0)
        # What a file does not hold is computed when it is needed: again after numbers were loaded.
        self.register_load_state_dict_post_hook(  # type: ignore[no-untyped-call]
            lambda model, _: model._forget()
        )

    def _allocate(self, n_points: int) -> None:
        """Make room for training points."""
        features = (n_points, self.descriptor.n_features)
        self.register_buffer("anchors", torch.zeros(features, dtype=self.dtype))
        self.register_buffer("weights", torch.zeros(n_points, self.n_states, dtype=self.dtype))
        self._forget()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> GaussianProcess:
        """Do what ``to`` asks for, changes of type apart."""

        def kept(tensor: Tensor) -> Tensor:
            moved = fn(tensor)
            return moved if moved.dtype == tensor.dtype else tensor

        super()._apply(kept, recurse)  # type: ignore[no-untyped-call]
        return self

    def _forget(self) -> None:
        for name in ("_embedded", "_lower"):
            self.register_buffer(name, torch.zeros(0, 0, dtype=self.dtype), persistent=False)

    @property
    def n_training(self) -> int:
        """Number of points it was conditioned on."""
        return len(self.anchors)

    @property
    def noise(self) -> float:
        """Standard deviation of noise, in the ground state (hartree)."""
        return float((0.5 * self.log_noise).exp().detach() * self.scale[0])

    def features(self, positions: Tensor) -> Tensor:
        """Return standardised features, shape ``(n_points, n_features)``.

        Args:
            positions: Shape ``(n_points, n_atoms, 3)`` (Å).
        """
        found: Tensor = self.standardise(self.descriptor(positions.to(self.dtype)))
        return found

    # ------------------------------------------------------------------------------- training

    def prepare(self, data: SurfaceData) -> None:
        """Take scales and the domain from training data, and forget what it was conditioned on.

        Weights of other scales or other kernels give wrong energies; see ``Potential.prepare``.
        """
        super().prepare(data)
        self._allocate(0)
        features = self.descriptor(self.as_tensor(data.positions)).detach()
        # Of all permutations, so that features in one orbit are scaled alike.
        self.standardise.prepare(features[:, self.kernel.permutations].flatten(0, 1))
        energies = self.as_tensor(data.energies[:, : self.n_states])
        self.shift.copy_(energies.mean(dim=0))
        spread = energies.std(dim=0, correction=0)
        self.scale.copy_(torch.where(spread > 0, spread, torch.ones_like(spread)))

    def check_loss(self, loss: Loss) -> None:
        """Refuse forces; see ``Potential.check_loss``."""
        if loss.force_weight:
            raise InputError(
                f"GaussianProcess.objective(Loss(force_weight={loss.force_weight})): it learns "
                "energies alone. Use force_weight=0, or a NetworkPotential."
            )

    def _labels(self, data: SurfaceData) -> tuple[Tensor, Tensor]:
        """Return features and scaled energies."""
        self.check_data(data)
        energies = self.as_tensor(data.energies[:, : self.n_states])
        features = self.features(self.as_tensor(data.positions)).detach()
        return features, (energies - self.shift) / self.scale

    def objective(self, data: SurfaceData, loss: Loss) -> Objective:
        """Return the negative logarithm of the marginal likelihood, per point and state.

        Args:
            data: Training data; ``n_likelihood`` of them are drawn where there are more.
            loss: What counts; energies alone.

        Raises:
            InputError: If forces are to count.
        """
        self.check_loss(loss)
        features, targets = self._labels(data)
        rng = torch.Generator().manual_seed(self.seed)
        chosen = torch.randperm(len(features), generator=rng)[: self.n_likelihood]
        features, targets = features[chosen], targets[chosen]
        return lambda: -self._log_likelihood(features, targets) / targets.numel()

    def _log_likelihood(self, features: Tensor, targets: Tensor) -> Tensor:
        gram = self.kernel(features)
        return log_likelihood(gram, torch.exp(self.log_noise), targets)

    def log_likelihood(self, data: SurfaceData) -> float:
        """Return the logarithm of the marginal likelihood of data, all states together.

        Args:
            data: The data; scaled as ``prepare`` has left it.
        """
        with torch.no_grad():
            return float(self._log_likelihood(*self._labels(data)))

    @torch.no_grad()
    def condition(self, data: SurfaceData) -> None:
        """Condition on all data; warn if the kernel's matrix is singular to rounding.

        Args:
            data: Training data.
        """
        features, targets = self._labels(data)
        gram = self.kernel(features)
        lower, jitter = factorised(gram, torch.exp(self.log_noise))
        if jitter:
            warnings.warn(
                f"GaussianProcess.condition: the kernel of {len(data)} points is singular to "
                f"rounding; {jitter:g} of its mean diagonal was added as noise, "
                f"{self._added(gram, jitter):.1e} hartree. Leave out points that lie close "
                "together, or start from a larger noise.",
                QmlmatWarning,
                stacklevel=2,
            )
        self._allocate(len(data))
        self.anchors.copy_(features)
        self.weights.copy_(torch.cholesky_solve(targets, lower))
        self.jitter.fill_(jitter)

    def _added(self, gram: Tensor, jitter: float) -> float:
        return float(self.scale[0] * (jitter * gram.diagonal().mean()).sqrt())

    # ----------------------------------------------------------------------------- prediction

    @torch.no_grad()
    def _known(self) -> Tensor:
        """Return the training points as the kernel needs them."""
        if not self.n_training:
            raise InputError(
                "GaussianProcess: not conditioned on data yet. Call fit(model, data), or "
                "prepare(data) and condition(data)."
            )
        if not len(self._embedded):
            self._embedded = self.kernel.embed(self.anchors)
        return self._embedded

    def _means(self, features: Tensor) -> Tensor:
        cross = self.kernel.average(self._known(), self.kernel.embed(features))
        return self.shift + self.scale * (cross.T @ self.weights)

    def energies(self, positions: Tensor) -> Tensor:
        """Return energies, shape ``(n_points, n_states)`` (hartree); see ``Potential``."""
        means = self._means(self.features(positions)).to(positions.dtype)
        return means.sort(dim=-1).values if self.n_states > 1 else means

    def stderr(self, positions: Tensor) -> Tensor:
        """Return standard deviations of energies, without noise; see ``Potential.stderr``."""
        features = self.features(positions)
        known = self._known()
        if not len(self._lower):
            self._lower = self._factor()
        embedded = self.kernel.embed(features)
        cross = self.kernel.average(known, embedded)
        part = torch.linalg.solve_triangular(self._lower, cross, upper=False)
        variance = (self.kernel.diagonal(embedded) - part.square().sum(dim=0)).clamp(min=0.0)
        found: Tensor = (variance.sqrt()[:, None] * self.scale).to(positions.dtype)
        if self.n_states == 1:
            return found
        return found.gather(-1, self._means(features).argsort(dim=-1))

    @torch.no_grad()
    def _factor(self) -> Tensor:
        gram = self.kernel(self.anchors)
        added = self.jitter * gram.diagonal().mean()
        lower, _ = factorised(gram, torch.exp(self.log_noise) + added)
        return lower

    def config(self) -> dict[str, Any]:
        """Return plain values from which the model is built again; see ``Potential.config``."""
        return {
            "descriptor": described(self.descriptor),
            "kernel": described(self.kernel),
            "n_states": self.n_states,
            "n_likelihood": self.n_likelihood,
            "seed": self.seed,
            "n_training": self.n_training,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> GaussianProcess:
        """Return the model that ``config`` describes, with room for its training points."""
        model = cls(
            built(config["descriptor"]),
            built(config["kernel"]),
            n_states=config["n_states"],
            n_likelihood=config["n_likelihood"],
            seed=config["seed"],
        )
        model._allocate(config["n_training"])
        return model
