"""Active spaces: which orbitals a choice means, and which choices are refused."""

import numpy as np
import pytest

from qmlmat.errors import ActiveSpaceError, QmlmatWarning
from qmlmat.systems import ActiveSpace, Molecule, hamiltonian, molecular_hamiltonian
from qmlmat.systems.active_space import n_frozen_core
from qmlmat.systems.mean_field import MeanField


def field(occupations, energies=None, xyz="H 0 0 0"):
    """Return a mean field of the given occupations without orbitals."""
    occupations = np.array(occupations, dtype=float)
    levels = np.arange(len(occupations)) * 0.1 if energies is None else np.array(energies)
    return MeanField(
        molecule=Molecule.from_xyz(xyz, spin=_spin(xyz)),
        energy=0.0,
        mo_coeff=np.eye(len(occupations)),
        mo_energy=levels,
        mo_occ=occupations,
    )


def _spin(xyz):
    return 1 if xyz == "H 0 0 0" else 0


CLOSED = field([2, 2, 2, 0, 0, 0])
OPEN = field([2, 2, 1, 1, 0, 0])


def test_all_orbitals_by_default():
    """No choice means every orbital and electron."""
    selection = ActiveSpace().select(CLOSED)
    assert selection.core == ()
    assert selection.active == (0, 1, 2, 3, 4, 5)
    assert selection.nelec == (3, 3)


def test_counts_lie_around_the_fermi_level():
    """Electrons fill from the top of the occupied orbitals down; the rest are empty ones."""
    selection = ActiveSpace(4, 3).select(CLOSED)
    assert (selection.core, selection.active, selection.nelec) == ((0,), (1, 2, 3), (2, 2))
    assert selection.norb == 3


def test_unpaired_electrons_stay_active():
    """For an open shell the singly occupied orbitals are always inside."""
    selection = ActiveSpace(2, 2).select(OPEN)
    assert (selection.core, selection.active, selection.nelec) == ((0, 1), (2, 3), (2, 0))
    selection = ActiveSpace(4, 4).select(OPEN)
    assert (selection.core, selection.active, selection.nelec) == ((0,), (1, 2, 3, 4), (3, 1))


def test_indices_choose_orbitals_and_their_electrons():
    """Electrons are those of the chosen orbitals; what is left out is core or empty."""
    selection = ActiveSpace(indices=(4, 1, 3)).select(CLOSED)
    assert selection.active == (1, 3, 4)
    assert selection.core == (0, 2)
    assert selection.nelec == (1, 1)


def test_frozen_core_is_the_convention():
    """Acetonitrile-like counts: one per second-row atom, none for hydrogen."""
    molecule = Molecule.from_xyz("C 0 0 0; N 0 0 1.16; H 0 0 -1.06; Cl 0 0 5", spin=1)
    assert n_frozen_core(molecule) == 7
    water = field([2] * 5 + [0] * 2, xyz="O 0 0 0; H 0 0 1; H 0 1 0")
    selection = ActiveSpace(freeze_core=True).select(water)
    assert (selection.core, selection.nelec) == ((0,), (4, 4))


def test_frozen_core_never_takes_unpaired_electrons():
    """Lithium's three electrons: 1s frozen, 2s active."""
    lithium = MeanField(
        molecule=Molecule.from_xyz("Li 0 0 0", spin=1),
        energy=0.0,
        mo_coeff=np.eye(5),
        mo_energy=np.array([-2.0, -0.2, 0.1, 0.1, 0.1]),
        mo_occ=np.array([2.0, 1, 0, 0, 0]),
    )
    assert ActiveSpace(freeze_core=True).select(lithium).nelec == (1, 0)


SHELL = field([2, 2, 2, 0, 0, 0], [-3, -1, -1, 0.5, 0.5, 0.9])


@pytest.mark.parametrize(
    ("space", "remedy"),
    [
        (ActiveSpace(4, 3), r"orbitals 3, 4: 3 active, 4 not.*ActiveSpace\(4, 4\) or "),
        (ActiveSpace(2, 3), r"orbitals 1, 2: 2 active, 1 not.*ActiveSpace\(4, 4\)"),
        (ActiveSpace(2, 2), r"ActiveSpace\(4, 4\)\."),
        (ActiveSpace(indices=(1, 2, 3)), "Add 4 to indices, or drop 3"),
    ],
)
def test_cutting_a_degenerate_shell_warns(space, remedy):
    """Energies then depend on an arbitrary orientation: warned and noted, with the remedy."""
    with pytest.warns(QmlmatWarning, match=remedy):
        selection = space.select(SHELL)
    assert "degenerate shell" in selection.notes[0]


def test_remedy_of_a_cut_shell_cuts_none():
    """The size that the warning names is accepted silently."""
    assert ActiveSpace(4, 4).select(SHELL).notes == ()
    assert ActiveSpace(6, 5).select(SHELL).notes == ()


def test_inputs_are_plain_values():
    """What provenance hashes."""
    assert ActiveSpace(indices=(2, 1)).inputs() == {
        "n_electrons": None,
        "norb": None,
        "indices": [1, 2],
        "freeze_core": False,
    }
    assert str(ActiveSpace(freeze_core=True)) == "ActiveSpace(freeze_core=True)"
    assert str(ActiveSpace()) == "ActiveSpace()"


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        ({"n_electrons": 6, "norb": 2}, r"hold at most 4 electrons.*norb >= 3, or freeze"),
        ({"n_electrons": 6}, "give both"),
        ({"norb": 2}, "give both"),
        ({"n_electrons": -2, "norb": 2}, "n_electrons >= 1"),
        ({"n_electrons": 2, "norb": 0}, "norb >= 1"),
        ({"n_electrons": 2, "norb": 2, "indices": (1, 2)}, "only one of them"),
        ({"indices": (1, 2), "freeze_core": True}, "only one of them"),
        ({"indices": ()}, "at least one index"),
        ({"indices": (1, 1, 2)}, "orbital 1 is repeated. Name each orbital once"),
        ({"indices": (-1, 2)}, "indices >= 0"),
        ({"indices": (0.5, 2)}, "whole numbers"),
        ({"n_electrons": 2.5, "norb": 2}, "n_electrons >= 1"),
    ],
)
def test_impossible_choice_is_refused(arguments, remedy):
    """What no molecule could fill is refused at once, with the remedy."""
    with pytest.raises(ActiveSpaceError, match=remedy):
        ActiveSpace(**arguments)


@pytest.mark.parametrize(
    ("space", "mean_field", "remedy"),
    [
        (ActiveSpace(8, 6), CLOSED, "n_electrons <= 6"),
        (ActiveSpace(3, 3), CLOSED, "n_electrons=2 or 4"),
        (ActiveSpace(1, 2), OPEN, "n_electrons=2 or 4"),
        (ActiveSpace(4, 2), OPEN, "norb >= 3"),
        (ActiveSpace(2, 5), CLOSED, "norb <= 4"),
        (ActiveSpace(indices=(2, 6)), CLOSED, "indices <= 5"),
        (ActiveSpace(indices=(1, 2)), OPEN, "Add 3 to indices"),
        (ActiveSpace(indices=(3, 4)), CLOSED, "Include an occupied orbital, such as 2"),
    ],
)
def test_choice_the_molecule_cannot_fill_is_refused(space, mean_field, remedy):
    """Each message names the count and what would fit."""
    with pytest.raises(ActiveSpaceError, match=remedy):
        space.select(mean_field)


def test_frozen_core_without_valence_electrons_is_refused():
    """Na+ has nothing but its core."""
    sodium = field([2] * 5 + [0] * 4, xyz="H 0 0 0")
    ion = MeanField(
        molecule=Molecule.from_xyz("Na 0 0 0", charge=1),
        energy=0.0,
        mo_coeff=sodium.mo_coeff,
        mo_energy=sodium.mo_energy,
        mo_occ=sodium.mo_occ,
    )
    with pytest.raises(ActiveSpaceError, match="such as 4"):
        ActiveSpace(freeze_core=True).select(ion)


def test_too_large_a_sector_is_refused_before_integrals_are_made(monkeypatch):
    """The message holds the number of determinants and the memory of one vector."""
    monkeypatch.setattr(hamiltonian, "MAX_DIMENSION", 100)
    monkeypatch.setattr(hamiltonian, "active_integrals", None)  # must not be called
    with pytest.raises(ActiveSpaceError, match=r"1\.44e\+04 determinants.*GB.*smaller norb"):
        molecular_hamiltonian(Molecule.from_xyz("N 0 0 0; N 0 0 1.1"))
