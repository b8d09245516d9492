"""From the table ``[solver]`` to a solver. Heavy imports wait until it is used."""

from __future__ import annotations

import atexit
from functools import cache, partial
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from qmlmat.cli.solvers import (
    ADAPTVQETable,
    CircuitStatesTable,
    CircuitTable,
    EOMTable,
    ExactTable,
    FromGroundTable,
    KrylovTable,
    OptimizerTable,
    RBMTable,
    ScreeningTable,
    SelectedTable,
    SSVQETable,
    VQDTable,
    VQETable,
)
from qmlmat.cli.table import Table
from qmlmat.errors import ConfigError, nearest

if TYPE_CHECKING:
    from qmlmat.ansatz import Ansatz
    from qmlmat.solvers import ADAPTVQE, RBM, VQE, ModelSolver, Screening, Solver


def build_solver(table: Table) -> Solver | ModelSolver:
    """Return the solver of a checked table.

    Raises:
        ConfigError: If a setting cannot be used.
        TemplateError: If a template or one of its options is unknown or broken.
        InputError: If the solver refuses a setting.
    """
    if isinstance(table, VQETable) and table.n_states != 1:
        raise ConfigError(
            f"[solver] n_states = {table.n_states}: VQE finds the ground state. Use n_states = 1, "
            'or name = "SSVQE" for several states.'
        )
    solver: Solver | ModelSolver
    if isinstance(table, RBMTable):
        solver = _machine(table)
    else:
        solver = _states_solver(table) if isinstance(table, SelectedTable) else _ground(table)
    # reads the template: an unknown one, or an unknown option, is refused before anything is made
    solver.inputs()
    return solver


def _states_solver(table: SelectedTable) -> Solver:
    from qmlmat import solvers  # noqa: PLC0415

    selected: dict[str, Any] = {"multiplicity": table.multiplicity, "irrep": table.irrep}
    if isinstance(table, ExactTable):
        return solvers.Exact(**selected)
    if isinstance(table, KrylovTable):
        names = {"n_steps", "time_step", "threshold", "n_configurations", "n_surplus"}
        return solvers.Krylov(**table.model_dump(include=names), **selected)
    if isinstance(table, FromGroundTable):
        shared = {"ground": _ground(table.ground), "manifold": table.manifold, **selected}
        if isinstance(table, EOMTable):
            return solvers.EOM(table.method, **shared)
        return solvers.QSE(**shared, **table.model_dump(include={"threshold"}))
    if isinstance(table, CircuitStatesTable):
        return _circuit_states(table, selected)
    return _ground(table)


def _machine(table: RBMTable) -> RBM:
    from qmlmat.solvers import RBM, GibbsCircuit, Metropolis  # noqa: PLC0415

    kinds = {None: None, "metropolis": Metropolis, "gibbs_circuit": GibbsCircuit}
    kind = kinds[table.sampler]
    settings = table.model_dump(exclude={"name", "n_states", "seed", "sampler"})
    return RBM(**settings, sampler=None if kind is None else kind())


def _circuit_states(table: CircuitStatesTable, selected: dict[str, Any]) -> Solver:
    from qmlmat import solvers  # noqa: PLC0415

    ansatz = _tied(table.ansatz, table.options)
    shared = {
        **_search(table),
        **selected,
        **table.model_dump(include={"layers", "n_configurations", "gradient_tolerance"}),
    }
    if isinstance(table, SSVQETable):
        weights = None if table.weights is None else tuple(table.weights)
        return solvers.SSVQE(
            ansatz,
            weights=weights,
            n_surplus=table.n_surplus,
            exact_search=table.exact_search,
            **shared,
        )
    assert isinstance(table, VQDTable)
    return solvers.VQD(ansatz, deflation=table.deflation, **shared)


def _ground(table: Table) -> VQE | ADAPTVQE:
    """Return a solver of ground states, or of several by a growing circuit."""
    from qmlmat.ansatz import Ansatz  # noqa: PLC0415
    from qmlmat.solvers import ADAPTVQE, VQE  # noqa: PLC0415

    if isinstance(table, VQETable):
        return VQE(
            Ansatz(_template(table.ansatz), **table.options),
            initial=table.initial,
            n_starts=table.n_starts,
            gradient_tolerance=table.gradient_tolerance,
            exact_search=table.exact_search,
            **_search(table),
        )
    assert isinstance(table, ADAPTVQETable)
    return ADAPTVQE(
        _tied(table.pool, table.options),
        gradient_tolerance=table.gradient_tolerance,
        operators_per_step=table.operators_per_step,
        max_operators=table.max_operators,
        multiplicity=table.multiplicity,
        irrep=table.irrep,
        **_search(table),
    )


def _search(table: CircuitTable) -> dict[str, Any]:
    """Return the settings that all searches of angles have."""
    return {
        "optimizer": _optimizer(table.optimizer),
        "max_iterations": table.max_iterations,
        "spin_penalty": table.spin_penalty,
        "screening": _screening(table.screening),
    }


def _tied(template: str, options: dict[str, bool | int | str] | None) -> Ansatz:
    """Return an ansatz; generalised singles and doubles are spin-tied unless options are given."""
    from qmlmat.ansatz import Ansatz  # noqa: PLC0415

    if options is None:
        options = {"spin_tied": True} if template == "uccgsd" else {}
    return Ansatz(_template(template), **options)


def _screening(table: ScreeningTable | None) -> Screening | None:
    from qmlmat.solvers import Screening  # noqa: PLC0415

    return None if table is None else Screening(**table.model_dump())


@cache
def _template(ansatz: str) -> str:
    """Return a template's name or path; the text of one is put in a file until the process ends."""
    if "\n" not in ansatz:
        return ansatz
    folder = TemporaryDirectory(prefix="qmlmat-")
    atexit.register(folder.cleanup)
    file = FilePath(folder.name, "template.toml")
    file.write_text(ansatz, encoding="utf-8")
    return str(file)


def _optimizer(table: OptimizerTable) -> Any:  # noqa: ANN401 - an optimiser class or a partial
    import torch  # noqa: PLC0415

    from qmlmat import solvers  # noqa: PLC0415
    from qmlmat.solvers.optimize import make_optimizer  # noqa: PLC0415

    base = torch.optim.Optimizer
    known: dict[str, Any] = {
        name: kind
        for module in (torch.optim, solvers)
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, base) and kind is not base
    }
    if table.name not in known:
        raise ConfigError(
            f'[solver.optimizer] name = "{table.name}": not an optimiser of torch.optim or qmlmat. '
            f"{nearest(table.name, known)}"
        )
    kind, settings = known[table.name], table.settings()
    chosen = partial(kind, **settings) if settings else kind
    probe = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    probe.grad = torch.ones_like(probe)
    landscape = solvers.Landscape(metric=lambda params: torch.eye(len(params)))
    try:  # e.g. SparseAdam takes no dense gradient, Muon no vector
        make_optimizer(chosen, probe, landscape).step(lambda: float(probe.detach().sin()))
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f'[solver.optimizer] name = "{table.name}": it cannot be used with these settings '
            f"({error}). Use LBFGS or Adam."
        ) from error
    return chosen
