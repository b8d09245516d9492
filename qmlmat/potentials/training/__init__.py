"""Training of learnt surfaces: ``fit``, its settings and what it returns."""

from qmlmat.potentials.training.errors import Errors, errors_of
from qmlmat.potentials.training.fit import fit
from qmlmat.potentials.training.progress import FitProgress
from qmlmat.potentials.training.result import FIT_ADVICE, Fit, FitStatus, FitStep
from qmlmat.potentials.training.settings import Training
from qmlmat.potentials.training.variance import GradientVariance, gradient_variance

__all__ = [
    "FIT_ADVICE",
    "Errors",
    "Fit",
    "FitProgress",
    "FitStatus",
    "FitStep",
    "GradientVariance",
    "Training",
    "errors_of",
    "fit",
    "gradient_variance",
]
