"""Surfaces on other backends: error bars from point to store, table and figure."""

from __future__ import annotations

import numpy as np
import pytest
from rich.console import Console

import qmlmat as qm
from qmlmat.errors import StoreMismatchError
from qmlmat.report.curve_plot import draw_curves

H2 = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735")
LENGTHS = [0.6, 0.9, 1.2, 1.5]


def surface(shots, *, seed=1, n_states=1):
    mapping = qm.molecular_hamiltonian(H2).qubit_mapping("parity", reduced=True)
    vqe = qm.VQE("uccsd", screening=qm.Screening(), exact_search=True)
    solver = vqe if n_states == 1 else qm.EOM(ground=vqe)
    backend = qm.StatevectorBackend(mapping=mapping, shots=shots)
    return qm.SolverSurface(
        H2, qm.ActiveSpace(), solver, seed=seed, backend=backend, n_states=n_states
    )


def scanned(where, store=None):
    return qm.scan(where, qm.stretch(H2, (0, 1), LENGTHS), store=store)


def test_a_backend_without_shots_changes_no_energy():
    """The exact statevector gives the curve of the sector simulator."""
    exact = qm.SolverSurface(H2, qm.ActiveSpace(), qm.VQE("uccsd"))
    found = scanned(surface(None))
    assert found.energies == pytest.approx(scanned(exact).energies, abs=1e-9)
    assert np.isnan(found.stderr).all()


def test_error_bars_are_stored_and_read_back(tmp_path):
    """What was measured keeps its error bars in the store; the same seed gives the same curve."""
    store = tmp_path / "h2.db"
    found = scanned(surface(4000), store)
    assert (found.stderr > 0).all()
    assert (np.abs(found.errors) < 5 * found.stderr[:, 0]).all()
    read = qm.load_scan(store)
    assert np.array_equal(read.stderr, found.stderr)
    assert np.array_equal(scanned(surface(4000)).energies, found.energies)


def test_errors_of_points_are_independent():
    """Each geometry draws its own shots: the same draws would make errors one smooth curve."""
    found = scanned(surface(400, seed=5))
    pulls = found.errors / found.stderr[:, 0]
    assert np.abs(np.diff(pulls)).min() > 0.02


def test_a_store_of_another_backend_is_refused(tmp_path):
    """Energies of other shots are another surface."""
    store = tmp_path / "h2.db"
    scanned(surface(4000), store)
    with pytest.raises(StoreMismatchError, match="shots"):
        scanned(surface(8000), store)


@pytest.mark.parametrize("n_states", [1, 3])
def test_tables_and_figures_show_the_bars(n_states):
    """A column of error bars in the table; bars on energies and errors in the figure."""
    found = scanned(surface(4000, n_states=n_states))
    console = Console(width=160, record=True)
    console.print(qm.scan_table(found))
    text = console.export_text()
    assert "± (68 %)" in text
    figure = draw_curves(found)
    bars = [len(axes.containers) for axes in figure.axes]
    assert bars == [n_states, n_states]
    words = " ".join(one.get_text() for one in figure.texts)
    assert "bars are one standard error" in " ".join(words.split())
    assert "4000 shots" in words
