"""Small scans over k, and a solver of matrices that tells which chain of parents led to it."""

import functools
import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import ClassVar

import numpy as np

import qmlmat as qm
from qmlmat.solvers import Solution
from qmlmat.surfaces import PointResult, Scan

MOS2 = qm.monolayer("MoS2", model="tnn", soc=True)
PATH = qm.k_path(MOS2, n_points=10)


@dataclass(frozen=True)
class Chain:
    """Exact energies, raised by a micro-eV for every point between this one and the root.

    Each evaluation is a line of the log; a file named ``log.kill`` makes the next one end its
    process.
    """

    log: str = os.devnull
    takes_models: ClassVar[bool] = True

    def inputs(self):
        return {"solver": "chain"}

    def eigenpairs(self, hamiltonian, *, n_states, guess, backend, seed):  # noqa: ARG002 - the protocol's
        flag = FilePath(f"{self.log}.kill")
        if flag.exists():
            flag.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        with FilePath(self.log).open("a", encoding="utf-8") as stream:
            stream.write(f"{hamiltonian.k} {hamiltonian.spin}\n")
        depth = 0.0 if guess is None else guess.params[0] + 1
        return Solution(
            energies=hamiltonian.levels[:n_states] + 1e-6 * depth,
            unit="eV",
            status="converged",
            params=np.array([depth]),
        )

    def seen(self):
        """Lines of the log, in the order of evaluation."""
        file = FilePath(self.log)
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def chained(log=os.devnull):
    """The bands of MoS2 with spin-orbit coupling by ``Chain``."""
    return qm.BandSurface(MOS2, Chain(str(log)))


@functools.cache
def bands_of(material: str, *, soc: bool = False, n_points: int = 31) -> Scan:
    """The exact bands of a material along its own path."""
    sheets = {"graphene": qm.graphene, "h-BN": qm.hexagonal_boron_nitride}
    made = sheets.get(material)
    model = made() if made else qm.monolayer(material, model="tnn", soc=soc)
    return qm.scan(qm.BandSurface(model, qm.Exact()), qm.k_path(model, n_points=n_points))


def troubled(scan: Scan) -> Scan:
    """A scan as of another solver: a point that did not converge, one that failed, one to come."""
    surface = {**scan.inputs["surface"], "solver": {"solver": "chain"}}
    results = [replace(r, energies=r.energies + 2e-5 * (1 + np.arange(3))) for r in scan.results]
    results[3] = replace(results[3], status="iteration_limit")
    results[5] = PointResult(energies=np.array([np.nan]), status="failed: no luck")
    results[7] = None
    inputs = {**scan.inputs, "surface": surface}
    return replace(scan, results=tuple(results), inputs=inputs, n_steps_left=1)
