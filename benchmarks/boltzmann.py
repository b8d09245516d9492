"""What Boltzmann machines reach: ``python -m benchmarks.boltzmann [SECTION ...] [--quick]``.

Sections: ``seeds`` (how many of a dozen single starts reach a threshold), ``curves`` (warm-started
surfaces), ``sampled`` (H2 by the Gibbs circuit, with and without noise), ``bands`` (all monolayers
beside plain diagonalisation), ``chains`` (twelve qubits by Markov chains beside exact, Hartree-Fock
and VQE). All by default. Times are of the processor, one thread.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

import qmlmat as qm

HYDROGEN = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735")
HYDRIDE = qm.Molecule.from_xyz("Li 0 0 0; H 0 0 1.595")
SIGMA = qm.ActiveSpace(indices=(1, 2, 5))
"""2 electrons in the three sigma orbitals of LiH."""
WATER_SPACE = qm.ActiveSpace(4, 4)
PARITY = {"mapping": "parity", "reduced": True, "tapered": False}
"""Two qubits for H2."""


def water(length: float = 0.9584) -> qm.Molecule:
    """Return water at an O-H length (Å), 104.45 degrees."""
    half = np.deg2rad(104.45) / 2
    y, z = length * np.sin(half), length * np.cos(half)
    return qm.Molecule.from_xyz(f"O 0 0 0; H 0 {y} {z}; H 0 {-y} {z}")


@dataclass(frozen=True)
class Case:
    """One row of the table of seeds."""

    name: str
    molecule: qm.Molecule
    space: qm.ActiveSpace | None
    solver: qm.RBM
    threshold: float


SEED_CASES = (
    Case("H2, m=2, none", HYDROGEN, None, qm.RBM(n_hidden=2, sign_node="none", **PARITY), 1e-6),
    Case("H2, m=2, tanh", HYDROGEN, None, qm.RBM(n_hidden=2, sign_node="tanh", **PARITY), 1e-6),
    Case("H2, m=2, complex", HYDROGEN, None, qm.RBM(n_hidden=2, **PARITY), 1e-6),
    Case("LiH, tanh", HYDRIDE, SIGMA, qm.RBM(sign_node="tanh"), 2e-5),
    Case("LiH, complex", HYDRIDE, SIGMA, qm.RBM(), 2e-5),
    Case("H2O, m=4, complex", water(), WATER_SPACE, qm.RBM(n_hidden=4), 2e-4),
    Case("H2O, m=8, complex", water(), WATER_SPACE, qm.RBM(n_hidden=8), 2e-4),
)


def seeds(n_seeds: int) -> Iterator[str]:
    """Yield the table of single starts: errors over seeds, and how many reach the threshold."""
    yield "| system, hidden, node | qubits | best / median / worst error (Ha) | reach | steps | s |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for case in SEED_CASES:
        hamiltonian = qm.molecular_hamiltonian(case.molecule, case.space)
        n_qubits = case.solver.space(hamiltonian).n_qubits
        one = replace(case.solver, n_starts=1)
        begin = time.process_time()
        found = [qm.solve(hamiltonian, one, seed=seed) for seed in range(n_seeds)]
        taken = time.process_time() - begin
        errors = np.array([solution.error for solution in found])
        steps = int(np.median([len(solution.history) - 1 for solution in found]))
        reach = int((errors < case.threshold).sum())
        yield (
            f"| {case.name} | {n_qubits} | {errors.min():.0e} / {np.median(errors):.0e} / "
            f"{errors.max():.0e} | {reach} of {n_seeds} below {case.threshold:.0e} | {steps} | "
            f"{taken:.1f} |"
        )


def curves(n_points: int) -> Iterator[str]:
    """Yield the largest errors of warm-started surfaces."""
    yield "| surface | points | largest error (Ha) | aim | s |"
    yield "| --- | --- | --- | --- | --- |"
    oxygen_bonds = qm.symmetric(qm.Distance(0, 1), qm.Distance(0, 2))
    for name, molecule, space, path, aim in (
        ("H2 0.5-2.5 Å", HYDROGEN, qm.ActiveSpace(), (0.5, 2.5), 1e-5),
        ("LiH (2e,3o) 1.0-3.0 Å", HYDRIDE, SIGMA, (1.0, 3.0), 2e-5),
        ("H2O (4e,4o) 0.8-1.4 Å", water(), WATER_SPACE, (0.8, 1.4), 5e-4),
    ):
        places = np.linspace(*path, n_points)
        along = (
            qm.line(molecule, oxygen_bonds, places)
            if name.startswith("H2O")
            else qm.stretch(molecule, (0, 1), places)
        )
        begin = time.process_time()
        found = qm.scan(qm.SolverSurface(molecule, space, qm.RBM()), along)
        taken = time.process_time() - begin
        worst = float(np.abs(found.errors).max())
        yield f"| {name} | {n_points} | {worst:.1e} | {aim:.0e} | {taken:.1f} |"


def sampled(n_points: int) -> Iterator[str]:
    """Yield errors and bars of the H2 curve by the Gibbs circuit at 8,192 shots."""
    solver = qm.RBM(n_hidden=2, sampler=qm.GibbsCircuit(), exact_search=True, **PARITY)
    readout = qm.Mitigation(readout=True)
    backends = {
        "noiseless": qm.StatevectorBackend(shots=8192),
        "manila": qm.QiskitBackend.on_fake("manila", n_qubits=5, shots=8192, seed=1),
        "manila, readout corrected": qm.QiskitBackend.on_fake(
            "manila", n_qubits=5, shots=8192, seed=1, mitigation=readout
        ),
    }
    yield "| backend | R (Å) | error (mHa) | bar (mHa) | bars away |"
    yield "| --- | --- | --- | --- | --- |"
    for name, backend in backends.items():
        for length in np.linspace(0.5, 2.5, n_points):
            molecule = qm.Molecule.from_xyz(f"H 0 0 0; H 0 0 {length}")
            found = qm.solve(qm.molecular_hamiltonian(molecule), solver, backend=backend, seed=7)
            assert found.error is not None
            assert found.stderr is not None
            error, bar = 1e3 * found.error, 1e3 * float(found.stderr[0])
            yield f"| {name} | {length:.2f} | {error:.3f} | {bar:.3f} | {abs(error) / bar:.1f} |"


def bands(n_corner: int) -> Iterator[str]:
    """Yield errors of three bands of every monolayer, and a whole path beside diagonalisation."""
    yield "| material, model | k-points | largest error of bands 1 / 2 / 3 (eV) | s |"
    yield "| --- | --- | --- | --- |"
    for model, functional in (("nn", "gga"), ("tnn", "gga"), ("tnn", "lda")):
        for material in ("MoS2", "WS2", "MoSe2", "WSe2", "MoTe2", "WTe2"):
            sheet = qm.monolayer(material, model=model, functional=functional)
            worst, taken, n_points = _along(sheet, 3 * n_corner + 1)
            errors = " / ".join(f"{error:.0e}" for error in worst)
            yield f"| {material}, {model} {functional} | {n_points} | {errors} | {taken:.1f} |"
    for sheet in (qm.graphene(), qm.hexagonal_boron_nitride()):
        worst, taken, n_points = _along(sheet, 3 * n_corner + 1)
        errors = " / ".join(f"{error:.0e}" for error in worst)
        yield f"| {sheet.name} | {n_points} | {errors} | {taken:.1f} |"
    if n_corner < QUICK_BELOW:
        return
    sheet = qm.monolayer("MoS2", model="tnn")
    worst, taken, n_points = _along(sheet, 91)
    largest = float(worst.max())
    path = qm.k_path(sheet, n_points=91)
    begin = time.process_time()
    sheet.bands(np.array([point.k for point in path.points]))
    plain = time.process_time() - begin
    yield (
        f"MoS2, {n_points} points: machines {taken:.1f} s, at most {largest:.0e} eV off; "
        f"diagonalisation {1e3 * plain:.1f} ms"
    )


QUICK_BELOW = 8
"""Points of a leg below which the long path is left out."""


def _along(sheet: qm.TightBindingModel, n_points: int) -> tuple[np.ndarray, float, int]:
    """Return largest errors by band, processor time and number of points along G-K-M-G."""
    begin = time.process_time()
    found = qm.scan(qm.BandSurface(sheet, qm.RBM()), qm.k_path(sheet, n_points=n_points))
    taken = time.process_time() - begin
    return np.abs(found.state_errors).max(axis=0), taken, len(found.path)


def chains(n_seeds: int) -> Iterator[str]:
    """Yield water with a frozen core, 12 qubits, by Markov chains beside others."""
    hamiltonian = qm.molecular_hamiltonian(water(), qm.ActiveSpace(freeze_core=True))
    whole = {"n_hidden": 12, "tapered": False, "n_starts": 1}
    by_chains = qm.RBM(sampler=qm.Metropolis(n_samples=10_000), **whole)
    yield "| H2O, frozen core, 12 qubits | parameters | error (mHa) | bar (mHa) | s |"
    yield "| --- | --- | --- | --- | --- |"
    exact = hamiltonian.spectrum(1).energies[0]
    yield f"| Hartree-Fock | | {1e3 * (hamiltonian.mean_field_energy - exact):.3f} | | |"
    runs: list[tuple[str, Callable[[], qm.Solution]]] = [
        *(
            (f"RBM, chains, seed {seed}", lambda s=seed: qm.solve(hamiltonian, by_chains, seed=s))
            for seed in range(n_seeds)
        ),
        ("RBM, enumerated", lambda: qm.solve(hamiltonian, qm.RBM(**whole))),
        ("VQE uccsd", lambda: qm.solve(hamiltonian, qm.VQE("uccsd"))),
        ("VQE uccgsd", lambda: qm.solve(hamiltonian, qm.VQE("uccgsd"))),
    ]
    for name, run in runs:
        begin = time.process_time()
        found = run()
        taken = time.process_time() - begin
        assert found.error is not None
        assert found.params is not None
        bar = "" if found.stderr is None else f"{1e3 * found.stderr[0]:.3f}"
        yield (f"| {name} | {found.params.size} | {1e3 * found.error:.3f} | {bar} | {taken:.1f} |")


SECTIONS: dict[str, tuple[Callable[[int], Iterator[str]], int, int]] = {
    "seeds": (seeds, 12, 2),
    "curves": (curves, 17, 3),
    "sampled": (sampled, 9, 2),
    "bands": (bands, 8, 1),
    "chains": (chains, 3, 1),
}
"""What makes a section, its size, and its size with ``--quick``."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], help="all by default")
    parser.add_argument("--quick", action="store_true", help="few seeds and points")
    asked = parser.parse_args(arguments)
    warnings.simplefilter("ignore", qm.QmlmatWarning)
    for name in asked.sections or SECTIONS:
        section, size, small = SECTIONS[name]
        for line in section(small if asked.quick else size):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()
