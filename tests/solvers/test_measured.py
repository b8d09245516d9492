"""Subspaces from measured matrix elements: elements, jackknife, q-sc-EOM and SSVQE on shots."""

import numpy as np
import pytest
from molecules import HYDROGEN, hamiltonian
from problems import problem

import qmlmat as qm
from qmlmat.backends import Preparation, Reference, SectorBackend
from qmlmat.backends.statevector import StatevectorBackend
from qmlmat.errors import InputError
from qmlmat.operators.sector import Sector
from qmlmat.solvers.measured import (
    N_BLOCKS,
    MeasuredBlock,
    MeasuredMatrix,
    jackknife,
    measured_levels,
    measured_matrix,
    superposed,
)

COVERED = (0.60, 0.76)
"""Shares of 200 repetitions within one standard error: 0.683 is expected, +-0.033."""
UNLIKELY = 5.0  # standard errors; seeds are fixed


def test_the_jackknife_of_a_mean_is_the_theory_of_a_mean():
    """No bias, and the covariance of the blocks over their number."""
    blocks = np.random.default_rng(1).normal(size=(20, 3))
    found = jackknife(blocks, lambda mean: mean)
    assert np.allclose(found.values, blocks.mean(axis=0), atol=1e-12)
    assert np.abs(found.bias).max() < 1e-12
    assert np.allclose(found.covariance, np.cov(blocks.T) / 20, atol=1e-12)


def test_the_jackknife_takes_the_bias_of_a_square_off_exactly():
    """The square of a mean is too large by its variance, which the blocks tell without bias."""
    blocks = np.random.default_rng(2).normal(0.3, 1.0, size=(20, 1))
    found = jackknife(blocks, lambda mean: mean**2)
    variance = blocks.var(ddof=1) / 20
    assert found.bias[0] == pytest.approx(variance, rel=1e-9)
    assert found.values[0] == pytest.approx(blocks.mean() ** 2 - variance, rel=1e-9)


def test_the_jackknife_reduces_the_bias_of_degenerate_eigenvalues():
    """Noise pushes the eigenvalues of a multiple of the identity apart: half of it is taken off."""
    rng, raw, corrected = np.random.default_rng(3), [], []
    for _ in range(400):
        noise = rng.normal(scale=0.05, size=(N_BLOCKS, 2, 2))
        blocks = np.eye(2) + (noise + noise.transpose(0, 2, 1)) / 2
        raw.append(np.linalg.eigvalsh(blocks.mean(axis=0)))
        corrected.append(jackknife(blocks, np.linalg.eigvalsh).values)
    before, after = (abs(np.mean(one, axis=0) - 1.0) for one in (raw, corrected))
    assert (after < 0.75 * before).all()
    apart = np.diag([0.0, 1.0])
    blocks = apart + 0.3 * rng.normal(size=(4000, N_BLOCKS, 1, 1)) * np.array([[0, 1], [1, 0]])
    lowest = [jackknife(one, np.linalg.eigvalsh).values[0] for one in blocks[:1000]]
    second_order = -(0.3**2) / N_BLOCKS
    assert abs(np.mean(lowest)) < 0.3 * abs(second_order)


def test_measured_elements_are_the_matrix_in_the_circuits_states():
    """Complex ones included, exactly, and by shots within the blocks' scatter."""
    case = problem("lucj", 2, (1, 1), 8)
    h = case.observables[0]
    sector = Sector(2, (1, 1))
    references = tuple(Reference.determinant(sector.bits(a, b)) for a in range(2) for b in range(2))
    preparation = Preparation(case.circuit, references, case.params[0])
    states = SectorBackend().state(preparation)
    right = np.array([[np.vdot(a, h.matvec(b)) for b in states] for a in states])
    (exact,) = measured_matrix(h, preparation, StatevectorBackend()).blocks
    assert np.abs(exact - right).max() < 1e-10
    sampled = StatevectorBackend(shots=20_000)
    blocks = measured_matrix(h, preparation, sampled, seed=1).blocks
    assert blocks.shape == (N_BLOCKS, 4, 4)
    assert np.allclose(blocks, blocks.conj().transpose(0, 2, 1))
    error = np.sqrt(blocks.real.var(axis=0) / N_BLOCKS + blocks.imag.var(axis=0) / N_BLOCKS)
    assert (np.abs(blocks.mean(axis=0) - right) < UNLIKELY * error + 1e-9).all()


def test_elements_that_vanish_are_not_measured():
    """Only linked pairs are superposed; the others are zero. All in one job."""
    case = problem("uccsd", 2, (1, 1), 9)
    references = tuple(Reference.determinant(b) for b in ("1010", "0110", "0101"))
    preparation = Preparation(case.circuit, references, case.params[0])
    backend = StatevectorBackend()
    matrix = measured_matrix(case.observables[0], preparation, backend, linked=[(0, 2)])
    (found,) = matrix.blocks
    assert found[0, 1] == found[1, 2] == 0
    assert found[0, 2] != 0
    assert backend.usage.n_jobs == 1
    assert backend.usage.n_circuits == 4


def test_superposed_references_are_normalised_sums():
    """Common determinants are added, and what cancels is left out."""
    root = np.sqrt(0.5)
    plus = Reference((("1010", root), ("0101", root)))
    minus = Reference((("1010", root), ("0101", -root)))
    assert superposed(plus, minus, 1.0).terms == (("1010", pytest.approx(1.0)),)
    turned = dict(superposed(Reference.determinant("1010"), plus.determinant("0101"), 1j).terms)
    assert turned == {"1010": pytest.approx(root), "0101": pytest.approx(1j * root)}


def test_a_calibration_that_all_blocks_share_is_in_the_error_bars():
    """It moves all levels alike: blocks do not see it, and their gaps do not feel it."""
    rng = np.random.default_rng(4)
    noise = 0.01 * rng.normal(size=(N_BLOCKS, 2, 2))
    blocks = np.diag([0.0, 1.0]) + (noise + noise.transpose(0, 2, 1)) / 2
    shifts = rng.normal(0.0, 0.05, size=24)
    shifts -= shifts.mean()
    bare = MeasuredMatrix(blocks=blocks).estimate(np.linalg.eigvalsh)
    whole = MeasuredMatrix(blocks=blocks, calibration=shifts[:, None, None] * np.eye(2))
    found = whole.estimate(np.linalg.eigvalsh)
    assert np.allclose(found.covariance - bare.covariance, shifts.var(ddof=1), atol=1e-12)
    assert np.allclose(found.values, bare.values)


def test_measured_levels_carry_the_readouts_calibration():
    """On a noisy device with few shots of calibration, bars are those of repeated calibrations."""
    h2 = hamiltonian(HYDROGEN)
    mapping = h2.qubit_mapping("parity", reduced=True)
    ground = qm.solve(h2, qm.VQE("uccsd"))
    solver = qm.EOM("q-sc-EOM", multiplicity=1)

    def found(seed, calibration_shots):
        mitigation = qm.Mitigation(readout=True, calibration_shots=calibration_shots)
        backend = qm.QiskitBackend.on_fake(
            "manila", n_qubits=2, seed=seed, mapping=mapping, shots=20_000, mitigation=mitigation
        )
        return solver.measured_roots(h2, ground, backend, n_states=2)

    poor = [found(seed, 400) for seed in range(12)]
    scatter = np.std([one.energies for one in poor], axis=0, ddof=1)
    bars = np.sqrt(np.mean([one.stderr**2 for one in poor], axis=0))
    rich = found(99, 100_000).stderr
    assert (bars > 1.5 * rich).all()
    assert (np.abs(np.log(scatter / bars)) < np.log(2.0)).all()  # 21 % of 12 repetitions, 3 sigma


def test_fewer_shots_than_blocks_are_refused_with_the_remedy():
    """Each block needs shots of its own."""
    case = problem("uccsd", 2, (1, 1), 9)
    preparation = Preparation(case.circuit, case.references[:1], case.params[0])
    with pytest.raises(InputError, match=str(N_BLOCKS)):
        measured_matrix(case.observables[0], preparation, StatevectorBackend(shots=10))


def assert_gaps_are_covered(found, right):
    """Over 200 seeds: gaps without bias, and error bars that hold."""
    gaps, errors = (np.array([getattr(one, n) for one in found]) for n in ("gaps", "gap_stderr"))
    spread = gaps[:, 1:].std(axis=0)
    off = np.abs(gaps.mean(axis=0) - right)[1:]
    assert (off < UNLIKELY * spread / np.sqrt(200) + 0.02 * spread).all()
    covered = (np.abs(gaps - right) <= errors)[:, 1:].mean(axis=0)
    assert COVERED[0] < covered.mean() < COVERED[1]
    assert ((covered > COVERED[0] - 0.03) & (covered < COVERED[1] + 0.03)).all()


def test_error_bars_of_gaps_cover():
    """H2's four states from one matrix, 200 seeds; the jackknife's own error is 16 %."""
    h2 = hamiltonian(HYDROGEN)
    ground = qm.solve(h2, qm.VQE("uccsd"))
    references = tuple(Reference.determinant(b) for b in ("1010", "1001", "0110", "0101"))
    preparation = Preparation(ground.circuit, references, ground.params + 0.2)
    reduced = h2.qubit_mapping("parity", reduced=True)
    block = MeasuredBlock(spin=0, functions=np.eye(4))
    found = [
        measured_levels(
            h2,
            measured_matrix(
                h2, preparation, StatevectorBackend(shots=4000, mapping=reduced), seed=seed
            ),
            [block],
            4,
            status="converged",
        )
        for seed in range(200)
    ]
    assert_gaps_are_covered(found, qm.solve(h2, qm.Exact(), n_states=4).gaps)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_error_bars_of_gaps_cover_for_lithium_hydride():
    """q-sc-EOM of LiH with two electrons in three orbitals, 200 seeds."""
    molecule = qm.Molecule.from_xyz("Li 0 0 0; H 0 0 1.595")
    lih = qm.molecular_hamiltonian(molecule, qm.ActiveSpace(indices=(1, 2, 5)))
    solver = qm.EOM("q-sc-EOM", ground=qm.VQE("uccsd", exact_search=True))
    mapping = lih.qubit_mapping("parity", reduced=True)
    backend = StatevectorBackend(shots=100_000, mapping=mapping)
    guess = qm.solve(lih, qm.VQE("uccsd"))
    found = [
        qm.solve(lih, solver, n_states=4, guess=guess, backend=backend, seed=seed)
        for seed in range(200)
    ]
    assert_gaps_are_covered(found, qm.solve(lih, solver, n_states=4).gaps)


def test_measured_excited_states_are_the_exact_ones():
    """q-sc-EOM of H2 without shots on qubits, and with many, its error bars reported."""
    h2 = hamiltonian(HYDROGEN)
    solver = qm.EOM("q-sc-EOM", ground=qm.VQE("uccsd", exact_search=True))
    right = qm.solve(h2, solver, n_states=4)
    exact = qm.solve(h2, solver, n_states=4, backend=StatevectorBackend())
    assert np.abs(exact.energies - right.energies).max() < 1e-8
    assert exact.stderr is exact.gap_stderr is None
    found = qm.solve(h2, solver, n_states=4, backend=StatevectorBackend(shots=200_000), seed=2)
    assert (np.abs(found.gaps - right.gaps) <= UNLIKELY * found.gap_stderr + 1e-12).all()
    assert found.covariance.shape == (4, 4)
    assert np.allclose(found.covariance.diagonal(), found.stderr**2)
    assert any("Jackknife over 20 blocks" in note for note in found.notes)
    assert found.multiplicities == right.multiplicities


def test_the_measured_subspace_of_ssvqe_holds_the_exact_states():
    """Two singlets of H2, searched exactly and measured; then searched under shots, too."""
    h2 = hamiltonian(HYDROGEN)
    mapping = h2.qubit_mapping("parity", reduced=True)
    right = qm.solve(h2, qm.SSVQE(multiplicity=1), n_states=2).energies
    exact = qm.SSVQE(multiplicity=1, exact_search=True)
    backend = StatevectorBackend(mapping=mapping)
    assert np.abs(qm.solve(h2, exact, n_states=2, backend=backend).energies - right).max() < 1e-8
    for solver in (exact, qm.SSVQE(multiplicity=1)):
        sampled = StatevectorBackend(shots=50_000, mapping=mapping)
        found = qm.solve(h2, solver, n_states=2, backend=sampled, seed=3)
        assert (np.abs(found.energies - right) < UNLIKELY * found.stderr + 2e-3).all()
        assert found.is_converged
