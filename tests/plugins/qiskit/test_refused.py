"""What leaves the sector of the electrons is refused, with what to do instead."""

from __future__ import annotations

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import AnnotatedOperation, Parameter, PowerModifier
from qiskit.circuit.library import PauliEvolutionGate, XXPlusYYGate
from qiskit.quantum_info import SparsePauliOp

from qmlmat.ansatz import Excitation
from qmlmat.errors import CapabilityError, InputError
from qmlmat.plugins.qiskit import ExcitationGate, SectorEstimator, SectorSampler


def prepared(n_qubits: int = 4) -> QuantumCircuit:
    """Electrons on the first and third qubit, the first spread over two."""
    circuit = QuantumCircuit(n_qubits, 1)
    circuit.x([0, 2])
    circuit.append(XXPlusYYGate(0.3), [0, 1])
    return circuit


def estimated(circuit, observable=None, **settings):
    """Run an estimator on Z of the first qubit, or another observable."""
    observable = "I" * (circuit.num_qubits - 1) + "Z" if observable is None else observable
    return SectorEstimator(**settings).run([(circuit, observable)]).result()


@pytest.mark.parametrize("name", ["h", "y", "sx"])
def test_gates_of_one_qubit_that_mix_electrons_are_refused(name):
    """They are named with their qubits, and others that conserve."""
    circuit = prepared()
    getattr(circuit, name)(3)
    match = rf"SectorEstimator: {name} on qubits \(3,\) .* number of electrons\. Use .*XXPlusYYGate"
    with pytest.raises(CapabilityError, match=match):
        estimated(circuit)


@pytest.mark.parametrize("name", ["cx", "cy", "ecr", "dcx"])
def test_gates_of_two_qubits_that_mix_electrons_are_refused(name):
    """By their own names: nobody wants to hear of the gates in their definition."""
    circuit = prepared()
    getattr(circuit, name)(1, 2)
    with pytest.raises(CapabilityError, match=rf"{name} on qubits \(1, 2\).*StatevectorEstimator"):
        estimated(circuit)


@pytest.mark.parametrize("name", ["rx", "ry"])
def test_rotations_that_mix_electrons_are_refused(name):
    """Whatever their angle."""
    circuit = prepared()
    getattr(circuit, name)(Parameter("a"), 1)
    with pytest.raises(CapabilityError, match=rf"{name} on qubits \(1,\)"):
        SectorEstimator().run([(circuit, "ZIII", [0.0])]).result()


def test_words_of_an_evolution_that_mix_electrons_are_refused():
    """XX alone makes pairs; with YY it would not."""
    circuit = prepared()
    circuit.append(PauliEvolutionGate(SparsePauliOp("XX"), 0.2), [0, 1])
    match = r'rxx in "PauliEvolution" on qubits \(0, 1\)'
    with pytest.raises(CapabilityError, match=match):
        estimated(circuit)


def test_a_gate_inside_of_others_is_named_with_them():
    """The elementary gate, and the composite ones around it."""
    inner = QuantumCircuit(2, name="inner")
    inner.h(1)
    outer = QuantumCircuit(2, name="outer")
    outer.append(inner.to_gate(), [1, 0])
    circuit = prepared()
    circuit.append(outer.to_gate(), [2, 3])
    with pytest.raises(CapabilityError, match=r'h in "inner" in "outer" on qubits \(2,\)'):
        estimated(circuit)
    circuit = prepared()
    circuit.append(outer.to_gate().control(1, annotated=True), [0, 2, 3])
    with pytest.raises(CapabilityError, match=r'h in "inner" in "outer" in "annotated"'):
        estimated(circuit)


def test_an_x_under_a_control_is_refused():
    """Wherever it stands in the controlled gate: it prepares no determinant."""
    inner = QuantumCircuit(2, name="inner")
    inner.x(1)
    circuit = prepared()
    circuit.append(inner.to_gate().control(1, annotated=True), [0, 1, 3])
    with pytest.raises(CapabilityError, match=r'x in "inner" in "annotated" on qubits \(3,\)'):
        estimated(circuit)


def test_a_late_x_is_refused():
    """X prepares a determinant; after other gates it would change the number of electrons."""
    circuit = prepared()
    circuit.x(1)
    with pytest.raises(
        CapabilityError, match=r"x on qubit 1 comes after other gates.*X gates that"
    ):
        estimated(circuit)
    circuit = prepared()
    circuit.x(3)  # nothing has acted there
    assert estimated(circuit)


def test_a_power_is_refused():
    """Of modified operations only inverses and controls are known."""
    circuit = prepared()
    circuit.append(AnnotatedOperation(XXPlusYYGate(0.2), PowerModifier(0.5)), [0, 1])
    with pytest.raises(CapabilityError, match="annotated on qubits"):
        estimated(circuit)


def test_resets_and_decisions_are_refused():
    """Neither is unitary."""
    circuit = prepared()
    circuit.reset(3)
    with pytest.raises(CapabilityError, match=r"reset on qubits \(3,\) is no gate"):
        SectorSampler().run([circuit]).result()
    circuit = prepared()
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.z(0)
    with pytest.raises(CapabilityError, match=r"if_else on qubits .* is no gate"):
        estimated(circuit)


def test_a_measurement_before_other_gates_is_refused():
    """Also in the estimator, which takes none at all."""
    circuit = prepared()
    circuit.measure(0, 0)
    with pytest.raises(CapabilityError, match=r"remove_final_measurements"):
        estimated(circuit)
    circuit.z(0)
    with pytest.raises(
        CapabilityError, match=r"z on qubits \(0,\) comes after .* qubit 0\. Measure at"
    ):
        SectorSampler().run([circuit]).result()


def test_electrons_that_the_circuit_does_not_prepare_are_refused():
    """``nelec`` is a promise about the X gates."""
    with pytest.raises(InputError, match=r"but nelec says 3\. Prepare as many, or leave nelec out"):
        estimated(prepared(), nelec=(2, 1))
    with pytest.raises(InputError, match=r"but nelec says \(2, 0\)"):
        estimated(prepared(), nelec=(2, 0), spin_order="blocked")


@pytest.mark.parametrize("nelec", [2, 1.5, (1, 2, 3), (1, -1), "two"])
def test_electrons_that_are_no_numbers_are_refused(nelec):
    """At once, not when the first circuit runs."""
    with pytest.raises(InputError, match=r"use \(n_alpha, n_beta\)"):
        SectorEstimator(nelec=nelec)


def test_unknown_spin_orders_are_refused():
    """At once, with the known ones."""
    with pytest.raises(InputError, match='use "blocked"'):
        SectorSampler(spin_order="alternating")


def test_odd_numbers_of_qubits_have_no_spin_order():
    """Half of the qubits belong to each spin."""
    with pytest.raises(InputError, match="Use an even number of wires, or spin_order=None"):
        estimated(prepared(5), spin_order="blocked")


def test_gates_between_spins_are_refused_with_a_spin_order():
    """They conserve all electrons, but not those of each spin."""
    circuit = prepared()
    circuit.append(XXPlusYYGate(0.3), [1, 2])
    match = r"xx_plus_yy on qubits \(1, 2\) moves electrons between .* Use spin_order=None"
    with pytest.raises(CapabilityError, match=match):
        estimated(circuit, spin_order="blocked")
    assert estimated(circuit)


def test_observables_that_leave_the_sector_are_refused():
    """Named by their first terms."""
    with pytest.raises(InputError, match=r'SectorEstimator: the observable \{"IIIX": 1\} leaves'):
        estimated(prepared(), "IIIX")
    with pytest.raises(InputError, match=r"or use spin_order=None"):
        estimated(
            prepared(),
            {"IXXI": 1.0, "IYYI": 1.0, "ZIII": 1.0},
            spin_order="blocked",
        )
    with pytest.raises(InputError, match=r"leaves the sector"):
        estimated(prepared(), "II+I")


def test_observables_on_other_qubits_are_refused_as_in_qiskit():
    """Qiskit's own word."""
    with pytest.raises(ValueError, match="number of qubits"):
        estimated(prepared(), SparsePauliOp("ZZ"))
    with pytest.raises(ValueError, match="number of qubits"):
        estimated(prepared(), "ZZ")


def test_parameters_that_are_not_finite_are_refused():
    """And angles that are not where all parameters are."""
    a = Parameter("a")
    circuit = prepared()
    circuit.rz(a, 0)
    with pytest.raises(InputError, match="not all finite"):
        SectorEstimator().run([(circuit, "ZIII", [float("nan")])]).result()
    circuit = prepared()
    circuit.rz(1 / a, 0)
    with pytest.raises(InputError, match=r"The angle 1/a is .* where a=0"):
        SectorEstimator().run([(circuit, "ZIII", [0.0])]).result()


def test_excitations_of_beta_electrons_are_refused():
    """A gate's qubits are one row."""
    with pytest.raises(InputError, match="Give every move as alpha's"):
        ExcitationGate(Excitation(beta=((0, 1),)), 0.1)
