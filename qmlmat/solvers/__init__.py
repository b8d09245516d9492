"""Hamiltonian to Solution: one verb, interchangeable frozen solvers."""

from qmlmat.solvers.base import STATUS_ADVICE, Iteration, Solution, Solver, solve
from qmlmat.solvers.exact import Exact
from qmlmat.solvers.vqe import VQE

__all__ = ["STATUS_ADVICE", "VQE", "Exact", "Iteration", "Solution", "Solver", "solve"]
