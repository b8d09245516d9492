"""The honest comparison: arms on the same splits, with the same budget, and words that follow."""

from qmlmat.potentials.comparison.arms import (
    Arm,
    classical_gaussian_arms,
    kernel_arms,
    network_arms,
)
from qmlmat.potentials.comparison.curves import LearningCurve
from qmlmat.potentials.comparison.result import Comparison
from qmlmat.potentials.comparison.rows import ComparisonRow, Spread
from qmlmat.potentials.comparison.running import ComparisonProgress, compare
from qmlmat.potentials.comparison.runs import Run

__all__ = [
    "Arm",
    "Comparison",
    "ComparisonProgress",
    "ComparisonRow",
    "LearningCurve",
    "Run",
    "Spread",
    "classical_gaussian_arms",
    "compare",
    "kernel_arms",
    "network_arms",
]
