"""Which orbitals and electrons a circuit correlates, and which stay mean-field."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass, field
from operator import index
from typing import Any

import numpy as np

from qmlmat.errors import ActiveSpaceError, QmlmatWarning
from qmlmat.systems.candidates import avas_orbitals, natural_orbitals
from qmlmat.systems.elements import core_orbitals, ecp_electrons
from qmlmat.systems.mean_field import MeanField
from qmlmat.systems.molecule import Molecule
from qmlmat.systems.orbitals import degenerate_groups

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class OrbitalSelection:
    """Orbitals sorted into core and active; all others stay empty."""

    core: tuple[int, ...]
    """Doubly occupied mean-field orbitals, ascending."""
    active: tuple[int, ...]
    """Correlated orbitals, ascending: doubly, singly, unoccupied."""
    nelec: tuple[int, int]
    """Active electrons by spin, ``(n_alpha, n_beta)``."""
    notes: tuple[str, ...] = ()
    """What to know about the choice, one sentence each."""

    @property
    def norb(self) -> int:
        """Number of active orbitals."""
        return len(self.active)


@dataclass(frozen=True)
class ActiveSpace:
    """A choice of active orbitals: counts, explicit indices, frozen core, or all.

    ``ActiveSpace(10, 8)`` takes 10 electrons in 8 orbitals around the Fermi level;
    ``ActiveSpace(indices=(1, 2, 5))`` these orbitals; ``ActiveSpace(freeze_core=True)`` all but
    the noble-gas cores; ``ActiveSpace()`` everything.
    """

    n_electrons: int | None = None
    """Number of active electrons; needs ``norb``."""
    norb: int | None = None
    """Number of active orbitals; needs ``n_electrons``."""
    indices: tuple[int, ...] | None = field(default=None, kw_only=True)
    """Active orbitals, counted from 0 in the mean field's order; kept ascending."""
    freeze_core: bool = field(default=False, kw_only=True)
    """Keep the orbitals of the noble gas below each atom doubly occupied: 1s of Li to Ne,
    1s2s2p of Na to Ar, and so on, less what an effective core potential replaces."""
    natural: bool = field(default=False, kw_only=True)
    """Choose by counts among MP2 natural orbitals instead of canonical ones: those whose
    occupations are farthest from 2 and 0."""
    avas: tuple[str, ...] = field(default=(), kw_only=True)
    """Atomic valence orbitals, such as ``("N 2s", "N 2p")``: the orbitals that have a share in them
    are active (AVAS); with counts, those with the largest share."""
    threshold: float = field(default=0.2, kw_only=True)
    """Share in ``avas`` from which an orbital is active, where there are no counts."""

    def __post_init__(self) -> None:
        if self.indices is not None:
            try:
                ordered = tuple(sorted(index(p) for p in self.indices))
            except TypeError:
                raise ActiveSpaceError(
                    f"{self}: indices are whole numbers. Use a tuple of orbitals, like (1, 2, 5)."
                ) from None
            object.__setattr__(self, "indices", ordered)
        by_counts = self.n_electrons is not None or self.norb is not None
        if by_counts + (self.indices is not None) + self.freeze_core > 1:
            raise ActiveSpaceError(
                f"{self}: counts, indices and freeze_core each fix the active space. "
                "Use only one of them."
            )
        object.__setattr__(
            self, "avas", (self.avas,) if isinstance(self.avas, str) else tuple(self.avas)
        )
        self._check_kind(by_counts=by_counts)
        if by_counts:
            self._check_counts()
        if self.indices is not None:
            self._check_indices(self.indices)

    def __str__(self) -> str:
        if self.indices is not None:
            shown = f"indices={self.indices}"
        elif self.n_electrons is not None or self.norb is not None:
            shown = f"n_electrons={self.n_electrons}, norb={self.norb}"
        else:
            shown = ""
        core = "freeze_core=True" if self.freeze_core else ""
        kind = "natural=True" if self.natural else f"avas={self.avas}" if self.avas else ""
        return f"ActiveSpace({', '.join(filter(None, (shown, core, kind)))})"

    def _check_kind(self, *, by_counts: bool) -> None:
        if self.natural and (self.avas or not by_counts):
            raise ActiveSpaceError(
                f"{self}: natural orbitals are chosen by counts. Give n_electrons and norb, and no "
                "avas."
            )
        if self.avas and (self.indices is not None or self.freeze_core):
            raise ActiveSpaceError(
                f"{self}: avas, indices and freeze_core each fix the active space. Use only one "
                "of them; avas may have counts."
            )
        if not 0.0 < self.threshold < 1.0:
            raise ActiveSpaceError(
                f"ActiveSpace(threshold={self.threshold}): a share between 0 and 1. Use "
                "threshold=0.2."
            )

    def _check_counts(self) -> None:
        if self.n_electrons is None or self.norb is None:
            raise ActiveSpaceError(f"{self}: give both n_electrons and norb, or neither.")
        for name, value in (("n_electrons", self.n_electrons), ("norb", self.norb)):
            if isinstance(value, bool) or not hasattr(value, "__index__") or value < 1:
                raise ActiveSpaceError(
                    f"{self}: {name} is a positive whole number. Use {name} >= 1."
                )
            object.__setattr__(self, name, int(value))
        if self.n_electrons > 2 * self.norb:
            raise ActiveSpaceError(
                f"{self}: {self.norb} orbitals hold at most {2 * self.norb} electrons. "
                f"Use norb >= {-(-self.n_electrons // 2)}, or freeze more of the core."
            )

    def _check_indices(self, indices: tuple[int, ...]) -> None:
        if not indices:
            raise ActiveSpaceError(f"{self}: no orbitals. Name at least one index.")
        if len(set(indices)) < len(indices):
            repeated = sorted({p for p in indices if indices.count(p) > 1})
            raise ActiveSpaceError(
                f"{self}: orbital {repeated[0]} is repeated. Name each orbital once."
            )
        if indices[0] < 0:
            raise ActiveSpaceError(
                f"{self}: orbitals are counted from 0. Use indices >= 0, not {indices[0]}."
            )

    def inputs(self) -> dict[str, Any]:
        """Return the choice as plain values, for provenance and hashes."""
        return {
            "n_electrons": self.n_electrons,
            "norb": self.norb,
            "indices": None if self.indices is None else list(self.indices),
            "freeze_core": self.freeze_core,
            # No keys for canonical orbitals: older stores keep their hash.
            **({"natural": True} if self.natural else {}),
            **({"avas": list(self.avas), "threshold": self.threshold} if self.avas else {}),
        }

    def candidates(self, mean_field: MeanField) -> MeanField:
        """Return the orbitals that are chosen from: the mean field's own, natural or AVAS orbitals.

        Raises:
            ActiveSpaceError: If they cannot be made for this molecule.
        """
        if self.natural:
            return natural_orbitals(mean_field)
        return avas_orbitals(mean_field, self.avas) if self.avas else mean_field

    def select(self, mean_field: MeanField) -> OrbitalSelection:
        """Return which of ``candidates(mean_field)`` this choice means.

        Warns with ``QmlmatWarning`` where a boundary cuts a degenerate shell: results then
        depend on the arbitrary orientation of what is kept.

        Raises:
            ActiveSpaceError: If the molecule's orbitals or electrons cannot fill it.
        """
        return self.select_among(self.candidates(mean_field))

    def select_among(self, mean_field: MeanField) -> OrbitalSelection:
        """Return what ``select`` does, from candidates that are at hand already."""
        occupations = mean_field.mo_occ
        if self.indices is not None:
            active = self._explicit(self.indices, occupations)
        elif self.n_electrons is not None and self.norb is not None:
            first = self._n_core(self.n_electrons, self.norb, occupations)
            active = tuple(range(first, first + self.norb))
        elif self.avas:
            sharing = np.abs(mean_field.mo_energy) > self.threshold
            active = tuple(np.flatnonzero(sharing | (occupations == 1)).tolist())
            self._check_filled(active, occupations)
        else:
            first = n_frozen_core(mean_field.molecule) if self.freeze_core else 0
            active = tuple(range(min(first, self._n_double(occupations)), len(occupations)))
            self._check_filled(active, occupations)
        inactive = [p for p in range(len(occupations)) if p not in set(active)]
        core = tuple(p for p in inactive if occupations[p] == 2)
        n_alpha = int((occupations[list(active)] > 0).sum())
        n_beta = int((occupations[list(active)] == 2).sum())
        note = self._cut_shell(mean_field, active)
        if note:
            logger.info(note)
            warnings.warn(note, QmlmatWarning, stacklevel=3)
        notes = (note,) if note else ()
        return OrbitalSelection(core=core, active=active, nelec=(n_alpha, n_beta), notes=notes)

    @staticmethod
    def _n_double(occupations: Any) -> int:  # noqa: ANN401 (an array)
        return int((occupations == 2).sum())

    def _n_core(self, n_electrons: int, norb: int, occupations: Any) -> int:  # noqa: ANN401
        total, n_single = int(occupations.sum()), int((occupations == 1).sum())
        if n_electrons > total:
            raise ActiveSpaceError(
                f"{self}: the molecule has {total} electrons. Use n_electrons <= {total}."
            )
        if (total - n_electrons) % 2 or n_electrons < n_single:
            allowed = [n for n in range(max(n_single, 1), total + 1) if (total - n) % 2 == 0]
            close = sorted(allowed, key=lambda n: abs(n - n_electrons))[:2]
            raise ActiveSpaceError(
                f"{self}: the {total - n_electrons} electrons left out of {total} must fill core "
                f"orbitals in pairs, and the {n_single} unpaired ones must be active. "
                f"Use n_electrons={' or '.join(str(n) for n in sorted(close))}."
            )
        n_core = (total - n_electrons) // 2
        n_needed = (n_electrons + n_single) // 2
        if norb < n_needed:
            raise ActiveSpaceError(
                f"{self}: {n_electrons} electrons, {n_single} of them unpaired, occupy {n_needed} "
                f"orbitals. Use norb >= {n_needed}, or freeze more of the core."
            )
        if n_core + norb > len(occupations):
            raise ActiveSpaceError(
                f"{self}: above {n_core} core orbitals the basis has only "
                f"{len(occupations) - n_core}. Use norb <= {len(occupations) - n_core}, or a "
                "larger basis."
            )
        return n_core

    def _explicit(self, indices: tuple[int, ...], occupations: Any) -> tuple[int, ...]:  # noqa: ANN401
        if indices[-1] >= len(occupations):
            raise ActiveSpaceError(
                f"{self}: the basis has {len(occupations)} orbitals. "
                f"Use indices <= {len(occupations) - 1}."
            )
        left_out = [p for p in np.flatnonzero(occupations == 1).tolist() if p not in set(indices)]
        if left_out:
            raise ActiveSpaceError(
                f"{self}: orbital {left_out[0]} holds one electron, and an inactive orbital is "
                f"doubly occupied or empty. Add {', '.join(map(str, left_out))} to indices."
            )
        self._check_filled(indices, occupations)
        return indices

    def _check_filled(self, active: tuple[int, ...], occupations: Any) -> None:  # noqa: ANN401
        if not len(active) or not occupations[list(active)].any():
            last = int((occupations > 0).sum()) - 1
            raise ActiveSpaceError(
                f"{self}: no electrons are left in the active orbitals. "
                f"Include an occupied orbital, such as {last}."
            )

    def _cut_shell(self, mean_field: MeanField, active: tuple[int, ...]) -> str:
        """Return a sentence if a degenerate shell is partly active, else ""."""
        chosen = set(active)
        cut = [
            group
            for group in degenerate_groups(mean_field.mo_energy, mean_field.mo_occ)
            if 0 < len(chosen & set(group)) < len(group)
        ]
        if not cut:
            return ""
        shell = cut[0]
        inside, outside = sorted(chosen & set(shell)), sorted(set(shell) - chosen)
        if self.indices is not None:
            remedy = f"Add {_listed(outside)} to indices, or drop {_listed(inside)}"
        else:
            remedy = _whole_sizes(len(active), cut, chosen, mean_field.mo_occ)
        return (
            f"{self} cuts the degenerate shell of orbitals {_listed(list(shell))}: "
            f"{_listed(inside)} active, {_listed(outside)} not. Energies then depend on how the "
            f"shell happens to be oriented. {remedy}."
        )


def _listed(orbitals: list[int]) -> str:
    return ", ".join(str(p) for p in orbitals)


def _whole_sizes(
    norb: int,
    cut: list[tuple[int, ...]],
    chosen: set[int],
    occupations: Any,  # noqa: ANN401 (an array)
) -> str:
    """Return the counts that keep every cut shell whole."""
    n_electrons = int(occupations[sorted(chosen)].sum())
    options = []
    for keep in (True, False):
        electrons, orbitals = n_electrons, norb
        for shell in cut:
            inside = len(chosen & set(shell))
            change = len(shell) - inside if keep else -inside
            orbitals += change
            electrons += int(occupations[shell[0]]) * change
        if electrons > 0 and orbitals >= 1 and electrons <= 2 * orbitals:
            options.append(f"ActiveSpace({electrons}, {orbitals})")
    return f"Use {' or '.join(options)}" if options else "Use another size"


def n_frozen_core(molecule: Molecule) -> int:
    """Return how many core orbitals a molecule has by convention.

    Example:
        >>> n_frozen_core(Molecule.from_xyz("H 0 0 0; Cl 0 0 1.27"))
        5
    """
    total = 0
    for symbol in molecule.symbols:
        replaced = ecp_electrons(molecule.ecp, symbol) if molecule.ecp else None
        total += max(core_orbitals(symbol) - (replaced or 0) // 2, 0)
    return total
