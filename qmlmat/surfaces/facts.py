"""What the inputs and results of a scan say, for tables, figures and exports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from qmlmat.solvers.base import LEVEL_WIDTH
from qmlmat.surfaces.continuation import Label
from qmlmat.surfaces.surface import PointResult
from qmlmat.systems.following import MATCHED
from qmlmat.typing import FloatArray

if TYPE_CHECKING:
    from qmlmat.surfaces.scan import Scan

_SPIN_LETTERS: Final = {1: "S", 2: "D", 3: "T"}
"""How photochemists call singlets, doublets and triplets: S0, T1."""

_SPIN_WORDS: Final = {4: "quartet", 5: "quintet", 6: "sextet", 7: "septet"}

_GREEK: Final = {"Sigma": "Σ", "Pi": "Π", "Delta": "Δ", "Phi": "Φ", "Gamma": "Γ"}

_SUPERSCRIPTS: Final = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")


def surface_inputs(scan: Scan) -> Mapping[str, Any]:
    """Return the surface's inputs as plain values; empty where they are not known."""
    return mapping(scan.inputs.get("surface"))


def solver_label(scan: Scan) -> str:
    """Return what the surface is called in a legend, e.g. ``"VQE uccsd"``."""
    surface = surface_inputs(scan)
    solver = mapping(surface.get("solver"))
    words = solver_words(solver) if solver else str(surface.get("function") or "surface")
    device = measured_on(scan)
    return words if device is None else f"{words} on {device}"


def measured_on(scan: Scan) -> str | None:
    """Return the target that measured a scan's points; ``None`` where they were computed."""
    target = mapping(mapping(scan.inputs.get("measured")).get("target"))
    return str(target.get("name", "a device")) if target else None


def solver_words(solver: Mapping[str, Any]) -> str:
    """Return what a solver with these inputs is called, e.g. ``"qEOM on VQE uccsd"``."""
    name = str(solver.get("solver") or "solver")
    for key, form in (("ansatz", "{} {}"), ("pool", "{} from {}")):
        template = mapping(solver.get(key)).get("template")
        if template:
            return form.format(name.upper(), template)
    ground = mapping(solver.get("ground"))
    if ground:
        return f"{solver.get('method') or name.upper()} on {solver_words(ground)}"
    return name.upper() if name == "rbm" else name


def ansatz_name(scan: Scan) -> str | None:
    """Return the name of the ansatz, where the surface has one."""
    return _template(scan, "ansatz")


def is_exact(scan: Scan) -> bool:
    """Return whether the surface is the exact energy itself, which has no error."""
    return mapping(surface_inputs(scan).get("solver")).get("solver") == "exact"


def column_names(scan: Scan) -> tuple[str, ...]:
    """Return the names of the further energies: Hartree-Fock first, then the order they came in."""
    names = dict.fromkeys(name for result in scan.results if result for name in result.columns)
    return tuple(sorted(names, key=lambda name: name != "hartree_fock"))


def has_energy(result: PointResult | None) -> bool:
    """Return whether a point was computed and gave energies."""
    return result is not None and not result.failed and result.energies.size > 0


def spin_squares(result: PointResult | None) -> FloatArray | None:
    """Return the expectations of S^2, shape ``(n_states,)``, where the solver gave them."""
    return None if result is None or result.solution is None else result.solution.spin_squares


def state_irreps(result: PointResult | None) -> tuple[str, ...] | None:
    """Return the irrep of each state, ``""`` where it mixes, where the solver gave them."""
    return None if result is None or result.solution is None else result.solution.irreps


def curve_names(scan: Scan) -> tuple[str, ...]:
    """Return what each curve is called, ``(n_curves,)``; of each state where none are followed.

    By multiplicity and irrep where the curve begins, e.g. ``"2 ¹A1"`` or ``"1 ³Πg"``; by spin
    alone ``"S1"``; else ``"state 2"``. Degenerate ones have one name.
    """
    curves = scan.curves
    if curves is None:
        return tuple(f"state {k}" for k in range(scan.n_states))
    energies = curves.along(scan.energies)
    names: list[str] = []
    counts: Counter[Label] = Counter()
    for k, (label, origin) in enumerate(zip(curves.labels, curves.origins, strict=True)):
        same = k > 0 and (label, origin) == (curves.labels[k - 1], curves.origins[k - 1])
        if same and abs(energies[origin, k] - energies[origin, k - 1]) < LEVEL_WIDTH:
            names.append(names[-1])
            continue
        names.append(_curve_name(label, counts[label], k, _lowest_spin(curves.labels)))
        counts[label] += 1
    return tuple(names)


def curve_sets(scan: Scan) -> tuple[tuple[int, ...], ...]:
    """Return which curves are drawn as one: of one name, and degenerate at every point."""
    names = curve_names(scan)
    curves = scan.curves
    energies = scan.energies if curves is None else curves.along(scan.energies)
    found: list[list[int]] = []
    for k, name in enumerate(names):
        if found and names[found[-1][0]] == name:
            apart = np.abs(energies[:, k] - energies[:, found[-1][0]])
            unknown = np.isnan(energies[:, k]) != np.isnan(energies[:, found[-1][0]])
            if not unknown.any() and np.nanmax(apart, initial=0.0) < LEVEL_WIDTH:
                found[-1].append(k)
                continue
        found.append([k])
    return tuple(map(tuple, found))


def known_of(table: FloatArray, curves: Sequence[int]) -> FloatArray:
    """Return the values of degenerate curves, of the first that is known, ``(n_points,)``."""
    found = table[:, curves[0]]
    for curve in curves[1:]:
        found = np.where(np.isnan(found), table[:, curve], found)
    return found


def _lowest_spin(labels: tuple[Label, ...]) -> int | None:
    return labels[0].multiplicity if labels else None


def _curve_name(label: Label, before: int, number: int, ground: int | None) -> str:
    """Return a name from a label and how many curves of it have been named before."""
    spin = label.multiplicity
    if spin is None:
        return f"state {number}"
    if label.irrep:
        return f"{before + 1} {str(spin).translate(_SUPERSCRIPTS)}{_symbol(label.irrep)}"
    count = before if spin == ground else before + 1
    if spin in _SPIN_LETTERS:
        return f"{_SPIN_LETTERS[spin]}{count}"
    return f"{_SPIN_WORDS.get(spin, f'multiplicity {spin},')} {count}"


def _symbol(irrep: str) -> str:
    """Return an irrep as it is written, e.g. ``"Σg⁺"`` for ``"Sigma_g+"``."""
    word, _, rest = irrep.rstrip("+-").partition("_")
    sign = irrep[-1].translate(_SUPERSCRIPTS) if irrep[-1] in "+-" else ""
    return f"{_GREEK.get(word, word)}{rest}{sign}"


def n_params(result: PointResult | None) -> int | None:
    """Return the number of circuit parameters, where there is a circuit."""
    if result is None or result.solution is None or result.solution.params is None:
        return None
    return int(result.solution.params.shape[-1])


def is_unmatched(result: PointResult | None) -> bool:
    """Return whether the active orbitals of a point are not those of its parent."""
    return result is not None and result.overlap is not None and result.overlap <= MATCHED


def mapping(value: object) -> Mapping[str, Any]:
    """Return ``value`` if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def _template(scan: Scan, key: str) -> str | None:
    """Return the name of the template that is the solver's ansatz or pool."""
    name = mapping(mapping(surface_inputs(scan).get("solver")).get(key)).get("template")
    return str(name) if name else None
