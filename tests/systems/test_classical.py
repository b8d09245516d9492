"""MP2, CCSD, CCSD(T) and NEVPT2 against plain PySCF, and against the exact energy."""

import numpy as np
import pytest
from pyscf import cc, mcscf, mp, mrpt, scf

from qmlmat.errors import InputError, QmlmatError
from qmlmat.systems import (
    CLASSICAL,
    ActiveSpace,
    MolecularHamiltonian,
    Molecule,
    amplitudes,
    classical,
    classical_energies,
    molecular_hamiltonian,
    nevpt2,
    nevpt2_energy,
    run_mean_field,
)

METHODS = ("mp2", "ccsd", "ccsd(t)")
HYDRIDE = Molecule.from_xyz("Li 0 0 0; H 0 0 1.6", basis="6-31g")
IMINO = Molecule.from_xyz("N 0 0 0; H 0 0 1.04", spin=2, basis="6-31g")


def nitrogen(distance):
    molecule = Molecule.from_xyz(f"N 0 0 0; N 0 0 {distance}", basis="cc-pvdz")
    return molecule, ActiveSpace(10, 8)


def rotation(n, rng):
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


def turned(hamiltonian, seed=1):
    """Return the Hamiltonian in orbitals mixed within doubly, singly and unoccupied ones."""
    rng = np.random.default_rng(seed)
    fewer, more = sorted(hamiltonian.nelec)
    u = np.zeros((hamiltonian.norb,) * 2)
    for block in (slice(fewer), slice(fewer, more), slice(more, None)):
        u[block, block] = rotation(len(u[block]), rng)
    h2 = np.einsum("pqrs,pi,qj,rk,sl->ijkl", hamiltonian.two_body, u, u, u, u, optimize=True)
    return MolecularHamiltonian(
        one_body=u.T @ hamiltonian.one_body @ u,
        two_body=h2,
        core_energy=hamiltonian.core_energy,
        nelec=hamiltonian.nelec,
    )


def plain_pyscf(molecule, space):
    """Return PySCF's energies over its own canonical orbitals, others frozen."""
    field = scf.RHF(molecule.to_pyscf())
    field.conv_tol, field.conv_tol_grad = 1e-13, 1e-9
    field.run()
    chosen = space.select(run_mean_field(molecule)).active
    frozen = [p for p in range(field.mo_coeff.shape[1]) if p not in chosen]
    second = mp.MP2(field, frozen=frozen).run()
    method = cc.CCSD(field, frozen=frozen)
    method.conv_tol, method.conv_tol_normt = 1e-11, 1e-8
    method.run()
    return dict(
        zip(METHODS, (second.e_tot, method.e_tot, method.e_tot + method.ccsd_t()), strict=True)
    )


@pytest.mark.parametrize(
    ("molecule", "space"),
    [(HYDRIDE, ActiveSpace()), (HYDRIDE, ActiveSpace(freeze_core=True)), nitrogen(1.1)],
    ids=["LiH", "LiH frozen core", "N2"],
)
def test_closed_shells_agree_with_pyscf(molecule, space):
    """The active space's integrals alone give what PySCF gives with the rest frozen."""
    found = classical_energies(molecular_hamiltonian(molecule, space))
    assert found.notes == ()
    for name, energy in plain_pyscf(molecule, space).items():
        assert found.energies[name] == pytest.approx(energy, abs=1e-8)


def test_open_shell_agrees_with_pyscf():
    """Triplet NH: UCCSD and (T) over ROHF orbitals made semicanonical by hand, 1s frozen."""
    field = scf.ROHF(IMINO.to_pyscf())
    field.conv_tol, field.conv_tol_grad = 1e-13, 1e-9
    field.run()
    both = field.to_uhf()
    focks = both.get_fock()
    orbitals, levels = [], []
    for fock, n in zip(focks, (5, 3), strict=True):
        parts = []
        for block in (slice(1), slice(1, n), slice(n, None)):
            c = field.mo_coeff[:, block]
            parts.append(c @ np.linalg.eigh(c.T @ fock @ c)[1])
        orbitals.append(np.hstack(parts))
        levels.append(np.einsum("pi,pq,qi->i", orbitals[-1], fock, orbitals[-1]))
    both.mo_coeff, both.mo_energy = np.array(orbitals), np.array(levels)
    method = cc.UCCSD(both, frozen=1)
    method.conv_tol, method.conv_tol_normt = 1e-11, 1e-8
    method.run()
    doubles = mp.UMP2(both, frozen=1).run().e_tot
    singles = 0.0
    for fock, c, e, n in zip(focks, orbitals, levels, (5, 3), strict=True):
        coupling = c[:, 1:n].T @ fock @ c[:, n:]
        singles += np.sum(coupling**2 / (e[1:n, None] - e[None, n:]))
    found = classical_energies(molecular_hamiltonian(IMINO, ActiveSpace(freeze_core=True)))
    assert found.energies["mp2"] == pytest.approx(doubles + singles, abs=1e-8)
    assert found.energies["ccsd"] == pytest.approx(method.e_tot, abs=1e-8)
    assert found.energies["ccsd(t)"] == pytest.approx(method.e_tot + method.ccsd_t(), abs=1e-8)


@pytest.mark.parametrize("molecule", [HYDRIDE, IMINO], ids=["LiH", "NH"])
def test_energies_do_not_depend_on_how_orbitals_mix(molecule):
    """Rotations among occupied, among singly occupied and among empty orbitals change nothing."""
    hamiltonian = molecular_hamiltonian(molecule, ActiveSpace(freeze_core=True))
    first = classical_energies(hamiltonian).energies
    again = classical_energies(turned(hamiltonian)).energies
    for name in METHODS:
        assert again[name] == pytest.approx(first[name], abs=1e-8)


@pytest.mark.parametrize("nelec", [(2, 0), (0, 2), (1, 0), (4, 1), (1, 4), (3, 1), (1, 1), (3, 3)])
def test_coupled_cluster_is_exact_for_two_electrons_or_two_holes(nelec):
    """Any split of the spins, spins that fill every orbital too: CCSD is exact, (T) is zero."""
    chain = molecular_hamiltonian(Molecule.from_xyz("H 0 0 0; H 0 0 .9", basis="6-31g"))
    hamiltonian = MolecularHamiltonian(
        one_body=chain.one_body, two_body=chain.two_body, core_energy=0.3, nelec=nelec
    )
    exact = hamiltonian.spectrum().energies[0]
    found = classical_energies(hamiltonian, exact=exact).energies
    assert found["ccsd"] == pytest.approx(exact, abs=1e-7)
    assert found["ccsd(t)"] == pytest.approx(exact, abs=1e-7)


@pytest.mark.parametrize("nelec", [(4, 4), (4, 0), (0, 0)])
def test_without_excitations_every_method_is_hartree_fock(nelec):
    """Full or empty orbitals leave one determinant."""
    chain = molecular_hamiltonian(Molecule.from_xyz("H 0 0 0; H 0 0 .9", basis="6-31g"))
    hamiltonian = MolecularHamiltonian(
        one_body=chain.one_body, two_body=chain.two_body, nelec=nelec
    )
    found = classical_energies(hamiltonian)
    assert found.energies == dict.fromkeys(METHODS, hamiltonian.mean_field_energy)


def test_spin_that_fills_all_orbitals_leaves_the_other_its_triples():
    """Six alpha electrons in six orbitals: the three beta ones move alone, (T) included."""
    chain = molecular_hamiltonian(
        Molecule.from_xyz("; ".join(f"H {0.2 * (k % 3)} 0 {k}" for k in range(6)))
    )
    sector = {"one_body": chain.one_body, "two_body": chain.two_body}
    full = MolecularHamiltonian(**sector, nelec=(6, 3))
    found = classical_energies(full).energies
    exact = full.spectrum().energies[0]
    assert found["ccsd"] == pytest.approx(exact, abs=1e-5)  # 28 mHa of correlation, all but (T)
    assert found["ccsd(t)"] == pytest.approx(exact, abs=1e-5)


def test_ccsd_below_the_exact_energy_is_said():
    """N2 at 2.0 Å (10e,8o): CCSD lies 41.0 mHa below the exact energy of its space."""
    hamiltonian = molecular_hamiltonian(*nitrogen(2.0))
    exact = hamiltonian.spectrum().energies[0]
    found = classical_energies(hamiltonian, exact=exact)
    assert 1e3 * (found.energies["ccsd"] - exact) == pytest.approx(-41.0, abs=0.1)
    text = " ".join(found.notes)
    assert "CCSD is 41.0 mHa below the exact energy" in text
    assert "CCSD(T) is 45.6 mHa below" in text
    assert "MP2 is 168.7 mHa below" in text
    assert "D2 = 0.85" in text


def test_stretched_h2_leaves_no_doubt_about_ccsd():
    """Large doubles of two electrons are exact: no note."""
    far = molecular_hamiltonian(Molecule.from_xyz("H 0 0 0; H 0 0 2.5"))
    exact = far.spectrum().energies[0]
    assert classical_energies(far, ["ccsd"], exact=exact).notes == ()


def test_ccsd_that_does_not_converge_is_absent(monkeypatch):
    """MP2 stays; a note names the iterations."""
    monkeypatch.setattr(amplitudes, "CCSD_CYCLES", 1)
    monkeypatch.setattr(classical, "CCSD_CYCLES", 1)
    found = classical_energies(molecular_hamiltonian(HYDRIDE))
    assert set(found.energies) == {"mp2"}
    assert found.notes == ("CCSD and CCSD(T) left out: CCSD did not converge in 1 iterations.",)


def test_vanishing_gap_leaves_mp2_out():
    """Two sites, no hopping, one occupied: equal levels, and the energy is infinite."""
    repulsion = np.zeros((2, 2, 2, 2))
    repulsion[0, 1, 0, 1] = repulsion[1, 0, 1, 0] = repulsion[0, 1, 1, 0] = 0.1
    repulsion[1, 0, 0, 1] = 0.1
    flat = MolecularHamiltonian(one_body=np.diag([0.0, 0.1]), two_body=repulsion, nelec=(1, 1))
    found = classical_energies(flat, ["mp2"])
    assert found.energies == {}
    assert "MP2 has no finite energy" in found.notes[0]


@pytest.mark.parametrize(
    ("name", "remedy"), [("CCDS", 'Did you mean "ccsd"'), ("nevpt2", "Use nevpt2_energy")]
)
def test_unknown_method_is_refused_with_the_nearest(name, remedy):
    """NEVPT2 is known, but needs more than the Hamiltonian."""
    with pytest.raises(InputError, match=remedy):
        classical_energies(molecular_hamiltonian(HYDRIDE), [name])
    assert set(METHODS) < set(CLASSICAL)


def blocks(molecule, n_core, norb):
    c = run_mean_field(molecule).mo_coeff
    parts = np.split(c, [n_core, n_core + norb], axis=1)
    return dict(zip(("core", "active", "virtual"), parts, strict=True))


@pytest.mark.parametrize(
    ("molecule", "n_core", "norb", "nelec"),
    [
        (Molecule.from_xyz("O 0 0 0; H .75 .58 0; H -.75 .58 0", basis="6-31g"), 2, 4, (3, 3)),
        (IMINO, 2, 4, (3, 1)),
        (HYDRIDE, 0, 3, (2, 2)),
        (Molecule.from_xyz("Li 0 0 0; H 0 0 1.6"), 1, 5, (1, 1)),
    ],
    ids=["water", "NH", "no core", "nothing outside but a core"],
)
def test_nevpt2_agrees_with_pyscf(molecule, n_core, norb, nelec):
    """A CASCI in the same orbitals, then PySCF's own NEVPT2."""
    parts = blocks(molecule, n_core, norb)
    found = nevpt2_energy(molecule, **parts, nelec=nelec)
    method = mcscf.CASCI(scf.RHF(molecule.to_pyscf()), norb, nelec, ncore=n_core)
    method.fix_spin_(ss=molecule.spin / 2 * (molecule.spin / 2 + 1))
    method.verbose, method.fcisolver.conv_tol = 0, 1e-13
    method.kernel(np.hstack(list(parts.values())))
    expected = method.e_tot + mrpt.NEVPT(method).kernel()
    assert found.notes == ()
    # Degenerate orbitals, which strong contraction feels, are PySCF's chance: 1e-8 here.
    assert found.energies["nevpt2"] == pytest.approx(expected, abs=5e-8)


def test_nevpt2_does_not_depend_on_how_orbitals_mix():
    """Degenerate orbitals are oriented by the molecule: N2's energy is one number."""
    molecule, _ = nitrogen(2.0)
    parts = blocks(molecule, 2, 8)
    rng = np.random.default_rng(5)
    mixed = {k: c @ rotation(c.shape[1], rng) for k, c in parts.items()}
    first = nevpt2_energy(molecule, **parts, nelec=(5, 5)).energies["nevpt2"]
    again = nevpt2_energy(molecule, **mixed, nelec=(5, 5)).energies["nevpt2"]
    assert again == pytest.approx(first, abs=1e-8)


def test_nevpt2_stands_on_the_state_of_the_spin_asked_for():
    """O2: the triplet lies below the singlet, whichever split of the electrons is given."""
    molecule = Molecule.from_xyz("O 0 0 0; O 0 0 1.2", spin=2)
    parts = blocks(molecule, 4, 6)
    triplet = nevpt2_energy(molecule, **parts, nelec=(5, 3)).energies["nevpt2"]
    singlet = nevpt2_energy(molecule, **parts, nelec=(4, 4)).energies["nevpt2"]
    again = nevpt2_energy(molecule, **parts, nelec=(4, 4), spin=2).energies["nevpt2"]
    assert again == pytest.approx(triplet, abs=1e-8)
    assert singlet > triplet + 0.01


def test_nevpt2_states_that_fail_are_absent(monkeypatch):
    """A wrong spin or no convergence: no energy, and a note that says which."""
    parts = blocks(HYDRIDE, 1, 4)
    monkeypatch.setattr(nevpt2, "SPIN_TOLERANCE", -1.0)
    found = nevpt2_energy(HYDRIDE, **parts, nelec=(1, 1))
    assert not found.energies
    assert "<S^2> = 0.000" in found.notes[0]

    def fail(*_):
        raise QmlmatError("a residual is still large.")

    monkeypatch.setattr(nevpt2, "lowest_states", fail)
    found = nevpt2_energy(HYDRIDE, **parts, nelec=(1, 1))
    assert not found.energies
    assert "did not converge" in found.notes[0]


def test_nevpt2_refuses_orbitals_that_do_not_fit():
    """Shapes, overlaps, electrons, spin: each with its remedy."""
    parts = blocks(HYDRIDE, 1, 4)
    for change, remedy in (
        ({"core": np.zeros((3, 1))}, "one column an orbital"),
        ({"active": np.zeros((11, 0))}, "at least one active"),
        ({"active": 2 * parts["active"]}, "Use orthonormal orbitals"),
        ({"core": np.zeros((11, 0))}, "of one selection"),
        ({"nelec": (5, 1)}, "fills 0 to 4"),
        ({"spin": 1}, "Use spin=0 or 2"),
    ):
        with pytest.raises(InputError, match=remedy):
            nevpt2_energy(HYDRIDE, **{**parts, "nelec": (1, 1), **change})


def test_nevpt2_of_a_single_orbital_is_left_out_and_said():
    """PySCF has no code for helium in one function; a scan goes on without."""
    helium = Molecule.from_xyz("He 0 0 0;")
    empty = np.zeros((1, 0))
    orbital = run_mean_field(helium).mo_coeff
    found = nevpt2_energy(helium, core=empty, active=orbital, virtual=empty, nelec=(1, 1))
    assert found.energies == {}
    assert found.notes == ("NEVPT2 left out: PySCF has no code for so few orbitals.",)
