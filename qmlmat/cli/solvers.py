"""The table ``[solver]`` of an input file, one model for each solver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from qmlmat._validation import plain_value
from qmlmat.cli.table import Table


class OptimizerTable(Table):
    """The classical optimiser of the circuit's parameters."""

    name: str = Field(
        default="PreconditionedLBFGS",
        description="PreconditionedLBFGS, NaturalGradient, SPSA, Rotosolve, or the name of an "
        "optimiser class of torch.optim.",
    )
    learning_rate: float | None = Field(
        default=None, gt=0, description="Step size; by default the optimiser's own."
    )
    regularization: float | None = Field(
        default=None,
        gt=0,
        description="NaturalGradient: Tikhonov's, as a fraction of the metric's mean diagonal.",
    )
    perturbation: float | None = Field(
        default=None, gt=0, description="SPSA: size of the perturbations (radians)."
    )
    averages: int | None = Field(
        default=None, ge=1, description="SPSA: directions averaged in each step."
    )
    blocking: bool | None = Field(
        default=None, description="SPSA: whether steps that raise the energy are taken back."
    )

    def settings(self) -> dict[str, float | int | bool]:
        """Return the settings that were given, by the names the optimisers have for them."""
        given = self.model_dump(exclude={"name"}, exclude_none=True)
        return {"lr" if name == "learning_rate" else name: value for name, value in given.items()}


class ScreeningTable(Table):
    """Which generators of an ansatz, or elements of a pool, are left out."""

    point_group: bool = Field(default=True, description="Those that change the irrep.")
    spin: bool = Field(default=False, description="Those that do not leave S^2 exactly alone.")
    min_amplitude: float = Field(
        default=0.0, ge=0, description="Doubles whose MP2 amplitude is smaller than this."
    )


Options = dict[str, Annotated[bool | int | str, BeforeValidator(plain_value)]]
"""Options of a template as a file gives them."""


def _per_step(value: object) -> object:
    if value != "tetris" and (type(value) is not int or value < 1):
        raise ValueError('give a whole number of at least 1, or "tetris"')
    return value


PerStep = Annotated[
    Annotated[int, Field(ge=1)] | Literal["tetris"],
    BeforeValidator(_per_step),
]
"""How many elements a step appends; the check in front answers with one line, not two."""


class StatesTable(Table):
    """What all solvers have in common."""

    n_states: int = Field(default=1, ge=1, description="Number of states.")
    seed: int | None = Field(default=None, ge=0, description="Seed of everything random.")


class SelectedTable(StatesTable):
    """What the solvers of several states have in common."""

    multiplicity: int | None = Field(
        default=None, ge=1, description="2s + 1 of all states, 1 for singlets; by default any."
    )
    irrep: str | None = Field(
        default=None, description='Irrep of all states, "A1" or "Sigma_g+"; by default any.'
    )


class CircuitTable(Table):
    """What the solvers have in common that search the angles of a circuit."""

    max_iterations: int = Field(default=1000, ge=1, description="Most steps of the optimiser.")
    spin_penalty: float = Field(
        default=0.0, ge=0, description="Weight of <S^2> - s(s+1) (hartree), e.g. 0.05."
    )
    optimizer: OptimizerTable = Field(default=OptimizerTable(), description="The optimiser.")
    screening: ScreeningTable | None = Field(
        default=None, description="What is left out of the circuit or pool; by default nothing."
    )


class VQETable(CircuitTable, StatesTable):
    """The variational quantum eigensolver."""

    name: Literal["VQE"] = Field(description="Which solver.")
    ansatz: str = Field(
        default="uccsd",
        description="Name of a template, or the path of your own .toml, relative to this file.",
    )
    options: Options = Field(
        default={}, description="Options of the template, e.g. { spin_tied = true } or { k = 2 }."
    )
    initial: Literal["mp2", "ccsd", "zero", "random"] = Field(
        default="mp2", description="Parameters of the point computed first."
    )
    n_starts: int = Field(
        default=1, ge=1, description="Searches, of which the lowest counts; for layered circuits."
    )
    gradient_tolerance: float = Field(
        default=1e-6, gt=0, description="Largest derivative at convergence (hartree per radian)."
    )
    exact_search: bool = Field(
        default=False,
        description="Search the angles by exact simulation, and measure the result alone on "
        "[backend].",
    )


class ADAPTVQETable(CircuitTable, SelectedTable):
    """The variational quantum eigensolver with a circuit that grows from a pool."""

    name: Literal["ADAPTVQE"] = Field(description="Which solver.")
    pool: str = Field(
        default="uccgsd",
        description="Name of the template whose generators are the pool, or the path of your own.",
    )
    options: Options | None = Field(
        default=None,
        description="Options of the pool's template; by default { spin_tied = true } for uccgsd.",
    )
    gradient_tolerance: float = Field(
        default=1e-3, gt=0, description="Largest slope of the pool at the end (hartree per radian)."
    )
    operators_per_step: PerStep = Field(
        default=1,
        description='Elements appended between two searches; "tetris": as many as act on '
        "different spin orbitals.",
    )
    max_operators: int = Field(default=1000, ge=1, description="Most elements of the circuit.")


class ExactTable(SelectedTable):
    """Exact diagonalisation in the active space."""

    name: Literal["Exact"] = Field(description="Which solver.")


class CircuitStatesTable(CircuitTable, SelectedTable):
    """Several states from references under circuits of one ansatz."""

    ansatz: str = Field(
        default="uccgsd",
        description="Name of a template, or the path of your own .toml, relative to this file.",
    )
    options: Options | None = Field(
        default=None,
        description="Options of the template; by default { spin_tied = true } for uccgsd.",
    )
    layers: int = Field(default=2, ge=1, description="How often the ansatz is applied.")
    n_configurations: int = Field(
        default=5, ge=1, description="Configurations of the selected CI for each reference."
    )
    gradient_tolerance: float = Field(
        default=1e-4, gt=0, description="Largest derivative at convergence (hartree per radian)."
    )
    spin_penalty: float = Field(
        default=0.05, ge=0, description="Weight of <S^2> - s(s+1), or of its square (hartree)."
    )
    screening: ScreeningTable | None = Field(
        default=ScreeningTable(), description="What is left out; by default what changes the irrep."
    )


class SSVQETable(CircuitStatesTable):
    """One circuit for several states; the Hamiltonian is diagonalised in their span."""

    name: Literal["SSVQE"] = Field(description="Which solver.")
    weights: list[float] | None = Field(
        default=None, description="Weights of the references; by default equal."
    )
    n_surplus: int = Field(
        default=2, ge=0, description="Further references with which the result is checked."
    )
    exact_search: bool = Field(
        default=False,
        description="Search the angles by exact simulation, and measure the result alone on "
        "[backend].",
    )


class VQDTable(CircuitStatesTable):
    """State after state, each kept off those below it."""

    name: Literal["VQD"] = Field(description="Which solver.")
    deflation: float | None = Field(
        default=None, gt=0, description="Weight of overlaps (hartree); by default the range of H."
    )


class FromGroundTable(SelectedTable):
    """Excitations out of a ground state that a circuit has made."""

    manifold: Literal["S", "SD", "SDT", "all"] = Field(
        default="SD", description="Excitations: singles, doubles, triples, or all."
    )
    ground: Annotated[VQETable | ADAPTVQETable, Field(discriminator="name")] = Field(
        default=VQETable(name="VQE"), description="What finds the ground state."
    )


class EOMTable(FromGroundTable):
    """The equation of motion."""

    name: Literal["EOM"] = Field(description="Which solver.")
    method: Literal["q-sc-EOM", "qEOM"] = Field(
        default="q-sc-EOM", description="Excitations inside the circuit, or linear response."
    )


class QSETable(FromGroundTable):
    """Quantum subspace expansion."""

    name: Literal["QSE"] = Field(description="Which solver.")
    threshold: float = Field(
        default=1e-8,
        ge=0,
        lt=1,
        description="Overlaps dropped, relative to the largest.",
    )


class KrylovTable(SelectedTable):
    """References evolved in real time."""

    name: Literal["Krylov"] = Field(description="Which solver.")
    n_steps: int = Field(default=5, ge=1, description="Steps in each direction of time.")
    time_step: float | None = Field(
        default=None, gt=0, description="Step (1/hartree); by default pi over the range of H."
    )
    threshold: float = Field(
        default=1e-8,
        ge=0,
        lt=1,
        description="Overlaps dropped, relative to the largest.",
    )
    n_configurations: int = Field(
        default=5, ge=1, description="Configurations of the selected CI for each reference."
    )
    n_surplus: int = Field(default=2, ge=0, description="References beyond the number of states.")


class RBMTable(StatesTable):
    """Boltzmann machines: a network for the amplitudes."""

    name: Literal["RBM"] = Field(description="Which solver.")
    n_hidden: int | None = Field(
        default=None, ge=1, description="Hidden units; by default as many as qubits."
    )
    sign_node: Literal["none", "tanh", "complex_tanh"] = Field(
        default="complex_tanh", description="What gives signs or phases."
    )
    n_starts: int = Field(default=6, ge=1, description="Random points that searches begin at.")
    gradient_tolerance: float = Field(
        default=1e-6, gt=0, description="Largest derivative at convergence (half spectral width)."
    )
    max_iterations: int = Field(default=500, ge=1, description="Most steps of each search.")
    sampler: Literal["metropolis", "gibbs_circuit"] | None = Field(
        default=None,
        description="What draws configurations; by default all are enumerated. The Gibbs circuit "
        "runs on [backend].",
    )
    exact_search: bool = Field(
        default=False, description="Search by enumeration, and draw for the result alone."
    )
    mapping: Literal["jordan_wigner", "parity", "bravyi_kitaev"] = Field(
        default="jordan_wigner", description="How spin orbitals stand on qubits."
    )
    reduced: bool = Field(
        default=False, description="Whether parities of alpha and beta electrons take no qubits."
    )
    tapered: bool = Field(
        default=True, description="Whether no parity that the molecule keeps takes a qubit."
    )


SolverTable = Annotated[
    VQETable
    | ADAPTVQETable
    | ExactTable
    | SSVQETable
    | VQDTable
    | EOMTable
    | QSETable
    | KrylovTable
    | RBMTable,
    Field(discriminator="name"),
]
"""The table ``[solver]``, by its ``name``."""

TEMPLATE_KEYS: Final[Mapping[str, str]] = {
    "VQE": "ansatz",
    "ADAPTVQE": "pool",
    "SSVQE": "ansatz",
    "VQD": "ansatz",
}
"""Which key of a solver names a template."""
