"""Kernels of Gaussian processes: how much energies at two geometries have to do with each other.

Averages over permutations of equal atoms are built in, so a kernel cannot break them: settings that
permutations exchange are one setting, and ``k(x, x') = mean over P of k0(x, P x')``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Final

import torch
from torch import Tensor

from qmlmat.errors import InputError
from qmlmat.potentials.gaussian.orbits import checked_permutations, orbits_of_features
from qmlmat.potentials.registry import built, described

BLOCK: Final = 2_000_000
"""Values before averaging that are held at a time (16 MB) where nothing is differentiated: of
thousands of points and dozens of permutations all of them would fill the memory."""


class Kernel(torch.nn.Module, ABC):
    """A positive semidefinite function of two sets of features, averaged over permutations.

    Subclasses say what they need to know of a point (``embed``) and what they make of two points
    (``compare``); the average needs ``k0(P x, P x') = k0(x, x')``, so they tie their settings by
    ``orbits``. Averaging over permutations of one of the two points is then enough.

    Args:
        permutations: What exchanges of equal atoms do to the features, as index arrays of shape
            ``(n_permutations, n_features)``, the identity among them; see
            ``Descriptor.feature_permutations``. ``torch.arange(n_features)[None]``: no symmetry.

    Raises:
        InputError: If they are no permutations, or no group.
    """

    permutations: Tensor

    def __init__(self, permutations: Tensor) -> None:
        super().__init__()
        known = checked_permutations(type(self).__name__, permutations)
        self.register_buffer("permutations", known, persistent=False)
        self.orbits = orbits_of_features(known)
        """Which features permutations exchange: a number for each, shape ``(n_features,)``."""

    @property
    def n_features(self) -> int:
        """Number of features."""
        return int(self.permutations.shape[1])

    @property
    @abstractmethod
    def moves(self) -> Tensor:
        """What permutations do to an embedded point: indices, ``(n_permutations, size)``."""

    @abstractmethod
    def embed(self, features: Tensor) -> Tensor:
        """Return what ``compare`` needs of each point, shape ``(n_points, size)``.

        Args:
            features: Shape ``(n_points, n_features)``.
        """

    @abstractmethod
    def compare(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the kernel before averaging, shape ``(..., n_left, n_right)``.

        Args:
            left: Embedded points, shape ``(..., n_left, size)``.
            right: Embedded points, shape ``(..., n_right, size)``.
        """

    def forward(self, left: Tensor, right: Tensor | None = None) -> Tensor:
        """Return the kernel, shape ``(n_left, n_right)``.

        Args:
            left: Features, shape ``(n_left, n_features)``.
            right: Features, shape ``(n_right, n_features)``; ``None``: the same points.
        """
        known = self.embed(left)
        return self.average(known, known if right is None else self.embed(right))

    def average(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the kernel of points that are embedded already, shape ``(n_left, n_right)``.

        Args:
            left: Embedded points, shape ``(n_left, size)``.
            right: Embedded points, shape ``(n_right, size)``; these ones are permuted.
        """
        images = self._images(right)
        n_rows = max(1, BLOCK // max(1, images.shape[0] * images.shape[1]))
        if torch.is_grad_enabled():  # a graph would keep all blocks anyway
            return self._averaged(left, images)
        return torch.cat([self._averaged(part, images) for part in torch.split(left, n_rows)])

    def _averaged(self, left: Tensor, images: Tensor) -> Tensor:
        values = self.compare(left, images.flatten(0, 1))
        return values.reshape(*values.shape[:-1], *images.shape[:2]).mean(dim=-1)

    def diagonal(self, embedded: Tensor) -> Tensor:
        """Return the kernel of each point with itself, shape ``(n_points,)``.

        Args:
            embedded: Embedded points, shape ``(n_points, size)``.
        """
        return self.compare(embedded[:, None], self._images(embedded))[:, 0].mean(dim=-1)

    def _images(self, embedded: Tensor) -> Tensor:
        """Return the permuted points, shape ``(n_points, n_permutations, size)``."""
        moves = self.moves
        return embedded.index_select(-1, moves.flatten()).reshape(-1, *moves.shape)

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Return plain values from which ``from_config`` builds the kernel, its numbers apart."""


class DistanceKernel(Kernel):
    """A function of a scaled squared distance, ``sum_j (x_j - x'_j)^2 / length_j^2``.

    Args:
        permutations: See ``Kernel``. Features in one orbit have one length.
    """

    def __init__(self, permutations: Tensor) -> None:
        super().__init__(permutations)
        n_lengths = int(self.orbits.max()) + 1
        self.log_lengths = torch.nn.Parameter(torch.zeros(n_lengths, dtype=torch.float64))
        """Logarithms of lengths, one for each orbit of features (features end at one)."""
        self.log_amplitude = torch.nn.Parameter(torch.zeros((), dtype=torch.float64))
        """Logarithm of the variance at one point (squared units of the scaled energy)."""

    @property
    def moves(self) -> Tensor:
        """The permutations of features; see ``Kernel.moves``."""
        return self.permutations

    @abstractmethod
    def profile(self, squared: Tensor) -> Tensor:
        """Return the kernel, one at zero, as a function of the squared distance, elementwise."""

    def embed(self, features: Tensor) -> Tensor:
        """Return scaled features; see ``Kernel.embed``."""
        return features * torch.exp(-self.log_lengths[self.orbits])

    def compare(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the kernel before averaging; see ``Kernel.compare``."""
        norms = left.square().sum(-1)[..., :, None] + right.square().sum(-1)[..., None, :]
        # By a matrix product, many times faster than differences; rounding may leave it below 0.
        squared = (norms - 2 * left @ right.mT).clamp(min=0.0)
        return torch.exp(self.log_amplitude) * self.profile(squared)

    def config(self) -> dict[str, Any]:
        """Return the permutations."""
        return {"permutations": self.permutations.tolist()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DistanceKernel:
        """Return the kernel that ``config`` describes."""
        return cls(torch.tensor(config["permutations"]))


class RBF(DistanceKernel):
    """The Gaussian kernel ``exp(-d^2 / 2)``: functions that are infinitely smooth.

    Args:
        permutations: See ``Kernel``.

    Example:
        >>> kernel = RBF(torch.arange(1)[None])
        >>> kernel(torch.zeros(1, 1).double(), torch.ones(1, 1).double()).item()  # exp(-1/2)
        0.6065306597126334
    """

    def profile(self, squared: Tensor) -> Tensor:
        """Return ``exp(-d^2 / 2)``."""
        return torch.exp(-squared / 2)


class RationalQuadratic(DistanceKernel):
    """A mixture of Gaussian kernels of many lengths, ``(1 + d^2 / 2 alpha)^-alpha``.

    Args:
        permutations: See ``Kernel``.
    """

    def __init__(self, permutations: Tensor) -> None:
        super().__init__(permutations)
        self.log_alpha = torch.nn.Parameter(torch.zeros((), dtype=torch.float64))
        """Logarithm of ``alpha``: the larger, the fewer lengths; a Gaussian at infinity."""

    def profile(self, squared: Tensor) -> Tensor:
        """Return ``(1 + d^2 / 2 alpha)^-alpha``."""
        return rational(squared / 2, self.log_alpha)


class Sum(Kernel):
    """The sum of kernels of the same features.

    Args:
        parts: The kernels, two or more, with the same permutations.

    Raises:
        InputError: If there are fewer, or their permutations differ.
    """

    def __init__(self, *parts: Kernel) -> None:
        if len(parts) < 2 or any(
            not torch.equal(part.permutations, parts[0].permutations) for part in parts
        ):
            raise InputError(
                f"Sum({len(parts)} kernels): add two kernels or more that have the same "
                "permutations, e.g. Sum(RBF(p), RationalQuadratic(p))."
            )
        super().__init__(parts[0].permutations)
        self.parts = torch.nn.ModuleList(parts)
        """The kernels."""

    def _kernels(self) -> list[Kernel]:
        return [part for part in self.parts if isinstance(part, Kernel)]

    @property
    def moves(self) -> Tensor:
        """Those of each part, one after another; see ``Kernel.moves``."""
        found, begin = [], 0
        for part in self._kernels():
            found.append(part.moves + begin)
            begin += part.moves.shape[1]
        return torch.cat(found, dim=-1)

    def embed(self, features: Tensor) -> Tensor:
        """Return what each part needs, one after another; see ``Kernel.embed``."""
        return torch.cat([part.embed(features) for part in self._kernels()], dim=-1)

    def compare(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the sum before averaging; see ``Kernel.compare``."""
        sizes = [part.moves.shape[1] for part in self._kernels()]
        ends = (torch.split(points, sizes, dim=-1) for points in (left, right))
        values = [part.compare(a, b) for part, a, b in zip(self._kernels(), *ends, strict=True)]
        return torch.stack(values).sum(dim=0)

    def config(self) -> dict[str, Any]:
        """Return the parts."""
        return {"parts": [described(part) for part in self.parts]}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Sum:
        """Return the sum that ``config`` describes."""
        return cls(*(built(part) for part in config["parts"]))


def rational(distance: Tensor, log_alpha: Tensor) -> Tensor:
    """Return ``(1 + distance / alpha)^-alpha``, elementwise, ``exp(-distance)`` at large alpha."""
    alpha = torch.exp(log_alpha)
    return torch.exp(-alpha * torch.log1p(distance / alpha))
