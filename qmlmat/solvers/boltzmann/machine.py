"""The network: a restricted Boltzmann machine for weights, one more node for signs and phases.

    P(s, h) = exp(a.s + b.h + s.W.h) / Z,   s, h in {+1, -1}
    psi(s) = sqrt(sum_h P(s, h)) * node(s)

with ``node(s) = 1``, ``tanh(c + d.s)``, or ``tanh(c + d.s + i (c' + d'.s))``. The sum over hidden
units is ``exp(a.s) prod_j 2 cosh(b_j + sum_i s_i W_ij)``; everything is computed from logarithms.

References:
    G. Carleo, M. Troyer, Science 355, 602 (2017), doi:10.1126/science.aag2302 (the network).
    R. Xia, S. Kais, Nat. Commun. 9, 4195 (2018), doi:10.1038/s41467-018-06598-z (the sign node).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
import torch

from qmlmat.errors import InputError, nearest
from qmlmat.typing import FloatArray

SignNode: TypeAlias = Literal["none", "tanh", "complex_tanh"]
"""What gives amplitudes their signs or phases."""

LOG_TWO: Final = math.log(2.0)


@dataclass(frozen=True)
class Amplitudes:
    """Unnormalised amplitudes, one scale ``exp(log_scale)`` taken out of all of them."""

    values: torch.Tensor
    """``psi(s) exp(-log_scale)``, shape ``(n_configurations,)``, real or complex."""
    roots: torch.Tensor
    """``sqrt(sum_h P(s, h))`` on the same scale: the amplitudes before the sign node."""
    log_scale: float
    """Logarithm of the scale."""
    derivatives: torch.Tensor | None = None
    """Of ``values`` by the parameters at fixed scale, ``(n_configurations, n_params)``."""


class BoltzmannMachine(torch.nn.Module):
    """A shallow network whose output is the logarithm of an amplitude.

    Args:
        n_visible: Number of visible units: qubits.
        n_hidden: Number of hidden units.
        sign_node: ``"none"``, ``"tanh"`` (real signs) or ``"complex_tanh"`` (phases).

    Raises:
        InputError: If there are no units, or the node is unknown.

    Example:
        >>> machine = BoltzmannMachine(2, 3, "tanh")
        >>> machine(torch.tensor([[1.0, -1.0]], dtype=torch.float64)).shape
        torch.Size([1])
    """

    def __init__(self, n_visible: int, n_hidden: int, sign_node: SignNode = "tanh") -> None:
        super().__init__()
        for name, value in (("n_visible", n_visible), ("n_hidden", n_hidden)):
            if type(value) is not int or value < 1:
                raise InputError(
                    f"BoltzmannMachine({name}={value!r}): a machine has at least one unit of each "
                    "kind. Use as many hidden units as qubits to begin with."
                )
        check_sign_node("BoltzmannMachine", sign_node)
        self.n_visible, self.n_hidden, self.sign_node = n_visible, n_hidden, sign_node
        self.params = torch.nn.Parameter(torch.zeros(self.n_params, dtype=torch.float64))

    @property
    def n_params(self) -> int:
        """Number of parameters: ``n + m + n m``, and ``n + 1`` or ``2 n + 2`` of the node."""
        n, m = self.n_visible, self.n_hidden
        return n + m + n * m + (n + 1) * _N_PARTS[self.sign_node]

    def _split(self) -> tuple[torch.Tensor, ...]:
        """Return the parts of the parameters: a, b, W, and the node's parts."""
        n, m = self.n_visible, self.n_hidden
        sizes = [n, m, n * m] + [n + 1] * _N_PARTS[self.sign_node]
        a, b, w, *node = torch.split(self.params, sizes)
        return a, b, w.view(n, m), *node

    @property
    def visible_bias(self) -> torch.Tensor:
        """``a``, shape ``(n_visible,)``."""
        return self._split()[0]

    @property
    def hidden_bias(self) -> torch.Tensor:
        """``b``, shape ``(n_hidden,)``."""
        return self._split()[1]

    @property
    def weights(self) -> torch.Tensor:
        """``W``, shape ``(n_visible, n_hidden)``."""
        return self._split()[2]

    def set_params(self, params: FloatArray) -> None:
        """Set all parameters, shape ``(n_params,)``."""
        with torch.no_grad():
            self.params.copy_(torch.from_numpy(np.asarray(params, dtype=np.float64)))

    def forward(self, spins: torch.Tensor) -> torch.Tensor:
        """Return ``ln psi``, complex where signs or phases are, shape ``(n_configurations,)``.

        Args:
            spins: Visible units, +1 or -1, shape ``(n_configurations, n_visible)``.
        """
        log_weight, _ = self._log_weight(spins)
        node = self._node(spins)
        if node is None:
            return 0.5 * log_weight
        phase = torch.tanh(node)
        return 0.5 * log_weight + torch.log(phase.to(torch.complex128))

    def log_weight(self, spins: torch.Tensor) -> torch.Tensor:
        """Return ``ln sum_h exp(a.s + b.h + s.W.h)``, shape ``(n_configurations,)``."""
        return self._log_weight(spins)[0]

    def node(self, spins: torch.Tensor) -> torch.Tensor:
        """Return the sign node's output, shape ``(n_configurations,)``."""
        node = self._node(spins)
        return torch.ones(len(spins), dtype=torch.float64) if node is None else torch.tanh(node)

    def amplitudes(self, spins: torch.Tensor, *, with_derivatives: bool = False) -> Amplitudes:
        """Return amplitudes, and their derivatives by the parameters in closed form.

        With ``t = tanh(theta)`` and the node's output ``u``, the derivatives of psi are
        ``psi s / 2`` by a, ``psi t / 2`` by b, ``psi s t / 2`` by W, and
        ``sqrt(P) (1 - u^2) (1, s)`` by the node's parts, times i for the imaginary ones: no term
        divides by an amplitude that may vanish.

        Args:
            spins: Visible units, shape ``(n_configurations, n_visible)``.
            with_derivatives: Whether they are wanted.
        """
        with torch.no_grad():
            log_weight, theta = self._log_weight(spins)
            log_scale = 0.5 * float(log_weight.max()) if len(spins) else 0.0
            root = torch.exp(0.5 * log_weight - log_scale)
            node = self._node(spins)
            sign = None if node is None else torch.tanh(node)
            values = root if sign is None else root * sign
            if not with_derivatives:
                return Amplitudes(values, root, log_scale)
            tanh = 0.5 * torch.tanh(theta)
            half = values[:, None]
            pairs = (spins[:, :, None] * tanh[:, None, :]).flatten(1)
            parts = [half * (0.5 * spins), half * tanh, half * pairs]
            if sign is not None:
                slope = (root * (1.0 - sign * sign))[:, None]
                own = torch.cat([slope, slope * spins], dim=1)
                parts += [own] if self.sign_node == "tanh" else [own, 1j * own]
            return Amplitudes(values, root, log_scale, torch.cat(parts, dim=1))

    def _log_weight(self, spins: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        a, b, w, *_ = self._split()
        theta = torch.addmm(b, spins, w)
        size = theta.abs()
        cosh = size + torch.log1p(torch.exp(-2.0 * size))  # ln 2 cosh, without overflow
        return spins @ a + cosh.sum(dim=1), theta

    def _node(self, spins: torch.Tensor) -> torch.Tensor | None:
        """Return the argument of the node's tanh; ``None`` where there is no node."""
        _, _, _, *parts = self._split()
        if not parts:
            return None
        real = parts[0][0] + spins @ parts[0][1:]
        if len(parts) == 1:
            return real
        return torch.complex(real, parts[1][0] + spins @ parts[1][1:])


_N_PARTS: Final = {"none": 0, "tanh": 1, "complex_tanh": 2}


def check_sign_node(owner: str, sign_node: str) -> None:
    """Raise unless a sign node is known.

    Raises:
        InputError: If it is not.
    """
    if sign_node not in get_args(SignNode):
        raise InputError(
            f'{owner}(sign_node="{sign_node}"): no such node. '
            f"{nearest(str(sign_node), get_args(SignNode))}"
        )
