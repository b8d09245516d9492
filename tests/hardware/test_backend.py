"""A backend behind a ledger: any solver goes on where it was, and each call is paid once."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hardware_fakes import FakeAdapter, FakeServer, Faults
from hardware_plans import ObedientClock, energy_requests, hydrogen, reduced, target

import qmlmat as qm
from qmlmat.backends.statevector import StatevectorBackend
from qmlmat.errors import BudgetError, CapabilityError, HardwareError, LedgerError, QmlmatWarning
from qmlmat.hardware.adapters.registry import make_adapter
from qmlmat.hardware.backend import LedgerBackend
from qmlmat.hardware.ledger.ledger import Ledger
from qmlmat.hardware.plan import MeasurementPlan
from qmlmat.hardware.runs import PlanRun
from qmlmat.solvers.boltzmann.gibbs import sample_gibbs

pytestmark = pytest.mark.filterwarnings("ignore::qmlmat.errors.QmlmatWarning")


class Counting:
    """A provider's door that counts what is sent; the process is stopped at one of its calls."""

    def __init__(self, inner, *, stop: tuple[str, int] = ("", 0), accepts: bool = True) -> None:
        self._inner, self._stop, self._accepts = inner, stop, accepts
        self._calls: dict[str, int] = {}
        self.n_sent = 0

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def _point(self, call: str) -> None:
        self._calls[call] = self._calls.get(call, 0) + 1
        if (call, self._calls[call]) == self._stop:
            raise KeyboardInterrupt

    def submit(self, payload, key):
        if not self._accepts:
            self._point("submit")
        self.n_sent += 1
        name = self._inner.submit(payload, key)
        if self._accepts:
            self._point("submit")
        return name

    def status(self, remote_id):
        self._point("status")
        return self._inner.status(remote_id)

    def fetch_raw(self, remote_id):
        self._point("fetch_raw")
        return self._inner.fetch_raw(remote_id)

    def compile(self, task, *, layout=None):
        self._point("compile")
        return self._inner.compile(task, layout=layout)


@pytest.fixture
def ledger(tmp_path):
    """An empty ledger, on which waiting takes no time."""
    with Ledger.open(tmp_path / "ledger", clock=ObedientClock()) as one:
        yield one


def device(ledger, *, run="vqe", where=None, adapter=None, stop=("", 0), accepts=True, **keywords):
    """H2's two qubits on Aer, behind a ledger; and its door."""
    where = where or target(sampling={"shots": 400})
    inner = adapter or make_adapter(where, folder=ledger.folder)
    door = Counting(inner, stop=stop, accepts=accepts)
    settings = {"mapping": reduced()} | keywords
    return LedgerBackend.open(where, ledger, run=run, adapter=door, **settings), door


def search(backend, *, seed=1, optimizer=None) -> qm.Solution:
    """A short search with shots."""
    solver = qm.VQE("uccsd", optimizer=optimizer or qm.SPSA, initial="random", max_iterations=2)
    return qm.solve(hydrogen(), solver, backend=backend, seed=seed)


def same(left: qm.Solution, right: qm.Solution) -> bool:
    """Whether two solutions agree in every bit of what they found and how."""
    return bool(
        (left.params == right.params).all()
        and (left.energies == right.energies).all()
        and (left.stderr == right.stderr).all()
    )


def test_a_search_is_replayed_without_a_new_job(ledger):
    """The same script once more gives the same to the last bit, and costs nothing."""
    backend, door = device(ledger)
    first = search(backend)
    n_jobs = door.n_sent
    assert n_jobs > 3
    again, idle = device(ledger)
    assert same(search(again), first)
    assert idle.n_sent == 0
    assert len(ledger.tasks("vqe")) == n_jobs


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """What a Rotosolve search finds where nothing goes wrong, and its number of jobs."""
    with Ledger.open(tmp_path_factory.mktemp("whole"), clock=ObedientClock()) as ledger:
        backend, door = device(ledger)
        return search(backend, optimizer=qm.Rotosolve), door.n_sent


@pytest.mark.parametrize(
    "stop", [("compile", 2), ("submit", 1), ("submit", 5), ("status", 3), ("fetch_raw", 4)]
)
def test_an_interrupted_search_goes_on_as_if_it_had_not_been(ledger, uninterrupted, stop):
    """The trajectory is that of an uninterrupted search, and each call is paid once."""
    wanted, n_jobs = uninterrupted
    backend, cut = device(ledger, stop=stop)
    with pytest.raises(KeyboardInterrupt):
        search(backend, optimizer=qm.Rotosolve)
    assert cut.n_sent < n_jobs
    backend, rest = device(ledger)
    assert same(search(backend, optimizer=qm.Rotosolve), wanted)
    assert cut.n_sent + rest.n_sent == n_jobs
    assert ledger.totals("vqe").spent.jobs == n_jobs


def test_a_job_that_never_arrived_is_sent_once(ledger):
    """Its shots are other ones than they would have been, so the search may take another way."""
    backend, cut = device(ledger, stop=("submit", 3), accepts=False)
    with pytest.raises(KeyboardInterrupt):
        search(backend)
    backend, rest = device(ledger)
    found = search(backend)
    assert cut.n_sent == 2
    assert len(ledger.tasks("vqe")) == cut.n_sent + rest.n_sent
    assert ledger.totals("vqe").spent.jobs == cut.n_sent + rest.n_sent
    backend, idle = device(ledger)
    assert same(search(backend), found)
    assert idle.n_sent == 0


def test_another_seed_is_refused(ledger):
    """It would ask something else, and pay for half a search of each."""
    backend, _ = device(ledger)
    search(backend)
    backend, door = device(ledger)
    with pytest.raises(LedgerError, match="same inputs and seed"):
        search(backend, seed=2)
    assert door.n_sent == 0


def test_an_interrupted_backend_is_not_used_again(ledger):
    """Its next call would be another than the one that is still to be answered."""
    backend, _ = device(ledger, stop=("status", 2))
    with pytest.raises(KeyboardInterrupt):
        search(backend)
    with pytest.raises(LedgerError, match="Open the backend anew"):
        search(backend)


def test_another_name_measures_again(ledger):
    """Independent shots for whoever wants them."""
    one, two = (search(device(ledger, run=name)[0]) for name in "ab")
    assert not same(one, two)


def test_other_settings_under_the_same_name_are_refused(ledger):
    """They would change what is asked."""
    device(ledger)
    with pytest.raises(LedgerError, match="vqe"):
        device(ledger, mapping="jordan_wigner")
    with pytest.raises(LedgerError, match="vqe"):
        device(ledger, shots=300)


def test_a_plans_run_and_a_solvers_do_not_share_a_name(ledger):
    """Neither way round."""
    device(ledger)
    plan = MeasurementPlan.from_requests(energy_requests(1), target(), mapping=reduced())
    with pytest.raises(LedgerError, match="vqe"):
        PlanRun.start(plan, ledger, name="vqe")
    PlanRun.start(plan, ledger, name="plan")
    with pytest.raises(LedgerError, match="plan"):
        device(ledger, run="plan")


def test_expectations_are_exact_within_their_errors(ledger):
    """One call of many requests, and what was spent is known."""
    backend, door = device(ledger, where=target(sampling={"shots": 8192}))
    found = backend.run(energy_requests(2))
    wanted = StatevectorBackend(mapping=reduced()).run(energy_requests(2))
    for one, exact in zip(found, wanted, strict=True):
        assert (np.abs(one.values - exact.values) < 5 * np.sqrt(one.variances)).all()
    assert door.n_sent == 1
    assert backend.usage.n_jobs == 1
    assert 2 * 8192 <= backend.usage.n_shots <= 2 * 8192 + 4


def test_calls_are_numbered(ledger):
    """The same question a second time is a second measurement, and is replayed as such."""
    backend, _ = device(ledger)
    one, two = (backend.run(energy_requests(1))[0].values for _ in range(2))
    assert (one != two).any()
    backend, door = device(ledger)
    for wanted in (one, two):
        assert (backend.run(energy_requests(1))[0].values == wanted).all()
    assert door.n_sent == 0


def test_a_readout_calibration_is_measured_once_for_an_evaluator(ledger):
    """It comes with the first call; later ones are the points alone."""
    where = target("local_fake_manila", sampling={"shots": 400}, mitigation={"symmetry": None})
    backend, _ = device(ledger, where=where)
    (request,) = energy_requests(1)
    evaluator = backend.prepare(request)
    for _ in range(2):
        evaluator(request.preparation.params)
    first, second = (
        [program.is_physical for program in ledger.task(one.key).programs]
        for one in ledger.tasks("vqe")
    )
    assert sum(first) == 2
    assert not any(second)


def test_bits_are_counted_and_replayed(ledger):
    """A Boltzmann machine's samples, with a measurement in the middle of its circuit."""
    samples = []
    for _ in range(2):
        backend, door = device(ledger, mapping="jordan_wigner")
        samples.append(sample_gibbs([0.4], [-0.2], [[0.9]], backend=backend, shots=2000, seed=1))
    exact = sample_gibbs([0.4], [-0.2], [[0.9]], backend=StatevectorBackend(shots=10**6), seed=2)
    assert (samples[0].visible() == samples[1].visible()).all()
    assert door.n_sent == 0
    assert samples[0].acceptance == pytest.approx(exact.acceptance, abs=0.06)


def test_expectations_of_the_provider_are_asked_for(ledger):
    """With an estimator the programs are its batches, with a sentinel that it can measure."""
    server = FakeServer()
    where = replace_budget(
        target("ibm_open", primitive="estimator", mitigation={"readout": None, "symmetry": None})
    )
    adapter = FakeAdapter(server, clock=ledger.clock)
    for _ in range(2):
        backend, door = device(ledger, where=where, adapter=adapter, shots=1000)
        (found,) = backend.run(energy_requests(1))
    (wanted,) = StatevectorBackend(mapping=reduced()).run(energy_requests(1))
    np.testing.assert_allclose(found.values, wanted.values, atol=1e-9)
    assert door.n_sent == 0
    assert backend.usage.n_shots == 1000
    with pytest.raises(CapabilityError, match='primitive = "sampler"'):
        backend.count_door(None)
    server.close()


def replace_budget(where):
    """The target with money for the fake provider."""
    return where.model_copy(update={"budget": where.budget.model_copy(update={"max_usd": 1e4})})


def test_over_budget_nothing_is_sent(ledger):
    """And the same script goes on once the budget is raised."""
    poor = target(sampling={"shots": 400}, budget={"max_jobs": 2})
    backend, door = device(ledger, where=poor)
    with pytest.raises(BudgetError, match="max_jobs"):
        search(backend)
    assert door.n_sent == 2
    backend, _ = device(ledger, where=target(sampling={"shots": 400}))
    found = search(backend)
    other, _ = device(ledger)
    assert same(search(other), found)


def test_a_failed_job_is_told_and_sent_again_only_if_asked(ledger):
    """The search stands where it was."""
    server = FakeServer()
    where = replace_budget(target(sampling={"shots": 400}))
    adapter = FakeAdapter(server, clock=ledger.clock, faults=Faults([("submit", "failed_job")]))
    backend, _ = device(ledger, where=where, adapter=adapter)
    with pytest.raises(HardwareError, match="resubmit_failed = true"):
        backend.run(energy_requests(1))
    again = where.model_copy(
        update={"retry": where.retry.model_copy(update={"resubmit_failed": True})}
    )
    backend, door = device(ledger, where=again, adapter=adapter)
    backend.run(energy_requests(1))
    assert door.n_sent == 1
    server.close()


def test_answers_are_read_once_by_a_process(ledger):
    """A long search does not read all that it was answered before at every call."""

    class Reading(FakeAdapter):
        n_decoded = 0

        def decode(self, raw, payload):
            self.n_decoded += 1
            return super().decode(raw, payload)

    server = FakeServer()
    adapter = Reading(server, clock=ledger.clock)
    backend, _ = device(ledger, where=replace_budget(target()), adapter=adapter)
    for _ in range(8):
        backend.run(energy_requests(1))
    assert adapter.n_decoded <= 16  # once when it arrives, once when it is asked for
    server.close()


def test_what_is_wrong_with_a_job_is_a_warning(ledger):
    """Never averaged in silently."""

    class Flipped(FakeAdapter):
        def decode(self, raw, payload):
            answers = super().decode(raw, payload)
            answers[-1] = replace(answers[-1], outcomes=answers[-1].outcomes ^ np.uint64(3))
            return answers

    server = FakeServer()
    adapter = Flipped(server, clock=ledger.clock)
    backend, _ = device(ledger, where=replace_budget(target()), adapter=adapter)
    with pytest.warns(QmlmatWarning, match="call 1, job 1: the sentinel is off"):
        backend.run(energy_requests(1))
    server.close()


def test_a_clean_job_warns_of_nothing(ledger):
    """An ideal simulator has no flags."""
    backend, _ = device(ledger)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        backend.run(energy_requests(1))


def test_shots_are_needed(ledger):
    """A target that chooses by an error has none for a solver."""
    where = target(sampling={"shots": None, "target_error": 1e-3})
    backend, _ = device(ledger, where=where)
    with pytest.raises(CapabilityError, match="shots=8192"):
        backend.run(energy_requests(1))
