"""The water surface that users scan: the task, and TenCirChem-NG's and qmlmat's way to do it.

Both symmetric and asymmetric stretches: all pairs of bond lengths, at a fixed angle, STO-3G with a
frozen core, `uccsd` optimised at every point, with the exact energy beside it. What counts is the
whole: mean field, integrals, circuit, optimisation.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

SHORTEST, LONGEST, SIDE = 0.8, 1.6, 10
"""Bond lengths (Å) and points along each side."""
ANGLE = 104.5
"""Bond angle (degrees)."""
ROOT = 0.9572
"""Bond length at the root (Å): the point nearest to it is computed first."""


def bond_lengths() -> np.ndarray:
    """Return the lengths along each side (Å)."""
    return np.linspace(SHORTEST, LONGEST, SIDE)


def qmlmat_grid(_: Mapping[str, Any]) -> dict[str, Any]:
    """Scan the grid as a user does: each point starts from its neighbour."""
    import qmlmat as qm  # noqa: PLC0415 (not there in the peers' environments)

    bent = f"O\nH 1 {ROOT}\nH 1 {ROOT} 2 {ANGLE}"
    water = qm.Molecule.from_zmatrix(bent)
    lengths = bond_lengths()
    start, cpu = time.perf_counter(), time.process_time()
    axes = [(qm.Distance(0, 1), lengths), (qm.Distance(0, 2), lengths)]
    surface = qm.SolverSurface(water, qm.ActiveSpace(freeze_core=True), qm.VQE("uccsd"))
    found = qm.scan(surface, qm.grid(water, axes))
    return _facts(start, cpu, found.energies[:, 0], found.references, found.is_converged)


def tencirchem_grid(_: Mapping[str, Any]) -> dict[str, Any]:
    """Loop over the grid with its `UCCSD(...).kernel()`, defaults throughout."""
    from tencirchem import UCCSD, M  # noqa: PLC0415

    along, up = np.cos(np.deg2rad(ANGLE)), np.sin(np.deg2rad(ANGLE))
    start, cpu = time.perf_counter(), time.process_time()
    energies, exact, converged = [], [], True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for first in bond_lengths():
            for second in bond_lengths():
                atoms = [
                    ["O", 0, 0, 0],
                    ["H", first, 0, 0],
                    ["H", second * along, second * up, 0],
                ]
                method = UCCSD(M(atom=atoms, basis="sto-3g"), active_space=(8, 6))
                energies.append(method.kernel())
                exact.append(method.e_fci)
                converged &= bool(method.opt_res.success)
    return _facts(start, cpu, energies, exact, converged)


def _facts(start: float, cpu: float, energies: Any, exact: Any, converged: bool) -> dict[str, Any]:  # noqa: ANN401
    seconds, busy = time.perf_counter() - start, time.process_time() - cpu
    found, reference = (np.asarray(values, dtype=np.float64) for values in (energies, exact))
    return {
        "seconds": seconds,
        "cpu": busy,
        "points": int(found.size),
        "largest_error": float(np.abs(found - reference).max()),
        "exact_sum": float(reference.sum()),
        "converged": bool(converged),
    }
