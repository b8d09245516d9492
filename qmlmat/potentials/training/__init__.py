"""Training of learnt surfaces: ``fit``, its settings and what it returns."""

from qmlmat.potentials.training.errors import Errors, errors_of
from qmlmat.potentials.training.fit import fit
from qmlmat.potentials.training.progress import FitProgress
from qmlmat.potentials.training.result import FIT_ADVICE, Fit, FitStatus, FitStep
from qmlmat.potentials.training.settings import Training

__all__ = [
    "FIT_ADVICE",
    "Errors",
    "Fit",
    "FitProgress",
    "FitStatus",
    "FitStep",
    "Training",
    "errors_of",
    "fit",
]
