"""Water from a scan to molecular dynamics: ``python -m benchmarks.learning.water_dynamics``.

Full CI energies and forces (frozen core, STO-3G) near the minimum; a quantum network of four qubits
learns them; its harmonic wavenumbers stand beside the solver's own, by the same displacements. Then
5 ps without a thermostat: does the energy drift, and where are the peaks of the velocities' power
spectrum? For three seeds, of the split and of the network's start, and their median. About three
minutes on two cores that have nothing else to do.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase import Atoms, units
from ase.md.velocitydistribution import Stationary, ZeroRotation, thermalize_momenta
from ase.md.verlet import VelocityVerlet
from ase.optimize import BFGS
from ase.vibrations import Vibrations

import qmlmat as qm
from benchmarks.learning.data import FOLDER
from qmlmat.ansatz.encoding import Encoding
from qmlmat.potentials.base import Loss
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import Distances, Symmetrised
from qmlmat.potentials.networks.quantum import QuantumNetwork
from qmlmat.potentials.regression import NetworkPotential
from qmlmat.potentials.training import Training, errors_of, fit

WATER = qm.Molecule.from_zmatrix("O\nH 1 1.03\nH 1 1.03 2 97")
"""Near the minimum of full CI in STO-3G, which has longer bonds than nature."""
CEILING = 0.0168
"""Energy above the lowest point drawn up to which points are kept (hartree): the range of the
data of the symmetry-invariant circuits, arXiv:2311.11362, as their demonstration has them."""
TRAINING = Training(n_adam=300, n_lbfgs=1000, loss=Loss(force_weight=1.0), validation_fraction=0.0)
"""All of the chosen points train; the others test."""
STEP = 0.25
"""Step of the dynamics (fs): a 16th or less of the fastest vibration would do for the energy; the
peaks then lie within 10 cm-1 of their places, which are corrected for."""
PERIOD = 1e15 / (100.0 * 299792458.0)
"""One over 1 cm-1 over c (fs)."""


def solver_surface() -> qm.SolverSurface:
    """Return the surface that is learnt."""
    return qm.SolverSurface(WATER, qm.ActiveSpace(freeze_core=True), qm.Exact(), forces=True)


def near_box(n_points: int = 230, *, seed: int = 0, folder: Path = FOLDER) -> SurfaceData:
    """Return energies and forces at random geometries near the minimum, below the ceiling.

    Args:
        n_points: Geometries drawn: bonds from N(1.03, 0.05) Å, the angle from N(97, 7) degrees.
        seed: Seed of the draw.
        folder: Where the scan is kept.
    """
    rng = np.random.default_rng(seed)
    points = []
    for _ in range(n_points):
        first, second = rng.normal(1.03, 0.05, 2)
        angle = np.deg2rad(rng.normal(97, 7))
        rows = [[0, 0, 0], [first, 0, 0], [second * np.cos(angle), second * np.sin(angle), 0]]
        points.append(qm.Geometry(WATER.symbols, np.array(rows)))
    folder.mkdir(parents=True, exist_ok=True)
    scan = qm.scan(solver_surface(), qm.frames(points), store=folder / f"water_near_{n_points}.db")
    data = SurfaceData.from_scan(scan)
    return data.subset(data.energies[:, 0] < data.energies[:, 0].min() + CEILING)


def quantum_model(seed: int) -> NetworkPotential:
    """Return an untrained network: 4 qubits, 4 layers, 105 weights."""
    descriptor = Symmetrised(Distances(WATER.symbols))
    encoded = Encoding("reupload_dense", layers=4).circuit(4, descriptor.n_features)
    return NetworkPotential(descriptor, QuantumNetwork(encoded, seed=seed))


def vibrations(surface: Any) -> tuple[Atoms, np.ndarray]:  # noqa: ANN401 - any surface
    """Return the minimum and the three harmonic wavenumbers there (1/cm)."""
    atoms = Atoms(WATER.symbols, WATER.positions, calculator=qm.SurfaceCalculator(surface))
    BFGS(atoms, logfile=None).run(fmax=1e-4, steps=100)
    with tempfile.TemporaryDirectory() as folder:
        found = Vibrations(atoms, name=str(Path(folder, "vib")), delta=0.005)
        found.run()
        return atoms, np.sort(found.get_frequencies().real)[-3:]


@dataclass(frozen=True, kw_only=True)
class Dynamics:
    """What a run without a thermostat was like."""

    temperature: float
    """Mean temperature of the three vibrations (K)."""
    drift: float
    """Line through the total energy, its end less its beginning (eV per atom)."""
    fluctuation: float
    """Standard deviation of the total energy (eV per atom)."""
    steps_per_second: float
    """By the wall clock."""
    velocities: np.ndarray
    """Shape ``(n_steps, n_atoms, 3)`` (ASE's unit)."""


def dynamics(atoms: Atoms, temperature: float, n_steps: int, *, seed: int) -> Dynamics:
    """Return a run at constant energy from the minimum, without translation and rotation.

    Args:
        atoms: The minimum, with its calculator.
        temperature: The kinetic energy of the beginning is twice this temperature's: half of it
            goes into the potential energy (K).
        n_steps: Steps.
        seed: Seed of the velocities.
    """
    thermalize_momenta(atoms, 2 * temperature, rng=np.random.default_rng(seed))
    Stationary(atoms)
    ZeroRotation(atoms)
    kinetic = 3 / 2 * units.kB * 2 * temperature
    atoms.set_momenta(atoms.get_momenta() * np.sqrt(kinetic / atoms.get_kinetic_energy()))
    rows: list[tuple[float, float]] = []
    velocities: list[np.ndarray] = []
    run = VelocityVerlet(atoms, STEP * units.fs)

    def note() -> None:
        rows.append((atoms.get_total_energy(), atoms.get_kinetic_energy()))
        velocities.append(atoms.get_velocities())

    run.attach(note)
    start = time.perf_counter()
    run.run(n_steps)
    taken = time.perf_counter() - start
    total, moving = np.array(rows).T
    slope = np.polyfit(np.arange(len(total)), total, 1)[0]
    return Dynamics(
        temperature=float(moving.mean() / (3 / 2 * units.kB)),
        drift=float(slope * (len(total) - 1) / len(atoms)),
        fluctuation=float(total.std() / len(atoms)),
        steps_per_second=n_steps / taken,
        velocities=np.array(velocities),
    )


def power_spectrum(velocities: np.ndarray, masses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return wavenumbers (1/cm) and the mass-weighted power of the velocities there.

    Velocity Verlet runs a vibration too fast, by a known amount: ``sin(w' dt / 2) = w dt / 2``.
    Wavenumbers are what they were without.
    """
    window = np.hanning(len(velocities))[:, None, None]
    size = 16 * len(velocities)  # finer steps between the same peaks
    amplitudes = np.fft.rfft(velocities * window, n=size, axis=0)
    power = (np.abs(amplitudes) ** 2 * masses[:, None]).sum(axis=(1, 2))
    turned = np.pi * np.fft.rfftfreq(size)  # w' dt / 2
    return np.sin(turned) / (np.pi * STEP) * PERIOD, power


def peaks(wavenumbers: np.ndarray, power: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Return the highest power within 120 cm-1 of each of some wavenumbers (1/cm)."""
    found = []
    for centre in near:
        inside = np.flatnonzero(np.abs(wavenumbers - centre) < 120.0)
        found.append(wavenumbers[inside[power[inside].argmax()]])
    return np.array(found)


def one_seed(data: SurfaceData, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return what a model of one seed gives, as plain numbers."""
    train, test = data.split(options.n_train, seed=seed)
    start = time.process_time()
    found = fit(quantum_model(seed), train, training=TRAINING, seed=seed)
    taken = time.process_time() - start
    errors = errors_of(found.model, test)
    atoms, harmonic = vibrations(found.model)
    run = dynamics(atoms, options.temperature, round(1e3 * options.picoseconds / STEP), seed=seed)
    tops = peaks(*power_spectrum(run.velocities, atoms.get_masses()), harmonic)
    known = {name: value for name, value in asdict(run).items() if name != "velocities"}
    return {
        "seed": seed,
        "weights": found.model.n_weights,
        "rmse": errors.rmse_cm1,
        "force_rmse": 1e3 * (errors.force_rmse or 0.0),
        "training": taken,
        "harmonic": harmonic.tolist(),
        "peaks": tops.tolist(),
        **known,
    }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--n-train", type=int, default=150)
    parser.add_argument("--temperature", type=float, default=300.0, help="K")
    parser.add_argument("--picoseconds", type=float, default=5.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = near_box()
    _, exact = vibrations(solver_surface())
    print(f"{len(data)} points; full CI's own: {np.round(exact, 1)} cm-1", flush=True)
    rows = []
    for seed in range(options.seeds):
        row = one_seed(data, seed, options)
        rows.append(row)
        wrong = np.array(row["harmonic"]) - exact
        print(
            f"seed {seed}: test RMSE {row['rmse']:.2f} cm-1, forces {row['force_rmse']:.3f} mHa/Å; "
            f"harmonic {np.round(wrong, 1)} cm-1 from full CI; peaks {np.round(row['peaks'], 1)}; "
            f"{row['temperature']:.0f} K, drift {row['drift']:.1e} and fluctuation "
            f"{row['fluctuation']:.1e} eV per atom; {row['steps_per_second']:.0f} steps/s; "
            f"training {row['training']:.0f} s",
            flush=True,
        )
    wrong = np.abs(np.array([row["harmonic"] for row in rows]) - exact)
    drift = np.abs([row["drift"] for row in rows])
    print(
        f"median: RMSE {np.median([row['rmse'] for row in rows]):.2f} cm-1, harmonic "
        f"{np.round(np.median(wrong, axis=0), 1)} cm-1, largest {wrong.max():.1f} (aim 10); drift "
        f"{np.median(drift):.1e}, largest {drift.max():.1e} eV per atom (aim 1e-4)"
    )
    if options.json is not None:
        options.json.write_text(json.dumps({"exact": exact.tolist(), "seeds": rows}, indent=1))


if __name__ == "__main__":
    main()
