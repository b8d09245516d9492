"""Symmetries read from integrals: PySCF's irreps are found, and where there are none, none."""

import itertools

import numpy as np
import pytest
from molecules import BERYLLIUM_HYDRIDE, HYDROGEN, WATER, hamiltonian
from pyscf import ao2mo, gto, scf, symm

import qmlmat as qm
from qmlmat.systems import MolecularHamiltonian, orbital_parities, run_mean_field
from qmlmat.systems.symmetry import FORBIDDEN

ETHENE = "; ".join(
    ["C 0 0 0.67", "C 0 0 -0.67"] + [f"H 0 {y} {z}" for y in (0.93, -0.93) for z in (1.23, -1.23)]
)
NITROGEN = "N 0 0 0; N 0 0 1.1"
CHAIN = "; ".join(f"H 0 0 {k}" for k in range(6))
BENT = "O 0 0 0; F 0 0 1.44; H 0.9 0 -0.3"  # a mirror plane
TWISTED = "O 0 0.7 0; O 0 -0.7 0; H 0.8 0.9 0.4; H -0.8 -0.9 0.4"  # a two-fold axis
LOPSIDED = "O 0 0.7 0; O 0 -0.7 0; H 0.8 0.9 0.4; F -0.8 -0.9 0.4"  # nothing
SHAPES = {
    "N2": NITROGEN,
    "H2O": WATER,
    "H6": CHAIN,
    "BeH2": BERYLLIUM_HYDRIDE,
    "C2H4": ETHENE,
    "HOF": BENT,
    "H2O2": TWISTED,
}


def selection_rules(labels):
    """Which pairs and quartets of orbitals are allowed."""
    pairs = labels[:, None] ^ labels
    return pairs == 0, (pairs[:, :, None, None] ^ pairs) == 0


def assert_same_rules(labels, irreps):
    assert len(set(irreps)) > 1
    for ours, theirs in zip(selection_rules(labels), selection_rules(irreps), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def symmetric_molecule(xyz):
    """PySCF's molecule with the largest Abelian point group, a subgroup of D2h."""
    mole = gto.M(atom=xyz, basis="sto-3g", symmetry=True, verbose=0)
    if mole.groupname in ("Dooh", "Coov"):
        mole.symmetry_subgroup = {"Dooh": "D2h", "Coov": "C2v"}[mole.groupname]
        mole.build(dump_input=False, parse_arg=False)
    return mole


def irreps_of(mole, orbitals):
    """PySCF's numbers of the irreps, whose products are their XOR."""
    return np.array(symm.label_orb_symm(mole, mole.irrep_id, mole.symm_orb, orbitals))


def rotated(h, turn):
    """The Hamiltonian in other orbitals."""
    return MolecularHamiltonian(
        one_body=turn.T @ h.one_body @ turn,
        two_body=np.einsum("pqrs,pi,qj,rk,sl->ijkl", h.two_body, *[turn] * 4, optimize=True),
        nelec=h.nelec,
    )


@pytest.mark.parametrize("xyz", SHAPES.values(), ids=SHAPES.keys())
def test_labels_group_orbitals_as_pyscf_irreps_do(xyz):
    """PySCF finds the point group from the nuclei and the irreps from the orbitals' shape."""
    mole = symmetric_molecule(xyz)
    field = scf.RHF(mole).run(conv_tol=1e-12, conv_tol_grad=1e-9)
    orbitals = field.mo_coeff
    h = MolecularHamiltonian(
        one_body=orbitals.T @ field.get_hcore() @ orbitals,
        two_body=ao2mo.restore(1, ao2mo.kernel(mole, orbitals), mole.nao),
        nelec=mole.nelec,
    )
    assert_same_rules(orbital_parities(h), irreps_of(mole, orbitals))


@pytest.mark.parametrize("xyz", SHAPES.values(), ids=SHAPES.keys())
def test_gauge_fixed_orbitals_have_pyscf_irreps_too(xyz):
    """Our own orbitals of an axis-aligned molecule are adapted to its Abelian point group."""
    molecule = qm.Molecule.from_xyz(xyz)
    field = run_mean_field(molecule)
    h = qm.molecular_hamiltonian(molecule, mean_field=field)
    mole = symmetric_molecule(xyz)
    assert_same_rules(orbital_parities(h), irreps_of(mole, field.mo_coeff))


def test_labels_do_not_depend_on_how_the_molecule_lies():
    """The axes of the symmetry are the molecule's, not those of the coordinates."""
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    for xyz in (NITROGEN, ETHENE):
        molecule = qm.Molecule.from_xyz(xyz)
        moved = qm.Molecule(molecule.symbols, molecule.positions @ turn.T + [0.3, 0.1, -0.2])
        labels, again = (orbital_parities(qm.molecular_hamiltonian(m)) for m in (molecule, moved))
        np.testing.assert_array_equal(again, labels)


def test_signs_of_a_symmetry_commute_with_the_hamiltonian():
    """Turning the sign of every electron in an odd orbital changes nothing that H does."""
    h = hamiltonian(WATER)
    labels = orbital_parities(h)
    state = np.random.default_rng(0).normal(size=h.shape)
    for k in range(int(labels.max()).bit_length()):
        odd = np.int64(sum(1 << p for p in range(h.norb) if labels[p] >> k & 1))
        rows, columns = (
            1 - 2 * (np.bitwise_count(strings & odd).astype(int) % 2)
            for strings in (h.sector.alpha_strings, h.sector.beta_strings)
        )
        signs = rows[:, None] * columns
        np.testing.assert_allclose(signs * h.matvec(state), h.matvec(signs * state), atol=1e-10)


@pytest.mark.parametrize("seed", range(8))
def test_labels_are_those_of_a_search_through_all_signs(seed):
    """The null space over GF(2) is what trying every choice of signs finds."""
    rng, norb = np.random.default_rng(seed), 5
    one = rng.normal(size=(norb, norb)) * (rng.random((norb, norb)) < 0.1)
    two = rng.normal(size=(norb,) * 4) * (rng.random((norb,) * 4) < 0.01)
    for axes in ((1, 0, 2, 3), (0, 1, 3, 2), (2, 3, 0, 1)):
        two = two + two.transpose(axes)
    h = MolecularHamiltonian(one_body=one + one.T, two_body=two, nelec=(1, 1))
    kept = []
    for tail in itertools.product((1, -1), repeat=norb - 1):
        s = np.array([1, *tail])
        signed_two = np.einsum("pqrs,p,q,r,s->pqrs", h.two_body, s, s, s, s)
        if np.array_equal(s[:, None] * h.one_body * s, h.one_body) and np.array_equal(
            signed_two, h.two_body
        ):
            kept.append(s)
    labels = orbital_parities(h)
    n_bits = int(labels.max()).bit_length()
    assert len(kept) == 2**n_bits
    found = {
        tuple(1 - 2 * (np.bitwise_count(labels & mask).astype(int) % 2))
        for mask in range(2**n_bits)
    }
    assert found == {tuple(s) for s in kept}


def test_orbitals_without_symmetry_are_all_alike():
    """A molecule without symmetry, and N2 in orbitals that have none: nothing is found."""
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
    nitrogen = hamiltonian(NITROGEN)
    assert orbital_parities(nitrogen).max() == 6
    for h in (hamiltonian(LOPSIDED), rotated(nitrogen, turn)):
        assert not orbital_parities(h).any()


def test_noise_leaves_the_symmetry_and_a_weak_field_breaks_it():
    """Integrals below the tolerance count as zero, those above do not."""
    h = hamiltonian(HYDROGEN)
    for size, expected in ((0.1 * FORBIDDEN, [0, 1]), (10 * FORBIDDEN, [0, 0])):
        mixed = MolecularHamiltonian(
            one_body=h.one_body + size * np.array([[0, 1], [1, 0]]),
            two_body=h.two_body,
            nelec=h.nelec,
        )
        assert orbital_parities(mixed).tolist() == expected


def test_orbitals_that_do_not_mix_have_a_sign_each():
    """Without any integral but diagonal ones, every sign is free but the first."""
    h = MolecularHamiltonian(
        one_body=np.diag([1.0, 2, 3]), two_body=np.zeros([3] * 4), nelec=(1, 1)
    )
    assert orbital_parities(h).tolist() == [0, 1, 2]


def test_a_small_integral_breaks_a_symmetry_all_the_same():
    """H2 with a field of 1e-5 hartree along the bond: sigma_g and sigma_u may mix."""
    h = hamiltonian(HYDROGEN)
    assert orbital_parities(h).tolist() == [0, 1]
    one_body = h.one_body.copy()
    one_body[0, 1] = one_body[1, 0] = 1e-5
    tilted = MolecularHamiltonian(one_body=one_body, two_body=h.two_body, nelec=h.nelec)
    assert orbital_parities(tilted).tolist() == [0, 0]
