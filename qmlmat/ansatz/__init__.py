"""Circuits: excitations, building blocks, templates. Knows ``(norb, nelec)``, never a molecule."""

from qmlmat.ansatz.ansatz import Ansatz
from qmlmat.ansatz.circuit import Circuit, Gate
from qmlmat.ansatz.excitation import Excitation, NumberProduct

__all__ = ["Ansatz", "Circuit", "Excitation", "Gate", "NumberProduct"]
