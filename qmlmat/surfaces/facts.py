"""What the inputs and results of a scan say, for tables, figures and exports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qmlmat.surfaces.surface import PointResult
from qmlmat.systems.following import MATCHED
from qmlmat.typing import FloatArray

if TYPE_CHECKING:
    from qmlmat.surfaces.scan import Scan


def surface_inputs(scan: Scan) -> Mapping[str, Any]:
    """Return the surface's inputs as plain values; empty where they are not known."""
    return mapping(scan.inputs.get("surface"))


def solver_label(scan: Scan) -> str:
    """Return what the surface is called in a legend, e.g. ``"VQE uccsd"``."""
    surface = surface_inputs(scan)
    solver = mapping(surface.get("solver"))
    return solver_words(solver) if solver else str(surface.get("function") or "surface")


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
    return name


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
