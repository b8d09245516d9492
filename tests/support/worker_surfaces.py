"""Surfaces that worker processes can import: toys that tell what happened to them."""

import os
import signal
import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

import numpy as np

from qmlmat.errors import MeanFieldError, QmlmatWarning
from qmlmat.solvers import Solution
from qmlmat.surfaces import Axis, Geometry, Path, PointResult, SolverSurface
from qmlmat.surfaces.paths.tree import grid_tree

LENGTHS = (0.7, 0.8, 0.9, 1.1)
HEIGHTS = (0.0, 0.3, 0.6)


def toy_grid(lengths=LENGTHS, heights=HEIGHTS, *, root=4):
    """A grid of H2 geometries: H at (0, height, length), for toys that need no chemistry."""
    places = [(x, y) for x in lengths for y in heights]
    return Path(
        points=tuple(Geometry(("H", "H"), [[0, 0, 0], [0, y, x]]) for x, y in places),
        coordinates=np.array(places),
        axes=(Axis("length"), Axis("height")),
        shape=(len(lengths), len(heights)),
        root=root,
        parents=grid_tree((len(lengths), len(heights)), root),
    )


def place(point):
    """The coordinates on the toy grid."""
    return float(point.positions[1, 2]), float(point.positions[1, 1])


def answer(energy, **more):
    """A converged result with a solution, as a child needs one."""
    energies = np.array([float(energy)])
    solution = Solution(energies=energies, unit="hartree", status="converged")
    return PointResult(energies=energies, solution=solution, **more)


@dataclass(frozen=True)
class Chain:
    """Energies that tell which chain of parents led to them; each evaluation is one line of a log.

    What happens at some places (``length, height``) can be told: a kill, once or always, or an
    error; and how long each point takes.
    """

    log: str
    kills_once: tuple = ()
    kills: tuple = ()
    errors: tuple = ()
    pause: float = 0.0

    def inputs(self):
        return {"function": "chain"}

    def evaluate(self, point, *, guess=None):
        here = place(point)
        with FilePath(self.log).open("a", encoding="utf-8") as stream:
            stream.write(f"{here} {os.getpid()}\n")
        flag = FilePath(f"{self.log}.{here}")
        if here in self.kills or (here in self.kills_once and not flag.exists()):
            flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self.pause)
        for where, error in self.errors:
            if here == where:
                raise error
        own = 0.0 if guess is None else guess.energies[0]
        return answer(own / 3 + here[0] + 2 * here[1], reference=here[0])

    def seen(self):
        """The places evaluated so far, with repetitions."""
        file = FilePath(self.log)
        if not file.exists():
            return []
        return [line.rpartition(" ")[0] for line in file.read_text(encoding="utf-8").splitlines()]

    def pids(self):
        """The processes that evaluated."""
        lines = FilePath(self.log).read_text(encoding="utf-8").splitlines()
        return {int(line.rpartition(" ")[2]) for line in lines}


@dataclass(frozen=True)
class Branches:
    """Two branches that cross at a length of 1: each solution stays on its parent's.

    The first, at -1, ends at 1.75; the second falls with the length and begins at 0.75.
    """

    log: str = os.devnull

    def inputs(self):
        return {"function": "branches"}

    def evaluate(self, point, *, guess=None):
        x, y = place(point)
        with FilePath(self.log).open("a", encoding="utf-8") as stream:
            stream.write(f"{x} {y}\n")
        second = x > 1.75 or (guess is not None and guess.solution.params[0] == 2 and x > 0.75)
        energy = y * y - (x if second else 1.0)
        energies = np.array([energy])
        solution = Solution(
            energies=energies,
            unit="hartree",
            status="converged",
            params=np.array([2.0 if second else 1.0]),
        )
        return PointResult(energies=energies, solution=solution)


@dataclass(frozen=True)
class Threads:
    """Tells in its columns how many threads the libraries of its process have."""

    def inputs(self):
        return {"function": "threads"}

    def evaluate(self, point, *, guess=None):  # noqa: ARG002 - the protocol's
        import numba
        import torch
        from pyscf import lib

        from qmlmat.operators.parallel import get_num_threads

        columns = {
            "of_torch": torch.get_num_threads(),
            "of_pyscf": lib.num_threads(),
            "of_numba": numba.config.NUMBA_NUM_THREADS,
            "of_kernels": get_num_threads(),
            "of_blas": int(os.environ["OPENBLAS_NUM_THREADS"]),
            "in_process": os.getpid(),
        }
        return answer(1.0, columns=columns)


@dataclass(frozen=True)
class Unsendable:
    """Finds something that no other process can be sent."""

    def inputs(self):
        return {"function": "unsendable"}

    def evaluate(self, point, *, guess=None):  # noqa: ARG002 - the protocol's
        return answer(1.0, columns={"what_it_is": lambda: 1.0})


@dataclass(frozen=True)
class Talkative:
    """Warns at each point, of something its notes say and of something they do not."""

    def inputs(self):
        return {"function": "talkative"}

    def evaluate(self, point, *, guess=None):  # noqa: ARG002 - the protocol's
        x, _ = place(point)
        warnings.warn("known to the notes", QmlmatWarning, stacklevel=1)
        warnings.warn(f"only\nsaid at {x}", QmlmatWarning, stacklevel=1)
        return replace(answer(x), notes=("known to the notes",))


@dataclass(frozen=True)
class Logged:
    """Another surface whose evaluations are lines of a log, once they have ended."""

    surface: SolverSurface
    log: str
    pause: float = 0.0

    def inputs(self):
        return self.surface.inputs()

    def evaluate(self, point, *, guess=None):
        time.sleep(self.pause)
        result = self.surface.evaluate(point, guess=guess)
        with FilePath(self.log).open("a", encoding="utf-8") as stream:
            stream.write(f"{point.positions.tolist()}\n")
        return result


WATER_LENGTHS = (0.85, 0.95, 1.1, 1.4, 1.8)
WATER_ANGLES = (90.0, 98.0, 104.5, 112.0, 120.0)


def water(length, angle):
    """Positions of a symmetric water molecule (Å, degrees)."""
    half = np.deg2rad(angle) / 2
    x, z = length * np.sin(half), length * np.cos(half)
    return np.array([[0, 0, 0], [x, 0, z], [-x, 0, z]]).round(10)


def water_grid():
    """Both bonds stretched and the angle bent, 5 x 5 points; the root is nearest equilibrium."""
    places = [(r, a) for r in WATER_LENGTHS for a in WATER_ANGLES]
    return Path(
        points=tuple(Geometry(("O", "H", "H"), water(r, a)) for r, a in places),
        coordinates=np.array(places),
        axes=(Axis("r(O-H)"), Axis("angle", "degree")),
        shape=(5, 5),
        root=7,
        parents=grid_tree((5, 5), 7),
    )


NO_FIELD = MeanFieldError("no field")
