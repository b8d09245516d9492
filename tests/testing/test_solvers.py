"""The conformance check: our solvers pass it, and each way to break the contract is noticed."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from molecules import HYDROGEN, LITHIUM_HYDRIDE, hamiltonian

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.testing import ConformanceError, check_solver

SOLVERS = {
    "exact": (qm.Exact(), 3),
    "exact triplets": (qm.Exact(multiplicity=3), 3),
    "vqe": (qm.VQE("uccsd"), 1),
    "adapt": (qm.ADAPTVQE(), 1),
    "adapt, several states": (qm.ADAPTVQE(), 3),
    "ssvqe": (qm.SSVQE(), 3),
    "ssvqe triplets": (qm.SSVQE(multiplicity=3), 2),
    "vqd": (qm.VQD(), 3),
    "q-sc-EOM": (qm.EOM(), 3),
    "qEOM": (qm.EOM("qEOM"), 3),
    "qse": (qm.QSE(), 3),
    "krylov": (qm.Krylov(), 3),
}


@pytest.mark.parametrize("name", SOLVERS)
def test_our_solvers_keep_the_contract(name):
    """On the default, a chain of four hydrogen atoms; what is found is handed back."""
    solver, n_states = SOLVERS[name]
    found = check_solver(solver, n_states=n_states)
    assert found.n_states == n_states


def test_open_shells_and_other_molecules_are_checked_too():
    """A radical, and a Hamiltonian of your own."""
    radical = hamiltonian("O 0 0 0; H 0 0 0.97", spin=1)
    assert check_solver(qm.SSVQE(), hamiltonian=radical, n_states=2).multiplicities == (2, 2)
    assert check_solver(qm.Exact(), hamiltonian=hamiltonian(LITHIUM_HYDRIDE)).n_states == 3


@dataclass
class Broken:
    """The exact answer, changed by a function of the solution and of the call's number."""

    change: object
    is_variational: bool = True
    calls: int = 0

    def inputs(self):
        return {"solver": "broken"}

    def eigenpairs(self, hamiltonian, *, n_states, guess, backend, seed):
        self.calls += 1
        found = qm.Exact().eigenpairs(
            hamiltonian, n_states=n_states, guess=guess, backend=backend, seed=seed
        )
        found = replace(found, reference_energy=None)
        return self.change(found, self.calls)


def caught(change, match, *, n_states=3, **settings):
    """Check that a change of the exact answer is noticed."""
    with pytest.raises(ConformanceError, match=match):
        check_solver(
            Broken(change, **settings), hamiltonian=hamiltonian(HYDROGEN), n_states=n_states
        )


def test_the_exact_answer_unchanged_passes():
    """The broken solvers below are sound but for what is broken."""
    solver = Broken(lambda found, _: found)
    assert check_solver(solver, hamiltonian=hamiltonian(HYDROGEN)).n_states == 3


def test_an_energy_below_the_exact_one_is_noticed():
    """The second of three, so that no other guard rail sees it; not where no bound is claimed."""

    def lower(found, _):
        return replace(found, energies=found.energies - [0.0, 1e-3, 0.0])

    caught(lower, "1.00e-03 hartree below the exact one".replace(".", r"\."))
    solver = Broken(lower, is_variational=False)
    assert check_solver(solver, hamiltonian=hamiltonian(HYDROGEN)).n_states == 3


def test_an_energy_that_is_not_its_states_is_noticed():
    caught(
        lambda found, _: replace(found, energies=found.energies + 1e-6),
        "off its state's expectation",
    )


def test_energies_out_of_order_are_noticed():
    def swapped(found, _):
        order = [0, 2, 1]
        return replace(
            found,
            energies=found.energies[order],
            states=tuple(found.states[k] for k in order),
            residuals=found.residuals[order],
            spin_squares=found.spin_squares[order],
        )

    caught(swapped, "energies do not ascend")


def test_too_few_states_are_noticed():
    def fewer(found, _):
        return replace(
            found,
            energies=found.energies[:2],
            states=found.states[:2],
            residuals=found.residuals[:2],
            spin_squares=found.spin_squares[:2],
            reference_energies=None,
        )

    caught(fewer, r"energies have shape \(2,\)")
    caught(
        lambda found, _: replace(found, states=None, spin_squares=None),
        "not a state for each",
        n_states=1,
    )


def test_states_of_another_shape_are_noticed():
    """Flat vectors instead of alpha by beta."""
    caught(
        lambda found, _: replace(found, states=tuple(v.ravel() for v in found.states)),
        r"a state has shape \(4,\)",
        n_states=1,
    )


def test_states_that_are_not_normalised_are_noticed():
    caught(
        lambda found, _: replace(found, states=tuple(1.01 * v for v in found.states)),
        r"a state has the norm 1\.0",
    )


def test_energies_that_are_no_numbers_are_noticed():
    caught(
        lambda found, _: replace(found, energies=np.append(found.energies[:-1], np.nan)),
        "an energy is not finite",
    )


def test_another_unit_is_noticed():
    caught(lambda found, _: replace(found, unit="eV"), 'the unit is "eV"')


@pytest.mark.filterwarnings("ignore:States mix spins")
def test_states_that_mix_spins_are_noticed():
    """Singlet and triplet half and half: the energies between them fit, the spins do not."""

    def mixed(found, _):
        return replace(found, spin_squares=found.spin_squares - np.eye(3)[1])

    caught(mixed, r"states \[1\] mix spins")


def test_an_answer_that_changes_from_call_to_call_is_noticed():
    """By a rounding already: the same seed must give the same bits."""

    def drifting(found, calls):
        return replace(found, energies=found.energies + 1e-13 * calls)

    caught(drifting, "the same seed gives other energies")


def test_a_search_that_gets_worse_from_its_own_answer_is_noticed():
    @dataclass
    class Worse(Broken):
        def eigenpairs(self, hamiltonian, *, n_states, guess, backend, seed):
            found = super().eigenpairs(
                hamiltonian, n_states=n_states, guess=guess, backend=backend, seed=seed
            )
            return found if guess is None else replace(found, energies=found.energies + 0.1)

    with pytest.raises(ConformanceError, match="a search from its own answer ends higher"):
        check_solver(
            Worse(lambda found, _: found, is_variational=False), hamiltonian=hamiltonian(HYDROGEN)
        )


def test_inputs_that_are_not_plain_or_change_are_noticed():
    class Unplain(Broken):
        def inputs(self):
            return {"solver": self}

    class Moody(Broken):
        def inputs(self):
            self.calls += 1
            return {"calls": self.calls}

    for kind, match in ((Unplain, "not plain"), (Moody, "differs from call to call")):
        with pytest.raises(ConformanceError, match=match):
            check_solver(kind(lambda found, _: found), hamiltonian=hamiltonian(HYDROGEN))


def test_an_answer_to_what_cannot_be_asked_is_noticed():
    """More states than the sector holds, by a caller that lets it pass; an unknown multiplicity."""
    h = hamiltonian(HYDROGEN)

    def lenient(hamiltonian, solver, *, n_states=1, guess=None, seed=None):
        n_states = min(n_states, hamiltonian.dimension)
        return qm.solve(hamiltonian, solver, n_states=n_states, guess=guess, seed=seed)

    with pytest.raises(ConformanceError, match="more states than the sector holds is not refused"):
        check_solver(qm.Exact(), hamiltonian=h, solve_with=lenient)

    @dataclass(frozen=True)
    class Deaf:
        multiplicity: int | None = None

        def inputs(self):
            return {"multiplicity": self.multiplicity}

        def eigenpairs(self, hamiltonian, **keywords):
            return qm.Exact().eigenpairs(hamiltonian, **keywords)

    def bare(hamiltonian, solver, **keywords):
        if keywords.get("n_states", 1) > hamiltonian.dimension:
            raise InputError("too many")
        return solver.eigenpairs(
            hamiltonian, backend=None, **({"n_states": 1, "guess": None, "seed": None} | keywords)
        )

    with pytest.raises(ConformanceError, match="a multiplicity that no state of it has"):
        check_solver(Deaf(), hamiltonian=h, solve_with=bare)


def test_what_is_broken_is_an_assertion_and_an_error_of_ours():
    """Test runners report it as a failed assertion; ``except QmlmatError`` catches it."""
    assert issubclass(ConformanceError, AssertionError)
    assert issubclass(ConformanceError, qm.QmlmatError)
