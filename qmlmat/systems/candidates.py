"""Orbitals to choose an active space from, other than the mean field's own.

Both kinds turn doubly occupied orbitals among themselves and empty ones among themselves, so that
the Hartree-Fock determinant stays what it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from pyscf import gto, mp, scf

from qmlmat.errors import ActiveSpaceError
from qmlmat.systems.mean_field import MeanField
from qmlmat.systems.orbitals import fix_gauge
from qmlmat.typing import FloatArray


def natural_orbitals(mean_field: MeanField) -> MeanField:
    """Return MP2 natural orbitals, with minus their occupation numbers for energies.

    Those of the unrelaxed density, which does not mix occupied and empty orbitals; in the order of
    occupation, so that those around the Fermi level are the most correlated.

    Args:
        mean_field: A closed-shell mean field.

    Raises:
        ActiveSpaceError: If there are unpaired electrons.

    References:
        H. J. Aa. Jensen et al., J. Chem. Phys. 88, 3834 (1988), doi:10.1063/1.453884.
    """
    if mean_field.molecule.spin:
        raise ActiveSpaceError(
            "ActiveSpace(natural=True): MP2 natural orbitals are made for closed shells, and the "
            f"molecule has spin={mean_field.molecule.spin}. Use canonical orbitals or avas=."
        )
    mole = mean_field.molecule.to_pyscf()
    field = scf.RHF(mole)
    field.mo_coeff, field.mo_energy = mean_field.mo_coeff, mean_field.mo_energy
    field.mo_occ, field.e_tot, field.converged = mean_field.mo_occ, mean_field.energy, True
    method = mp.MP2(field)
    method.verbose = 0
    method.kernel()
    density = np.asarray(method.make_rdm1())
    return _turned(mean_field, mole, -density)


def avas_orbitals(mean_field: MeanField, labels: tuple[str, ...]) -> MeanField:
    """Return orbitals sorted by their share in atomic valence orbitals, which stands for energies.

    Of the doubly occupied orbitals the last, of the empty ones the first are those with the largest
    share; its sign is such that the order is that of the values.

    Args:
        mean_field: The mean field.
        labels: Atomic orbitals of PySCF's minimal basis, such as ``"N 2p"`` or ``"0 O 2pz"``.

    Raises:
        ActiveSpaceError: If a label names no atomic orbital of the molecule.

    References:
        E. R. Sayfutyarova et al., J. Chem. Theory Comput. 13, 4063 (2017),
        doi:10.1021/acs.jctc.7b00128.
    """
    mole = mean_field.molecule.to_pyscf()
    minimal = mole.copy()
    minimal.build(False, False, basis="minao")
    for label in labels:
        if not len(minimal.search_ao_label(label)):
            known = sorted({" ".join(name.split()[1:])[:5].strip() for name in minimal.ao_labels()})
            raise ActiveSpaceError(
                f'ActiveSpace(avas=("{label}", ...)): no such atomic orbital. '
                f"Known: {', '.join(known)}; an atom's index in front picks one atom."
            )
    chosen = sorted({int(p) for label in labels for p in minimal.search_ao_label(label)})
    overlap = minimal.intor_symmetric("int1e_ovlp")[np.ix_(chosen, chosen)]
    crossing = gto.intor_cross("int1e_ovlp", minimal, mole)[chosen] @ mean_field.mo_coeff
    share = crossing.T @ np.linalg.solve(overlap, crossing)
    signs = np.where(mean_field.mo_occ == 0, -1.0, 1.0)
    return _turned(mean_field, mole, signs[:, None] * share)


def _turned(mean_field: MeanField, mole: Any, levels: FloatArray) -> MeanField:  # noqa: ANN401
    """Return eigenvectors of a matrix over orbitals, among those of one occupation; gauge fixed."""
    coefficients = np.array(mean_field.mo_coeff)
    values = np.zeros(len(mean_field.mo_occ))
    for occupation in (2, 1, 0):
        same = np.flatnonzero(mean_field.mo_occ == occupation)
        values[same], vectors = np.linalg.eigh(levels[np.ix_(same, same)])
        coefficients[:, same] = mean_field.mo_coeff[:, same] @ vectors
    coefficients, values, occupations = fix_gauge(mole, coefficients, values, mean_field.mo_occ)
    return replace(mean_field, mo_coeff=coefficients, mo_energy=values, mo_occ=occupations)
