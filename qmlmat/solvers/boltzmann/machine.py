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

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
import torch

from qmlmat.errors import InputError, nearest
from qmlmat.typing import FloatArray, StateArray

SignNode: TypeAlias = Literal["none", "tanh", "complex_tanh"]
"""What gives amplitudes their signs or phases."""


@dataclass(frozen=True, eq=False)
class Amplitudes:
    """Unnormalised amplitudes, one scale ``exp(log_scale)`` taken out of all of them."""

    values: StateArray
    """``psi(s) exp(-log_scale)``, shape ``(n_configurations,)``, real or complex."""
    roots: FloatArray
    """``sqrt(sum_h P(s, h))`` on the same scale: the amplitudes before the sign node."""
    log_scale: float
    """Logarithm of the scale."""
    derivatives: StateArray | None = None
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

        Differentiable; the solver itself goes by ``amplitudes``.

        Args:
            spins: Visible units, +1 or -1, shape ``(n_configurations, n_visible)``.
        """
        a, b, w, *parts = self._split()
        size = torch.addmm(b, spins, w).abs()
        cosh = size + torch.log1p(torch.exp(-2.0 * size))  # ln 2 cosh, without overflow
        half = 0.5 * (spins @ a + cosh.sum(dim=1))
        if not parts:
            return half
        node = [part[0] + spins @ part[1:] for part in parts]
        argument = node[0] if len(node) == 1 else torch.complex(node[0], node[1])
        return half + torch.log(torch.tanh(argument).to(torch.complex128))

    def log_amplitudes(self, spins: FloatArray) -> FloatArray:
        """Return ``ln |psi|``, shape ``(n_configurations,)``; -inf where it vanishes."""
        log_weight, _ = self._log_weight(spins)
        node = self._node(spins)
        if node is None:
            return 0.5 * log_weight
        with np.errstate(divide="ignore"):
            found: FloatArray = 0.5 * log_weight + np.log(np.abs(node))
        return found

    def amplitudes(self, spins: FloatArray, *, with_derivatives: bool = False) -> Amplitudes:
        """Return amplitudes, and their derivatives by the parameters in closed form.

        With ``t = tanh(theta)`` and the node's output ``u``, the derivatives of psi are
        ``psi s / 2`` by a, ``psi t / 2`` by b, ``psi s t / 2`` by W, and
        ``sqrt(P) (1 - u^2) (1, s)`` by the node's parts, times i for the imaginary ones: no term
        divides by an amplitude that may vanish.

        Args:
            spins: Visible units, shape ``(n_configurations, n_visible)``.
            with_derivatives: Whether they are wanted.
        """
        log_weight, theta = self._log_weight(spins)
        log_scale = 0.5 * float(log_weight.max()) if len(spins) else 0.0
        roots = np.exp(0.5 * log_weight - log_scale)
        node = self._node(spins)
        values = roots if node is None else roots * node
        if not with_derivatives:
            return Amplitudes(values, roots, log_scale)
        n, m = self.n_visible, self.n_hidden
        derivatives = np.empty((len(spins), self.n_params), dtype=values.dtype)
        tanh, half = 0.5 * np.tanh(theta), values[:, None]
        derivatives[:, :n] = half * (0.5 * spins)
        own = derivatives[:, n : n + m]
        np.multiply(half, tanh, out=own)
        first = n + m + n * m
        derivatives[:, n + m : first].reshape(len(spins), n, m)[...] = (
            spins[:, :, None] * own[:, None, :]
        )
        if node is not None:
            slope = roots * (1.0 - node * node)
            derivatives[:, first] = slope
            np.multiply(slope[:, None], spins, out=derivatives[:, first + 1 : first + n + 1])
        if self.sign_node == "complex_tanh":
            derivatives[:, first + n + 1 :] = 1j * derivatives[:, first : first + n + 1]
        return Amplitudes(values, roots, log_scale, derivatives)

    def _arrays(self) -> tuple[FloatArray, ...]:
        """Return the parts of the parameters: a, b, W, and the node's parts."""
        n, m = self.n_visible, self.n_hidden
        flat: FloatArray = self.params.detach().numpy()
        first = n + m + n * m
        node = flat[first:].reshape(-1, n + 1)
        return flat[:n], flat[n : n + m], flat[n + m : first].reshape(n, m), *node

    def _log_weight(self, spins: FloatArray) -> tuple[FloatArray, FloatArray]:
        a, b, w, *_ = self._arrays()
        theta = spins @ w + b
        size = np.abs(theta)
        cosh = size + np.log1p(np.exp(-2.0 * size))
        return spins @ a + cosh.sum(axis=1), theta

    def _node(self, spins: FloatArray) -> StateArray | None:
        """Return the sign node's output, ``(n_configurations,)``; ``None`` where there is none."""
        parts = self._arrays()[3:]
        if not parts:
            return None
        arguments = [part[0] + spins @ part[1:] for part in parts]
        whole = arguments[0] if len(arguments) == 1 else arguments[0] + 1j * arguments[1]
        found: StateArray = np.tanh(whole)
        return found


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
