"""Hamiltonian to Solution: one verb, interchangeable frozen solvers."""

from qmlmat.solvers.adapt import ADAPTVQE
from qmlmat.solvers.base import STATUS_ADVICE, Iteration, ModelSolver, Solution, Solver
from qmlmat.solvers.boltzmann.circuit_sampler import GibbsCircuit
from qmlmat.solvers.boltzmann.machine import BoltzmannMachine
from qmlmat.solvers.boltzmann.metropolis import Metropolis
from qmlmat.solvers.boltzmann.symmetry import Symmetry
from qmlmat.solvers.eom import EOM
from qmlmat.solvers.exact import Exact
from qmlmat.solvers.filtration import Filtration
from qmlmat.solvers.krylov import Krylov
from qmlmat.solvers.measuring import measure_solution
from qmlmat.solvers.optim_base import Landscape, Traits
from qmlmat.solvers.optim_lbfgs import PreconditionedLBFGS
from qmlmat.solvers.optim_natural import NaturalGradient
from qmlmat.solvers.optim_rotosolve import Rotosolve
from qmlmat.solvers.optim_spsa import SPSA
from qmlmat.solvers.optimize import Optimum, minimize
from qmlmat.solvers.qse import QSE
from qmlmat.solvers.rbm import RBM
from qmlmat.solvers.screening import Screened, Screening
from qmlmat.solvers.solving import solve
from qmlmat.solvers.ssvqe import SSVQE
from qmlmat.solvers.vqd import VQD
from qmlmat.solvers.vqe import VQE

__all__ = [
    "ADAPTVQE",
    "EOM",
    "QSE",
    "RBM",
    "SPSA",
    "SSVQE",
    "STATUS_ADVICE",
    "VQD",
    "VQE",
    "BoltzmannMachine",
    "Exact",
    "Filtration",
    "GibbsCircuit",
    "Iteration",
    "Krylov",
    "Landscape",
    "Metropolis",
    "ModelSolver",
    "NaturalGradient",
    "Optimum",
    "PreconditionedLBFGS",
    "Rotosolve",
    "Screened",
    "Screening",
    "Solution",
    "Solver",
    "Symmetry",
    "Traits",
    "measure_solution",
    "minimize",
    "solve",
]
