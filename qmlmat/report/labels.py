"""Words for figures and tables: what a scan is of, its axes, and what its error means."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from qmlmat.surfaces import Scan
from qmlmat.surfaces.facts import (
    ansatz_name,
    curve_names,
    is_exact,
    is_unmatched,
    mapping,
    solver_label,
    surface_inputs,
)
from qmlmat.surfaces.surface import FINISHED
from qmlmat.systems.formula import chemical_formula
from qmlmat.typing import BoolArray, FloatArray
from qmlmat.units import CHEMICAL_ACCURACY, HARTREE_IN_MILLIHARTREE, hartree_to_ev

UNIT_SYMBOL: Final = {"angstrom": "Å", "degree": "°", "1/angstrom": "1/Å"}
"""Symbols of units whose names we write out."""

_PRIMITIVE: Final = {"r": "{} bond length", "a": "angle {}", "d": "dihedral {}"}
"""What a coordinate of two, three or four atoms is called."""

_FORMULA: Final = re.compile(r"(?:[A-Z][a-z]?[0-9]*)+(?= |$)")
"""A chemical formula at the beginning of a model's name."""

_LABEL_COLUMNS: Final = 34
"""Characters of an axis label's line."""

SINGLE_REFERENCE: Final = frozenset({"uccsd", "uccgsd", "quccgsd", "puccd", "kupccgsd", "lucj"})
"""Ansatzes that build on one determinant, which a breaking bond needs more than one of."""


BROKEN: Final = 1.3
"""A bond longer than this multiple of its own length is breaking: well past the inflection."""

DIP: Final = 0.1
"""How far an error that grows may fall from one point to the next, of its largest value."""


@dataclass(frozen=True, kw_only=True)
class ErrorScale:
    """The small unit in which errors of a scan are shown."""

    unit: str
    """Its symbol."""

    factor: float
    """Its number in one unit of the scan."""

    chemical_accuracy: float
    """One kcal/mol (``unit``)."""


def error_scale(scan: Scan) -> ErrorScale:
    """Return millihartree for a scan in hartree, meV for one in eV."""
    if scan.unit == "eV":
        accuracy = hartree_to_ev(CHEMICAL_ACCURACY) * 1e3
        return ErrorScale(unit="meV", factor=1e3, chemical_accuracy=accuracy)
    factor = HARTREE_IN_MILLIHARTREE
    return ErrorScale(unit="mHa", factor=factor, chemical_accuracy=CHEMICAL_ACCURACY * factor)


def unit_symbol(unit: str) -> str:
    """Return the symbol of a unit, e.g. ``"Å"``."""
    return UNIT_SYMBOL.get(unit, unit)


def place(scan: Scan, index: int) -> str:
    """Return where a point is, e.g. ``"1.5 Å"``, ``"(0.96 Å, 104.5 °)"`` or ``"frame 3"``."""
    values = [
        f"{value:.6g} {unit_symbol(axis.unit)}" if axis.unit else f"{axis.name} {value:.6g}"
        for value, axis in zip(scan.path.coordinates[index], scan.path.axes, strict=True)
    ]
    return values[0] if len(values) == 1 else f"({', '.join(values)})"


def axis_label(scan: Scan, axis: int = 0) -> str:
    """Return the label of an axis of a figure, with its unit.

    A bond, an angle or a dihedral is named by its elements, and by its atoms where two have the
    same elements; a combination of bonds by what it does. Long names take several lines.
    """
    names = [_axis_words(one.name, numbered=False) for one in scan.path.axes]
    numbered = names.count(names[axis]) > 1
    name = _axis_words(scan.path.axes[axis].name, numbered=numbered)
    symbol = unit_symbol(scan.path.axes[axis].unit)
    label = f"{name} ({symbol})" if symbol else name
    return textwrap.fill(label, _LABEL_COLUMNS, break_long_words=False)


def _axis_words(name: str, *, numbered: bool) -> str:
    combined = re.fullmatch(r"(a?symmetric)\((r|a)\(.*\)\)", name)
    if combined and not numbered:
        return f"{combined[1]} {'stretch' if combined[2] == 'r' else 'bend'}"
    primitive = re.fullmatch(r"([rad])\(([^()]*)\)", name)
    if not primitive:
        return name
    atoms = primitive[2].split("-")
    chain = "–".join(atom if numbered else atom.rstrip("0123456789") for atom in atoms)
    return _PRIMITIVE[primitive[1]].format(chain)


def has_comparison(scan: Scan) -> bool:
    """Return whether there is an error to show: a reference, and a surface that is not it."""
    return not is_exact(scan) and bool(np.isfinite(scan.errors).any())


def column_label(name: str) -> str:
    """Return what a further energy is called, e.g. ``"Hartree–Fock"`` or ``"CCSD(T)"``."""
    known = {"hartree_fock": "Hartree–Fock", "mp2": "MP2", "ccsd": "CCSD"}
    known |= {"ccsd(t)": "CCSD(T)", "nevpt2": "NEVPT2"}
    return known.get(name, name.replace("_", " "))


def heading(scan: Scan) -> str:
    """Return molecule, basis, active space and solver in one line, e.g. ``"N₂ · cc-pvdz"``.

    Of a crystal its model stands in place of the first three.
    """
    surface = surface_inputs(scan)
    molecule = mapping(surface.get("molecule"))
    space = mapping(surface.get("active_space"))
    parts = [_matter(scan)]
    if molecule.get("charge"):
        parts[0] += f" (charge {molecule['charge']:+d})"
    if molecule.get("basis"):
        parts.append(str(molecule["basis"]))
    if molecule or space.get("norb") is not None:
        parts.append(_orbitals(scan, space))
    parts.append(solver_label(scan))
    backend = mapping(surface.get("backend"))
    if backend:
        parts.append(_device(backend))
    return " · ".join(parts)


def _matter(scan: Scan) -> str:
    """Return a molecule's formula, or the name of a crystal's model."""
    subscripts = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
    if not scan.path.is_through_k:
        return chemical_formula(scan.path.geometries[0].symbols).translate(subscripts)
    name = str(mapping(surface_inputs(scan).get("model")).get("name") or "bands")
    formula = _FORMULA.match(name)
    end = formula.end() if formula else 0
    return f"{name[:end].translate(subscripts)}{name[end:]}"


def _device(backend: Mapping[str, Any]) -> str:
    """Return where circuits ran, e.g. ``"fake_manila, qubits 0, 1, 20000 shots"``."""
    name = str(backend.get("device", backend.get("backend"))).rsplit(" on ", 1)[-1]
    name = name.rsplit(".", 1)[-1]
    shots = backend.get("shots")
    return name if shots is None else f"{name}, {shots} shots"


def explanation(scan: Scan) -> str:
    """Return one or two plain sentences on how far the scan is and what its error means."""
    sentences = []
    n_done = sum(result is not None for result in scan.results)
    if not scan.is_complete:
        sentences.append(f"{n_done} of {len(scan.path)} points computed so far.")
    if np.isfinite(scan.stderr).any():
        sentences.append(_measured_sentence(scan))
    elif has_comparison(scan) and scan.n_states > 1:
        sentences.append(_states_sentence(scan))
    elif has_comparison(scan):
        errors = np.abs(scan.errors) * error_scale(scan).factor
        sentences.append(_error_sentence(scan, errors))
    return " ".join([*sentences, *marks_sentences(scan)])


def marks_sentences(scan: Scan) -> tuple[str, ...]:
    """Return one sentence for each kind of mark on points that cannot be trusted as they are."""
    sentences = []
    n_open = sum(r is not None and not r.failed and r.status not in FINISHED for r in scan.results)
    if n_open:
        sentences.append(f"Hollow: the solver had not converged ({_points(n_open)}).")
    n_failed = sum(r is not None and r.failed for r in scan.results)
    if n_failed:
        sentences.append(f"Crosses: no energy ({_points(n_failed)}); the table says why.")
    n_unmatched = sum(is_unmatched(result) for result in scan.results)
    if n_unmatched:
        sentences.append(
            f"Squares: the active orbitals could not be followed to there ({_points(n_unmatched)}),"
            " and the energy may jump."
        )
    return tuple(sentences)


def _measured_sentence(scan: Scan) -> str:
    """Return a sentence on errors beside error bars."""
    said = "Measured energies; bars are one standard error"
    if not has_comparison(scan):
        return f"{said}."
    errors = scan.state_errors if scan.n_states > 1 else scan.errors[:, None]
    known = np.isfinite(errors) & (scan.stderr > 0)
    inside = int((np.abs(errors) <= scan.stderr)[known].sum())
    worst = float(np.nanmax(np.abs(errors))) * error_scale(scan).factor
    return (
        f"{said}, and {inside} of {int(known.sum())} hold the exact energy. Largest error "
        f"{worst:.3g} {error_scale(scan).unit}."
    )


def _states_sentence(scan: Scan) -> str:
    """Return a sentence on the largest error of any state."""
    scale = error_scale(scan)
    errors = np.abs(scan.state_errors) * scale.factor
    point, state = np.unravel_index(int(np.nanargmax(errors)), errors.shape)
    name = curve_names(scan)[state if scan.followed is None else scan.followed[point, state]]
    largest = f"Largest error {errors[point, state]:.3g} {scale.unit} at {place(scan, int(point))}"
    n_above = int((errors > scale.chemical_accuracy).sum())
    n_known = int(np.isfinite(errors).sum())
    rest = "none" if n_above == 0 else str(n_above)
    return f"{largest} ({name}); {rest} of {n_known} energies above chemical accuracy."


def _error_sentence(scan: Scan, errors: FloatArray) -> str:
    scale = error_scale(scan)
    worst = int(np.nanargmax(errors))
    largest = f"Largest error {errors[worst]:.3g} {scale.unit} at {place(scan, worst)}"
    above = np.flatnonzero(errors > scale.chemical_accuracy)
    n_compared = int(np.isfinite(errors).sum())
    if above.size == 0:
        return f"{largest}: {_accuracy(scan, np.isfinite(errors))}."
    if any(scan.statuses[index] not in FINISHED for index in above):
        return f"{largest}; some points above chemical accuracy had not converged."
    if _grows_as_the_bond_breaks(scan, errors):
        return (
            f"{largest}. The growth is the ansatz's failure, not a numerical fault: a product of "
            f"excitations of one determinant ({ansatz_name(scan)}) cannot describe bonds that "
            "break."
        )
    return f"{largest}; {above.size} of {n_compared} compared points are above chemical accuracy."


def _accuracy(scan: Scan, compared: BoolArray) -> str:
    """Return where a scan without a point above chemical accuracy has reached it."""
    converged = np.array([status in FINISHED for status in scan.statuses])
    n_compared, n_open = int(compared.sum()), int((compared & ~converged).sum())
    if n_open == n_compared:
        return "below chemical accuracy, but no point had converged"
    if n_open:
        return (
            f"chemical accuracy, in this active space, at the {_points(n_compared - n_open)} that "
            f"converged; {n_open} had not"
        )
    where = "every point" if n_compared == len(compared) else f"all {n_compared} compared points"
    return f"chemical accuracy, in this active space, at {where}"


def _grows_as_the_bond_breaks(scan: Scan, errors: FloatArray) -> bool:
    """Whether a single-reference error shows the pattern of a breaking bond.

    It is above chemical accuracy beyond the own bond length only, and rises towards its largest
    value, which lies well beyond.
    """
    lengths = scan.path.along()
    own = lengths[scan.path.root]
    worst = int(np.nanargmax(errors))
    is_bond = scan.path.n_axes == 1 and scan.path.name.startswith("r(")
    if not is_bond or ansatz_name(scan) not in SINGLE_REFERENCE or lengths[worst] <= BROKEN * own:
        return False
    if (lengths[errors > error_scale(scan).chemical_accuracy] <= own).any():
        return False
    rising = errors[np.isfinite(errors) & (lengths >= own) & (lengths <= lengths[worst])]
    return bool((np.diff(rising) > -DIP * errors[worst]).all())


def _points(number: int) -> str:
    return f"{number} point" if number == 1 else f"{number} points"


def _orbitals(scan: Scan, space: Mapping[str, Any]) -> str:
    """Return which orbitals are active, and how many where that is known."""
    size = ""
    if space.get("n_electrons") is not None and space.get("norb") is not None:
        size = f"({space['n_electrons']}e, {space['norb']}o)"
    if space.get("avas"):
        return f"AVAS {', '.join(space['avas'])} {size or _found_size(scan)}".rstrip()
    if size:
        return f"{size} natural orbitals" if space.get("natural") else size
    if space.get("indices") is not None:
        return f"{len(space['indices'])} chosen orbitals"
    return "frozen core" if space.get("freeze_core") else "all orbitals"


def _found_size(scan: Scan) -> str:
    """Return electrons and orbitals of the active space as the points have it, if they agree."""
    found = [r.orbitals for r in scan.results if r is not None and r.orbitals is not None]
    sizes = {(sum(orbitals.nelec), orbitals.norb) for orbitals in found}
    return "({}e, {}o)".format(*sizes.pop()) if len(sizes) == 1 else ""
