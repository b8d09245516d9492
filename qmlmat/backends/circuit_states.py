"""The states of a circuit as differentiable functions of a batch of angles: PyTorch's door.

Twice differentiable: what training on forces needs, whose loss holds derivatives already.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.backends.statevector_blocks import Planes
from qmlmat.backends.statevector_program import QubitProgram, compile_qubit_circuit
from qmlmat.backends.statevector_sweeps import slope_tangents, slopes, states, tangents
from qmlmat.errors import InputError
from qmlmat.typing import FloatArray

_DTYPES = (torch.float64, torch.float32)


def circuit_states(
    circuit: QubitCircuit, angles: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the states of a circuit for a batch of angles: real and imaginary parts.

    Both can be differentiated twice by the angles. The sweeps compute in float64; float32 angles
    give float32 states.

    Args:
        circuit: From 1 to 16 qubits, without measurements and resets.
        angles: Its parameters, float64 or float32 on the CPU, shape ``(n_rows, n_params)``
            (radians).

    Returns:
        Two tensors of shape ``(n_rows, 2**n_qubits)``; wire 0 is the highest bit of the index.

    Raises:
        InputError: If the circuit measures or resets, or has too many qubits; if ``angles`` has
            another type, place or shape, or values that are not finite.
    """
    program = _program(circuit)
    _check(angles, circuit.n_params)
    real, imag = _States.apply(angles.to(torch.float64), program)  # type: ignore[no-untyped-call]
    return real.to(angles.dtype), imag.to(angles.dtype)


def _program(circuit: QubitCircuit) -> QubitProgram:
    if not circuit.is_unitary:
        raise InputError(
            f'circuit_states: circuit "{circuit.name}" measures or resets qubits, so it has no one '
            "final state. Take the measurements out; expectations need none."
        )
    return compile_qubit_circuit(circuit)


def _check(angles: torch.Tensor, n_params: int) -> None:
    if not isinstance(angles, torch.Tensor):
        raise InputError(
            f"circuit_states: angles of type {type(angles).__name__}. Use torch.as_tensor(angles)."
        )
    if angles.dtype not in _DTYPES or angles.device.type != "cpu":
        raise InputError(
            f"circuit_states: angles are a {angles.dtype} tensor on {angles.device}. Use "
            'angles.to("cpu", torch.float64).'
        )
    if angles.ndim != 2 or angles.shape[1] != n_params:
        raise InputError(
            f"circuit_states: angles of shape {tuple(angles.shape)}, the circuit has {n_params} "
            f"parameters. Give shape (n_rows, {n_params}) (radians)."
        )
    if not np.isfinite(angles.detach().numpy()).all():
        raise InputError(
            "circuit_states: angles hold NaN or infinity. Give finite angles (radians); lower the "
            "learning rate if they come from a training that diverged."
        )


class _States(torch.autograd.Function):
    """Angles to states."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 (torch's context)
        angles: torch.Tensor,
        program: QubitProgram,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        real, imag = map(torch.from_numpy, states(program, _array(angles)))
        ctx.program = program
        ctx.save_for_backward(angles, real, imag)
        return real, imag

    @staticmethod
    def backward(
        ctx: Any,  # noqa: ANN401
        left: torch.Tensor,
        down: torch.Tensor,
    ) -> tuple[torch.Tensor, None]:
        angles, real, imag = ctx.saved_tensors
        kets = real.detach(), imag.detach()  # the sweep knows how they depend on the angles
        found = _Slopes.apply(angles, left, down, kets, ctx.program)  # type: ignore[no-untyped-call]
        return found, None


class _Slopes(torch.autograd.Function):
    """Angles and bras to the derivatives of ``Re <bra|state>`` by the angles."""

    @staticmethod
    def forward(  # noqa: PLR0917 (autograd hands them over by position)
        ctx: Any,  # noqa: ANN401
        angles: torch.Tensor,
        left: torch.Tensor,
        down: torch.Tensor,
        kets: tuple[torch.Tensor, torch.Tensor],
        program: QubitProgram,
    ) -> torch.Tensor:
        ctx.program = program
        ctx.save_for_backward(angles, left, down)
        found = slopes(program, _array(angles), _arrays(*kets), _arrays(left, down))
        return torch.from_numpy(found)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(
        ctx: Any,  # noqa: ANN401
        directions: torch.Tensor,
    ) -> tuple[torch.Tensor | None, ...]:
        angles, left, down = ctx.saved_tensors
        rows, along = _array(angles), _array(directions)
        found = None
        if ctx.needs_input_grad[0]:
            of_slopes, of_states = slope_tangents(ctx.program, rows, _arrays(left, down), along)
            found = torch.from_numpy(of_slopes)
        else:
            of_states = tangents(ctx.program, rows, along)
        real, imag = map(torch.from_numpy, of_states)
        return found, real, imag, None, None


def _array(tensor: torch.Tensor) -> FloatArray:
    found: FloatArray = tensor.detach().contiguous().numpy()
    return found


def _arrays(real: torch.Tensor, imag: torch.Tensor) -> Planes:
    return _array(real), _array(imag)
