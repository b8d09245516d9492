"""Active learning: the expensive solver is asked where a model is least sure."""

from qmlmat.potentials.active.learning import ActiveProgress, active_learning
from qmlmat.potentials.active.result import ActiveLearning, Call, Step, Stop, Strategy

__all__ = [
    "ActiveLearning",
    "ActiveProgress",
    "Call",
    "Step",
    "Stop",
    "Strategy",
    "active_learning",
]
