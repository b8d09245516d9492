"""Circuits: excitations, building blocks, templates. Knows ``(norb, nelec)``, never a molecule."""

from qmlmat.ansatz.ansatz import Ansatz
from qmlmat.ansatz.circuit import Circuit, Gate
from qmlmat.ansatz.excitation import Excitation, NumberProduct
from qmlmat.ansatz.jastrow import jastrow_circuit, jastrow_params
from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate

__all__ = [
    "Angle",
    "Ansatz",
    "Circuit",
    "Excitation",
    "Gate",
    "NumberProduct",
    "QubitCircuit",
    "QubitGate",
    "jastrow_circuit",
    "jastrow_params",
]
