"""What backends on qubits share: lowered circuits, shift rules, measurement and its errors."""

from qmlmat.backends.qubits.base import QubitBackend
from qmlmat.backends.qubits.evaluator import QubitEvaluator
from qmlmat.backends.qubits.mitigation import Mitigation

__all__ = ["Mitigation", "QubitBackend", "QubitEvaluator"]
