"""Circuits: excitations, building blocks, templates. Knows ``(norb, nelec)``, never a molecule."""

from qmlmat.ansatz.ansatz import Ansatz
from qmlmat.ansatz.circuit import Circuit, Gate
from qmlmat.ansatz.excitation import Excitation, NumberProduct
from qmlmat.ansatz.jastrow import jastrow_circuit, jastrow_params

__all__ = [
    "Ansatz",
    "Circuit",
    "Excitation",
    "Gate",
    "NumberProduct",
    "jastrow_circuit",
    "jastrow_params",
]
