"""What every PennyLane device must do with circuits that conserve the electrons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pennylane as qml
import torch

from qmlmat.ansatz import Ansatz, Circuit
from qmlmat.backends import Preparation, Reference, Request, SectorBackend
from qmlmat.backends.pennylane.operators import to_pennylane
from qmlmat.backends.register.layout import Layout
from qmlmat.plugins.pennylane.export import conserving_gates
from qmlmat.systems import MolecularHamiltonian, Molecule, molecular_hamiltonian
from qmlmat.testing.conformance import ConformanceError
from qmlmat.typing import FloatArray

TEMPLATES: Final = ("uccsd", "kupccgsd", "givens", "lucj")
"""Circuits that are tried: with and without signs of fermions, real and complex."""
SINGLE: Final = 1e-6
"""Deviation of single precision, in which some devices answer PyTorch by default."""
N_SHOTS: Final = 4000
"""Shots of the counts."""
MAX_SIGMA: Final = 6.0
"""Standard deviations by which a frequency may be off: a right device fails once in 1e8 times."""


def check_device(
    device: Any,  # noqa: ANN401 (PennyLane has no types)
    *,
    n_wires: int | None = None,
    atol: float = 1e-9,
    seed: int = 7,
) -> None:
    """Check that a PennyLane device runs a chemist's circuits as ours run.

    Circuits of ``uccsd``, ``kupccgsd``, ``givens`` and ``lucj`` for a chain of hydrogen atoms, in
    PennyLane's own gates that conserve the electrons, all alpha wires first. Against the sector
    backend, which shares no code with PennyLane's simulators:

    - states, probabilities and energies, one by one and for several points of an angle at once;
    - gradients by the device's best method, through autograd and PyTorch;
    - counts: no outcome with other electrons, frequencies as the probabilities are;
    - a circuit that leaves the electrons' number is refused with a ``DeviceError``, or run right.

    Args:
        device: The device, exact without shots.
        n_wires: Even number of wires to use, from 4; by default the device's, at most 8.
        atol: Largest deviation (hartree, hartree per radian, or of a state).
        seed: Seed of the angles.

    Raises:
        ConformanceError: If one of this does not hold; the message says what.

    Example:
        >>> import pennylane as qml
        >>> check_device(qml.device("qmlmat.sector", wires=4, spin_order="blocked"))
    """
    if n_wires is None:
        n_wires = 8 if device.wires is None else min(8, len(device.wires) // 2 * 2)
    if n_wires < 4 or n_wires % 2:
        raise ConformanceError(
            f"check_device(n_wires={n_wires}): an even number from 4. Make the device with "
            "wires=4 or more."
        )
    labels = list(range(n_wires)) if device.wires is None else device.wires.tolist()[:n_wires]
    for name in TEMPLATES:
        _Trial.make(device, labels, name, atol, seed).check()
    _check_refusal(device, labels)


@dataclass(frozen=True, eq=False)
class _Trial:
    """One circuit on the device."""

    device: Any
    labels: list[Any]
    hamiltonian: MolecularHamiltonian
    circuit: Circuit
    params: FloatArray
    atol: float
    seed: int

    @classmethod
    def make(
        cls,
        device: Any,  # noqa: ANN401
        labels: list[Any],
        name: str,
        atol: float,
        seed: int,
    ) -> _Trial:
        norb = len(labels) // 2
        atoms = "; ".join(f"H 0 0 {0.9 * k}" for k in range(norb))
        molecule = Molecule.from_xyz(atoms, spin=norb % 2)
        hamiltonian = molecular_hamiltonian(molecule)
        circuit = Ansatz(name).circuit(norb, hamiltonian.nelec)
        params = np.random.default_rng(seed).normal(scale=0.5, size=circuit.n_params)
        return cls(device, labels, hamiltonian, circuit, params, atol, seed)

    def check(self) -> None:
        """Ask for everything."""
        right = np.zeros(1 << len(self.labels), dtype=np.complex128)
        right[self._places] = self._state
        self._same("states", right, self._node(qml.state)(self.params))
        self._same("probabilities", np.abs(right) ** 2, self._node(qml.probs)(self.params))
        energy, slopes = self._energy(self.params)
        node = self._node(lambda: qml.expval(self._observable))
        self._same("energies", energy, node(self.params))
        variable = qml.numpy.array(self.params, requires_grad=True)
        self._same("gradients (autograd)", slopes, qml.grad(node)(variable))
        self._same("gradients (torch)", slopes, self._torch_gradient(), SINGLE)
        self._check_broadcast()
        self._check_counts(np.abs(right) ** 2)

    @cached_property
    def _places(self) -> Any:  # noqa: ANN401
        layout = Layout(len(self.labels), self.hamiltonian.nelec, "blocked")
        return layout.states.astype(np.int64)

    @cached_property
    def _observable(self) -> Any:  # noqa: ANN401
        wires = dict(enumerate(self.labels))
        with qml.QueuingManager.stop_recording():
            return to_pennylane(self.hamiltonian.pauli_sum()).map_wires(wires)

    @cached_property
    def _reference(self) -> Reference:
        return Reference.hartree_fock(self.circuit.norb, self.circuit.nelec)

    @property
    def _state(self) -> Any:  # noqa: ANN401
        preparation = Preparation(self.circuit, self._reference, self.params)
        return SectorBackend().state(preparation).ravel()

    def _energy(self, params: FloatArray) -> tuple[float, FloatArray]:
        preparation = Preparation(self.circuit, self._reference)
        request = Request(preparation=preparation, observables=(self.hamiltonian,))
        both = SectorBackend().prepare(request).value_and_gradient(params)
        return float(both.values[0]), both.gradient[0]

    def _gates(self, params: Any) -> None:  # noqa: ANN401
        wires = dict(enumerate(self.labels))
        with qml.QueuingManager.stop_recording():
            gates = [gate.map_wires(wires) for gate in conserving_gates(self.circuit, params)]
        for gate in gates:
            qml.apply(gate)

    def _node(self, measured: Callable[[], Any]) -> Any:  # noqa: ANN401
        def circuit(params: Any) -> Any:  # noqa: ANN401
            self._gates(params)
            return measured()

        return qml.QNode(circuit, self.device)

    def _torch_gradient(self) -> FloatArray:
        variable = torch.tensor(self.params, requires_grad=True)
        self._node(lambda: qml.expval(self._observable))(variable).backward()
        assert variable.grad is not None
        slopes: FloatArray = variable.grad.numpy()
        return slopes

    def _check_broadcast(self) -> None:
        points = np.array([-0.4, 0.1, 0.8])

        def circuit(angles: Any) -> Any:  # noqa: ANN401
            self._gates(self.params)
            qml.SingleExcitation(angles, wires=self.labels[:2])
            return qml.expval(self._observable)

        along = qml.QNode(circuit, self.device)
        self._same(
            "energies for several angles at once",
            np.array([float(along(float(point))) for point in points]),
            along(points),
        )

    def _check_counts(self, probabilities: FloatArray) -> None:
        node = qml.set_shots(self._node(qml.counts), shots=N_SHOTS)
        counts = np.zeros(len(probabilities), dtype=np.int64)
        for bits, count in node(self.params).items():
            counts[int(bits, 2)] = int(count)
        outside = counts.sum() - counts[self._places].sum()
        self._require(outside == 0, f"{outside} of {N_SHOTS} outcomes have other electrons")
        frequencies = counts / N_SHOTS
        sigma = np.sqrt(probabilities * (1.0 - probabilities) / N_SHOTS) + 1.0 / N_SHOTS
        worst = float((np.abs(frequencies - probabilities) / sigma).max())
        self._require(
            worst < MAX_SIGMA, f"a frequency of counts is {worst:.1f} standard deviations off"
        )

    def _same(self, what: str, right: Any, found: Any, atol: float = 0.0) -> None:  # noqa: ANN401
        values = np.asarray(qml.math.unwrap([found])[0])
        self._require(
            values.shape == np.shape(right),
            f"{what} have shape {values.shape}, not {np.shape(right)}",
        )
        apart = float(np.abs(values - right).max())
        self._require(apart <= max(atol, self.atol), f"{what} are off by {apart:.1e}")

    def _require(self, condition: bool, what: str) -> None:
        if not condition:
            raise ConformanceError(
                f"check_device({self.device.name}): {what}, for {self.circuit.name} on "
                f"{len(self.labels)} wires. See qmlmat.testing.check_device."
            )


def _check_refusal(device: Any, labels: list[Any]) -> None:  # noqa: ANN401
    def superposed() -> Any:  # noqa: ANN401
        qml.Hadamard(labels[0])
        return qml.expval(qml.Z(labels[0]))

    try:
        found = float(qml.QNode(superposed, device)())
    except qml.exceptions.DeviceError:
        return
    if abs(found) > 1e-6:
        raise ConformanceError(
            f"check_device({device.name}): <Z> after a Hadamard gate is {found:.3f}, not 0. Refuse "
            "with a DeviceError what the device cannot run."
        )
