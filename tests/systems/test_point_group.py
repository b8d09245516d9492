"""Irreps of orbitals and states: PySCF's names, known terms, and independence of the pose."""

from dataclasses import replace

import numpy as np
import pytest
from molecules import BERYLLIUM_HYDRIDE, LITHIUM_HYDRIDE, WATER
from pyscf import fci, gto, symm

import qmlmat as qm
from qmlmat.operators.sector import Sector
from qmlmat.systems import run_mean_field
from qmlmat.systems.blocks import symmetry_states
from qmlmat.systems.point_group import axial_momentum, determinant_labels, orbital_irreps

ETHENE = "; ".join(
    ["C 0 0 0.67", "C 0 0 -0.67"] + [f"H 0 {y} {z}" for y in (0.93, -0.93) for z in (1.23, -1.23)]
)
NITROGEN = "N 0 0 0; N 0 0 1.1"
RECTANGLE = "H 0 0 0; H 0 0 1.8; H 1.5 0 0; H 1.5 0 1.8"
BENT = "O 0 0 0; F 0 0 1.44; H 0.9 0 -0.3"  # a mirror plane
LOPSIDED = "O 0 0.7 0; O 0 -0.7 0; H 0.8 0.9 0.4; F -0.8 -0.9 0.4"  # nothing
SHAPES = {
    "H2O": (WATER, "C2v"),
    "C2H4": (ETHENE, "D2h"),
    "N2": (NITROGEN, "Dooh"),
    "LiH": (LITHIUM_HYDRIDE, "Coov"),
    "BeH2": (BERYLLIUM_HYDRIDE, "Dooh"),
    "H4": (RECTANGLE, "D2h"),
    "HOF": (BENT, "Cs"),
}
LINEAR = {"Coov": "C2v", "Dooh": "D2h"}


def irreps(molecule):
    """The irreps of all orbitals of the mean field, and the group."""
    return orbital_irreps(molecule, run_mean_field(molecule).mo_coeff)


def moved(molecule, seed=5):
    """The molecule turned, shifted, and with its atoms in another order."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    order = rng.permutation(len(molecule.symbols))
    positions = molecule.positions @ turn.T + [0.3, -0.8, 1.1]
    symbols = tuple(molecule.symbols[k] for k in order)
    return qm.Molecule(symbols, positions[order], spin=molecule.spin)


def pyscf_labels(xyz, orbitals):
    """PySCF's own names of the orbitals' irreps in the Abelian subgroup."""
    mole = gto.M(atom=xyz, basis="sto-3g", symmetry=True, verbose=0)
    if mole.groupname in LINEAR:
        mole.symmetry_subgroup = LINEAR[mole.groupname]
        mole.build(dump_input=False, parse_arg=False)
    return tuple(symm.label_orb_symm(mole, mole.irrep_name, mole.symm_orb, orbitals))


@pytest.mark.parametrize("name", SHAPES)
def test_orbitals_have_pyscfs_irreps(name):
    """Molecules along the axes; which of two perpendicular planes is x is the orbitals' to say."""
    xyz, group = SHAPES[name]
    molecule = qm.Molecule.from_xyz(xyz)
    orbitals = run_mean_field(molecule).mo_coeff
    found = orbital_irreps(molecule, orbitals)
    theirs = pyscf_labels(xyz, orbitals)
    assert found.name == group
    if group in LINEAR:
        swap = str.maketrans({"2": "3", "3": "2"} if group == "Dooh" else {"1": "2", "2": "1"})
        keep = {"A1", "A2", "Ag", "Au", "B1g", "B1u"}
        swapped = tuple(n if n in keep else n.translate(swap) for n in theirs)
        assert found.irreps in (theirs, swapped)
    else:
        assert found.irreps == theirs


@pytest.mark.parametrize("name", SHAPES)
def test_irreps_do_not_depend_on_how_the_molecule_lies(name):
    """Turned, shifted, atoms listed otherwise: the same group and the same names."""
    molecule = qm.Molecule.from_xyz(SHAPES[name][0])
    one, other = irreps(molecule), irreps(moved(molecule))
    assert other.name == one.name
    assert other.irreps == one.irreps


def test_a_product_of_irreps_is_the_xor_of_their_places():
    """B1 x B2 = A2 in C2v, B2g x B3u = B1u in D2h: PySCF's order of the names is the group's."""
    water, nitrogen = (irreps(qm.Molecule.from_xyz(xyz)) for xyz in (WATER, NITROGEN))
    for group, product in ((water, ("B1", "B2", "A2")), (nitrogen, ("B2g", "B3u", "B1u"))):
        a, b, c = (group.names.index(n) for n in product)
        assert a ^ b == c
        assert group.names.index(group.names[0]) == 0


def test_a_molecule_without_symmetry_has_no_irreps():
    """C1, and orbitals mixed out of all symmetry."""
    assert irreps(qm.Molecule.from_xyz(LOPSIDED)) is None
    water = qm.Molecule.from_xyz(WATER)
    orbitals = run_mean_field(water).mo_coeff
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(7, 7)))[0]
    assert orbital_irreps(water, orbitals @ turn) is None
    assert orbital_irreps(water, orbitals).irreps[0] == "A1"


def test_degenerate_orbitals_turned_about_the_axis_keep_their_names():
    """Both pairs of N2 by one angle: the axes follow them."""
    molecule = qm.Molecule.from_xyz(NITROGEN)
    orbitals = run_mean_field(molecule).mo_coeff.copy()
    before = orbital_irreps(molecule, orbitals)
    cosine, sine = np.cos(0.4), np.sin(0.4)
    for names in (("B3u", "B2u"), ("B2g", "B3g")):
        pair = [before.irreps.index(n) for n in names]
        orbitals[:, pair] = orbitals[:, pair] @ np.array([[cosine, -sine], [sine, cosine]])
    after = orbital_irreps(molecule, orbitals)
    assert sorted(after.irreps) == sorted(before.irreps)


def test_an_atom_has_the_irreps_of_a_box():
    """Neon: s is Ag, the three p are B1u, B2u, B3u; no axis, no Lambda."""
    neon = irreps(qm.Molecule.from_xyz("Ne 0 0 0"))
    assert neon.name == "SO3"
    assert neon.irreps[:2] == ("Ag", "Ag")
    assert set(neon.irreps[2:]) == {"B1u", "B2u", "B3u"}
    assert neon.angular is None


def oxygen(nelec):
    """O2 at 1.21 Å in the orbitals of its triplet, valence only, for any electrons."""
    molecule = qm.Molecule.from_xyz("O 0 0 0; O 0 0 1.21", spin=2)
    h = qm.molecular_hamiltonian(molecule, qm.ActiveSpace(freeze_core=True))
    return replace(h, nelec=nelec)


def test_the_lowest_terms_of_oxygen_are_those_of_the_textbooks():
    """X 3Sigma_g-, a 1Delta_g twice, b 1Sigma_g+, all of the open pi* shell."""
    h = oxygen((6, 6))
    found = symmetry_states(h, 4)
    assert found.irreps == ("Sigma_g-", "Delta_g", "Delta_g", "Sigma_g+")
    assert found.spins == (2, 0, 0, 0)
    assert found.energies[1] == pytest.approx(found.energies[2], abs=1e-9)
    triplet = symmetry_states(oxygen((7, 5)), 1)
    assert triplet.irreps == ("Sigma_g-",)
    assert triplet.energies[0] == pytest.approx(found.energies[0], abs=1e-9)


def test_the_triplets_of_nitrogen_come_in_the_known_order():
    """A 3Sigma_u+, B 3Pi_g, W 3Delta_u, B' 3Sigma_u- (Lofthus and Krupenie 1977)."""
    molecule = qm.Molecule.from_xyz(NITROGEN)
    h = qm.molecular_hamiltonian(molecule, qm.ActiveSpace(6, 6))
    found = symmetry_states(h, 6, multiplicity=3)
    expected = ("Sigma_u+", "Pi_g", "Pi_g", "Delta_u", "Delta_u", "Sigma_u-")
    assert found.irreps == expected
    ground = symmetry_states(h, 1)
    assert (ground.irreps, ground.spins) == (("Sigma_g+",), (0,))


@pytest.mark.parametrize(
    ("xyz", "spin", "irrep"),
    [
        ("N 0 0 0; H 0 0 1.04", 2, "Sigma-"),
        ("O 0 0 0; H 0 0 0.97", 1, "Pi"),
        ("C 0 0 0; H 0 0 1.12", 1, "Pi"),
        ("B 0 0 0; B 0 0 1.6", 2, "Sigma_g-"),
        ("H 0 0 -1.33; Be 0 0 0; H 0 0 1.33", 0, "Sigma_g+"),
        ("H 0 0 0; He 0 0 0.9", 1, "Sigma+"),
    ],
)
def test_ground_states_have_their_known_terms(xyz, spin, irrep):
    """NH 3Sigma-, OH and CH 2Pi, B2 3Sigma_g-, BeH2 1Sigma_g+, HHe 2Sigma+."""
    molecule = qm.Molecule.from_xyz(xyz, spin=spin)
    h = qm.molecular_hamiltonian(molecule, qm.ActiveSpace(freeze_core="He" not in xyz))
    found = symmetry_states(h, 1, multiplicity=spin + 1)  # STO-3G has CH's quartet lowest
    assert found.irreps == (irrep,)


def test_axial_momenta_of_exact_states_are_whole_numbers():
    """sqrt(<L_z^2>) = Lambda for 20 states of O2, up to the residuals of the eigenvectors."""
    h = oxygen((7, 5))
    found = symmetry_states(h, 20)
    momenta = [axial_momentum(v, h.point_group.angular, h.nelec) for v in found.states]
    names = {"Sigma": 0, "Pi": 1, "Delta": 2, "Phi": 3, "Gamma": 4}
    whole = [names[irrep.split("_")[0]] for irrep in found.irreps]
    assert momenta == pytest.approx(whole, abs=1e-5)
    assert len(set(whole)) >= 3


def test_axial_momentum_is_what_the_square_of_a_dense_operator_gives():
    """L_z built by one-particle operators on PySCF's FCI vectors, applied twice."""
    h = oxygen((7, 5))
    angular, state = h.point_group.angular, np.random.default_rng(1).normal(size=h.shape)
    state /= np.linalg.norm(state)
    image = np.zeros_like(state)
    for p in range(h.norb):
        for q in range(h.norb):
            for create, destroy, k in (
                (fci.addons.cre_a, fci.addons.des_a, 0),
                (fci.addons.cre_b, fci.addons.des_b, 1),
            ):
                fewer = (h.nelec[0] - (k == 0), h.nelec[1] - (k == 1))
                without = destroy(state, h.norb, h.nelec, q)
                image += angular[p, q] * create(without, h.norb, fewer, p)
    assert axial_momentum(state, angular, h.nelec) == pytest.approx(
        np.linalg.norm(image), abs=1e-10
    )


def test_states_of_water_have_the_irreps_of_pyscfs_full_ci():
    """Lowest singlet of each irrep of C2v by another program that is held to that irrep."""
    molecule = qm.Molecule.from_xyz(WATER)
    h = qm.molecular_hamiltonian(molecule, qm.ActiveSpace(freeze_core=True))
    group = h.point_group
    for name in ("A1", "A2", "B1", "B2"):
        solver = fci.direct_spin0_symm.FCI()
        solver.conv_tol, solver.verbose = 1e-12, 0
        solver.wfnsym = group.names.index(name)
        energy, _ = solver.kernel(h.one_body, h.two_body, h.norb, h.nelec, orbsym=group.orbitals)
        ours = symmetry_states(h, 1, multiplicity=1, irrep=name)
        assert ours.energies[0] - h.core_energy == pytest.approx(energy, abs=1e-8)
        assert ours.irreps == (name,)


def test_determinants_carry_the_product_of_their_electrons():
    """By hand: H2's four determinants in an Ag and a B1u orbital."""
    labels = determinant_labels(Sector(2, (1, 1)), np.array([0, 5]))
    assert labels.tolist() == [[0, 5], [5, 0]]
