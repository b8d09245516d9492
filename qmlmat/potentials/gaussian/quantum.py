"""Kernels of states: how alike the states are that a circuit makes of two geometries."""

from __future__ import annotations

import math
from typing import Any, Final, Literal

import torch
from torch import Tensor

from qmlmat.ansatz.encoded_circuit import EncodedCircuit
from qmlmat.backends.circuit_states import circuit_states
from qmlmat.errors import InputError
from qmlmat.potentials.gaussian.kernels import Kernel, rational
from qmlmat.potentials.gaussian.orbits import moves_of_amplitudes, orbits_of_circuit

Profile = Literal["fidelity", "rational"]
"""What is made of the fidelity: nothing, or a rational quadratic of the distance of the states."""

START_SCALE: Final = 0.5
"""Radians by which a feature turns from the middle of its range to its end, at the start."""
START_SPREAD: Final = 0.3
"""Spread of angles around their start (radians), and of scales relative to theirs."""
ROUNDING: Final = 1e-9
"""How far a kernel of permuted states may be off (float64, a few hundred gates)."""


class QuantumKernel(Kernel):
    """The fidelity ``F = |<phi(x)|phi(x')>|^2`` of the states of a circuit, or a function of it.

    The circuit's angles are affine in the features. ``"fidelity"``: the kernel is ``F`` times an
    amplitude. A fidelity has the few frequencies of its encoding, so functions it can describe
    vary on one length. ``"rational"`` is ``(1 + rate (1 - F) / alpha)^-alpha``, a mixture of many
    lengths: the rational quadratic kernel with the distance ``1 - F`` of the states in place of
    that of features. It is a series in powers of ``F`` with positive coefficients, so it is
    positive semidefinite; a device measures ``F`` alone in both cases.

    Without entangling gates the fidelity is a product of one-qubit ones, in closed form.

    Args:
        encoded: The circuit, e.g. of ``Encoding("morse_kernel")``.
        permutations: See ``Kernel``; feature j belongs to qubit j. Angles in one orbit are one.
        profile: What is made of the fidelity.
        seed: Seed of the start.

    Raises:
        InputError: If the profile is unknown, the features are not the encoding's, or permuted
            features do not give permuted states.

    References:
        V. Havlíček et al., Nature 567, 209 (2019), doi:10.1038/s41586-019-0980-2 (the fidelity).
        X. Guo, J. Dai, R. V. Krems, arXiv:2407.15961 (Gaussian processes of energies with it).
        I. J. Schoenberg, Duke Math. J. 9, 96 (1942), doi:10.1215/S0012-7094-42-00908-6 (series).
    """

    _moves: Tensor
    _angle_orbits: Tensor
    _scale_orbits: Tensor
    _pattern: Tensor

    def __init__(
        self,
        encoded: EncodedCircuit,
        permutations: Tensor,
        *,
        profile: Profile = "rational",
        seed: int = 0,
    ) -> None:
        super().__init__(permutations)
        _check(encoded, self.n_features, profile)
        self.encoded, self.profile, self.seed = encoded, profile, seed
        angles, scales = orbits_of_circuit(encoded, self.permutations)
        pattern = torch.from_numpy(encoded.pattern.copy())
        for name, values in (
            ("_angle_orbits", torch.tensor(angles)),
            ("_scale_orbits", torch.tensor(scales)),
            ("_pattern", pattern),
            ("_moves", moves_of_amplitudes(self.permutations, encoded.circuit.n_qubits)),
        ):
            self.register_buffer(name, values, persistent=False)
        rng = torch.Generator().manual_seed(seed)
        n_angles, n_scales = max(angles) + 1, max(scales) + 1
        spread = torch.randn(n_angles + n_scales, generator=rng, dtype=torch.float64)
        spread *= START_SPREAD
        takes = torch.zeros(n_angles, dtype=torch.float64)
        takes[self._angle_orbits[pattern.any(dim=1)]] = math.pi / 2  # between the poles
        self.angles = torch.nn.Parameter(takes + spread[:n_angles])
        """Constant parts of angles, one for each orbit of angles (radians)."""
        self.scales = torch.nn.Parameter(START_SCALE * (1 + spread[n_angles:]))
        """Factors of features in angles, one for each orbit of entries (radians)."""
        self.log_amplitude = torch.nn.Parameter(torch.zeros((), dtype=torch.float64))
        """Logarithm of the variance at one point (squared units of the scaled energy)."""
        if profile == "rational":
            self.log_alpha = torch.nn.Parameter(torch.zeros((), dtype=torch.float64))
            """Logarithm of ``alpha``: the larger, the fewer lengths."""
            self.log_rate = torch.nn.Parameter(torch.zeros((), dtype=torch.float64))
            """Logarithm of how fast energies lose touch with the distance of the states."""
        self._check_permuted()

    @property
    def moves(self) -> Tensor:
        """What permutations of qubits do to amplitudes; see ``Kernel.moves``."""
        return self._moves

    def circuit_angles(self, features: Tensor) -> Tensor:
        """Return the circuit's angles, shape ``(n_points, n_params)`` (radians).

        Args:
            features: Shape ``(n_points, n_features)``.
        """
        return torch.nn.functional.linear(features, self.linear_map(), self.offsets())

    def linear_map(self) -> Tensor:
        """Return factors of features in angles, shape ``(n_params, n_features)`` (radians)."""
        full = torch.zeros(self._pattern.shape, dtype=self.scales.dtype)
        return full.masked_scatter(self._pattern, self.scales[self._scale_orbits])

    def offsets(self) -> Tensor:
        """Return the constant parts of angles, shape ``(n_params,)`` (radians)."""
        return self.angles[self._angle_orbits]

    @torch.no_grad()
    def set_map(self, linear_map: Tensor, offsets: Tensor) -> None:
        """Set all angles, what permutations exchange to the mean.

        Args:
            linear_map: Factors of features, shape ``(n_params, n_features)`` (radians).
            offsets: Constant parts, shape ``(n_params,)`` (radians).
        """
        for param, orbits, values in (
            (self.angles, self._angle_orbits, offsets),
            (self.scales, self._scale_orbits, linear_map[self._pattern]),
        ):
            total = torch.zeros_like(param).index_add(0, orbits, values.to(param.dtype))
            param.copy_(total / torch.bincount(orbits))

    def embed(self, features: Tensor) -> Tensor:
        """Return states, real parts before imaginary ones; see ``Kernel.embed``."""
        return torch.cat(circuit_states(self.encoded.circuit, self.circuit_angles(features)), -1)

    def compare(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the kernel before averaging; see ``Kernel.compare``."""
        fidelity = fidelities(left, right)
        amplitude = torch.exp(self.log_amplitude)
        if self.profile == "fidelity":
            return amplitude * fidelity
        distance = torch.exp(self.log_rate) * (1 - fidelity).clamp(min=0.0)
        return amplitude * rational(distance, self.log_alpha)

    def _check_permuted(self) -> None:
        """Refuse circuits that do not make permuted states of permuted features."""
        rng = torch.Generator().manual_seed(0)  # any features will do
        features = torch.randn((1, self.n_features), generator=rng, dtype=torch.float64)
        with torch.no_grad():
            permuted = self.embed(features[0, self.permutations])
            states = self._images(self.embed(features))[0]
            alike = fidelities(permuted[:, None], states[:, None])
        if (1 - alike).abs().max() > ROUNDING:
            raise InputError(
                f'QuantumKernel(circuit "{self.encoded.circuit.name}"): exchanging equal atoms '
                "changes the kernel, for gates stand on some pairs of qubits and not on others "
                'that permutations lead to. Use entangler="full" or "none" in the encoding.'
            )

    def config(self) -> dict[str, Any]:
        """Return plain values from which the kernel is built again, its numbers apart."""
        return {
            "encoded": self.encoded.to_dict(),
            "permutations": self.permutations.tolist(),
            "profile": self.profile,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> QuantumKernel:
        """Return the kernel that ``config`` describes."""
        return cls(
            EncodedCircuit.from_dict(config["encoded"]),
            torch.tensor(config["permutations"]),
            profile=config["profile"],
            seed=config["seed"],
        )


def fidelities(left: Tensor, right: Tensor) -> Tensor:
    """Return ``|<phi|phi'>|^2``, shape ``(..., n_left, n_right)``.

    Args:
        left: States, real parts before imaginary ones, shape ``(..., n_left, 2 * 2**n_qubits)``.
        right: The same of other points.
    """
    real, imag = right.chunk(2, dim=-1)
    turned = torch.cat([imag, -real], dim=-1)
    return (left @ right.mT).square() + (left @ turned.mT).square()


def _check(encoded: EncodedCircuit, n_features: int, profile: str) -> None:
    if profile not in ("fidelity", "rational"):
        raise InputError(f'QuantumKernel(profile="{profile}"): use "fidelity" or "rational".')
    if encoded.n_features != n_features:
        raise InputError(
            f"QuantumKernel: an encoding of {encoded.n_features} features, and permutations of "
            f"{n_features}. Make the encoding for the descriptor's number of features."
        )
