"""A growing circuit kept in a file: written after each step, gone on from after an interruption."""

from __future__ import annotations

import json
import math
import os
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, runtime_checkable

import numpy as np

from qmlmat.backends import Backend
from qmlmat.errors import InputError, StoreError, StoreMismatchError
from qmlmat.provenance import differences
from qmlmat.solvers.base import Solution, Solver
from qmlmat.systems import MolecularHamiltonian
from qmlmat.typing import FloatArray

FORMAT: Final = 1
"""Version of the file's layout."""

DIGITS: Final = 7
"""Decimals of the energies (hartree) by which a file knows its Hamiltonian: mean fields of two
runs agree better than that."""


@runtime_checkable
class SteppedSolver(Solver, Protocol):
    """A solver that hands out its solution after each step."""

    limits: ClassVar[tuple[str, ...]]
    """Settings that say when to stop: a file is gone on from with others, too."""

    def steps(
        self,
        hamiltonian: MolecularHamiltonian,
        *,
        guess: Solution | None,
        backend: Backend,
        seed: int | None,
    ) -> Iterator[Solution]:
        """Yield the solution after each step, the final one last."""
        ...


def solve_with_checkpoint(  # noqa: PLR0913 (what the verb was given)
    hamiltonian: MolecularHamiltonian,
    solver: Solver,
    file: str | os.PathLike[str],
    *,
    n_states: int,
    guess: Solution | None,
    backend: Backend,
    seed: int | None,
) -> Solution:
    """Return what a solver's last step gives, each step being written to a file.

    Args:
        hamiltonian: The Hamiltonian.
        solver: A solver with ``steps``.
        file: Where; what it holds already is gone on from.
        n_states: Must be 1: circuits grow for the ground state.
        guess: The start, where there is no file yet.
        backend: Where circuits run.
        seed: Seed of everything random.

    Raises:
        InputError: If the solver has no steps, or more than one state is asked for.
        StoreMismatchError: If the file is of another Hamiltonian or solver.
        StoreError: If the file cannot be read or written.
    """
    if not isinstance(solver, SteppedSolver):
        raise InputError(
            f"solve({type(solver).__name__}, checkpoint=...): this solver has no steps to keep. "
            "Leave the checkpoint out, or use ADAPTVQE."
        )
    if n_states != 1:
        raise InputError(
            f"solve(n_states={n_states}, checkpoint=...): a checkpoint keeps a circuit that grows "
            "for one state. Use n_states=1, or no checkpoint."
        )
    path = Path(file).expanduser().resolve()  # a link stays a link
    inputs = _inputs(hamiltonian, solver, seed)
    kept = _load(path, inputs)
    found = None
    for step in solver.steps(hamiltonian, guess=kept or guess, backend=backend, seed=seed):
        found = step if kept is None else _continued(kept, step)
        _write(path, inputs, found)
    assert found is not None
    return found


def _inputs(
    hamiltonian: MolecularHamiltonian, solver: SteppedSolver, seed: int | None
) -> dict[str, Any]:
    """Return what a file must agree in."""
    settings = {k: v for k, v in solver.inputs().items() if k not in solver.limits}
    return {
        "hamiltonian": {
            "norb": hamiltonian.norb,
            "nelec": list(hamiltonian.nelec),
            "core_energy": round(hamiltonian.core_energy, DIGITS),
            "mean_field_energy": round(hamiltonian.mean_field_energy, DIGITS),
            # Of all orbitals, occupied or not; rotations among degenerate ones leave them alone.
            "one_body_norm": round(float(np.linalg.norm(hamiltonian.one_body)), DIGITS),
            "two_body_norm": round(float(np.linalg.norm(hamiltonian.two_body)), DIGITS),
        },
        "solver": settings,
        "seed": seed,
    }


def _load(path: Path, inputs: Mapping[str, Any]) -> Solution | None:
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        stored, solution = tree["inputs"], Solution.from_dict(tree["solution"])
        if tree["inverse_hessian"] is not None:
            solution = replace(solution, inverse_hessian=_matrix(tree["inverse_hessian"]))
        if tree["qmlmat_checkpoint"] != FORMAT:
            raise ValueError(f"format {tree['qmlmat_checkpoint']}, this version knows {FORMAT}")
        if solution.circuit is None or solution.params is None or not solution.history:
            raise ValueError("no circuit in it")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f'checkpoint "{path}": not a checkpoint that can be read ({error}). Give another '
            "name; if it is an old checkpoint, remove the file to begin anew."
        ) from error
    found = differences(stored, json.loads(json.dumps(inputs)))
    if found:
        raise StoreMismatchError(
            f'checkpoint "{path}": it belongs to another calculation: {"; ".join(found)}. Give '
            "another name, or remove the file to begin anew."
        )
    return solution


def _text(matrix: FloatArray) -> str:
    """Return a square matrix as text that keeps every bit."""
    return b64encode(matrix.astype("<f8").tobytes()).decode("ascii")


def _matrix(text: str) -> FloatArray:
    numbers = np.frombuffer(b64decode(text, validate=True), dtype="<f8")
    size = math.isqrt(numbers.size)
    return numbers.reshape(size, size).astype(np.float64)


def _write(path: Path, inputs: Mapping[str, Any], solution: Solution) -> None:
    """Replace the file as a whole: a crash leaves the old one or the new one."""
    learnt = solution.inverse_hessian
    tree = {
        "qmlmat_checkpoint": FORMAT,
        "inputs": inputs,
        "solution": solution.to_dict(),
        # Not as numbers: they would be most of the file, and most of the time it takes.
        "inverse_hessian": None if learnt is None else _text(learnt),
    }
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        beside.write_text(json.dumps(tree), encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise StoreError(
            f'checkpoint "{path}": cannot be written ({error}). Give a name in a folder that '
            "exists and is writable."
        ) from error


def _continued(kept: Solution, step: Solution) -> Solution:
    """Return a step of a resumed run with the history of the run before.

    The first step of the new run is the last one of the old run, unless its angles moved.
    """
    last, first = kept.history[-1], step.history[0]
    is_same = (last.energy, last.n_params) == (first.energy, first.n_params)
    begin, shift = (1, 0) if is_same else (0, 1)
    later = [
        replace(
            entry,
            iteration=last.iteration + entry.iteration + shift,
            n_evaluations=last.n_evaluations + entry.n_evaluations,
        )
        for entry in step.history[begin:]
    ]
    return replace(step, history=(*kept.history, *later))
